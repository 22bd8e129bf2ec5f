"""The learning rate at update t (from 1) of a trial; its epoch counts from 0.

By name as `decay` in a configuration: constant, inverse_time, exponential, sqrt_epoch, sqrt_step, staircase, cosine.
"""

import math
from collections.abc import Mapping
from typing import Any


def decayed(c: Mapping[str, Any], epoch: int, t: int, total: int) -> float:
    """α(t) / α₀ by the kind of decay.

    Args:
        c: "decay" and the numbers that it reads: "decay_rate", "decay_base", "decay_steps".
        total: updates that the cosine is stretched over; at its end it stays at 0.
    """
    match c["decay"]:
        case "constant":
            return 1.0
        case "inverse_time":
            return 1.0 / (1.0 + c["decay_rate"] * epoch)
        case "exponential":
            return float(c["decay_base"] ** epoch)
        case "sqrt_epoch":
            return 1.0 / math.sqrt(epoch + 1)
        case "sqrt_step":
            return 1.0 / math.sqrt(t)
        case "staircase":
            return float(c["decay_base"] ** (epoch // c["decay_steps"]))
        case "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * min(t - 1, total) / total))
    raise ValueError(f"there is no decay '{c['decay']}'")


def learning_rate(c: Mapping[str, Any], t: int, updates: int, horizon: int) -> float:
    """α(t): α₀, decayed, and in a warm-up risen from nothing.

    Args:
        c: "learning_rate" α₀, "warmup" in epochs, and what `decayed` reads.
        t: the trial's own update, from 1.
        updates: updates of an epoch.
        horizon: epochs that the cosine is stretched over.

    >>> c = {"learning_rate": 0.2, "decay": "inverse_time", "decay_rate": 1.0, "warmup": 0.0}
    >>> [round(learning_rate(c, t, updates=1, horizon=5), 4) for t in (1, 2, 3, 4, 5)]
    [0.2, 0.1, 0.0667, 0.05, 0.04]
    """
    rate = c["learning_rate"] * decayed(c, (t - 1) // updates, t, horizon * updates)
    if c["warmup"] > 0:
        rate *= min(1.0, t / (c["warmup"] * updates))
    return float(rate)
