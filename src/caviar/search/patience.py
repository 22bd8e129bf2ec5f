"""Early stopping with patience: a training ends where nothing has got better for so many epochs."""

from collections.abc import Iterable, Mapping
from typing import Any, final

from caviar.errors import StudyError
from caviar.given import is_whole, shown
from caviar.search.rule import SPARED, Decision, Report, StoppingRule, check_state


@final
class Patience(StoppingRule):
    """A trial ends `patience` epochs after its best one; the parameters of the best epoch are the ones kept.

    Better is what the engine calls better when it keeps the best epoch: a lower dev error on the choose half, or the
    same at a lower cost. The rule remembers nothing: a report says how far back the best epoch lies.

    Args:
        patience: epochs, from 1.

    Raises:
        StudyError: it is no whole number from 1.

    >>> rule = Patience(3)
    >>> [rule.decide([Report(0, epoch, 0.1, best_epoch=2)])[0].keep for epoch in (4, 5)]
    [True, False]
    """

    def __init__(self, patience: int) -> None:
        if not is_whole(patience) or patience < 1:
            raise StudyError(
                f"'patience' is a number of epochs without a better one, whole and from 1. Got {shown(patience)}. "
                "Leave it out to train every epoch."
            )
        self.patience = int(patience)

    def decide(self, reports: Iterable[Report]) -> list[Decision]:
        """End what has waited long enough; of several reports of a trial the last counts."""
        return [self._judge(report) for report in {report.trial: report for report in reports}.values()]

    def _judge(self, report: Report) -> Decision:
        waited = report.epoch - report.best_epoch
        if waited < self.patience:
            return Decision(report.trial, True)
        reason = f"{waited} epochs without a better one than epoch {report.best_epoch}"
        if report.exempt:
            return Decision(report.trial, True, f"{reason}; {SPARED}")
        return Decision(report.trial, False, reason)

    def next_look(self, epoch: int, best_epoch: int) -> int | None:
        """Where its patience ends, so that no epoch is trained beyond it; a trial that was spared trains to its end."""
        end = best_epoch + self.patience
        return end if end > epoch else None

    def state(self) -> dict[str, Any]:
        """Its number."""
        return {"rule": "patience", "patience": self.patience}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore.

        Raises:
            StudyError: the state is another rule's.
        """
        check_state(state, self.state())


@final
class Both(StoppingRule):
    """Two rules at once: a trial goes on where both let it.

    Both hear every report. A trial that one of them ended is no longer there for the other, which compares the rest
    with what was reported while it was.

    Args:
        first, second: the rules.
    """

    def __init__(self, first: StoppingRule, second: StoppingRule) -> None:
        self.first, self.second = first, second

    def decide(self, reports: Iterable[Report]) -> list[Decision]:
        """Each trial's stricter decision, the first rule's reason first."""
        batch = list(reports)
        others = {decision.trial: decision for decision in self.second.decide(batch)}
        return [_stricter(decision, others[decision.trial]) for decision in self.first.decide(batch)]

    def next_look(self, epoch: int, best_epoch: int) -> int | None:
        """The earlier of the two."""
        looks = [rule.next_look(epoch, best_epoch) for rule in (self.first, self.second)]
        return min((look for look in looks if look is not None), default=None)

    def state(self) -> dict[str, Any]:
        """What both remember."""
        return {"rule": "both", "first": self.first.state(), "second": self.second.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what both remembered.

        Raises:
            StudyError: the state is another rule's.
        """
        check_state(state, {"rule": "both"})
        self.first.restore(state["first"])
        self.second.restore(state["second"])


def _stricter(one: Decision, other: Decision) -> Decision:
    if one.keep != other.keep:
        return other if one.keep else one
    # Of two that let a trial go on, the one that spared it has to be heard.
    return other if other.reason.endswith(SPARED) else one
