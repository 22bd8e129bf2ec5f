"""What networks are compared by, beside error and cost: computed on the device where a study chose it; lower is better.

Each function looks at the rows of one network, weighted; rows of weight 0 do not count. Names and definitions are those
of `networks.metrics`, AUC and F1 being turned round: 1 − AUC, 1 − F1.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

COMPUTED = ("balanced_error", "f1", "auc", "mae")
_FROM_OUTPUTS = ("f1", "auc")


def on_device(metric: str) -> str:
    """The metric that the program has to know of: one of those here, the cost, or else the error.

    >>> on_device("auc"), on_device("log_loss"), on_device("r2")
    ('auc', 'log_loss', 'error')
    """
    return metric if metric in (*COMPUTED, "log_loss") else "error"


def evidence(metric: str, outputs: Float[Array, "B C"], classes: Array | int | None) -> Array | None:
    """What a metric needs of each row beside its error; None where that is nothing.

    Args:
        outputs: of the network.
        classes: real number of classes; None where no column is padding.
    """
    if metric not in _FROM_OUTPUTS:
        return None
    if classes is not None:
        outputs = jnp.where(jnp.arange(outputs.shape[1])[None, :] < classes, outputs, np.finfo(outputs.dtype).min / 2)
    return jnp.argmax(outputs, axis=1) if metric == "f1" else _log_odds(outputs)


def compared(
    metric: str,
    errors: Float[Array, " N"],
    shown: Array | None,
    targets: Array,
    weights: Float[Array, " N"],
    classes: Array | int,
    *,
    outputs: int,
) -> Array:
    """The value that one network is compared by.

    Args:
        errors: of each row, as the loss gives them.
        shown: what `evidence` gave of each row.
        targets: of the rows.
        weights: of the rows; 0 where a row is not looked at.
        classes: real number of classes.
        outputs: columns of the network, padding included.
    """
    weights = weights / jnp.maximum(jnp.sum(weights), 1e-12)
    if metric == "mae":
        return jnp.sum(weights * jnp.sqrt(errors))
    of_class = weights[:, None] * (targets[:, None] == jnp.arange(outputs)[None, :])
    if metric == "balanced_error":
        total = jnp.sum(of_class, axis=0)
        shares = errors @ of_class / jnp.where(total > 0, total, 1.0)
        return jnp.sum(shares) / jnp.maximum(jnp.sum(total > 0), 1)
    assert shown is not None, metric
    return 1.0 - (_f1(shown, of_class, weights, classes) if metric == "f1" else _auc(shown, of_class, weights))


def _f1(
    predicted: Int[Array, " N"], of_class: Float[Array, "N C"], weights: Float[Array, " N"], classes: Array | int
) -> Array:
    """F1 of the second of two classes; of more, the mean over the classes that are there or predicted."""
    columns = jnp.arange(of_class.shape[1])[None, :]
    of_predicted = weights[:, None] * (predicted[:, None] == columns)
    right = jnp.sum(of_class * (predicted[:, None] == columns), axis=0)
    both = jnp.sum(of_class, axis=0) + jnp.sum(of_predicted, axis=0)
    each = 2.0 * right / jnp.where(both > 0, both, 1.0)
    mean = jnp.sum(each) / jnp.maximum(jnp.sum(both > 0), 1)
    return jnp.where(classes == 2, each[1], mean)


def _auc(log_odds: Float[Array, "N C"], of_class: Float[Array, "N C"], weights: Float[Array, " N"]) -> Array:
    """Each class against the rest, averaged over those that are there; a half where that is only one."""
    each = jax.vmap(_area, in_axes=(1, 1, None))(log_odds, of_class, weights)
    there = jnp.sum(of_class, axis=0) > 0
    mean = jnp.sum(jnp.where(there, each, 0.0)) / jnp.maximum(jnp.sum(there), 1)
    return jnp.where(jnp.sum(there) > 1, mean, 0.5)


def _area(scores: Float[Array, " N"], positive: Float[Array, " N"], weights: Float[Array, " N"]) -> Array:
    """The share of pairs of a positive and a negative row in which the positive one scores higher; ties count half.

    Args:
        scores: of the rows.
        positive: the weight of a row that is positive, 0 of another.
        weights: of all rows.
    """
    order = jnp.argsort(scores)
    scores, positive = scores[order], positive[order]
    negative = weights[order] - positive
    below = jnp.concatenate([jnp.zeros(1, weights.dtype), jnp.cumsum(negative)])
    first, last = (jnp.searchsorted(scores, scores, side=side) for side in ("left", "right"))
    pairs = jnp.sum(positive) * jnp.sum(negative)
    return jnp.sum(positive * 0.5 * (below[first] + below[last])) / jnp.where(pairs > 0, pairs, 1.0)


def _log_odds(outputs: Float[Array, "B C"]) -> Float[Array, "B C"]:
    """log p/(1−p) of each class: in the order of p, and never rounded to one value where p nears 1."""
    columns = jnp.arange(outputs.shape[1])[None, :]
    first = columns == jnp.argmax(outputs, axis=1, keepdims=True)
    largest = jnp.max(outputs, axis=1, keepdims=True)
    others = jnp.where(first, -jnp.inf, outputs)
    of_first = jax.nn.logsumexp(others, axis=1, keepdims=True)
    # Of another class the rest is 1, of the first one, and what the others add: nothing at all where there are two.
    added = jnp.where(first, 0.0, jnp.exp(outputs - largest))
    rest = jnp.maximum(jnp.sum(added, axis=1, keepdims=True) - added, 0.0)
    of_others = largest + jnp.log1p(jnp.where(first, 0.0, rest))
    return outputs - jnp.where(first, of_first, of_others)
