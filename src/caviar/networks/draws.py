"""Uniform numbers for dropout: a hash of (stream, tick, layer, unit, row), so that any of them can be made alone.

A mask is asked to be fair and unpredictable, not cryptographic; JAX's threefry at 9 ns a number took a tenth of a
training step with sixteen slots to share it and half of one with four. This hash takes under 1 ns (docs/log.md).
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

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
    words = jax.random.key_data(key).astype(jnp.uint32)

    def hashed(_: Array, __: Array) -> Array:
        counter = jax.lax.broadcasted_iota(jnp.uint32, (units, rows), 0) * np.uint32(rows)
        counter = counter + jax.lax.broadcasted_iota(jnp.uint32, (units, rows), 1)
        x = counter ^ (words[0] + np.uint32(_GOLDEN * (layer + 1) % (1 << 32)))
        for shift, factor in ((17, 0xED5AD4BB), (11, 0xAC4C1B51), (15, 0x31848BAB)):
            x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
        x = (x ^ (x >> np.uint32(14))) ^ words[1]
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
            x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
        x = x ^ (x >> np.uint32(16))
        return (x >> np.uint32(8)).astype(jnp.float32) * np.float32(2.0**-24)

    # A loop of one turn, whose number of turns the compiler cannot know: fused into what uses it, the hash would be
    # computed again for every slot, forward and backward (XLA drops optimisation barriers before it fuses).
    once = jnp.minimum(words[0] | np.uint32(1), np.uint32(1)).astype(jnp.int32)
    return jax.lax.fori_loop(0, once, hashed, jnp.zeros((units, rows), jnp.float32))


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
