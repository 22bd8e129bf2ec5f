"""The gradient of every combination against two-sided numerical differences in double precision."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from caviar.networks.activations import NAMES
from caviar.networks.architecture import Architecture
from caviar.networks.draws import tick_keys
from caviar.networks.losses import LOSSES
from caviar.networks.mlp import Perceptron, first_layers
from caviar.training import device
from caviar.training.features import Features
from caviar.training.optimisers import Moments, UpdateRule
from caviar.training.step import Batch, TrainState, step

device.start()

WIDTHS = {0: (4, 3), 1: (4, 5, 3), 2: (4, 5, 4, 3)}
LAMBDA = 0.3
EPSILON = 6e-6  # the cube root of double precision's rounding


def problem(loss):
    """Twelve rows of which the last two pad the batch."""
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((12, 4))
    targets = generator.integers(0, 2 if loss == "logistic" else 3, 12).astype(np.int32)
    if loss == "squared":
        targets = generator.standard_normal(12)
    present = (np.arange(12) < 10).astype(np.float64)
    words = tick_keys(0, 0, np.asarray(3))
    weights = generator.uniform(0.5, 2.0, 12) * present
    return Batch(*map(jnp.asarray, (inputs, targets, weights, present)), jax.random.wrap_key_data(jnp.asarray(words)))


def numbers(hidden):
    """Values of a slot under plain gradient descent at rate 1, so that a step is minus the gradient."""
    return {
        "rate": 1.0, "correction_1": 1.0, "correction_2": 1.0, "one_minus_beta_1": 1.0, "one_minus_beta_2": 1.0,
        "epsilon": 1.0, "l2": LAMBDA, "units": jnp.asarray([5, 4][:hidden]), "classes": 3, "smoothing": 0.1,
        "keep_probability": jnp.asarray([0.7, 0.8][:hidden]), "input_keep_probability": 0.9,
        "class_weights": jnp.asarray([1.3, 0.8, 0.9]),
    }  # fmt: skip


def penalised_cost(point, unravel, batch, hyperparameters, network, loss):
    """J = Σ w L / rows + (λ/2m) Σ ‖W‖², written without the step under test."""
    parameters, averages = unravel(point)
    outputs, _ = network.apply(
        parameters, averages, batch.inputs, key=batch.key, hyperparameters=hyperparameters, training=True,
        present=batch.present,
    )  # fmt: skip
    costs, _ = LOSSES[loss](outputs, batch.targets, smoothing=0.1, classes=3)
    weights = batch.weights
    if loss != "squared":
        weights = weights * hyperparameters["class_weights"][batch.targets]
    penalty = sum((w**2).sum() for w in parameters.weights)
    return (weights * costs).sum() / 10 + 0.5 * LAMBDA * penalty


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("depth", WIDTHS)
def test_gradients_are_those_of_the_cost(loss, depth):
    """For all activations, with and without batch norm, dropout's mask held: relative difference below 1e-6.

    The gradient is read from the engine's own step: plain gradient descent at rate 1 moves by minus the gradient.
    """
    with jax.enable_x64(True):
        network = Perceptron(NAMES, dropout=depth > 0, input_dropout=True, batch_norm="some", masked=True)
        features = Features(network, UpdateRule(("gradient_descent",), l2=True), smoothing=True, weighted=True)
        shapes = Architecture(4, WIDTHS[depth][1:-1], 3, loss, 12, "float64")
        batch = problem(loss)

        def moved(parameters, averages, hyperparameters):
            zeros = jax.tree.map(jnp.zeros_like, parameters)
            state = TrainState(parameters, averages, Moments(zeros, zeros), *[jnp.zeros(())] * 3)
            after, _ = step(state, batch, hyperparameters, features=features, loss=loss)
            return after.parameters

        move = jax.jit(moved)
        parameters, averages = first_layers(shapes, WIDTHS[depth], kind="he", scale=1.0, seed=depth)
        flat, unravel = ravel_pytree(jax.tree.map(jnp.asarray, parameters))
        # Away from the beginning, where all biases are 0 and all γ are 1.
        flat = flat + 0.1 * np.random.default_rng(1).standard_normal(flat.shape)
        averages = jax.tree.map(jnp.asarray, averages)
        cost = partial(
            penalised_cost, unravel=lambda p: (unravel(p), averages), batch=batch, network=network, loss=loss
        )
        many = jax.jit(jax.vmap(lambda point, h: cost(point, hyperparameters=h), in_axes=(0, None)))
        nudges = EPSILON * np.maximum(1.0, np.abs(flat))
        for name in NAMES if depth else NAMES[:1]:
            for batch_norm in (False, True) if depth else (False,):
                h = numbers(depth) | {"activation": NAMES.index(name), "batch_norm": batch_norm}
                h = jax.tree.map(jnp.asarray, h)
                exact = flat - ravel_pytree(move(unravel(flat), averages, h))[0]
                above, below = (many(flat[None, :] + sign * np.diag(nudges), h) for sign in (1, -1))
                numerical = (above - below) / (2 * nudges)
                apart = np.linalg.norm(numerical - exact) / (np.linalg.norm(numerical) + np.linalg.norm(exact))
                assert apart < 1e-6, (name, batch_norm, apart)
                assert np.linalg.norm(exact) > 1e-3
