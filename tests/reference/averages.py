"""Exponentially weighted averages, which momentum, RMSprop, Adam and batch norm all are."""

import numpy as np


def carry(v: np.ndarray, value: np.ndarray, beta: float) -> np.ndarray:
    """v ← β v + (1 − β) value, beginning with v = 0."""
    return beta * v + (1.0 - beta) * value


def corrected(v: np.ndarray, beta: float, t: int) -> np.ndarray:
    """v / (1 − βᵗ): the average without its pull towards the 0 it began with. Made on reading; v itself is carried."""
    return v / (1.0 - beta**t)
