"""First weights, drawn on the host at the network's exact shape with its real fan-in, keyed by (seed, layer).

Drawing on the host at the exact shape makes the weights of a trial independent of the cohort it trains in.
"""

import itertools
from collections.abc import Callable

import numpy as np
from jaxtyping import Float

# Variance of a layer's weights from its fan-in and fan-out.
VARIANCES: dict[str, Callable[[int, int], float]] = {
    "he": lambda fan_in, fan_out: 2.0 / fan_in,  # He et al. (2015), for ReLU
    "lecun": lambda fan_in, fan_out: 1.0 / fan_in,  # LeCun et al. (1998), for tanh
    "glorot": lambda fan_in, fan_out: 2.0 / (fan_in + fan_out),  # Glorot and Bengio (2010): the sum, not the product
    "zeros": lambda fan_in, fan_out: 0.0,  # only to show that symmetry is not broken
}


def draw(kind: str, scale: float, widths: tuple[int, ...], seed: int) -> list[Float[np.ndarray, "n m"]]:
    """Normal weights of every layer, float64, each [fan-in, fan-out].

    Args:
        kind: a key of VARIANCES.
        scale: multiplier of the standard deviation.
        widths: sizes of all layers from input to output, exact.
        seed: of the trial.

    >>> [w.shape for w in draw("he", 1.0, (4, 3, 2), seed=0)]
    [(4, 3), (3, 2)]
    """
    layers = []
    for layer, (fan_in, fan_out) in enumerate(itertools.pairwise(widths)):
        deviation = scale * np.sqrt(VARIANCES[kind](fan_in, fan_out))
        generator = np.random.Generator(np.random.Philox(key=[seed, layer]))
        layers.append(deviation * generator.standard_normal((fan_in, fan_out)))
    return layers
