"""The built-in network: a multi-layer perceptron of any depth, with dropout and batch normalisation.

Inside the program arrays are unit-major: a layer's weights are [units, inputs] and its activations [units, rows].
With mini-batches shared by the slots, the first layer of all slots is then one product [slots·units, D] × [D, B]
without a transposition (measured: 1.2 against 1.9 ms per model-epoch, docs/log.md). Saved models hold [inputs, units].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caviar.networks import activations, initialisers
from caviar.networks.architecture import Architecture
from caviar.networks.constants import BATCH_NORM_EPSILON, BATCH_NORM_MEMORY
from caviar.networks.draws import uniforms


class Layers(NamedTuple):
    """Parameters of a perceptron, one entry a layer; γ and β exist for hidden layers only.

    The layout depends on the architecture alone: a network without batch norm carries γ and β untouched.
    """

    weights: tuple[Any, ...]  # [H, inputs]
    biases: tuple[Any, ...]  # [H]
    gammas: tuple[Any, ...]  # [H]
    betas: tuple[Any, ...]  # [H]


class Averages(NamedTuple):
    """Batch norm's exponentially weighted averages, uncorrected, and the number of updates they have seen."""

    means: tuple[Any, ...]  # [H]
    variances: tuple[Any, ...]  # [H]
    count: Any  # []


@dataclass(frozen=True)
class Perceptron:
    """A perceptron whose program holds only what its slots use.

    Args:
        activations: names of the activations that some slot uses.
        dropout: some slot drops hidden units.
        input_dropout: some slot drops inputs.
        batch_norm: "none", "all" or "some" of the slots use it.
        masked: padded units must be silenced (sigmoid maps 0 to ½; all others map 0 to 0 and need no mask).
    """

    activations: tuple[str, ...] = ("relu",)
    dropout: bool = False
    input_dropout: bool = False
    batch_norm: str = "none"
    masked: bool = False

    def init(self, key: int, architecture: Architecture) -> tuple[Layers, Averages]:
        """He weights at the architecture's own widths; see `first_layers` for everything a slot can choose."""
        return first_layers(architecture, architecture.widths, kind="he", scale=1.0, seed=key)

    def apply(
        self,
        parameters: Layers,
        state: Averages,
        inputs: Float[Array, "B D"],
        *,
        key: Array | None,
        hyperparameters: Mapping[str, Array],
        training: bool,
        present: Float[Array, " B"] | None = None,
    ) -> tuple[Float[Array, "B C"], Averages]:
        """Outputs [B, C] before the softmax, and batch norm's averages after the batch.

        Args:
            hyperparameters: "units" [L] real widths, "activation" [], "keep_probability" [L],
                "input_keep_probability" [], "batch_norm" [] (only those that the program uses are read).
        """
        above = inputs.T
        if training and self.input_dropout:
            above = _drop(above, key, len(parameters.weights), hyperparameters["input_keep_probability"])
        means, variances = list(state.means), list(state.variances)
        # A program without batch norm keeps no averages, so that a slot moved to another program counts rightly.
        count = state.count + 1 if training and self.batch_norm != "none" else state.count
        for layer in range(len(parameters.weights) - 1):
            z = parameters.weights[layer] @ above
            biased = z + parameters.biases[layer][:, None]
            if self.batch_norm == "none":
                z = biased
            else:
                kept = (state.means[layer], state.variances[layer], count)
                normal, means[layer], variances[layer] = _normalise(z, kept, present, training)
                normal = parameters.gammas[layer][:, None] * normal + parameters.betas[layer][:, None]
                z = normal if self.batch_norm == "all" else jnp.where(hyperparameters["batch_norm"], normal, biased)
            above = activations.select(z, hyperparameters["activation"], self.activations)
            if self.masked:
                real = jnp.arange(z.shape[0]) < hyperparameters["units"][layer]
                above = jnp.where(real[:, None], above, 0.0)
            if training and self.dropout:
                above = _drop(above, key, layer, hyperparameters["keep_probability"][layer])
        outputs = parameters.weights[-1] @ above + parameters.biases[-1][:, None]
        return outputs.T, Averages(tuple(means), tuple(variances), count)


def _drop(above: Array, key: Any, layer: int, keep: Array) -> Array:
    """Inverted dropout: A·D / keep with D = U < keep, U unit-major so that padding changes no draw."""
    drawn = uniforms(key, layer, *above.shape[-2:])
    return jnp.where(drawn < keep, above * (1.0 / keep), 0.0)


