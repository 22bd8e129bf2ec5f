"""Programs are compiled once a process, later ones in the background while earlier ones train."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from caviar.networks.mlp import first_layers
from caviar.training.batches import AFTER_ROWS
from caviar.training.carried import Best, Data, Plan, ProgramKey, SlotState, at, used_state, whole_state
from caviar.training.optimisers import Moments
from caviar.training.program import AXIS, SPLIT, WHOLE, build, over_devices, rate_columns, split_over, whole_on
from caviar.training.step import TrainState
from caviar.training.values import slot_values

ADMIT_AT_ONCE = 8


@dataclass(frozen=True)
class Program:
    """A compiled cohort: its segment and the edits of its state.

    Args:
        segment: (state, values, data, plan) -> (state, measurements).
        admit: (state, slots [A], parameters and averages [A, ...]) -> state; a slot number of −1 writes nothing.
        copy: (state, sources [K]) -> state: slot k becomes what slot sources[k] was.
        memory: bytes the segment needs on one device beside its arguments.
        seconds: time it took to compile.
    """

    segment: Callable[..., Any]
    admit: Callable[..., Any]
    copy: Callable[..., Any]
    memory: int
    seconds: float


_programs: dict[ProgramKey, "Future[Program]"] = {}
_lock = threading.Lock()
_pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="caviar-compile")
_beside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="caviar-compile-beside")


def request(key: ProgramKey) -> "Future[Program]":
    """Ask for a program; it compiles in the background unless it is there."""
    with _lock:
        if key not in _programs:
            # x64 is a setting of the thread in JAX: the compiling thread takes the caller's.
            wide = bool(jax.config.read("jax_enable_x64"))
            _programs[key] = _pool.submit(_compile, key, wide)
        return _programs[key]


def compile_seconds() -> tuple[int, float]:
    """Programs compiled in this process and the seconds they took."""
    done = [future.result() for future in list(_programs.values()) if future.done() and not future.exception()]
    return len(done), sum(program.seconds for program in done)


def empty_state(key: ProgramKey, slots: int) -> SlotState:
    """The state of `slots` empty slots, as NumPy arrays."""
    architecture = key.architecture
    dtype = np.dtype(architecture.dtype)
    layers, averages = first_layers(architecture, architecture.widths, kind="zeros", scale=0.0, seed=0)

    def many(leaf: Any) -> np.ndarray:
        return np.broadcast_to(leaf, (slots, *np.shape(leaf))).copy()

    parameters = jax.tree.map(many, layers)
    kept = jax.tree.map(many, averages)
    zeros = jax.tree.map(np.zeros_like, parameters)
    sums = (np.zeros(slots, dtype), np.zeros(slots, dtype), np.zeros(slots, dtype))
    train = TrainState(parameters, kept, Moments(zeros, zeros), *sums)
    rows = np.zeros((slots, key.eval_rows), dtype)
    infinite = np.full(slots, np.inf, dtype)
    best = Best(parameters, kept, infinite, infinite, np.zeros(slots, np.int32), rows, rows)
    return SlotState(train, best)


def _shapes(key: ProgramKey) -> tuple[Any, dict[str, Any], Data, Plan]:
    """Arguments of the segment as shapes, laid out over the devices."""
    dtype = np.dtype(key.architecture.dtype)
    split, whole = split_over(key.devices), whole_on(key.devices)

    def shaped(shape: tuple[int, ...], kind: Any, sharding: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(shape, np.dtype(kind), sharding=sharding)

    state = jax.tree.map(lambda leaf: shaped((key.slots, *leaf.shape[1:]), leaf.dtype, split), empty_state(key, 1))
    values = {
        name: shaped((key.slots, *array.shape[1:]), array.dtype, split)
        for name, array in slot_values([None], key.architecture).items()
    }
    columns = key.architecture.features
    data = Data(
        shaped((key.data_rows, columns), np.uint8 if key.pixels else dtype, whole),
        shaped((key.data_rows,), np.int32 if key.architecture.loss != "squared" else dtype, whole),
        shaped((key.data_rows,), dtype, whole),
        *(shaped((key.versions, columns), dtype, whole) for _ in ("scale", "shift", "spread")),
    )
    groups, batch = key.slots // key.group, key.architecture.batch_size
    plan = Plan(
        batches=shaped((groups, key.epochs, key.updates, batch + AFTER_ROWS), np.int32, split),
        ends=shaped((groups, key.epochs, 4), np.int32, split),
        rates=shaped((key.slots, key.epochs * key.updates, rate_columns(key.features)), dtype, split),
        versions=shaped((groups,), np.int32, split),
        updates=shaped((groups,), np.int32, split),
        epochs_before=shaped((key.slots,), np.int32, split),
        active=shaped((groups,), bool, split),
        eval_rows=shaped((groups, key.eval_rows), np.int32, split),
        eval_roles=shaped((groups, 3, key.eval_rows), dtype, split),
        epochs=shaped((), np.int32, whole),
        measure=shaped((), bool, whole),
    )
    return state, values, data, plan


def _compile(key: ProgramKey, wide: bool) -> Program:
    began = time.perf_counter()
    with jax.enable_x64(wide):
        state, values, data, plan = _shapes(key)
        admit = _beside.submit(_compiled_admit, key, state, wide)
        segment = build(key).lower(state, values, data, plan).compile()
    analysis = segment.memory_analysis()
    memory = int(getattr(analysis, "temp_size_in_bytes", 0) or 0)
    copy = jax.jit(_copy, donate_argnums=(0,), out_shardings=split_over(key.devices))
    return Program(segment, admit.result(), copy, memory, time.perf_counter() - began)


def _compiled_admit(key: ProgramKey, state: SlotState, wide: bool) -> Any:
    """(state, slots [A], parameters and averages [A, ...]) -> state."""
    function = over_devices(partial(_admit, key=key), key.devices, (SPLIT, WHOLE, WHOLE), SPLIT)
    some = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((ADMIT_AT_ONCE, *leaf.shape[1:]), leaf.dtype, sharding=whole_on(key.devices)),
        (state.train.parameters, state.train.averages),
    )
    slots = jax.ShapeDtypeStruct((ADMIT_AT_ONCE,), np.int32, sharding=whole_on(key.devices))
    with jax.enable_x64(wide):
        return function.lower(state, slots, some).compile()


def _admit(state: SlotState, slots: Any, fresh: Any, key: ProgramKey) -> SlotState:
    """New first weights in some slots of one device; their moments, averages and best start anew.

    Slot after slot is written in place: one loop compiles in a third less time than scattering into every array.
    Moments and averages that no program has used yet are the zeros they began as, and are left so.
    """
    own = key.slots // key.devices
    used = used_state(state, key.features)
    begun = SlotState(
        used.train._replace(parameters=state.train.parameters), used.best._replace(parameters=state.best.parameters)
    )
    first = own * jax.lax.axis_index(AXIS) if key.devices > 1 else 0

    def admit(number: Any, state: SlotState) -> SlotState:
        place = at(slots, number) - first
        here = (place >= 0) & (place < own)  # another device's slot, or −1: nobody's
        place = jnp.clip(place, 0, own - 1)

        def write(leaf: Any, value: Any) -> Any:
            old = jax.lax.dynamic_index_in_dim(leaf, place, keepdims=False, allow_negative_indices=False)
            new = jnp.where(here, jnp.asarray(value, leaf.dtype), old)
            return jax.lax.dynamic_update_index_in_dim(leaf, new, place, 0, allow_negative_indices=False)

        parameters, averages = jax.tree.map(lambda values: at(values, number), fresh)
        train, best = state
        averages = averages if train.averages is not None else None
        sums = (train.moments, train.cost_sum, train.error_sum, train.weight_sum)
        train = TrainState(
            jax.tree.map(write, train.parameters, parameters),
            jax.tree.map(write, train.averages, averages),
            *jax.tree.map(lambda leaf: write(leaf, 0), sums),
        )
        # Nothing of the slot's last trial may be read as this one's, even where no epoch of this one is measured.
        best = Best(
            jax.tree.map(write, best.parameters, parameters),
            jax.tree.map(write, best.averages, averages),
            value=write(best.value, jnp.inf),
            cost=write(best.cost, jnp.inf),
            epoch=write(best.epoch, 0),
            row_costs=write(best.row_costs, 0),
            row_errors=write(best.row_errors, 0),
        )
        return SlotState(train, best)

    return whole_state(jax.lax.fori_loop(0, ADMIT_AT_ONCE, admit, begun), state)


def _copy(state: SlotState, sources: Any) -> SlotState:
    return jax.tree.map(lambda leaf: leaf[sources], state)
