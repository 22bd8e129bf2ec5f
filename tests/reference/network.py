"""A multi-layer perceptron: forward, cost and backward, layer after layer.

Inputs are rows. Layer l has weights W[l] of shape (n[l-1], n[l]):

    Z = A_below W + b                                  or, with batch norm before the activation, b dropped:
    Z = A_below W;  Ẑ = (Z − μ) / √(σ² + ε);  Z̃ = γ Ẑ + β
    A = g(Z̃)                                           or, with batch norm after the activation:
    A = g(A_below W + b);  Â = (A − μ) / √(σ² + ε);  Ã = γ Â + β
    Ã · D / keep                                       dropout in hidden layers, in training only

The last layer is Z = A_below W + b, or Z̃ normalised without its bias, and nothing else. The cost of a mini-batch is
J = Σ w L / (number of its rows).

Parameters are a dict of arrays: "weights.l" (n[l-1], n[l]), "biases.l" (n[l]), "gamma.l" and "beta.l"
(n[l]), l from 0. Gradients are a dict of the same names; "biases.l" is absent where batch norm drops it, and "gamma.l",
"beta.l" where there is no batch norm.
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
        place: of batch norm in hidden layers, "before" or "after" the activation.
        output_norm: batch norm in the last layer too.
        averages: batch norm's "mean.l" and "variance.l", uncorrected; empty before the first update.
        updates: mini-batches that the averages have seen.
    """

    parameters: Arrays
    activation: str = "relu"
    loss: str = "softmax"
    batch_norm: bool = False
    place: str = "before"
    output_norm: bool = False
    averages: Arrays = field(default_factory=dict)
    updates: int = 0

    @property
    def layers(self) -> int:
        """Number of layers, the output layer among them."""
        return sum(name.startswith("weights") for name in self.parameters)

    def normalises(self, layer: int) -> bool:
        """Whether batch norm acts in this layer."""
        return self.batch_norm and (layer < self.layers - 1 or self.output_norm)

    def biased(self, layer: int) -> bool:
        """Whether the layer has its bias: batch norm right after W A drops it."""
        return not self.normalises(layer) or (self.place == "after" and layer < self.layers - 1)

    def learnt(self) -> list[str]:
        """Names of the parameters that training moves."""
        names = []
        for layer in range(self.layers):
            own = ["weights"] + ["biases"] * self.biased(layer) + ["gamma", "beta"] * self.normalises(layer)
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
    raw: np.ndarray | None  # what is normalised: Z or A
    normal: np.ndarray | None  # Ẑ or Â
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
    for layer in range(network.layers):
        last = layer == network.layers - 1
        below, raw, normal, deviation, mask = a, None, None, None, 1.0
        z = below @ p[f"weights.{layer}"]
        if network.biased(layer):
            z = z + p[f"biases.{layer}"]
        if network.normalises(layer):
            raw = g(z) if network.biased(layer) else z
            mean, variance = raw.mean(axis=0), raw.var(axis=0)
            statistics[f"mean.{layer}"], statistics[f"variance.{layer}"] = mean, variance
            deviation = np.sqrt(variance + EPSILON)
            normal = (raw - mean) / deviation
            a = p[f"gamma.{layer}"] * normal + p[f"beta.{layer}"]
            if not network.biased(layer):
                z = a
                a = z if last else g(z)
        else:
            a = z if last else g(z)
        if not last:
            keep = drop.keeps[layer]
            mask = inverted_mask(drop.uniforms[layer] if keep < 1.0 else None, keep)
            a = a * mask
        passed.append(Layer(below, z, raw, normal, deviation, mask))
    return a, passed, statistics


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
        own, last = passed[layer], layer == network.layers - 1
        if not last:
            da = (dz @ network.parameters[f"weights.{layer + 1}"].T) * own.mask
            if network.normalises(layer) and network.place == "after":
                da = normalised_backward(network, layer, own, da, gradients)
            dz = da * slope(own.z)
        if network.normalises(layer) and not network.biased(layer):
            dz = normalised_backward(network, layer, own, dz, gradients)
        if network.biased(layer):
            gradients[f"biases.{layer}"] = dz.sum(axis=0)
        gradients[f"weights.{layer}"] = own.below.T @ dz
    return gradients


def normalised_backward(network: Network, layer: int, own: Layer, d_out: np.ndarray, gradients: Arrays) -> np.ndarray:
    """The gradients of γ and β, and dJ/d(what was normalised) from dJ/d(what came out)."""
    assert own.normal is not None and own.deviation is not None
    gradients[f"gamma.{layer}"] = (d_out * own.normal).sum(axis=0)
    gradients[f"beta.{layer}"] = d_out.sum(axis=0)
    return through_normalisation(d_out * network.parameters[f"gamma.{layer}"], own.normal, own.deviation)


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


def train_set_moments(network: Network, batches: Sequence[np.ndarray]) -> Arrays:
    """ "mean.l" and "variance.l" over all rows, in mini-batches normalised by themselves, without dropout."""
    raw: dict[int, list[np.ndarray]] = {}
    for inputs in batches:
        for layer, own in enumerate(forward(network, inputs)[1]):
            if own.raw is not None:
                raw.setdefault(layer, []).append(own.raw)
    found = {}
    for layer, parts in raw.items():
        whole = np.concatenate(parts)
        found |= {f"mean.{layer}": whole.mean(axis=0), f"variance.{layer}": whole.var(axis=0)}
    return found


def predict(network: Network, inputs: np.ndarray, moments: Arrays | None = None) -> np.ndarray:
    """Z of the last layer at test time: no dropout, batch norm by its averages or by other moments."""
    p, g = network.parameters, ACTIVATIONS[network.activation].value
    read = read_averages(network) if moments is None else moments
    a = inputs
    for layer in range(network.layers):
        z = a @ p[f"weights.{layer}"]
        z = z + p[f"biases.{layer}"] if network.biased(layer) else by_moments(network, layer, z, read)
        a = g(z) if layer < network.layers - 1 else z
        if network.biased(layer) and network.normalises(layer):
            a = by_moments(network, layer, a, read)
    return a


def by_moments(network: Network, layer: int, z: np.ndarray, read: Arrays) -> np.ndarray:
    """γ (z − μ) / √(σ² + ε) + β."""
    p = network.parameters
    normal = (z - read[f"mean.{layer}"]) / np.sqrt(read[f"variance.{layer}"] + EPSILON)
    return p[f"gamma.{layer}"] * normal + p[f"beta.{layer}"]
