"""What a program is called with, and what it carries from segment to segment."""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from caviar.networks.architecture import Architecture
from caviar.records.history import FIELDS
from caviar.training.by_layer import sizes
from caviar.training.features import Features
from caviar.training.optimisers import Moments
from caviar.training.step import Batch, TrainState, used_part, whole_part

# Rows that one evaluation step handles; eval_rows is a multiple.
EVAL_CHUNK = 256
# An array of JAX or NumPy, or the shape of one, depending on who holds the record.
Leaf = Any


class Best(NamedTuple):
    """Each slot's best epoch so far, by the choose half of dev; ties are broken by its cost."""

    parameters: Any
    averages: Any
    value: Leaf  # [K]
    cost: Leaf  # [K]
    epoch: Leaf  # [K] the trial's own epoch, from 1; 0: none yet
    row_costs: Leaf  # [K, R] of the evaluated rows
    row_errors: Leaf  # [K, R]


class SlotState(NamedTuple):
    """Everything a slot carries; its layout depends on the architecture and the evaluated rows alone."""

    train: TrainState
    best: Best


def used_state(state: SlotState, features: Features) -> SlotState:
    """What a program reads and changes of a state: without batch norm neither γ and β nor the averages."""
    train, best = state
    part = partial(used_part, features)
    used = SlotState(
        train._replace(parameters=part(train.parameters), moments=Moments(*map(part, train.moments))),
        best._replace(parameters=part(best.parameters)),
    )
    if getattr(features.network, "batch_norm", None) != "none":
        return used
    return SlotState(used.train._replace(averages=None), used.best._replace(averages=None))


def whole_state(used: SlotState, before: SlotState) -> SlotState:
    """A used part with what it was without, as it was before."""
    parameters, moments = used.train.parameters, used.train.moments
    train = used.train._replace(
        parameters=whole_part(parameters, before.train.parameters),
        moments=Moments(*map(whole_part, moments, before.train.moments)),
    )
    best = used.best._replace(parameters=whole_part(used.best.parameters, before.best.parameters))
    if used.train.averages is None:
        return SlotState(train._replace(averages=before.train.averages), best._replace(averages=before.best.averages))
    return SlotState(train, best)


class Data(NamedTuple):
    """The rows on the device. Versions (statistics of other train rows) lie one after the other along the row axis."""

    inputs: Leaf  # [V·N, D] float, or uint8 pixels
    targets: Leaf  # [V·N]
    weights: Leaf  # [V·N]
    scale: Leaf  # [V, D] x = (pixel − shift) · scale
    shift: Leaf  # [V, D]
    spread: Leaf  # [V, D] what one standard deviation of noise is


class Plan(NamedTuple):
    """One segment: which rows come when, and what each slot's learning rate is then."""

    batches: Leaf  # [groups, E, U, B + 3] positions in Data, how many of them are real, key of the update
    ends: Leaf  # [groups, E, 4] the first update, the one looked at, the one after it, one past the last
    rates: Leaf  # [K, E·U, 3] learning rate and Adam's corrections; a fourth where slots mix rows: the share kept
    versions: Leaf  # [groups] which statistics its rows are scaled with
    updates: Leaf  # [groups] batches of an epoch of the stream
    epochs_before: Leaf  # [K] own epochs done before the segment
    active: Leaf  # [groups] some slot of it is live
    eval_rows: Leaf  # [groups, R] positions of the train sample and dev
    eval_roles: Leaf  # [groups, 3, R] weight of each row in train sample, choose half, judge half
    epochs: Leaf  # [] epochs to run; 1 when only a part of an epoch runs
    measure: Leaf  # [] whether the epoch's end is reached


@dataclass(frozen=True)
class ProgramKey:
    """What a compiled program depends on.

    Args:
        architecture, features: of the networks.
        slots: K over all devices.
        group: slots of one group.
        devices: how many devices share the slots.
        epochs: the most epochs one segment may hold.
        updates: batches that the plan has room for in an epoch.
        eval_rows: R.
        data_rows: V·N.
        versions: V.
        pixels: inputs are uint8.
    """

    architecture: Architecture
    features: Features
    slots: int
    group: int
    devices: int
    epochs: int
    updates: int
    eval_rows: int
    data_rows: int
    versions: int
    pixels: bool

    @property
    def columns(self) -> int:
        """Numbers that a slot's epoch is measured by: FIELDS, then what the probes of every layer are made of."""
        if not self.features.probes:
            return len(FIELDS)
        return len(FIELDS) + sum(sizes(self.architecture.widths, self.features.network.activations))


class Group(NamedTuple):
    """What one group is run with."""

    state: SlotState
    values: dict[str, Array]
    rates: Array
    epochs_before: Array
    number: Array
    version: Array
    updates: Array
    eval_rows: Array
    eval_roles: Array


def at(array: Array, place: Array) -> Array:
    """The entries at one place or several of the first axis, which are known to exist: nothing is compiled to see."""
    return array.at[place].get(mode="promise_in_bounds", wrap_negative_indices=False)


def _inputs(data: Data, rows: Array, dtype: np.dtype) -> Array:
    chosen = at(data.inputs, rows)
    if chosen.dtype == jnp.uint8:
        return (chosen.astype(dtype) - data.shift[None, :]) * data.scale[None, :]
    return chosen


def rows_of(data: Data, rows: Array, present: Array, key: Any, dtype: np.dtype) -> Batch:
    """The rows at some positions, as every slot of a group sees them."""
    return Batch(_inputs(data, rows, dtype), at(data.targets, rows), at(data.weights, rows) * present, present, key)
