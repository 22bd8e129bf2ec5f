"""Arrays and plain values as one safetensors file, the same bytes for the same content, written whole or not at all.

The header is written here rather than by the library for two reasons: the file's bytes must depend on its content alone
(checkpoints are named by their hash), and a state that fills most of the memory cannot be copied into one more piece.
Reading is left to the library, which checks every bound. Nothing in the format can be executed.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from caviar.records import plain as plain_values

_TYPES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "uint16": "U16",
    "int16": "I16",
    "uint32": "U32",
    "int32": "I32",
    "uint64": "U64",
    "int64": "I64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
}
_LARGEST_HEADER = 100_000_000  # bytes, as in the safetensors library


@dataclass(frozen=True)
class Tensors:
    """The bytes of one file: its header, then each array's memory, not copied.

    Args:
        header: length and JSON.
        arrays: in C order and little-endian, sorted by item size (largest first, so all are aligned), then by name.
    """

    header: bytes
    arrays: tuple[np.ndarray, ...]

    def chunks(self) -> Iterable[memoryview]:
        """What to write, in order."""
        yield memoryview(self.header)
        for array in self.arrays:
            if array.size:  # a view of nothing cannot be cast to bytes
                yield array.reshape(-1).view(np.uint8).data

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return len(self.header) + sum(array.nbytes for array in self.arrays)


def lay_out(arrays: Mapping[str, Any], about: str) -> Tensors:
    """The file's bytes for named arrays and one text.

    Args:
        arrays: by name; whatever NumPy makes an array of.
        about: the text kept beside them.

    Raises:
        TypeError: an array's type is not a plain number or boolean.
    """
    ready = {str(name): _ready(str(name), array) for name, array in arrays.items()}
    names = sorted(ready, key=lambda name: (-ready[name].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": {"caviar": about}}
    place = 0
    for name in names:
        array = ready[name]
        ends = place + array.nbytes
        header[name] = {"dtype": _TYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [place, ends]}
        place = ends
    text = json.dumps(header, separators=(",", ":")).encode("ascii")
    text += b" " * (-len(text) % 8)
    return Tensors(len(text).to_bytes(8, "little") + text, tuple(ready[name] for name in names))


def _ready(name: str, array: Any) -> np.ndarray:
    found = np.asarray(array, order="C")
    if found.dtype.name not in _TYPES or name == "__metadata__":
        raise TypeError(f"Array '{name}' of type {found.dtype} cannot be stored; known are {', '.join(_TYPES)}.")
    return found.astype(found.dtype.newbyteorder("<"), copy=False)


def read(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """The arrays and the text of a file that `lay_out` laid out.

    Raises:
        FileNotFoundError, OSError: there is none, or it cannot be read.
        ValueError: it is something else, or cut short.
    """
    _check_beginning(path)
    try:
        with safe_open(path, framework="numpy") as opened:
            about = (opened.metadata() or {}).get("caviar")
            names = list(opened.keys())
            arrays = {name: np.require(opened.get_tensor(name), requirements="W") for name in names}
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    if about is None:
        raise ValueError("it holds arrays, but nothing that Caviar wrote")
    return arrays, about


def _check_beginning(path: Path) -> None:
    """The library maps the file and reads the header whole, so its length is looked at first."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        size = os.fstat(stream.fileno()).st_size
    if size < 8 or not 2 <= length <= min(size - 8, _LARGEST_HEADER):
        raise ValueError("its beginning is not that of a safetensors file, or its end is missing")


def write_whole(path: Path, chunks: Iterable[memoryview | bytes]) -> None:
    """Write a file so that its name always leads to all of it: aside, synced, renamed, the folder synced.

    Raises:
        OSError: the disk is full, the folder cannot be written, or a device lies there, whose place a file would take;
            nothing is left behind.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(0, "it is no ordinary file")
    # Not `tempfile`: its files are for their owner alone, and a model is for whoever may read the folder.
    aside = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with aside.open("xb") as stream:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(path)
    except BaseException:
        with suppress(OSError):
            aside.unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows opens no folders, and its rename is on the disk when it returns
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def from_text(about: str, kind: str) -> dict[str, Any]:
    """The envelope that `to_text` wrote.

    Raises:
        ValueError: it is not JSON, or of another kind.
    """
    found = plain_values.decode(about)
    if not isinstance(found, dict) or found.get("kind") != kind:
        other = found.get("kind") if isinstance(found, dict) else None
        raise ValueError(f"it is a {other}, not a {kind}" if isinstance(other, str) else f"it is no {kind}")
    return found


def to_text(kind: str, version: int, content: Mapping[str, Any]) -> str:
    """The envelope of a file's plain values: what kind of file it is and which version wrote it."""
    return plain_values.encode({"kind": kind, "version": version, **content})


def describe(error: Exception) -> str:
    """An error of the file system or of a damaged file, in a few words."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error).rstrip(".")