def _normalise(
    z: Array, kept: tuple[Array, Array, Array], present: Array | None, training: bool
) -> tuple[Array, Array, Array]:
    """(z − μ)/√(σ² + ε) by the batch in training, by the corrected averages otherwise; and the averages after it."""
    mean, variance, count = kept
    if not training:
        seen = jnp.maximum(-jnp.expm1(count * np.log(BATCH_NORM_MEMORY)), np.finfo(np.float32).tiny).astype(z.dtype)
        # Before the first update nothing has been seen: then the identity.
        corrected_mean = jnp.where(count > 0, mean / seen, 0.0)
        corrected_variance = jnp.where(count > 0, variance / seen, 1.0)
        centred = z - corrected_mean[:, None]
        return centred / jnp.sqrt(corrected_variance[:, None] + BATCH_NORM_EPSILON), mean, variance
    if present is None:
        present = jnp.ones(z.shape[1], z.dtype)
    rows = jnp.sum(present)
    batch_mean = z @ present / rows
    centred = z - batch_mean[:, None]
    batch_variance = (centred * centred) @ present / rows
    normal = centred / jnp.sqrt(batch_variance[:, None] + BATCH_NORM_EPSILON)
    fresh = 1.0 - BATCH_NORM_MEMORY
    mean = BATCH_NORM_MEMORY * mean + fresh * jax.lax.stop_gradient(batch_mean)
    variance = BATCH_NORM_MEMORY * variance + fresh * jax.lax.stop_gradient(batch_variance)
    return normal, mean, variance


def first_layers(
    architecture: Architecture, widths: tuple[int, ...], *, kind: str, scale: float, seed: int
) -> tuple[Layers, Averages]:
    """First parameters and averages of one network as NumPy arrays, padded with zeros to the architecture.

    Args:
        widths: the network's own sizes from input to output, each at most the architecture's.
        kind, scale, seed: see `initialisers.draw`.

    Raises:
        AssertionError: a width exceeds the architecture's.
    """
    padded = architecture.widths
    assert len(widths) == len(padded) and all(w <= p for w, p in zip(widths, padded, strict=True)), (widths, padded)
    dtype = np.dtype(architecture.dtype)
    weights = []
    for layer, drawn in enumerate(initialisers.draw(kind, scale, widths, seed)):
        whole = np.zeros((padded[layer + 1], padded[layer]), dtype)
        whole[: widths[layer + 1], : widths[layer]] = drawn.T
        weights.append(whole)
    zeros = tuple(np.zeros(width, dtype) for width in padded[1:])
    ones = tuple(np.ones(width, dtype) for width in architecture.hidden)
    hidden = zeros[:-1]
    layers = Layers(tuple(weights), zeros, ones, hidden)
    return layers, Averages(hidden, hidden, np.zeros((), np.int32))


def cut(layers: Layers, averages: Averages, widths: tuple[int, ...], batch_norm: bool) -> dict[str, np.ndarray]:
    """The arrays of a saved model: real units only, weights as [inputs, units], corrected test-time averages.

    Biases are absent where batch norm dropped them.
    """
    arrays: dict[str, np.ndarray] = {}
    last = len(layers.weights) - 1
    seen = max(-np.expm1(int(averages.count) * np.log(BATCH_NORM_MEMORY)), np.finfo(np.float32).tiny)
    for layer, weights in enumerate(layers.weights):
        fan_in, units = widths[layer], widths[layer + 1]
        arrays[f"weights.{layer}"] = np.ascontiguousarray(np.asarray(weights)[:units, :fan_in].T)
        if layer == last or not batch_norm:
            arrays[f"biases.{layer}"] = np.asarray(layers.biases[layer])[:units].copy()
            continue
        arrays[f"gamma.{layer}"] = np.asarray(layers.gammas[layer])[:units].copy()
        arrays[f"beta.{layer}"] = np.asarray(layers.betas[layer])[:units].copy()
        for name, kept in (("mean", averages.means[layer]), ("variance", averages.variances[layer])):
            value = np.asarray(kept)[:units]
            empty = np.zeros_like(value) if name == "mean" else np.ones_like(value)
            arrays[f"{name}.{layer}"] = (value / value.dtype.type(seen)) if int(averages.count) else empty
    return arrays
