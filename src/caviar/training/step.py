"""One update and one evaluation of ONE network, as pure functions; the program maps them over the slots."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caviar.networks.losses import LOSSES
from caviar.networks.mlp import Layers
from caviar.training.choosing import evidence
from caviar.training.features import Features
from caviar.training.optimisers import Moments


class TrainState(NamedTuple):
    """What one network carries from update to update."""

    parameters: Any
    averages: Any
    moments: Moments
    cost_sum: Any  # [] of the rows seen in this epoch
    error_sum: Any  # [] of the same rows, in training mode
    weight_sum: Any  # []


class Batch(NamedTuple):
    """A mini-batch, shared by the slots of a stream."""

    inputs: Float[Array, "B D"]
    targets: Array  # [B]
    weights: Float[Array, " B"]  # weight of each row, 0 for padding
    present: Float[Array, " B"]  # 1 for rows, 0 for padding
    key: Array
    partner: Any = None  # [B] the row that each is mixed with, where some slot mixes


def penalised(parameters: Any, features: Features, hyperparameters: Mapping[str, Array]) -> Any:
    """Which leaves L1, L2 and weight decay act on: True, False, or a boolean of the slot.

    Always the weights, those of two or more axes; biases, γ and β where the slot penalises them too and uses them.
    """
    if not isinstance(parameters, Layers):
        return jax.tree.map(lambda leaf: leaf.ndim >= 2, parameters)
    weights = (True,) * len(parameters.weights)
    if not features.rule.penalise_biases:
        return Layers(weights, *((False,) * len(leaves) for leaves in parameters[1:]))
    too = hyperparameters["penalise_biases"]
    last = len(weights) - 1
    normed = [
        too & hyperparameters["batch_norm_output" if layer == last else "batch_norm"] for layer in range(last + 1)
    ]
    scales = tuple(normed[: len(parameters.gammas)])
    return Layers(weights, (too,) * len(weights), scales, scales)


def used_part(features: Features, parameters: Any) -> Any:
    """The parameters that the program's networks use: γ and β are left out of layers that no slot normalises."""
    if not isinstance(parameters, Layers) or features.network.batch_norm_output != "none":
        return parameters
    hidden = len(parameters.weights) - 1 if features.network.batch_norm != "none" else 0
    return parameters._replace(gammas=parameters.gammas[:hidden], betas=parameters.betas[:hidden])


def whole_part(part: Any, before: Any) -> Any:
    """A used part again with what it was without, unchanged."""
    if not isinstance(part, Layers):
        return part
    used = len(part.gammas)
    return part._replace(gammas=part.gammas + before.gammas[used:], betas=part.betas + before.betas[used:])


def row_costs(
    features: Features, loss: str, outputs: Array, targets: Array, hyperparameters: Mapping[str, Array], smooth: bool
) -> tuple[Array, Array]:
    """Cost and error of each row; labels are smoothed in training only."""
    smoothing = hyperparameters["smoothing"] if smooth and features.smoothing else 0.0
    classes = hyperparameters["classes"] if features.padded_outputs else None
    return LOSSES[loss](outputs, targets, smoothing=smoothing, classes=classes)


def row_weights(features: Features, loss: str, batch: Batch, hyperparameters: Mapping[str, Array]) -> Array:
    """Weight of each row in the training cost: the row's own times its class's."""
    if not features.weighted:
        return batch.present
    if loss == "squared":
        return batch.weights
    return batch.weights * hyperparameters["class_weights"][batch.targets]


def batch_cost(
    parameters: Any, averages: Any, batch: Batch, hyperparameters: Mapping[str, Array], *, features: Features, loss: str
) -> tuple[Array, tuple[Any, Array]]:
    """Cost of a mini-batch in training mode, without penalties: what `step` descends and the gradient check looks at.

    It is Σ w·L / number of its rows, so that the last short batch counts each of its rows fully.

    Args:
        parameters: those that the program uses (`used_part`).
        averages: batch norm's, before the batch.

    Returns:
        The cost; the averages after the batch, and the sum of its rows' errors against their own labels.
    """
    outputs, averages = features.network.apply(
        parameters,
        averages,
        batch.inputs,
        key=batch.key,
        hyperparameters=hyperparameters,
        training=True,
        present=batch.present,
    )
    costs, errors = row_costs(features, loss, outputs, batch.targets, hyperparameters, smooth=True)
    # Padding repeats a train row, so that its cost is no worse than that row's own: weight 0 is enough.
    weights = row_weights(features, loss, batch, hyperparameters)
    total = jnp.sum(weights * costs)
    if batch.partner is not None:
        share, partner = hyperparameters["share"], batch.partner
        others, _ = row_costs(features, loss, outputs, batch.targets[partner], hyperparameters, smooth=True)
        other = jnp.sum(batch.present * weights[partner] * others)
        # Where nothing is mixed, the other labels' cost has no say, be it infinite.
        total = jnp.where(share < 1, share * total + (1 - share) * other, total)
    return total / jnp.sum(batch.present), (averages, jnp.sum(batch.present * jax.lax.stop_gradient(errors)))


def step(
    state: TrainState, batch: Batch, hyperparameters: Mapping[str, Array], *, features: Features, loss: str
) -> tuple[TrainState, Array]:
    """One update of one network.

    Returns:
        The state after the update, and the batch's cost (without penalties) before it.
    """
    rows = jnp.sum(batch.present)
    used = used_part(features, state.parameters)
    cost = partial(batch_cost, features=features, loss=loss)
    descended = jax.value_and_grad(cost, has_aux=True)
    (value, (averages, errors)), gradients = descended(used, state.averages, batch, hyperparameters)
    moments = Moments(*(used_part(features, moment) for moment in state.moments))
    parameters, moments = features.rule.apply(
        used, moments, gradients, penalised(used, features, hyperparameters), hyperparameters
    )
    parameters = whole_part(parameters, state.parameters)
    moments = Moments(*map(whole_part, moments, state.moments))
    cost_sum, error_sum = state.cost_sum + value * rows, state.error_sum + errors
    return TrainState(parameters, averages, moments, cost_sum, error_sum, state.weight_sum + rows), value


def evaluate(
    state: TrainState, batch: Batch, hyperparameters: Mapping[str, Array], *, features: Features, loss: str
) -> tuple[Array, Array]:
    """Cost and error of each row in test mode: no dropout, batch norm by its averages, labels as they are."""
    return evaluate_for("error", state, batch, hyperparameters, features=features, loss=loss)[:2]


def evaluate_for(
    metric: str, state: TrainState, batch: Batch, hyperparameters: Mapping[str, Array], *, features: Features, loss: str
) -> tuple[Array, Array, Array | None]:
    """Cost and error of each row in test mode, and what a metric needs beside them (see `choosing.evidence`)."""
    outputs, _ = features.network.apply(
        state.parameters,
        state.averages,
        batch.inputs,
        key=None,
        hyperparameters=hyperparameters,
        training=False,
        present=batch.present,
    )
    costs, errors = row_costs(features, loss, outputs, batch.targets, hyperparameters, smooth=False)
    classes = hyperparameters["classes"] if features.padded_outputs else None
    return costs, errors, evidence(metric, outputs, classes)
