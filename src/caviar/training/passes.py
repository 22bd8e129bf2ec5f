"""One forward and backward pass layer by layer with a running logarithmic scale, for probes and not for training.

150 layers of 0.5·I or of 1.5·I are followed to their end, where the network itself would give 0 or infinity. As in a
gradient check dropout is off and the penalties are left out; batch norm is by the batch, labels are smoothed and rows
weighted as in training.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caviar.networks import activations, normalisation
from caviar.networks.mlp import Layers, Perceptron
from caviar.training.features import Features
from caviar.training.scaled import Scaled, choose
from caviar.training.step import Batch, row_costs, row_weights

# Layers between two looks at the scale; in so few a factor of 100 each is far from the limits of float32, squared too.
STRIDE = 8
_STRAIGHT = ("relu", "leaky_relu", "identity")  # f(s·z) = s·f(z) for s > 0
# Slopes at 0 of the curves through 0, which are straight lines below 10^_TINY (sigmoid is ½ there, and its slope ¼).
_SLOPES = {"tanh": 1.0, "silu": 0.5, "gelu": 0.5}
_TINY = -4.0


class Trace(NamedTuple):
    """One layer on the way up: what the way down and the statistics need."""

    below: Scaled  # what the layer was given [n, B]
    z: Scaled  # pre-activations that the activation was given [H, B]
    above: Scaled  # activations [H, B]
    slope: Any  # f'(z) [H, B]; None for the outputs
    pull: Any  # a gradient in z to one in W a, past batch norm
    pull_after: Any  # a gradient in what the layer hands on to one in a, past batch norm after the activation


def upwards(layers: Layers, batch: Batch, hyperparameters: Mapping[str, Array], network: Perceptron) -> list[Trace]:
    """Every layer's pass, from the inputs to the outputs."""
    above, last = Scaled(batch.inputs.T), len(layers.weights) - 1
    traces = []
    for layer, weights in enumerate(layers.weights):
        below = above.normal() if layer and layer % STRIDE == 0 else above
        norm = partial(_normalised, layers=layers, layer=layer, present=batch.present)
        product = Scaled(weights @ below.value, below.log)
        biased = product.plus(layers.biases[layer][:, None])
        if layer == last:
            z, pull = norm(product, biased, _uses(network.batch_norm_output, hyperparameters, "batch_norm_output"))
            traces.append(Trace(below, z, z, None, pull, _unchanged))
            break
        anywhere = _uses(network.batch_norm, hyperparameters, "batch_norm")
        after = _uses(network.batch_norm_after, hyperparameters, "batch_norm_after")
        z, pull = norm(product, biased, anywhere if after is False else _but(anywhere, after))
        active, slope = _activated(z, hyperparameters["activation"], network.activations)
        above, pull_after = norm(active, active, after)
        if network.masked:
            real = (jnp.arange(len(weights)) < hyperparameters["units"][layer])[:, None]
            above, active = (Scaled(jnp.where(real, one.value, 0.0), one.log) for one in (above, active))
            slope = jnp.where(real, slope, 0.0)
        traces.append(Trace(below, z, active, slope, pull, pull_after))
    return traces


def downwards(layers: Layers, traces: Sequence[Trace], error: Scaled) -> list[Scaled]:
    """dJ/d(W a) of every layer [H, B], from the gradient of the outputs."""
    # Without the barrier the loss is computed and compiled again for each of its uses.
    error = Scaled(jax.lax.optimization_barrier(error.value), error.log)
    errors = [traces[-1].pull(error.normal())]
    for layer in range(len(traces) - 2, -1, -1):
        trace = traces[layer]
        past = trace.pull_after(Scaled(layers.weights[layer + 1].T @ errors[-1].value, errors[-1].log))
        error = trace.pull(Scaled(past.value * trace.slope, past.log))
        errors.append(error.normal() if layer and layer % STRIDE == 0 else error)
    return errors[::-1]


def _unchanged(error: Scaled) -> Scaled:
    return error


def _uses(which: str, hyperparameters: Mapping[str, Array], name: str) -> Array | bool:
    """Whether the slot has a part of batch norm: known beforehand where all slots have it, or none."""
    return hyperparameters[name] if which == "some" else which == "all"


def _but(one: Array | bool, other: Array | bool) -> Array | bool:
    """one and not other, known beforehand where that can be."""
    if one is False or other is True:
        return False
    return one if other is False else one & ~jnp.asarray(other)


def _normalised(
    given: Scaled, otherwise: Scaled, uses: Array | bool, *, layers: Layers, layer: int, present: Array
) -> tuple[Scaled, Any]:
    """Batch norm by the batch where a slot `uses` it, else what there was; and how a gradient passes back."""
    if uses is False:
        return otherwise, _unchanged

    def normal(plain: Array) -> Array:
        moments = normalisation.of_batch(plain, present)
        return normalisation.normalise(plain, moments, layers.gammas[layer], layers.betas[layer])

    value, pulled = jax.vjp(normal, given.plain)

    def pull(error: Scaled) -> Scaled:
        return choose(uses, Scaled(pulled(error.value)[0], error.log), error)

    return choose(uses, Scaled(value), otherwise), pull


def _activated(z: Scaled, index: Array, used: tuple[str, ...]) -> tuple[Scaled, Array]:
    """a = f(z) and f'(z). A straight f keeps the scale; so does a curve through 0 where it is a line, near 0."""
    straight = _among(index, used, _STRAIGHT)
    given = z.value if isinstance(z.log, float) else jnp.where(straight, z.value, z.plain)
    value, pull = jax.vjp(lambda x: activations.select(x, index, used), given)
    slope = pull(jnp.ones_like(value))[0]
    if isinstance(z.log, float):
        return Scaled(value), slope
    tiny = (z.log + jnp.log10(jnp.max(jnp.abs(z.value))) < _TINY) & _among(index, used, tuple(_SLOPES))
    at_zero = jnp.asarray([_SLOPES.get(name, 1.0) for name in activations.NAMES], value.dtype)[index]
    value = jnp.where(tiny, at_zero * z.value, value)
    return Scaled(value, jnp.where(straight | tiny, z.log, 0.0)), slope


def _among(index: Array, used: tuple[str, ...], names: tuple[str, ...]) -> Array:
    """Whether the slot's activation is one of these; known beforehand where the program has one alone."""
    if len(used) == 1:
        return jnp.asarray(used[0] in names)
    return jnp.asarray(np.isin(activations.NAMES, names))[index]


def at_outputs(
    outputs: Scaled, batch: Batch, hyperparameters: Mapping[str, Array], features: Features, loss: str
) -> Scaled:
    """dJ/dz of the last layer [C, B]; a residual keeps its scale, the others are shares and need none."""
    weights = row_weights(features, loss, batch, hyperparameters) / jnp.sum(batch.present)
    if loss == "squared":
        residual = outputs.plus(-batch.targets[None, :])
        return Scaled(residual.value * weights[None, :], residual.log)

    def cost(plain: Array) -> Array:
        costs, _ = row_costs(features, loss, plain.T, batch.targets, hyperparameters, smooth=True)
        return jnp.sum(weights * costs)

    return Scaled(jax.grad(cost)(outputs.plain))
