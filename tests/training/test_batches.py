"""Rows on the device, and the tables that say which come when."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.streams import Stream, batches
from caviar.training.batches import (
    AFTER_ROWS,
    GroupStream,
    Version,
    counts_of,
    epoch_tables,
    eval_tables,
    keys_of,
    padded_rows,
    stack,
)
from caviar.training.carried import EVAL_CHUNK


def stream(number=0, rows=range(10), sample=range(4), dev=range(10, 16), choose=None):
    """A small stream."""
    rows, sample, dev = (np.asarray(list(each), np.int32) for each in (rows, sample, dev))
    return Stream(number, number, rows, sample, dev, np.ones(len(dev), bool) if choose is None else choose)


@given(count=st.integers(1, 10**7))
def test_padded_rows_hold_their_count(count):
    """Rows are padded to at least their count, by at most an eighth, and a padded count stays."""
    padded = padded_rows(count)
    assert padded >= count and padded_rows(padded) == padded
    assert count < 64 or padded - count <= count / 8


def test_versions_lie_one_after_the_other():
    """Two versions share the row axis: columns are padded with 0, rows beyond them weigh nothing."""
    one = Version(np.ones((70, 3), np.float32), np.arange(70, dtype=np.int32), np.full(70, 2.0))
    other = Version(np.full((70, 3), 5, np.float32), np.arange(70, dtype=np.int32), np.ones(70))
    data = stack([one, other], 4, "float32")
    assert data.inputs.shape == (padded_rows(140), 4) and data.inputs.dtype == np.float32
    assert (data.inputs[:70, :3] == 1).all() and (data.inputs[70:140, :3] == 5).all()
    assert not data.inputs[:, 3].any() and not data.inputs[140:].any() and not data.weights[140:].any()
    assert data.targets.dtype == np.int32 and data.targets[139] == 69
    assert data.weights[:140].sum() == 210


def test_pixels_stay_bytes():
    """Pixels are kept as bytes with the scale and shift of each version; regression's targets take the type asked."""
    pixels = np.full((5, 2), 255, np.uint8)
    version = Version(pixels, np.linspace(0, 1, 5), np.ones(5), np.array([0.5, 1.0]), np.array([3.0, 4.0]))
    data = stack([version, version], 3, "float64")
    assert data.inputs.dtype == np.uint8 and data.targets.dtype == np.float64
    assert data.scale.tolist() == [[0.5, 1.0, 0.0]] * 2 and data.shift.tolist() == [[3.0, 4.0, 0.0]] * 2


def test_what_is_measured():
    """The train sample and dev are measured, each row by its weight in its role; padding has no role."""
    halves = np.array([True, False, True, True, False, True])
    weights = np.arange(100, 116, dtype=float)
    groups = [GroupStream(stream(choose=halves)), GroupStream(stream(1), version=1, offset=0)]
    rows, roles = eval_tables(groups, weights, "float64")
    assert rows.shape == (2, EVAL_CHUNK) and roles.shape == (2, 3, EVAL_CHUNK)
    assert rows[0, :10].tolist() == [0, 1, 2, 3, 10, 11, 12, 13, 14, 15]
    assert roles[0, 0, :4].tolist() == [100, 101, 102, 103] and not roles[0, 0, 4:].any()
    assert roles[0, 1, 4:10].tolist() == [110, 0, 112, 113, 0, 115]
    assert roles[0, 2, 4:10].tolist() == [0, 111, 0, 0, 114, 0]
    assert not roles[:, :, 10:].any() and not roles[0, 1:, :4].any()
    assert (roles[1, 1] == roles[1, 2]).all()  # dev is not halved: the judge is the chooser


def tables(*asked):
    """Rows, real rows and keys of `epoch_tables`."""
    table = epoch_tables(*asked)
    return table[..., :-AFTER_ROWS], counts_of(table), keys_of(table)


@given(m=st.integers(2, 40), size=st.integers(2, 16), first=st.integers(0, 5), offset=st.integers(0, 50))
def test_each_epoch_draws_every_row_once(m, size, first, offset):
    """The tables hold every train row once an epoch, moved to its version's place, in the stream's own order."""
    own = stream(rows=range(m))
    group = GroupStream(own, offset=offset)
    room = (3, group.updates(size) + 1)
    rows, counts, keys = tables([group], [[first, first + 1]], size, room)
    assert rows.shape == (1, *room, size) and counts.shape == (1, *room) and keys.shape == (1, *room, 2)
    for position in range(2):
        drawn = [rows[0, position, u, : counts[0, position, u]] for u in range(room[1])]
        assert sorted(np.concatenate(drawn).tolist()) == list(range(offset, offset + m))
        indices, present = batches(own, first + position, size)
        wanted = [indices[u][present[u] > 0] + offset for u in range(len(indices))]
        assert all(np.array_equal(a, b) for a, b in zip(drawn, wanted, strict=False))
    places = np.arange(size) >= counts[0, :2, : group.updates(size), None]
    assert (rows[0, :2, : group.updates(size)][places] == offset).all()  # padding repeats a train row, never another
    assert not counts[0, 2].any()  # no third epoch was asked for


def test_keys_are_those_of_the_update():
    """The key of an update depends on the stream and on its own count alone, not on where its segment begins."""
    group = GroupStream(stream(rows=range(20)))
    _, _, whole = tables([group], [[0, 1, 2]], 8, (3, 3))
    _, _, later = tables([group], [[2]], 8, (1, 4))
    assert np.array_equal(whole[0, 2], later[0, 0, :3])
    assert len({tuple(key) for key in whole.reshape(-1, 2).tolist()}) == 9
    _, _, other = tables([GroupStream(stream(1, rows=range(20)))], [[0, 1, 2]], 8, (3, 3))
    assert not (other == whole).all(axis=-1).any()


def test_groups_on_one_stream_share_their_batches():
    """Two groups on one stream see the same rows; a shorter stream leaves its last places empty."""
    groups = [GroupStream(stream(rows=range(20))), GroupStream(stream(1, rows=range(9)))]
    groups.append(groups[0])
    rows, counts, _ = tables(groups, [[0], [0], [0]], 8, (1, 3))
    assert np.array_equal(rows[0], rows[2]) and counts[0].tolist() == [[8, 8, 4]]
    assert counts[1].tolist() == [[5, 4, 0]]  # nine rows in batches of eight: the single row is shared out
