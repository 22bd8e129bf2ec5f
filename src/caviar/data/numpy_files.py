"""NumPy's and Parquet's files become tables or pixels."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from caviar.data.formats import PART_WORDS
from caviar.data.frames import Pixels, attached, columns_of, from_frame, from_memory
from caviar.data.table import Table
from caviar.errors import DataError

# The name of the column that tells the ready-made set of each row; `read` uses it without being asked.
SET_COLUMN = "set (given)"
_INPUT_KEYS = ("x", "data", "images", "inputs", "features")
_TARGET_KEYS = ("y", "target", "targets", "labels", "label")


def read_parquet(path: Path) -> Table:
    """A table from a Parquet file.

    Raises:
        DataError: the file is damaged.
    """
    import narwhals
    import polars

    try:
        frame = polars.read_parquet(path)
    except (polars.exceptions.PolarsError, OSError) as error:
        raise DataError(f"'{path}' is a damaged Parquet file ({str(error).splitlines()[0]}). Write it again.") from None
    return from_frame(narwhals.from_native(frame, eager_only=True), path.name)


def read_npz(path: Path, target: str | None = None) -> Table | Pixels:
    """Arrays from an NPZ or NPY file: x and y, also as x_train, y_train, x_test …, or one array a column.

    Raises:
        DataError: the file holds Python objects (never loaded), or arrays that do not fit together.
    """
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = {"x": loaded} if isinstance(loaded, np.ndarray) else {key: loaded[key] for key in loaded.files}
    except (ValueError, OSError, EOFError) as error:
        reason = "it holds Python objects, which are never loaded" if "pickle" in str(error) else str(error)
        raise DataError(f"'{path}' cannot be read ({reason}). Save plain arrays of numbers or texts.") from None
    sets = _sets(arrays, target)
    if not sets:
        if not arrays:
            raise DataError(f"'{path}' holds no arrays. Save x and y in it.")
        return columns_of(arrays, path.name)
    _check_sets(sets, path)
    parts = np.repeat(np.array([part for part, _, _ in sets], dtype=np.int8), [len(x) for _, x, _ in sets])
    inputs = np.concatenate([x for _, x, _ in sets])
    labels = None if any(y is None for _, _, y in sets) else np.concatenate([y for _, _, y in sets if y is not None])
    whole = from_memory((inputs, labels), path.name)
    if len(sets) == 1 and sets[0][0] < 0:
        return whole
    if isinstance(whole, Pixels):
        return replace(whole, parts=parts)
    return attached(whole, SET_COLUMN, np.array(["train", "dev", "test"])[parts])[0]


def _sets(arrays: Mapping[str, np.ndarray], target: str | None) -> list[tuple[int, np.ndarray, np.ndarray | None]]:
    """The (part, x, y) that the names tell of; empty where they tell of none."""
    lower = {key.lower(): key for key in arrays}
    found: list[tuple[int, np.ndarray, np.ndarray | None]] = []
    for part in ("", *PART_WORDS):
        words = [(f"{key}_{part}", f"{part}_{key}") if part else (key,) for key in _INPUT_KEYS]
        x = next((lower[word] for group in words for word in group if word in lower), None)
        if x is None or arrays[x].ndim < 2:
            continue
        goals = [(f"{key}_{part}", f"{part}_{key}") if part else (key,) for key in _TARGET_KEYS]
        y = (
            target
            if target in arrays
            else next((lower[word] for group in goals for word in group if word in lower), None)
        )
        found.append((PART_WORDS.get(part, -1), arrays[x], None if y is None else arrays[y]))
    return found


def _check_sets(sets: list[tuple[int, np.ndarray, np.ndarray | None]], path: Path) -> None:
    shapes = {x.shape[1:] for _, x, _ in sets}
    if len(shapes) > 1:
        raise DataError(
            f"The sets in '{path}' have inputs of different shapes ({sorted(shapes)}). Give them one shape."
        )
    for _, x, y in sets:
        if y is not None and len(x) != len(y):
            raise DataError(f"'{path}' holds {len(x)} inputs but {len(y)} targets in one set. Give one target a row.")
