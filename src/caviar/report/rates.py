"""The figure of a search for learning rates: cost against rate, with the range that learns."""

import math
from itertools import cycle

import numpy as np

from caviar.report import text
from caviar.report.figure import Axis, Figure, Series
from caviar.report.looks import ORDER
from caviar.study.learning_rates import LearningRates, Round
from caviar.study.rate_judging import NOTHING

# Costs above this many times that of a constant prediction are drawn at the upper edge.
_TOP = 3.0


def learning_rates(found: LearningRates) -> Figure:
    """The dev cost against the learning rate: mean and extremes of the longest trainings, and the means before them."""
    top, last = _TOP * found.chance, found.rounds[-1]
    shown = np.clip(last.costs, NOTHING, top)
    low, high, mean = shown.min(axis=1), shown.max(axis=1), shown.mean(axis=1)
    floor = float(min(np.clip(one.costs, NOTHING, top).min() for one in found.rounds))
    whole = [float(found.rates[0]), float(found.rates[-1])]
    series = [
        Series("lowest to highest of the seeds", "band", "first", _short(last.rates), _short(mean), _short(low),
               _short(high)),
        *(_means(one, top, role) for one, role in zip(found.rounds[::-1], cycle(ORDER), strict=False)),
        _bound("as good as the best", found.low, floor, top),
        _bound("", found.high, floor, top),
        Series("a constant prediction", "line", "base", whole, [found.chance, found.chance]),
    ]  # fmt: skip
    lost = ~np.isfinite(found.costs).all(axis=1)
    if lost.any():
        gone = _short(found.rates[lost])
        series.append(Series("some diverged", "points", "diverged", gone, [top] * len(gone)))
    at = float(np.exp(np.interp(math.log(found.suggested), np.log(last.rates), np.log(mean))))
    label = f"suggested: {found.suggested:.3g}"
    series.append(Series(label, "points", "best", [found.suggested], [at], labels=[label]))
    return Figure(
        key="learning_rates",
        title=f"Dev cost at each learning rate, after {_told([one.steps for one in found.rounds])} steps",
        description=str(found),
        x=Axis("learning rate", scale="log"),
        y=Axis("dev cost", scale="log", top=top),
        series=tuple(series),
        note=f"Costs above {_TOP:g} times that of a constant prediction are drawn at the top.",
        height=360,
    )


def _means(one: Round, top: float, role: str) -> Series:
    """The mean over seeds after so many steps."""
    shown, lost = np.clip(one.costs, NOTHING, top), ~np.isfinite(one.costs)
    labels = [
        f"{text.value(rate)}: cost {cost.mean():.4g} after {one.steps} steps"
        + (f", {gone.sum()} of {len(gone)} seeds diverged" if gone.any() else "")
        for rate, cost, gone in zip(_short(one.rates), one.costs, lost, strict=True)
    ]
    name = f"mean of {text.counted(one.costs.shape[1], 'seed')}, {text.counted(one.steps, 'step')}"
    return Series(name, "line", role, _short(one.rates), _short(shown.mean(axis=1)), labels=labels)


def _short(values: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in values]


def _told(steps: list[int]) -> str:
    """Numbers in a sentence.

    >>> _told([100, 300, 900])
    '100, 300 and 900'
    """
    return " and ".join(part for part in (", ".join(map(str, steps[:-1])), str(steps[-1])) if part)


def _bound(name: str, rate: float, floor: float, top: float) -> Series:
    """An upright line at one end of the range."""
    return Series(name, "line", "limit", [rate, rate], [floor, top])
