"""The NumPy forward pass computes what the formulas say, for any input, without JAX."""

import math
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caviar.errors import ModelError
from caviar.records import forward as module
from caviar.records.forward import ACTIVATIONS, forward, probabilities
from caviar.search.hyperparameters import ACTIVATIONS as NAMES

from .making import repeatable

FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "gelu": lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "identity": lambda x: x,
}


def make_network(activation="relu", hidden=(5, 4), batch_norm=False, features=3, outputs=2, seed=0):
    """Arrays and plain values of a random network."""
    generator = np.random.default_rng(seed)
    widths = [features, *hidden, outputs]
    arrays = {}
    for i, (before, after) in enumerate(pairwise(widths)):
        arrays[f"weights.{i}"] = generator.normal(size=(before, after)).astype(np.float32)
        names = ("gamma", "beta", "mean", "variance") if batch_norm and i < len(hidden) else ("biases",)
        for name in names:
            arrays[f"{name}.{i}"] = generator.normal(size=after).astype(np.float32)
            if name == "variance":
                arrays[f"{name}.{i}"] **= 2
    network = {
        "activation": activation,
        "batch_norm": batch_norm,
        "epsilon": 1e-3,
        "hidden": list(hidden),
        "outputs": outputs,
    }
    return arrays, {"network": network}


def by_loops(arrays, plain, row):
    """One row through the network, one number at a time, in float64."""
    network = plain["network"]
    x = [float(value) for value in row]
    for i in range(len(network["hidden"]) + 1):
        last = i == len(network["hidden"])
        array = {name.split(".")[0]: arrays[name] for name in arrays if name.endswith(f".{i}")}
        z = []
        for j in range(array["weights"].shape[1]):
            total = sum(value * float(array["weights"][k, j]) for k, value in enumerate(x))
            if network["batch_norm"] and not last:
                scaled = (total - float(array["mean"][j])) / math.sqrt(float(array["variance"][j]) + network["epsilon"])
                total = float(array["gamma"][j]) * scaled + float(array["beta"][j])
            else:
                total += float(array["biases"][j])
            z.append(total if last else FORMULAS[network["activation"]](total))
        x = z
    return x


@pytest.mark.parametrize("hidden", [(), (5,), (5, 4, 3)])
@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("activation", NAMES)
def test_agrees_with_loops(activation, batch_norm, hidden):
    """Every activation, depth and batch norm agrees with plain loops: in float64 to 1e-12, in float32 to 1e-5."""
    arrays, plain = make_network(activation, hidden, batch_norm)
    inputs = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    wanted = np.array([by_loops(arrays, plain, row) for row in inputs])
    np.testing.assert_allclose(forward(arrays, plain, inputs, np.float64), wanted, rtol=1e-12, atol=1e-12)
    found = forward(arrays, plain, inputs)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


def test_every_activation_of_the_table_is_there():
    """What a space may choose, a saved model can compute."""
    assert set(ACTIVATIONS) == set(NAMES)


