"""Gaps between two measured errors, and on which side of a margin they lie."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from caviar.diagnosis.intervals import Interval, difference, exact, normal, over_seeds, wilson

_MOST_ROWS = 10_000_000  # beyond these a gap lies at the margin itself, and no data set will tell
_MOST_TIMES = 1000


@dataclass(frozen=True)
class Measured:
    """An error with what its uncertainty rests on.

    Args:
        name: of the rows it was measured on, for a person: "train", "dev".
        rows: how many; 0 for a number that was given.
        interval: for chance in the rows.
        seeds: one error for each training of the configuration, or nothing.
        share: whether the error is a share of the rows, with Wilson's interval.
    """

    name: str
    rows: int
    interval: Interval
    seeds: tuple[float, ...] = ()
    share: bool = False

    @property
    def error(self) -> float:
        """The estimate."""
        return self.interval.estimate

    @property
    def whole(self) -> Interval:
        """The interval for chance in the rows and in the training; no error is below 0."""
        found = over_seeds(self.interval, self.seeds)
        return replace(found, low=max(found.low, 0.0))

    def at(self, rows: int) -> "Measured":
        """The same error as it would be known from another number of rows."""
        if self.rows == 0:
            return self
        if self.share:
            return replace(self, rows=rows, interval=wilson(self.error, rows))
        shrunk = math.sqrt(self.rows / rows)
        low, high = self.error - self.interval.below * shrunk, self.error + self.interval.above * shrunk
        return replace(self, rows=rows, interval=Interval(self.error, low, high))


def measure(
    name: str, error: float, rows: int, *, share: bool, standard_error: float | None, seeds: Sequence[float] = ()
) -> Measured:
    """An error with its interval; of several seeds it is their mean.

    Args:
        name: of the rows.
        error: as measured.
        rows: how many rows.
        share: whether it is a share of the rows: then Wilson's interval, otherwise the normal one.
        standard_error: for what is no share; None: error / √(2·rows), as if residuals were normal.
        seeds: errors of several trainings.
    """
    if len(seeds) >= 2:
        error = sum(seeds) / len(seeds)
    if share:
        interval = wilson(error, rows)
    else:
        interval = normal(error, error / math.sqrt(2 * rows) if standard_error is None else standard_error)
    return Measured(name, rows, interval, tuple(seeds), share)


def given(name: str, value: float) -> Measured:
    """A number that is known, such as a base error."""
    return Measured(name, 0, exact(value))


@dataclass(frozen=True)
class Gap:
    """How much the upper error exceeds the lower one.

    Args:
        name: "avoidable bias", "variance", "mismatch", "optimism".
        upper, lower: the two errors; their rows are different rows.
        margin: how much is allowed, in the unit of the errors.
    """

    name: str
    upper: Measured
    lower: Measured
    margin: float

    @property
    def interval(self) -> Interval:
        """Of the difference; the spread over seeds is that of the seeds' own differences."""
        return over_seeds(difference(self.upper.interval, self.lower.interval), self._seeds)

    @property
    def size(self) -> str:
        """ "high": the whole interval lies above the margin; "low": none of it does; "unclear": both are possible."""
        if self.interval.low > self.margin:
            return "high"
        return "low" if self.interval.high <= self.margin else "unclear"

    @property
    def excess(self) -> float:
        """By how much even the low end of the interval lies above the margin; for putting findings in order."""
        return self.interval.low - self.margin

    def rows_to_settle(self) -> int | None:
        """How many rows of the upper error would bring the interval to one side of the margin, all else as it is.

        Returns:
            None where no practical number would: the lower error's rows or the seeds are what is lacking, or the gap
            lies at the margin itself.
        """
        return _least(lambda rows: self._settled(self.upper.at(rows), self.lower), self.upper.rows, _MOST_ROWS)

    def times_to_settle(self) -> int | None:
        """How many times as many rows of both errors would; None: not practical."""
        return _least(
            lambda times: self._settled(self.upper.at(times * self.upper.rows), self.lower.at(times * self.lower.rows)),
            1,
            _MOST_TIMES,
        )

    def _settled(self, upper: Measured, lower: Measured) -> bool:
        return Gap(self.name, upper, lower, self.margin).size != "unclear"

    @property
    def _seeds(self) -> list[float]:
        count = max(len(self.upper.seeds), len(self.lower.seeds))
        upper, lower = (part.seeds or (part.error,) * count for part in (self.upper, self.lower))
        return [high - low for high, low in zip(upper, lower, strict=True)]


def _least(enough: Callable[[int], bool], low: int, most: int) -> int | None:
    """About the least number from low to most that is enough, rounded up to two figures; None: none is."""
    if most <= low or not enough(most):
        return None
    high = most
    while high - low > max(1, low // 100):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    figures = 10 ** max(0, len(str(high)) - 2)
    return -(-high // figures) * figures
