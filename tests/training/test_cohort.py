"""The slots that share one program, and their edits."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from caviar.data.streams import Stream
from caviar.networks.architecture import Architecture
from caviar.search.hyperparameters import complete
from caviar.training.batches import GroupStream, Version
from caviar.training.cohort import Cohort
from caviar.training.features import features_of
from caviar.training.layout import Layout, layout_for
from promises import agreement, grid

K = grid.LAYOUT.slots


def fresh(**changes):
    """The grid's trials in their slots, not trained yet."""
    problem = grid.problem()
    cohort = grid.cohort(problem, grid.architecture(), **changes)
    trials = grid.assignments(problem, grid.configurations())
    cohort.admit(trials)
    return cohort, trials


# ---- the edits ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("wide")
def test_admission_leaves_the_others():
    """One admission changes its own slot and no other, the last slot included; the new trial has first weights."""
    cohort, trials = fresh()
    cohort.run(1)
    cohort.evict(5)
    before = cohort.read_state()
    cohort.admit({5: replace(trials[5], seed=99, trial=500)})
    after = cohort.read_state()
    others = [slot for slot in range(K) if slot != 5]
    assert grid.same_bits(grid.slots_of(after, others), grid.slots_of(before, others))
    assert not grid.same_bits(grid.slots_of(after, [5]), grid.slots_of(before, [5]))
    assert after.best.epoch[5] == 0 and np.isinf(after.best.value[5])
    told = cohort.run(1)
    assert told.trials[5] == 500 and told.epochs[5] == 1 and told.epochs[6] == 2


@pytest.mark.usefixtures("wide")
def test_a_taken_slot_takes_nobody():
    """Admitting into a taken slot, or within an epoch, is refused before anything is changed."""
    cohort, trials = fresh()
    before = cohort.read_state()
    with pytest.raises(AssertionError, match="slot 7 is taken"):
        cohort.admit({7: replace(trials[7], seed=1)})
    assert grid.same_bits(grid.slots_of(cohort.read_state(), range(K)), grid.slots_of(before, range(K)))
    cohort.evict(7)
    cohort.run(1, batches=1)
    with pytest.raises(AssertionError, match="epoch start"):
        cohort.admit({7: trials[7]})


@pytest.mark.usefixtures("wide")
def test_set_changes_one_slot():
    """`set` changes what one slot does from now on; its weights and moments stay and the others notice nothing."""
    cohort, trials = fresh()
    other, _ = fresh()
    cohort.run(1)
    other.run(1)
    at_rest = {**trials[3].configuration, "learning_rate": 0.0, "decay": "constant", "warmup": 0.0}
    before = cohort.read_state()
    cohort.set(3, replace(trials[3], configuration=at_rest))
    assert grid.same_bits(grid.slots_of(cohort.read_state(), range(K)), grid.slots_of(before, range(K)))
    told = cohort.run(1)
    other.run(1)
    state = cohort.read_state()
    weights = [w[3] for w in state.train.parameters.weights]
    assert grid.same_bits(weights, [w[3] for w in before.train.parameters.weights])
    assert told.fields[3, 7] == 0.0
    others = [slot for slot in range(K) if slot != 3]
    assert grid.same_bits(grid.slots_of(state, others), grid.slots_of(other.read_state(), others))


@pytest.mark.usefixtures("wide")
def test_an_evicted_trial_is_measured_no_more():
    """After an eviction a segment tells of the slots that are left; a group without any is not run."""
    cohort, _ = fresh()
    cohort.run(1)
    for slot in range(16):
        cohort.evict(slot)
    before = cohort.read_state()
    told = cohort.run(2)
    assert told.slots.tolist() == list(range(16, K)) * 2
    assert grid.same_bits(grid.slots_of(cohort.read_state(), range(16)), grid.slots_of(before, range(16)))
    assert cohort.live() == list(range(16, K))


@pytest.mark.usefixtures("wide")
def test_moving_to_another_program():
    """A cohort that moves to a larger program between epochs trains on as one that was in it from the start.

    So do trials that come to it then, with the batch norm that the smaller program did not have.
    """
    chosen = [slot for slot in range(80) if slot % 5 == 4 and not slot // 5 % 2]  # Adam without batch norm
    problem, configurations = grid.problem(), grid.configurations()
    trials = {slot: grid.assignment(problem, slot, configurations[slot]) for slot in chosen}
    features = features_of([configurations[slot] for slot in chosen], weighted=True)
    assert features.rule.optimisers == ("adam",) and features.network.batch_norm == "none"
    moving, staying = grid.cohort(problem, grid.architecture(), features), grid.cohort(problem, grid.architecture())
    told = []
    for cohort in (moving, staying):
        cohort.admit(trials)
        told.append([cohort.run(2).fields])
    moving.move(grid.EVERYTHING)
    assert moving.key == staying.key
    for fields, cohort in zip(told, (moving, staying), strict=True):
        fields.append(cohort.run(2).fields)
    assert grid.distance(told[0], told[1]) < 1e-6  # measurements are in single precision
    states = [cohort.read_state() for cohort in (moving, staying)]
    found = [grid.slots_of((s.train.parameters, s.train.moments, s.best.parameters), chosen) for s in states]
    assert grid.distance(*found) < 1e-9

    later = [slot for slot in range(80) if configurations[slot]["batch_norm"] and slot not in chosen]
    states = []
    for cohort in (moving, staying):
        cohort.admit({slot: grid.assignment(problem, slot, configurations[slot]) for slot in later})
        cohort.run(2)
        states.append(grid.slots_of(cohort.read_state(), later))
    assert later and grid.same_bits(*states)


@pytest.mark.usefixtures("wide")
def test_the_old_state_is_given_away():
    """A segment reuses the memory of the state it was given, so that a state exists once; what was read stays."""
    cohort, _ = fresh()
    old, read = cohort.state, cohort.read_state()
    kept = [leaf.copy() for leaf in jax.tree.leaves(read)]
    cohort.run(1)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(old))
    assert grid.same_bits(jax.tree.leaves(read), kept)


