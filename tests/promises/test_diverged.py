"""Promise 2: a diverged or NaN slot changes no other slot by a bit."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from promises import grid

# Slots of both devices with every optimiser, with and without batch norm.
SICK = (1, 17, 38, 44, 105, 171, 249)
HEALTHY = [slot for slot in range(grid.LAYOUT.slots) if slot not in SICK]
pytestmark = pytest.mark.usefixtures("wide")


def trained(change=None, loss="softmax", depth=2):
    """The grid after two epochs; `change` makes of a sick slot's assignment another one."""
    problem = grid.problem(loss)
    cohort = grid.cohort(problem, grid.architecture(depth, loss))
    trials = grid.assignments(problem, grid.configurations(depth, loss))
    if change is not None:
        trials |= {slot: change(trials[slot]) for slot in SICK}
    cohort.admit(trials)
    return cohort, cohort.run(2)


def exploding(own):
    """The same trial with a learning rate that no network survives."""
    return replace(own, configuration={**own.configuration, "learning_rate": 1e300, "clip_norm": np.inf, "warmup": 0.0})


def infinite(own):
    """The same trial with first weights that overflow."""
    return replace(own, configuration={**own.configuration, "initialisation_scale": np.inf})


@pytest.mark.parametrize("change", [exploding, infinite])
@pytest.mark.parametrize(("loss", "depth"), [("softmax", 2), ("squared", 1)])
def test_the_others_do_not_notice(change, loss, depth):
    """What 249 healthy slots carry and what is measured of them is the same bit for bit beside seven that overflow."""
    well, told = trained(loss=loss, depth=depth)
    ill, told_ill = trained(change, loss, depth)
    state = ill.read_state()
    sick = grid.slots_of(state.train.parameters, SICK)
    assert sum(not np.isfinite(leaf).all() for leaf in sick) > 0
    assert grid.same_bits(grid.slots_of(well.read_state(), HEALTHY), grid.slots_of(state, HEALTHY))
    among = np.isin(told.slots, HEALTHY)
    assert grid.same_bits([told.fields[among]], [told_ill.fields[among]])


def test_each_sick_slot_is_sick():
    """Each of the seven diverges to NaN or beyond 1e100, so that the promise is tried for each."""
    cohort, _ = trained(exploding)
    parameters = cohort.read_state().train.parameters
    for slot in SICK:
        values = np.concatenate([leaf[slot].ravel() for leaf in jax.tree.leaves(parameters)])
        assert not np.abs(values).max() < 1e100


def test_nan_written_into_a_slot_stays_there():
    """A slot whose weights become NaN in the middle of a training changes no other slot by a bit."""
    cohort, _ = trained()
    state = cohort.read_state()
    other, _ = trained()
    weights = [leaf.copy() for leaf in state.train.parameters.weights]
    for slot in SICK:
        weights[0][slot] = np.nan
        weights[1][slot] = np.inf
    parameters = state.train.parameters._replace(weights=tuple(weights))
    cohort.write_state(state._replace(train=state.train._replace(parameters=parameters)))
    cohort.run(2)
    other.run(2)
    assert np.isnan(cohort.read_state().train.parameters.weights[0][list(SICK)]).all()
    assert grid.same_bits(grid.slots_of(cohort.read_state(), HEALTHY), grid.slots_of(other.read_state(), HEALTHY))


@pytest.mark.parametrize(("loss", "depth"), [("softmax", 2), ("squared", 1)])
def test_a_refilled_slot_is_as_new(loss, depth):
    """A trial admitted after a diverged one equals the trial in a cohort that never held another, bit for bit."""
    problem = grid.problem(loss)
    used, _ = trained(infinite, loss, depth)
    fresh = grid.cohort(problem, grid.architecture(depth, loss))
    fresh.run(2)  # the streams go on, so that both see the same epochs
    trials = grid.assignments(problem, grid.configurations(depth, loss))
    refill = {slot: replace(trials[slot], seed=77 + slot, trial=300 + slot) for slot in SICK}
    for slot in SICK:
        used.evict(slot)
    for cohort in (used, fresh):
        cohort.admit(refill)
    assert grid.same_bits(grid.slots_of(used.read_state(), SICK), grid.slots_of(fresh.read_state(), SICK))
    told, told_fresh = used.run(3), fresh.run(3)
    assert grid.same_bits(grid.slots_of(used.read_state(), SICK), grid.slots_of(fresh.read_state(), SICK))
    own = np.isin(told.slots, SICK)
    assert grid.same_bits([told.fields[own], told.epochs[own]], [told_fresh.fields, told_fresh.epochs])
    assert told_fresh.epochs.tolist() == [1] * 7 + [2] * 7 + [3] * 7


@pytest.mark.parametrize(("loss", "depth"), [("softmax", 2), ("squared", 1)])
def test_no_epoch_of_nan_is_the_best(loss, depth):
    """A trial whose cost on dev was never a number has no best epoch; what is read of it are its own first weights."""
    problem = grid.problem(loss)
    cohort, _ = trained(loss=loss, depth=depth)
    slot = SICK[0]
    own = infinite(grid.assignments(problem, grid.configurations(depth, loss))[slot])
    cohort.evict(slot)
    cohort.admit({slot: own})
    told = cohort.run(2)
    costs = told.fields[told.slots == slot, 3]
    assert np.isnan(costs).all()
    assert cohort.read_state().best.epoch[slot] == 0
    assert not np.isfinite(cohort.best(slot)["weights.0"]).any()
