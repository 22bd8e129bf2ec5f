"""Small tables that the tests of this folder write and read."""

from pathlib import Path

import numpy as np

from caviar.data.dataset import Column, Dataset, Schema


def write(folder: Path, text: str | bytes, name: str = "table.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def people(rows: int = 60, seed: int = 0) -> str:
    """A CSV of people with a number, a category, a yes/no column and a class."""
    random = np.random.default_rng(seed)
    lines = ["height,colour,smokes,grade"]
    for _ in range(rows):
        colour = ("red", "green", "blue")[random.integers(3)]
        smokes = ("yes", "no")[random.integers(2)]
        lines.append(f"{random.normal(170, 10):.3f},{colour},{smokes},{('low', 'high')[random.integers(2)]}")
    return "\n".join(lines) + "\n"


def table_of(values: np.ndarray, targets: np.ndarray, task: str = "classification", classes: int = 2) -> Dataset:
    """A data set of plain numbers, made without reading anything.

    Args:
        values: float64 [N, D].
        targets: [N].
    """
    names = tuple(str(at) for at in range(classes)) if task == "classification" else ()
    columns = {f"x{at}": values[:, at].astype(np.float64) for at in range(values.shape[1])}
    schema = Schema(tuple(Column(name, "number") for name in columns), "y", task, names)
    kind = np.int32 if task == "classification" else np.float64
    return Dataset("made", schema, columns, targets=targets.astype(kind))


def blobs(rows: int, classes: int = 2, seed: int = 0, task: str = "classification") -> Dataset:
    """Rows of three random numbers with a random target."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(rows, 3))
    targets = random.integers(0, classes, rows) if task == "classification" else random.normal(size=rows)
    return table_of(values, targets, task, classes)
