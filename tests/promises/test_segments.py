"""Promise 3: the length of a segment changes nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promises import grid

EPOCHS = 8


def fresh():
    """The grid before training."""
    problem = grid.problem()
    cohort = grid.cohort(problem, grid.architecture())
    cohort.admit(grid.assignments(problem, grid.configurations()))
    return cohort


def told(cohort, parts):
    """Train in the given parts, whole epochs or (batches,) of one; the rows of all that was measured."""
    found = []
    for part in parts:
        measured = cohort.run(1, batches=part[0]) if isinstance(part, tuple) else cohort.run(part)
        if measured is not None:
            found.append(measured)
    return [np.concatenate([getattr(m, name) for m in found]) for name in ("slots", "trials", "epochs", "fields")]


@pytest.fixture(scope="module")
def whole():
    """The state and the measurements after one segment of eight epochs."""
    with grid.wide():
        cohort = fresh()
        measured = told(cohort, [EPOCHS])
        return grid.slots_of(cohort.read_state(), range(grid.LAYOUT.slots)), measured


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(
    "parts",
    [
        [1] * 8,
        [3, 5],
        [(1,)] * 24,
        [(2,), (1,)] * 8,
        [(2,), (2,)] * 8,
        [(1,), (7,), 6, (1,), (1,), (1,)],
    ],
    ids=["1 epoch", "3 and 5", "1 batch", "2 and 1", "2 and what is left", "mixed"],
)
def test_in_parts(whole, parts):
    """Eight epochs in one segment, epoch by epoch or batch by batch give the same bits, in state and measurements."""
    cohort = fresh()
    measured = told(cohort, parts)
    assert grid.same_bits(measured, whole[1])
    assert grid.same_bits(grid.slots_of(cohort.read_state(), range(grid.LAYOUT.slots)), whole[0])


def segments():
    """Eight epochs, cut anywhere: whole epochs, and epochs cut into runs of batches."""
    cut = st.sampled_from([[(1,), (1,), (1,)], [(1,), (2,)], [(2,), (1,)], [(3,)]])
    return st.lists(st.one_of(st.integers(1, 4).map(lambda n: [n]), cut), min_size=8, max_size=8)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(parts=segments())
def test_cut_anywhere(whole, parts):
    """However eight epochs are cut, the bits are the same."""
    left, chosen = EPOCHS, []
    for part in parts:
        epochs = part[0] if isinstance(part[0], int) else 1
        if epochs <= left:
            chosen += part
            left -= epochs
    chosen += [1] * left
    with grid.wide():
        cohort = fresh()
        measured = told(cohort, chosen)
        assert grid.same_bits(measured, whole[1])
        assert grid.same_bits(grid.slots_of(cohort.read_state(), range(grid.LAYOUT.slots)), whole[0])


@pytest.mark.usefixtures("wide")
def test_nothing_is_measured_within_an_epoch():
    """A segment that ends within an epoch measures nothing, and the trials' own epochs do not count on."""
    cohort = fresh()
    assert cohort.run(1, batches=2) is None
    assert cohort.partway == 2 and not cohort.own_epochs.any()
    assert cohort.run(1, batches=5) is not None
    assert cohort.partway == 0 and (cohort.own_epochs == 1).all()
