"""Measurement blocks keep every bit, and histories hold the measurements that count."""

import pickle
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from caviar.records.history import FIELDS, Block, Histories, History, assemble, pack, unpack
from caviar.records.probes import PROBES

from .making import make_block, make_probed, repeatable

int32 = st.integers(-(2**31), 2**31 - 1)


@st.composite
def blocks(draw):
    """Blocks of any 32 bits at all: every NaN, both zeros, denormal numbers, unordered headers."""
    n = draw(st.integers(0, 30))
    header = [draw(hnp.arrays(np.int32, n, elements=int32)) for _ in range(3)]
    bits = draw(hnp.arrays(np.uint32, (n, len(FIELDS))))
    return Block(*header, bits.view(np.float32))


@repeatable
@given(blocks())
def test_round_trip_keeps_every_bit(block):
    """A block comes back bit for bit, and packs to the same bytes again."""
    packed = pack(block)
    again = unpack(packed)
    assert again.same(block)
    assert pack(again) == packed


@repeatable
@given(blocks(), st.data())
def test_one_changed_bit_is_another_block(block, data):
    """`same` tells blocks apart that differ in a single bit of a single value."""
    if len(block) == 0:
        return
    bits = block.values.view(np.uint32).copy()
    row, field = data.draw(st.integers(0, len(block) - 1)), data.draw(st.integers(0, len(FIELDS) - 1))
    bits[row, field] ^= np.uint32(1 << data.draw(st.integers(0, 31)))
    assert not block.same(Block(block.slots, block.trials, block.epochs, bits.view(np.float32)))


@repeatable
@given(st.data())
def test_damaged_bytes_are_refused(data):
    """A packed block that was cut or changed in one byte is refused, never read as other numbers."""
    packed = pack(make_block(rows=20))
    place = data.draw(st.integers(0, len(packed) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(packed)
    changed[place] ^= flip
    for damaged in (packed[:place], bytes(changed)):
        try:
            found = unpack(damaged)
        except ValueError:
            continue
        assert found.same(unpack(packed))  # a byte of the deflate format that carries nothing


def test_packed_bombs_are_refused():
    """A block that claims few rows and unpacks to many bytes is refused before they fill the memory."""
    bomb = pack(make_block(rows=2))[:6] + zlib.compress(bytes(50_000_000))
    with pytest.raises(ValueError, match="expected"):
        unpack(bomb)


def test_size_of_a_segment():
    """256 slots measured for one epoch take less than 32 bytes a slot, against 52 raw."""
    assert len(pack(make_block(rows=256))) < 32 * 256


@pytest.mark.parametrize(
    "parts",
    [
        ([0], [0, 1], [1], np.zeros((1, 8))),
        ([0], [0], [1], np.zeros((1, 7))),
        ([0.5], [0], [1], np.zeros((1, 8))),
        ([0], [2**31], [1], np.zeros((1, 8))),
        ([[0]], [0], [1], np.zeros((1, 8))),
    ],
)
def test_blocks_that_do_not_fit_are_refused(parts):
    """A block whose columns differ in length, or are not whole numbers of 32 bits, is refused when it is made."""
    with pytest.raises(ValueError, match="block"):
        Block(*parts)


@repeatable
@given(st.lists(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 6)), max_size=6), max_size=8))
def test_the_last_run_through_an_epoch_counts(segments):
    """A history holds each epoch's last measurement, without those at or behind an epoch trained again later."""
    count = 0
    wanted: dict[int, dict[int, int]] = {}
    stored = []
    for rows in segments:
        values = np.zeros((len(rows), len(FIELDS)), np.float32)
        for i, (trial, epoch) in enumerate(rows):
            count += 1
            values[i] = count
            kept = {e: v for e, v in wanted.get(trial, {}).items() if e < epoch}
            wanted[trial] = kept | {epoch: count}
        trials, epochs = [r[0] for r in rows], [r[1] for r in rows]
        stored.append(Block(np.zeros(len(rows), int), np.array(trials, int), np.array(epochs, int), values))
    found = assemble(stored, 1, 3)
    assert sorted(found) == [trial for trial in (1, 2, 3) if trial in wanted]
    for trial, history in found.items():
        assert history["epoch"].tolist() == sorted(wanted[trial])
        assert history["dev_error"].tolist() == [wanted[trial][e] for e in sorted(wanted[trial])]


def test_a_history_has_every_field_by_epoch():
    """A history maps "epoch" and every field to float32 arrays of one length that nobody can change by mistake."""
    history = assemble([make_block(epoch=1), make_block(epoch=2)], 0, 7)[5]
    assert list(history) == ["epoch", *FIELDS]
    assert history["epoch"].tolist() == [1, 2]
    for name in FIELDS:
        assert history[name].dtype == np.float32
        with pytest.raises(ValueError, match="read-only"):
            history[name][0] = 0


