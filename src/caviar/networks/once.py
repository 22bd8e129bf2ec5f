"""A value computed once, where the compiler would compute it again for everybody who uses it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array


def once(key: Array, function: Callable[[], Any]) -> Any:
    """What the function gives, as an array of its own in memory.

    XLA fuses what looks cheap into its users, slot by slot and pixel by pixel, and drops optimisation barriers before
    it fuses. A loop of one turn, whose number of turns it cannot know, is not fused (docs/log.md).

    Args:
        key: any key of JAX; only used to hide that the loop has one turn.
        function: without arguments; a pytree of arrays.

    >>> float(once(jax.random.key(0), lambda: jnp.float32(2.0)))
    2.0
    """
    word = jax.random.key_data(key).astype(jnp.uint32)[0]
    turns = jnp.minimum(word | np.uint32(1), np.uint32(1)).astype(jnp.int32)
    empty = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(function))
    return jax.lax.fori_loop(0, turns, lambda _, __: function(), empty)
