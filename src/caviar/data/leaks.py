"""DAT003: a column that gives the target away, because it is known only together with it.

No number tells a leak from a good input for certain; the rules below say what is worth asking a person.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset

# One input alone orders the classes (nearly) perfectly, or explains nearly all of a number.
_PERFECT_AUC = 0.999
_PERFECT_R2 = 0.9
# One input is by far no proof, but the strongest, and nothing else in the table knows anything of it.
_STRONG_AUC = 0.8
_UNRELATED_R2 = 0.05
# A sum of a few columns is the target.
_EXACT = 1e-6
_MOST_SUMMANDS = 5

_MOST_ROWS = 20_000
_MOST_CELLS = 2_000_000
_BINS = 32
_FEWEST_IN_BIN = 20


@dataclass(frozen=True)
class _Binned:
    """An input as bins: bins int64 [n], how many, and the numbers themselves where it is one."""

    name: str
    bins: np.ndarray
    count: int
    values: np.ndarray | None


def leaks_of(dataset: Dataset, train: np.ndarray) -> list[dict[str, Any]]:
    """The columns worth asking about, from train rows alone.

    Three rules, each documented by its numbers:
    (a) alone: one column orders the classes with an AUC of at least 0.999 (over classes, weighted), or explains at
    least 0.9 of a numeric target's variance; not if every column does, which is an easy problem;
    (b) unrelated: a number is the strongest column with an AUC of at least 0.8, while no other column explains 5 % of
    its variance: what is recorded beforehand is usually related to something else that is;
    (c) sum: the target is an exact weighted sum of at most five columns.

    The thresholds were chosen by looking at bank marketing (duration: 0.82, 2 %), bike sharing, and nine tables without
    a known leak; (b) above all is a reason to ask, not a verdict.

    Args:
        dataset: the data; images are passed over.
        train: row numbers.

    Returns:
        findings as plain dictionaries; at most one per rule.
    """
    if dataset.pixels is not None or dataset.targets is None or len(dataset.columns) < 2 or len(train) < 50:
        return []
    size = min(len(train), _MOST_ROWS, max(1000, _MOST_CELLS // len(dataset.columns)))
    rows = train[np.linspace(0, len(train) - 1, size).astype(np.int64)]
    inputs = [_binned(column.name, dataset.columns[column.name][rows]) for column in dataset.schema.inputs]
    targets = dataset.targets[rows]
    if dataset.schema.task == "classification":
        strength = {one.name: _auc(one, targets, len(dataset.schema.classes)) for one in inputs}
        found = [_alone(strength, _PERFECT_AUC, "AUC"), _unrelated(strength, inputs)]
    else:
        strength = {one.name: _explained(one, targets) for one in inputs}
        found = [_alone(strength, _PERFECT_R2, "share of variance"), _sum(inputs, targets)]
    return [finding for finding in found if finding is not None]


def _binned(name: str, values: np.ndarray) -> _Binned:
    """Quantile bins of a number, or the categories; bins with fewer than 20 rows are one bin."""
    if values.dtype == object:
        place = {value: at for at, value in enumerate(dict.fromkeys(values.tolist()))}
        bins = np.array([place[value] for value in values.tolist()], dtype=np.int64)
    else:
        missing = ~np.isfinite(values)
        filled = np.where(missing, np.inf, values)
        ordered = np.sort(filled)
        count = max(2, min(_BINS, len(values) // (2 * _FEWEST_IN_BIN)))
        marks = ordered[np.linspace(0, len(ordered) - 1, count + 1).astype(np.int64)]
        # A value so common that two marks fall on it is a bin of its own, not joined to its right neighbours.
        common = np.unique(marks[1:][marks[1:] == marks[:-1]])
        edges = np.unique(np.concatenate([marks[1:-1], common, np.nextafter(common[np.isfinite(common)], np.inf)]))
        bins = np.searchsorted(edges, filled, side="right")
        bins[missing] = len(edges) + 1
    counts = np.bincount(bins)
    if values.dtype == object:
        # A rare category would know its few rows by heart.
        place_of = np.where(counts >= _FEWEST_IN_BIN, np.arange(len(counts)), len(counts))
        bins = place_of[bins]
    return _Binned(name, bins, int(bins.max()) + 1, None if values.dtype == object else values)


def _auc(one: _Binned, targets: np.ndarray, classes: int) -> float:
    """The area under the ROC curve of the bins' class shares, each class against the rest, weighted by their rows."""
    table = np.bincount(one.bins * classes + targets, minlength=one.count * classes).reshape(-1, classes).astype(float)
    sizes = table.sum(axis=1)
    table, sizes = table[sizes > 0], sizes[sizes > 0]
    areas, weights = [], []
    for at in range(classes):
        positive, negative = table[:, at], sizes - table[:, at]
        if not positive.sum() or not negative.sum():
            continue
        order = np.argsort(positive / sizes, kind="stable")
        positive, negative = positive[order], negative[order]
        below = np.cumsum(negative) - negative
        areas.append(float((positive * (below + 0.5 * negative)).sum() / (positive.sum() * negative.sum())))
        weights.append(positive.sum())
    return float(np.average(areas, weights=weights)) if areas else 0.5


