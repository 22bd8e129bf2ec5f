"""What a set of predictions is worth, in NumPy: reading a study never loads JAX."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float

Scores = Float[np.ndarray, "n C"]


def error(targets: np.ndarray, scores: Scores, weights: np.ndarray) -> float:
    """The misclassified share."""
    return float(np.average(scores.argmax(axis=1) != targets, weights=weights))


def log_loss(targets: np.ndarray, scores: Scores, weights: np.ndarray) -> float:
    """Mean of −log of the probability given to the right class."""
    right = np.clip(scores[np.arange(len(targets)), targets], 1e-15, 1.0)
    return float(np.average(-np.log(right), weights=weights))


def balanced_error(targets: np.ndarray, scores: Scores, weights: np.ndarray) -> float:
    """Mean over the classes present of the share of each that is misclassified."""
    wrong = scores.argmax(axis=1) != targets
    shares = [np.average(wrong[targets == c], weights=weights[targets == c]) for c in np.unique(targets)]
    return float(np.mean(shares))


def f1(targets: np.ndarray, scores: Scores, weights: np.ndarray) -> float:
    """2·precision·recall/(precision + recall) of the second of two classes, or the mean over more classes."""
    from sklearn.metrics import f1_score

    average = "binary" if scores.shape[1] == 2 else "macro"
    return float(f1_score(targets, scores.argmax(axis=1), average=average, sample_weight=weights, zero_division=0))


def auc(targets: np.ndarray, scores: Scores, weights: np.ndarray) -> float:
    """Area under the ROC curve, one against the rest and averaged for more than two classes; NaN with one class."""
    from sklearn.metrics import roc_auc_score

    if len(np.unique(targets)) < 2:
        return float("nan")
    if scores.shape[1] == 2:
        return float(roc_auc_score(targets, scores[:, 1], sample_weight=weights))
    present = np.unique(targets)
    each = [roc_auc_score(targets == c, scores[:, c], sample_weight=weights) for c in present]
    return float(np.mean(each))


def rmse(targets: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> float:
    """Root of the mean squared error, in the target's units."""
    return float(np.sqrt(np.average((predictions - targets) ** 2, weights=weights)))


def mae(targets: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> float:
    """Mean absolute error, in the target's units."""
    return float(np.average(np.abs(predictions - targets), weights=weights))


def r2(targets: np.ndarray, predictions: np.ndarray, weights: np.ndarray) -> float:
    """Share of the variance that is explained; NaN where the targets do not vary."""
    mean = np.average(targets, weights=weights)
    spread = np.average((targets - mean) ** 2, weights=weights)
    return (
        float(1.0 - np.average((predictions - targets) ** 2, weights=weights) / spread) if spread > 0 else float("nan")
    )


METRICS: dict[str, dict[str, Callable[[Any, Any, Any], float]]] = {
    "classification": {
        "error": error,
        "log_loss": log_loss,
        "balanced_error": balanced_error,
        "f1": f1,
        "auc": auc,
    },
    "regression": {"rmse": rmse, "mae": mae, "r2": r2},
}
