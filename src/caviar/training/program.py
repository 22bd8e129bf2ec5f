"""The compiled program: shard the slots over devices, run group after group, scan the mini-batches, map over slots.

A *group* is the slots that share a stream and sit together in the processor's cache; groups of a device run one after
the other, and a group without live slots is skipped. Within a group all slots see the same mini-batch.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array

from caviar.records.history import FIELDS
from caviar.training import measuring, probes
from caviar.training.augmentation import Scaling, augmented
from caviar.training.carried import Data, Group, Plan, ProgramKey, SlotState, at, rows_of, used_state, whole_state
from caviar.training.features import Features
from caviar.training.mixing import partners
from caviar.training.statistics import measuring_averages
from caviar.training.step import Batch, TrainState, step

AXIS = "slots"
SPLIT, WHOLE = PartitionSpec(AXIS), PartitionSpec()


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
    inputs = augmented(at(data.inputs, rows), numbers["augmentation"], mixture, scaling, batch.key, kinds)
    axes: Any = [0 if name == "inputs" else None for name in Batch._fields]
    return batch._replace(inputs=inputs), Batch._make(axes)


def _entry(table: Array, *places: Array) -> Array:
    """What stands in a table at a place of each of its axes but the last: places that are known to exist."""
    whole: tuple[Any, ...] = (*places, np.int32(0))
    found = jax.lax.dynamic_slice(table, whole, (*(1 for _ in places), table.shape[-1]), allow_negative_indices=False)
    return found.reshape(-1)


def _noted(measured: Array, found: Array, epoch: Array, column: int) -> Array:
    """The table of measurements [G, E, columns] with what an epoch gave of every slot [G, …] from a column on."""
    place = (np.int32(0), epoch, np.int32(column))
    return jax.lax.dynamic_update_slice(measured, found[:, None, :], place, allow_negative_indices=False)


def _run_group(group: Group, data: Data, plan: Plan, key: ProgramKey) -> tuple[SlotState, Array]:
    """Some epochs (or a part of one) of the slots of one group. Returns the state and measurements [G, E, fields]."""
    dtype = np.dtype(key.architecture.dtype)
    statistics = Scaling(*(at(array, group.version) for array in (data.shift, data.scale, data.spread)))
    data = data._replace(**statistics._asdict())
    one = partial(step, features=key.features, loss=key.architecture.loss)
    size = key.architecture.batch_size

    def laid_out(epoch: Array, index: Array) -> tuple[Array, Array, Array]:
        """Rows of a mini-batch [B], which of them are real [B], and its key."""
        told = _entry(plan.batches, group.number, epoch, index)
        present = (jnp.arange(size) < told[size]).astype(dtype)
        words = jax.lax.bitcast_convert_type(told[size + 1 :], jnp.uint32)
        return told[:size], present, jax.random.wrap_key_data(words)

    def batch_of(epoch: Array, index: Array) -> Batch:
        return rows_of(data, *laid_out(epoch, index), dtype)

    def rates_of(epoch: Array, index: Array) -> Array:
        place = epoch * key.updates + index
        return jax.lax.dynamic_index_in_dim(group.rates, place, 1, False, allow_negative_indices=False)

    def update(index: Array, carry: tuple[TrainState, Array]) -> tuple[TrainState, Array]:
        state, epoch = carry
        rows, present, drawn_by = laid_out(epoch, index)
        batch, rates = rows_of(data, rows, present, drawn_by, dtype), rates_of(epoch, index)
        numbers = dict(group.values, rate=rates[:, 0], correction_1=rates[:, 1], correction_2=rates[:, 2])
        batch, axes = _augmented(batch, data, rows, numbers, rates, key.features)
        mapped = jax.vmap(one, in_axes=(0, axes, 0))
        state, _ = mapped(state, batch, numbers)
        return state, epoch

    def epoch_of(epoch: Array, carry: tuple[SlotState, Array]) -> tuple[SlotState, Array]:
        state, measured = carry
        ends = _entry(plan.ends, group.number, epoch)
        first, probed, end = ends[0], ends[1], ends[3]
        if key.features.probes:

            def look(before: Any, after: Any, measured: Array) -> Array:
                many = partial(probes.measure, features=key.features, loss=key.architecture.loss)
                found = jax.vmap(many, in_axes=(0, 0, None, 0))(before, after, batch_of(epoch, probed), group.values)
                return _noted(measured, found.astype(dtype), epoch, len(FIELDS))

            (train, _), measured = probes.around(ends, update, (state.train, epoch), look, measured)
        else:
            train, _ = jax.lax.fori_loop(first, end, update, (state.train, epoch))
        state = SlotState(train, state.best)

        def measure(state: SlotState) -> tuple[SlotState, Array]:
            rate, own_epoch = rates_of(epoch, end - 1)[:, 0], group.epochs_before + epoch + 1
            trained_on = partial(batch_of, epoch)
            averages = measuring_averages(state.train, group.values, trained_on, group.updates, key.features)
            return measuring.measure(state, averages, group, data, own_epoch, rate, key)

        state, row = jax.lax.cond(
            plan.measure, measure, lambda state: (state, jnp.zeros((key.group, len(FIELDS)), dtype)), state
        )
        return state, _noted(measured, row, epoch, 0)

    empty = jnp.zeros((key.group, key.epochs, key.columns), dtype)
    return jax.lax.fori_loop(0, plan.epochs, epoch_of, (group.state, empty))


def _segment(
    state: SlotState, values: dict[str, Array], data: Data, plan: Plan, key: ProgramKey
) -> tuple[SlotState, Array]:
    """One device's share of a segment: its groups one after the other, each written back where it was read."""
    groups = plan.batches.shape[0]
    used = used_state(state, key.features)

    def run(number: Array, carry: tuple[SlotState, Array]) -> tuple[SlotState, Array]:
        def slots(array: Array) -> Array:
            return jax.lax.dynamic_slice_in_dim(array, number * key.group, key.group, allow_negative_indices=False)

        def back(whole: Array, part: Array) -> Array:
            first = number * key.group
            return jax.lax.dynamic_update_slice_in_dim(whole, part, first, 0, allow_negative_indices=False)

        group = Group(
            state=jax.tree.map(slots, carry[0]),
            values=jax.tree.map(slots, values),
            rates=slots(plan.rates),
            epochs_before=slots(plan.epochs_before),
            number=number.astype(np.int32),  # a loop counts in 64 bits where JAX does
            version=at(plan.versions, number),
            updates=at(plan.updates, number),
            eval_rows=at(plan.eval_rows, number),
            eval_roles=at(plan.eval_roles, number),
        )
        return jax.tree.map(back, carry, _run_group(group, data, plan, key))

    def unless_empty(number: Array, carry: tuple[SlotState, Array]) -> tuple[SlotState, Array]:
        return jax.lax.cond(at(plan.active, number), partial(run, number), lambda carry: carry, carry)

    measured = jnp.zeros((groups * key.group, key.epochs, key.columns), np.dtype(key.architecture.dtype))
    # A loop that carries the whole state changes it in place; as results of a map it was copied (docs/log.md).
    used, measured = jax.lax.fori_loop(0, groups, unless_empty, (used, measured))
    return whole_state(used, state), measured


