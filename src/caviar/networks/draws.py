"""Random numbers for dropout and augmentation: a hash of (stream, tick, layer, unit, row), any of them made alone.

A mask is asked to be fair and unpredictable, not cryptographic; JAX's threefry at 9 ns a number took a tenth of a
training step with sixteen slots to share it and half of one with four. This hash takes under 1 ns (docs/log.md).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caviar.networks.once import once

_GOLDEN = 0x9E3779B9


def uniforms(key: Array, layer: int, units: int, rows: int) -> Float[Array, "H B"]:
    """Numbers in [0, 1) with 24 bits, unit-major: more units change none of the draws before them.

    The counter unit·rows + row is hashed with the key's first word and the layer by Wellons' triple32, then with the
    second word by his lowbias32, two bijections of 32 bits found by search for the least bias.

    Args:
        key: a key of JAX, one for each update of a stream.
        layer: number of the layer.
        units, rows: H and B.

    Source: C. Wellons, "Prospecting for Hash Functions" (2018), github.com/skeeto/hash-prospector.

    >>> one, more = (uniforms(jax.random.key(0), 1, units, 3) for units in (2, 5))
    >>> bool((one == more[:2]).all())
    True
    """
    return _drawn(key, layer, (units, rows), lambda bits: bits.astype(jnp.float32) * np.float32(2.0**-24))


def normals(key: Array, layer: int, units: int, rows: int) -> Float[Array, "H B"]:
    """Standard normal numbers: √2·erf⁻¹(2u − 1) of the hash behind `uniforms`, u in the middle of its 2²⁴ steps.

    Args:
        key, layer, units, rows: as for `uniforms`.
    """

    def normal(bits: Array) -> Array:
        # 2·bits + 1 is exact below 2²⁴ only in whole numbers; the difference to 2²⁴ is exact in single precision.
        centred = (2 * bits.astype(jnp.int32) + 1 - (1 << 24)).astype(jnp.float32)
        return np.float32(np.sqrt(2.0)) * jax.lax.erf_inv(centred * np.float32(2.0**-24))

    return _drawn(key, layer, (units, rows), normal)


def _drawn(key: Array, layer: int, shape: tuple[int, int], number: Callable[[Array], Array]) -> Any:
    """What `number` makes of 24 random bits for each unit and row, made once for all slots."""
    words = jax.random.key_data(key).astype(jnp.uint32)

    def hashed() -> Array:
        counter = jax.lax.broadcasted_iota(jnp.uint32, shape, 0) * np.uint32(shape[1])
        counter = counter + jax.lax.broadcasted_iota(jnp.uint32, shape, 1)
        x = counter ^ (words[0] + np.uint32(_GOLDEN * (layer + 1) % (1 << 32)))
        for shift, factor in ((17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB)):
            x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
        x = (x ^ (x >> np.uint32(14))) ^ words[1]
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
        x = x ^ (x >> np.uint32(16))
        return number(x >> np.uint32(8))

    return once(key, hashed)


def tick_keys(seed: int, number: int, ticks: np.ndarray) -> np.ndarray:
    """The key words of a stream's updates, made on the host.

    Args:
        seed, number: of the stream.
        ticks: the stream's update counts from 0, any shape.

    Returns:
        uint32 [..., 2]: SplitMix64 of the tick from a start that seed and number give (Steele, Lea and Flood, 2014).
    """
    start = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]
    with np.errstate(over="ignore"):
        z = start + (ticks.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return np.stack([z >> np.uint64(32), z & np.uint64(0xFFFFFFFF)], axis=-1).astype(np.uint32)
