"""The nonlinearities of hidden units, by name. Each maps 0 to 0 but sigmoid, which matters for padded units."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Activation = Callable[[Float[Array, "..."]], Float[Array, "..."]]

LEAKY_SLOPE = 0.01


def leaky_relu(z: Float[Array, "..."]) -> Float[Array, "..."]:
    """max(z, 0.01 z)."""
    return jnp.where(z >= 0, z, LEAKY_SLOPE * z)


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


def select(z: Float[Array, "..."], index: Array, used: tuple[str, ...]) -> Float[Array, "..."]:
    """The activation that a slot's index names, among those its program knows.

    Under `vmap` every branch is computed, so a program holds only the activations that its slots use.
    """
    chosen = ACTIVATIONS[used[0]](z)
    for name in used[1:]:
        chosen = jnp.where(index == NAMES.index(name), ACTIVATIONS[name](z), chosen)
    return chosen
