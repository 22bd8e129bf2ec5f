"""Batch gradient descent at a small enough learning rate lowers the cost at every step, or something is wrong."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from caviar.training.one_network import OneNetwork

# A rise of less than this part of the cost is rounding.
ROUNDING = 1e-12
# Where the cost rises, the rate is quartered at least so many times, to 1e-6 of what it was, and on until it is below
# 1e-6 itself: a rate far too large shows nothing of the gradient.
QUARTERINGS = 10
SMALL_RATE = 1e-6

Path = Callable[[float], Float[np.ndarray, " T"]]


@dataclass(frozen=True)
class Rise:
    """A step after which the cost was higher.

    Args:
        step: counts from 1.
        before, after: the cost.
    """

    step: int
    before: float
    after: float


@dataclass(frozen=True)
class DescentCheck:
    """Whether gradient descent lowered the cost at every step.

    Args:
        learning_rate: α, the same at each step.
        costs: J before the first step and after each, penalties included.
        first_rise: the first step that did not lower it, or None.
        small_enough: where it rose, the largest of α/4, α/16 … at which it fell at every step; None where none did.
        rows: of the batch.
        of_rows: of the train set; the batch is cut where there are more than it may hold.
        what: was descended, as the sentence begins.
    """

    learning_rate: float
    costs: tuple[float, ...]
    first_rise: Rise | None
    small_enough: float | None
    rows: int = 0
    of_rows: int = 0
    what: str = "The cost"

    @property
    def passed(self) -> bool:
        """Whether the cost rose at no step."""
        return self.first_rise is None

    @property
    def cause(self) -> str:
        """Why it rose: "learning rate" (a smaller one descends), "gradient" (none does), or "" where it did not."""
        if self.passed:
            return ""
        return "gradient" if self.small_enough is None else "learning rate"

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return {"passed": self.passed, "cause": self.cause, **asdict(self), "says": str(self)}

    def __str__(self) -> str:
        steps = len(self.costs) - 1
        part = f" (a batch of {self.rows} of the {self.of_rows} train rows)" if self.rows < self.of_rows else ""
        if self.first_rise is None:
            if self.costs[-1] == self.costs[0]:
                return (
                    f"{self.what} did not change in {steps} steps of gradient descent at learning rate "
                    f"{self.learning_rate:g}{part}: its gradient is 0."
                )
            return (
                f"{self.what} fell at every one of {steps} steps of gradient descent at learning rate "
                f"{self.learning_rate:g}{part}, from {self.costs[0]:.6g} to {self.costs[-1]:.6g}."
            )
        rise = self.first_rise
        said = (
            f"{self.what} rose at step {rise.step} of gradient descent at learning rate {self.learning_rate:g}{part}, "
            f"from {rise.before:.8g} to {rise.after:.8g}."
        )
        if self.small_enough is not None:
            return f"{said} At {self.small_enough:.3g} it falls at every step: the learning rate was too large."
        return (
            f"{said} It rises however small the learning rate, so the gradient is not that of this cost: "
            "check it with check_gradients."
        )


def check_descent(network: OneNetwork, learning_rate: float, steps: int, of_rows: int) -> DescentCheck:
    """Descend a network's cost on its batch from its first weights.

    Args:
        network: without dropout and under plain gradient descent (`one_network.for_descent`).
        learning_rate: α.
        steps: how many.
        of_rows: of the train set.
    """
    with jax.enable_x64(True):
        descent = network.descent(steps)
        parameters = jax.tree.map(jax.numpy.asarray, network.first[0])

        def path(rate: float) -> Float[np.ndarray, " T"]:
            return np.asarray(descent(parameters, jax.numpy.asarray(rate, jax.numpy.float64)))

        return look_at(path, learning_rate, len(network.batch["inputs"]), of_rows)


def look_at(path: Path, learning_rate: float, rows: int = 0, of_rows: int = 0) -> DescentCheck:
    """Run a descent, and where its cost rises find out whether a smaller learning rate would have descended.

    Args:
        path: the costs [T] of a descent at a learning rate.

    >>> costs = lambda rate: 25.0 * (1 - 2 * rate) ** (2 * np.arange(5.0))  # (w − 5)² from 0
    >>> look_at(costs, 0.1).passed, look_at(costs, 1.1).cause, look_at(costs, -0.1).cause
    (True, 'learning rate', 'gradient')
    """
    costs = path(learning_rate)
    rise, smaller = first_rise(costs), None
    if rise is not None:
        quarterings = max(QUARTERINGS, math.ceil(math.log(abs(learning_rate) / SMALL_RATE, 4)))
        for quartering in range(1, quarterings + 1):
            rate = learning_rate * 0.25**quartering
            found = path(rate)
            # So small a rate that nothing moves beyond rounding shows nothing.
            moved = found[0] - found[-1] > 10 * ROUNDING * max(abs(found[0]), abs(found[-1]))
            if first_rise(found) is None and moved:
                smaller = rate
                break
    return DescentCheck(learning_rate, tuple(float(cost) for cost in costs), rise, smaller, rows, of_rows)


def first_rise(costs: Float[np.ndarray, " T"]) -> Rise | None:
    """The first step that raises the cost beyond rounding, or after which it is no number; None where none does."""
    for number, (before, after) in enumerate(zip(costs[:-1].tolist(), costs[1:].tolist(), strict=True), start=1):
        rounding = ROUNDING * max(abs(before), abs(float(costs[0])))
        if not math.isfinite(after) or after > before + rounding:
            return Rise(number, before, after)
    return None
