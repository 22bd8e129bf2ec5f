"""The built-in network: a multi-layer perceptron of any depth, with dropout and batch normalisation.

Inside the program arrays are unit-major: a layer's weights are [units, inputs] and its activations [units, rows].
With mini-batches shared by the slots, the first layer of all slots is then one product [slots·units, D] × [D, B]
without a transposition (measured: 1.2 against 1.9 ms per model-epoch, docs/log.md). Saved models hold [inputs, units].
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caviar.networks import activations, initialisers, normalisation
from caviar.networks.architecture import Architecture
from caviar.networks.constants import BATCH_NORM_MEMORY
from caviar.networks.draws import uniforms
from caviar.networks.normalisation import Averages, Moments


class Layers(NamedTuple):
    """Parameters of a perceptron, one entry a layer, the output layer last.

    The layout depends on the architecture alone: a network without batch norm carries γ and β untouched.
    """

    weights: tuple[Any, ...]  # [H, inputs]
    biases: tuple[Any, ...]  # [H]
    gammas: tuple[Any, ...]  # [H]
    betas: tuple[Any, ...]  # [H]


@dataclass(frozen=True)
class Perceptron:
    """A perceptron whose program holds only what its slots use.

    Args:
        activations: names of the activations that some slot uses.
        dropout: some slot drops hidden units.
        input_dropout: some slot drops inputs.
        batch_norm: "none", "all" or "some" of the slots normalise their hidden layers.
        masked: padded units must be silenced (sigmoid maps 0 to ½; all others map 0 to 0 and need no mask).
        batch_norm_after: "none", "all" or "some" of the slots do so after the activation.
        batch_norm_output: "none", "all" or "some" of the slots normalise the output layer too.
        train_set_statistics: some slot is measured with the moments of a pass over the whole train set.
    """

    activations: tuple[str, ...] = ("relu",)
    dropout: bool = False
    input_dropout: bool = False
    batch_norm: str = "none"
    masked: bool = False
    batch_norm_after: str = "none"
    batch_norm_output: str = "none"
    train_set_statistics: bool = False

    def init(self, key: int, architecture: Architecture) -> tuple[Layers, Averages]:
        """He weights at the architecture's own widths; see `first_layers` for everything a slot can choose."""
        return first_layers(architecture, architecture.widths, kind="he", scale=1.0, seed=key)

    def apply(
        self,
        parameters: Layers,
        state: Averages | None,
        inputs: Float[Array, "B D"],
        *,
        key: Array | None,
        hyperparameters: Mapping[str, Array],
        training: bool,
        present: Float[Array, " B"] | None = None,
    ) -> tuple[Float[Array, "B C"], Averages | None]:
        """Outputs [B, C] before the softmax, and batch norm's averages after the batch.

        Args:
            state: batch norm's averages; a program without batch norm does not look at them.
            hyperparameters: "units" [L] real widths, "activation" [], "keep_probability" [L],
                "input_keep_probability" [], "batch_norm" [], "batch_norm_after" [], "batch_norm_output" [] (only those
                that the program uses are read).
        """
        pass_ = _Pass(self, parameters, None if training else state, hyperparameters, present)
        outputs, seen = pass_.run(inputs.T, key if training else None)
        # A program without batch norm keeps no averages, so that a slot moved to another program counts rightly.
        if training and self.batch_norm != "none":
            assert state is not None, "batch norm keeps averages"
            state = normalisation.remember(state, seen)
        return outputs.T, state

    def moments(
        self,
        parameters: Layers,
        inputs: Float[Array, "B D"],
        hyperparameters: Mapping[str, Array],
        present: Float[Array, " B"] | None = None,
    ) -> tuple[Moments | None, ...]:
        """What each layer would be normalised by in training, without dropout."""
        return _Pass(self, parameters, None, hyperparameters, present).run(inputs.T, None)[1]


