"""How the learning rate falls: one row per update, made on the host in float64.

A schedule is data for the program, so a new kind needs no new program, and a person may write one by hand. Adam's bias
corrections are made here too, since β² near 1 loses them in float32: 1 − βᵗ = −expm1(t · log β).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

Rates = Float[np.ndarray, " U"]


def _constant(p: Mapping[str, Any], epoch: Rates, t: Rates, updates: int | float) -> Rates:
    return np.ones_like(epoch)


def _inverse_time(p: Mapping[str, Any], epoch: Rates, t: Rates, updates: int | float) -> Rates:
    return 1.0 / (1.0 + p["decay_rate"] * epoch)


def _exponential(p: Mapping[str, Any], epoch: Rates, t: Rates, updates: int | float) -> Rates:
    return np.power(float(p["decay_base"]), epoch)


def _sqrt_epoch(p: Mapping[str, Any], epoch: Rates, t: Rates, updates: int | float) -> Rates:
    return 1.0 / np.sqrt(epoch + 1.0)


def _sqrt_step(p: Mapping[str, Any], epoch: Rates, t: Rates, updates: int | float) -> Rates:
    return 1.0 / np.sqrt(t)


def _staircase(p: Mapping[str, Any], epoch: Rates, t: Rates, updates: int | float) -> Rates:
    return np.power(float(p["decay_base"]), epoch // p["decay_steps"])


def _cosine(p: Mapping[str, Any], epoch: Rates, t: Rates, updates: int | float) -> Rates:
    whole = max(1, p["horizon"] * updates)
    return 0.5 * (1.0 + np.cos(np.pi * np.minimum(t - 1.0, whole) / whole))


# α(t) / α₀ by the name of the decay. `epoch` counts from 0, the trial's own update `t` from 1.
DECAYS: dict[str, Callable[[Mapping[str, Any], Rates, Rates, int | float], Rates]] = {
    "constant": _constant,
    "inverse_time": _inverse_time,
    "exponential": _exponential,
    "sqrt_epoch": _sqrt_epoch,
    "sqrt_step": _sqrt_step,
    "staircase": _staircase,
    "cosine": _cosine,
}


def learning_rates(configuration: Mapping[str, Any], t: Int[np.ndarray, " U"], updates: int | float) -> Rates:
    """The learning rate at each of the trial's own updates.

    Args:
        configuration: "learning_rate", "decay" and its numbers, "warmup" (epochs), "horizon" (epochs, for cosine).
        t: own update counts, from 1.
        updates: updates of an epoch.

    Returns:
        α(t), float64.

    >>> p = {"learning_rate": 0.2, "decay": "inverse_time", "decay_rate": 1.0, "warmup": 0}
    >>> learning_rates(p, np.array([1, 2, 3, 4, 5]), updates=1).round(4).tolist()
    [0.2, 0.1, 0.0667, 0.05, 0.04]
    """
    own = t.astype(np.float64)
    epoch = (t - 1) // updates
    rates = configuration["learning_rate"] * DECAYS[configuration["decay"]](
        configuration, epoch.astype(np.float64), own, updates
    )
    warm = float(configuration.get("warmup") or 0.0) * updates
    if warm > 0:
        rates = rates * np.minimum(1.0, own / warm)
    return rates


def bias_corrections(one_minus_beta: float, t: Int[np.ndarray, " U"]) -> Rates:
    """1 / (1 − βᵗ), from 1 − β itself so that nothing is lost near 1; 1 where β is 0."""
    if one_minus_beta >= 1.0:
        return np.ones(t.shape)
    return -1.0 / np.expm1(t * np.log1p(-one_minus_beta))
