"""What a gradient check found: one record, which prints as a sentence that names the worst entries."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from caviar.counts import count

# A course's notes read 1e-7 as right, 1e-5 as "look again" and 1e-3 as wrong; between them stand these.
RIGHT = 1e-6
WRONG = 1e-4
VERDICTS = ("right", "look again", "wrong")
_SHOWN = 3


def level(difference: float) -> str:
    """The word for a relative difference; one that is not a number is wrong.

    >>> [level(value) for value in (1e-7, 1e-5, 1e-3)]
    ['right', 'look again', 'wrong']
    """
    if difference <= RIGHT:
        return "right"
    return "look again" if difference <= WRONG else "wrong"


def worst_of(*verdicts: str) -> str:
    """The most serious of some verdicts; "right" where there is none."""
    return max(verdicts, key=VERDICTS.index, default="right")


@dataclass(frozen=True)
class Entry:
    """One number among the parameters, and its derivative both ways.

    Args:
        parameter: path of its parameter in the tree, e.g. "weights.0".
        index: its place in that parameter; () for a single number.
        analytic: the derivative that the gradient gives.
        numerical: the derivative by two-sided differences.
        error: how far the differences may be off, from rounding and curvature.
        verdict: of this entry alone, beyond that error.
        kink: the one-sided derivatives stay apart however small the step: there is no one derivative here.
    """

    parameter: str
    index: tuple[int, ...]
    analytic: float
    numerical: float
    error: float = 0.0
    verdict: str = "right"
    kink: bool = False

    @property
    def difference(self) -> float:
        """|numerical − analytic|."""
        return abs(self.numerical - self.analytic)

    @property
    def place(self) -> str:
        """Where it stands, as in Python: weights.0[3, 2]."""
        return self.parameter + (f"[{', '.join(map(str, self.index))}]" if self.index else "")


@dataclass(frozen=True)
class ParameterCheck:
    """What was found of one parameter (one array of the tree).

    Args:
        entries: numbers it has.
        checked: how many of them were checked one by one.
        relative_difference: of the checked ones; kinks are left out.
        verdict: with what each entry and the directions say.
        kinks: checked entries that sit on a kink.
        directions: random directions over all entries, where not every entry was checked.
        disagreeing: how many of them contradict the gradient.
    """

    entries: int
    checked: int
    relative_difference: float
    verdict: str
    kinks: int = 0
    directions: int = 0
    disagreeing: int = 0

    @property
    def missed_share(self) -> float:
        """The share of wrong entries that the checked ones would have met with 95 %; 0 where all were checked."""
        return 0.0 if self.checked >= self.entries or not self.checked else 1.0 - 0.05 ** (1.0 / self.checked)


@dataclass(frozen=True)
class GradientCheck:
    """The result of a gradient check.

    Args:
        verdict: "right" (relative difference at most 1e-6), "look again" (at most 1e-4) or "wrong".
        relative_difference: ‖numerical − analytic‖₂ / (‖numerical‖₂ + ‖analytic‖₂) of all checked entries, 0/0 = 0.
        by_parameter: the same for each parameter by its path.
        worst: the entries that differ most, the worst first.
        kinks: some of the entries where the cost has a kink, which are left out of the difference.
        notes: what else a reader should know, in sentences.
        cost: at the parameters.
        evaluations: of the cost.
        what: is being checked, as the sentence begins.
    """

    verdict: str
    relative_difference: float
    by_parameter: Mapping[str, ParameterCheck]
    worst: tuple[Entry, ...]
    kinks: tuple[Entry, ...]
    notes: tuple[str, ...]
    cost: float
    evaluations: int
    what: str = "The gradient"

    @property
    def passed(self) -> bool:
        """Whether the gradient is right."""
        return self.verdict == "right"

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        plain = asdict(self)
        plain["by_parameter"] = {name: asdict(found) for name, found in self.by_parameter.items()}
        return {"passed": self.passed, **plain, "says": str(self)}

    def __str__(self) -> str:
        entries = sum(found.entries for found in self.by_parameter.values())
        checked = sum(found.checked for found in self.by_parameter.values())
        amount = count(checked) + (f" of {count(entries)}" if checked < entries else "")
        says = {"right": "is right", "look again": "should be looked at again", "wrong": "is wrong"}[self.verdict]
        noun = "entry" if entries == 1 else "entries"
        head = f"{self.what} {says}: relative difference {self.relative_difference:.1e} over {amount} {noun}."
        return " ".join([head, *self._named(), *self.notes])

    def _named(self) -> list[str]:
        told = [entry for entry in self.worst if entry.difference != 0 and not (self.passed and entry.kink)]
        if not told:
            return []
        if self.passed:
            return [f"The largest difference is at {_told(told[0])}."]
        guilty = [entry for entry in self.worst if entry.verdict != "right"] or told
        return [f"Worst: {'; '.join(map(_told, guilty[:_SHOWN]))}."]


def _told(entry: Entry) -> str:
    if abs(entry.analytic - entry.numerical) < 1e-5 * abs(entry.numerical):
        return f"{entry.place} (analytic {entry.analytic:.6g}, numerical {entry.difference:.1e} away)"
    return f"{entry.place} (analytic {entry.analytic:.6g}, numerical {entry.numerical:.6g})"
