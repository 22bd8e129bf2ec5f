"""Batch normalisation of one layer, unit-major: moments of a mini-batch, averages of them, and what they make of Z.

    μ, σ² of the mini-batch (σ² biased);  z̃ = γ (z − μ) / √(σ² + ε) + β
    v ← 0.9 v + 0.1 μ, and so for σ²; at test time v / (1 − 0.9ᵗ) after t mini-batches takes their place

Source: Ioffe and Szegedy (2015), "Batch Normalization", section 3; the pass over the whole train set is the precise
batch norm of Wu and Johnson (2021), "Rethinking 'Batch' in BatchNorm", section 3.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caviar.networks.constants import BATCH_NORM_EPSILON, BATCH_NORM_MEMORY

# After so many updates 1 − 0.9ᵗ is 1: moments that need no correction are kept under this count.
SETTLED = 1 << 20


class Averages(NamedTuple):
    """Batch norm's exponentially weighted averages by layer, uncorrected, and the number of updates they have seen."""

    means: tuple[Any, ...]  # [H] of each hidden layer, [C]
    variances: tuple[Any, ...]  # [H] of each hidden layer, [C]
    count: Any  # []


class Moments(NamedTuple):
    """Mean and biased variance of each unit of one layer over some rows."""

    mean: Any  # [H]
    variance: Any  # [H]


class Pooled(NamedTuple):
    """Moments by layer over all rows of several mini-batches so far."""

    rows: Any  # []
    means: tuple[Any, ...]  # [H]
    variances: tuple[Any, ...]  # [H]


def of_batch(z: Float[Array, "H B"], present: Float[Array, " B"] | None) -> Moments:
    """The moments of a mini-batch; rows with `present` 0 only pad it."""
    if present is None:
        present = jnp.ones(z.shape[1], z.dtype)
    rows = jnp.sum(present)
    mean = z @ present / rows
    centred = z - mean[:, None]
    return Moments(mean, (centred * centred) @ present / rows)


def of_averages(averages: Averages, layer: int) -> Moments:
    """The bias-corrected averages of a layer; before the first update the identity's moments, 0 and 1."""
    mean, variance, count = averages.means[layer], averages.variances[layer], averages.count
    seen = jnp.maximum(-jnp.expm1(count * np.log(BATCH_NORM_MEMORY)), np.finfo(np.float32).tiny).astype(mean.dtype)
    return Moments(jnp.where(count > 0, mean / seen, 0.0), jnp.where(count > 0, variance / seen, 1.0))


def normalise(z: Float[Array, "H B"], moments: Moments, gamma: Any, beta: Any) -> Float[Array, "H B"]:
    """γ (z − μ)/√(σ² + ε) + β, unit by unit."""
    normal = (z - moments.mean[:, None]) / jnp.sqrt(moments.variance[:, None] + BATCH_NORM_EPSILON)
    return gamma[:, None] * normal + beta[:, None]


def remember(averages: Averages, seen: tuple[Moments | None, ...]) -> Averages:
    """The averages after one more mini-batch; a layer without moments keeps its own."""
    fresh = 1.0 - BATCH_NORM_MEMORY
    means, variances = list(averages.means), list(averages.variances)
    for layer, moments in enumerate(seen):
        if moments is not None:
            means[layer] = BATCH_NORM_MEMORY * means[layer] + fresh * jax.lax.stop_gradient(moments.mean)
            variances[layer] = BATCH_NORM_MEMORY * variances[layer] + fresh * jax.lax.stop_gradient(moments.variance)
    return Averages(tuple(means), tuple(variances), averages.count + 1)


def pool(before: Pooled, seen: tuple[Moments | None, ...], rows: Any) -> Pooled:
    """The moments over the rows so far and those of one more mini-batch (Chan, Golub and LeVeque, 1979).

    Unlike E[z²] − E[z]², nothing cancels where a mean is large.
    """
    total = before.rows + rows
    share = rows / total
    means, variances = list(before.means), list(before.variances)
    for layer, moments in enumerate(seen):
        if moments is not None:
            apart = moments.mean - means[layer]
            means[layer] = means[layer] + apart * share
            within = variances[layer] + (moments.variance - variances[layer]) * share
            variances[layer] = within + apart * apart * (share * (1.0 - share))
    return Pooled(total, tuple(means), tuple(variances))
