"""Commits segments until it is killed: `python commit_forever.py FILE`. Says "ready" once the first one is stored."""

import sys
from itertools import count

import numpy as np

from caviar.records.events import Event
from caviar.records.history import FIELDS, Block
from caviar.records.status import Status
from caviar.records.store import Store
from caviar.records.trial import Trial

ROWS = 64


def main(path):
    """Go on behind the last stored tick; everything in a segment is a function of its tick."""
    store = Store(path)
    lease = store.acquire(0)
    for tick in count(store.tick(0) + 1):
        events = [Event(0, tick, i, "set", i, i, {"tick": tick}, "person") for i in range(3)]
        values = np.full((ROWS, len(FIELDS)), tick, np.float32)
        block = Block(np.arange(ROWS), np.arange(ROWS), np.full(ROWS, tick), values)
        trials = [Trial(i, Status.RUNNING, {"tick": tick}, epochs=tick) for i in range(3)]
        store.commit(0, lease, tick, events=events, block=block, trials=trials, state={"tick": tick})
        print(tick, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
