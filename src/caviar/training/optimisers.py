"""One formula serves every optimiser, its parts switched by `where`, so that the optimiser is a value of the slot.

    v ← βv + (1 − β) g          momentum, Nesterov, Adam (β = 0: gradient descent, RMSprop)
    s ← β₂s + (1 − β₂) g²       RMSprop, Adam
    d = v,  or  βv + (1 − β) g  Nesterov
    W ← W − α · d                              gradient descent, momentum, Nesterov
    W ← W − α · (d / (1−βᵗ)) / (√(s / (1−β₂ᵗ)) + ε)   Adam;  RMSprop without the corrections

ε stands outside the root. Other libraries write momentum as v ← βv + g: the same path with α scaled by (1 − β).
L1 is a proximal step after the update, its threshold scaled like the step; L2 enters the gradient; decoupled weight
decay shrinks W by α · decay (Loshchilov and Hutter, 2019).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array

WITH_MOMENTUM = ("momentum", "nesterov", "adam")
ADAPTIVE = ("rmsprop", "adam")


def _shrinking(gradients: list[Array], most: Array) -> Array:
    """The factor that makes a gradient, all parameters together, no longer than `most`.

    The norm is taken of the gradient over its largest value: in float32 squares overflow from 1e19 on, and an exploding
    gradient, which clipping is for, would become 0 instead of being shortened.
    """
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(g)) for g in gradients]))
    largest = jnp.where(largest > 0, largest, 1.0)
    norm = jnp.sqrt(sum(jnp.sum((g / largest) ** 2) for g in gradients))
    return jnp.where(norm > most / largest, most / largest / norm, 1.0)


def _strength(value: Array, acts: Any) -> Array:
    """A penalty's strength for a leaf that it always acts on (True) or where the slot says so."""
    return value if acts is True else jnp.where(acts, value, 0.0)


class Moments(NamedTuple):
    """Averages of the gradient and of its square, shaped like the parameters."""

    first: Any
    second: Any


