"""The column to predict: which it is, which task it sets, and which classes it has."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from caviar.data.table import Cells, objects_of, texts_of
from caviar.data.values import TARGET_MARKS, cleaned, number_text, parse_numbers
from caviar.errors import DataError
from caviar.given import shown

TASKS = ("auto", "classification", "regression")
USUAL_NAMES = ("target", "label", "class", "y")
_FEW_CLASSES = 20
_MOST_CLASSES = 10_000
# Errors are squared in single precision, in the target's unit: between 1e-38 and 1e38, with room for sums.
_LARGEST, _LEAST_SPREAD = 1e15, 1e-15


@dataclass(frozen=True)
class Target:
    """The values to predict.

    Args:
        task: "classification" or "regression".
        classes: as text, in sorted order; empty for regression.
        values: int32 [N] (-1 = missing) or float64 [N] (NaN = missing).
        note: how the task was found, a sentence.
    """

    task: str
    classes: tuple[str, ...]
    values: np.ndarray
    note: str

    @property
    def present(self) -> np.ndarray:
        """bool [N]: the rows that have a target."""
        return self.values >= 0 if self.task == "classification" else np.isfinite(self.values)


def find_name(names: Sequence[str], target: str | int | None, where: str) -> str:
    """The name of the target's column.

    Without one given it is the last column called target, label, class or y.

    Raises:
        DataError: there is no such column, or none was given and none is called so.
    """
    if isinstance(target, int | np.integer) and not isinstance(target, bool):
        if not -len(names) <= target < len(names):
            raise DataError(f"{where} has {len(names)} columns, so there is no column number {target}. Give a name.")
        return names[target]
    if target is not None:
        return known_name(names, str(target), where, "target")
    usual = [name for name in names if name.strip().lower() in USUAL_NAMES]
    if usual:
        return usual[-1]
    listed = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
    raise DataError(f"Which column of {where} is the target? Give target=… (--target); there are: {listed}.")


def known_name(names: Sequence[str], name: str, where: str, role: str) -> str:
    """The name, if there is such a column.

    Raises:
        DataError: there is none; the sentence has the names that come near.
    """
    if name in names:
        return name
    alike = [other for other in names if other.strip().lower() == name.strip().lower()]
    near = alike or difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    listed = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {listed}."
    raise DataError(f"{where} has no column '{name}' for {role}. {hint}")


def read_target(name: str, cells: Cells, task: str = "auto", *, pictured: bool = False, separator: str = ",") -> Target:
    """Read the target's column and find the task.

    With task "auto", words and booleans are classes; so are whole numbers with at most 20 different values that occur
    at least twice on average (for images: any whole numbers); everything else is regression.

    Args:
        name: the column's name.
        cells: the column.
        task: one of TASKS.
        pictured: whether the inputs are images.
        separator: what stood between the fields of the file.

    Raises:
        DataError: the task is not one of TASKS, or the values do not fit it, or all are missing.
    """
    if not isinstance(task, str) or task not in TASKS:
        raise DataError(f"'task' must be one of {', '.join(TASKS)}. Got {shown(task)}.")
    if cells.kind == "text":
        texts = cleaned(cells.values, TARGET_MARKS)
        numbers = parse_numbers(cleaned(cells.values), separator)
        cells = Cells("category", objects_of(texts.to_list())) if numbers.failed else Cells("number", numbers.values)
    if not _present(cells).any():
        raise DataError(f"Every value of the target '{name}' is missing. Choose a column with values.")
    if cells.kind in ("category", "boolean") or task == "classification":
        if task == "regression" and cells.kind == "category":
            example = next(value for value in cells.values.tolist() if value is not None)
            raise DataError(f"'{name}' cannot be a regression target: {example!r} is no number. Use classification.")
        if task != "regression":
            return _classes(name, cells)
    values = np.where(np.isfinite(cells.values), cells.values, np.nan)
    present = values[np.isfinite(values)]
    distinct = len(np.unique(present))
    whole = not np.any(present % 1)
    if task == "auto" and whole and (pictured or (distinct <= _FEW_CLASSES and 2 * distinct <= len(present))):
        return _classes(name, cells)
    if distinct == 1:
        raise DataError(f"Every row has the same target ('{name}' = {number_text(present[0])}): nothing can be learnt.")
    _check_extent(name, present)
    note = f"Task: regression, since '{name}' has {distinct} different numbers." if task == "auto" else ""
    return Target("regression", (), values, note)


def _check_extent(name: str, present: np.ndarray) -> None:
    """Refuse numbers whose squared errors single precision does not hold."""
    largest = float(np.abs(present).max())
    if largest > _LARGEST:
        raise DataError(
            f"The target '{name}' holds {largest:.3g}, and numbers beyond {_LARGEST:g} are too large to be squared. "
            "Measure it in a larger unit, or repair the value."
        )
    spread = float(np.ptp(present))
    if spread < _LEAST_SPREAD:
        raise DataError(
            f"The target '{name}' spans {spread:.3g}, and less than {_LEAST_SPREAD:g} is too little to be squared. "
            "Measure it in a smaller unit."
        )


def sorted_classes(words: Collection[str]) -> tuple[str, ...]:
    """Classes in their order: by number if all are numbers, else as text.

    >>> sorted_classes({"10", "9"}), sorted_classes({"b", "a"})
    (('9', '10'), ('a', 'b'))
    """
    try:
        return tuple(sorted(words, key=lambda word: (float(word), word)))
    except ValueError:
        return tuple(sorted(words))


def class_indices(words: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """The index of each word among known classes, -1 where it is missing or none of them.

    A number may be written otherwise (1.0 for 1), and a full stop may follow (the original test part of Adult ends its
    labels so).

    Args:
        words: object [N].
        classes: as text.

    Returns:
        int32 [N].
    """
    place: dict[str | None, int] = {name: at for at, name in enumerate(classes)}
    for word in set(words.tolist()) - set(place) - {None}:
        for other in (word.rstrip(".").strip(), _as_number(word)):
            if word not in place and other in place:
                place[word] = place[other]
    return np.array([place.get(word, -1) for word in words.tolist()], dtype=np.int32)


def _as_number(word: str) -> str | None:
    try:
        return number_text(float(word))
    except ValueError:
        return None


def _present(cells: Cells) -> np.ndarray:
    if cells.kind == "category":
        return np.array([value is not None for value in cells.values.tolist()], dtype=bool)
    return np.isfinite(cells.values)


def _classes(name: str, cells: Cells) -> Target:
    words = texts_of(cells)
    found = {word for word in words.tolist() if word is not None}
    present = int(_present(cells).sum())
    if len(found) == 1:
        raise DataError(
            f"Every row has the same class ('{name}' = {found.pop()!r}): nothing can be learnt. "
            "Add rows of another class or choose another target."
        )
    if len(found) > _MOST_CLASSES or (len(found) > _FEW_CLASSES and 2 * len(found) > present):
        raise DataError(
            f"'{name}' has {len(found)} different values in {present} rows, too many for classes. "
            "Choose another target, or task='regression' if they are numbers."
        )
    classes = sorted_classes(found)
    note = f"Task: classification, since '{name}' has {len(classes)} different values."
    return Target("classification", classes, class_indices(words, classes), note)
