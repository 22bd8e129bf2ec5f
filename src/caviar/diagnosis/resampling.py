"""How sure any metric is: its standard error by the bootstrap of rows, and from that an interval.

    x*ᵣ = metric under row weights drawn from the multinomial (n; 1/n …),  r = 1 … R        standard error = sd(x*)

A metric between 0 and 1 gets Wilson's interval of a share of nₑ = x(1 − x)/s² rows, at most as many as
`_effective_at_most` allows, so that a perfect AUC on few rows has a width too. Other metrics get x ± 1.96 s.

Source: Efron 1979; the effective number of rows as in Korn and Graubard 1998, Survey Methodology 24:193; the variance
of an AUC near 1 by Hanley and McNeil 1982, Radiology 143:29.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from caviar.diagnosis.intervals import Interval, normal, wilson

DRAWS = 200  # of the bootstrap: a standard error to about 5 %
_CELLS = 4_000_000  # of one array of resampled rows
_LEAST = 1e-15  # of a probability, as in `networks.metrics`

Weights = Float[np.ndarray, "R n"]
Values = Float[np.ndarray, " R"]


@dataclass(frozen=True, eq=False)
class Predicted:
    """What one network made of some rows.

    Args:
        rows: [n], their numbers in the data: a row that several networks predicted is drawn for all of them at once.
        targets: [n], classes or numbers.
        scores: [n, C] probabilities, or [n] numbers in the target's unit.
        weights: [n], of the examples.
    """

    rows: np.ndarray
    targets: np.ndarray
    scores: np.ndarray
    weights: np.ndarray


def values_of(metric: str, predicted: Predicted, drawn: Weights) -> Values:
    """A metric under each row of weights, the lower the better: 1 − AUC, 1 − F1, 1 − R².

    Args:
        drawn: how often each row counts, beside its own weight.
    """
    return _METRICS[metric](predicted.targets, predicted.scores, drawn * predicted.weights)


def interval_of(metric: str, networks: Sequence[Predicted], seed: int = 0) -> Interval:
    """The mean of a metric over some networks, each by its rows' weight, with its interval for chance in the rows.

    Returns:
        The lower the better, as `values_of` gives it.
    """
    rows = np.unique(np.concatenate([one.rows for one in networks]))
    places = [np.searchsorted(rows, one.rows) for one in networks]
    shares = np.array([one.weights.sum() for one in networks])

    def mean(drawn: Weights) -> Values:
        each = [values_of(metric, one, drawn[:, at]) for one, at in zip(networks, places, strict=True)]
        return np.average(each, axis=0, weights=shares)

    estimate = float(mean(np.ones((1, len(rows))))[0])
    generator = np.random.default_rng(seed)
    most = max(1, _CELLS // len(rows))
    found = []
    for start in range(0, DRAWS, most):
        count = min(most, DRAWS - start)
        found.append(mean(generator.multinomial(len(rows), np.full(len(rows), 1.0 / len(rows)), size=count)))
    spread = float(np.nanstd(np.concatenate(found)))
    if metric not in ("balanced_error", "f1", "auc"):
        return normal(estimate, spread)
    most_rows = _effective_at_most(metric, networks)
    effective = most_rows if spread == 0.0 else min(most_rows, estimate * (1.0 - estimate) / spread**2)
    return wilson(min(max(estimate, 0.0), 1.0), max(1, int(effective)))


def _effective_at_most(metric: str, networks: Sequence[Predicted]) -> float:
    """As how many rows of a share a metric counts at most, by its variance v where it is nearly perfect.

    AUC:             v = (1 − AUC)(1 + N/2)/(m·n),  N = (m + n)/2 − 1,  for m rows of the smallest class and n others
    balanced error:  v = Σ eᵧ/nᵧ / C²,              its mean over C classes of nᵧ rows
    F1:              v = (1 − F1)/2nᵧ               of one class, as an error is a half in 2·TP + FP + FN
    """
    rows, first = np.unique(np.concatenate([one.rows for one in networks]), return_index=True)
    classes, counts = np.unique(np.concatenate([one.targets for one in networks])[first], return_counts=True)
    if metric == "auc":
        m = float(counts.min())
        n = len(rows) - m
        return m * n / (0.5 + (m + n) / 4.0)
    if metric == "balanced_error":
        return len(counts) ** 2 / float((1.0 / counts).sum())
    if networks[0].scores.shape[1] == 2:
        counts = counts[classes == 1]
    return min(float(len(rows)), 2.0 * len(counts) ** 2 / float((1.0 / counts).sum())) if len(counts) else 1.0


def _log_loss(targets: np.ndarray, scores: np.ndarray, weights: Weights) -> Values:
    costs = -np.log(np.clip(scores[np.arange(len(targets)), targets], _LEAST, 1.0))
    return weights @ costs / weights.sum(axis=1)


def _balanced_error(targets: np.ndarray, scores: np.ndarray, weights: Weights) -> Values:
    wrong = (scores.argmax(axis=1) != targets).astype(np.float64)
    of_class = targets[:, None] == np.arange(scores.shape[1])
    return _mean_where((weights * wrong) @ of_class, weights @ of_class)


def _f1(targets: np.ndarray, scores: np.ndarray, weights: Weights) -> Values:
    columns = np.arange(scores.shape[1])
    of_class, of_predicted = targets[:, None] == columns, scores.argmax(axis=1)[:, None] == columns
    right, both = weights @ (of_class & of_predicted), weights @ of_class + weights @ of_predicted
    if scores.shape[1] == 2:
        right, both = right[:, 1:], np.maximum(both[:, 1:], 1e-300)
    return 1.0 - _mean_where(2.0 * right, both)


def _auc(targets: np.ndarray, scores: np.ndarray, weights: Weights) -> Values:
    """One class against the rest, averaged over those that were drawn; the second where there are two classes."""
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    areas, pairs = zip(*(_area(scores[:, c], targets == c, weights) for c in classes), strict=True)
    return 1.0 - _mean_where(np.stack(areas, axis=1), np.stack(pairs, axis=1))


def _area(scores: np.ndarray, positive: np.ndarray, weights: Weights) -> tuple[Values, Values]:
    """Weighted pairs in which the positive row scores higher, ties counting half, and all pairs."""
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(scores[order]) > 0]))
    up = np.add.reduceat((weights * positive)[:, order], starts, axis=1)
    down = np.add.reduceat((weights * ~positive)[:, order], starts, axis=1)
    below = np.cumsum(down, axis=1) - 0.5 * down
    return (up * below).sum(axis=1), up.sum(axis=1) * down.sum(axis=1)


def _mae(targets: np.ndarray, scores: np.ndarray, weights: Weights) -> Values:
    return weights @ np.abs(scores - targets) / weights.sum(axis=1)


def _unexplained(targets: np.ndarray, scores: np.ndarray, weights: Weights) -> Values:
    """1 − R²."""
    total = weights.sum(axis=1)
    mean = weights @ targets / total
    variance = np.maximum((weights * (targets - mean[:, None]) ** 2).sum(axis=1) / total, 1e-300)
    return weights @ (scores - targets) ** 2 / total / variance


def _mean_where(parts: Float[np.ndarray, "R C"], totals: Float[np.ndarray, "R C"]) -> Values:
    """Of each row the mean of parts / totals over the columns that have a total; NaN where none has."""
    there = totals > 0
    each = np.where(there, parts / np.where(there, totals, 1.0), 0.0)
    count = there.sum(axis=1)
    return np.where(count > 0, each.sum(axis=1) / np.maximum(count, 1), np.nan)


_METRICS: Mapping[str, Callable[[np.ndarray, np.ndarray, Weights], Values]] = {
    "log_loss": _log_loss,
    "balanced_error": _balanced_error,
    "f1": _f1,
    "auc": _auc,
    "mae": _mae,
    "r2": _unexplained,
}
