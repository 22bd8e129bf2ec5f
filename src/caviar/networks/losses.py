"""What one row costs: softmax, logistic and squared loss, stable for any input.

Each loss maps a network's outputs [B, C] and targets [B] to a cost and an error per row. The error is 0 or 1 for
classes, the squared residual for numbers.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

RowLoss = Callable[..., tuple[Float[Array, " B"], Float[Array, " B"]]]


def softmax(
    outputs: Float[Array, "B C"], targets: Array, *, smoothing: Array | float, classes: Array | int | None
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """−Σ y log softmax(z); label smoothing spreads a share s over all classes: y ← (1−s) y + s/C.

    Args:
        outputs: logits; columns from `classes` on are padding.
        targets: class indices.
        smoothing: s, traced; a Python 0.0 where no slot smooths.
        classes: real number of classes; None where no column is padding.
    """
    columns = jnp.arange(outputs.shape[1])[None, :]
    if classes is not None:
        # Far below any logit, yet finite: its exponential is 0 and so is its gradient.
        outputs = jnp.where(columns < classes, outputs, np.finfo(outputs.dtype).min / 2)
    largest = jax.lax.stop_gradient(jnp.max(outputs, axis=1, keepdims=True))
    shifted = outputs - largest
    picked = jnp.sum(jnp.where(columns == targets[:, None], shifted, 0.0), axis=1)
    cost = jnp.log(jnp.sum(jnp.exp(shifted), axis=1))
    if isinstance(smoothing, float) and smoothing == 0.0:
        cost = cost - picked
    else:
        real = shifted if classes is None else jnp.where(columns < classes, shifted, 0.0)
        count = outputs.shape[1] if classes is None else classes
        cost = cost - (1.0 - smoothing) * picked - smoothing * jnp.sum(real, axis=1) / count
    # Of equal largest logits the first counts; NaN is never right.
    best = jnp.min(jnp.where(outputs >= largest, columns, outputs.shape[1]), axis=1)  # argmax takes longer to compile
    wrong = jnp.where(jnp.isfinite(cost), best != targets, True).astype(outputs.dtype)
    return cost, wrong


def logistic(
    outputs: Float[Array, "B C"], targets: Array, *, smoothing: Array | float, classes: Array | int | None
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """−y log σ(z) − (1−y) log(1−σ(z)) with one output; classes 0 and 1."""
    logit = outputs[:, 0]
    truth = (1.0 - smoothing) * targets + 0.5 * smoothing
    cost = jax.nn.softplus(logit) - truth * logit
    wrong = jnp.where(jnp.isfinite(cost), (logit > 0) != (targets > 0), True).astype(outputs.dtype)
    return cost, wrong


def squared(
    outputs: Float[Array, "B C"], targets: Array, *, smoothing: Array | float, classes: Array | int | None
) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
    """½ (ŷ − y)² on the standardised target; the error is (ŷ − y)²."""
    residual = outputs[:, 0] - targets
    return 0.5 * residual**2, residual**2


LOSSES: dict[str, RowLoss] = {"softmax": softmax, "logistic": logistic, "squared": squared}
