"""The store keeps each segment whole, and gives back what was put in."""

import math
import sqlite3

import numpy as np
import pytest

from caviar.errors import StudyError
from caviar.records.events import Event
from caviar.records.status import Status
from caviar.records.store import Store

from .making import make_block, make_events, make_trial


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "study.sqlite") as opened:
        yield opened


def test_settings_are_plain_values(store):
    """A setting comes back equal, also infinities; one that was never set gives the default."""
    store.set_setting("space", {"clip_norm": [0.1, math.inf], "hidden": [[64], []]})
    store.set_setting("seed", 1)
    store.set_setting("seed", 2)
    assert store.setting("space") == {"clip_norm": [0.1, math.inf], "hidden": [[64], []]}
    assert store.setting("seed") == 2
    assert store.setting("nothing") is None
    assert store.setting("nothing", default=5) == 5
    with pytest.raises(StudyError, match="schema_version"):
        store.set_setting("schema_version", 9)


def test_a_segment_comes_back(store):
    """Events, block, trials, host state and tick of a commit are found again, equal, by another opening."""
    lease = store.acquire(0)
    trials = [make_trial(n) for n in range(8)]
    store.commit(0, lease, 0, events=make_events(0), trials=trials, state={"slots": [1, 2]})
    store.commit(0, lease, 1, events=make_events(1), block=make_block(), state={"slots": [3], "best": math.inf})
    store.close()
    with Store(store.path, read_only=True) as other:
        assert other.lanes() == [0]
        assert other.tick(0) == 1
        assert other.state(0) == {"slots": [3], "best": math.inf}
        assert other.events(0) == make_events(0) + make_events(1)
        [(tick, block)] = other.blocks(0)
        assert tick == 1
        assert block.same(make_block())
        assert other.trials() == trials
        assert other.trial(5) == trials[5]
        assert other.trial(5).history["cost"].tolist() == [make_block().values[5, 0]]


def test_since(store):
    """`since` gives what takes effect at that tick or later, also what was stored with an earlier segment."""
    lease = store.acquire(0)
    early = Event(0, 9, 0, "set", 1, 1, {"learning_rate": 0.1}, "person")
    store.commit(0, lease, 3, events=[*make_events(3), early], block=make_block(epoch=3))
    store.commit(0, lease, 5, events=make_events(5), block=make_block(epoch=5))
    assert store.events(0, since=4) == [early, *make_events(5)]
    assert [tick for tick, _ in store.blocks(0, since=4)] == [5]
    assert store.events(1) == [] == store.blocks(1)


def test_numbers_out_of_arrays(store):
    """NumPy's integers serve as lane, tick, slot and trial like Python's own."""
    zero, one = np.arange(2)
    lease = store.acquire(zero)
    event = Event(zero, one, zero, "evict", one, one, {"epoch": one}, "stopping")
    store.commit(zero, lease, one, events=[event], block=make_block(), trials=[make_trial(one)], state={"slot": one})
    assert store.events(zero, since=one) == [Event(0, 1, 0, "evict", 1, 1, {"epoch": 1}, "stopping")]
    assert [tick for tick, _ in store.blocks(zero, since=one)] == [1]
    assert (store.tick(zero), store.state(zero), store.trial(one).number) == (1, {"slot": 1}, 1)


def test_a_lane_that_is_not_there_is_empty(store):
    """A lane nobody took has no tick, no state, no events: a new study, not an error."""
    assert (store.lanes(), store.tick(0), store.state(0), store.trials()) == ([], -1, {}, [])


def test_a_tick_is_stored_once(store):
    """A tick that is stored already is refused, so that a replayed segment cannot be counted twice."""
    lease = store.acquire(0)
    store.commit(0, lease, 4, block=make_block())
    for tick in (4, 3):
        with pytest.raises(StudyError, match="tick 4 is there already"):
            store.commit(0, lease, tick, block=make_block(), trials=[make_trial(0)])
    assert store.trials() == []


def test_state_is_kept_when_none_is_given(store):
    """A commit without host state leaves the last one."""
    lease = store.acquire(0)
    store.commit(0, lease, 0, state={"drawn": 3})
    store.commit(0, lease, 1)
    assert store.state(0) == {"drawn": 3}


def test_all_or_nothing(store):
    """A commit that fails in its middle leaves no part of the segment, and the lane at its tick."""
    lease = store.acquire(0)
    store.commit(0, lease, 0, state={"drawn": 1})
    with sqlite3.connect(store.path) as raw:  # makes the third statement of the next commit fail
        raw.execute("INSERT INTO measurement (lane, tick, first_trial, last_trial, block) VALUES (0, 1, 5, 5, x'00')")
    raw.close()
    with pytest.raises(StudyError):
        store.commit(0, lease, 1, events=make_events(1), block=make_block(), trials=[make_trial(0)], state={})
    assert (store.tick(0), store.state(0), store.events(0), store.trials()) == (0, {"drawn": 1}, [], [])
    store.commit(0, lease, 2, events=make_events(2))
    assert store.tick(0) == 2


def test_what_cannot_be_stored_is_refused_before_writing(store):
    """A value that is not plain, or another lane's event, is refused and nothing is written."""
    lease = store.acquire(0)
    with pytest.raises(TypeError, match="stored"):
        store.commit(0, lease, 0, trials=[make_trial(0)], state={"sampler": object()})
    with pytest.raises(ValueError, match="lane 0"):
        store.commit(0, lease, 0, events=make_events(0, lane=1), trials=[make_trial(0)])
    with pytest.raises(ValueError, match="lane 1"):
        store.commit(1, lease, 0)
    assert (store.tick(0), store.trials()) == (-1, [])


