"""Promise 1: a trial trained alone equals the trial trained among 255 others."""

from dataclasses import replace

import numpy as np
import pytest

from caviar.networks.architecture import Architecture
from caviar.training.features import features_of
from caviar.training.layout import Layout
from promises import agreement, grid

LONG = 67  # epochs of three updates
# One slot in eight groups, of every optimiser and with most regularisers.
SOME = (0, 27, 58, 74, 118, 156, 199, 255)


def among(dtype, chosen, depth=2):
    """A cohort with the chosen of 256 trials (those of the grid by turns), each in its slot; the others are empty."""
    problem, configurations = grid.problem(), grid.configurations(depth)
    cohort = grid.cohort(problem, grid.architecture(depth, dtype=dtype))
    trials = grid.assignments(problem, configurations)
    cohort.admit({slot: replace(trials[slot], horizon=LONG) for slot in chosen})
    return cohort


def run(cohort, epochs):
    """Train some epochs in segments of at most eight; the measured fields of each epoch [E, K, fields]."""
    fields = []
    while epochs:
        now = min(epochs, cohort.layout.epochs)
        fields.append(cohort.run(now).fields.reshape(now, len(cohort.live()), -1))
        epochs -= now
    return np.concatenate(fields)


@pytest.fixture(scope="module")
def crowd():
    """All 256 trials trained together for 200 updates in double precision: the state, and the measurements."""
    with grid.wide():
        cohort = among("float64", range(256))
        fields = run(cohort, LONG)
        return cohort.read_state(), fields


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("slot", SOME)
def test_alone_in_its_cohort(crowd, slot):
    """A trial trains the same alone as among 255 others: 200 updates in double precision, to 1e-9."""
    state, fields = crowd
    cohort = among("float64", [slot])
    alone = run(cohort, LONG)
    assert grid.distance(grid.slots_of(cohort.read_state(), [slot]), grid.slots_of(state, [slot])) < 1e-9
    np.testing.assert_allclose(alone[:, 0], fields[:, slot], rtol=1e-6, atol=1e-9)
    assert len(np.unique(alone[:, 0, 0])) > LONG // 2  # it did train


@pytest.mark.usefixtures("wide")
def test_alone_in_a_program_of_its_own(crowd):
    """A program of one trial's own widths and features, without groups, gives what the crowd's gives, to 1e-9."""
    slot = 58  # RMSprop, batch norm and dropout
    state, _ = crowd
    problem, c = grid.problem(), grid.configurations()[slot]
    own = replace(grid.assignment(problem, slot, c), horizon=LONG)
    shapes = Architecture(5, tuple(c["hidden"]), 3, "softmax", grid.BATCH_SIZE, "float64")
    problem = replace(problem, streams=(problem.streams[slot // grid.LAYOUT.group],))
    cohort = grid.cohort(problem, shapes, features_of([c], weighted=True, padded_outputs=False), Layout(2, 1, 2, 8))
    assert len(cohort.key.features.network.activations) == 1  # not the crowd's program
    cohort.admit({1: own})
    run(cohort, LONG)
    ours = agreement.parameters_of(cohort.read_state(), 1, own)
    theirs = agreement.parameters_of(state, slot, own)
    assert not c["batch_norm_output"]  # so only the crowd's program watches the moments of the output layer
    names = [name for name in ours if name not in ("mean.2", "variance.2")]
    assert grid.distance([ours[name] for name in names], [theirs[name] for name in names]) < 1e-9


def test_alone_in_single_precision():
    """After 20 updates in single precision a trial alone is within 1e-4 of the same trial among 255 others."""
    every = among("float32", range(256), depth=1)
    every.run(7)
    state = every.read_state()
    for slot in SOME:
        alone = among("float32", [slot], depth=1)
        alone.run(7)
        assert grid.distance(grid.slots_of(alone.read_state(), [slot]), grid.slots_of(state, [slot])) < 1e-4


def test_single_precision_tells_what_double_tells():
    """Full trainings in single precision end with the errors that double precision ends with, as a distribution.

    Trial by trial rounding grows until two trainings differ; what a search rests on is that the 256 errors together
    are the same: their means within a tenth of a dev row, and their quantiles within two.
    """
    with grid.wide():
        double = run(among("float64", range(256), depth=1), LONG)[-1, :, 2]
    single = run(among("float32", range(256), depth=1), LONG)[-1, :, 2]
    row = 1 / 32
    assert abs(single.mean() - double.mean()) < 0.1 * row
    assert np.abs(np.sort(single) - np.sort(double)).max() < 2 * row
    assert double.std() > row  # the trials do differ
