"""Arrays with a logarithmic scale beside them, so that products over many layers neither vanish nor overflow.

In float32 0.5¹⁵⁰ is 0 and the square of 1.5¹⁵⁰ infinite. Here an array is value · 10^log, and every few layers the
value is divided by its largest, so that it stays of moderate size while logarithms are added.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

# 10^±this is a normal float32.
LARGEST_POWER = 37.0


class Scaled(NamedTuple):
    """value · 10^log. A log that is Python's 0.0 has never been needed, and costs the program nothing."""

    value: Float[Array, "..."]
    log: Float[Array, ""] | float = 0.0

    @property
    def plain(self) -> Float[Array, "..."]:
        """The array itself, as far as the type reaches."""
        return self.value if isinstance(self.log, float) else self.value * ten_to(self.log)

    def normal(self) -> "Scaled":
        """The same with a largest magnitude of 1; zeros stay as they are.

        >>> one = Scaled(jnp.asarray([3.0, -6.0]), jnp.asarray(-80.0)).normal()
        >>> one.value.tolist(), round(float(one.log), 3)
        ([0.5, -1.0], -79.222)
        """
        largest = jnp.max(jnp.abs(self.value))
        divisor = jnp.where(largest > 0, largest, 1.0)
        return Scaled(self.value / divisor, self.log + jnp.log10(divisor))

    def plus(self, other: Float[Array, "..."]) -> "Scaled":
        """The sum with a plain array that broadcasts to this one's shape."""
        if isinstance(self.log, float):
            return Scaled(self.value + other)
        # At the larger of both scales: the smaller one may vanish beside it, as it does in the sum.
        top = jnp.maximum(self.log, jnp.log10(jnp.max(jnp.abs(other))))
        return Scaled(self.value * ten_to(self.log - top) + other * ten_to(-top), top)


def ten_to(power: Array) -> Array:
    """10^power, kept within the type: what is beyond it is named by its logarithm."""
    return jnp.power(10.0, jnp.clip(power, -LARGEST_POWER, LARGEST_POWER)).astype(power.dtype)


def choose(condition: Array | bool, one: Scaled, other: Scaled) -> Scaled:
    """Whole arrays switched by one condition."""
    if condition is True:
        return one
    log: Array | float = 0.0
    if not (isinstance(one.log, float) and isinstance(other.log, float)):
        log = jnp.where(condition, one.log, other.log)
    return Scaled(jnp.where(condition, one.value, other.value), log)
