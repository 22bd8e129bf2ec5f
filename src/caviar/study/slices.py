"""Where a study's model errs: its errors by class, by category, by part of a number, on dev rows that chose nothing."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.diagnosis.intervals import Interval
from caviar.diagnosis.slices import BINS, SliceErrors, by_slice, parts_of
from caviar.diagnosis.wording import Unit
from caviar.errors import StudyError
from caviar.given import shown, whole
from caviar.networks.naming import told_in_error

if TYPE_CHECKING:
    from caviar.study.study import Study

TARGET = ""  # instead of a column: by class, or by part of the target
TOLD = {
    "FIT001": "high variance",
    "FIT002": "high bias",
    "FIT003": "high bias and variance",
    "FIT004": "neither is high",
    "FIT005": "unclear",
}
MOST_TRAIN_ROWS = 20_000  # predicting more of them would tell no more
MOST_COLUMNS = 3  # of the page, beside the classes
MOST_PARTS = 20  # of one column on the page


@dataclass(frozen=True)
class Slices:
    """The errors of a model in the parts that one column divides the rows into.

    Args:
        by: the column; "" for the target.
        parts: the one with most of the dev error first.
        unit: "share", or "" for the target's unit.
        judged: whether the dev rows had no part in choosing the model.
        compared_by: the metric that trials were compared by, where it is not the error.
    """

    by: str
    parts: tuple[SliceErrors, ...]
    unit: str = "share"
    judged: bool = True
    compared_by: str | None = None

    def __iter__(self) -> Iterator[SliceErrors]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)

    @property
    def title(self) -> str:
        """By what the rows are divided."""
        return f"by {self.by}" if self.by else "by class" if self.unit == "share" else "by the target"

    def __str__(self) -> str:
        rows = [
            ("", "train error", "dev error", "95 % interval", "dev rows", "what is high"),
            *map(self.cells, self.parts),
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        rows_told = "rows that chose nothing" if self.judged else "rows that also chose the network: somewhat too low"
        head = [f"Errors {self.title}; dev: {rows_told}."]
        head += [told_in_error(self.compared_by)] if self.compared_by else []
        return "\n".join([*head, "", *lines])

    def cells(self, one: SliceErrors) -> tuple[str, ...]:
        """A part as a row of a table: name, train error, dev error, interval, dev rows, what is high."""
        ends = f"{self.write(one.dev_interval.low)} to {self.write(one.dev_interval.high)}" if one.dev_rows else "–"
        return one.name, self.write(one.train_error), self.write(one.dev_error), ends, str(one.dev_rows), TOLD[one.code]

    def write(self, error: float) -> str:
        """An error as a person reads it."""
        if not math.isfinite(error):
            return "–"
        return Unit(is_share=self.unit == "share").value(error)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        told = {"by": self.by, "unit": self.unit, "judged": self.judged, "compared_by": self.compared_by}
        return {**told, "parts": [asdict(one) for one in self.parts]}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Slices":
        """What `to_dict` gave."""
        parts = [SliceErrors(**{**one, "dev_interval": Interval(**one["dev_interval"])}) for one in plain["parts"]]
        return cls(plain["by"], tuple(parts), plain["unit"], plain["judged"], plain.get("compared_by"))


@dataclass(frozen=True)
class _Measured:
    """What the model makes of train rows and of the dev rows that judge: the error of each."""

    train: np.ndarray
    train_errors: np.ndarray
    dev: np.ndarray
    dev_errors: np.ndarray
    judged: bool


def slices_of(study: "Study", column: str | None, bins: int) -> Slices:
    """The errors of a study's model by one column, or by the target.

    Raises:
        StudyError: there is no such column, or no model.
    """
    known = [*study.dataset.columns]
    if column is not None and (not isinstance(column, str) or column not in known):
        told = ", ".join(known[:10]) + (", …" if len(known) > 10 else "") if known else "none, as it is images"
        raise StudyError(f"{shown(column)} is no column that the network sees. There are: {told}.")
    bins = whole("bins", bins, StudyError, least=2)
    return _divided(study, _measured(study), TARGET if column is None else column, bins)


def telling(study: "Study") -> list[Slices]:
    """By the target, and by the few columns in whose parts the error differs more than chance makes it.

    A column is named where its most deviating part deviates more than one of all parts of all columns would in one
    study of twenty by chance (Bonferroni).
    """
    measured = _measured(study)
    scored, parts = [], 0
    for name in study.dataset.columns:
        deviation, count = _deviation(_parts(study, name, BINS, measured.dev), measured.dev_errors)
        scored.append((-deviation, name))
        parts += count
    told = [TARGET]
    if parts:
        bound = NormalDist().inv_cdf(1.0 - 0.05 / (2 * parts))
        told += [name for deviation, name in sorted(scored)[:MOST_COLUMNS] if -deviation > bound]
    return [replace(one, parts=one.parts[:MOST_PARTS]) for one in (_divided(study, measured, by, BINS) for by in told)]


def _measured(study: "Study") -> _Measured:
    """The errors of the study's model; squared residuals in the target's unit for numbers."""
    splits, model = study.splits, study.best_model()
    judged = not splits.choose.all()
    dev = splits.dev[~splits.choose] if judged else splits.dev
    train = splits.train[:: math.ceil(len(splits.train) / MOST_TRAIN_ROWS)]
    errors = [np.asarray(model.evaluate(study.dataset, rows)["row_errors"], np.float64) for rows in (train, dev)]
    return _Measured(train, errors[0], dev, errors[1], judged)


def _divided(study: "Study", measured: _Measured, by: str, bins: int) -> Slices:
    parts = _parts(study, by, bins, np.concatenate([measured.train, measured.dev]))
    regression = study.dataset.schema.task == "regression"
    found = by_slice(
        measured.train_errors,
        parts[: len(measured.train)],
        measured.dev_errors,
        parts[len(measured.train) :],
        base_error=study.base_error or None,
        target_spread=study.material.target_spread if regression else None,
    )
    compared_by = None if study.metric == "error" else study.metric
    return Slices(by, tuple(found), "" if regression else "share", measured.judged, compared_by)


def _parts(study: "Study", by: str, bins: int, rows: np.ndarray) -> np.ndarray:
    """The part in which each row lies, as text [n]."""
    schema = study.dataset.schema
    if by == TARGET:
        targets = np.asarray(study.material.targets)[rows]
        if schema.task == "regression":
            return parts_of(targets.astype(np.float64), bins)
        return np.array(schema.classes, dtype=object)[targets]
    values = np.asarray(study.dataset.columns[by])[rows]
    kind = next((column.kind for column in schema.columns if column.name == by), "number")
    if kind == "boolean":
        told = [None if not math.isfinite(value) else "yes" if value else "no" for value in values.tolist()]
        return parts_of(np.array(told, dtype=object), bins)
    return parts_of(_years(values) if kind == "date" else values, bins)


def _years(days: np.ndarray) -> np.ndarray:
    """Days since 1970 as years with parts of years, which can be read in the name of a part.

    >>> _years(np.array([0.0, 365.2425, np.nan])).tolist()
    [1970.0, 1971.0, nan]
    """
    return 1970.0 + days / 365.2425


def _deviation(parts: np.ndarray, errors: np.ndarray) -> tuple[float, int]:
    """How many standard errors the part that deviates most lies from all other rows, and how many parts there are."""
    names, places = np.unique(parts.astype(str), return_inverse=True)
    inside = np.bincount(places)
    outside = len(errors) - inside
    sums = np.bincount(places, weights=errors)
    told = np.flatnonzero((inside > 1) & (outside > 1))
    if not len(told):
        return 0.0, len(names)
    apart = np.abs(sums[told] / inside[told] - (errors.sum() - sums[told]) / outside[told])
    # The spread of all rows: a part without a single error has none of its own.
    spread = np.std(errors) * np.sqrt(1.0 / inside[told] + 1.0 / outside[told])
    return float(np.max(apart / np.maximum(spread, 1e-300))), len(names)
