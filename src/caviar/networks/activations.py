"""The nonlinearities of hidden units, by name. Each maps 0 to 0 but sigmoid, which matters for padded units."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Activation = Callable[[Float[Array, "..."]], Float[Array, "..."]]

LEAKY_SLOPE = 0.01


def leaky_relu(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """max(z, 0.01 z)."""
    return jnp.where(z > 0, z, LEAKY_SLOPE * z)


def gelu(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """½ z (1 + tanh(√(2/π) (z + 0.044715 z³))), the tanh form of Hendrycks and Gimpel (2016)."""
    return jax.nn.gelu(z, approximate=True)


def identity(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """z itself: the network stays linear."""
    return z


# The order is that of the index a slot carries (search.hyperparameters.ACTIVATIONS lists the same names).
ACTIVATIONS: dict[str, Activation] = {
    "relu": jax.nn.relu,
    "leaky_relu": leaky_relu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "gelu": gelu,
    "identity": identity,
}
NAMES = tuple(ACTIVATIONS)


# Piecewise linear: z for z > 0, else slope · z (so that the derivative at 0 is the slope, as everywhere).
_SLOPES = {"relu": 0.0, "leaky_relu": LEAKY_SLOPE, "identity": 1.0}
# (1 or z) · (shift + scale · tanh(s·z + c·z³)): whether z multiplies, then shift, scale, s, c.
_ROOT = math.sqrt(2.0 / math.pi)
_CURVES = {
    "tanh": (0.0, 0.0, 1.0, 1.0, 0.0),
    "sigmoid": (0.0, 0.5, 0.5, 0.5, 0.0),
    "silu": (1.0, 0.5, 0.5, 0.5, 0.0),
    "gelu": (1.0, 0.5, 0.5, _ROOT, 0.044715 * _ROOT),
}
# Beyond it tanh is 1 to the last bit for every curve; it keeps z³ and its derivative finite.
_FLAT = 60.0


def select(z: Float[Array, "..."], index: Array, used: tuple[str, ...]) -> Float[Array, "..."]:
    """The activation that a slot's index names, among those its program knows.

    Under `vmap` every branch is computed, so a program holds only the activations that its slots use, and those that
    are one formula with other numbers are computed once: several straight ones by a slope, several curved ones by one
    tanh (all seven at once: 2.9 ms a model-epoch by seven branches, docs/log.md).
    """
    if len(used) == 1:
        return ACTIVATIONS[used[0]](z)
    straight = [name for name in used if name in _SLOPES]
    curved = [name for name in used if name in _CURVES]
    found = []
    if len(straight) == 1:
        found.append(ACTIVATIONS[straight[0]](z))
    elif straight:
        slope = _look_up(index, [_SLOPES.get(name, 0.0) for name in NAMES], z.dtype)
        found.append(jnp.where(z > 0, z, slope * z))
    if len(curved) == 1:
        found.append(ACTIVATIONS[curved[0]](z))
    elif curved:
        rows = [_CURVES.get(name, (0.0,) * 5) for name in NAMES]
        times, shift, scale, linear, cubic = (_look_up(index, [row[at] for row in rows], z.dtype) for at in range(5))
        near = jnp.clip(z, -_FLAT, _FLAT)
        curve = shift + scale * jnp.tanh(near * (linear + cubic * near * near))
        found.append(jnp.where(times > 0, z * curve, curve))
    if len(found) == 1:
        return found[0]
    is_curved = _look_up(index, [float(name in _CURVES) for name in NAMES], z.dtype)
    return jnp.where(is_curved > 0, found[1], found[0])


def _look_up(index: Array, values: list[float], dtype: Any) -> Array:
    """The slot's own number of a table by activation."""
    return jnp.asarray(np.asarray(values), dtype)[index]
