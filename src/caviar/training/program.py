"""The compiled program: shard the slots over devices, run group after group, scan the mini-batches, map over slots.

A *group* is the slots that share a stream and sit together in the processor's cache; groups of a device run one after
the other, and a group without live slots is skipped. Within a group all slots see the same mini-batch.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from caviar.networks.architecture import Architecture
from caviar.records.history import FIELDS
from caviar.training import probes
from caviar.training.augmentation import Scaling, augmented
from caviar.training.by_layer import sizes
from caviar.training.choosing import COMPUTED, compared
from caviar.training.features import Features
from caviar.training.mixing import partners
from caviar.training.statistics import measuring_averages
from caviar.training.step import Batch, TrainState, evaluate_for, step

_AXIS = "slots"
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

    rows: Leaf  # [groups, E, U, B] positions in Data
    counts: Leaf  # [groups, E, U] real rows of each batch
    rates: Leaf  # [K, E·U, 3] learning rate and Adam's corrections; a fourth where slots mix rows: the share kept
    keys: Leaf  # [groups, E, U, key words] of each update of the stream
    versions: Leaf  # [groups] which statistics its rows are scaled with
    updates: Leaf  # [groups] batches of an epoch of the stream
    epochs_before: Leaf  # [K] own epochs done before the segment
    active: Leaf  # [groups] some slot of it is live
    eval_rows: Leaf  # [groups, R] positions of the train sample and dev
    eval_roles: Leaf  # [groups, 3, R] weight of each row in train sample, choose half, judge half
    start: Leaf  # [] first batch of each epoch
    stop: Leaf  # [] one past the last
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


# Rows that one evaluation step handles; eval_rows is a multiple.
EVAL_CHUNK = 256


def _inputs(data: Data, rows: Array, dtype: np.dtype) -> Array:
    chosen = data.inputs[rows]
    if chosen.dtype == jnp.uint8:
        return (chosen.astype(dtype) - data.shift) * data.scale
    return chosen


def _batch(data: Data, rows: Array, present: Array, key: Any, dtype: np.dtype) -> Batch:
    return Batch(_inputs(data, rows, dtype), data.targets[rows], data.weights[rows] * present, present, key)


def _augmented(
    batch: Batch, data: Data, rows: Array, numbers: dict[str, Array], rates: Array, features: Features
) -> tuple[Batch, Batch | None]:
    """The mini-batch as each slot sees it, and which of its parts have a slot axis (None: no part)."""
    kinds = features.augmentation
    if not kinds.inputs:
        return batch, None
    mixture = None
    if kinds.mixup:
        numbers["share"] = rates[:, 3]
        batch = batch._replace(partner=partners(batch.key, jnp.sum(batch.present).astype(jnp.int32), len(rows)))
        mixture = (numbers["share"], batch.partner)
    scaling = Scaling(data.shift, data.scale, data.spread)
    inputs = augmented(data.inputs[rows], numbers["augmentation"], mixture, scaling, batch.key, kinds)
    axes: Any = [0 if name == "inputs" else None for name in Batch._fields]
    return batch._replace(inputs=inputs), Batch._make(axes)


class _Group(NamedTuple):
    """What `lax.map` hands to one group."""

    state: SlotState
    values: dict[str, Array]
    rates: Array
    epochs_before: Array
    rows: Array
    counts: Array
    keys: Array
    version: Array
    updates: Array
    active: Array
    eval_rows: Array
    eval_roles: Array


def _run_group(group: _Group, data: Data, plan: Plan, key: ProgramKey) -> tuple[SlotState, Array]:
    """Some epochs (or a part of one) of the slots of one group. Returns the state and measurements [G, E, fields]."""
    dtype = np.dtype(key.architecture.dtype)
    statistics = Scaling(data.shift[group.version], data.scale[group.version], data.spread[group.version])
    data = data._replace(**statistics._asdict())
    one = partial(step, features=key.features, loss=key.architecture.loss)

    def batch_of(epoch: Array, index: Array) -> Batch:
        present = (jnp.arange(key.architecture.batch_size) < group.counts[epoch, index]).astype(dtype)
        drawn_by = jax.random.wrap_key_data(group.keys[epoch, index])
        return _batch(data, group.rows[epoch, index], present, drawn_by, dtype)

    def update(index: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
        state, epoch = carry
        batch = batch_of(epoch, index)
        rates = jax.lax.dynamic_index_in_dim(group.rates, epoch * key.updates + index, axis=1, keepdims=False)
        numbers = dict(group.values, rate=rates[:, 0], correction_1=rates[:, 1], correction_2=rates[:, 2])
        batch, axes = _augmented(batch, data, group.rows[epoch, index], numbers, rates, key.features)
        mapped = jax.vmap(one, in_axes=(0, axes, 0))
        state, _ = mapped(state, batch, numbers)
        return state, epoch

    def epoch_of(epoch: Array, carry: tuple[SlotState, Array]) -> tuple[SlotState, Array]:
        state, measured = carry
        stop = jnp.minimum(plan.stop, group.updates)
        if key.features.probes:

            def look(before: Any, after: Any, measured: Array) -> Array:
                many = partial(probes.measure, features=key.features, loss=key.architecture.loss)
                found = jax.vmap(many, in_axes=(0, 0, None, 0))(before, after, batch_of(epoch, place), group.values)
                return measured.at[:, epoch, len(FIELDS) :].set(found.astype(dtype))

            place = jnp.where(plan.measure, probes.probed_batch(group.counts[epoch], stop), stop)
            place = jnp.maximum(plan.start, place)
            ends = jnp.stack([plan.start, place, jnp.minimum(place + 1, stop), stop])
            (train, _), measured = probes.around(ends, update, (state.train, epoch), look, measured)
        else:
            train, _ = jax.lax.fori_loop(plan.start, stop, update, (state.train, epoch))
        state = SlotState(train, state.best)

        def measure(state: SlotState) -> tuple[SlotState, Array]:
            last = jax.lax.dynamic_index_in_dim(group.rates, epoch * key.updates + stop - 1, 1, False)
            own_epoch = group.epochs_before + epoch + 1
            trained_on = partial(batch_of, epoch)
            averages = measuring_averages(state.train, group.values, trained_on, group.updates, key.features)
            return _measure(state, averages, group, data, own_epoch, last[:, 0], key)

        state, row = jax.lax.cond(
            plan.measure, measure, lambda state: (state, jnp.zeros((key.group, len(FIELDS)), dtype)), state
        )
        return state, measured.at[:, epoch, : len(FIELDS)].set(row)

    empty = jnp.zeros((key.group, key.epochs, key.columns), dtype)
    return jax.lax.fori_loop(0, plan.epochs, epoch_of, (group.state, empty))


def _measure(
    state: SlotState, averages: Any, group: _Group, data: Data, own_epoch: Array, rate: Array, key: ProgramKey
) -> tuple[SlotState, Array]:
    """Measure every slot in test mode on the train sample and on dev, and keep the best epoch with its averages."""
    dtype = np.dtype(key.architecture.dtype)
    ones = jnp.ones(EVAL_CHUNK, dtype)

    def chunk(rows: Array) -> tuple[Array, Array, Array | None]:
        batch = _batch(data, rows, ones, None, dtype)
        one = partial(evaluate_for, key.features.metric, features=key.features, loss=key.architecture.loss)
        return jax.vmap(one, in_axes=(0, None, 0))(state.train._replace(averages=averages), batch, group.values)

    found = jax.lax.map(chunk, group.eval_rows.reshape(-1, EVAL_CHUNK))  # [chunks, G, rows]
    costs, errors, shown = jax.tree.map(
        lambda rows: jnp.moveaxis(rows, 1, 0).reshape(key.group, -1, *rows.shape[3:]), found
    )
    train_cost, dev_cost, judge_cost = _means(costs, group.eval_roles)
    train_error, dev_error, judge_error = _means(errors, group.eval_roles)
    seen = jnp.maximum(state.train.weight_sum, 1)
    cost, wrong = state.train.cost_sum / seen, state.train.error_sum / seen
    if key.architecture.loss == "squared":
        train_error, dev_error, judge_error = (jnp.sqrt(e) for e in (train_error, dev_error, judge_error))
        wrong = jnp.sqrt(wrong)
    value, told = dev_cost if key.features.metric == "log_loss" else dev_error, jnp.full_like(dev_error, jnp.nan)
    if key.features.metric in COMPUTED:
        one = partial(compared, key.features.metric, outputs=key.architecture.outputs)
        targets, choose = data.targets[group.eval_rows], group.eval_roles[1]
        value = told = jax.vmap(one, in_axes=(0, 0, None, None, 0))(
            errors, shown, targets, choose, group.values["classes"]
        )
    of_dev, of_judge = (dev_error, dev_cost), (judge_error, judge_cost)
    row = jnp.stack([cost, train_error, *of_dev, *of_judge, train_cost, rate, told, wrong], axis=1)
    best = state.best
    better = (value < best.value) | ((value == best.value) & (dev_cost < best.cost))
    better &= ~jnp.isnan(value + dev_cost)  # no epoch of NaN is ever the best, though its rows count as wrong

    def keep(new: Array, old: Array) -> Array:
        return jnp.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)

    best = Best(
        parameters=jax.tree.map(keep, state.train.parameters, best.parameters),
        averages=jax.tree.map(keep, averages, best.averages),
        value=keep(value, best.value),
        cost=keep(dev_cost, best.cost),
        epoch=keep(own_epoch, best.epoch),
        row_costs=keep(costs, best.row_costs),
        row_errors=keep(errors, best.row_errors),
    )
    zero = jnp.zeros_like(state.train.cost_sum)
    train = state.train._replace(cost_sum=zero, error_sum=zero, weight_sum=zero)
    return SlotState(train, best), row.astype(dtype)


def _means(rows: Array, roles: Array) -> tuple[Array, Array, Array]:
    """Weighted means over the train sample, the choose half and the judge half; rows of weight 0 do not count."""
    found = []
    for role in range(3):
        weights = roles[role]
        total = jnp.sum(jnp.where(weights > 0, weights * rows, 0.0), axis=1)
        found.append(total / jnp.maximum(jnp.sum(weights), 1e-12))
    return found[0], found[1], found[2]


def _segment(
    state: SlotState, values: dict[str, Array], data: Data, plan: Plan, key: ProgramKey
) -> tuple[SlotState, Array]:
    """One device's share of a segment: its groups one after the other."""
    groups = plan.rows.shape[0]

    def split(array: Array) -> Array:
        return array.reshape(groups, key.group, *array.shape[1:])

    mapped = _Group(
        jax.tree.map(split, state),
        jax.tree.map(split, values),
        split(plan.rates),
        split(plan.epochs_before),
        plan.rows,
        plan.counts,
        plan.keys,
        plan.versions,
        plan.updates,
        plan.active,
        plan.eval_rows,
        plan.eval_roles,
    )
    dtype = np.dtype(key.architecture.dtype)

    def run(group: _Group) -> tuple[SlotState, Array]:
        return jax.lax.cond(
            group.active,
            lambda group: _run_group(group, data, plan, key),
            lambda group: (group.state, jnp.zeros((key.group, key.epochs, key.columns), dtype)),
            group,
        )

    if groups == 1:
        state, measured = run(jax.tree.map(lambda array: array[0], mapped))
        return state, measured
    state, measured = jax.lax.map(run, mapped)
    return jax.tree.map(lambda array: array.reshape(-1, *array.shape[2:]), (state, measured))


