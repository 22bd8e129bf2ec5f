"""The nonlinearities a = g(z) and their derivatives g'(z), unit by unit.

At a kink no derivative exists: at exactly 0 ReLU takes 0 and leaky ReLU its slope, as PyTorch does.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Elementwise = Callable[[np.ndarray], np.ndarray]

LEAKY_SLOPE = 0.01
SQRT_2_OVER_PI = np.sqrt(2.0 / np.pi)


class Activation(NamedTuple):
    """A nonlinearity and its derivative."""

    value: Elementwise
    slope: Elementwise


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + e^−z), written with tanh so that no exponential overflows."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))


def sigmoid_slope(z: np.ndarray) -> np.ndarray:
    """σ(z) (1 − σ(z))."""
    return sigmoid(z) * (1.0 - sigmoid(z))


def silu_slope(z: np.ndarray) -> np.ndarray:
    """d/dz [z σ(z)] = σ(z) + z σ'(z)."""
    return sigmoid(z) + z * sigmoid_slope(z)


def gelu(z: np.ndarray) -> np.ndarray:
    """½ z (1 + tanh(√(2/π) (z + 0.044715 z³))): Hendrycks and Gimpel (2016), the tanh form."""
    return 0.5 * z * (1.0 + np.tanh(SQRT_2_OVER_PI * (z + 0.044715 * z**3)))


def gelu_slope(z: np.ndarray) -> np.ndarray:
    """The product rule: ½ (1 + tanh u) + ½ z (1 − tanh² u) u'."""
    tanh = np.tanh(SQRT_2_OVER_PI * (z + 0.044715 * z**3))
    inner = SQRT_2_OVER_PI * (1.0 + 3 * 0.044715 * z**2)
    return 0.5 * (1.0 + tanh) + 0.5 * z * (1.0 - tanh**2) * inner


ACTIVATIONS: dict[str, Activation] = {
    "relu": Activation(lambda z: np.maximum(z, 0.0), lambda z: np.where(z > 0, 1.0, 0.0)),
    "leaky_relu": Activation(
        lambda z: np.where(z > 0, z, LEAKY_SLOPE * z), lambda z: np.where(z > 0, 1.0, LEAKY_SLOPE)
    ),
    "tanh": Activation(np.tanh, lambda z: 1.0 - np.tanh(z) ** 2),
    "sigmoid": Activation(sigmoid, sigmoid_slope),
    "silu": Activation(lambda z: z * sigmoid(z), silu_slope),
    "gelu": Activation(gelu, gelu_slope),
    "identity": Activation(lambda z: z, np.ones_like),
}
