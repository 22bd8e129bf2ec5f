"""L1: a proximal step, so that weights really reach zero."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Lasso

from conformance.engine import Engine, wide

GENERATOR = np.random.default_rng(3)
X = GENERATOR.standard_normal((50, 8))
Y = X @ np.array([2.0, -1.0, 0, 0, 0, 0, 0, 0.5]) + 0.2 * GENERATOR.standard_normal(50) + 1.0


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("penalty", [5.0, 30.0, 300.0])
def test_descent_reaches_the_lasso(penalty: float) -> None:
    """Weights, and which of them are exactly 0, are the lasso's: its α is λ/2m, and ours is its cost."""
    network = Engine({"learning_rate": 0.3, "l1": penalty}, X, Y)
    network.descend(400)
    theirs = Lasso(alpha=penalty / (2 * 50), tol=1e-12, max_iter=100_000).fit(X, Y)
    ours = network.weights[0][:, 0]
    np.testing.assert_allclose(ours, theirs.coef_, atol=1e-8)
    np.testing.assert_array_equal(ours == 0.0, theirs.coef_ == 0.0)
    assert network.biases[0][0] == pytest.approx(theirs.intercept_, abs=1e-8)


def soft(w: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """Towards 0 by the threshold, and not beyond."""
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)


@settings(max_examples=12)
@given(penalty=st.floats(0.0, 1e3), optimiser=st.sampled_from(["gradient_descent", "rmsprop", "adam"]))
def test_one_step_by_hand(penalty: float, optimiser: str) -> None:
    """The threshold is αλ/2m; under RMSprop and Adam it is scaled like the step, by 1/(√s + ε)."""
    with wide():
        network = Engine({"learning_rate": 0.05, "l1": penalty, "optimiser": optimiser, "beta_2": 0.9}, X, Y)
        w, b = network.weights[0], network.biases[0]
        network.update()
        g = X.T @ (X @ w + b - Y[:, None]) / 50
        direction, stretch = {
            "gradient_descent": (g, np.ones_like(g)),
            "rmsprop": (g, np.sqrt(0.1 * g**2) + 1e-8),
            "adam": (g, np.abs(g) + 1e-8),  # corrected at t = 1: v̂ = g, ŝ = g²
        }[optimiser]
        wanted = soft(w - 0.05 * direction / stretch, 0.05 * penalty / (2 * 50) / stretch)
        np.testing.assert_allclose(network.weights[0], wanted, rtol=1e-9, atol=1e-15)
        assert (network.weights[0] == 0.0).tolist() == (wanted == 0.0).tolist()


@pytest.mark.usefixtures("wide")
def test_a_subgradient_alone_would_not_reach_zero() -> None:
    """A descent along (λ/2m)·sign(W) hovers around 0 where the proximal step stands on it and stays."""
    network = Engine({"learning_rate": 0.3, "l1": 30.0}, X, Y)
    w, b = network.weights[0][:, 0], network.biases[0][0]
    network.descend(400)
    for _ in range(400):
        residual = X @ w + b - Y
        w, b = w - 0.3 * (X.T @ residual / 50 + 30 / 100 * np.sign(w)), b - 0.3 * residual.mean()
    zero = network.weights[0][:, 0] == 0.0
    assert zero.sum() >= 3 and not (w == 0.0).any()
    assert np.abs(w[zero]).max() < 0.2
    before = network.weights[0].copy()
    network.update()
    np.testing.assert_array_equal(network.weights[0][zero], before[zero])
