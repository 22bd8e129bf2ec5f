"""Arrays with a logarithmic scale beside them, so that products over many layers neither vanish nor overflow.

In float32 0.5¹⁵⁰ is 0 and the square of 1.5¹⁵⁰ infinite. Here an array is value · 10^log, and every few layers the
value is divided by its largest, so that it stays of moderate size while logarithms are added.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
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
        """The same with a largest magnitude from 1 to 2; zeros stay as they are.

        >>> one = Scaled(jnp.asarray([3.0, -6.0]), jnp.asarray(-80.0)).normal()
        >>> one.value.tolist(), round(float(one.log), 3)
        ([0.75, -1.5], -79.398)
        """
        divisor, log = power_of_two(jnp.max(jnp.abs(self.value)))
        return Scaled(self.value / divisor, self.log + log)

    def plus(self, other: Float[Array, "..."]) -> "Scaled":
        """The sum with a plain array that broadcasts to this one's shape."""
        if isinstance(self.log, float):
            return Scaled(self.value + other)
        # At the larger of both scales: the smaller one may vanish beside it, as it does in the sum.
        top = jnp.maximum(self.log, jnp.log10(jnp.max(jnp.abs(other))))
        return Scaled(self.value * ten_to(self.log - top) + other * ten_to(-top), top)


def power_of_two(size: Float[Array, ""]) -> tuple[Array, Array]:
    """The largest power of two within a size (1 for 0), and its log₁₀: the exponent's bits, without a logarithm.

    >>> power, log = power_of_two(jnp.asarray(6.0))
    >>> float(power), round(float(log), 3)
    (4.0, 0.602)
    """
    limits = np.finfo(size.dtype)
    integer = np.dtype(f"int{limits.bits}")
    exponent = jax.lax.bitcast_convert_type(size, integer) >> limits.nmant
    exponent = jnp.where(exponent > 0, exponent, limits.maxexp - 1)
    power = jax.lax.bitcast_convert_type(exponent << limits.nmant, size.dtype)
    return power, (exponent - (limits.maxexp - 1)).astype(size.dtype) * math.log10(2.0)


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
