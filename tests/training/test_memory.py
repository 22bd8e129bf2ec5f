"""How many slots fit."""

import jax
import pytest

from caviar.networks.architecture import Architecture
from caviar.training import device, memory
from caviar.training.carried import ProgramKey
from caviar.training.compiling import empty_state
from caviar.training.features import Features

device.start()

SHAPES = [Architecture(64, (128, 64), 10), Architecture(1, (500,), 1), Architecture(784, (1024, 512, 256), 10),
          Architecture(5, (), 3), Architecture(6, (8, 6), 4, dtype="float64")]  # fmt: skip


@pytest.mark.parametrize("shapes", SHAPES)
def test_a_slot_is_not_counted_too_small(shapes):
    """The bytes counted for a slot are at least those of its state, and at most five times them and its batch."""
    key = ProgramKey(shapes, Features(), 1, 1, 1, 1, 4, 256, 64, 1, False)
    state = sum(leaf.nbytes for leaf in jax.tree.leaves(empty_state(key, 1)))
    counted = memory.slot_bytes(shapes, 256)
    size = 8 if shapes.dtype == "float64" else 4
    assert state <= counted <= 5 * (state + size * shapes.batch_size * sum(shapes.widths))


def test_memory_is_found():
    """There is memory, and no more than the machine has."""
    free = memory.available()
    assert 0 < free <= memory._meminfo() * 1.5 or not device.on_cpu()


def test_most_slots(monkeypatch):
    """Slots fit into half of the free memory beside the data on every device; at least one, whatever there is."""
    monkeypatch.setattr(memory, "available", lambda: 1 << 30)
    own = memory.slot_bytes(SHAPES[0], 1024)
    assert memory.most_slots(SHAPES[0], 1024, 0, 2) == (1 << 29) // (2 * own)
    assert memory.most_slots(SHAPES[0], 1024, 100 << 20, 2) == ((1 << 29) - (200 << 20)) // (2 * own)
    assert memory.most_slots(SHAPES[0], 1024, 1 << 40, 2) == 1
    assert memory.most_slots(SHAPES[0], 1024, 0, 2) > memory.most_slots(SHAPES[2], 1024, 0, 2)


@pytest.mark.parametrize("shapes", SHAPES)
def test_groups_stay_within_bounds(shapes):
    """A group has at least one slot and at most sixteen, and larger networks make smaller groups."""
    assert 1 <= memory.group_size(shapes) <= memory.MOST_PER_GROUP
    assert memory.group_size(SHAPES[2]) < memory.group_size(SHAPES[3]) == memory.MOST_PER_GROUP