@dataclass(frozen=True)
class _Pass:
    """One forward pass.

    Args:
        averages: that normalise at test time; None: the batch's own moments do.
        present: 0 for rows that only pad the batch.
    """

    network: Perceptron
    parameters: Layers
    averages: Averages | None
    hyperparameters: Mapping[str, Array]
    present: Array | None

    def run(self, above: Array, key: Any) -> tuple[Array, tuple[Moments | None, ...]]:
        """Outputs [C, B] and the moments of each layer. A key of None: nothing is dropped."""
        network, h = self.network, self.hyperparameters
        last = len(self.parameters.weights) - 1
        if key is not None and network.input_dropout:
            above = _drop(above, key, last + 1, h["input_keep_probability"])
        seen: list[Moments | None] = []
        for layer in range(last):
            z, before = self._before(layer, self.parameters.weights[layer] @ above)
            above = activations.select(z, h["activation"], network.activations)
            above, after = self._after(layer, above)
            if network.masked:
                real = jnp.arange(z.shape[0]) < h["units"][layer]
                above = jnp.where(real[:, None], above, 0.0)
            if key is not None and network.dropout:
                above = _drop(above, key, layer, h["keep_probability"][layer])
            seen.append(self._either(before, after))
        outputs, moments = self._output(last, self.parameters.weights[last] @ above)
        return outputs, (*seen, moments)

    def _before(self, layer: int, z: Array) -> tuple[Array, Moments | None]:
        """What the activation is applied to: Z normalised, its bias dropped, or Z with its bias."""
        network, h = self.network, self.hyperparameters
        biased = z + self.parameters.biases[layer][:, None]
        if network.batch_norm == "none" or network.batch_norm_after == "all":
            return biased, None
        normal, moments = self._normal(layer, z)
        if network.batch_norm == "all" and network.batch_norm_after == "none":
            return normal, moments
        here = h["batch_norm"] if network.batch_norm_after == "none" else h["batch_norm"] & ~h["batch_norm_after"]
        return jnp.where(here, normal, biased), moments

    def _after(self, layer: int, above: Array) -> tuple[Array, Moments | None]:
        """A normalised where a slot normalises after the activation; a bias before the activation is not in vain."""
        if self.network.batch_norm_after == "none":
            return above, None
        normal, moments = self._normal(layer, above)
        if self.network.batch_norm_after == "all":
            return normal, moments
        return jnp.where(self.hyperparameters["batch_norm_after"], normal, above), moments

    def _output(self, last: int, z: Array) -> tuple[Array, Moments | None]:
        """The output layer, which has no activation: normalised without its bias, or with it."""
        biased = z + self.parameters.biases[last][:, None]
        if self.network.batch_norm_output == "none":
            return biased, None
        normal, moments = self._normal(last, z)
        if self.network.batch_norm_output == "all":
            return normal, moments
        return jnp.where(self.hyperparameters["batch_norm_output"], normal, biased), moments

    def _normal(self, layer: int, z: Array) -> tuple[Array, Moments]:
        if self.averages is None:
            moments = normalisation.of_batch(z, self.present)
        else:
            moments = normalisation.of_averages(self.averages, layer)
        gamma, beta = self.parameters.gammas[layer], self.parameters.betas[layer]
        return normalisation.normalise(z, moments, gamma, beta), moments

    def _either(self, before: Moments | None, after: Moments | None) -> Moments | None:
        """The moments that a slot keeps: of Z or of A."""
        if before is None or after is None:
            return before if after is None else after
        chosen = self.hyperparameters["batch_norm_after"]
        return Moments(*(jnp.where(chosen, a, b) for a, b in zip(after, before, strict=True)))


def _drop(above: Array, key: Any, layer: int, keep: Array) -> Array:
    """Inverted dropout: A·D / keep with D = U < keep, U unit-major so that padding changes no draw."""
    drawn = uniforms(key, layer, *above.shape[-2:])
    return jnp.where(drawn < keep, above * (1.0 / keep), 0.0)


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
    # γ of a padded unit is 0: where γ is penalised, padding must not count in the gradient's norm.
    ones = tuple((np.arange(width) < own).astype(dtype) for width, own in zip(padded[1:], widths[1:], strict=True))
    layers = Layers(tuple(weights), zeros, ones, zeros)
    return layers, Averages(zeros, zeros, np.zeros((), np.int32))


def cut(
    layers: Layers,
    averages: Averages,
    widths: tuple[int, ...],
    batch_norm: bool,
    place: str = "before",
    output: bool = False,
) -> dict[str, np.ndarray]:
    """The arrays of a saved model: real units only, weights as [inputs, units], corrected test-time averages.

    Biases are absent where batch norm dropped them.

    Args:
        batch_norm: the hidden layers are normalised,
        place: "before" or "after" the activation,
        output: and the output layer too.
    """
    arrays: dict[str, np.ndarray] = {}
    last = len(layers.weights) - 1
    for layer, weights in enumerate(layers.weights):
        fan_in, units = widths[layer], widths[layer + 1]
        arrays[f"weights.{layer}"] = np.ascontiguousarray(np.asarray(weights)[:units, :fan_in].T)
        normed = batch_norm and (output if layer == last else True)
        if not normed or (place == "after" and layer < last):
            arrays[f"biases.{layer}"] = np.asarray(layers.biases[layer])[:units].copy()
        if normed:
            arrays[f"gamma.{layer}"] = np.asarray(layers.gammas[layer])[:units].copy()
            arrays[f"beta.{layer}"] = np.asarray(layers.betas[layer])[:units].copy()
            arrays |= _read(averages, layer, units)
    return arrays


def _read(averages: Averages, layer: int, units: int) -> dict[str, np.ndarray]:
    """A layer's corrected averages as `normalisation.of_averages` reads them."""
    count = int(averages.count)
    seen = max(-np.expm1(count * np.log(BATCH_NORM_MEMORY)), np.finfo(np.float32).tiny)
    mean, variance = (np.asarray(kept[layer])[:units] for kept in (averages.means, averages.variances))
    if not count:
        return {f"mean.{layer}": np.zeros_like(mean), f"variance.{layer}": np.ones_like(variance)}
    seen = mean.dtype.type(seen)
    return {f"mean.{layer}": mean / seen, f"variance.{layer}": variance / seen}