@dataclass(frozen=True)
class UpdateRule:
    """What the program's slots use; what nobody uses is not in the program.

    Args:
        optimisers: names of the optimisers that some slot uses.
        l1, l2, weight_decay, clip: some slot uses it.
        penalise_biases: in some slot the first three act on more than weights.
    """

    optimisers: tuple[str, ...] = ("adam",)
    l1: bool = False
    l2: bool = False
    weight_decay: bool = False
    clip: bool = False
    penalise_biases: bool = False

    def apply(
        self, parameters: Any, moments: Moments, gradients: Any, penalised: Any, hyperparameters: Mapping[str, Array]
    ) -> tuple[Any, Moments]:
        """Parameters and moments after one update of one network.

        Args:
            penalised: a pytree of booleans like the parameters: the leaves that L1, L2 and decay act on. False is not
                in the program; an array is the slot's own choice.
            hyperparameters: "rate", "correction_1", "correction_2" of this update; "one_minus_beta_1",
                "one_minus_beta_2", "epsilon"; "nesterov", "with_momentum", "adaptive"; "l1" and "l2" over m;
                "weight_decay", "clip_norm".
        """
        h = hyperparameters
        gradients = self.with_l2(parameters, gradients, penalised, h)
        if self.clip:
            shrink = _shrinking(jax.tree.leaves(gradients), h["clip_norm"])
            gradients = jax.tree.map(lambda g: g * shrink, gradients)
        first, second = moments
        if any(name in WITH_MOMENTUM for name in self.optimisers):
            fresh_1 = h["one_minus_beta_1"]
            first = jax.tree.map(lambda v, g: (1.0 - fresh_1) * v + fresh_1 * g, first, gradients)
        if any(name in ADAPTIVE for name in self.optimisers):
            fresh_2 = h["one_minus_beta_2"]
            second = jax.tree.map(lambda s, g: (1.0 - fresh_2) * s + fresh_2 * (g * g), second, gradients)
        parameters = jax.tree.map(
            lambda w, g, v, s, acts: self._move(w, self._direction(g, v, h), self._stretch(s, h), acts, h),
            parameters,
            gradients,
            first,
            second,
            penalised,
        )
        return parameters, Moments(first, second)

    def with_l2(self, parameters: Any, gradients: Any, penalised: Any, h: Mapping[str, Array]) -> Any:
        """Gradients of the cost with (λ/2m) ‖W‖², from those without: λ/m · W is added."""
        if not self.l2:
            return gradients

        def add(g: Array, w: Array, acts: Any) -> Array:
            return g if acts is False else g + _strength(h["l2"], acts) * w

        return jax.tree.map(add, gradients, parameters, penalised)

    def penalty(self, parameters: Any, penalised: Any, h: Mapping[str, Array]) -> Array:
        """What J has beside the cost: (λ/2m) ‖W‖² for L2 and (λ/2m) Σ|w| for L1, over the penalised leaves."""
        leaves, acts = jax.tree.leaves(parameters), jax.tree.leaves(penalised)
        total = jnp.zeros((), leaves[0].dtype)
        for w, act in zip(leaves, acts, strict=True):
            if act is not False and self.l2:
                total += 0.5 * _strength(h["l2"], act) * jnp.sum(w * w)
            if act is not False and self.l1:
                total += 0.5 * _strength(h["l1"], act) * jnp.sum(jnp.abs(w))
        return total

    def subgradients(self, parameters: Any, gradients: Any, penalised: Any, h: Mapping[str, Array]) -> Any:
        """Gradients of cost and penalty together, from those of the cost; L1 gives (λ/2m) sign(W), 0 where W is 0."""
        whole = self.with_l2(parameters, gradients, penalised, h)
        if not self.l1:
            return whole

        def add(g: Array, w: Array, acts: Any) -> Array:
            return g if acts is False else g + 0.5 * _strength(h["l1"], acts) * jnp.sign(w)

        return jax.tree.map(add, whole, parameters, penalised)

    def _direction(self, gradient: Array, first: Array, h: Mapping[str, Array]) -> Array:
        """d: what the step follows."""
        carrying = [name for name in self.optimisers if name in WITH_MOMENTUM]
        if not carrying:
            return gradient
        direction = first
        if "nesterov" in carrying:
            fresh = h["one_minus_beta_1"]
            ahead = (1.0 - fresh) * first + fresh * gradient
            direction = ahead if carrying == ["nesterov"] else jnp.where(h["nesterov"], ahead, first)
        if "adam" in carrying:
            direction = direction * h["correction_1"]  # 1 for the others
        if len(carrying) < len(self.optimisers):
            direction = jnp.where(h["with_momentum"], direction, gradient)
        return direction

    def _stretch(self, second: Array, h: Mapping[str, Array]) -> Array | None:
        """√ŝ + ε, by which adaptive steps are divided; None where no slot is adaptive."""
        adaptive = [name for name in self.optimisers if name in ADAPTIVE]
        if not adaptive:
            return None
        if "adam" in adaptive:
            second = second * h["correction_2"]  # 1 for the others
        stretch = jnp.sqrt(second) + h["epsilon"]
        if len(adaptive) < len(self.optimisers):
            stretch = jnp.where(h["adaptive"], stretch, 1.0)
        return stretch

    def _move(self, w: Array, direction: Array, stretch: Array | None, acts: Any, h: Mapping[str, Array]) -> Array:
        step = h["rate"] * (direction if stretch is None else direction / stretch)
        moved = w - step
        if acts is False:
            return moved
        if self.weight_decay:
            moved = moved - (h["rate"] * _strength(h["weight_decay"], acts)) * w
        if self.l1:
            l1 = _strength(h["l1"], acts)
            threshold = 0.5 * h["rate"] * l1
            threshold = threshold if stretch is None else threshold / stretch
            shrunk = jnp.sign(moved) * jnp.maximum(jnp.abs(moved) - threshold, 0.0)
            moved = jnp.where(l1 > 0, shrunk, moved)
        return moved
