"""What a file is, found by looking at its bytes; names and suffixes only break ties in folders."""

import gzip
import zlib
from pathlib import Path

from caviar.errors import DataError

PART_WORDS = {
    "train": 0,
    "training": 0,
    "dev": 1,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "test": 2,
    "testing": 2,
}
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")

_MAGIC = (
    (b"PAR1", "parquet"),
    (b"\x93NUMPY", "npy"),
    (b"PK\x03\x04", "zip"),
    (b"\x89HDF\r\n\x1a\n", "h5"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"GIF8", "image"),
    (b"BM", "image"),
)
_FOREIGN = (
    (b"%PDF", "a PDF document"),
    (b"\x80\x04\x95", "a Python pickle, which could run any code"),
    (b"\x80\x05\x95", "a Python pickle, which could run any code"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"Rar!", "a RAR archive"),
    (b"[{", "JSON"),
    (b'{"', "JSON"),
    (b"7z\xbc\xaf", "a 7z archive"),
)
_HEAD = 4096


def existing(source: str | Path) -> Path:
    """The path of a file or folder that is there.

    Raises:
        DataError: there is nothing at the path, or something that is neither file nor folder.
    """
    if "://" in str(source):
        raise DataError(f"'{source}' is an address, and nothing is fetched from the net. Download the file first.")
    path = Path(source).expanduser()
    try:
        if path.is_dir() or path.is_file():
            return path
        there = path.exists()
    except (OSError, ValueError) as error:
        raise DataError(f"'{source}' is no path that can be opened ({error}). Give a file or a folder.") from None
    if there:
        raise DataError(f"'{source}' is neither a file nor a folder. Copy its content into a file first.")
    raise DataError(f"There is no file or folder '{source}'.{_near(path)}")


def _near(path: Path) -> str:
    import difflib

    try:
        names = [entry.name for entry in path.parent.iterdir()][:10_000]
    except OSError:
        return f" The folder '{path.parent}' does not exist either."
    near = difflib.get_close_matches(path.name, names, n=3)
    return f" Did you mean {' or '.join(repr(str(path.parent / name)) for name in near)}?" if near else ""


def kind_of(path: Path) -> str:
    """What a file holds: "text", "parquet", "npz", "npy", "idx", "tar", "h5" or "image", gzipped or not.

    Raises:
        DataError: the file is empty, unreadable, or of a kind that is not read.
    """
    head = head_of(path)
    if not head.strip():
        raise DataError(f"'{path}' is empty. Give a file with a header and at least two rows.")
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise DataError(f"'{path}' is {what}. Save the data as CSV or Parquet.")
    for magic, kind in _MAGIC:
        if head.startswith(magic) and (magic != b"BM" or b"\0" in head):
            return _zip_kind(path) if kind == "zip" else kind
    if head[257:262] == b"ustar":
        return "tar"
    if head[:2] == b"\0\0" and head[2:3] in (b"\x08", b"\x09", b"\x0b", b"\x0c", b"\x0d", b"\x0e"):
        return "idx"
    # Zero bytes stand in no text but UTF-16, and UTF-16 is told by its mark.
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(f"'{path}' is a binary file of a kind that is not read. Save the data as CSV, Parquet or NPZ.")
    return "text"


def head_of(path: Path) -> bytes:
    """The first bytes of a file, unpacked where it is gzipped.

    Raises:
        DataError: the file cannot be opened, or its gzip is damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head[:2] != b"\x1f\x8b":
            return head
        with gzip.open(path) as unpacked:
            return unpacked.read(_HEAD)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read ({error}).") from None


def unpacked(path: Path) -> bytes:
    """All bytes of a file, unpacked where it is gzipped.

    Raises:
        DataError: the file cannot be opened, or its gzip is damaged.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read ({error}).") from None


def part_of(name: str) -> int:
    """The set that a file's name tells of: 0 train, 1 dev, 2 test, -1 none.

    >>> part_of("train-images-idx3-ubyte.gz"), part_of("t10k-images-idx3-ubyte.gz"), part_of("sheep.csv")
    (0, 2, -1)
    """
    words = name.lower().replace("_", " ").replace("-", " ").replace(".", " ").split()
    for word in words:
        if word in PART_WORDS:
            return PART_WORDS[word]
        # MNIST's own name for its test part, t10k, and others of its form.
        if word[:1] == "t" and word[-1:] == "k" and word[1:-1].isdigit():
            return 2
    return -1


def _zip_kind(path: Path) -> str:
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile:
        raise DataError(f"'{path}' is a damaged zip archive. Copy it again.") from None
    if names and all(name.endswith(".npy") for name in names):
        return "npz"
    if any(name.startswith("xl/") for name in names):
        raise DataError(f"'{path}' is an Excel workbook. Save the sheet as CSV.")
    raise DataError(f"'{path}' is a zip archive. Unpack it and give the folder or the file in it.")
