"""Promise 4: slots may be permuted.

To 1e-9 rather than bit for bit: a slot's place decides which of its numbers a vector instruction computes and which
are left to the scalar rest of the loop.
"""

import numpy as np
import pytest

from promises import grid

SMALL = 1e-9

pytestmark = pytest.mark.usefixtures("wide")

K, GROUP = grid.LAYOUT.slots, grid.LAYOUT.group


def permutation(seed):
    """For each slot where its trial goes: any place on the same stream (four groups, two on each device)."""
    generator = np.random.default_rng(seed)
    places = np.arange(K)
    stream = places // GROUP % 4
    found = np.empty(K, int)
    for number in range(4):
        own = places[stream == number]
        found[own] = generator.permutation(own)
    return found


def started():
    """The grid's trials and an empty cohort for them."""
    problem = grid.problem()
    return grid.cohort(problem, grid.architecture()), grid.assignments(problem, grid.configurations())


@pytest.fixture(scope="module")
def in_order():
    """State and measurements after four epochs with trial n in slot n."""
    with grid.wide():
        cohort, trials = started()
        cohort.admit(trials)
        fields = cohort.run(4).fields.reshape(4, K, -1)
        return cohort.read_state(), fields


def test_permutations_cross_groups_and_devices():
    """The permutations of these tests move slots to other groups and to the other device."""
    moved = permutation(0)
    there = np.arange(K)
    assert (moved // GROUP != there // GROUP).any() and (moved // (K // 2) != there // (K // 2)).any()


@pytest.mark.parametrize("seed", [0, 1])
def test_admitted_elsewhere(in_order, seed):
    """Trials in other slots, other groups and on the other device train the same."""
    place = permutation(seed)
    cohort, trials = started()
    cohort.admit({int(place[slot]): own for slot, own in trials.items()})
    fields = cohort.run(4).fields.reshape(4, K, -1)
    assert grid.distance([fields[:, place]], [in_order[1]]) < 1e-6  # single precision
    assert grid.distance(grid.slots_of(cohort.read_state(), place), grid.slots_of(in_order[0], range(K))) < SMALL


def test_moved_while_training(in_order):
    """Trials that `copy` moves between epochs train on as if they had stayed."""
    place = permutation(2)
    cohort, trials = started()
    cohort.admit(trials)
    first = cohort.run(1).fields
    cohort.copy({int(place[slot]): slot for slot in range(K)})
    middle = cohort.run(2).fields.reshape(2, K, -1)
    cohort.copy({slot: int(place[slot]) for slot in range(K)})
    last = cohort.run(1).fields
    fields = np.concatenate([first[None], middle[:, place], last[None]])
    assert grid.distance([fields], [in_order[1]]) < 1e-6  # single precision
    assert grid.distance(grid.slots_of(cohort.read_state(), range(K)), grid.slots_of(in_order[0], range(K))) < SMALL


def test_a_copy_leaves_the_source(in_order):
    """After a copy two slots hold one trial and train alike, and the others are as they were, bit for bit."""
    cohort, trials = started()
    cohort.admit(trials)
    cohort.run(2)
    cohort.copy({137: 2, 3: 138})  # to another group on the other device, and back
    at_once = cohort.read_state()
    cohort.run(2)
    state = cohort.read_state()
    assert grid.same_bits(grid.slots_of(at_once, [137, 3]), grid.slots_of(at_once, [2, 138]))
    assert grid.distance(grid.slots_of(state, [137, 3]), grid.slots_of(state, [2, 138])) < SMALL
    kept = [slot for slot in range(K) if slot not in (137, 3)]
    assert grid.same_bits(grid.slots_of(state, kept), grid.slots_of(in_order[0], kept))


def test_admitted_together_or_one_by_one(in_order):
    """Admitting the trials one at a time, in any order, gives what admitting them at once gives, bit for bit."""
    cohort, trials = started()
    for slot in reversed(range(K)):
        cohort.admit({slot: trials[slot]})
    cohort.run(4)
    assert grid.same_bits(grid.slots_of(cohort.read_state(), range(K)), grid.slots_of(in_order[0], range(K)))
