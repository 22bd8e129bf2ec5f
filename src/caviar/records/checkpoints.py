"""Checkpoints: files named by the SHA-256 of their content, so that a name proves what is in it.

Equal states are stored once, a file that is there is never touched again, and a damaged one is found on reading.
"""

import errno
import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import StudyError
from caviar.records import tensors

_KIND = "checkpoint"
_VERSION = 1
_NAME = re.compile(r"[0-9a-f]{64}")
_ABANDONED = 3600.0  # seconds after which a file written aside belongs to a process that was killed
_PIECE = 1 << 20  # bytes read at a time


def file_of(folder: str | Path, sha256: str) -> Path:
    """Where a checkpoint lies.

    Raises:
        StudyError: that is not a SHA-256, so no path can be made of it.
    """
    if not _NAME.fullmatch(sha256):
        raise StudyError(f"A checkpoint is named by 64 hexadecimal digits. Got {sha256!r:.80}.")
    return Path(folder) / f"{sha256}.safetensors"


def save(folder: str | Path, arrays: Mapping[str, Any], plain: Mapping[str, Any]) -> str:
    """Store arrays and plain values; the same content gives the same name, and is written once.

    Args:
        folder: made where there is none.
        arrays: by name, of booleans, integers or floats, any shape.
        plain: plain values (see `records.plain`).

    Returns:
        The SHA-256 of the file's bytes, in hexadecimal.

    Raises:
        StudyError: the disk is full or the folder cannot be written; no torn file is left.
        TypeError: an array or a value cannot be stored.
    """
    content = tensors.lay_out(arrays, tensors.to_text(_KIND, _VERSION, {"plain": plain}))
    digest = hashlib.sha256()
    for chunk in content.chunks():
        digest.update(chunk)
    path = file_of(folder, digest.hexdigest())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A file of another size under this name was torn from outside; it is put right.
        if not path.is_file() or path.stat().st_size != content.size:
            tensors.write_whole(path, content.chunks())
    except OSError as error:
        raise _cannot_write(path.parent, content.size, error) from error
    return digest.hexdigest()


def _cannot_write(folder: Path, size: int, error: OSError) -> StudyError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StudyError(
            f"The disk with '{folder}' is too full for a checkpoint of {size / 1e6:.1f} MB. "
            "Free some space, then run `caviar resume`; the earlier checkpoints are whole."
        )
    return StudyError(
        f"No checkpoint can be written to '{folder}': {tensors.describe(error)}. Check the folder's rights."
    )


def load(folder: str | Path, sha256: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and plain values of a checkpoint, once its content has been compared with its name.

    Raises:
        StudyError: the file is missing, damaged, or written by another version.
    """
    path = file_of(folder, sha256)
    try:
        if _digest(path) != sha256:
            raise StudyError(f"The checkpoint '{path}' is damaged: its content is not what its name says. Delete it.")
        arrays, about = tensors.read(path)
        envelope = tensors.from_text(about, _KIND)
    except FileNotFoundError:
        raise StudyError(f"The checkpoint '{path}' is missing. Put it back, or resume from an earlier one.") from None
    except (OSError, ValueError) as error:
        raise StudyError(f"The checkpoint '{path}' cannot be read: {tensors.describe(error)}.") from error
    if envelope.get("version") != _VERSION or not isinstance(envelope.get("plain"), dict):
        raise StudyError(
            f"The checkpoint '{path}' is of version {envelope.get('version')}; this Caviar reads {_VERSION}."
        )
    return arrays, envelope["plain"]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def prune(folder: str | Path, keep: Iterable[str]) -> int:
    """Delete the checkpoints that nobody needs, and what killed processes left half written.

    Args:
        folder: of checkpoints; files of other names are left alone.
        keep: the names (SHA-256) that stay.

    Returns:
        Bytes freed.
    """
    wanted = {f"{sha256}.safetensors" for sha256 in keep}
    freed = 0
    for path in sorted(Path(folder).glob("*")) if Path(folder).is_dir() else ():
        old = path.suffix == ".safetensors" and _NAME.fullmatch(path.stem) is not None and path.name not in wanted
        with suppress(OSError):  # another process may prune as well
            found = path.stat()
            if old or (path.suffix == ".part" and time.time() - found.st_mtime > _ABANDONED):
                path.unlink()
                freed += found.st_size
    return freed
