"""Inverted dropout: the mask, what it leaves unchanged, and its way back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.search.hyperparameters import complete
from conformance.engine import Engine, wide

M = 400


def mirror(keep: float | list[float], layers: int = 1, **more: object) -> Engine:
    """Fifty units that give out what they get, layer after layer: outputs show the masks themselves."""
    ones, numbers = np.ones((M, 50)), np.zeros(M)
    c = {"hidden": [50] * layers, "activation": "identity", "keep_probability": keep, **more}
    network = Engine(c, ones, numbers)
    # The last layer would sum the units up; the hidden ones are looked at through as many outputs.
    network.begin([np.eye(50)] * (layers + 1), [np.zeros(50)] * (layers + 1))
    return network


@pytest.mark.usefixtures("wide")
def test_fifty_units_at_080_lose_ten() -> None:
    """A ← A·D/keep: units become 0 or 1.25; of fifty, ten are lost on average, and the mean stays 1."""
    network = mirror(0.8)
    seen = np.concatenate([network.outputs(training=True, tick=tick) for tick in range(10)])
    assert np.unique(seen).tolist() == [0.0, 1.25]
    lost = (seen == 0.0).sum(axis=1)
    # 4 000 draws of a binomial with mean 10 and variance 8: four standard errors are 0.18.
    assert abs(lost.mean() - 10.0) < 0.18 and abs(lost.var() - 8.0) < 0.8
    assert abs(seen.mean() - 1.0) < 0.005


@pytest.mark.usefixtures("wide")
def test_inputs_are_scaled_as_units_are() -> None:
    """With the inputs kept at 0.8 and every unit kept, they are 0 or 1.25 in training, and their mean stays 1."""
    seen = mirror(1.0, input_keep_probability=0.8).outputs(training=True)
    assert np.unique(seen).tolist() == [0.0, 1.25]
    # 20 000 draws: four standard errors of the mean are 0.014.
    assert abs(seen.mean() - 1.0) < 0.015


@pytest.mark.usefixtures("wide")
def test_a_fresh_mask_for_each_example_layer_and_step() -> None:
    """Masks of two examples, two layers or two steps agree as often as chance has it, and no oftener."""
    one = mirror([0.5, 1.0], layers=2)
    two = mirror([1.0, 0.5], layers=2)
    first, layer = one.outputs(training=True), two.outputs(training=True)
    later = one.outputs(training=True, tick=1)
    for other in (np.roll(first, 1, axis=0), np.roll(first, 1, axis=1), layer, later):
        assert abs(np.mean(first == other) - 0.5) < 0.015


@pytest.mark.usefixtures("wide")
def test_nothing_is_dropped_at_test_time() -> None:
    """Without training the network gives what it would without dropout, bit for bit."""
    network = mirror(0.3, input_keep_probability=0.5)
    np.testing.assert_array_equal(network.outputs(), np.ones((M, 50)))


@pytest.mark.usefixtures("wide")
def test_the_same_mask_on_the_way_back() -> None:
    """The gradient of an update is NumPy's through the very mask of the way forward."""
    generator = np.random.default_rng(6)
    x, y = generator.standard_normal((30, 4)), generator.standard_normal(30)
    network = Engine({"hidden": [6], "keep_probability": 0.6, "learning_rate": 0.1, "activation": "tanh"}, x, y)
    w, b, v, c = network.weights[0], network.biases[0], network.weights[1], network.biases[1]
    look = Engine({"hidden": [6], "keep_probability": 0.6, "activation": "identity"}, np.ones((30, 6)), y)
    look.begin([np.eye(6), np.eye(6)], [np.zeros(6)] * 2)
    mask = look.outputs(training=True, tick=1)  # D / keep of the first update
    assert 0.1 < np.mean(mask == 0.0) < 0.7
    a = np.tanh(x @ w + b)
    residual = ((a * mask) @ v + c - y[:, None]) / 30
    dz = residual @ v.T * mask * (1 - a**2)
    network.update()
    np.testing.assert_allclose(network.weights[1], v - 0.1 * (a * mask).T @ residual, rtol=1e-12)
    np.testing.assert_allclose(network.weights[0], w - 0.1 * x.T @ dz, rtol=1e-12, atol=1e-14)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_keep_probability_one_is_no_dropout(seed: int) -> None:
    """With every keep probability 1, on the inputs too, training is what it is without, bit for bit."""
    generator = np.random.default_rng(seed)
    x, y = generator.standard_normal((9, 3)), generator.standard_normal(9)
    with wide():
        one = Engine({"hidden": [4]}, x, y)
        other = Engine({"hidden": [4], "keep_probability": [1.0], "input_keep_probability": 1.0}, x, y)
        assert one.descend(3) == other.descend(3)
        for ours, theirs in zip(one.weights, other.weights, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_inputs_are_kept_unless_asked_for() -> None:
    """The input layer has no dropout by default; each hidden layer may have a keep probability of its own."""
    assert complete({})["input_keep_probability"] == 1.0
    assert complete({"hidden": [9, 9], "keep_probability": "0.5,0.9"})["keep_probability"] == [0.5, 0.9]
