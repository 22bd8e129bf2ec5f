"""Probes against a computation in NumPy, float64, from the formulas; and that they change nothing."""

from dataclasses import replace

import numpy as np
import pytest

from caviar.data.streams import batches
from caviar.records.probes import PROBES, shorten
from caviar.training.by_layer import OF_LAYER, OF_UNIT, by_layer, sizes
from caviar.training.layout import Layout
from caviar.training.probes import ends_of, probe
from promises import agreement, grid
from reference import network as reference_network
from reference.activations import ACTIVATIONS
from reference.losses import LOSSES
from reference.network import through_normalisation

LAYOUT = Layout(slots=80, group=20, devices=1, epochs=2)  # every combination of the grid, on four unlike streams
PROBED = replace(grid.EVERYTHING, probes=True)
FAR, NEAR = np.arctanh(np.sqrt(0.95)), 0.4  # of tanh; a sigmoid is half a tanh of half its argument


def trained(features, loss="softmax", dtype="float64", epochs=2):
    """The grid's cohort after some epochs, with what it measured."""
    problem = grid.problem(loss)
    cohort = grid.cohort(problem, grid.architecture(2, loss, dtype), features, LAYOUT)
    own = {
        slot: grid.assignment(problem, slot, configuration, group=LAYOUT.group)
        for slot, configuration in enumerate(grid.configurations(2, loss))
    }
    cohort.admit(own)
    return problem, cohort, own, cohort.run(epochs)


# ---- they change nothing --------------------------------------------------------------------------------------------


def test_the_same_weights_with_and_without():
    """Probes change no bit of weights, moments, best epochs or measurements, in single precision."""
    _, without, _, measured = trained(grid.EVERYTHING, dtype="float32")
    _, probed, _, found = trained(PROBED, dtype="float32")
    assert measured.probes is None and found.probes is not None
    np.testing.assert_array_equal(measured.fields, found.fields)
    slots = range(LAYOUT.slots)
    assert grid.same_bits(grid.slots_of(without.read_state(), slots), grid.slots_of(probed.read_state(), slots))


@pytest.mark.usefixtures("wide")
def test_parts_of_an_epoch():
    """An epoch run in parts measures the probes of one run whole, though its last part may hold several updates."""
    _, whole, own, told = trained(PROBED, epochs=1)
    problem = grid.problem()
    parts = grid.cohort(problem, whole.architecture, PROBED, LAYOUT)
    parts.admit(own)
    while (measured := parts.run(1, batches=1)) is None:
        pass
    np.testing.assert_array_equal(measured.probes, told.probes)


# ---- against NumPy --------------------------------------------------------------------------------------------------


def expected(network, updated, inputs, targets, weights, smoothing):
    """The probes of one update from the formulas: [L, P]."""
    outputs, passed, _ = reference_network.forward(network, inputs)
    last, p = network.layers - 1, network.parameters
    dz = LOSSES[network.loss].slope(outputs, targets, smoothing) * weights[:, None] / len(targets)
    rows = [None] * (last + 1)
    for layer in range(last, -1, -1):
        own, w = passed[layer], p[f"weights.{layer}"]
        after = network.normalises(layer) and network.biased(layer)
        if layer < last:
            da = dz @ p[f"weights.{layer + 1}"].T
            if after:
                da = through_normalisation(da * p[f"gamma.{layer}"], own.normal, own.deviation)
            dz = da * ACTIVATIONS[network.activation].slope(own.z)
        if network.normalises(layer) and not after:
            dz = through_normalisation(dz * p[f"gamma.{layer}"], own.normal, own.deviation)
        a = ACTIVATIONS[network.activation].value(own.z) if layer < last else own.z
        moved = updated.parameters[f"weights.{layer}"]
        with np.errstate(divide="ignore"):
            rows[layer] = {
                "log10_gradient_norm": np.log10(np.linalg.norm(own.below.T @ dz)),
                "log10_backward_norm": np.log10(np.linalg.norm(dz)),
                "weight_norm": np.linalg.norm(w),
                "update_ratio": np.linalg.norm(moved - w) / np.linalg.norm(w),
                "activation_mean": a.mean(),
                "log10_activation_spread": np.log10(a.std()),
                "zero_share": np.mean(moved == 0),
                **shares(network.activation, a, own.z, w, hidden=layer < last),
            }
    return np.array([[row[name] for name in PROBES] for row in rows])


