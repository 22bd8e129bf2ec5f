"""What a campaign has come to so far: counted by the loop, told to a watcher, kept in a checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from caviar.records.events import Event
from caviar.records.trial import Trial
from caviar.study.spec import Campaign
from caviar.study.yardstick import Yardstick

if TYPE_CHECKING:
    from caviar.study.lane import Progress


@dataclass(frozen=True)
class Look:
    """What a watcher is told after every segment."""

    campaign: str
    running: int
    ended: dict[str, int]  # by status
    waiting: int
    model_epochs: int
    seconds: float
    best: float
    best_trial: int
    share_done: float
    replaying: bool
    in_percent: bool = False  # whether `best` is a share of rows
    metric: str = "error"  # what `best` is
    stick: Yardstick | None = None  # how it is read, where it is not the error


@dataclass
class Tally:
    """Counts of a campaign; those of the cohort that trains are added when it ends.

    Args:
        ended: trials that have ended, by status.
        best: the lowest value so far, and whose it is.
        model_epochs: epochs of networks.
        counts: slot-epochs, useful and whole arithmetic.
        spared: trials that a rule would have stopped, were they not exempt.
        seconds: of training.
    """

    ended: dict[str, int] = field(default_factory=dict)
    best: tuple[float, int] = (float("inf"), -1)
    model_epochs: int = 0
    counts: list[float] = field(default_factory=lambda: [0, 0.0, 0.0])
    spared: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def note(self, progress: "Progress", events: Sequence[Event], trials: Sequence[Trial]) -> None:
        """Count what a segment has led to."""
        for event in events:
            if event.kind == "evict":
                status = event.payload["status"]
                self.ended[status] = self.ended.get(status, 0) + 1
        for trial in trials:
            value = progress.best.get(trial.number, (float("inf"), 0.0))[0]
            if value < self.best[0]:
                self.best = (value, trial.number)

    def add(self, progress: "Progress") -> None:
        """Count a cohort that has ended, or was left."""
        self.spared += progress.spared
        self.model_epochs += progress.model_epochs
        for at, value in enumerate((progress.slot_epochs, progress.useful, progress.arithmetic)):
            self.counts[at] += value

    def look(
        self,
        campaign: Campaign,
        progress: "Progress",
        replaying: bool,
        in_percent: bool,
        metric: str,
        stick: Yardstick | None,
    ) -> Look:
        """What a watcher is told now."""
        done = sum(self.ended.values())
        running = list(progress.live.values())
        part = sum(trial.epochs / max(1, trial.stop_at) for trial in running)
        return Look(
            campaign.kind,
            len(running),
            dict(self.ended),
            campaign.trials - done - len(running),
            self.model_epochs + progress.model_epochs,
            self.seconds,
            self.best[0] if stick is None else stick.known(self.best[0]),
            self.best[1],
            (done + part) / max(1, campaign.trials),
            replaying,
            in_percent,
            metric,
            stick,
        )

    def take(self) -> dict[str, Any]:
        """As plain values, copied: a checkpoint is written while the next segments are counted."""
        return {
            "ended": dict(self.ended),
            "loop_best": list(self.best),
            "earlier": [self.model_epochs, *self.counts],
            "earlier_spared": list(self.spared),
        }

    def put(self, plain: dict[str, Any]) -> None:
        """Go on from what `take` gave."""
        self.ended, self.best = dict(plain["ended"]), (plain["loop_best"][0], int(plain["loop_best"][1]))
        self.model_epochs, *self.counts = plain["earlier"]
        self.spared = list(plain["earlier_spared"])