@repeatable
@given(hnp.arrays(np.float32, 20, elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_activations_are_finite_and_keep_their_type(x):
    """Every activation gives finite float32 numbers for finite float32 input of any size."""
    with np.errstate(over="ignore", under="ignore"):
        for name, activation in ACTIVATIONS.items():
            y = activation(x)
            assert y.dtype == np.float32, name
            assert np.isfinite(y).all(), name


def test_chunks_change_nothing(monkeypatch):
    """Many rows are computed in pieces; the pieces' size changes no number beyond rounding, nor does an empty input."""
    arrays, plain = make_network()
    inputs = np.random.default_rng(1).normal(size=(50, 3)).astype(np.float32)
    whole = forward(arrays, plain, inputs)
    for elements in (1, 5 * 7, 5 * 49):
        monkeypatch.setattr(module, "_ELEMENTS", elements)
        np.testing.assert_allclose(forward(arrays, plain, inputs), whole, rtol=1e-6, atol=1e-6)
    assert forward(arrays, plain, inputs[:0]).shape == (0, 2)


def test_inputs_of_other_types():
    """Integers, booleans and non-contiguous inputs are taken by value."""
    arrays, plain = make_network()
    inputs = np.array([[1, 0, 1], [0, 1, 1]])
    wanted = forward(arrays, plain, inputs.astype(np.float32))
    np.testing.assert_array_equal(forward(arrays, plain, inputs.astype(bool)), wanted)
    np.testing.assert_allclose(forward(arrays, plain, np.asfortranarray(inputs)), wanted, rtol=1e-6)


def without(name):
    arrays, plain = make_network(batch_norm=True)
    del arrays[name]
    return arrays, plain


def with_network(**changes):
    arrays, plain = make_network()
    return arrays, {"network": plain["network"] | changes}


@pytest.mark.parametrize(
    ("model", "match"),
    [
        (without("weights.0"), "lacks its array 'weights.0'"),
        (without("variance.1"), "lacks its array 'variance.1'"),
        (without("biases.2"), "lacks its array 'biases.2'"),
        ((make_network()[0], {}), "holds no network"),
        (with_network(activation="swish"), "'swish'; this Caviar knows relu"),
        (with_network(activation=["relu"]), "activation"),
        (with_network(hidden=[5, 3]), r"'weights.1' must be \[5, 3\]. Got \[5, 4\]"),
        (with_network(hidden=5), "'hidden' must list"),
        (with_network(outputs=9), r"'weights.2' must be \[4, 9\]"),
        ((make_network()[0] | {"biases.0": np.zeros(4)}, make_network()[1]), r"'biases.0' must be \[5\]"),
        ((make_network()[0] | {"weights.0": np.zeros(4)}, make_network()[1]), r"'weights.0' must be"),
    ],
)
def test_models_that_do_not_fit_are_refused(model, match):
    """A model with an array missing or of another shape, or of an unknown kind, is refused with the array's name."""
    with pytest.raises(ModelError, match=match):
        forward(*model, np.zeros((1, 3), np.float32))


def test_inputs_that_do_not_fit_are_refused():
    """Inputs with another number of features are refused with both numbers."""
    for inputs in (np.zeros((2, 4)), np.zeros(3), np.zeros((1, 3, 1))):
        with pytest.raises(ModelError, match=r"takes inputs \[n, 3\]. Got"):
            forward(*make_network(), inputs)


finite = st.floats(-(2.0**100), 2.0**100, width=32)  # ± 1.3e30


@repeatable
@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 6)), elements=finite))
def test_softmax_gives_probabilities_for_any_logits(logits):
    """Softmax of logits of any size is never NaN, lies in [0, 1], adds up to 1, and favours the largest."""
    shares = probabilities(logits, "softmax")
    assert shares.dtype == np.float32
    assert ((shares >= 0) & (shares <= 1)).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    favoured = np.take_along_axis(shares, logits.argmax(axis=1)[:, None], axis=1)[:, 0]
    np.testing.assert_array_equal(favoured, shares.max(axis=1, initial=0))


@repeatable
@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(1)), elements=finite))
def test_logistic_is_softmax_of_nothing_and_the_logit(logits):
    """One logit gives two columns, equal to the softmax of (0, logit), small ones exact rather than 1 − p."""
    shares = probabilities(logits, "logistic")
    both = np.concatenate([np.zeros_like(logits), logits], axis=1)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, probabilities(both, "softmax"), rtol=1e-5, atol=1e-37)


def test_extreme_logits():
    """Infinite and largest logits give certain answers, and equal ones share."""
    largest = np.finfo(np.float32).max
    logits = np.array([[np.inf, 0], [-np.inf, 0], [largest, -largest], [np.inf, np.inf]], np.float32)
    assert probabilities(logits, "softmax").tolist() == [[1, 0], [0, 1], [1, 0], [0.5, 0.5]]
    logits = np.array([[np.inf], [-np.inf], [0]], np.float32)
    assert probabilities(logits, "logistic").tolist() == [[0, 1], [1, 0], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("logits", "output"), [(np.zeros((2, 1)), "linear"), (np.zeros((2, 2)), "logistic"), (np.zeros(2), "softmax")]
)
def test_what_has_no_probabilities(logits, output):
    """A regression, or logits of the wrong shape, give a sentence rather than numbers."""
    with pytest.raises(ModelError, match=output):
        probabilities(logits, output)


def test_the_room_loads_no_jax():
    """Reading a study, a checkpoint and a model, and predicting, load no JAX."""
    rooms = ", ".join(f"caviar.records.{name}" for name in ("store", "checkpoints", "model_file", "forward"))
    code = f"import sys, {rooms}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
