"""Events: every edit of a slot, with what was decided rather than how, packed one row a segment."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from caviar.records import plain

# The five edits, and "note" for what the log must say without editing a slot: "to rounding from tick t", a signature.
KINDS = ("admit", "evict", "copy", "set", "restore", "note")
_VERSION = b"\x01"
_LARGEST = 1 << 28  # bytes of one unpacked segment: a bound for damaged files, far above any real one


@dataclass(frozen=True)
class Event:
    """One edit, stored before it takes effect.

    Args:
        lane: the lane it belongs to.
        tick: the look of the host at which it takes effect.
        sequence: its place among the events of the tick.
        kind: one of KINDS.
        slot: the slot edited; −1 for a note.
        trial: the trial concerned; −1 for a note.
        payload: what was decided, in plain values, complete enough to replay without sampler or clock.
        author: who decided: "sampler", "stopping", "person", ...

    >>> Event(0, 5, 0, "evict", 17, 230, {"status": "stopped"}, "stopping").slot
    17
    """

    lane: int
    tick: int
    sequence: int
    kind: str
    slot: int = -1
    trial: int = -1
    payload: dict[str, Any] = field(default_factory=dict)
    author: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"An event is one of {', '.join(KINDS)}. Got {self.kind!r}.")


def pack(events: Iterable[Event]) -> bytes:
    """The events of one lane and segment as bytes, equal for equal events: a version byte, then deflated JSON.

    Raises:
        TypeError: a payload holds something that is not plain.
    """
    rows = [[e.tick, e.sequence, e.kind, e.slot, e.trial, e.payload, e.author] for e in events]
    return _VERSION + zlib.compress(plain.encode(rows).encode("ascii"), 1)


def unpack(lane: int, packed: bytes) -> list[Event]:
    """The events that `pack` wrote.

    Raises:
        ValueError: the bytes are damaged or of another version.

    >>> event = Event(2, 0, 0, "note", payload={"text": "begun"})
    >>> unpack(2, pack([event])) == [event]
    True
    """
    if packed[:1] != _VERSION:
        raise ValueError("packed events of an unknown version")
    opened = zlib.decompressobj()
    try:
        text = opened.decompress(packed[1:], _LARGEST)
    except zlib.error as error:
        raise ValueError(f"packed events are damaged: {error}") from None
    if not opened.eof:
        raise ValueError("packed events are cut short")
    try:
        return [Event(lane, *row) for row in plain.decode(text)]
    except TypeError as error:
        raise ValueError(f"packed events are damaged: {error}") from None
