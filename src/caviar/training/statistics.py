"""What batch norm is measured with: the averages kept in training, or the moments of the whole train set."""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caviar.networks.constants import BATCH_NORM_MEMORY
from caviar.networks.normalisation import SETTLED, Averages, Pooled, pool
from caviar.training.features import Features
from caviar.training.step import Batch, TrainState


def measuring_averages(
    train: TrainState,
    values: Mapping[str, Array],
    batch_of: Callable[[Array], Batch],
    updates: Array,
    features: Features,
) -> Averages | None:
    """Each slot's averages for test mode; training itself goes on with its own.

    The pass sees every train row once, in the mini-batches of the epoch, without dropout: lower layers are normalised
    by their mini-batch, as in training, and the moments of each layer are taken over all rows.

    Args:
        train: of all slots, [G, …].
        values: of all slots, [G, …].
        batch_of: the mini-batch of a number below `updates`.
        features: a program whose slots all use averages, or no batch norm, returns what it has.
    """
    averages: Averages | None = train.averages
    if averages is None or not getattr(features.network, "train_set_statistics", False):
        return averages
    moments = jax.vmap(features.network.moments, in_axes=(0, None, 0, None))
    pooling = jax.vmap(pool, in_axes=(0, 0, None))

    def add(index: Array, pooled: Pooled) -> Pooled:
        batch = batch_of(index)
        found = moments(train.parameters, batch.inputs, values, batch.present)
        return pooling(pooled, found, jnp.sum(batch.present))

    none = jax.tree.map(jnp.zeros_like, (averages.means, averages.variances))
    pooled = jax.lax.fori_loop(0, updates, add, Pooled(jnp.zeros(averages.count.shape, none[0][0].dtype), *none))
    assert -np.expm1(SETTLED * np.log(BATCH_NORM_MEMORY)) == 1.0, "moments kept under this count need no correction"
    whole = Averages(pooled.means, pooled.variances, jnp.full_like(averages.count, SETTLED))
    chosen = values["batch_norm_train_set"]

    def choose(new: Array, old: Array) -> Array:
        return jnp.where(chosen.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    return jax.tree.map(choose, whole, averages)
