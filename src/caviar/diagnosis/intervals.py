"""Confidence intervals: of a share, of a root mean squared error, of a difference, over seeds. All at 95 %."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95
_Z = 1.959963984540054  # the standard normal's 97.5 % point
# Student's t at 97.5 % for 1 to 30 degrees of freedom: with three seeds the normal's 1.96 would claim far too much.
_T = (
    *(12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281),
    *(2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.0930, 2.0860),
    *(2.0796, 2.0739, 2.0687, 2.0639, 2.0595, 2.0555, 2.0518, 2.0484, 2.0452, 2.0423),
)


@dataclass(frozen=True)
class Interval:
    """An estimate and the two ends of its 95 % interval.

    Args:
        estimate, low, high: in the same unit, low ≤ estimate ≤ high.
    """

    estimate: float
    low: float
    high: float

    @property
    def below(self) -> float:
        """How far the interval reaches below the estimate."""
        return self.estimate - self.low

    @property
    def above(self) -> float:
        """How far the interval reaches above the estimate."""
        return self.high - self.estimate

    def scaled(self, factor: float) -> "Interval":
        """The interval in another unit; the factor is positive."""
        return Interval(self.estimate * factor, self.low * factor, self.high * factor)


def exact(value: float) -> Interval:
    """A number known without error, such as a base error that was given."""
    return Interval(value, value, value)


def wilson(share: float, rows: int) -> Interval:
    """Wilson's score interval of a share; at 0 or 1 too it has a width, unlike the usual ±1.96·s.

        (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)

    Args:
        share: in [0, 1].
        rows: n, at least 1.

    Source: Wilson 1927; Newcombe 1998, Statistics in Medicine 17:857, method 3.

    >>> interval = wilson(81 / 263, 263)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.2553, 0.3662)
    """
    centre = share + _Z**2 / (2 * rows)
    reach = _Z * math.sqrt(share * (1 - share) / rows + _Z**2 / (4 * rows**2))
    scale = 1 + _Z**2 / rows
    return Interval(share, min(share, (centre - reach) / scale), max(share, (centre + reach) / scale))


def normal(estimate: float, standard_error: float) -> Interval:
    """The usual estimate ± 1.96 standard errors."""
    return Interval(estimate, estimate - _Z * standard_error, estimate + _Z * standard_error)


def rmse_standard_error(rmse: float, squared_error_spread: float, rows: int) -> float:
    """The standard error of a root mean squared error, by the delta method: sd(e²) / (2·RMSE·√n).

    Args:
        rmse: the root mean squared error.
        squared_error_spread: standard deviation of the squared errors over the rows.
        rows: n.

    Returns:
        In the target's unit; 0 where every error is 0.

    >>> rmse_standard_error(2.0, 4.0, 100)
    0.1
    """
    return squared_error_spread / (2 * rmse * math.sqrt(rows)) if rmse > 0 else 0.0


def difference(first: Interval, second: Interval) -> Interval:
    """The interval of first − second for two independent estimates, from their own intervals.

    Each end adds the squares of the two reaches that work towards it, which for shares with Wilson's intervals is
    Newcombe's method 10.

    Source: Newcombe 1998, Statistics in Medicine 17:873; Zou and Donner 2008.

    >>> gap = difference(wilson(56 / 70, 70), wilson(48 / 80, 80))
    >>> round(gap.low, 4), round(gap.high, 4)
    (0.0524, 0.3339)
    """
    estimate = first.estimate - second.estimate
    return Interval(
        estimate, estimate - math.hypot(first.below, second.above), estimate + math.hypot(first.above, second.below)
    )


def over_seeds(interval: Interval, values: Sequence[float]) -> Interval:
    """The interval widened by what other seeds would have given.

    The rows are the same for every seed, so their number says nothing about chance in the training, and the spread of
    the seeds nothing about chance in the rows: the two reaches add as squares.

    Args:
        interval: around the mean over the seeds, for chance in the rows.
        values: one measurement for each seed; fewer than two widen nothing.
    """
    count = len(values)
    if count < 2:
        return interval
    mean = sum(values) / count
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    reach = (_T[count - 2] if count - 2 < len(_T) else _Z) * spread / math.sqrt(count)
    return Interval(
        interval.estimate,
        interval.estimate - math.hypot(interval.below, reach),
        interval.estimate + math.hypot(interval.above, reach),
    )
