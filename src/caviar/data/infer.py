"""A table becomes a data set: with types found (`infer`), or with those of a model (`conform`)."""

import warnings
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from caviar.data.dataset import Column, Dataset, Schema
from caviar.data.formats import PART_WORDS
from caviar.data.table import Cells, Table, Typed, reason_left_out, texts_of, typed, typed_like
from caviar.data.targets import class_indices, find_name, known_name, read_target
from caviar.data.values import cleaned
from caviar.errors import CaviarWarning, DataError


@dataclass(frozen=True)
class Roles:
    """Which columns are not inputs, by name.

    Args:
        target: the column to predict; None: found by its name.
        task: "auto", "classification" or "regression".
        group: rows with one value stay in one set.
        time: orders the rows for splits by time.
        weight: how much each row counts.
        split: the ready-made set of each row, as train/dev/test (or val, valid, validation).
        ignore: columns that are left out.
    """

    target: Any = None
    task: str = "auto"
    group: Any = None
    time: Any = None
    weight: Any = None
    split: Any = None
    ignore: tuple[str, ...] = ()


def infer(table: Table, roles: Roles) -> Dataset:
    """Find the target, the task and the type of every column.

    Raises:
        DataError: the table cannot be learnt from; the sentence says why and what to do.
    """
    where = f"'{table.name}'"
    if table.rows < 2:
        raise DataError(
            f"{where} has {table.rows} row{'s' * (table.rows != 1)}. Give at least two rows, better hundreds."
        )
    names = list(table.cells)
    target_name = find_name(names, table.target if roles.target is None else roles.target, where)
    taken = _taken(names, target_name, roles, where)
    target = read_target(target_name, table.cells[target_name], roles.task, separator=table.separator)
    notes = [target.note] if target.note else []
    if not target.present.all():
        missing = int((~target.present).sum())
        notes.append(f"{missing} row{'s' * (missing > 1)} without a target {'are' if missing > 1 else 'is'} left out.")
        table = table.take(target.present)
        target = replace(target, values=target.values[target.present])
    if table.rows < 2:
        raise DataError(f"Only one row of {where} has a target. Give at least two rows, better hundreds.")
    columns, values, more = _typed_columns(table, target_name, taken)
    schema = Schema(tuple(columns), target_name, target.task, target.classes, None, table.header)
    return Dataset(
        name=table.name,
        schema=schema,
        columns=values,
        targets=target.values,
        notes=(*notes, *more),
        **role_arrays(table, roles),
    )


def _taken(names: list[str], target: str, roles: Roles, where: str) -> dict[str, str]:
    """The columns that are no inputs by what was asked: name -> reason."""
    taken: dict[str, str] = {}
    words = (("group", "it holds the groups"), ("time", "it orders the rows"), ("weight", "it holds the weights"),
             ("split", "it names the sets"))  # fmt: skip
    asked = [(role, getattr(roles, role), reason) for role, reason in words if getattr(roles, role) is not None]
    asked += [("ignore", name, "it is to be ignored") for name in roles.ignore]
    for role, name, reason in asked:
        name = known_name(names, str(name), where, role)
        if name == target:
            raise DataError(f"'{name}' cannot be both the target and the column for {role}. Choose another for one.")
        taken[name] = reason
    return taken


def _typed_columns(
    table: Table, target: str, taken: dict[str, str]
) -> tuple[list[Column], dict[str, np.ndarray], list[str]]:
    """The columns with kinds and reasons, the values of those that are kept, and what a person should know."""
    found: dict[str, Typed] = {}
    reasons: dict[str, str] = {}
    for name, cells in table.cells.items():
        if name == target:
            continue
        if name in taken:
            reasons[name] = taken[name]
            continue
        found[name] = typed(name, cells, table.separator)
        reasons[name] = reason_left_out(name, found[name], named=table.header)
    kept = [name for name, reason in reasons.items() if not reason]
    if not kept:
        # Numbers that count the rows are better than no input at all: x of a toy regression looks so.
        kept = [name for name in found if found[name].kind == "number" and "identifier" in reasons[name]]
        reasons |= dict.fromkeys(kept, "")
    if not kept:
        why = "; ".join(f"'{name}': {reason}" for name, reason in list(reasons.items())[:5])
        raise DataError(
            f"No column of '{table.name}' is left as an input ({why or 'it has no other'}). Give more columns."
        )
    columns = [
        Column(name, "left_out", reason) if reason else Column(name, found[name].kind, "", found[name].format)
        for name, reason in reasons.items()
    ]
    notes = [_overview({name: found[name] for name in kept})]
    notes += [found[name].note for name in kept if found[name].note]
    notes += [f"'{name}' is left out: {reason}." for name, reason in reasons.items() if reason]
    return columns, {name: found[name].values for name in kept}, notes


def _overview(kept: dict[str, Typed]) -> str:
    """The kinds of the inputs and where values are missing, in a sentence."""
    plural = {"number": "numbers", "category": "categories", "boolean": "booleans", "date": "dates"}
    kinds = Counter(column.kind for column in kept.values())
    counted = ", ".join(f"{count} {plural[kind] if count > 1 else kind}" for kind, count in kinds.most_common())
    gaps = {name: column.missing for name, column in kept.items() if column.missing}
    listed = ", ".join(f"{name} ({count})" for name, count in list(gaps.items())[:10]) + ", …" * (len(gaps) > 10)
    return f"Inputs: {counted}" + (f"; values are missing in {listed}." if gaps else ".")


