"""How errors, gaps and intervals are written for a person."""

from dataclasses import dataclass

from caviar.counts import count
from caviar.diagnosis.gaps import Gap, Measured
from caviar.diagnosis.intervals import Interval


@dataclass(frozen=True)
class Unit:
    """The unit of the errors.

    Args:
        is_share: shares of rows, written in percent and their differences in points.
        spread: of the target, where thresholds are shares of it; None: no such thing.

    >>> Unit(is_share=True).error(Interval(0.11, 0.104, 0.116))
    '11.0 % (10.4 to 11.6 %)'
    """

    is_share: bool
    spread: float | None = None

    def value(self, value: float) -> str:
        """One error."""
        return f"{percent(value)} %" if self.is_share else number(value)

    def error(self, interval: Interval) -> str:
        """An error with its interval."""
        if self.is_share:
            return f"{percent(interval.estimate)} % ({percent(interval.low)} to {percent(interval.high)} %)"
        return f"{number(interval.estimate)} ({number(interval.low)} to {number(interval.high)})"

    def gap(self, gap: Gap) -> str:
        """A gap by its name, with its interval."""
        interval, write, points = gap.interval, percent if self.is_share else number, " points" if self.is_share else ""
        ends = f"{write(interval.low)} to {write(interval.high)}"
        return f"{gap.name} is {write(interval.estimate)}{points} ({ends})"

    def margin(self, margin: float) -> str:
        """What a gap is allowed to be."""
        if self.is_share:
            return f"{100 * margin:g} points"
        share = f" ({100 * margin / self.spread:.3g} % of the target's spread)" if self.spread else ""
        return number(margin) + share

    def open(self, gap: Gap) -> str:
        """A sentence on a gap that may lie on either side of its margin, led by a blank; nothing for another."""
        if gap.size != "unclear":
            return ""
        return (
            f" The {self.gap(gap)}, which leaves open whether it is above {self.margin(gap.margin)}: {_way_out(gap)}."
        )


def errors(parts: list[Measured | None], unit: Unit) -> str:
    """The measured errors in a row, each with its interval."""
    return ", ".join(f"{part.name} error {unit.error(part.whole)}" for part in parts if part is not None)


def optimistic(candidates: int | None, name: str, chosen: str, apart: str, optimism: str) -> str:
    """The message of FIT007.

    Args:
        candidates: among how many trials was selected, where that is known.
        name: of what was selected by: "error", "AUC".
        chosen, apart: it with its interval, on the rows that the selection used and on others of the same kind.
        optimism: "optimism is …", with its interval.
    """
    among = f" among {candidates} trials" if candidates else ""
    return (
        f"The selection{among} is optimistic: {name} {chosen} on the rows it used, {apart} on rows of the same kind "
        f"kept apart. The {optimism}. Report the second; more dev rows, or fewer trials, would bring the first nearer "
        f"to it."
    )


def percent(share: float) -> str:
    """A share in percent: two decimals below one percent, one above, and no minus before a zero.

    >>> percent(0.005), percent(0.0999999), percent(-1e-9)
    ('0.50', '10.0', '0.00')
    """
    value = round(100 * share, 2)
    return f"{value + 0.0:.2f}" if abs(value) < 1 else f"{value:.1f}"


def number(value: float) -> str:
    """A number to three figures, a whole one from a thousand on.

    >>> number(0.41234), number(51234.5)
    ('0.412', '51\\xa0234')
    """
    return count(value) if abs(value) >= 1000 else f"{value:.3g}"


def _way_out(gap: Gap) -> str:
    rows = gap.rows_to_settle()
    if rows is not None:
        return f"about {count(rows)} {gap.upper.name} rows instead of {count(gap.upper.rows)} would tell"
    times = gap.times_to_settle()
    if times is not None:
        both = f"{gap.upper.name} and {gap.lower.name}" if gap.lower.rows else gap.upper.name
        return f"about {count(times)} times as many rows of {both} would tell"
    if len(gap.upper.seeds) >= 2:
        return "its seeds differ so much that more of them are needed before more rows would tell"
    return "it lies so near that no practical number of rows would tell"
