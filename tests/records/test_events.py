"""Events survive packing, and damage is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.records.events import KINDS, Event, pack, unpack

from .making import make_events, repeatable

payloads = st.dictionaries(st.text(max_size=6), st.floats(allow_nan=False) | st.integers() | st.text() | st.booleans())
numbers = st.integers(-1, 2**40)
some_events = st.lists(
    st.builds(Event, st.just(3), numbers, numbers, st.sampled_from(KINDS), numbers, numbers, payloads, st.text())
)


@repeatable
@given(some_events)
def test_round_trip(events):
    """Events come back equal and in order, infinite values in their payloads included."""
    assert unpack(3, pack(events)) == events


@repeatable
@given(some_events)
def test_same_events_same_bytes(events):
    """Events that are equal pack to the same bytes."""
    copies = [
        Event(e.lane, e.tick, e.sequence, e.kind, e.slot, e.trial, dict(reversed(e.payload.items())), e.author)
        for e in events
    ]
    assert pack(copies) == pack(events)


@repeatable
@given(st.data())
def test_damaged_bytes_are_refused(data):
    """Packed events that were cut or changed in one byte are refused, never read as other events."""
    packed = pack(make_events(4, count=10))
    place = data.draw(st.integers(0, len(packed) - 1))
    changed = bytearray(packed)
    changed[place] ^= data.draw(st.integers(1, 255))
    for damaged in (packed[:place], bytes(changed)):
        try:
            found = unpack(0, damaged)
        except ValueError:
            continue
        assert found == make_events(4, count=10)  # a byte of the deflate format that carries nothing


def test_unknown_kind_is_refused():
    """An event of a kind that no replay knows is refused when it is made."""
    with pytest.raises(ValueError, match=r"admit.*'promote'"):
        Event(0, 0, 0, "promote")


def test_payload_must_be_plain():
    """A payload that cannot be read back without executing code is refused when it is stored."""
    with pytest.raises(TypeError, match="stored"):
        pack([Event(0, 0, 0, "set", payload={"value": object()})])
