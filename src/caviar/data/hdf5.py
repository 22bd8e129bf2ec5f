"""HDF5 files of images with labels (train_…_x, train_…_y, as the cats' ones) become pixels; needs the extra `hdf5`."""

from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.formats import part_of
from caviar.data.frames import Pixels
from caviar.data.table import Cells
from caviar.data.values import number_text
from caviar.errors import DataError


def read_hdf5(path: Path) -> Pixels:
    """Images and labels from one .h5 file, or from a folder of them whose names tell the set.

    Raises:
        DataError: h5py is not installed, or a file holds no images.
    """
    try:
        import h5py
    except ImportError:
        raise DataError(
            f"'{path}' is an HDF5 file, which needs h5py. Install it by: pip install 'caviar[hdf5]'."
        ) from None
    files = [path] if path.is_file() else sorted(entry for entry in path.iterdir() if entry.suffix in (".h5", ".hdf5"))
    sets: list[tuple[int, np.ndarray, np.ndarray | None]] = []
    for name in files:
        try:
            with h5py.File(name, "r") as file:
                sets += _sets(file, name)
        except OSError as error:
            raise DataError(f"'{name}' is a damaged HDF5 file ({error}). Copy it again.") from None
    sets.sort(key=lambda found: found[0])
    if len({pixels.shape[1:] for _, pixels, _ in sets}) != 1:
        raise DataError(f"The images in '{path}' differ in size. Bring them to one size.")
    pixels = np.concatenate([images for _, images, _ in sets])
    known = [labels for _, _, labels in sets if labels is not None]
    labels = None
    if len(known) == len(sets):
        labels = Cells("category", np.concatenate(known))
    parts = np.repeat(np.array([part for part, _, _ in sets], dtype=np.int8), [len(images) for _, images, _ in sets])
    given = parts if len(set(parts.tolist())) > 1 and (parts == 0).any() else None
    return Pixels(path.name, pixels, labels, given)


def _sets(file: Any, path: Path) -> list[tuple[int, np.ndarray, np.ndarray | None]]:
    names = [name for name in file if hasattr(file[name], "shape")]
    images = [name for name in names if file[name].ndim in (3, 4) and file[name].dtype == np.uint8]
    if not images:
        raise DataError(
            f"'{path}' holds no images (uint8, three or four axes); it holds {', '.join(names) or 'nothing'}."
        )
    words = next((np.asarray(file[name]) for name in names if "classes" in name), None)
    found = []
    for name in images:
        pixels = np.asarray(file[name])
        goal = name[:-1] + {"x": "y", "X": "Y"}.get(name[-1], "")
        labels = np.asarray(file[goal]).reshape(-1) if goal != name[:-1] and goal in file else None
        if labels is not None and len(labels) != len(pixels):
            raise DataError(f"'{path}' holds {len(pixels)} images but {len(labels)} labels. Give one label an image.")
        part = part_of(name) if part_of(name) >= 0 else part_of(path.name)
        found.append((part, pixels if pixels.ndim == 4 else pixels[..., None], _named(labels, words)))
    return found


def _named(labels: np.ndarray | None, words: np.ndarray | None) -> np.ndarray | None:
    """The labels as texts: the class's name where the file lists names, else the number."""
    if labels is None:
        return None
    names = None if words is None else [w.decode() if isinstance(w, bytes) else str(w) for w in words.tolist()]
    whole = labels.astype(np.int64)
    texts = np.empty(len(labels), dtype=object)
    fits = names is not None and whole.min(initial=0) >= 0 and whole.max(initial=0) < len(names)
    texts[:] = [names[at] if fits and names else number_text(float(at)) for at in whole.tolist()]
    return texts