def test_the_database_is_full(store):
    """A full disk is a sentence; what was committed stays, and the same segment can be stored once there is room."""
    lease = store.acquire(0)
    store.commit(0, lease, 0, events=make_events(0))
    connection = store._database.engine.raw_connection()
    pages = connection.cursor().execute("PRAGMA page_count").fetchone()[0]
    connection.cursor().execute(f"PRAGMA max_page_count={pages}").fetchone()
    connection.close()
    noise = {"noise": np.random.default_rng(0).bytes(200_000).hex()}
    with pytest.raises(StudyError, match="is full"):
        store.commit(0, lease, 1, state=noise)
    assert (store.tick(0), store.events(0)) == (0, make_events(0))
    store.close()
    store.commit(0, lease, 1, state=noise)
    assert store.state(0) == noise


def test_a_trial_is_replaced_whole(store):
    """A changed trial replaces its row; its configuration is the one given last."""
    lease = store.acquire(0)
    store.commit(0, lease, 0, trials=[make_trial(0), make_trial(1)])
    changed = make_trial(0, status=Status.DIVERGED, epochs=3, dev_error=math.inf, configuration={"learning_rate": 9.0})
    store.commit(0, lease, 1, trials=[changed])
    assert store.trials() == [changed, make_trial(1)]


def test_a_listing_is_one_look(store):
    """The history of a listed trial ends where the listing was made, though the study has gone on since."""
    lease = store.acquire(0)
    store.commit(0, lease, 0, trials=[make_trial(2)], block=make_block(epoch=1))
    before = store.trials()[0]
    store.commit(0, lease, 1, block=make_block(epoch=2))
    assert before.history["epoch"].tolist() == [1]
    assert store.trials()[0].history["epoch"].tolist() == [1, 2]


def test_what_a_restore_took_back_does_not_count(store):
    """After a restore the later run counts; a trial that ended right after one shows only what it kept."""
    lease = store.acquire(0)
    store.commit(0, lease, 0, trials=[make_trial(0), make_trial(1)])
    for epoch in (1, 2, 3):
        store.commit(0, lease, epoch, block=make_block(seed=1, rows=2, epoch=epoch))
    restored = [Event(0, 3, i, "restore", i, i, {"epoch": 1}, "person") for i in range(2)]
    store.commit(0, lease, 4, events=restored, trials=[make_trial(1, status=Status.STOPPED, epochs=1)])
    again = make_block(seed=2, rows=1, epoch=2)
    store.commit(0, lease, 5, block=again)
    first, second = store.trials()
    assert first.history["epoch"].tolist() == [1, 2]
    assert first.history["dev_cost"][1] == again.values[0, 3]
    assert second.history["epoch"].tolist() == [1]


def test_a_trial_may_change_its_lane(store):
    """A trial that moved to another lane has one history, in the order of storing, whatever the lanes' ticks."""
    here, there = store.acquire(0), store.acquire(1)
    store.commit(0, here, 100, trials=[make_trial(0)], block=make_block(seed=1, rows=1, epoch=1))
    store.commit(1, there, 0, block=make_block(seed=2, rows=1, epoch=1))
    store.commit(1, there, 1, block=make_block(seed=2, rows=1, epoch=2))
    history = store.trial(0).history
    assert history["epoch"].tolist() == [1, 2]
    assert history["cost"][0] == make_block(seed=2, rows=1, epoch=1).values[0, 0]


def test_no_such_trial(store):
    """A trial's number that does not exist is a sentence that says how many there are."""
    store.commit(0, store.acquire(0), 0, trials=[make_trial(0)])
    with pytest.raises(StudyError, match="no trial 7; this study has 1 trials"):
        store.trial(7)


def test_artefacts(store):
    """Files are listed by kind in the order of noting; the same content and kind is one entry; one can be forgotten."""
    store.add_artefact("aa", "checkpoint", "checkpoints/aa.safetensors", 10, {"lane": 0, "tick": 1})
    store.add_artefact("bb", "rows", "rows/bb", 20, {})
    store.add_artefact("cc", "checkpoint", "checkpoints/cc.safetensors", 30, {"tick": 2})
    store.add_artefact("aa", "checkpoint", "checkpoints/aa.safetensors", 10, {"lane": 0, "tick": 3})
    assert [(a.sha256, a.size, a.about) for a in store.artefacts("checkpoint")] == [
        ("aa", 10, {"lane": 0, "tick": 3}),
        ("cc", 30, {"tick": 2}),
    ]
    store.remove_artefact("aa", "checkpoint")
    assert [a.sha256 for a in store.artefacts()] == ["bb", "cc"]


def test_findings(store):
    """Findings come back as given, in order; a repeated diagnosis may replace them."""
    first = {
        "code": "FIT001",
        "severity": "problem",
        "message": "High variance.",
        "evidence": {"gap": 0.1},
        "threshold": {},
    }
    second = first | {"code": "FIT002", "evidence": {"gap": math.inf, "seeds": [1, 2]}}
    store.add_findings([first])
    store.add_findings([second])
    assert store.findings() == [first, second]
    store.add_findings([second], replace=True)
    assert store.findings() == [second]


def test_experiments(store):
    """The notebook's entries are numbered in order, and are written anew when their result is known."""
    assert [store.add_experiment({"idea": "go bigger"}), store.add_experiment({"idea": "regularise"})] == [1, 2]
    store.set_experiment(1, {"idea": "go bigger", "result": {"bias": -0.02}})
    assert store.experiments() == [
        {"number": 1, "idea": "go bigger", "result": {"bias": -0.02}},
        {"number": 2, "idea": "regularise"},
    ]
    with pytest.raises(StudyError, match="no experiment 3"):
        store.set_experiment(3, {})
