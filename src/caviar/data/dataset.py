"""A data set as Caviar sees it: typed columns or pixels, targets, and what was inferred about them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from caviar.counts import count
from caviar.data.hashing import hash_columns, hash_numbers, hash_pixels, hash_texts, mix
from caviar.errors import DataError

KINDS = ("number", "category", "boolean", "date", "left_out")
PARTS = ("train", "dev", "test")


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: as in the file.
        kind: one of KINDS.
        reason: why it was left out, in words that end a sentence; empty for inputs.
        format: how its dates are written (strptime), so that new files are read alike; empty otherwise.
    """

    name: str
    kind: str
    reason: str = ""
    format: str = ""


@dataclass(frozen=True)
class Schema:
    """What a model must know about its data to read more of them.

    Args:
        columns: the columns in the order of the file, without the target; empty for images.
        target: the name of the target, None where there is none.
        task: "classification" or "regression".
        classes: the classes as text, in sorted order (by number where all are numbers); empty for regression.
        image_shape: height, width, channels; None for tables.
        header: False where the file named no columns, so that they are matched by place.

    >>> schema = Schema((Column("age", "number"),), "income", "classification", ("no", "yes"))
    >>> Schema.from_dict(schema.to_dict()).classes
    ('no', 'yes')
    """

    columns: tuple[Column, ...]
    target: str | None
    task: str
    classes: tuple[str, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    header: bool = True

    @property
    def inputs(self) -> tuple[Column, ...]:
        """The columns that a network sees."""
        return tuple(column for column in self.columns if column.kind != "left_out")

    def to_dict(self) -> dict[str, Any]:
        """The schema as plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Schema":
        """The schema that `to_dict` gave."""
        shape = plain.get("image_shape")
        return cls(
            columns=tuple(Column(**column) for column in plain["columns"]),
            target=plain["target"],
            task=plain["task"],
            classes=tuple(plain["classes"]),
            image_shape=None if shape is None else (int(shape[0]), int(shape[1]), int(shape[2])),
            header=plain.get("header", True),
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with their targets, in memory.

    Args:
        name: for people.
        schema: what was inferred.
        columns: tables: name -> float64 [N] (numbers, booleans, dates in days since 1970; NaN = missing) or
            object [N] (categories as text, None = missing), inputs only.
        pixels: images: uint8 [N, height, width, channels].
        targets: int32 [N] class indices (-1: unknown, at prediction only) or float64 [N]; None at prediction.
        weights: float64 [N], how much each row counts.
        parts: int8 [N], 0 train, 1 dev, 2 test, -1 not given: sets that came ready-made.
        groups: [N], rows of one group stay in one set.
        times: float64 [N], for splits by time.
        source: how to read it again: kind ("file", "sample", "sets" or "memory"), path, and `read`'s other arguments.
        notes: what was inferred and left out, in sentences.
    """

    name: str
    schema: Schema
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    pixels: np.ndarray | None = None
    targets: np.ndarray | None = None
    weights: np.ndarray | None = None
    parts: np.ndarray | None = None
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    source: Mapping[str, Any] = field(default_factory=lambda: {"kind": "memory"})
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """N, the number of rows."""
        if self.pixels is not None:
            return len(self.pixels)
        for values in self.columns.values():
            return len(values)
        return 0

    def __repr__(self) -> str:
        """What it is in one line; a session at a prompt shows this and not every row.

        >>> import caviar
        >>> caviar.read("iris")
        <Dataset 'iris': 150 rows, 4 inputs, target 'target': 3 classes>
        """
        shape = self.schema.image_shape
        inputs = len(self.schema.inputs)
        seen = f"images of {' × '.join(map(str, shape))}" if shape else f"{inputs} input{'s' * (inputs != 1)}"
        told = [f"{count(self.rows)} row{'s' * (self.rows != 1)}", seen]
        if self.schema.target is not None:
            classes = f"{len(self.schema.classes)} classes" if self.schema.classes else "numbers"
            told.append(f"target '{self.schema.target}': {classes}")
        return f"<Dataset '{self.name}': {', '.join(told)}>"

    def __str__(self) -> str:
        return "\n".join([repr(self)[1:-1], *self.notes])

    @cached_property
    def input_hashes(self) -> np.ndarray:
        """uint64 [N]: the content of each row without its target."""
        return hash_columns(self.columns, self.rows) if self.pixels is None else hash_pixels(self.pixels)

    @cached_property
    def hashes(self) -> np.ndarray:
        """uint64 [N]: the content of each row, inputs and target.

        A class counts by its text, not its index, so that a class that joins later changes no other row's hash.
        """
        if self.targets is None:
            return self.input_hashes
        if self.schema.task == "classification":
            texts = np.array([*self.schema.classes, None], dtype=object)
            target = hash_texts(texts)[self.targets]
        else:
            target = hash_numbers(self.targets)
        return mix(self.input_hashes ^ mix(target))

    @cached_property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that stand for all rows in their order."""
        return hashlib.blake2b(self.hashes.astype("<u8").tobytes(), digest_size=16).hexdigest()

    def take(self, rows: np.ndarray) -> "Dataset":
        """A data set of some of the rows, in the order given.

        Args:
            rows: row numbers, int [n].
        """
        picked: dict[str, Any] = {
            name: None if values is None else values[rows]
            for name, values in ((name, getattr(self, name)) for name in _ROW_FIELDS)
        }
        columns = {name: values[rows] for name, values in self.columns.items()}
        return replace(self, columns=columns, source={"kind": "memory"}, **picked)

    def save(self, folder: str | Path) -> None:
        """Write the data set into a folder: safetensors for arrays, JSON for the rest (never pickle)."""
        save(self, Path(folder))

    @classmethod
    def load(cls, folder: str | Path) -> "Dataset":
        """The data set that `save` wrote.

        Raises:
            DataError: the folder holds none, or a damaged one.
        """
        return load(Path(folder))


_ROW_FIELDS = ("pixels", "targets", "weights", "parts", "groups", "times")
_ARRAYS, _PLAIN = "dataset.safetensors", "dataset.json"


def save(dataset: Dataset, folder: Path) -> None:
    """Write a data set: numbers as they are, texts as codes with their table in the JSON."""
    from safetensors.numpy import save as to_bytes

    arrays: dict[str, np.ndarray] = {}
    texts: dict[str, list[str | None]] = {}
    named = {f"columns.{name}": values for name, values in dataset.columns.items()}
    named |= {name: getattr(dataset, name) for name in _ROW_FIELDS if getattr(dataset, name) is not None}
    for name, values in named.items():
        if values.dtype == object:
            texts[name], arrays[name] = _coded(values)
        else:
            arrays[name] = np.ascontiguousarray(values)
    plain = {
        "name": dataset.name,
        "schema": dataset.schema.to_dict(),
        "columns": list(dataset.columns),
        "texts": texts,
        "source": dict(dataset.source),
        "notes": list(dataset.notes),
    }
    folder.mkdir(parents=True, exist_ok=True)
    # The JSON comes last and aside: a folder without it was never finished.
    (folder / _ARRAYS).write_bytes(to_bytes(arrays))
    aside = folder / f"{_PLAIN}.part"
    aside.write_text(json.dumps(plain, ensure_ascii=False), encoding="utf-8")
    aside.replace(folder / _PLAIN)


def load(folder: Path) -> Dataset:
    """The data set that `save` wrote.

    Raises:
        DataError: the folder holds none, or a damaged one.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    try:
        plain = json.loads((folder / _PLAIN).read_text(encoding="utf-8"))
        arrays = from_bytes((folder / _ARRAYS).read_bytes())
    except (OSError, ValueError, SafetensorError) as error:
        raise DataError(f"'{folder}' holds no data set that can be loaded ({error}). Save it again.") from None
    for name, table in plain["texts"].items():
        arrays[name] = np.array([*table, None], dtype=object)[arrays[name]]
    return Dataset(
        name=plain["name"],
        schema=Schema.from_dict(plain["schema"]),
        columns={name: arrays[f"columns.{name}"] for name in plain["columns"]},
        source=plain["source"],
        notes=tuple(plain["notes"]),
        **{name: arrays.get(name) for name in _ROW_FIELDS},
    )


def _coded(values: np.ndarray) -> tuple[list[str | None], np.ndarray]:
    """The table of distinct texts, and each row's place in it (-1: missing)."""
    table = sorted({str(value) for value in values.tolist() if value is not None})
    place: dict[str | None, int] = {text: at for at, text in enumerate(table)}
    codes = [-1 if value is None else place[str(value)] for value in values.tolist()]
    return list(table), np.array(codes, dtype=np.int32)
