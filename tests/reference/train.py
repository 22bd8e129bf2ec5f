"""The training loop: mini-batch after mini-batch, epoch after epoch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from reference.decay import learning_rate
from reference.losses import errors
from reference.network import Arrays, Dropout, Network, backward, cost, forward, read_averages, remember
from reference.optimisers import forget, update

# Gradient descent and nothing else: every other hyperparameter at the value where it does nothing. Names and meanings
# are those of the package's table; what the reference does not read there (widths, first weights) is not repeated.
PLAIN: dict[str, Any] = {
    "learning_rate": 0.1, "decay": "constant", "decay_rate": 1.0, "decay_base": 0.95, "decay_steps": 10, "warmup": 0.0,
    "optimiser": "gradient_descent", "momentum": 0.9, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8,
    "l1": 0.0, "l2": 0.0, "weight_decay": 0.0, "clip_norm": np.inf, "label_smoothing": 0.0,
    "keep_probability": 1.0, "input_keep_probability": 1.0, "activation": "relu", "penalise_biases": False,
    "batch_norm": False, "batch_norm_place": "before", "batch_norm_output": False,
}  # fmt: skip


@dataclass(frozen=True)
class Data:
    """What is learnt.

    Args:
        inputs: [N, D] float64.
        targets: [N], class indices or standardised numbers.
        examples: m, the train examples that λ is divided by; N may hold other rows too.
        weights: [N] of the rows in the cost (row weight times class weight); None: all 1.
    """

    inputs: np.ndarray
    targets: np.ndarray
    examples: int
    weights: np.ndarray | None = None


@dataclass(frozen=True)
class Batch:
    """One mini-batch.

    Args:
        rows: [B], positions in Data; no padding.
        uniforms: [B, n[l]] of each hidden layer, for dropout.
        input_uniforms: [B, D], for dropout of inputs.
    """

    rows: np.ndarray
    uniforms: Sequence[np.ndarray] = ()
    input_uniforms: np.ndarray | None = None


def first_network(weights: Sequence[np.ndarray], configuration: Mapping[str, Any], loss: str = "softmax") -> Network:
    """The network before training: biases and β at 0, γ at 1.

    Args:
        weights: W[l] of every layer, [n[l-1], n[l]].
    """
    parameters: Arrays = {}
    for layer, w in enumerate(weights):
        parameters[f"weights.{layer}"] = np.array(w, np.float64)
        parameters[f"biases.{layer}"] = np.zeros(w.shape[1])
        parameters[f"gamma.{layer}"] = np.ones(w.shape[1])
        parameters[f"beta.{layer}"] = np.zeros(w.shape[1])
    c = configuration
    normed = c["batch_norm"] and len(weights) > 1
    return Network(parameters, c["activation"], loss, normed, c["batch_norm_place"], c["batch_norm_output"])


def steps(
    network: Network,
    data: Data,
    batches: Sequence[Sequence[Batch]],
    configuration: Mapping[str, Any],
    horizon: int | None = None,
) -> Iterator[tuple[Network, float, float]]:
    """After every update the network, and the mini-batch's cost (without penalties) and summed errors before it.

    Args:
        batches: of every epoch; all epochs but the last have as many as the first.
        configuration: every name of PLAIN; more names are not read. Activation and batch norm must be the network's.
        horizon: epochs that the cosine decay is stretched over; None: the epochs given.
    """
    c = {**configuration, "examples": data.examples}
    horizon = horizon if horizon is not None else len(batches)
    weights = data.weights if data.weights is not None else np.ones(len(data.targets))
    memories = forget({name: network.parameters[name] for name in network.learnt()})
    updates = len(batches[0])
    # Two places name them; a test that changed only one would compare a network with itself.
    own = (network.activation, network.batch_norm)
    told = (c["activation"], c["batch_norm"] and network.layers > 1)
    assert own == told, f"the network has {own}, the configuration does not"
    assert all(len(epoch) == updates for epoch in batches[:-1]), "an epoch within has another number of mini-batches"
    for t, batch in enumerate((batch for epoch in batches for batch in epoch), start=1):
        y, w = data.targets[batch.rows], weights[batch.rows]
        z, passed, statistics = forward(network, data.inputs[batch.rows], dropout_of(batch, c, network.layers - 1))
        value = cost(network, z, y, w, c["label_smoothing"])
        gradients = backward(network, passed, y, w, c["label_smoothing"])
        rate = learning_rate(c, t, updates, horizon)
        parameters, memories = update(network.parameters, gradients, memories, t, rate, c)
        averages, count = remember(network, statistics)
        network = replace(network, parameters=parameters, averages=averages, updates=count)
        yield network, value, float(errors(network.loss, z, y).sum())


def train(
    network: Network,
    data: Data,
    batches: Sequence[Sequence[Batch]],
    configuration: Mapping[str, Any],
    horizon: int | None = None,
) -> list[Arrays]:
    """The arrays of the model after each update: see `steps` for the arguments, `saved` for the names."""
    return [saved(after) for after, *_ in steps(network, data, batches, configuration, horizon)]


def saved(network: Network) -> Arrays:
    """What a saved model holds: the learnt parameters and batch norm's corrected averages.

    Names: "weights.l", "biases.l" (absent where batch norm drops it), and with batch norm "gamma.l", "beta.l",
    "mean.l", "variance.l".
    """
    return {name: network.parameters[name] for name in network.learnt()} | read_averages(network)


def dropout_of(batch: Batch, c: Mapping[str, Any], hidden: int) -> Dropout:
    """The mini-batch's uniforms with the configuration's keep probabilities, one number or one for each layer."""
    keep = c["keep_probability"]
    keeps = list(keep) if isinstance(keep, list | tuple) else [keep] * hidden
    assert len(keeps) == hidden, (keeps, hidden)
    return Dropout(keeps, batch.uniforms, c["input_keep_probability"], batch.input_uniforms)