def role_arrays(table: Table, roles: Roles) -> dict[str, Any]:
    """The groups, times, weights and parts that were named.

    Raises:
        DataError: a weight is missing or negative, a time cannot be read, or a set is not called train, dev or test.
    """
    cells = table.cells
    return {
        "groups": None if roles.group is None else _groups(cells[roles.group]),
        "times": None if roles.time is None else _times(cells[roles.time], str(roles.time), table.separator),
        "weights": None if roles.weight is None else _weights(cells[roles.weight], str(roles.weight), table.separator),
        "parts": None if roles.split is None else _parts(cells[roles.split], str(roles.split)),
    }


def _groups(cells: Cells) -> np.ndarray:
    # A row without a group is a group of its own.
    words = texts_of(cells)
    words[:] = [f"row {at} without group" if word is None else word for at, word in enumerate(words.tolist())]
    return words


def _times(cells: Cells, name: str, separator: str) -> np.ndarray:
    column = typed(name, cells, separator)
    if column.kind == "category" or not np.isfinite(column.values).all():
        raise DataError(f"'{name}' cannot order the rows by time: not every value is a date or a number. Repair it.")
    return column.values


def _weights(cells: Cells, name: str, separator: str) -> np.ndarray:
    values = typed_like(cells, "number", "", separator)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() <= 0:
        raise DataError(f"'{name}' cannot weigh the rows: weights must be numbers from 0 up, not all 0. Repair it.")
    return values


def _parts(cells: Cells, name: str) -> np.ndarray:
    words = [None if word is None else word.lower() for word in texts_of(cells).tolist()]
    unknown = sorted({word for word in words if word is not None and word not in PART_WORDS})
    if unknown:
        raise DataError(f"'{name}' names the set {unknown[0]!r}. Use train, dev (or val, valid, validation) and test.")
    if not any(word is not None and PART_WORDS[word] == 0 for word in words):
        raise DataError(f"'{name}' puts no row into the train set. Mark some rows as train.")
    return np.array([-1 if word is None else PART_WORDS[word] for word in words], dtype=np.int8)


def conform(table: Table, schema: Schema) -> Dataset:
    """Read a table with a model's schema: unseen values never fail, and the target may be missing.

    A column of numbers that holds words alone is warned of.

    Raises:
        DataError: a column that the model needs is not there.
    """
    if schema.image_shape is not None:
        raise DataError(f"The model wants images, but '{table.name}' is a table. Give images of the same kind.")
    cells = _aligned(table, schema)
    columns, notes = {}, []
    for column in schema.inputs:
        values = typed_like(cells[column.name], column.kind, column.format, table.separator)
        columns[column.name] = values
        if column.kind != "category" and len(values) and not np.isfinite(values).any():
            notes.append(f"No value of '{column.name}' can be read as a {column.kind}: all count as missing.")
            if any(texts_of(cells[column.name])):  # words rather than nothing
                warnings.warn(notes[-1], CaviarWarning, stacklevel=2)
    targets = None
    if schema.target in cells:
        targets, more = known_targets(cells[schema.target], schema, table.separator)
        notes += more
    return Dataset(table.name, schema, columns, targets=targets, notes=tuple(notes))


def known_targets(cells: Cells, schema: Schema, separator: str = ",") -> tuple[np.ndarray | None, list[str]]:
    """The target of new rows: unknown classes are -1, missing numbers NaN; None where none is known.

    Returns:
        int32 [N] or float64 [N] or None; notes.
    """
    if schema.task == "regression":
        values: np.ndarray = typed_like(cells, "number", "", separator)
        known = np.isfinite(values)
    else:
        # A class may be called "none": what the model knows as a class is never a mark of a missing value.
        words = (
            texts_of(Cells("category", np.array(_bare(cells), dtype=object)))
            if cells.kind == "text"
            else texts_of(cells)
        )
        values = class_indices(words, schema.classes)
        known = values >= 0
    if not known.any():
        return None, [f"No value of '{schema.target}' is one the model knows, so there is nothing to compare with."]
    lost = int((~known).sum())
    return values, [f"{lost} rows have no '{schema.target}' that the model knows."] if lost else []


def _bare(cells: Cells) -> list[str | None]:
    bare: list[str | None] = cleaned(cells.values, ()).to_list()
    return bare


def _aligned(table: Table, schema: Schema) -> dict[str, Cells]:
    """The table's columns under the schema's names: by name, or by place where one of them has no names."""
    names = [column.name for column in schema.columns]
    needed = [column.name for column in schema.inputs]
    if all(name in table.cells for name in needed):
        return dict(table.cells)
    bare = {name.strip().lower(): cells for name, cells in table.cells.items()}
    if all(name.strip().lower() in bare for name in needed):
        return {
            name: bare[name.strip().lower()] for name in [*needed, schema.target or ""] if name.strip().lower() in bare
        }
    if not (table.header and schema.header):
        for wanted in (names, needed):
            if len(wanted) == len(table.cells):
                return dict(zip(wanted, table.cells.values(), strict=True))
    missing = [name for name in needed if name not in table.cells and name.strip().lower() not in bare]
    known_name(list(table.cells), missing[0] if missing else needed[0], f"'{table.name}'", "the model's input")
    raise AssertionError("known_name raises for a missing name")
