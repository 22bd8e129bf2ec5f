"""A study survives the death of the process that writes it."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from caviar.records.store import Store

SCRIPT = Path(__file__).with_name("commit_forever.py")


def check_whole(store, lowest):
    """Every segment is whole: ticks without a gap, each with its block, events, trials and state."""
    last = store.tick(0)
    assert last >= lowest
    ticks = list(range(last + 1))
    assert [tick for tick, _ in store.blocks(0)] == ticks
    assert all((block.values == tick).all() for tick, block in store.blocks(0))
    assert [(event.tick, event.payload["tick"]) for event in store.events(0)] == [
        (t, t) for t in ticks for _ in range(3)
    ]
    assert store.state(0) == {"tick": last}
    assert [(trial.epochs, trial.configuration["tick"]) for trial in store.trials()] == [(last, last)] * 3
    assert store.trials()[0].history["epoch"].tolist() == ticks
    return last


def test_killed_at_any_moment(tmp_path):
    """After `kill -9` while committing no announced segment is lost, none is torn, and the next process goes on."""
    path = tmp_path / "study.sqlite"
    delays = np.random.default_rng(0).uniform(0.02, 0.15, 4)
    announced = -1
    for delay in delays:
        command = [sys.executable, str(SCRIPT), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline().strip() == str(announced + 1)
            time.sleep(delay)
            child.kill()
            told = child.stdout.read().split("\n")[:-1]
        announced = int(told[-1]) if told else announced + 1
        with Store(path, read_only=True) as store:
            announced = check_whole(store, announced)
    assert announced > len(delays)
