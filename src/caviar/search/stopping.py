"""Stopping rules by name: which trials go on, decided for a whole batch at once (see `caviar.search.rule`)."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, final

from caviar.errors import StudyError
from caviar.given import shown
from caviar.search.patience import Both, Patience
from caviar.search.rule import SPARED, Decision, Report, StoppingRule, check_state


@final
class NoStopping(StoppingRule):
    """Every trial trains to its end."""

    def decide(self, reports: Iterable[Report]) -> list[Decision]:
        """Keep them all."""
        return [Decision(trial, True) for trial in dict.fromkeys(report.trial for report in reports)]

    def next_look(self, epoch: int, best_epoch: int) -> None:
        """Never before the end."""

    def state(self) -> dict[str, Any]:
        """Nothing but the name."""
        return {"rule": "none"}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore.

        Raises:
            StudyError: the state is another rule's.
        """
        check_state(state, self.state())


@final
class SuccessiveHalving(StoppingRule):
    """Of the trials that reach a rung, the best 1/factor go on (Jamieson and Talwalkar 2016; Li et al. 2020).

    Rungs stand at equal own epochs of the trials: r, r·factor, r·factor², where r is E/factor³. So all rungs are
    multiples of the first one, and trials that began at different times are looked at together. At a rung a trial is
    compared with everything ever recorded there, its own batch included. In lock step exactly ⌈n/factor⌉ of n go on; a
    trial that arrives later, in a refilled slot, goes on if it is among the best ⌈N/factor⌉ of all N that were there.

    A diverged trial counts as the worst at the next rung it would have reached. A trial with fewer than
    `factor` records at its rung has nothing to be compared with and goes on.

    Args:
        epochs: E, at which a trial ends of itself.
        factor: one in so many goes on, from 2.
        first: r, the first rung, in epochs; by default E/factor³, rounded, at least 1, and then only rungs within the
            first two thirds of E.

    Raises:
        StudyError: a number makes no sense.
    """

    def __init__(self, epochs: int, factor: int = 3, first: int | None = None) -> None:
        if epochs < 1 or factor < 2 or (first is not None and first < 1):
            raise StudyError(
                "Successive halving needs at least 1 epoch, a factor from 2 and a first rung from 1. "
                f"Got epochs={epochs}, factor={factor}, first={first}."
            )
        self._epochs, self._factor = epochs, factor
        self.rungs = _rungs(epochs, factor, first)
        self._records: dict[int, dict[int, float]] = {rung: {} for rung in self.rungs}

    def decide(self, reports: Iterable[Report]) -> list[Decision]:
        """Enter the whole batch, then keep the best 1/factor at each rung that it touched.

        A trial that reports several epochs at once is judged at each rung among them, lowest first.
        """
        batch = list(reports)
        decisions = {report.trial: _outside_rungs(report) for report in batch}
        stopped: set[int] = set()
        for rung in self.rungs:
            here = [report for report in batch if self._rung_of(report) == rung and report.trial not in stopped]
            self._records[rung].update((report.trial, _worst_if_diverged(report.value)) for report in here)
            if here:
                places = {trial: place for place, trial in enumerate(self._ranking(rung), start=1)}
                for report in here:
                    decisions[report.trial] = self._judge(report, rung, places[report.trial], len(places))
                stopped |= {report.trial for report in here if not decisions[report.trial].keep}
        return list(decisions.values())

    def next_look(self, epoch: int, best_epoch: int) -> int | None:
        """The next rung."""
        return next((rung for rung in self.rungs if rung > epoch), None)

    def state(self) -> dict[str, Any]:
        """Every record of every rung; None stands for a diverged trial."""
        records = {
            str(rung): [[trial, None if math.isinf(value) else value] for trial, value in record.items()]
            for rung, record in self._records.items()
        }
        return {"rule": "halving", "epochs": self._epochs, "factor": self._factor, "records": records}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over the records.

        Raises:
            StudyError: the state is another rule's.
        """
        own = self.state()
        check_state(state, own)
        if set(state["records"]) != set(own["records"]):
            raise StudyError(
                f"The saved rungs are at epochs {', '.join(state['records'])}, these at {', '.join(own['records'])}. "
                "Resume with the rule of the study."
            )
        for rung, record in state["records"].items():
            self._records[int(rung)] = {int(trial): _worst_if_diverged(value) for trial, value in record}

    def _rung_of(self, report: Report) -> int | None:
        """The rung a report stands at; a diverged trial stands at the next one, since it will report no more."""
        if math.isfinite(report.value):
            return report.epoch if report.epoch in self._records else None
        return next((rung for rung in self.rungs if rung >= report.epoch), None)

    def _ranking(self, rung: int) -> list[int]:
        """The trials of a rung, best first; of equal ones the earlier trial."""
        return [trial for _, trial in sorted((value, trial) for trial, value in self._records[rung].items())]

    def _judge(self, report: Report, rung: int, place: int, of: int) -> Decision:
        best = math.ceil(of / self._factor)
        if not math.isfinite(report.value):
            return _outside_rungs(report)
        if of < self._factor:
            return Decision(report.trial, True, f"epoch {rung}: only {of} here so far, too few to compare")
        reason = f"epoch {rung}: place {place} of {of}, the best {best} go on"
        if place > best and report.exempt:
            return Decision(report.trial, True, f"{reason}; {SPARED}")
        return Decision(report.trial, place <= best, reason)


def stopping_rule(stopping: str | StoppingRule | None, epochs: int, patience: int | None = None) -> StoppingRule:
    """The rule of a name: "halving", "patience", "none" or None; a rule is taken as it is.

    Args:
        patience: epochs without a better one after which a trial ends, beside what the name says.

    Raises:
        StudyError: there is no rule of that name, or it lacks its number.
    """
    if isinstance(stopping, StoppingRule):
        return stopping
    name = "none" if stopping is None else stopping
    check_stopping(stopping, patience)
    first = STOPPING[name](epochs)
    if patience is None:
        return first
    return Patience(patience) if isinstance(first, NoStopping) else Both(first, Patience(patience))


def check_stopping(stopping: str | None, patience: int | None) -> None:
    """Refuse a rule that there is not, or patience without its number.

    Raises:
        StudyError: one or the other.
    """
    if stopping is not None and (not isinstance(stopping, str) or stopping not in STOPPING):
        raise StudyError(f"There is no stopping rule {shown(stopping)}. There are: {', '.join(STOPPING)}.")
    if patience is not None:
        Patience(patience)
    elif stopping == "patience":
        raise StudyError(
            "Stopping by patience needs a number of epochs: after how many without a better one does a training end? "
            "Say it with patience=5 (--patience 5)."
        )


def _outside_rungs(report: Report) -> Decision:
    if math.isfinite(report.value):
        return Decision(report.trial, True)
    return Decision(report.trial, report.exempt, f"diverged by epoch {report.epoch}")


def _rungs(epochs: int, factor: int, first: int | None) -> tuple[int, ...]:
    if first is not None:
        return tuple(rung for power in range(64) if (rung := first * factor**power) < epochs)
    first = max(1, math.floor(epochs / factor**3 + 0.5))
    return tuple(rung for power in range(3) if 3 * (rung := first * factor**power) <= 2 * epochs)


def _worst_if_diverged(value: float | None) -> float:
    return math.inf if value is None or not math.isfinite(value) else float(value)


STOPPING: dict[str, Callable[[int], StoppingRule]] = {
    "halving": SuccessiveHalving,
    "patience": lambda epochs: NoStopping(),  # the number comes beside the name
    "none": lambda epochs: NoStopping(),
}
