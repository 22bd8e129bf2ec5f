"""What one row costs: softmax, logistic and squared loss, stable for any input.

Each loss maps a network's outputs [B, C] and targets [B] to a cost and an error per row. The error is 0 or 1 for
classes, the squared residual for numbers.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

RowLoss = Callable[..., tuple[Float[Array, " B"], Float[Array, " B"]]]


def softmax(
    outputs: Float[Array, "B C"], targets: Array, *, smoothing: Array | float, classes: Array | int
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """−Σ y log softmax(z); label smoothing spreads a share s over all classes: y ← (1−s) y + s/C.

    Args:
        outputs: logits; columns from `classes` on are padding.
        targets: class indices.
        smoothing: s, traced.
        classes: real number of classes.
    """
    real = jnp.arange(outputs.shape[1]) < classes
    logits = jnp.where(real, outputs, -jnp.inf)
    largest = jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True))
    shifted = outputs - largest
    log_sum = jnp.log(jnp.sum(jnp.where(real, jnp.exp(jnp.where(real, shifted, 0.0)), 0.0), axis=1))
    hit = jnp.arange(outputs.shape[1]) == targets[:, None]
    picked = jnp.sum(jnp.where(hit, shifted, 0.0), axis=1)
    spread = jnp.sum(jnp.where(real, shifted, 0.0), axis=1) / classes
    cost = log_sum - (1.0 - smoothing) * picked - smoothing * spread
    # A row is right only if its class alone has the largest logit up to it; NaN is never right.
    best = jnp.argmax(logits, axis=1)
    wrong = jnp.where(jnp.isfinite(cost), best != targets, True).astype(outputs.dtype)
    return cost, wrong


def logistic(
    outputs: Float[Array, "B C"], targets: Array, *, smoothing: Array | float, classes: Array | int
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """−y log σ(z) − (1−y) log(1−σ(z)) with one output; classes 0 and 1."""
    logit = outputs[:, 0]
    truth = (1.0 - smoothing) * targets + 0.5 * smoothing
    cost = jax.nn.softplus(logit) - truth * logit
    wrong = jnp.where(jnp.isfinite(cost), (logit > 0) != (targets > 0), True).astype(outputs.dtype)
    return cost, wrong


def squared(
    outputs: Float[Array, "B C"], targets: Array, *, smoothing: Array | float, classes: Array | int
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """½ (ŷ − y)² on the standardised target; the error is (ŷ − y)²."""
    residual = outputs[:, 0] - targets
    return 0.5 * residual**2, residual**2


LOSSES: dict[str, RowLoss] = {"softmax": softmax, "logistic": logistic, "squared": squared}