def shares(activation, a, z, w, hidden):
    """Those that belong to some activations and to hidden layers alone."""
    found = dict.fromkeys(("dead_share", "saturated_share", "linear_share", "twin_share"), np.nan)
    if not hidden:
        return found
    if activation == "relu":
        found["dead_share"] = np.mean((a == 0).all(axis=0))
    if activation in ("tanh", "sigmoid"):
        half = 1.0 if activation == "tanh" else 2.0
        found["saturated_share"] = np.mean((np.abs(z) > half * FAR).mean(axis=0) >= 0.95)
        found["linear_share"] = np.mean(np.abs(z) < half * NEAR)
    if w.shape[1] > 1:
        apart, lengths = (np.square(w - w[:, :1]).sum(axis=0), np.square(w).sum(axis=0))
        found["twin_share"] = (np.sum(apart <= 1e-8 * np.maximum(lengths, lengths[0])) - 1) / (w.shape[1] - 1)
    return found


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("loss", ["softmax", "squared"])
def test_against_numpy(loss):
    """All probes of every optimiser, regulariser, activation and own width, with batch norm and without, agree with
    NumPy to the rounding of float32: at the last mini-batch of each epoch, without dropout, real rows alone."""
    problem, cohort, own, measured = trained(PROBED, loss)
    found = measured.probes.reshape(2, LAYOUT.slots, 3, len(PROBES))
    for slot in range(0, LAYOUT.slots, 1 if loss == "softmax" else 3):
        c = own[slot].configuration
        group = cohort.groups[slot // LAYOUT.group]
        updates = group.updates(grid.BATCH_SIZE)
        networks = [network for network, *_ in agreement.reference_steps(cohort, problem, slot, own[slot], 2)]
        data = agreement.data_of(cohort, problem, own[slot])
        for epoch in range(2):
            indices, present = batches(group.stream, epoch, grid.BATCH_SIZE)
            place = np.flatnonzero(2 * present.sum(axis=1) >= present[0].sum())[-1]
            rows = indices[place][present[place] > 0]
            at = epoch * updates + place
            if at == 0:
                continue
            told = expected(
                networks[at - 1], networks[at], data.inputs[rows], data.targets[rows], data.weights[rows],
                c["label_smoothing"],
            )  # fmt: skip
            # Equal numbers have a spread of 0 here and of their rounding there: below 1e-12 both are nothing.
            measured_here, told = (np.maximum(values, -12.0) for values in (found[epoch, slot], told))
            np.testing.assert_allclose(measured_here, told, rtol=2e-4, atol=2e-5, err_msg=f"{slot} {c}")


def test_padding():
    """Padded rows, units and inputs count nowhere: exact sizes measure the same as wider ones."""
    layers = [(np.full((2, 3), 0.5), np.zeros(3)), (np.full((3, 1), 0.5), np.zeros(1))]
    found = probe(layers, np.ones((4, 2)), np.zeros(4), loss="squared")
    np.testing.assert_allclose(found["activation_mean"], [[1.0, 1.5]])
    np.testing.assert_allclose(found["weight_norm"], [[np.sqrt(1.5), np.sqrt(0.75)]])
    np.testing.assert_allclose(found["twin_share"], [[1.0, np.nan]])
    np.testing.assert_allclose(found["dead_share"], [[0.0, np.nan]])


# ---- what is kept ---------------------------------------------------------------------------------------------------


def test_a_diverged_network_has_probes_too():
    """Weights that are not finite measure NaN or infinity, and the share of zeros stays a number."""
    layers = [(np.full((2, 3), np.nan), np.zeros(3)), (np.full((3, 2), np.inf), np.zeros(2))]
    found = probe(layers, np.ones((4, 2)), np.zeros(4))
    assert not np.isfinite(found["weight_norm"]).any() and np.isfinite(found["zero_share"]).all()


def test_short_numbers():
    """What is stored is within 0.05 % of what was measured; NaN and infinity stay, and twice is as once."""
    values = np.array([1.0, -44.8913, 1e-30, 3e38, np.nan, np.inf, -np.inf, 0.0], np.float32)
    short = shorten(values)
    np.testing.assert_allclose(short, values, rtol=5e-4)
    np.testing.assert_array_equal(shorten(short), short)


def test_sizes_of_their_own():
    """Shares are counted over the network's own units and weights, not over those of the program."""
    layers = sizes((8, 4, 2), ["relu"])
    raw = np.zeros((1, sum(layers)))
    hidden, outputs = raw[0, : layers[0]], raw[0, layers[0] :]
    hidden[OF_LAYER.index("nonzero")], outputs[OF_LAYER.index("nonzero")] = 5, 2
    hidden[OF_LAYER.index("rows")] = outputs[OF_LAYER.index("rows")] = 3
    hidden[len(OF_LAYER) :].reshape(3, 4)[OF_UNIT.index("first")] = (0.0, 1.0, 0.0, 0.0)  # two units beyond its own
    found = by_layer(raw, (8, 4, 2), ["relu"], [(5, 2, 2)], ["relu"])
    np.testing.assert_allclose(found[0, :, PROBES.index("zero_share")], (0.5, 0.5))
    np.testing.assert_allclose(found[0, :, PROBES.index("dead_share")], (0.5, np.nan))
    np.testing.assert_allclose(found[0, :, PROBES.index("activation_mean")], (0.5, 0.0))
    np.testing.assert_allclose(found[0, :, PROBES.index("log10_activation_spread")], (np.log10(0.5), -np.inf))


def test_a_spread_beside_a_large_mean():
    """Activations that differ by a hundred-thousandth of their size have a spread, in single precision too."""
    inputs = np.linspace(1.0, 2.0, 64)[:, None]
    found = probe([(np.ones((1, 1)), np.full(1, 1e4))], inputs, np.zeros(64), loss="squared")
    np.testing.assert_allclose(found["activation_mean"], 1e4 + 1.5, rtol=1e-6)
    np.testing.assert_allclose(found["log10_activation_spread"], np.log10(inputs.std()), atol=1e-3)


@pytest.mark.parametrize(
    ("start", "stops", "look", "wanted"),
    [
        (0, [4, 3], True, [[0, 3, 4, 4], [0, 1, 2, 3]]),  # the second stream's last batch is short
        (0, [2, 2], False, [[0, 2, 2, 2], [0, 2, 2, 2]]),  # the epoch goes on in another segment
        (2, [4, 3], True, [[2, 3, 4, 4], [2, 2, 3, 3]]),  # what is looked at lies in this segment
    ],
)
def test_where_the_parts_of_an_epoch_end(start, stops, look, wanted):
    """The last mini-batch is looked at, or the one before a short last one, where this segment reaches the end."""
    counts = np.array([[[64, 64, 64, 40]], [[64, 64, 20, 0]]])
    assert ends_of(counts, start, np.array(stops), look)[:, 0].tolist() == wanted
