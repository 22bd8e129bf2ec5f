"""Forward and backward agree with numerical gradients and with what was worked out on paper."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.activations import ACTIVATIONS, sigmoid
from reference.example import ROWS, distance, example
from reference.losses import LOSSES, log_softmax, smooth_labels
from reference.network import (
    EPSILON,
    Dropout,
    Network,
    backward,
    cost,
    forward,
    inverted_mask,
    predict,
    read_averages,
    remember,
)
from reference.train import Data


def numerical_gradient(network: Network, data: Data, dropout: Dropout, smoothing: float) -> dict[str, np.ndarray]:
    """(J(θ+ε) − J(θ−ε)) / 2ε, number by number."""
    assert data.weights is not None
    found = {}
    for name in network.learnt():
        found[name] = np.zeros_like(network.parameters[name])
        for index in np.ndindex(found[name].shape):
            costs = []
            for sign in (1, -1):
                moved = {key: p.copy() for key, p in network.parameters.items()}
                step = 6e-6 * max(1.0, abs(float(moved[name][index])))
                moved[name][index] += sign * step
                outputs, _, _ = forward(replace(network, parameters=moved), data.inputs, dropout)
                costs.append(cost(network, outputs, data.targets, data.weights, smoothing))
            found[name][index] = (costs[0] - costs[1]) / (2 * step)
    return found


def uniforms_of(network: Network, keep: float) -> Dropout:
    """Dropout of all hidden layers and the inputs, with fixed uniforms."""
    generator = np.random.default_rng(5)
    widths = [network.parameters[f"weights.{layer}"].shape[1] for layer in range(network.layers - 1)]
    uniforms = [generator.uniform(size=(ROWS, width)) for width in widths]
    return Dropout([keep] * len(widths), uniforms, keep, generator.uniform(size=(ROWS, 4)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_gradient_of_every_activation_is_the_numerical_one(activation: str, batch_norm: bool) -> None:
    """Backward agrees with two-sided differences to 1e-7, with dropout, label smoothing and row weights at once."""
    network, data = example((5, 4), activation=activation, batch_norm=batch_norm)
    assert data.weights is not None
    dropout = uniforms_of(network, 0.7)
    _, passed, _ = forward(network, data.inputs, dropout)
    gradients = backward(network, passed, data.targets, data.weights, 0.1)
    assert sorted(gradients) == sorted(network.learnt())
    assert distance(gradients, numerical_gradient(network, data, dropout, 0.1)) < 1e-7


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("hidden", [(), (5,), (4, 3, 4)])
def test_the_gradient_of_every_loss_is_the_numerical_one_at_every_depth(loss: str, hidden: tuple[int, ...]) -> None:
    """Backward agrees with two-sided differences to 1e-7 from no hidden layer to three."""
    network, data = example(hidden, loss, activation="tanh", batch_norm=True)
    assert data.weights is not None
    dropout = uniforms_of(network, 1.0)
    _, passed, _ = forward(network, data.inputs, dropout)
    gradients = backward(network, passed, data.targets, data.weights, 0.2)
    assert distance(gradients, numerical_gradient(network, data, dropout, 0.2)) < 1e-7


def test_the_softmax_loss_of_the_worked_example_is_1_609() -> None:
    """ŷ = (.3, .2, .1, .4) and class 2 (the second) cost −log 0.2 = 1.609."""
    z = np.log([[0.3, 0.2, 0.1, 0.4]]) + 7.0  # softmax does not see what is added to all
    assert LOSSES["softmax"].value(z, np.array([1]), 0.0)[0] == pytest.approx(1.609, abs=5e-4)


def test_the_gradient_at_the_last_layer_is_the_mean_of_a_minus_y() -> None:
    """dZ = (A − Y)/m for the mean cost: for softmax regression dW = Xᵀ(A − Y)/m."""
    network, data = example(())
    outputs, passed, _ = forward(network, data.inputs)
    gradients = backward(network, passed, data.targets, np.ones(ROWS), 0.0)
    difference = (np.exp(log_softmax(outputs)) - np.eye(3)[data.targets]) / ROWS
    assert np.allclose(gradients["weights.0"], data.inputs.T @ difference, rtol=1e-13)
    assert np.allclose(gradients["biases.0"], difference.sum(axis=0), rtol=1e-13)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=2), st.integers(0, 1), st.floats(0, 0.5))
def test_softmax_with_two_classes_is_logistic_regression(z: list[float], label: int, smoothing: float) -> None:
    """Two logits cost what one logit, their difference, costs."""
    two = LOSSES["softmax"].value(np.array([z]), np.array([label]), smoothing)
    one = LOSSES["logistic"].value(np.array([[z[1] - z[0]]]), np.array([label]), smoothing)
    assert two[0] == pytest.approx(one[0], rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
def test_the_losses_are_finite_for_any_output(loss: str) -> None:
    """Outputs of ±1e4 neither overflow nor give NaN, in cost and slope."""
    z = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]])
    targets = np.array([1, 0])
    assert np.isfinite(LOSSES[loss].value(z, targets, 0.1)).all()
    assert np.isfinite(LOSSES[loss].slope(z, targets, 0.1)).all()


def test_sigmoid_is_its_definition() -> None:
    """1 / (1 + e^−z), and finite where that formula overflows."""
    z = np.linspace(-20, 20, 41)
    assert np.allclose(sigmoid(z), 1 / (1 + np.exp(-z)), rtol=1e-7, atol=1e-15)
    assert sigmoid(np.array([-1e4]))[0] == 0.0


def test_label_smoothing_keeps_a_row_of_labels_at_one() -> None:
    """y ← (1 − s) y + s / C: with s = 0.1 and C = 4 the label's own share is 0.925, the others' 0.025."""
    assert smooth_labels(np.array([2]), 4, 0.1)[0] == pytest.approx([0.025, 0.025, 0.925, 0.025])


def test_inverted_dropout_loses_one_unit_in_five_and_keeps_the_mean() -> None:
    """50 units at keep 0.8 lose 10 on average, and the mean of A·D/keep is that of A."""
    mask = inverted_mask(np.random.default_rng(0).uniform(size=(20_000, 50)), 0.8)
    assert np.sum(mask == 0, axis=1).mean() == pytest.approx(10.0, abs=0.1)
    assert np.mean(mask) == pytest.approx(1.0, abs=0.003)
    assert sorted(np.unique(mask)) == [0.0, 1.25]


def test_batch_norm_is_the_identity_where_gamma_and_beta_undo_it() -> None:
    """With γ = √(σ² + ε) and β = μ of the batch, Z̃ is Z: the network without batch norm and without biases."""
    network, data = example((5,), batch_norm=True)
    z = data.inputs @ network.parameters["weights.0"]
    undone = network.parameters | {"gamma.0": np.sqrt(z.var(axis=0) + EPSILON), "beta.0": z.mean(axis=0)}
    plain = network.parameters | {"biases.0": np.zeros(5)}
    normalised, _, _ = forward(replace(network, parameters=undone), data.inputs)
    without, _, _ = forward(replace(network, parameters=plain, batch_norm=False), data.inputs)
    assert np.allclose(normalised, without, rtol=1e-12, atol=1e-12)


def test_batch_norm_reads_the_only_batch_seen_exactly() -> None:
    """After one update the corrected averages are that batch's own mean and variance; prediction equals training."""
    network, data = example((5, 4), batch_norm=True)
    outputs, _, statistics = forward(network, data.inputs)
    averages, count = remember(network, statistics)
    after = replace(network, averages=averages, updates=count)
    assert np.allclose(read_averages(after)["variance.1"], statistics["variance.1"], rtol=1e-12)
    assert np.allclose(predict(after, data.inputs), outputs, rtol=1e-10)
