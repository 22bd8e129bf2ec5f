"""Gaps between two measured errors, and on which side of a margin they lie."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from caviar.diagnosis.intervals import Interval, difference, exact, normal, over_seeds, rows_needed, wilson

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
    """

    name: str
    rows: int
    interval: Interval
    seeds: tuple[float, ...] = ()

    @property
    def error(self) -> float:
        """The estimate."""
        return self.interval.estimate

    @property
    def whole(self) -> Interval:
        """The interval for chance in the rows and in the training."""
        return over_seeds(self.interval, self.seeds)


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
    if standard_error is not None:
        interval = normal(error, standard_error)
    else:
        interval = wilson(error, rows) if share else normal(error, error / math.sqrt(2 * rows))
    return Measured(name, rows, interval, tuple(seeds))


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
        whole, above = self.interval, self.interval.estimate > self.margin
        reach = self.upper.interval.below if above else self.upper.interval.above
        other = math.sqrt(max(0.0, (whole.below if above else whole.above) ** 2 - reach**2))
        needed = rows_needed(self.upper.rows, reach, other, abs(whole.estimate - self.margin))
        return needed if needed is not None and needed <= _MOST_ROWS else None

    def times_to_settle(self) -> int | None:
        """How many times as many rows of both errors would, the seeds' own spread aside; None: not practical."""
        rows = difference(self.upper.interval, self.lower.interval)
        distance = abs(rows.estimate - self.margin)
        reach = rows.below if rows.estimate > self.margin else rows.above
        times = (reach / distance) ** 2 if distance > 0 else math.inf
        return math.ceil(times) if times <= _MOST_TIMES else None

    @property
    def _seeds(self) -> list[float]:
        lower = self.lower.seeds or (self.lower.error,) * len(self.upper.seeds)
        return [up - low for up, low in zip(self.upper.seeds, lower, strict=False)]
