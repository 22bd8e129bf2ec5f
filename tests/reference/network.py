"""A multi-layer perceptron: forward, cost and backward, layer after layer.

Inputs are rows. Layer l has weights W[l] of shape (n[l-1], n[l]):

    Z = A_below W + b                                  or, with batch norm, in hidden layers, b dropped:
    Z = A_below W;  Ẑ = (Z − μ) / √(σ² + ε);  Z̃ = γ Ẑ + β
    A = g(Z̃) · D / keep                                dropout in hidden layers, in training only

The last layer is Z = A_below W + b and nothing else. The cost of a mini-batch is J = Σ w L / (number of its rows).

Parameters are a dict of arrays: "weights.l" (n[l-1], n[l]), "biases.l" (n[l]), and for hidden layers "gamma.l" and
"beta.l" (n[l]), l from 0. Gradients are a dict of the same names; "biases.l" is absent where batch norm drops it, and
"gamma.l", "beta.l" where there is no batch norm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from reference.activations import ACTIVATIONS
from reference.averages import carry, corrected
from reference.losses import LOSSES

EPSILON = 1e-5
MEMORY = 0.9

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Network:
    """One network as it stands.

    Args:
        parameters: by name, see above.
        activation: of the hidden layers, a key of ACTIVATIONS.
        loss: a key of LOSSES.
        batch_norm: in all hidden layers or in none.
        averages: batch norm's "mean.l" and "variance.l", uncorrected; empty before the first update.
        updates: mini-batches that the averages have seen.
    """

    parameters: Arrays
    activation: str = "relu"
    loss: str = "softmax"
    batch_norm: bool = False
    averages: Arrays = field(default_factory=dict)
    updates: int = 0

    @property
    def layers(self) -> int:
        """Number of layers, the output layer among them."""
        return sum(name.startswith("weights") for name in self.parameters)

    def normalises(self, layer: int) -> bool:
        """Whether batch norm acts in this layer: in hidden layers only."""
        return self.batch_norm and layer < self.layers - 1

    def learnt(self) -> list[str]:
        """Names of the parameters that training moves."""
        names = []
        for layer in range(self.layers):
            own = ("weights", "gamma", "beta") if self.normalises(layer) else ("weights", "biases")
            names += [f"{kind}.{layer}" for kind in own]
        return names


@dataclass(frozen=True)
class Dropout:
    """One mini-batch's uniforms and keep probabilities.

    Args:
        keeps: of each hidden layer.
        uniforms: [B, n[l]] of each hidden layer, in [0, 1); not read where keep is 1.
        input_keep: of the inputs.
        input_uniforms: [B, D].
    """

    keeps: Sequence[float] = ()
    uniforms: Sequence[np.ndarray] = ()
    input_keep: float = 1.0
    input_uniforms: np.ndarray | None = None


def inverted_mask(uniforms: np.ndarray | None, keep: float) -> np.ndarray | float:
    """D / keep with D = U < keep: what A is multiplied by, so that its expectation stays."""
    if keep == 1.0:
        return 1.0
    assert uniforms is not None, "dropout needs uniforms"
    return (uniforms < keep) / keep


@dataclass(frozen=True)
class Layer:
    """What the forward pass leaves for the backward pass."""

    below: np.ndarray  # A of the layer below, after dropout
    z: np.ndarray  # what the activation is applied to
    normal: np.ndarray | None  # Ẑ
    deviation: np.ndarray | None  # √(σ² + ε)
    mask: np.ndarray | float  # D / keep


def forward(
    network: Network, inputs: np.ndarray, dropout: Dropout | None = None
) -> tuple[np.ndarray, list[Layer], Arrays]:
    """One mini-batch in training.

    Returns:
        Z of the last layer [B, C], what backward needs, and the batch's "mean.l" and "variance.l" (biased).
    """
    drop = dropout if dropout is not None else Dropout(keeps=[1.0] * (network.layers - 1))
    p, g = network.parameters, ACTIVATIONS[network.activation].value
    a = inputs * inverted_mask(drop.input_uniforms, drop.input_keep)
    passed, statistics = [], {}
    for layer in range(network.layers - 1):
        below, normal, deviation = a, None, None
        z = below @ p[f"weights.{layer}"]
        if network.batch_norm:
            mean, variance = z.mean(axis=0), z.var(axis=0)
            statistics[f"mean.{layer}"], statistics[f"variance.{layer}"] = mean, variance
            deviation = np.sqrt(variance + EPSILON)
            normal = (z - mean) / deviation
            z = p[f"gamma.{layer}"] * normal + p[f"beta.{layer}"]
        else:
            z = z + p[f"biases.{layer}"]
        keep = drop.keeps[layer]
        mask = inverted_mask(drop.uniforms[layer] if keep < 1.0 else None, keep)
        a = g(z) * mask
        passed.append(Layer(below, z, normal, deviation, mask))
    last = network.layers - 1
    outputs = a @ p[f"weights.{last}"] + p[f"biases.{last}"]
    passed.append(Layer(a, outputs, None, None, 1.0))
    return outputs, passed, statistics


def cost(network: Network, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray, smoothing: float) -> float:
    """J = Σ w L / (number of rows), without penalties."""
    return float((weights * LOSSES[network.loss].value(outputs, targets, smoothing)).sum() / len(targets))


def backward(
    network: Network, passed: Sequence[Layer], targets: np.ndarray, weights: np.ndarray, smoothing: float
) -> Arrays:
    """The gradient of `cost`, from the last layer down."""
    gradients: Arrays = {}
    slope = ACTIVATIONS[network.activation].slope
    outputs = passed[-1].z
    dz = LOSSES[network.loss].slope(outputs, targets, smoothing) * weights[:, None] / len(targets)
    for layer in reversed(range(network.layers)):
        own = passed[layer]
        if layer < network.layers - 1:
            da = dz @ network.parameters[f"weights.{layer + 1}"].T
            dz = da * own.mask * slope(own.z)
        if own.normal is not None and own.deviation is not None:
            gradients[f"gamma.{layer}"] = (dz * own.normal).sum(axis=0)
            gradients[f"beta.{layer}"] = dz.sum(axis=0)
            dz = through_normalisation(dz * network.parameters[f"gamma.{layer}"], own.normal, own.deviation)
        else:
            gradients[f"biases.{layer}"] = dz.sum(axis=0)
        gradients[f"weights.{layer}"] = own.below.T @ dz
    return gradients


def through_normalisation(d_normal: np.ndarray, normal: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """dJ/dZ from dJ/dẐ, where every row moves the mean and the variance of its batch.

    dZ = (dẐ − mean(dẐ) − Ẑ · mean(dẐ · Ẑ)) / √(σ² + ε): Ioffe and Szegedy (2015), section 3.
    """
    return (d_normal - d_normal.mean(axis=0) - normal * (d_normal * normal).mean(axis=0)) / deviation


def remember(network: Network, statistics: Mapping[str, np.ndarray]) -> tuple[Arrays, int]:
    """Batch norm's averages and their count after one more mini-batch."""
    old = network.averages
    averages = {name: carry(old.get(name, np.zeros_like(v)), v, MEMORY) for name, v in statistics.items()}
    return averages, network.updates + 1


def read_averages(network: Network) -> Arrays:
    """Batch norm's averages, bias-corrected: what the network uses at test time."""
    return {name: corrected(v, MEMORY, network.updates) for name, v in network.averages.items()}


def predict(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Z of the last layer at test time: no dropout, batch norm by its averages."""
    p, g = network.parameters, ACTIVATIONS[network.activation].value
    read = read_averages(network)
    a = inputs
    for layer in range(network.layers - 1):
        z = a @ p[f"weights.{layer}"]
        if network.batch_norm:
            normal = (z - read[f"mean.{layer}"]) / np.sqrt(read[f"variance.{layer}"] + EPSILON)
            a = g(p[f"gamma.{layer}"] * normal + p[f"beta.{layer}"])
        else:
            a = g(z + p[f"biases.{layer}"])
    last = network.layers - 1
    return a @ p[f"weights.{last}"] + p[f"biases.{last}"]
