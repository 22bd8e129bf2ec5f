"""Files beside a study's database: named by their content, and noted in the store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caviar.records import checkpoints
from caviar.records.entries import Artefact
from caviar.records.store import Store


def add(
    store: Store, kind: str, folder: Path, arrays: Mapping[str, Any], plain: Mapping[str, Any], about: Mapping[str, Any]
) -> str:
    """Write a file and note it.

    Args:
        kind: of file.
        folder: within the study's, for files of this kind.
        arrays, plain: what it holds (see `checkpoints.save`).
        about: what the store says of it.

    Returns:
        Its name, the SHA-256 of its content.
    """
    sha = checkpoints.save(folder, arrays, plain)
    path = checkpoints.file_of(folder, sha)
    store.add_artefact(sha, kind, path.relative_to(folder.parent).as_posix(), path.stat().st_size, about)
    return sha


def remove(store: Store, study: Path, artefact: Artefact) -> None:
    """Forget a file, and delete it.

    Args:
        study: the study's folder.
    """
    store.remove_artefact(artefact.sha256, artefact.kind)
    (study / artefact.path).unlink(missing_ok=True)
