"""Any cost that a person writes, minimised by the engine's own optimisers and decays, many slots at once.

The update is `optimisers.UpdateRule`, the learning rate `values.schedule`: the code that trains networks.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from caviar.errors import CostError
from caviar.given import shown, whole
from caviar.training import cost_arguments, device
from caviar.training.descent import Descent
from caviar.training.features import rule_of
from caviar.training.optimisers import Moments, UpdateRule
from caviar.training.values import Assignment, rule_values, schedule

# Points that the device holds before the host takes them: enough that the host costs nothing, few enough to fit.
_POINTS_AT_ONCE = 1024
_BYTES_AT_ONCE = 32 << 20


class _Walk(NamedTuple):
    """Where each slot is."""

    parameters: Any  # [K, ...]
    moments: Moments
    lost: Any  # [K] the step at which the cost or the gradient was not finite; -1: none yet


def minimise(
    cost: Callable[..., Any],
    start: Any = None,
    data: Any = None,
    *,
    optimiser: Any = "adam",
    learning_rate: Any = 1e-3,
    decay: Any = "constant",
    steps: int = 1000,
    starts: Any = None,
    steps_per_epoch: int = 1,
    every: int = 1,
    dtype: str = "float64",
    **hyperparameters: Any,
) -> Descent:
    """Follow a cost downhill from a start, or from many at once.

    Every hyperparameter takes a list too, and `starts` lists starts: then each place of the lists is a slot, and all
    slots run in one program. Lists are read side by side, as columns of a table; what is given once holds for all.

    Args:
        cost: `cost(parameters)`, or `cost(parameters, data)` where data is given: one number, written with jax.numpy.
        start: a number, an array, or a pytree (dictionaries, tuples) of them; a list of plain numbers is an array.
        data: what the cost takes as its second argument, the same at each step.
        optimiser: "gradient_descent", "momentum", "nesterov", "rmsprop" or "adam"; their numbers are `momentum`,
            `beta_1`, `beta_2`, `epsilon`. With `weight_decay` Adam is AdamW; it acts on every parameter. `clip_norm`
            shortens gradients that are longer.
        learning_rate: α, before decay.
        decay: "constant", "inverse_time", "exponential", "sqrt_epoch", "sqrt_step", "staircase" or "cosine"; their
            numbers are `decay_rate`, `decay_base`, `decay_steps`, and `warmup` counts epochs.
        steps: updates.
        starts: many starts, instead of `start`: a list of starts, or an array whose first axis is the slots.
        steps_per_epoch: updates of what the decays call an epoch.
        every: keep every so many points of the path; the start and the last are always kept.
        dtype: "float64" or "float32", of the parameters, of data that are real numbers, and of the arithmetic.

    Returns:
        The path from the start on, its costs, the last parameters. A slot that diverges is marked, and ends no other.

    Raises:
        CostError: the cost, the start or an argument cannot be used.
        SpaceError: a hyperparameter is not allowed.

    >>> quadratic = lambda w: w**2 - 10 * w + 25
    >>> found = minimise(quadratic, 0.0, optimiser="gradient_descent", learning_rate=0.01, steps=1001)
    >>> found.path[:2].round(6).tolist(), round(float(found.parameters), 6)
    ([0.0, 0.1], 5.0)
    >>> minimise(quadratic, 0.0, optimiser="gradient_descent", learning_rate=[0.1, 0.5, 1.1], steps=4000).status
    (<Status.FINISHED: 'finished'>, <Status.FINISHED: 'finished'>, <Status.DIVERGED: 'diverged'>)
    """
    device.start(quiet=True)
    steps, steps_per_epoch, every = (
        whole(name, value, CostError)
        for name, value in (("steps", steps), ("steps_per_epoch", steps_per_epoch), ("every", every))
    )
    if not isinstance(dtype, str) or dtype not in cost_arguments.DTYPES:
        raise CostError(f"'dtype' must be one of {', '.join(cost_arguments.DTYPES)}. Got {shown(dtype)}.")
    given = {"optimiser": optimiser, "learning_rate": learning_rate, "decay": decay, **hyperparameters}
    begin, slots = cost_arguments.starts_of(start, starts, np.dtype(dtype))
    configurations = cost_arguments.configurations(given, slots)
    many = slots is not None or any(cost_arguments.is_list(value) for value in given.values())
    if slots is None:
        count = len(configurations)
        begin = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (count, *leaf.shape)), begin)
    cost_arguments.check_size(begin, steps, every)
    # 64 bits are a setting of the thread in JAX; the person's own is untouched.
    with jax.enable_x64(dtype == "float64"):
        fed = () if data is None else (cost_arguments.numbers("data", data, np.dtype(dtype)),)
        cost_arguments.check_cost(cost, jax.tree.map(lambda leaf: leaf[0], begin), fed)
        assignments = [_assignment(c, steps, steps_per_epoch) for c in configurations]
        points, lost = _walk(cost, begin, fed, assignments, (steps, every))
    path, costs, norms = points if many else jax.tree.map(lambda leaf: leaf[:, 0], points)
    told = tuple({name: c[name] for name in cost_arguments.HYPERPARAMETERS} for c in configurations)
    return Descent(path, costs, norms, _kept(steps, every), told, lost, many)


# ---- walking ------------------------------------------------------------------------------------------------------


def _walk(
    cost: Callable[..., Any], begin: Any, fed: tuple[Any, ...], slots: Sequence[Assignment], length: tuple[int, int]
) -> tuple[Any, tuple[int, ...]]:
    """The points of all slots (parameters, costs, norms: [P, K, ...]), and where each was lost.

    The program is compiled anew in each call: a kept one would not see what a person changed around the cost.
    """
    steps, every = length
    dtype = jax.tree.leaves(begin)[0].dtype
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(begin))
    room = max(1, min(_POINTS_AT_ONCE, _BYTES_AT_ONCE // max(1, size), steps + 1))
    rows = [rule_values(slot.configuration, slot.examples) for slot in slots]
    values = {
        name: jnp.asarray(np.asarray([row[name] for row in rows]).astype(bool if _is_switch(name) else dtype))
        for name in rows[0]
    }
    run = _program(cost, rule_of([slot.configuration for slot in slots]), room)
    zeros = jax.tree.map(np.zeros_like, begin)
    walk = jax.tree.map(jnp.asarray, _Walk(begin, Moments(zeros, zeros), np.full(len(slots), -1, np.int64)))
    kept = []
    for first in range(0, steps + 1, room):
        count = min(room, steps + 1 - first)
        rates = np.zeros((len(slots), room, 3))
        # The last point is only looked at: its row stays at rate 0.
        updates = np.arange(first + 1, min(first + count, steps) + 1)
        rates[:, : len(updates)] = schedule(slots, [updates] * len(slots))
        walk, points = run(walk, values, jnp.asarray(rates.astype(dtype)), fed, count, first)
        at = first + np.arange(count)
        chosen = np.flatnonzero((at % every == 0) | (at == steps))
        kept.append(jax.tree.map(lambda leaf, chosen=chosen: np.asarray(leaf)[chosen], points))
    return jax.tree.map(lambda *parts: np.concatenate(parts), *kept), tuple(int(at) for at in np.asarray(walk.lost))


def _program(cost: Callable[..., Any], rule: UpdateRule, room: int) -> Any:
    """The jitted walk of at most `room` updates: (walk, values, rates, data, count, first) -> (walk, points)."""

    def update(walk: _Walk, numbers: Mapping[str, Array], fed: tuple[Any, ...], step: Array) -> tuple[_Walk, Any]:
        value, slopes = jax.value_and_grad(cost)(walk.parameters, *fed)
        norm = _norm(jax.tree.leaves(slopes))
        lost = jnp.where((walk.lost < 0) & ~jnp.isfinite(value + norm), step, walk.lost)
        everywhere = jax.tree.map(lambda leaf: True, walk.parameters)
        parameters, moments = rule.apply(walk.parameters, walk.moments, slopes, everywhere, numbers)
        return _Walk(parameters, moments, lost), (walk.parameters, value.astype(norm.dtype), norm)

    def run(
        walk: _Walk, values: Mapping[str, Array], rates: Array, fed: tuple[Any, ...], count: Array, first: Array
    ) -> tuple[_Walk, Any]:
        slots, dtype = rates.shape[0], rates.dtype

        def one(index: Array, carry: tuple[_Walk, Any]) -> tuple[_Walk, Any]:
            walk, points = carry
            row = rates[:, index]
            numbers = dict(values, rate=row[:, 0], correction_1=row[:, 1], correction_2=row[:, 2])
            walk, point = jax.vmap(update, in_axes=(0, 0, None, None))(walk, numbers, fed, first + index)
            return walk, jax.tree.map(lambda whole, here: whole.at[index].set(here), points, point)

        empty = (
            jax.tree.map(lambda leaf: jnp.zeros((room, *leaf.shape), leaf.dtype), walk.parameters),
            jnp.zeros((room, slots), dtype),
            jnp.zeros((room, slots), dtype),
        )
        return jax.lax.fori_loop(0, count, one, (walk, empty))

    return jax.jit(run, donate_argnums=(0,))


def _norm(slopes: Sequence[Array]) -> Array:
    """The norm of all slopes together, which their squares alone would overflow or lose."""
    largest = jnp.max(jnp.stack([jnp.max(jnp.abs(g), initial=0.0) for g in slopes]))
    scale = jnp.where((largest > 0) & jnp.isfinite(largest), largest, 1.0)
    return scale * jnp.sqrt(sum(jnp.sum((g / scale) ** 2) for g in slopes))


def _kept(steps: int, every: int) -> np.ndarray:
    return np.unique(np.append(np.arange(0, steps + 1, every), steps))


def _is_switch(name: str) -> bool:
    return name in ("nesterov", "with_momentum", "adaptive")


def _assignment(configuration: Mapping[str, Any], steps: int, steps_per_epoch: int) -> Assignment:
    """A slot that trains a cost instead of a network: m is 1, since a cost holds its own mean and its own penalty."""
    epochs = math.ceil(steps / steps_per_epoch)
    return Assignment(0, configuration, 0, (), 1, steps_per_epoch, epochs, epochs)
