"""What one row costs, L, and dL/dZ of the last layer. Rows are independent here; their mean is taken elsewhere."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from reference.activations import sigmoid


class Loss(NamedTuple):
    """(Z [B, C], targets [B], label smoothing s) -> L [B], and -> dL/dZ [B, C]."""

    value: Callable[[np.ndarray, np.ndarray, float], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def log_softmax(z: np.ndarray) -> np.ndarray:
    """z − log Σ e^z, with the largest z taken off first so that nothing overflows."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def smooth_labels(targets: np.ndarray, classes: int, s: float) -> np.ndarray:
    """One-hot labels with a share s spread over all classes: y ← (1 − s) y + s / C."""
    return (1.0 - s) * np.eye(classes)[targets] + s / classes


def softmax_cost(z: np.ndarray, targets: np.ndarray, s: float) -> np.ndarray:
    """L = −Σ y log ŷ."""
    return -(smooth_labels(targets, z.shape[1], s) * log_softmax(z)).sum(axis=1)


def softmax_slope(z: np.ndarray, targets: np.ndarray, s: float) -> np.ndarray:
    """dL/dZ = A − Y."""
    return np.exp(log_softmax(z)) - smooth_labels(targets, z.shape[1], s)


def logistic_cost(z: np.ndarray, targets: np.ndarray, s: float) -> np.ndarray:
    """L = −y log σ(z) − (1 − y) log(1 − σ(z)) = log(1 + e^z) − y z, with one output for the classes 0 and 1."""
    y = (1.0 - s) * targets + s / 2
    return np.logaddexp(0.0, z[:, 0]) - y * z[:, 0]


def logistic_slope(z: np.ndarray, targets: np.ndarray, s: float) -> np.ndarray:
    """dL/dZ = a − y."""
    y = (1.0 - s) * targets + s / 2
    return (sigmoid(z[:, 0]) - y)[:, None]


def squared_cost(z: np.ndarray, targets: np.ndarray, s: float) -> np.ndarray:
    """L = ½ (ŷ − y)² on the standardised target."""
    return 0.5 * (z[:, 0] - targets) ** 2


def squared_slope(z: np.ndarray, targets: np.ndarray, s: float) -> np.ndarray:
    """dL/dZ = ŷ − y."""
    return (z[:, 0] - targets)[:, None]


def errors(loss: str, z: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """[B] 1 where the class is missed, of equal largest outputs the first; the squared residual of a number."""
    if loss == "squared":
        return (z[:, 0] - targets) ** 2
    classes = z[:, 0] > 0 if loss == "logistic" else z.argmax(axis=1)
    return (classes != targets).astype(float)


LOSSES: dict[str, Loss] = {
    "softmax": Loss(softmax_cost, softmax_slope),
    "logistic": Loss(logistic_cost, logistic_slope),
    "squared": Loss(squared_cost, squared_slope),
}
