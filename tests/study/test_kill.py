"""Promise 6 with real deaths: a study killed at random moments and resumed equals one that was never stopped."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from caviar.errors import StudyError
from caviar.records.store import Store
from caviar.study.study import Study
from study.making import content, differences

SCRIPT = Path(__file__).with_name("train_and_die.py")
SECONDS = 120.0  # after which a child is taken for hanging


def begin(folder: Path) -> subprocess.Popen[str]:
    """The study of a folder in a process of its own."""
    return subprocess.Popen([sys.executable, str(SCRIPT), str(folder)], stderr=subprocess.PIPE, text=True)


def tick_of(folder: Path) -> int:
    """The last segment that is stored, −1 before the first, looked up beside the process that writes."""
    try:
        with Store(folder / "study.db", read_only=True) as store:
            return store.tick(0)
    except StudyError:  # not there yet
        return -1


def kill_at(folder: Path, tick: int, delay: float) -> bool:
    """Go on with the study, and kill it some milliseconds after a segment; False where it ended before that."""
    with begin(folder) as child:
        until = time.monotonic() + SECONDS
        while child.poll() is None and tick_of(folder) < tick:
            assert time.monotonic() < until, "the study hangs"
            time.sleep(0.001)
        time.sleep(delay)
        killed = child.poll() is None
        child.kill()
        assert killed or child.returncode == 0, child.stderr and child.stderr.read()
    return killed


def test_killed_again_and_again_a_study_equals_one_that_was_never_stopped(tmp_path: Path) -> None:
    """kill -9 at random moments of search and confirmation changes no bit of trials, histories, winner and weights."""
    whole = tmp_path / "whole"
    with begin(whole) as child:
        assert child.wait(SECONDS) == 0, child.stderr and child.stderr.read()
    reference = Study(whole)
    wanted = content(reference)
    first = {int(number): tick for number, tick in reference.store.setting("campaign_ticks").items()}
    last = reference.store.tick(0)
    assert last - first[1] > 5 and first[1] > 30  # segments enough to hit

    generator = np.random.default_rng(6)
    moments = [*sorted(generator.integers(1, first[1], 2).tolist()), int(generator.integers(first[1], last - 5))]
    killed = tmp_path / "killed"
    kills = [kill_at(killed, tick, delay) for tick, delay in zip(moments, generator.uniform(0, 0.02, 3), strict=True)]
    assert sum(kills) >= 2
    with begin(killed) as child:
        assert child.wait(SECONDS) == 0, child.stderr and child.stderr.read()

    resumed = Study(killed)
    assert differences(wanted, content(resumed)) == []
    assert resumed.store.setting("to_rounding") is None