def _specs() -> tuple[Any, Any]:
    """How the arguments lie over the devices: slots and groups are split, everything else is everywhere."""
    split, whole = PartitionSpec(_AXIS), PartitionSpec()
    plan = Plan(*(whole if name in ("start", "stop", "epochs", "measure") else split for name in Plan._fields))
    return (split, split, whole, plan), (split, split)


def rate_columns(features: Features) -> int:
    """Columns of Plan.rates."""
    return 4 if features.augmentation.mixup else 3


def mesh(devices: int) -> Mesh:
    """The first devices of this process in a row."""
    return Mesh(np.array(jax.devices()[:devices]), (_AXIS,))


def split_over(devices: int) -> NamedSharding:
    """Arrays whose first axis (slots or groups) is split over the devices."""
    return NamedSharding(mesh(devices), PartitionSpec(_AXIS))


def whole_on(devices: int) -> NamedSharding:
    """Arrays that every device holds whole."""
    return NamedSharding(mesh(devices), PartitionSpec())


def build(key: ProgramKey) -> Any:
    """The jitted (not yet compiled) segment: (state, values, data, plan) -> (state, measurements [K, E, columns])."""
    function = partial(_segment, key=key)
    if key.devices > 1:
        arguments, results = _specs()
        function = jax.shard_map(
            function, mesh=mesh(key.devices), in_specs=arguments, out_specs=results, check_vma=False
        )
    return jax.jit(function, donate_argnums=(0,))
