"""From the gradient of the cost to new parameters: penalties, clipping, the optimiser's rule.

One update, in this order (W a weight matrix, g its gradient, α the learning rate at this update, m train examples):

1. L2: g ← g + (λ/m) W, for weights alone, and for biases, γ and β where "penalise_biases" says so.
2. Clipping: g ← g · min(1, c / ‖g‖), the norm taken over all parameters together.
3. The optimiser turns g into a direction d and a stretch r, and the step is α d / r.
4. Decoupled weight decay, of the same parameters: W ← W − α · decay · W − step, with W before the step in both places.
5. L1, of the same parameters: a proximal step, W ← sign(W) max(|W| − α λ / (2 m r), 0).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from reference.averages import carry, corrected

Arrays = dict[str, np.ndarray]


class Memory(NamedTuple):
    """What an optimiser remembers of one parameter: the averages v of the gradient and s of its square."""

    v: np.ndarray
    s: np.ndarray


class Rule(NamedTuple):
    """What an optimiser makes of one gradient: the step is α · direction / stretch."""

    direction: np.ndarray
    stretch: np.ndarray | float
    memory: Memory


def gradient_descent(g: np.ndarray, memory: Memory, t: int, c: Mapping[str, Any]) -> Rule:
    """W ← W − α g."""
    return Rule(g, 1.0, memory)


def momentum(g: np.ndarray, memory: Memory, t: int, c: Mapping[str, Any]) -> Rule:
    """v ← β v + (1 − β) g;  W ← W − α v, without bias correction."""
    v = carry(memory.v, g, c["momentum"])
    return Rule(v, 1.0, Memory(v, memory.s))


def nesterov(g: np.ndarray, memory: Memory, t: int, c: Mapping[str, Any]) -> Rule:
    """v ← β v + (1 − β) g;  W ← W − α (β v + (1 − β) g), with the new v: the gradient counts once more, ahead."""
    v = carry(memory.v, g, c["momentum"])
    return Rule(carry(v, g, c["momentum"]), 1.0, Memory(v, memory.s))


def rmsprop(g: np.ndarray, memory: Memory, t: int, c: Mapping[str, Any]) -> Rule:
    """s ← β s + (1 − β) g²;  W ← W − α g / (√s + ε), without bias correction."""
    s = carry(memory.s, g**2, c["beta_2"])
    return Rule(g, np.sqrt(s) + c["epsilon"], Memory(memory.v, s))


def adam(g: np.ndarray, memory: Memory, t: int, c: Mapping[str, Any]) -> Rule:
    """v̂ = v / (1 − β₁ᵗ), ŝ = s / (1 − β₂ᵗ);  W ← W − α v̂ / (√ŝ + ε)."""
    v = carry(memory.v, g, c["beta_1"])
    s = carry(memory.s, g**2, c["beta_2"])
    stretch = np.sqrt(corrected(s, c["beta_2"], t)) + c["epsilon"]
    return Rule(corrected(v, c["beta_1"], t), stretch, Memory(v, s))


def penalise(parameters: Arrays, gradients: Arrays, c: Mapping[str, Any]) -> Arrays:
    """The gradient of J + (λ/2m) Σ ‖W‖²."""
    share = c["l2"] / c["examples"]
    return {name: g + share * parameters[name] if is_penalised(name, c) else g for name, g in gradients.items()}


def clip(gradients: Arrays, largest: float) -> Arrays:
    """All gradients scaled by one factor, so that together they are no longer than `largest`."""
    norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
    if norm <= largest:
        return gradients
    return {name: g * (largest / norm) for name, g in gradients.items()}


def soft_threshold(w: np.ndarray, threshold: np.ndarray | float) -> np.ndarray:
    """The proximal step of L1: towards 0 by the threshold, and not beyond."""
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)


def is_penalised(name: str, c: Mapping[str, Any]) -> bool:
    """Whether penalties and decay act on this parameter."""
    return name.startswith("weights") or bool(c.get("penalise_biases"))


def forget(parameters: Arrays) -> dict[str, Memory]:
    """What an optimiser remembers before the first update: nothing."""
    return {name: Memory(np.zeros_like(w), np.zeros_like(w)) for name, w in parameters.items()}


def update(
    parameters: Arrays, gradients: Arrays, memories: dict[str, Memory], t: int, rate: float, c: Mapping[str, Any]
) -> tuple[Arrays, dict[str, Memory]]:
    """One update of all parameters that have a gradient; the others stay as they are.

    Args:
        gradients: of the cost, without penalties.
        t: the trial's own update, from 1.
        rate: α(t).
        c: the configuration, and under "examples" m.

    Returns:
        The new parameters and memories.
    """
    gradients = clip(penalise(parameters, gradients, c), c["clip_norm"])
    parameters, memories = dict(parameters), dict(memories)
    for name, g in gradients.items():
        rule = OPTIMISERS[c["optimiser"]](g, memories[name], t, c)
        w = parameters[name]
        moved = w - rate * rule.direction / rule.stretch
        if is_penalised(name, c):
            moved = moved - rate * c["weight_decay"] * w
            moved = soft_threshold(moved, rate * c["l1"] / (2 * c["examples"]) / rule.stretch)
        parameters[name], memories[name] = moved, rule.memory
    return parameters, memories


OPTIMISERS: dict[str, Callable[[np.ndarray, Memory, int, Mapping[str, Any]], Rule]] = {
    "gradient_descent": gradient_descent,
    "momentum": momentum,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
}
