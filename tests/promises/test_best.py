"""Promise 10, its core: what a saved network gives in NumPy equals what was measured, row by row."""

import numpy as np
import pytest

from caviar.networks.constants import BATCH_NORM_EPSILON
from caviar.records.forward import forward
from promises import agreement, grid

EPOCHS = 6
CASES = [(2, "softmax"), (1, "squared"), (1, "logistic"), (1, "softmax")]
pytestmark = pytest.mark.usefixtures("wide")


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[1]} {case[0]}")
def trained(request):
    """A cohort of the grid after six epochs, its history [E, K, fields] and each slot's arrays after each epoch."""
    depth, loss = request.param
    with grid.wide():
        problem = grid.problem(loss)
        cohort = grid.cohort(problem, grid.architecture(depth, loss))
        trials = grid.assignments(problem, grid.configurations(depth, loss), grid.COMBINATIONS)
        cohort.admit(trials)
        history, arrays = [], []
        for _ in range(EPOCHS):
            history.append(cohort.run(1).fields)
            state = cohort.read_state()
            arrays.append({slot: agreement.parameters_of(state, slot, own) for slot, own in trials.items()})
        return problem, cohort, trials, np.array(history), arrays


def best_epochs(history):
    """For each slot the epoch (from 0) with the lowest dev error, ties broken by dev cost, then by being first."""
    errors, costs = history[:, :, 2], history[:, :, 3]
    return [min(range(EPOCHS), key=lambda e: (errors[e, slot], costs[e, slot], e)) for slot in range(history.shape[1])]


def outputs_of(cohort, own, inputs):
    """The outputs of a slot's saved network by NumPy in double precision."""
    c = own.configuration
    network = {
        "activation": c["activation"], "batch_norm": c["batch_norm"], "epsilon": BATCH_NORM_EPSILON,
        "batch_norm_place": c["batch_norm_place"], "batch_norm_output": c["batch_norm_output"],
        "hidden": c["hidden"], "outputs": own.widths[-1],
    }  # fmt: skip
    return forward(cohort.best(own.trial), {"network": network}, inputs, np.float64)


def costs_and_errors(problem, outputs, rows):
    """Cost and error of each row, written out."""
    targets = problem.targets[rows]
    if problem.loss == "squared":
        return 0.5 * (outputs[:, 0] - targets) ** 2, (outputs[:, 0] - targets) ** 2
    if problem.loss == "logistic":
        outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
    shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return -np.log(shares[np.arange(len(rows)), targets]), outputs.argmax(axis=1) != targets


def test_best_is_the_best_epoch(trained):
    """`best` gives the parameters as they were after the epoch of the lowest dev error, bit for bit, cut to size."""
    _, cohort, trials, history, arrays = trained
    epochs = best_epochs(history)
    assert len(set(epochs)) > 2  # not always the first or the last
    assert (cohort.read_state().best.epoch[: len(epochs)] == np.array(epochs) + 1).all()
    for slot, own in trials.items():
        found = cohort.best(slot)
        then = arrays[epochs[slot]][slot]
        c, last = own.configuration, len(own.widths) - 2
        for name, array in found.items():
            if name.startswith(("mean", "variance")):
                if c["batch_norm_statistics"] == "train_set":
                    continue  # measured anew by a pass over the train set: what they give is the next test's
                t = (epochs[slot] + 1) * own.updates
                np.testing.assert_allclose(array, then[name] / (1 - 0.9**t), rtol=1e-12)
            else:
                assert array.tobytes() == np.ascontiguousarray(then[name]).tobytes(), name
        dropped = set(range(last)) if c["batch_norm"] and c["batch_norm_place"] == "before" else set()
        dropped |= {last} if c["batch_norm"] and c["batch_norm_output"] else set()
        kept = {f"biases.{layer}" for layer in range(last + 1) if layer not in dropped}
        assert {name for name in found if name.startswith("biases")} == kept


def test_numpy_gives_what_was_measured(trained):
    """Cost and error of every dev row at the best epoch equal those that NumPy computes from the saved arrays."""
    problem, cohort, trials, history, _ = trained
    epochs = best_epochs(history)
    for slot, own in trials.items():
        stream = cohort.groups[slot // cohort.layout.group].stream
        costs, errors = costs_and_errors(problem, outputs_of(cohort, own, problem.inputs[stream.dev]), stream.dev)
        measured_costs, measured_errors = cohort.best_rows(slot)
        np.testing.assert_allclose(measured_costs, costs, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(measured_errors, errors, rtol=1e-9, atol=1e-12)
        error = np.average(errors[stream.choose], weights=problem.weights[stream.dev][stream.choose])
        error = np.sqrt(error) if problem.loss == "squared" else error
        assert history[epochs[slot], slot, 2] == pytest.approx(error, rel=1e-6)


def test_what_was_best_stays(trained):
    """The best of a trial does not change while later epochs are worse, and is then the best of all."""
    _, _, _, history, _ = trained
    kept = np.minimum.accumulate(history[:, :, 2], axis=0)
    assert (kept[-1] <= history[:, :, 2]).all() and (kept[-1] < history[-1, :, 2]).any()
