"""Streams: every row once an epoch, no lonely row, and the same batches for the same seed and epoch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.data.splits import split
from caviar.data.streams import Stream, batches, make_stream, updates_per_epoch
from caviar.errors import DataError

from .tables import blobs


def stream(m: int, seed: int = 0) -> Stream:
    """A stream over m rows that are not simply 0 to m − 1."""
    rows = (np.arange(m) * 3 + 5).astype(np.int32)
    return Stream(0, seed, rows, rows[:1], rows[:1], np.ones(1, dtype=bool))


@settings(max_examples=200, deadline=None)
@given(m=st.integers(1, 300), B=st.integers(1, 100), epoch=st.integers(0, 2**40), seed=st.integers(-5, 2**70))
def test_every_row_comes_once(m: int, B: int, epoch: int, seed: int) -> None:
    """In each epoch every train row is in exactly one batch, and padding is index 0 with present 0."""
    one = stream(m, seed)
    indices, present = batches(one, epoch, B)
    assert indices.shape == present.shape == (updates_per_epoch(m, B), B)
    assert indices.dtype == np.int32 and present.dtype == np.float32
    assert np.array_equal(np.sort(indices[present == 1]), one.rows)
    assert set(np.unique(present).tolist()) <= {0.0, 1.0}
    assert (indices[present == 0] == 0).all()


@given(m=st.integers(2, 400), B=st.integers(3, 100))
def test_no_batch_has_one_row(m: int, B: int) -> None:
    """A remainder of one row is shared out over the last two batches; all others are full but the last."""
    sizes = batches(stream(m), 0, B)[1].sum(axis=1)
    assert sizes.min() >= 2 and sizes.sum() == m
    if m % B == 1 and m > B:
        assert (sizes[:-2] == B).all() and abs(sizes[-1] - sizes[-2]) <= 1
    else:
        assert (sizes[:-1] == B).all()


@pytest.mark.parametrize(("m", "B", "sizes"), [(1, 64, [1]), (5, 2, [2, 2, 1]), (3, 1, [1, 1, 1]), (7, 64, [7])])
def test_small_cases(m: int, B: int, sizes: list[int]) -> None:
    """A single row, fewer rows than a batch, and batches of one or two, where a lonely row cannot be helped."""
    assert batches(stream(m), 0, B)[1].sum(axis=1).tolist() == sizes


def test_an_epoch_needs_nothing_but_its_number() -> None:
    """The batches of an epoch are the same whether the epochs before it were made or not, and differ by epoch."""
    one = stream(100)
    third = batches(one, 3, 32)[0]
    for epoch in range(4):
        made = batches(stream(100), epoch, 32)[0]
    assert np.array_equal(made, third)
    assert not np.array_equal(batches(one, 4, 32)[0], third)
    assert not np.array_equal(batches(stream(100, seed=1), 3, 32)[0], third)


def test_the_order_is_a_part_of_the_format() -> None:
    """The first order of seed 0 is pinned: a study that is resumed elsewhere must see the same batches."""
    assert batches(stream(8), 0, 8)[0].tolist() == [[5, 11, 8, 20, 17, 14, 23, 26]]


def test_every_row_is_as_likely_anywhere() -> None:
    """Over many epochs every row is in the first batch about as often."""
    one = stream(40)
    counts = np.zeros(40)
    for epoch in range(2000):
        counts[(batches(one, epoch, 10)[0][0] - 5) // 3] += 1
    # A binomial of 2000 draws at 1/4 has a deviation of 19; five of them bound all 40.
    assert np.abs(counts - 500).max() < 97


def test_a_stream_over_the_train_set() -> None:
    """By default: train rows, dev rows with their halves, and a sample as large as dev (512 to 10 000)."""
    splits = split(blobs(6000, 3))
    one = make_stream(splits, 2, 7)
    assert (one.number, one.seed) == (2, 7)
    assert np.array_equal(one.rows, splits.train) and np.array_equal(one.dev, splits.dev)
    assert np.array_equal(one.choose, splits.choose) and not one.choose.all()
    assert len(one.sample) == len(splits.dev) == 1200
    assert len(np.unique(one.sample)) == 1200 and np.isin(one.sample, splits.train).all()
    assert {array.dtype for array in (one.rows, one.sample, one.dev)} == {np.dtype(np.int32)}


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(("rows", "size"), [(100, 60), (900, 512), (6000, 1200)])
def test_the_size_of_the_sample(rows: int, size: int, task: str) -> None:
    """The sample is all of a small train set, at least 512 rows, and as large as dev beyond."""
    assert len(make_stream(split(blobs(rows, 2, task=task)), 0, 0).sample) == size


def test_the_sample_is_fixed_and_fair() -> None:
    """The sample is the same each time, another for another seed, and drawn from all of train."""
    splits = split(blobs(6000, 3))
    first, again, other = (make_stream(splits, 0, seed).sample for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert 0.4 < np.mean(first < 3000) < 0.6


def test_a_stream_over_a_fold() -> None:
    """Other train and dev rows make a fold; all its dev rows choose."""
    splits = split(blobs(6000, 3))
    one = make_stream(splits, 0, 0, rows=splits.train[::2], dev=splits.train[1::2])
    assert np.array_equal(one.rows, splits.train[::2]) and np.array_equal(one.dev, splits.train[1::2])
    assert one.choose.all() and np.isin(one.sample, splits.train[::2]).all()


def test_streams_refuse_rows_that_are_not_there() -> None:
    """No rows, rows beyond the data set and batches of none get a sentence."""
    splits = split(blobs(100))
    with pytest.raises(DataError, match="needs train rows from 0 to 99"):
        make_stream(splits, 0, 0, rows=np.array([], dtype=int))
    with pytest.raises(DataError, match="needs dev rows from 0 to 99"):
        make_stream(splits, 0, 0, dev=np.array([100]))
    with pytest.raises(DataError, match="batch of at least one"):
        updates_per_epoch(10, 0)
