"""What a network was shown: some train rows as the engine's own augmentation changes them, update by update."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from caviar.networks.draws import tick_keys
from caviar.training.augmentation import Scaling, augmentation_of, augmented, strengths_of
from caviar.training.batches import Version
from caviar.training.mixing import partners, shares


def shown(
    version: Version,
    rows: np.ndarray,
    configuration: Mapping[str, Any],
    image_shape: tuple[int, int, int] | None,
    *,
    seed: int = 0,
    times: int = 4,
) -> np.ndarray:
    """Some rows as one mini-batch that comes again and again.

    Args:
        version: the encoded data.
        rows: positions in it, [n].
        configuration: complete.
        image_shape: height, width and channels; None for tables.
        seed: of the draws.
        times: how many updates.

    Returns:
        float32 [times, n, D]: pixels from 0 to 255 (noise and the mean of a cut-out among them), or inputs of a table.
    """
    kinds = augmentation_of(configuration, image_shape)
    chosen = jnp.asarray(version.inputs[rows])
    columns = chosen.shape[1]
    scale = np.ones(columns) if version.scale is None else version.scale
    shift = np.zeros(columns) if version.shift is None else version.shift
    spread = np.ones(columns) if version.spread is None else version.spread
    scaling = Scaling(*(jnp.asarray(part, jnp.float32) for part in (shift, scale, spread)))
    strengths = jnp.asarray([strengths_of(configuration)], jnp.float32)
    keys = tick_keys(seed, 0, np.arange(times))
    kept = shares(float(configuration["mixup"]), keys)
    one = jax.jit(augmented, static_argnums=5)
    found = []
    for words, share in zip(keys, kept, strict=True):
        key = jax.random.wrap_key_data(jnp.asarray(words))
        pairs = partners(key, jnp.int32(len(rows)), len(rows))
        mixture = (jnp.asarray([share], jnp.float32), pairs) if kinds.mixup else None
        inputs = np.asarray(one(chosen, strengths, mixture, scaling, key, kinds)[0])
        found.append(inputs if image_shape is None else np.clip(inputs / scale + shift, 0, 255))
    return np.stack(found).astype(np.float32)
