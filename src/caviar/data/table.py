"""A table before and after typing: which column is a number, a category, a boolean, a date, and which is left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from caviar.data.values import cleaned, number_text, parse_booleans, parse_dates, parse_numbers

_IDENTIFIER = re.compile(r"(?i:(.*[_\-. ])?(id|ids|uid|uuid|guid|index|idx|row|rownum|key)|unnamed: 0)|.*[a-z](Id|ID)")
_FEWEST_ROWS = 5
_MOSTLY_NUMBERS = 0.9


@dataclass(frozen=True)
class Cells:
    """One column as it came.

    Args:
        kind: "text" (a polars series of strings, to be typed), "number", "boolean", "date" (float64 [N], NaN =
            missing) or "category" (object [N] of texts, None = missing).
        values: the values, as `kind` says.
    """

    kind: str
    values: Any

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> "Cells":
        """Some of the rows; bool [N] or int [n]."""
        if self.kind == "text":
            numbers = np.flatnonzero(rows) if rows.dtype == bool else rows
            return Cells(self.kind, self.values.gather(numbers))
        return Cells(self.kind, self.values[rows])


@dataclass(frozen=True)
class Table:
    """Columns by name, in their order.

    Args:
        name: for people.
        cells: name -> column; all of one length.
        header: False where the names were made up because there were none.
        separator: what stood between the fields of the file; it tells decimal commas from thousands.
        target: the name of the target, where it was given beside the inputs.
    """

    name: str
    cells: Mapping[str, Cells]
    header: bool = True
    separator: str = ","
    target: str | None = None

    @property
    def rows(self) -> int:
        """N, the number of rows."""
        return len(next(iter(self.cells.values()))) if self.cells else 0

    def take(self, rows: np.ndarray) -> "Table":
        """Some of the rows; bool [N] or int [n]."""
        return replace(self, cells={name: cells.take(rows) for name, cells in self.cells.items()})


@dataclass(frozen=True)
class Typed:
    """One column with its type.

    Args:
        kind: "number", "category", "boolean" or "date".
        values: float64 [N] or object [N].
        format: how dates are written.
        note: what a person should know of the reading, a sentence or empty.
    """

    kind: str
    values: np.ndarray
    format: str = ""
    note: str = ""

    @property
    def missing(self) -> int:
        """How many rows have no value."""
        return len(self.values) - len(_present(self))


def typed(name: str, cells: Cells, separator: str) -> Typed:
    """Find the type of a column.

    Yes/no words are booleans, and so are numbers that are all 0 or 1. A column of texts is one of numbers if nine in
    ten are numbers (the rest then counts as missing, with a note); else of dates if all are; else of categories.
    """
    if cells.kind == "number":
        return Typed("boolean" if _all_binary(cells.values) else "number", cells.values)
    if cells.kind != "text":
        return Typed(cells.kind, cells.values)
    texts = cleaned(cells.values)
    booleans, whole = parse_booleans(texts)
    if whole and int(texts.is_not_null().sum()):
        return Typed("boolean", booleans)
    numbers = parse_numbers(texts, separator)
    if not numbers.failed:
        note = f"'{name}' is read as numbers with {numbers.style}." if numbers.style else ""
        return Typed("boolean" if _all_binary(numbers.values) else "number", numbers.values, note=note)
    dates, format = parse_dates(texts)
    if format:
        note = f"'{name}' is read as dates written {format}." if format[:2] != "%Y" else ""
        return Typed("date", dates, format, note)
    if numbers.share >= _MOSTLY_NUMBERS:
        words = ", ".join(repr(text) for text in numbers.failed[:3])
        return Typed("number", numbers.values, note=f"'{name}' is read as numbers; {words} count as missing.")
    return Typed("category", objects_of(texts.to_list()))


def typed_like(cells: Cells, kind: str, format: str, separator: str) -> np.ndarray:
    """Read a column as the type it had in training; what cannot be read so is missing.

    Returns:
        float64 [N] or object [N].
    """
    if kind == "category":
        return texts_of(cells)
    if cells.kind == "category":
        import polars

        cells = Cells("text", polars.Series(cells.values.tolist(), dtype=polars.String))
    if cells.kind != "text":
        # Numbers and booleans stand for each other; a date stands for nothing else.
        if (cells.kind == "date") != (kind == "date"):
            return np.full(len(cells), np.nan)
        return np.asarray(cells.values, dtype=np.float64)
    texts = cleaned(cells.values)
    if kind == "date":
        values = parse_dates(texts, format)[0]
        return values if np.isfinite(values).any() else parse_dates(texts)[0]
    numbers = parse_numbers(texts, separator).values
    if kind == "boolean":
        words = parse_booleans(texts)[0]
        return np.where(np.isnan(words), numbers, words)
    return numbers


def texts_of(cells: Cells) -> np.ndarray:
    """The values of any column as texts of categories.

    Returns:
        object [N], None = missing.
    """
    if cells.kind == "category":
        return np.asarray(cells.values)
    if cells.kind == "text":
        return objects_of(cleaned(cells.values).to_list())
    if cells.kind == "boolean":
        words: list[str | None] = [None if np.isnan(v) else str(bool(v)) for v in cells.values.tolist()]
    else:
        # Numbers that are classes are few: each is written once.
        found, inverse = np.unique(cells.values, return_inverse=True)
        return objects_of([None if np.isnan(v) else number_text(v) for v in found.tolist()])[inverse]
    return objects_of(words)


def reason_left_out(name: str, column: Typed, named: bool = True) -> str:
    """Why a column is left out, in words that end a sentence; empty if it is kept.

    Left out are columns without values or with one alone, identifiers (a value of its own in every row, and a name
    like PassengerId, or whole numbers that count up or have no gap), and texts nearly all of which differ.

    Args:
        name: its name.
        column: its type and values.
        named: whether the name is its own; columns of plain arrays are not taken for identifiers.
    """
    present = _present(column)
    rows = len(column.values)
    if not len(present):
        return "every value is missing"
    distinct = len(set(present.tolist())) if column.kind == "category" else len(np.unique(present))
    if distinct == 1 and len(present) == rows:
        return "every row has the same value"
    if column.kind == "category":
        return _text_reason(present, distinct, rows, name)
    if column.kind == "number" and named and rows >= _FEWEST_ROWS and not np.any(present % 1):
        return _number_reason(present, distinct, rows, name)
    return ""


def _text_reason(present: np.ndarray, distinct: int, rows: int, name: str) -> str:
    length = sum(len(text) for text in present) / len(present)
    if rows >= _FEWEST_ROWS and distinct == rows:
        return "it is free text" if length > 20 else "it is like an identifier: every row has a value of its own"
    if distinct > 20 and (2 * distinct > rows or (named_identifier(name) and 4 * distinct > rows)):
        return f"nearly every row has a value of its own ({distinct} in {rows} rows)"
    if distinct > max(20, rows // 10) and length > 40:
        return "it is free text"
    return ""


def _number_reason(present: np.ndarray, distinct: int, rows: int, name: str) -> str:
    if named_identifier(name) and 2 * distinct > rows:
        return "its name and its values are those of an identifier"
    if distinct < rows or rows < 4 * _FEWEST_ROWS:
        return ""
    steps = np.diff(present)
    if np.all(steps > 0) or np.all(steps < 0):
        return "it is like an identifier: it counts the rows"
    if present.max() - present.min() + 1 == rows:
        return "it is like an identifier: every row has a value of its own, without gaps"
    return ""


def named_identifier(name: str) -> bool:
    """Whether a name is one that identifiers have.

    >>> [named_identifier(name) for name in ("PassengerId", "id", "row_id", "width", "paid")]
    [True, True, True, False, False]
    """
    return bool(_IDENTIFIER.fullmatch(name.strip()))


def _present(column: Typed) -> np.ndarray:
    if column.kind == "category":
        return np.array([value for value in column.values.tolist() if value is not None], dtype=object)
    return column.values[np.isfinite(column.values)]


def _all_binary(values: np.ndarray) -> bool:
    present = values[~np.isnan(values)]
    return bool(len(present)) and bool(np.all((present == 0) | (present == 1)))


def objects_of(words: list[str | None]) -> np.ndarray:
    """Texts as an array of objects, object [N]."""
    values = np.empty(len(words), dtype=object)
    values[:] = words
    return values
