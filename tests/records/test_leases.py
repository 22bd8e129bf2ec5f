"""Only the newest lease of a lane may write."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from caviar.errors import LeaseLost, StudyError
from caviar.records.lease import is_gone, this_process
from caviar.records.store import Store

from .making import make_block, make_events, make_trial

SHORT = 0.02  # seconds


@pytest.fixture
def pair(tmp_path):
    """Two openings of one study, as two processes have."""
    with Store(tmp_path / "study.sqlite") as one, Store(tmp_path / "study.sqlite") as other:
        yield one, other


def everything(store):
    """All that a commit could have changed."""
    ticks = [tick for tick, _ in store.blocks(0)]
    return store.tick(0), store.state(0), store.events(0), ticks, store.trials()


def test_a_process_thought_dead_must_not_write(pair):
    """Once a lane was taken over, every commit with the old lease is refused and leaves no trace."""
    one, other = pair
    old = one.acquire(0, "one", SHORT)
    one.commit(0, old, 0, events=make_events(0), state={"by": "one"})
    time.sleep(2 * SHORT)
    new = other.acquire(0, "other")
    before = everything(other)
    for tick in (1, 2):
        with pytest.raises(LeaseLost, match="taken over by other"):
            one.commit(
                0, old, tick, events=make_events(tick), block=make_block(), trials=[make_trial(0)], state={"by": "one"}
            )
        assert everything(other) == before
    other.commit(0, new, 1, state={"by": "other"})
    with pytest.raises(LeaseLost):
        one.commit(0, old, 2)
    assert other.state(0) == {"by": "other"}


def test_a_live_lease_is_respected(pair):
    """A lane that somebody else holds is refused with his name and the seconds left."""
    one, other = pair
    one.acquire(0, "process 1 of the cellar", 60)
    with pytest.raises(StudyError, match=r"Lane 0 .* by process 1 of the cellar; its lease ends in (5\d|60) s"):
        other.acquire(0, "other")
    assert other.acquire(1, "other").number == 1


def test_numbers_only_grow(pair):
    """Every taking of a lane has a larger number: after a release, an expiry, and by the same holder again."""
    one, other = pair
    first = one.acquire(0, "one")
    one.release(first)
    second = other.acquire(0, "other", SHORT)
    time.sleep(2 * SHORT)
    third = one.acquire(0, "one")
    fourth = one.acquire(0, "one")
    assert [lease.number for lease in (first, second, third, fourth)] == [1, 2, 3, 4]
    with pytest.raises(LeaseLost):
        one.commit(0, third, 0)
    one.commit(0, fourth, 0)


def test_a_released_lease_writes_no_more(pair):
    """After its release a lease is refused, also where nobody has taken the lane yet; releasing twice is harmless."""
    one, other = pair
    lease = one.acquire(0, "one")
    one.release(lease)
    one.release(lease)
    with pytest.raises(LeaseLost, match="released"):
        one.commit(0, lease, 0)
    new = other.acquire(0, "other")
    one.release(lease)  # an old lease frees nothing
    other.commit(0, new, 0)


def test_an_expired_lease_that_nobody_took_goes_on(pair):
    """A process that slept past its lease may commit as long as nobody took the lane: nothing is lost."""
    one, _ = pair
    lease = one.acquire(0, "one", SHORT)
    time.sleep(2 * SHORT)
    one.commit(0, lease, 0, events=make_events(0))
    assert one.tick(0) == 0


@pytest.mark.parametrize("way", ["commit", "renew"])
def test_commit_and_renew_prolong_a_lease(pair, way):
    """A commit renews a lease that ran out, and so does `renew`; a lease that was lost cannot be renewed."""
    one, other = pair
    lease = replace(one.acquire(0, "one", 0.0), seconds=60.0)  # has run out, and lasts a minute from its renewal
    one.renew(lease) if way == "renew" else one.commit(0, lease, 0)
    with pytest.raises(StudyError, match="its lease ends in"):
        other.acquire(0, "other")
    one.release(lease)
    other.acquire(0, "other")
    with pytest.raises(LeaseLost):
        one.renew(lease)


def test_lanes_are_fenced_apart(pair):
    """A lost lane does not end the other lanes of the same process."""
    one, other = pair
    lost, kept = one.acquire(0, "one", 0.0), one.acquire(1, "one")
    other.acquire(0, "other")
    with pytest.raises(LeaseLost):
        one.commit(0, lost, 0)
    one.commit(1, kept, 0, events=make_events(0, lane=1))
    assert other.tick(1) == 0


@pytest.mark.skipif(os.name != "posix", reason="whether a process lives cannot be asked safely on Windows")
def test_a_killed_process_need_not_be_waited_for(pair):
    """The lease of a process of this machine that was killed is taken over at once; that of a living one is not."""
    one, other = pair
    code = "from caviar.records.lease import this_process; print(this_process(), flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        holder = child.stdout.readline().strip()
        one.acquire(0, holder, 600)
        with pytest.raises(StudyError, match="being trained by process"):
            other.acquire(0)
        child.kill()
        child.wait()
    assert other.acquire(0).number == 2


def test_only_what_is_sure_counts_as_gone():
    """This process is alive; a process of another machine, or a text of another form, is never declared dead."""
    assert not is_gone(this_process())
    assert not is_gone("process 1 begun 5 on another-machine")
    assert not is_gone("somebody")
    if Path("/proc/self/stat").exists():
        name = this_process().rpartition(" on ")[2]
        assert is_gone(f"process {os.getpid()} begun 1 on {name}")  # the number was given to another process since
