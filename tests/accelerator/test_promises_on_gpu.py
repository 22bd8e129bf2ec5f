"""The engine's promises hold on a GPU: one device, all slots in one group.

Where only JAX, NumPy, jaxtyping and pytest are installed:

    PYTHONPATH=src:tests python -m pytest --noconftest -m gpu tests/accelerator
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

from caviar.training import memory
from caviar.training.cohort import Cohort, Layout
from promises import grid

LAYOUT = Layout(slots=64, group=64, devices=1, epochs=8)
SICK = (3, 17, 44, 58)
HEALTHY = [slot for slot in range(LAYOUT.slots) if slot not in SICK]

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(jax.default_backend() not in ("gpu", "cuda", "rocm"), reason="needs a GPU"),
]


@pytest.fixture
def wide() -> Iterator[None]:
    """JAX in 64 bits for the length of a test."""
    with grid.wide():
        yield


def trials(problem: grid.Problem) -> dict[int, Any]:
    """The grid's first trials, all on the one stream of the one group."""
    configurations = grid.configurations()
    return {
        slot: grid.assignment(problem, slot, configurations[slot], group=LAYOUT.slots) for slot in range(LAYOUT.slots)
    }


def trained(dtype: str, chosen: dict[int, Any], epochs: int = 7) -> tuple[Cohort, Any]:
    """A cohort of the chosen trials after some epochs, and its measurements."""
    cohort = grid.cohort(grid.problem(), grid.architecture(dtype=dtype), layout=LAYOUT)
    cohort.admit(chosen)
    return cohort, cohort.run(epochs)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("slot", [0, 27, 58])
def test_alone_equals_among_others(slot: int) -> None:
    """A trial trained alone equals the trial among 63 others, in double precision to 1e-9."""
    every = trials(grid.problem())
    crowd, _ = trained("float64", every)
    alone, _ = trained("float64", {slot: every[slot]})
    apart = grid.distance(grid.slots_of(alone.read_state(), [slot]), grid.slots_of(crowd.read_state(), [slot]))
    assert apart < 1e-9


def test_alone_in_single_precision() -> None:
    """After 21 updates in single precision a trial alone is within 1e-4 of the trial among others: no TF32."""
    every = trials(grid.problem())
    crowd, _ = trained("float32", every)
    for slot in (0, 27, 58):
        alone, _ = trained("float32", {slot: every[slot]})
        apart = grid.distance(grid.slots_of(alone.read_state(), [slot]), grid.slots_of(crowd.read_state(), [slot]))
        assert apart < 1e-4


def test_single_precision_is_not_rounded_further() -> None:
    """Products keep float32's 24 bits: a silent TF32 (11 bits) would be a thousand times further from float64."""
    generator = np.random.default_rng(0)
    one, other = (generator.standard_normal((256, 256)).astype(np.float32) for _ in range(2))
    exact = one.astype(np.float64) @ other.astype(np.float64)
    assert np.abs(np.asarray(jax.numpy.asarray(one) @ jax.numpy.asarray(other)) - exact).max() < 1e-3


@pytest.mark.parametrize("dtype", ["float32"])
def test_a_diverged_slot_changes_no_other(dtype: str) -> None:
    """Slots that overflow change no other slot by a bit."""
    every = trials(grid.problem())
    exploding = {
        slot: replace(
            every[slot],
            configuration={**every[slot].configuration, "learning_rate": 1e30, "clip_norm": np.inf, "warmup": 0.0},
        )
        for slot in SICK
    }
    well, told = trained(dtype, every)
    ill, told_ill = trained(dtype, every | exploding)
    assert grid.same_bits(grid.slots_of(well.read_state(), HEALTHY), grid.slots_of(ill.read_state(), HEALTHY))
    among = np.isin(told.slots, HEALTHY)
    assert grid.same_bits([told.fields[among]], [told_ill.fields[among]])
    sick = grid.slots_of(ill.read_state().train.parameters, SICK)
    assert any(not (np.abs(leaf) < 1e6).all() for leaf in sick)


def test_the_same_twice_and_in_other_segments() -> None:
    """The same training twice is the same bit for bit, and so are one segment of six epochs and six of one."""
    every = trials(grid.problem())
    whole, _ = trained("float32", every, 6)
    again, _ = trained("float32", every, 6)
    parts, _ = trained("float32", every, 1)
    for _ in range(5):
        parts.run(1)
    slots = range(LAYOUT.slots)
    assert grid.same_bits(grid.slots_of(whole.read_state(), slots), grid.slots_of(again.read_state(), slots))
    assert grid.same_bits(grid.slots_of(whole.read_state(), slots), grid.slots_of(parts.read_state(), slots))


def test_slots_may_be_permuted() -> None:
    """The same trials in the opposite order of slots train the same, in double precision to 1e-9."""
    with grid.wide():
        every = trials(grid.problem())
        backwards = {LAYOUT.slots - 1 - slot: own for slot, own in every.items()}
        one, _ = trained("float64", every)
        other, _ = trained("float64", backwards)
        slots = np.arange(LAYOUT.slots)
        apart = grid.distance(
            grid.slots_of(one.read_state(), slots), grid.slots_of(other.read_state(), slots[::-1].copy())
        )
        assert apart < 1e-9


def test_a_copied_state_is_restored_bit_for_bit() -> None:
    """A state read from the GPU and written back goes on as if nothing had happened."""
    every = trials(grid.problem())
    one, _ = trained("float32", every, 3)
    kept = one.read_state()
    one.run(2)
    ended = one.read_state()
    other = grid.cohort(grid.problem(), grid.architecture(dtype="float32"), layout=LAYOUT)
    other.run(3)
    other.admit(every)
    other.write_state(kept)
    other.own_epochs[:] = 3
    other.run(2)
    slots = range(LAYOUT.slots)
    assert grid.same_bits(grid.slots_of(ended, slots), grid.slots_of(other.read_state(), slots))


def test_the_memory_limit_is_the_devices() -> None:
    """What may be planned with is what the GPU itself reports, not the host's memory."""
    stats = jax.devices()[0].memory_stats()
    assert 0 < memory.available() <= stats["bytes_limit"]
