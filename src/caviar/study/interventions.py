"""What a person did to a network while it trained, read from the events that were stored of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from caviar.errors import StudyError
from caviar.records.events import Event


@dataclass(frozen=True)
class Intervention:
    """One line of the log.

    Args:
        epoch: own epochs that the network had trained when it took effect.
        action: "set", or "undo".
        changes: the values set, by name.
        before: what they were.
        undone: whether it was taken back later.
    """

    epoch: int
    action: str
    changes: Mapping[str, Any]
    before: Mapping[str, Any]
    undone: bool = False

    def __str__(self) -> str:
        if self.action == "undo":
            return f"back to epoch {self.epoch}"
        pairs = (f"{name} {_write(self.before[name])} → {_write(value)}" for name, value in self.changes.items())
        return f"after epoch {self.epoch}: {', '.join(pairs)}" + (" (undone)" if self.undone else "")


def log_of(events: Iterable[Event]) -> list[Intervention]:
    """Every intervention in its order, also those undone."""
    found: list[Intervention] = []
    for event in events:
        payload = event.payload
        if event.kind == "set":
            found.append(Intervention(payload["epoch"], "set", payload["changes"], payload["before"]))
        elif event.kind == "restore":
            place = int(payload["undoes"])
            found[place] = replace(found[place], undone=True)
            found.append(Intervention(payload["epoch"], "undo", {}, {}))
    return found


def last(events: list[Event]) -> tuple[int, dict[str, Any]]:
    """The last intervention not undone: its place in the log, and what was stored of it.

    Raises:
        StudyError: there is none.
    """
    log = log_of(events)
    stored = [event.payload for event in events if event.kind in ("set", "restore")]
    for place in reversed(range(len(log))):
        if log[place].action == "set" and not log[place].undone:
            return place, stored[place]
    raise StudyError("There is no intervention to undo.")


def _write(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
