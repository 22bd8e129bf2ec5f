"""What a person did to a network while it trained, read from the events that were stored of it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from caviar.errors import StudyError
from caviar.records.events import Event
from caviar.search.hyperparameters import STRUCTURAL, complete, look_up

_ONLY_AT_FIRST = ("initialisation", "initialisation_scale")  # hyperparameters that act before the first update alone


@dataclass(frozen=True)
class Intervention:
    """One line of the log.

    Args:
        epoch: own epochs that the network had trained when it took effect.
        action: "set", "undo" (to before the last change) or "back" (to an earlier epoch).
        changes: the values set, by name.
        before: what they were.
        note: why, in the person's words.
        undone: whether it was taken back later.
    """

    epoch: int
    action: str
    changes: Mapping[str, Any]
    before: Mapping[str, Any]
    note: str = ""
    undone: bool = False

    @property
    def done(self) -> str:
        """What was done, without when.

        >>> Intervention(3, "set", {"learning_rate": 0.01}, {"learning_rate": 0.1}).done
        'learning_rate 0.1 → 0.01'
        """
        if self.action != "set":
            return f"back to epoch {self.epoch}"
        return ", ".join(
            f"{name} {_write(self.before[name])} → {_write(value)}" for name, value in self.changes.items()
        )

    def __str__(self) -> str:
        told = self.done if self.action != "set" else f"after epoch {self.epoch}: {self.done}"
        why = f" – {self.note}" if self.note else ""
        return told + why + (" (undone)" if self.undone else "")

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Earlier:
    """An earlier state of a network: where it was stored, and how its epoch is reached from there.

    Args:
        epoch: own epochs trained.
        checkpoint: its name; "": the first that there is.
        changes: to the network's first configuration that held at this epoch.
        undoes: places in the log of the changes made there or later.
    """

    epoch: int
    checkpoint: str
    changes: Mapping[str, Any]
    undoes: tuple[int, ...]


def log_of(events: Iterable[Event]) -> list[Intervention]:
    """Every intervention in its order, also those undone."""
    found: list[Intervention] = []
    for event in events:
        payload = event.payload
        if event.kind == "set":
            note = payload.get("note", "")
            found.append(Intervention(payload["epoch"], "set", payload["changes"], payload["before"], note))
        elif event.kind == "restore":
            for place in payload["undoes"]:
                found[place] = replace(found[place], undone=True)
            found.append(Intervention(payload["epoch"], payload["action"], {}, {}, payload.get("note", "")))
    return found


def changed(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration after some changes to a network that trains.

    Raises:
        SpaceError: a name is unknown or a value not allowed.
        StudyError: a change would need other arrays, or would do nothing any more.
    """
    if not changes:
        raise StudyError("Nothing to set was given. Write set(learning_rate=0.01), say.")
    for name in changes:
        if look_up(name).kind is STRUCTURAL:
            raise StudyError(
                f"'{name}' fixes the shapes of arrays, so it cannot change while a network trains. "
                f"Train another: study.babysit({{'{name}': …}}), or on the command line --new --set {name}=…."
            )
        if name in _ONLY_AT_FIRST:
            raise StudyError(f"'{name}' acts before the first update alone; to change it now would do nothing.")
    return complete({**before, **changes})


def last(events: list[Event]) -> Earlier:
    """The state before the last intervention not undone.

    Raises:
        StudyError: there is none.
    """
    standing = _standing(events)
    if not standing:
        raise StudyError("There is no intervention to undo.")
    place, payload = standing[-1]
    return Earlier(payload["epoch"], payload["checkpoint"], _changes(standing[:-1]), (place,))


def earlier(events: list[Event], epoch: int) -> Earlier:
    """The state when an epoch had just been trained, before anything was changed there."""
    standing = _standing(events)
    before = [one for one in standing if one[1]["epoch"] < epoch]
    after = standing[len(before) :]
    checkpoint = before[-1][1]["checkpoint"] if before else ""
    if after and after[0][1]["epoch"] == epoch:
        checkpoint = after[0][1]["checkpoint"]
    return Earlier(epoch, checkpoint, _changes(before), tuple(place for place, _ in after))


def _standing(events: list[Event]) -> list[tuple[int, dict[str, Any]]]:
    """The changes that were not undone, in order: place in the log, and what was stored of each."""
    log = log_of(events)
    stored = [event.payload for event in events if event.kind in ("set", "restore")]
    return [(place, stored[place]) for place, one in enumerate(log) if one.action == "set" and not one.undone]


def _changes(standing: list[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    """What some changes, one after the other, come to."""
    return {name: value for _, payload in standing for name, value in payload["changes"].items()}


def _write(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
