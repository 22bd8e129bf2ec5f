"""Errors by slice: high bias and high variance can sit in different classes, or parts of a feature, at once."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from caviar.diagnosis.fit import MARGIN, FitEvidence, diagnose_fit
from caviar.diagnosis.intervals import Interval, normal, rmse_standard_error, wilson
from caviar.errors import StudyError

BINS = 4  # parts of a number, each with as many rows


@dataclass(frozen=True)
class SliceErrors:
    """The errors of one network on the rows that have something in common.

    Args:
        name: what they have in common: a class, a category, a part of a number's range.
        train_error, dev_error: shares of rows, or root mean squared errors; NaN without rows.
        train_rows, dev_rows: how many rows.
        dev_interval: of the dev error, 95 %.
        code: FIT001 high variance, FIT002 high bias, FIT003 both, FIT004 neither, FIT005 unclear.
    """

    name: str
    train_error: float
    train_rows: int
    dev_error: float
    dev_rows: int
    dev_interval: Interval
    code: str

    @property
    def variance(self) -> float:
        """Dev error − train error."""
        return self.dev_error - self.train_error


def by_slice(
    train_errors: np.ndarray,
    train_slices: np.ndarray,
    dev_errors: np.ndarray,
    dev_slices: np.ndarray,
    *,
    base_error: float | None = None,
    target_spread: float | None = None,
    margin: float = MARGIN,
) -> list[SliceErrors]:
    """Errors, variance and verdict of each slice, the one with most of the dev error first.

    Args:
        train_errors, dev_errors: of each row: 0 or 1 for classes, squared residuals for numbers.
        train_slices, dev_slices: the name of each row's slice.
        base_error: of the best possible predictor; None: 0.
        target_spread: of a regression, the standard deviation of the target; None: the errors are shares.
        margin: how large a gap may be.

    Raises:
        StudyError: errors and slices differ in length.

    >>> found = by_slice(np.zeros(4), np.array(list("aabb")), np.array([1.0, 1, 0, 0]), np.array(list("aabb")))
    >>> [(one.name, one.train_error, one.dev_error) for one in found]
    [('a', 0.0, 1.0), ('b', 0.0, 0.0)]
    """
    for errors, slices in ((train_errors, train_slices), (dev_errors, dev_slices)):
        if len(errors) != len(slices):
            raise StudyError(
                f"Each row has one error and one slice. Got {len(errors)} errors and {len(slices)} slices."
            )
    found, weight = [], {}
    for name in dict.fromkeys([*map(str, dev_slices), *map(str, train_slices)]):
        train, dev = train_errors[train_slices.astype(str) == name], dev_errors[dev_slices.astype(str) == name]
        found.append(_slice(name, train, dev, base_error, target_spread, margin))
        weight[name] = float(np.sum(dev))
    return sorted(found, key=lambda one: (-weight[one.name], one.name))


def _slice(
    name: str, train: np.ndarray, dev: np.ndarray, base: float | None, spread: float | None, margin: float
) -> SliceErrors:
    """One slice, with the verdict of the same rule that judges the whole."""
    share = spread is None
    errors = [float(np.mean(part)) if len(part) else math.nan for part in (train, dev)]
    deviation = [0.0, 0.0]
    if not share:
        errors = [math.sqrt(value) for value in errors]
        deviation = [
            rmse_standard_error(error, float(np.std(part)), len(part)) if len(part) and error else 0.0
            for error, part in zip(errors, (train, dev), strict=True)
        ]
    code, interval = "FIT005", Interval(errors[1], math.nan, math.nan)
    if len(dev):
        interval = wilson(errors[1], len(dev)) if share else normal(errors[1], deviation[1])
    if len(train) and len(dev):
        evidence = FitEvidence(
            task="classification" if share else "regression",
            metric="error" if share else "rmse",
            train_error=errors[0],
            train_rows=len(train),
            dev_error=errors[1],
            dev_rows=len(dev),
            base_error=base,
            target_spread=spread,
            train_standard_error=None if share else deviation[0],
            dev_standard_error=None if share else deviation[1],
        )
        code = next(one.code for one in diagnose_fit(evidence, margin) if one.code <= "FIT005")
    return SliceErrors(name, errors[0], len(train), errors[1], len(dev), interval, code)


def parts_of(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """The slice of each row by one column: a category is one, a number lies in one of a few parts of equal size.

    Args:
        values: [N], numbers (NaN = missing) or texts (None = missing).
        bins: parts of a number; fewer where many rows are equal.

    Returns:
        texts [N].

    >>> parts_of(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), bins=2).tolist()
    ['at most 2.5', 'at most 2.5', 'above 2.5', 'above 2.5', 'missing']
    """
    if values.dtype == object:
        return np.array(["missing" if value is None else str(value) for value in values.tolist()], dtype=object)
    known = values[np.isfinite(values)]
    names = np.full(len(values), "missing", dtype=object)
    if not len(known):
        return names
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
    edges = edges[edges < known.max()]
    if not len(edges):
        names[np.isfinite(values)] = f"{known[0]:g}"
        return names
    place = np.searchsorted(edges, values, side="left")
    ends = [f"{edge:.6g}" for edge in edges]
    between = [f"above {one}, at most {other}" for one, other in pairwise(ends)]
    told = np.array([f"at most {ends[0]}", *between, f"above {ends[-1]}"], dtype=object)
    return np.where(np.isfinite(values), told[np.minimum(place, len(edges))], names)