def _explained(one: _Binned, values: np.ndarray) -> float:
    """The share of the variance of some numbers that the bins' means explain."""
    total = float(np.mean((values - values.mean()) ** 2))
    if not total > 0 or not np.isfinite(total):
        return 0.0
    counts = np.bincount(one.bins, minlength=one.count)
    means = np.bincount(one.bins, values, minlength=one.count) / np.maximum(counts, 1)
    return 1.0 - float(np.mean((values - means[one.bins]) ** 2)) / total


def _alone(strength: dict[str, float], threshold: float, measure: str) -> dict[str, Any] | None:
    names = [name for name, value in strength.items() if value >= threshold]
    if not names or len(names) == len(strength):
        return None
    names.sort(key=lambda name: -strength[name])
    listed = ", ".join(f"'{name}' ({strength[name]:.3f})" for name in names[:5])
    message = f"{listed} alone gives the target away ({measure} of 1 is perfect). {_ASK}"
    return _finding("alone", message, {name: strength[name] for name in names}, {measure: threshold})


def _unrelated(strength: dict[str, float], inputs: list[_Binned]) -> dict[str, Any] | None:
    best = max(inputs, key=lambda one: strength[one.name])
    if best.values is None or not _STRONG_AUC <= strength[best.name] < _PERFECT_AUC:
        return None
    filled = np.where(np.isfinite(best.values), best.values, np.nanmedian(best.values))
    # Ranks, so that a few huge values do not hide what the others know.
    ranks = np.argsort(np.argsort(filled, kind="stable"), kind="stable").astype(np.float64)
    known = max((_explained(other, ranks) for other in inputs if other is not best), default=0.0)
    if known >= _UNRELATED_R2:
        return None
    message = (
        f"'{best.name}' is the strongest input (AUC {strength[best.name]:.3f}), yet nothing else in the table is "
        f"related to it (it explains {known:.1%} of it), as if it were recorded together with the target. {_ASK}"
    )
    evidence = {best.name: strength[best.name], "explained_by_others": known}
    return _finding("unrelated", message, evidence, {"AUC": _STRONG_AUC, "explained_by_others": _UNRELATED_R2})


def _sum(inputs: list[_Binned], targets: np.ndarray) -> dict[str, Any] | None:
    numbers = [one for one in inputs if one.values is not None and np.isfinite(one.values).all()]
    if len(numbers) < 2 or len(targets) < 4 * len(numbers):
        return None
    matrix = np.stack([one.values for one in numbers if one.values is not None], axis=1)
    deviations = matrix.std(axis=0)
    spread = float(targets.std())
    if not np.isfinite(deviations).all() or not spread > 0 or not np.isfinite(spread):
        return None
    matrix = (matrix - matrix.mean(axis=0)) / np.where(deviations > 0, deviations, 1.0)
    wanted = (targets - targets.mean()) / spread
    weights, *_ = np.linalg.lstsq(matrix, wanted, rcond=None)
    summands = np.flatnonzero(np.abs(weights) > 1e-3)
    if not 2 <= len(summands) <= _MOST_SUMMANDS or len(summands) == len(inputs):
        return None
    left = float(np.mean((wanted - matrix[:, summands] @ weights[summands]) ** 2))
    if left > _EXACT:
        return None
    names = [numbers[at].name for at in summands]
    listed = " and ".join(f"'{name}'" for name in names)
    message = f"The target is an exact weighted sum of {listed}. {_ASK}"
    return _finding("sum", message, {"columns": names, "unexplained": left}, {"unexplained": _EXACT})


_ASK = "Ask whether it is known when you predict; if not, leave it out (ignore=…, --ignore)."


def _finding(rule: str, message: str, evidence: dict[str, Any], threshold: dict[str, Any]) -> dict[str, Any]:
    return {
        "code": "DAT003",
        "severity": "warning",
        "message": message,
        "evidence": {"rule": rule, **evidence},
        "threshold": threshold,
    }
