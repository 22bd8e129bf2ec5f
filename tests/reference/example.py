"""A small network and seven rows, to try formulas on."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from reference.network import Arrays, Network
from reference.train import PLAIN, Data, first_network

ROWS = 7


def example(hidden: tuple[int, ...], loss: str = "softmax", **changes: object) -> tuple[Network, Data]:
    """A small network with every parameter away from its first value, and seven rows to learn."""
    generator = np.random.default_rng(3)
    outputs = 3 if loss == "softmax" else 1
    widths = (4, *hidden, outputs)
    weights = [generator.normal(size=shape) / np.sqrt(shape[0]) for shape in pairwise(widths)]
    network = first_network(weights, PLAIN | changes, loss)
    moved = {name: p + 0.1 * generator.normal(size=p.shape) for name, p in network.parameters.items()}
    numbers = loss == "squared"
    targets = generator.normal(size=ROWS) if numbers else generator.integers(0, max(outputs, 2), ROWS)
    data = Data(generator.normal(size=(ROWS, 4)), targets, ROWS, generator.uniform(0.5, 2.0, ROWS))
    return replace(network, parameters=moved), data


def distance(one: Arrays, other: Arrays) -> float:
    """‖a − b‖ / (‖a‖ + ‖b‖) over all parameters."""
    a, b = (np.concatenate([side[name].ravel() for name in sorted(side)]) for side in (one, other))
    return float(np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b)))
