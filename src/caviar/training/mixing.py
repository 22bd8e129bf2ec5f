"""Mixup: each example is trained as a mixture with another of its mini-batch, inputs and labels alike.

The share λ ~ Beta(a, a) is one number an update and slot, made on the host in float64 from the update's key, so that
slots of one stream draw the same quantile of their own distribution. The partners are the batch moved on by a random
number of rows: rows are shuffled at each epoch, so that any pairing is as random as another.

Source: Zhang, Cissé, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization" (2018).
"""

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt

from caviar.networks.draws import uniforms
from caviar.training.augmentation import PARTNER
from caviar.training.values import Assignment


def shares(strength: float, keys: UInt[np.ndarray, "*U 2"]) -> Float[np.ndarray, "*U"]:
    """λ of each update: the quantile of Beta(a, a) at a number that the update's key gives; 1 where a is 0.

    Args:
        strength: a.
        keys: what `networks.draws.tick_keys` gave.

    >>> shares(0.0, np.zeros((2, 2), np.uint32)).tolist()
    [1.0, 1.0]
    """
    if strength <= 0:
        return np.ones(keys.shape[:-1])
    from scipy.special import betaincinv  # a third of a second that only mixup pays

    z = keys[..., 0].astype(np.uint64) << np.uint64(32) | keys[..., 1].astype(np.uint64)
    with np.errstate(over="ignore"):
        z = (z + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(32))) * np.uint64(0xAEF17502108EF2D9)
        z = z ^ (z >> np.uint64(29))
    even = ((z >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return np.asarray(betaincinv(strength, strength, even))


def with_shares(
    table: Float[np.ndarray, "K E U 3"], slots: Sequence[Assignment | None], keys: UInt[np.ndarray, "G E U 2"]
) -> Float[np.ndarray, "K E U 4"]:
    """A segment's schedule with one more column: the share that each slot's rows keep of themselves.

    Args:
        table: what `values.rates` gave.
        slots: K assignments, in groups of equal length.
        keys: of each group's updates.
    """
    found = np.ones((*table.shape[:-1], 4))
    found[..., :3] = table
    made: dict[tuple[int, float], np.ndarray] = {}
    for slot, assignment in enumerate(slots):
        group = slot // (len(slots) // len(keys))
        strength = 0.0 if assignment is None else float(assignment.configuration["mixup"])
        if (group, strength) not in made:
            made[group, strength] = shares(strength, keys[group])
        found[slot, ..., 3] = made[group, strength]
    return found


def partners(key: Array, rows: Int[Array, ""], batch: int) -> Int[Array, " B"]:
    """For each of a batch's rows the row that it is mixed with: another one, where there are several.

    Args:
        key: of the update.
        rows: real rows n of the batch; the others only pad it.
        batch: B.
    """
    even = uniforms(key, PARTNER, 1, 1)[0, 0]
    on = 1 + jnp.minimum(jnp.floor(even * (rows - 1)).astype(jnp.int32), jnp.maximum(rows - 2, 0))
    return (jnp.arange(batch) + on) % jnp.maximum(rows, 1)
