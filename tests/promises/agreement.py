"""The plain NumPy reference on the same batches and the same dropout uniforms as the slots of a cohort."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from caviar.data.streams import batches
from caviar.networks.draws import tick_keys
from caviar.networks.initialisers import draw
from caviar.training.cohort import Cohort
from caviar.training.values import Assignment
from reference import losses as reference_losses
from reference import network as reference_network
from reference.network import Network
from reference.train import Batch, Data, first_network, steps


def data_of(cohort: Cohort, problem: Any, own: Assignment) -> Data:
    """What the reference learns from: rows weighed as the cohort's program weighs them."""
    inputs = problem.inputs.astype(np.float64)
    weights = np.ones(len(inputs))
    if cohort.key.features.weighted:
        weights = problem.weights.copy()
        if own.class_weights:
            weights *= np.asarray(own.class_weights)[problem.targets]
    return Data(inputs, problem.targets, own.examples, weights)


def epochs_of(cohort: Cohort, slot: int, own: Assignment, count: int) -> list[list[Batch]]:
    """The mini-batches of a slot's first epochs, with the uniforms that the engine draws, cut to its own widths."""
    group = cohort.groups[slot // cohort.layout.group]
    padded, updates = cohort.architecture.widths, group.updates(cohort.architecture.batch_size)
    found = []
    for epoch in range(count):
        indices, present = batches(group.stream, epoch, cohort.architecture.batch_size)
        made = []
        for update in range(updates):
            real = present[update] > 0
            every = uniforms((group.stream.seed, group.stream.number), epoch * updates + update, padded, len(real))
            cut = [u[:width, real].T for u, width in zip(every, (own.widths[0], *own.widths[1:-1]), strict=True)]
            made.append(Batch(indices[update][real], cut[1:], cut[0]))
        found.append(made)
    return found


_drawn: dict[Any, list[np.ndarray]] = {}


def uniforms(key: tuple[int, ...], tick: int, widths: tuple[int, ...], batch: int) -> list[np.ndarray]:
    """Dropout's uniforms [units, rows] of the inputs and of every hidden layer, keyed (stream's seed and number, tick).

    The inputs' key counts as that of the layer after the last.
    """
    name = (key, tick, widths, batch)
    if name not in _drawn:
        words = tick_keys(*key, np.asarray(tick))
        layers = len(widths) - 1
        places = [(layers, widths[0]), *enumerate(widths[1:-1])]
        _drawn[name] = [published_hash(words, layer, width, batch) for layer, width in places]
    return _drawn[name]


def published_hash(words: np.ndarray, layer: int, units: int, rows: int) -> np.ndarray:
    """The top 24 bits of lowbias32(triple32(counter, first word, layer), second word), written out in NumPy.

    Source: C. Wellons, "Prospecting for Hash Functions" (2018).
    """
    x = np.arange(units * rows, dtype=np.uint32) ^ np.uint32((int(words[0]) + 0x9E3779B9 * (layer + 1)) % 2**32)
    for shift, factor in ((17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB)):
        x = (x ^ x >> np.uint32(shift)) * np.uint32(factor)
    x = x ^ x >> np.uint32(14) ^ words[1]
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ x >> np.uint32(shift)) * np.uint32(factor)
    x = x ^ x >> np.uint32(16)
    return ((x >> np.uint32(8)) / 2**24).reshape(units, rows)


def reference_steps(
    cohort: Cohort, problem: Any, slot: int, own: Assignment, epochs: int
) -> Iterator[tuple[Network, float, float]]:
    """The reference's network after every update of a slot's trial, and each batch's cost before it."""
    c = own.configuration
    weights = draw(c["initialisation"], c["initialisation_scale"], own.widths, own.seed)
    network = first_network(weights, c, problem.loss)
    data = data_of(cohort, problem, own)
    return steps(network, data, epochs_of(cohort, slot, own, epochs), c, own.horizon)


def parameters_of(state: Any, slot: int, own: Assignment) -> dict[str, np.ndarray]:
    """One slot of a state read from a cohort by the reference's names: real units only, weights [inputs, units]."""
    layers, averages = state.train.parameters, state.train.averages
    found = {}
    for layer in range(len(layers.weights)):
        below, units = own.widths[layer], own.widths[layer + 1]
        found[f"weights.{layer}"] = layers.weights[layer][slot][:units, :below].T
        found[f"biases.{layer}"] = layers.biases[layer][slot][:units]
        found[f"gamma.{layer}"] = layers.gammas[layer][slot][:units]
        found[f"beta.{layer}"] = layers.betas[layer][slot][:units]
        found[f"mean.{layer}"] = averages.means[layer][slot][:units]
        found[f"variance.{layer}"] = averages.variances[layer][slot][:units]
    return found


def padding_of(state: Any, slot: int, own: Assignment) -> float:
    """The largest absolute value among a slot's padded weights and biases, which must stay 0."""
    layers = state.train.parameters
    largest = 0.0
    for layer, (weights, biases) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        below, units = own.widths[layer], own.widths[layer + 1]
        for part in (weights[slot][units:], weights[slot][:, below:], biases[slot][units:]):
            largest = max(largest, float(np.abs(part).max(initial=0.0)))
    return largest


def carried_by(network: Network) -> dict[str, np.ndarray]:
    """All that a network of the reference carries: parameters, and batch norm's uncorrected averages."""
    return {**network.parameters, **network.averages}


def moments_of(
    network: Network, cohort: Cohort, problem: Any, slot: int, own: Assignment, epoch: int
) -> dict[str, np.ndarray] | None:
    """Batch norm's moments over the train set, in an epoch's mini-batches; None where the averages are used."""
    if own.configuration["batch_norm_statistics"] == "averages":
        return None
    group = cohort.groups[slot // cohort.layout.group]
    indices, present = batches(group.stream, epoch, cohort.architecture.batch_size)
    laid = [problem.inputs[rows[real > 0]] for rows, real in zip(indices, present, strict=True)]
    return reference_network.train_set_moments(network, laid)


def measured_by(
    network: Network, problem: Any, rows: np.ndarray, choose: np.ndarray, moments: dict[str, np.ndarray] | None = None
) -> dict[str, Any]:
    """Cost and error of some rows at test time by the reference, row by row and as weighted means of the chosen."""
    outputs = reference_network.predict(network, problem.inputs[rows], moments)
    targets = problem.targets[rows]
    costs = reference_network.LOSSES[problem.loss].value(outputs, targets, 0.0)
    errors = reference_losses.errors(problem.loss, outputs, targets)
    weights = problem.weights[rows][choose]
    error = float(np.average(errors[choose], weights=weights))
    return {
        "costs": costs,
        "errors": errors,
        "cost": float(np.average(costs[choose], weights=weights)),
        "error": error**0.5 if problem.loss == "squared" else error,
    }
