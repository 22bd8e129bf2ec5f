"""MNIST's idx files become pixels; a test part in the same folder stays the test set."""

import re
from pathlib import Path

import numpy as np

from caviar.data.formats import kind_of, part_of, unpacked
from caviar.data.frames import Pixels
from caviar.data.table import Cells
from caviar.errors import DataError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_array(path: Path) -> np.ndarray:
    """The array in an idx file, gzipped or not.

    Source: the format's description on http://yann.lecun.com/exdb/mnist: two zero bytes, type, number of axes, the
    axes' lengths as big-endian 32-bit numbers, then the values.

    Raises:
        DataError: the file is shorter or longer than its head says.
    """
    content = unpacked(path)
    if len(content) < 4 or content[2] not in _TYPES or len(content) < 4 + 4 * content[3]:
        raise DataError(f"'{path}' is no whole idx file. Copy it again.")
    kind, axes = np.dtype(_TYPES[content[2]]), content[3]
    shape = tuple(int(length) for length in np.frombuffer(content, dtype=">u4", count=axes, offset=4))
    size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
    if len(content) != 4 + 4 * axes + size:
        raise DataError(
            f"'{path}' should hold {size} bytes of values but holds {len(content) - 4 - 4 * axes}. Copy it again."
        )
    return (
        np.frombuffer(content, dtype=kind, offset=4 + 4 * axes)
        .reshape(shape)
        .astype(kind.newbyteorder("="), copy=False)
    )


def read_idx(path: Path) -> Pixels:
    """Images and labels from a folder of idx files, or from one file of images with the labels beside it.

    Raises:
        DataError: images are missing, or a set has not as many labels as images.
    """
    names = [path] if path.is_file() else sorted(entry for entry in path.iterdir() if looks_like_idx(entry))
    arrays = {name: read_array(name) for name in names}
    images = {name: values for name, values in arrays.items() if values.ndim >= 3}
    if not images:
        raise DataError(f"'{path}' holds no idx file of images (three axes). Add the one called …-images-idx3-ubyte.")
    sets = [(part_of(name.name) if len(images) > 1 else -1, values, _labels(name)) for name, values in images.items()]
    sets.sort(key=lambda found: found[0])
    shapes = {values.shape[1:] for _, values, _ in sets}
    if len(shapes) > 1 or any(values.dtype != np.uint8 or values.ndim > 4 for _, values, _ in sets):
        raise DataError(f"The images in '{path}' must be of one size and of whole numbers from 0 to 255. They are not.")
    pixels = np.concatenate([values for _, values, _ in sets])
    known = [labels for _, _, labels in sets if labels is not None]
    labels = Cells("number", np.concatenate(known).astype(np.float64)) if len(known) == len(sets) else None
    parts = np.repeat(np.array([part for part, _, _ in sets], dtype=np.int8), [len(values) for _, values, _ in sets])
    if len(sets) == 1 or not (parts == 0).any():
        parts = np.full(len(pixels), -1, dtype=np.int8)
    given = None if (parts < 0).all() else parts
    return Pixels(path.name, pixels if pixels.ndim == 4 else pixels[..., None], labels, given)


def looks_like_idx(path: Path) -> bool:
    """Whether a file is an idx file, by name and content."""
    if not path.is_file() or not re.search(r"idx\d|ubyte", path.name):
        return False
    return kind_of(path) == "idx"


def _labels(images: Path) -> np.ndarray | None:
    """The labels that belong to a file of images: of the same name with "labels" and one axis."""
    stem = re.sub(r"[-_.]idx\d.*$", "", images.name)
    wanted = re.sub("images?", "labels", stem)
    if wanted == stem:
        return None
    beside = [entry for entry in images.parent.iterdir() if entry.name.startswith(wanted) and looks_like_idx(entry)]
    if not beside:
        return None
    labels = read_array(sorted(beside)[0])
    count = len(read_head(images))
    if labels.ndim != 1 or len(labels) != count:
        raise DataError(
            f"'{images.name}' holds {count} images but '{beside[0].name}' {len(labels)} labels. Copy them again."
        )
    return labels


def read_head(path: Path) -> range:
    """The rows of an idx file, from its head alone."""
    from caviar.data.formats import head_of

    return range(int(np.frombuffer(head_of(path), dtype=">u4", count=1, offset=4)[0]))
