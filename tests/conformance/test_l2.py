"""L2 (Frobenius): the cost that descent really minimises, whatever the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from conformance.engine import Engine, in_turn, wide

GENERATOR = np.random.default_rng(2)
X = GENERATOR.standard_normal((45, 4))
Y = X @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.3 * GENERATOR.standard_normal(45) + 0.7


def linear(**configuration: object) -> Engine:
    """A linear network on the rows: J = (1/m) Σ ½(ŷ − y)² + (λ/2m) ‖W‖²."""
    return Engine({"learning_rate": 0.1, **configuration}, X, Y)


@settings(max_examples=20)
@given(penalty=st.floats(0.0, 100.0), batch=st.sampled_from([1, 16, 45]))
def test_one_update(penalty: float, batch: int) -> None:
    """A mini-batch of any size adds (λ/m) W to the gradient, with m the train examples and not the batch; λ = 0 too."""
    with wide():
        network = linear(l2=penalty)
        w, b = network.weights[0], network.biases[0]
        rows = np.arange(batch)
        network.update(rows)
        residual = X[rows] @ w + b - Y[rows, None]
        wanted = w - 0.1 * (X[rows].T @ residual / batch + penalty / 45 * w)
        np.testing.assert_allclose(network.weights[0], wanted, rtol=1e-12)
        np.testing.assert_allclose(network.biases[0], b - 0.1 * residual.mean(), rtol=1e-12)  # not penalised


@pytest.mark.usefixtures("wide")
def test_batch_descent_reaches_ridge_regression() -> None:
    """Descent on all rows ends at scikit-learn's Ridge with the same λ, whose cost is 2m times ours."""
    network = linear(l2=9.0, learning_rate=0.5)
    network.descend(300)
    theirs = Ridge(alpha=9.0).fit(X, Y)
    np.testing.assert_allclose(network.weights[0][:, 0], theirs.coef_, atol=1e-9)
    assert network.biases[0][0] == pytest.approx(theirs.intercept_, abs=1e-9)


@pytest.mark.usefixtures("wide")
def test_batch_and_mini_batch_descent_minimise_one_cost() -> None:
    """Mini-batches of 16 (the last of 13) with a falling α end where batch descent ends; with λ/B they would not."""
    network = linear(l2=9.0, learning_rate=0.5, decay="sqrt_step")
    order = np.random.default_rng(0).permutation(45)
    rows = in_turn(order, 16)
    network.descend(3000, rows)
    ours = network.weights[0][:, 0]
    wanted, wrong = Ridge(alpha=9.0).fit(X, Y).coef_, Ridge(alpha=9.0 * 45 / 16).fit(X, Y).coef_
    # What is left is α times the difference between batches; dividing by B is another minimum altogether.
    assert np.abs(ours - wanted).max() < 0.02 < 0.1 < np.abs(wrong - wanted).max()


@pytest.mark.usefixtures("wide")
def test_a_fold_has_its_own_m() -> None:
    """On a part of the data λ stays and m is the part's: the penalty is as strong as Ridge's on that part."""
    part = Engine({"learning_rate": 0.5, "l2": 9.0}, X[:30], Y[:30], examples=30)
    part.descend(300)
    np.testing.assert_allclose(part.weights[0][:, 0], Ridge(alpha=9.0).fit(X[:30], Y[:30]).coef_, atol=1e-8)


@pytest.mark.usefixtures("wide")
def test_biases_beta_and_gamma_are_not_penalised() -> None:
    """A huge λ changes the weights of every layer, and in the same update no bias, γ or β."""
    c = {"hidden": [3], "activation": "tanh", "batch_norm": True}
    one, other = (Engine({**c, "l2": penalty}, X, Y) for penalty in (0.0, 1e4))
    one.update()
    other.update()
    for layer in range(2):
        assert not np.allclose(one.weights[layer], other.weights[layer])
    for name in ("biases", "gammas", "betas"):
        for ours, theirs in zip(
            getattr(one.state.parameters, name), getattr(other.state.parameters, name), strict=True
        ):
            np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))
