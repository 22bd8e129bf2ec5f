"""Softmax: stable, its cost and its gradient, and what it is with two classes or without a hidden layer."""

from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from caviar.networks.losses import RowLoss, logistic, softmax
from conformance.engine import Engine, wide

LOGITS = arrays.arrays(np.float64, (4, 5), elements=st.floats(-1e4, 1e4))


def costs(z: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The engine's cost of each row."""
    return np.asarray(by_row(softmax, z, targets))


def by_row(loss: RowLoss, z: Any, targets: np.ndarray) -> jax.Array:
    """The cost of each row by one of the engine's losses."""
    return loss(jax.numpy.asarray(z), jax.numpy.asarray(targets), smoothing=0.0, classes=None)[0]


def mean_cost(z: jax.Array, targets: np.ndarray) -> jax.Array:
    """The mean cost, to be differentiated."""
    return by_row(softmax, z, targets).mean()


def test_the_worked_example() -> None:
    """ŷ = (.3, .2, .1, .4) and class 2 cost 1.609."""
    found = costs(np.log([[0.3, 0.2, 0.1, 0.4]]).astype(np.float32), np.array([1]))
    assert found[0] == pytest.approx(-np.log(0.2), abs=1e-6)
    assert round(float(found[0]), 3) == 1.609


@settings(max_examples=40)
@given(z=LOGITS, targets=arrays.arrays(np.int64, 4, elements=st.integers(0, 4)))
def test_stable_for_any_input(z: np.ndarray, targets: np.ndarray) -> None:
    """From −1e4 to 1e4 cost and gradient are finite and those of SciPy's log-softmax: dZ = (A − Y)/m."""
    with wide():
        wanted = -log_softmax(z, axis=1)[np.arange(4), targets]
        np.testing.assert_allclose(costs(z, targets), wanted, rtol=1e-12, atol=1e-12)
        slope = jax.grad(mean_cost)(jax.numpy.asarray(z), targets)
    shares = np.exp(log_softmax(z, axis=1))
    np.testing.assert_allclose(np.asarray(slope), (shares - np.eye(5)[targets]) / 4, rtol=1e-12, atol=1e-14)


@settings(max_examples=40)
@given(z=LOGITS, targets=arrays.arrays(np.int64, 4, elements=st.integers(0, 4)), share=st.floats(0.001, 0.999))
def test_smoothed_labels(z: np.ndarray, targets: np.ndarray, share: float) -> None:
    """With a share s of smoothing the labels are (1 − s)·y + s/C: −Σ of them times log ŷ, and dZ = A − them."""
    labels = (1 - share) * np.eye(5)[targets] + share / 5
    logs = log_softmax(z, axis=1)

    def cost(z: jax.Array) -> jax.Array:
        return softmax(z, jax.numpy.asarray(targets), smoothing=jax.numpy.asarray(share), classes=None)[0].sum()

    with wide():
        value, slope = jax.value_and_grad(cost)(jax.numpy.asarray(z))
    np.testing.assert_allclose(float(value), -(labels * logs).sum(), rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(np.asarray(slope), np.exp(logs) - labels, rtol=1e-12, atol=1e-13)


@settings(max_examples=40)
@given(z=arrays.arrays(np.float64, (6, 2), elements=st.floats(-1e4, 1e4)))
def test_two_classes_are_logistic_regression(z: np.ndarray) -> None:
    """With C = 2 the cost is the logistic cost of the difference of the two inputs."""
    targets = np.arange(6) % 2
    with wide():
        two = costs(z, targets)
        one = np.asarray(by_row(logistic, (z[:, 1] - z[:, 0])[:, None], targets))
    np.testing.assert_allclose(two, one, rtol=1e-10, atol=1e-10)


def test_as_pytorch_has_it() -> None:
    """Cost and gradient of a batch are PyTorch's cross entropy, to 1e-12."""
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra 'bench')")
    generator = np.random.default_rng(0)
    z, targets = 5 * generator.standard_normal((20, 7)), generator.integers(0, 7, 20)
    theirs = torch.tensor(z, requires_grad=True)
    value = torch.nn.functional.cross_entropy(theirs, torch.tensor(targets))
    value.backward()
    with wide():
        cost, slope = jax.value_and_grad(mean_cost)(jax.numpy.asarray(z), targets)
    assert float(cost) == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(np.asarray(slope), theirs.grad.numpy(), atol=1e-13)
    smoothed = torch.nn.functional.cross_entropy(torch.tensor(z), torch.tensor(targets), label_smoothing=0.1).item()
    with wide():
        ours, _ = softmax(jax.numpy.asarray(z), jax.numpy.asarray(targets), smoothing=0.1, classes=None)
    assert float(np.asarray(ours).mean()) == pytest.approx(smoothed, rel=1e-12)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize(("loss", "classes"), [("softmax", 3), ("logistic", 2)])
def test_no_hidden_layer_is_softmax_or_logistic_regression(loss: str, classes: int) -> None:
    """`hidden=[]` with λ = 1 descends to scikit-learn's regression with C = 1/λ, which penalises Σ rather than mean."""
    generator = np.random.default_rng(1)
    x, y = generator.standard_normal((60, 3)), generator.integers(0, classes, 60)
    network = Engine({"learning_rate": 1.0, "l2": 1.0}, x, y, loss)
    network.descend(1500)
    theirs = LogisticRegression(C=1.0, tol=1e-12, max_iter=10_000).fit(x, y)
    np.testing.assert_allclose(network.weights[0].T, theirs.coef_, atol=1e-6)
    ours = network.outputs()
    if loss == "softmax":
        shares = np.exp(log_softmax(ours, axis=1))
    else:
        shares = np.hstack([1 / (1 + np.exp(ours)), 1 / (1 + np.exp(-ours))])
    np.testing.assert_allclose(shares, theirs.predict_proba(x), atol=1e-6)
