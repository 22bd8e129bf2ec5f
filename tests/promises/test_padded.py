"""Promise 5: padded width equals exact width."""

import pytest

from promises import agreement, grid
from reference.network import Network, predict


def trained(shapes, epochs):
    """The grid on some shapes: the trials, every trial's own arrays, the state, and the measurements."""
    problem = grid.problem()
    cohort = grid.cohort(problem, shapes)
    trials = grid.assignments(problem, grid.configurations(len(shapes.hidden)), grid.COMBINATIONS)
    cohort.admit(trials)
    fields = cohort.run(epochs).fields
    state = cohort.read_state()
    return trials, {slot: agreement.parameters_of(state, slot, own) for slot, own in trials.items()}, state, fields


@pytest.mark.usefixtures("wide")
def test_more_padding_changes_nothing():
    """With more padded inputs, units and classes all trials of the grid train the same, to 1e-9; padding stays 0.

    Among them are sigmoid (which does not map 0 to 0), dropout of units and inputs, batch norm, smoothed labels spread
    over the real classes alone, and last batches that are padded by rows.
    """
    trials, small, _, told = trained(grid.architecture(), epochs=8)
    _, large, state, told_large = trained(grid.architecture(larger=3), epochs=8)
    for slot, own in trials.items():
        assert grid.distance(list(large[slot].values()), list(small[slot].values())) < 1e-9, own.configuration
        assert agreement.padding_of(state, slot, own) == 0.0
    assert grid.distance([told_large], [told]) < 1e-6  # measurements are in single precision


def test_more_padding_in_single_precision():
    """In single precision more padding changes what the networks say of the dev rows by under 1e-4 in 21 updates.

    Their outputs rather than their parameters: a shift that the next layer's batch norm takes away again has no
    gradient but rounding, which Adam makes steps of.
    """
    trials, small, _, _ = trained(grid.architecture(1, dtype="float32"), epochs=7)
    _, large, _, _ = trained(grid.architecture(1, dtype="float32", larger=3), epochs=7)
    for slot, own in trials.items():
        said, said_padded = outputs(small[slot], own), outputs(large[slot], own)
        assert grid.distance([said_padded], [said]) < 1e-4, own.configuration


def outputs(arrays, own):
    """What a network with these arrays says of the dev rows, by the reference in double precision."""
    kept = {name: array for name, array in arrays.items() if name.startswith(("mean", "variance"))}
    c, learnt = own.configuration, {name: array for name, array in arrays.items() if name not in kept}
    norm = c["batch_norm"], c["batch_norm_place"], c["batch_norm_output"]
    network = Network(learnt, c["activation"], "softmax", *norm, kept, 7 * own.updates)
    return predict(network, grid.problem().inputs[64:])
