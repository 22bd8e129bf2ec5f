"""What a stopping rule is: it is told what trials have reached, a whole batch at once, and says which go on.

Pruners that decide one trial after another, or that wait for finished trials, do little or nothing when all networks
train in step: each trial is compared with those that happened to report before it. Here all reports of a segment
come in one call and are entered before anything is decided.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.errors import StudyError

EXEMPT_SHARE = 16
SPARED = "exempt, so it goes on"
_PURPOSE = 0xE4E  # keeps these draws apart from others made with the same seed


@dataclass(frozen=True)
class Report:
    """What one trial has reached.

    Args:
        trial: its number.
        epoch: its own finished epochs, from 1.
        value: dev error on the choose half, lower is better; NaN or infinite where it diverged.
        exempt: it must not be stopped, so that it can be said how often the rule would have been wrong.
        best_epoch: the own epoch at which it was best so far, 0 where it has none.
    """

    trial: int
    epoch: int
    value: float
    exempt: bool = False
    best_epoch: int = 0


@dataclass(frozen=True)
class Decision:
    """What is to become of one trial.

    Args:
        trial: its number.
        keep: it goes on.
        reason: why, for a person; empty where nothing was decided.
    """

    trial: int
    keep: bool
    reason: str = ""


class StoppingRule(ABC):
    """Decides on batches of reports; what it remembers can be saved and restored."""

    @abstractmethod
    def decide(self, reports: Iterable[Report]) -> list[Decision]:
        """One decision for each trial of the batch, in the order of their first reports."""

    @abstractmethod
    def next_look(self, epoch: int, best_epoch: int) -> int | None:
        """The own epoch at which a trial that goes on like this has to be looked at again; None: only at its end."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """What `restore` needs, as plain JSON."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where a rule of the same kind and numbers gave its `state`.

        Raises:
            StudyError: the state is another rule's.
        """


def exempt(seed: int, trial: int) -> bool:
    """Whether a trial is one of the sixteenth that no rule may stop, drawn at random and keyed by (seed, trial).

    >>> [trial for trial in range(64) if exempt(0, trial)]
    [12, 18, 22, 30, 55]
    """
    return bool(np.random.SeedSequence([seed, _PURPOSE, trial]).generate_state(1)[0] % EXEMPT_SHARE == 0)


def check_state(state: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    """Refuse what another rule remembered.

    Raises:
        StudyError: the kind or a number differs.
    """
    for name in ("rule", "epochs", "factor", "patience"):
        if state.get(name) != own.get(name):
            raise StudyError(
                f"The saved stopping rule has {name} {state.get(name)!r}, this one {own.get(name)!r}. "
                "Resume with the rule of the study."
            )
