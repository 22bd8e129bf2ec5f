"""A budget of minutes: it covers the confirmation, ends at a segment that is told, and outlives an interruption."""

import signal
from pathlib import Path
from typing import Any

import pytest

from caviar.study import budget, campaigns, loop
from caviar.study.stop import BUDGET, Stop
from caviar.study.study import Study
from study.making import study

LOOK = 10.0  # seconds that pass at every look of the host


class Clock:
    """Time that passes at looks alone; at a chosen one Ctrl-C is pressed as well."""

    def __init__(self, press_at: int = -1) -> None:
        self.now, self.looks, self.press_at = 0.0, 0, press_at

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def look(self, look: Any) -> None:
        """A segment has been trained."""
        self.now += LOOK
        self.looks += 1
        if self.looks == self.press_at:
            signal.raise_signal(signal.SIGINT)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The loop's time; a segment is an epoch, and two trials are confirmed."""
    found = Clock()
    monkeypatch.setattr(loop, "time", found)
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    monkeypatch.setattr(campaigns, "CONFIRMED", 2)
    return found


def seconds(of: Study) -> dict[str, float]:
    """What each kind of campaign took."""
    return {part["kind"]: part["seconds"] for part in of.results["statistics"]["campaigns"].values()}


def search(folder: Path, clock: Clock, minutes: float) -> Study:
    """A search that would take far longer than its budget."""
    return study(folder, watch=clock.look).search(trials=4, epochs=300, stopping=None, minutes=minutes)


def test_a_budget_covers_the_confirmation(tmp_path: Path, clock: Clock) -> None:
    """The search leaves a quarter of the budget to the confirmation; both end at the first segment past their share."""
    found = search(tmp_path / "study", clock, minutes=2.0).finish()
    took = seconds(found)
    assert 120 * (1 - budget.CONFIRMATION_SHARE) < took["search"] <= 90 + LOOK
    assert sum(took.values()) <= 120 + LOOK
    stopped = found.results["stopped"]
    assert stopped["why"] == BUDGET and stopped["campaign"] == "confirm"
    assert found.sealed and found.results["winner"]["trial"] >= 0


def test_a_training_has_the_whole_budget(tmp_path: Path, clock: Clock) -> None:
    """One network is not confirmed, so nothing is kept back."""
    found = study(tmp_path / "study", watch=clock.look).train(epochs=300, minutes=1.0).finish()
    assert 60 < seconds(found)["train"] <= 60 + LOOK


def test_a_resumed_search_has_what_is_left_of_its_budget(tmp_path: Path, clock: Clock) -> None:
    """Stopped by Ctrl-C and resumed in another process, a search ends at the segment where it would have ended."""
    clock.press_at = 4
    with pytest.raises(Stop):
        search(tmp_path / "study", clock, minutes=2.0)
    resumed = Study(tmp_path / "study", watch=clock.look).resume().finish()
    assert seconds(resumed)["search"] == seconds(search(tmp_path / "other", clock, minutes=2.0))["search"]
    assert sum(seconds(resumed).values()) <= 120 + LOOK


def test_a_resumed_search_may_get_another_budget(tmp_path: Path, clock: Clock) -> None:
    """Minutes given to `resume` count from then on."""
    clock.press_at = 4
    with pytest.raises(Stop):
        search(tmp_path / "study", clock, minutes=2.0)
    resumed = Study(tmp_path / "study", watch=clock.look).resume(minutes=4.0)
    before = 3 * LOOK  # committed before the look at which Ctrl-C was pressed
    assert 180 < seconds(resumed)["search"] - before <= 180 + LOOK


def test_without_minutes_nothing_ends_early(tmp_path: Path, clock: Clock) -> None:
    """A second search of the study has no budget of the first."""
    found = study(tmp_path / "study", watch=clock.look)
    found.search(trials=2, epochs=50, stopping=None, minutes=1.0)
    found.search(trials=2, epochs=50, stopping=None)
    assert [trial.epochs for trial in found.trials[2:]] == [50, 50]