def test_histories_are_read_once_and_only_when_looked_at():
    """Making a thousand histories reads nothing; looking at all of them reads the blocks once."""
    reads = []

    def load(first, last):
        reads.append((first, last))
        return [make_block(rows=1000, epoch=1)]

    histories = Histories(load)
    made = [histories.of(number) for number in range(1000)]
    assert reads == []
    assert [len(history["cost"]) for history in made] == [1] * 1000
    assert len(reads) == 1


def test_a_history_ends_where_its_record_says():
    """`until` cuts what a restore took back; a trial never measured has empty arrays."""
    histories = Histories(lambda first, last: [make_block(epoch=e) for e in (1, 2, 3)])
    assert histories.of(3, until=2)["epoch"].tolist() == [1, 2]
    assert histories.of(99)["dev_error"].shape == (0,)


def test_a_history_can_be_pickled():
    """A history travels to another process as a plain dictionary of its arrays."""
    history = Histories(lambda first, last: [make_block()]).of(2)
    assert isinstance(history, History)
    copy = pickle.loads(pickle.dumps(history))
    assert {name: column.tobytes() for name, column in copy.items()} == {n: c.tobytes() for n, c in history.items()}


# ---- probes ---------------------------------------------------------------------------------------------------------


def test_probes_come_back_bit_for_bit():
    """A block with probes comes back as it was; one changed bit, or none measured at all, is another block."""
    block = make_probed()
    again = unpack(pack(block))
    assert again.same(block) and again.probes.shape == (8, 3, len(PROBES))
    assert pack(again) == pack(block)
    changed = block.probes.copy()
    changed[3, 1, 0] += 1.0
    assert not block.same(replace(block, probes=changed))
    assert not block.same(replace(block, probes=None)) and not block.same(make_probed(layers=2))


def test_blocks_without_probes_are_as_they_always_were():
    """A block without probes packs to the version that earlier studies hold, which begins with 1."""
    assert pack(make_block())[0] == 1 and pack(make_probed())[0] == 2
    assert unpack(pack(make_block())).probes is None


def test_size_with_probes():
    """Probes take less than 2.2 bytes a number, against 4 raw: half of each mantissa is rounded away."""
    rows, layers = 256, 3
    more = len(pack(make_probed(rows=rows, layers=layers))) - len(pack(make_block(rows=rows)))
    assert more < 2.2 * rows * layers * len(PROBES)


def test_histories_of_different_depth():
    """Trials of cohorts of different depth, and trials without probes, each have the probes of their own layers."""
    deep, flat = make_probed(rows=2, layers=4, trials=[0, 1]), make_probed(rows=1, layers=2, trials=[2])
    found = assemble([deep, flat, make_block(rows=1, trials=[3])], 0, 3)
    np.testing.assert_array_equal(found[1]["update_ratio"], deep.probes[1:2, :, PROBES.index("update_ratio")])
    assert found[2]["log10_gradient_norm"].shape == (1, 2)
    assert set(found[3]) == {"epoch", *FIELDS}
    assert not found[0]["update_ratio"].flags.writeable


@pytest.mark.parametrize("shape", [(7, 3, len(PROBES)), (8, 3, 2), (8, 0, len(PROBES)), (8, len(PROBES))])
def test_probes_that_do_not_fit_are_refused(shape):
    """Probes of other rows, other numbers or no layer are refused when the block is made."""
    with pytest.raises(ValueError, match="needs probes"):
        replace(make_block(), probes=np.zeros(shape))


def test_blocks_of_eight_fields_are_still_read() -> None:
    """What was stored before there were `dev_value` and `running_error` gives all else, and NaN there."""
    # Two rows, packed by the version that knew eight fields: slots 0 and 1, trials 4 and 5, epoch 3, values 0 to 15.
    values = np.arange(16, dtype="<f4").reshape(2, 8)
    columns = [np.array(pair, "<i4") for pair in ((0, 1), (4, 5), (3, 3))]
    planes = [np.diff(column.view("<u4"), prepend=np.uint32(0)).astype("<u4") for column in columns]
    planes += list(values.T.copy())
    raw = b"".join(np.ascontiguousarray(one).view(np.uint8).reshape(-1, 4).T.tobytes() for one in planes)
    found = unpack(struct.pack("<BBI", 1, 8, 2) + zlib.compress(raw))
    assert (found.slots.tolist(), found.trials.tolist(), found.epochs.tolist()) == ([0, 1], [4, 5], [3, 3])
    assert np.array_equal(found.values[:, :8], values)
    assert np.isnan(found.values[:, 8:]).all() and FIELDS[8:] == ("dev_value", "running_error")