def test_layouts():
    """A layout has at least the slots asked for up to rounding, as many groups on every device, none too large."""
    for slots in (1, 2, 7, 64, 100, 256):
        for devices in (1, 2, 8):
            layout = layout_for(slots, devices)
            assert layout.slots % (layout.group * devices) == 0 and layout.groups % devices == 0
            assert layout.slots >= slots and layout.slots <= slots + 2 * layout.groups + devices
            assert layout.group <= 24


# ---- pixels, versions, and the metric -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_pixels():
    """Two trials on bytes, each on a version with its own scale and shift, the best epoch chosen by log loss."""
    with grid.wide():
        generator = np.random.default_rng(11)
        pixels = generator.integers(0, 256, (60, 5)).astype(np.uint8)
        targets = (pixels[:, 0].astype(int) + pixels[:, 1] > 255).astype(np.int32)
        constants = [(np.full(5, 0.01), np.full(5, 128.0)), (generator.uniform(0.005, 0.02, 5), pixels.mean(axis=0))]
        versions = [Version(pixels, targets, np.ones(60), scale, shift) for scale, shift in constants]
        dev = np.arange(40, 60, dtype=np.int32)
        rows = np.arange(40, dtype=np.int32)
        stream = Stream(0, 3, rows, rows[:9], dev, np.ones(20, bool))
        c = complete({"hidden": [4], "batch_size": 16, "learning_rate": 0.05, "activation": "tanh"})
        shapes = Architecture(6, (4,), 3, "softmax", 16, "float64")
        groups = [GroupStream(stream, 0, 0), GroupStream(stream, 1, 60)]
        features = features_of([c], metric="log_loss")
        cohort = Cohort(shapes, features, Layout(2, 1, 2, 1), versions, groups).ready()
        own = {}
        for slot, (scale, shift) in enumerate(constants):
            inputs = (pixels - shift) * scale
            problem = grid.Problem(inputs, targets, np.ones(60), (), (stream,), "softmax", 2)
            own[slot] = problem, grid.assignment(problem, slot, c, group=1)
        cohort.admit({slot: assignment for slot, (_, assignment) in own.items()})
        return cohort, own, [cohort.run(1).fields for _ in range(12)]


def test_bytes_are_scaled_on_the_device(on_pixels):
    """Training on bytes equals the reference's training on x = (pixel − shift) · scale of the group's own version."""
    cohort, own, history = on_pixels
    state = cohort.read_state()
    for slot, (problem, assignment) in own.items():
        with grid.wide():
            *_, (network, *_) = agreement.reference_steps(cohort, problem, slot, assignment, 12)
        ours, theirs = agreement.parameters_of(state, slot, assignment), agreement.carried_by(network)
        names = sorted(theirs)
        assert grid.distance([ours[name] for name in names], [theirs[name] for name in names]) < 1e-9
        dev = problem.streams[0].dev
        wanted = agreement.measured_by(network, problem, dev, np.ones(20, bool))
        assert history[-1][slot, 2] == pytest.approx(wanted["error"], abs=1e-6)
        assert history[-1][slot, 3] == pytest.approx(wanted["cost"], rel=1e-6)
    assert not np.allclose(state.train.parameters.weights[0][0], state.train.parameters.weights[0][1])


def test_the_best_epoch_by_log_loss(on_pixels):
    """With log loss as the metric the best epoch is that of the lowest dev cost."""
    cohort, _, history = on_pixels
    costs = np.array(history)[:, :, 3]
    assert (cohort.read_state().best.epoch == costs.argmin(axis=0) + 1).all()
    np.testing.assert_allclose(cohort.read_state().best.value, costs.min(axis=0), rtol=1e-6)


# ---- an accelerator's memory ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("wide")
def test_trying_out_changes_nothing(monkeypatch):
    """A cohort whose program was tried out trains as one that was not, to the last bit."""
    problem = grid.problem()
    trials = grid.assignments(problem, grid.configurations())
    tried, plain = (grid.cohort(problem, grid.architecture()) for _ in range(2))
    monkeypatch.setattr("caviar.training.device.on_cpu", lambda: False)
    tried.try_out()
    for cohort in (tried, plain):
        cohort.admit(trials)
    assert np.array_equal(tried.run(2).fields, plain.run(2).fields, equal_nan=True)
    assert grid.same_bits(grid.slots_of(tried.read_state(), range(K)), grid.slots_of(plain.read_state(), range(K)))


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(("said", "raised"), [("RESOURCE_EXHAUSTED: out of memory", MemoryError), ("other", Exception)])
def test_what_does_not_fit_says_so(monkeypatch, said, raised):
    """Memory that runs out is a MemoryError and leaves nothing on the device; another failure stays what it is."""
    cohort = grid.cohort(grid.problem(), grid.architecture())

    def fails(*_):
        raise jax.errors.JaxRuntimeError(said)

    monkeypatch.setattr("caviar.training.device.on_cpu", lambda: False)
    monkeypatch.setattr(cohort, "_plan", fails)
    with pytest.raises(raised, match=said):
        cohort.try_out()
    assert (cohort.state is None) == (raised is MemoryError)
