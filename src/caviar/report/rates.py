"""The figure of a search for learning rates: cost against rate, with the range that learns."""

import math

import numpy as np

from caviar.report import text
from caviar.report.figure import Axis, Figure, Series
from caviar.study.learning_rates import LearningRates

# Costs above this many times that of a constant prediction are drawn at the upper edge.
_TOP = 3.0


def learning_rates(found: LearningRates) -> Figure:
    """The dev cost after the last step against the learning rate: mean and extremes of the seeds, range, suggestion."""
    top = _TOP * found.chance
    with np.errstate(over="ignore"):
        shown = np.minimum(found.costs, top)
    rates = [float(f"{rate:.5g}") for rate in found.rates]
    mean = [float(f"{value:.5g}") for value in shown.mean(axis=1)]
    low, high = shown.min(axis=1), shown.max(axis=1)
    lost = ~np.isfinite(found.costs)
    labels = [
        f"{text.value(rate)}: cost {cost.mean():.4g}"
        + (f", {gone.sum()} of {len(gone)} seeds diverged" if gone.any() else "")
        for rate, cost, gone in zip(rates, found.costs, lost, strict=True)
    ]
    floor, seeds = float(low.min()), found.costs.shape[1]
    series = [
        Series("lowest to highest of the seeds", "band", "first", rates, mean, low.tolist(), high.tolist()),
        Series(f"mean of {seeds} seeds", "line", "first", rates, mean, labels=labels),
        _bound("as good as the best", found.low, floor, top),
        _bound("", found.high, floor, top),
        Series("a constant prediction", "line", "base", [rates[0], rates[-1]], [found.chance, found.chance]),
    ]
    if lost.any():
        gone = [rate for rate, some in zip(rates, lost.any(axis=1), strict=True) if some]
        series.append(Series("some diverged", "points", "diverged", gone, [top] * len(gone)))
    at = float(np.exp(np.interp(math.log(found.suggested), np.log(found.rates), np.log(shown.mean(axis=1)))))
    label = f"suggested: {found.suggested:.3g}"
    series.append(Series(label, "points", "best", [found.suggested], [at], labels=[label]))
    return Figure(
        key="learning_rates",
        title=f"Dev cost after {text.counted(found.steps, 'step')} at each learning rate",
        description=str(found),
        x=Axis("learning rate", scale="log"),
        y=Axis("dev cost", scale="log", top=top),
        series=tuple(series),
        note=f"Costs above {_TOP:g} times that of a constant prediction are drawn at the top.",
        height=360,
    )


def _bound(name: str, rate: float, floor: float, top: float) -> Series:
    """An upright line at one end of the range."""
    return Series(name, "line", "limit", [rate, rate], [floor, top])
