"""A cohort: the slots that share one compiled program. The host edits slots between two segments."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from caviar.networks.architecture import Architecture
from caviar.networks.mlp import cut, first_layers
from caviar.training import device
from caviar.training.batches import GroupStream, Version, counts_of, epoch_tables, eval_tables, keys_of, stack
from caviar.training.carried import Plan, ProgramKey, SlotState
from caviar.training.compiling import ADMIT_AT_ONCE, Program, empty_state, request
from caviar.training.features import Features
from caviar.training.layout import Layout, room_for
from caviar.training.measurements import Measured, measured_of
from caviar.training.memory import slot_bytes
from caviar.training.mixing import with_shares
from caviar.training.probes import ends_of
from caviar.training.program import split_over, whole_on
from caviar.training.values import Assignment, rates, slot_values


class Cohort:
    """The slots that share one program, and the five edits: admit, evict, copy, set, restore.

    Args:
        architecture, features, layout: what the program is compiled for.
        versions: the encoded data.
        groups: the stream of each group.
    """

    def __init__(
        self,
        architecture: Architecture,
        features: Features,
        layout: Layout,
        versions: Sequence[Version],
        groups: Sequence[GroupStream],
    ) -> None:
        assert len(groups) == layout.groups and layout.slots % (layout.group * layout.devices) == 0
        self.architecture = architecture
        self.layout = layout
        self.groups = list(groups)
        # Batches of an epoch of each group's stream.
        self._own_updates = np.asarray([group.updates(architecture.batch_size) for group in groups])
        self.updates = int(self._own_updates.max())
        data = stack(versions, architecture.features, architecture.dtype)
        self._row_weights = data.weights
        rows, roles = eval_tables(groups, data.weights, architecture.dtype)
        self.eval_rows, self.eval_roles = rows, roles
        self.key = ProgramKey(
            architecture=architecture,
            features=features,
            slots=layout.slots,
            group=layout.group,
            devices=layout.devices,
            epochs=layout.epochs,
            updates=room_for(self.updates),
            eval_rows=rows.shape[1],
            data_rows=len(data.targets),
            versions=len(versions),
            pixels=data.inputs.dtype == np.uint8,
        )
        self._data_host = data
        self._data: Any = None
        self._program: Program | None = None
        self._pending = request(self.key)
        self.slots: list[Assignment | None] = [None] * layout.slots
        self.own_epochs = np.zeros(layout.slots, np.int64)
        self.stream_epochs = np.zeros(layout.groups, np.int64)  # epochs that each group's stream has run
        self.partway = 0  # batches of the present epoch already trained
        self.state: Any = None
        self._values: Any = None
        self._fixed: dict[str, Any] = {}
        self._extents: dict[tuple[int, bool], dict[str, Any]] = {}

    # ---- setting up -------------------------------------------------------------------------------------------

    def ready(self) -> "Cohort":
        """Wait for the program, and place the data and the empty state on the devices."""
        if self._program is None:
            self._program = self._pending.result()
            whole, split = whole_on(self.layout.devices), split_over(self.layout.devices)
            self._data = jax.device_put(self._data_host, whole)
            if self.state is None:
                self.state = jax.device_put(empty_state(self.key, self.layout.slots), split)
            self._fixed = {
                "updates": jax.device_put(self._own_updates.astype(np.int32), split),
                "versions": jax.device_put(np.asarray([g.version for g in self.groups], np.int32), split),
                "eval_rows": jax.device_put(self.eval_rows, split),
                "eval_roles": jax.device_put(self.eval_roles, split),
            }
        return self

    def try_out(self) -> None:
        """Place everything on an accelerator and run the program over no epoch, to learn whether its memory suffices.

        On a CPU nothing is tried: running out kills the process there, so it is computed beforehand.

        Raises:
            MemoryError: it does not; of this cohort nothing stays on the device.
        """
        if device.on_cpu():
            return
        try:
            self.ready()
            plan = self._plan(1, 0, 0)._replace(epochs=jax.device_put(np.int32(0), whole_on(self.layout.devices)))
            values = jax.device_put(slot_values(self.slots, self.architecture), split_over(self.layout.devices))
            assert self._program is not None
            self.state, measured = self._program.segment(self.state, values, self._data, plan)
            jax.block_until_ready(measured)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            self.state = self._data = self._program = None
            self._fixed = {}
            raise MemoryError(str(error).partition("\n")[0]) from None

    def bytes_needed(self) -> int:
        """Bytes that the cohort takes over all devices: data, state, a checkpoint's copy, the program's own buffers."""
        own = slot_bytes(self.architecture, self.key.eval_rows)
        data = sum(array.nbytes for array in self._data_host)
        program = self._pending.result()
        return self.layout.devices * (data + program.memory) + 2 * self.layout.slots * own

    def move(self, features: Features) -> None:
        """Go on in another program, for slots that use more than this one holds; the state's layout is the same."""
        if features != self.key.features:
            self.key = ProgramKey(**{**self.key.__dict__, "features": features})
            self._pending, self._program = request(self.key), None

    # ---- the five edits ---------------------------------------------------------------------------------------

    def admit(self, admissions: Mapping[int, Assignment]) -> None:
        """New trials into free slots, at the start of their streams' epochs."""
        assert self.partway == 0, "admission happens at a stream's epoch start"
        order = sorted(admissions)
        for slot in order:
            assert self.slots[slot] is None, f"slot {slot} is taken"
        self.ready()
        for first in range(0, len(order), ADMIT_AT_ONCE):
            self._write(order[first : first + ADMIT_AT_ONCE], admissions)
        for slot in order:
            self.slots[slot] = admissions[slot]
            self.own_epochs[slot] = 0
        self._values = None

    def _write(self, order: list[int], admissions: Mapping[int, Assignment]) -> None:
        fresh = []
        for slot in order:
            own = admissions[slot]
            fresh.append(
                first_layers(
                    self.architecture,
                    own.widths,
                    kind=own.configuration["initialisation"],
                    scale=own.configuration["initialisation_scale"],
                    seed=own.seed,
                )
            )
        while len(fresh) < ADMIT_AT_ONCE:
            fresh.append(fresh[-1])
        numbers = np.asarray(order + [-1] * (ADMIT_AT_ONCE - len(order)), np.int32)
        stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *fresh)
        assert self._program is not None
        self.state = self._program.admit(self.state, numbers, stacked)

    def evict(self, slot: int) -> None:
        """Make room in a slot; what it held stays until somebody is admitted."""
        self.slots[slot] = None
        self._values = None

    def copy(self, sources: Mapping[int, int]) -> None:
        """Slot k becomes what slot sources[k] was (all at once), with its assignment and its own epochs."""
        self.ready()
        whole = np.arange(self.layout.slots, dtype=np.int32)
        for target, source in sources.items():
            whole[target] = source
        assert self._program is not None
        self.state = self._program.copy(self.state, whole)
        self.slots = [self.slots[source] for source in whole]
        self.own_epochs = self.own_epochs[whole]
        self._values = None

    def set(self, slot: int, assignment: Assignment) -> None:
        """Change a live slot's hyperparameters; its weights and moments stay."""
        assert self.slots[slot] is not None
        self.slots[slot] = assignment
        self._values = None

    # ---- running ----------------------------------------------------------------------------------------------

    def live(self) -> list[int]:
        """The slots that hold a trial."""
        return [number for number, slot in enumerate(self.slots) if slot is not None]

    def run(self, epochs: int = 1, batches: int | None = None) -> Measured | None:
        """Train whole epochs, or at most `batches` of one.

        Returns:
            The measurements, or None when the end of the epoch has not been reached.
        """
        self.ready()
        assert 1 <= epochs <= self.layout.epochs
        start = self.partway
        stop = self._stop(start, batches)
        whole = stop == self.updates
        assert epochs == 1 or (start == 0 and whole), "several epochs run whole or not at all"
        plan = self._plan(epochs, start, stop)
        if self._values is None:
            values = slot_values(self.slots, self.architecture)
            self._values = jax.device_put(values, split_over(self.layout.devices))
        assert self._program is not None
        self.state, measured = self._program.segment(self.state, self._values, self._data, plan)
        self.partway = 0 if whole else stop
        if not whole:
            jax.block_until_ready(measured)
            return None
        with np.errstate(over="ignore"):  # a cost beyond float32 becomes infinite: failure is data
            # An explicit copy: the buffer dies.
            found = measured_of(np.array(measured, np.float32), self.slots, self.own_epochs, epochs, self.key)
        self.stream_epochs += epochs
        for slot in self.live():
            self.own_epochs[slot] += epochs
        return found

    def _stop(self, start: int, batches: int | None) -> int:
        """Where a part of an epoch ends. What probes look at must not depend on how an epoch was cut into parts."""
        stop = self.updates if batches is None else min(self.updates, start + batches)
        return self.updates if self.key.features.probes and stop > int(self._own_updates.min()) - 2 else stop

    def _busy(self) -> np.ndarray:
        held = np.asarray([slot is not None for slot in self.slots])
        return np.asarray(held.reshape(self.layout.groups, self.layout.group).any(axis=1))

    def _plan(self, epochs: int, start: int, stop: int) -> Plan:
        layout, room = self.layout, (self.layout.epochs, self.key.updates)
        laid = [[int(first) + e for e in range(epochs)] for first in self.stream_epochs]
        batches = epoch_tables(self.groups, laid, self.architecture.batch_size, room)
        table = rates(self.slots, self.own_epochs, self._own_updates, epochs, room)
        if self.key.features.augmentation.mixup:
            table = with_shares(table, self.slots, keys_of(batches))
        dtype = self.architecture.dtype
        moving = {
            "batches": batches,
            "ends": ends_of(counts_of(batches), start, np.minimum(stop, self._own_updates), stop == self.updates),
            "rates": table.reshape(layout.slots, -1, table.shape[-1]).astype(dtype),
            "epochs_before": self.own_epochs.astype(np.int32),
            "active": self._busy(),
        }
        extent = self._extent(epochs, stop == self.updates)
        return Plan(**jax.device_put(moving, split_over(layout.devices)), **extent, **self._fixed)

    def _extent(self, epochs: int, measure: bool) -> dict[str, Any]:
        """How far a segment goes, on the devices, where placing a number costs as much as placing a table."""
        if (epochs, measure) not in self._extents:
            numbers = {"epochs": np.int32(epochs), "measure": np.bool_(measure)}
            self._extents[epochs, measure] = jax.device_put(numbers, whole_on(self.layout.devices))
        return self._extents[epochs, measure]

    # ---- reading ----------------------------------------------------------------------------------------------

    def best(self, slot: int) -> dict[str, np.ndarray]:
        """The arrays of the slot's best epoch, cut to its own sizes, for a saved model."""
        assignment = self.slots[slot]
        assert assignment is not None
        best = self.state.best
        parameters, averages = _read((best.parameters, best.averages), slot)
        c = assignment.configuration
        normed = bool(c["batch_norm"]) and bool(c["hidden"])
        return cut(parameters, averages, assignment.widths, normed, c["batch_norm_place"], c["batch_norm_output"])

    def best_epochs(self) -> np.ndarray:
        """The best own epoch of every slot so far [K], by the very comparison that kept its weights; 0: none yet."""
        return np.array(self.state.best.epoch)

    def best_rows(self, slot: int) -> tuple[np.ndarray, np.ndarray]:
        """Cost and error per dev row (in the stream's order) at the slot's best epoch."""
        costs, errors = _read((self.state.best.row_costs, self.state.best.row_errors), slot)
        stream = self.groups[slot // self.layout.group].stream
        dev = slice(len(stream.sample), len(stream.sample) + len(stream.dev))
        return costs[dev], errors[dev]

    def read_state(self) -> SlotState:
        """A copy of the whole state on the host."""
        copied: SlotState = jax.tree.map(np.array, self.state)
        return copied

    def write_state(self, state: SlotState) -> None:
        """Put a copied state back."""
        self.state = jax.device_put(state, split_over(self.layout.devices))

    def state_arrays(self) -> dict[str, np.ndarray]:
        """`read_state` leaf by leaf under its number; empty before anything was placed."""
        leaves = [] if self.state is None else jax.tree.leaves(self.read_state())
        return {f"state.{number}": leaf for number, leaf in enumerate(leaves)}

    def put_state_arrays(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Put back what `state_arrays` gave."""
        structure: Any = jax.tree.structure(self.ready().state)
        leaves = [arrays[f"state.{number}"] for number in range(structure.num_leaves)]
        self.write_state(jax.tree.unflatten(structure, leaves))


def _read(tree: Any, slot: int) -> Any:
    """One slot of a tree of device arrays as NumPy copies, read from the device that holds it."""

    def read(leaf: Any) -> np.ndarray:
        share = leaf.shape[0] // len(leaf.addressable_shards)
        for shard in leaf.addressable_shards:
            begin = shard.index[0].start or 0
            if begin <= slot < begin + share:
                # A copy: a living view of a donated buffer would silently cancel the donation.
                return np.array(np.asarray(shard.data)[slot - begin])
        raise AssertionError(f"slot {slot} is on no device of this process")

    return jax.tree.map(read, tree)
