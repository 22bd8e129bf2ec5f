"""Model files: one `*.caviar` file with arrays and plain values, which executes nothing when it is opened."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import ModelError
from caviar.records import plain as plain_values
from caviar.records import tensors

SUFFIX = ".caviar"
VERSION = 1
_KIND = "model"


def save(path: str | Path, arrays: Mapping[str, Any], plain: Mapping[str, Any]) -> Path:
    """Write a model, whole or not at all; an earlier file of that name is replaced.

    Args:
        path: `.caviar` is added where it has no suffix.
        arrays: by name, of booleans, integers or floats.
        plain: schema, network, history, versions, ... as plain values.

    Returns:
        Where it lies.

    Raises:
        ModelError: it cannot be written there.
        TypeError: an array or a value cannot be stored.
    """
    path = Path(path)
    path = path if path.suffix or not path.name else path.with_suffix(SUFFIX)  # "." has no name to end
    text = tensors.to_text(_KIND, VERSION, {"plain": plain, "sha256": _digest(arrays, plain_values.encode(plain))})
    try:
        if path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        tensors.write_whole(path, tensors.lay_out(arrays, text).chunks())
    except OSError as error:
        raise ModelError(
            f"The model cannot be written to '{path}': {tensors.describe(error)}. Choose another place."
        ) from error
    return path


def load(path: str | Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and plain values of a model file; every byte of them is checked.

    Raises:
        ModelError: there is no such file, it is not a model, it is damaged, or a newer Caviar wrote it.
    """
    path = Path(path)
    try:
        arrays, about = tensors.read(path)
        envelope = tensors.from_text(about, _KIND)
    except FileNotFoundError:
        raise ModelError(
            f"There is no model at '{path}'. Check the path; a run keeps its own at RUN/best{SUFFIX}."
        ) from None
    except IsADirectoryError:
        raise ModelError(f"'{path}' is a folder, not a model. A run keeps its model at RUN/best{SUFFIX}.") from None
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {tensors.describe(error)}.") from error
    except ValueError as error:
        raise ModelError(
            f"'{path}' is not a model, or it is damaged: {tensors.describe(error)}. Save or copy it anew."
        ) from error
    version = envelope.get("version")
    if version != VERSION:
        raise ModelError(
            f"'{path}' is a model of version {version}; this Caviar reads version {VERSION}. Upgrade Caviar."
        )
    plain = envelope.get("plain")
    if not isinstance(plain, dict) or envelope.get("sha256") != _digest(arrays, plain_values.encode(plain)):
        raise ModelError(f"'{path}' is damaged: its content is not what was saved. Save or copy it anew.")
    return arrays, plain


def _digest(arrays: Mapping[str, Any], text: str) -> str:
    """Of the arrays and the plain values, so that a flipped bit in a weight does not become a wrong prediction."""
    digest = hashlib.sha256()
    for chunk in tensors.lay_out(arrays, text).chunks():
        digest.update(chunk)
    return digest.hexdigest()