def _specs() -> tuple[Any, Any]:
    """How the arguments lie over the devices: slots and groups are split, everything else is everywhere."""
    plan = Plan(*(WHOLE if name in ("epochs", "measure") else SPLIT for name in Plan._fields))
    return (SPLIT, SPLIT, WHOLE, plan), (SPLIT, SPLIT)


def rate_columns(features: Features) -> int:
    """Columns of Plan.rates."""
    return 4 if features.augmentation.mixup else 3


def _mesh(devices: int) -> Mesh:
    """The first devices of this process in a row."""
    return Mesh(np.array(jax.devices()[:devices]), (AXIS,))


def split_over(devices: int) -> NamedSharding:
    """Arrays whose first axis (slots or groups) is split over the devices."""
    return NamedSharding(_mesh(devices), SPLIT)


def whole_on(devices: int) -> NamedSharding:
    """Arrays that every device holds whole."""
    return NamedSharding(_mesh(devices), WHOLE)


def over_devices(function: Any, devices: int, arguments: Any, results: Any) -> Any:
    """A function of a state, jitted: every device runs it on its own share, and the state given is taken over.

    Args:
        arguments, results: `SPLIT` where each device has a share, `WHOLE` where it has everything.
    """
    if devices > 1:
        function = jax.shard_map(function, mesh=_mesh(devices), in_specs=arguments, out_specs=results, check_vma=False)
    return jax.jit(function, donate_argnums=(0,))


def build(key: ProgramKey) -> Any:
    """The jitted (not yet compiled) segment: (state, values, data, plan) -> (state, measurements [K, E, columns])."""
    return over_devices(partial(_segment, key=key), key.devices, *_specs())
