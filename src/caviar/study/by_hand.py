"""What was done by hand to the networks of a study, read from its store: interventions, and parts taken back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.records.events import Event
from caviar.records.history import FIELDS, Block
from caviar.study.interventions import Intervention, log_of
from caviar.study.ranking import compared_by
from caviar.study.spec import BY_HAND
from caviar.study.yardstick import Yardstick, yardstick_of

if TYPE_CHECKING:
    from caviar.study.study import Study

Point = tuple[int, float]  # own epoch, dev error after it, or what trials are compared by as it is known


@dataclass(frozen=True)
class Mark:
    """An intervention and where it stands on the curve.

    Args:
        intervention: what was done.
        error: the dev error when it was done, or in its place the metric that trials are compared by, as it is known;
            NaN before the first epoch.
    """

    intervention: Intervention
    error: float


@dataclass(frozen=True)
class ByHand:
    """One network that was trained by hand.

    Args:
        trial: its number.
        source: the trial that it branches off, or None.
        start: own epochs that it had trained when it was begun; 0 without a source.
        marks: every intervention in its order, also those undone.
        taken_back: parts of the curve that were trained and then taken back, each from the epoch gone back to.
    """

    trial: int
    source: int | None
    start: int
    marks: tuple[Mark, ...]
    taken_back: tuple[tuple[Point, ...], ...]


def by_hand(study: "Study") -> list[ByHand]:
    """Every network of a study that was trained by hand, in the order in which they were begun."""
    found = []
    for campaign in study.campaigns:
        if campaign.kind != BY_HAND:
            continue
        about = campaign.about
        lane = int(about["lane"])
        events = study.store.events(lane)
        errors, parts = _walk(_in_order(events, list(study.store.blocks(lane))), study.metric, yardstick_of(study))
        marks = tuple(Mark(one, error) for one, error in zip(log_of(events), errors, strict=True))
        found.append(ByHand(campaign.first_trial, about.get("from"), int(about.get("epoch", 0)), marks, tuple(parts)))
    return found


def _in_order(events: list[Event], blocks: list[tuple[int, Block]]) -> Iterator[Event | Block]:
    """What was decided and what was measured, as it came."""
    stamped: list[tuple[int, Any]] = [(event.tick, event) for event in events]
    for _, one in sorted([*stamped, *blocks], key=lambda pair: pair[0]):
        yield one


def _walk(
    happened: Iterator[Event | Block], metric: str, stick: Yardstick | None
) -> tuple[list[float], list[tuple[Point, ...]]]:
    """The error at each intervention, and the parts of the curve that were taken back."""
    errors: list[float] = []
    parts: list[tuple[Point, ...]] = []
    path: list[Point] = []
    at = FIELDS.index("dev_error" if stick is None else compared_by(metric))
    for one in happened:
        if isinstance(one, Block):
            first = int(one.epochs.min())
            values = np.asarray(one.values)[:, at]
            known = values if stick is None else stick.known(values)
            measured = zip(one.epochs.tolist(), known.tolist(), strict=True)
            path = [*(point for point in path if point[0] < first), *measured]
        elif one.kind in ("set", "restore"):
            epoch = int(one.payload["epoch"])
            if one.kind == "restore":
                if path and path[-1][0] > epoch:
                    parts.append(tuple(point for point in path if point[0] >= epoch))
                path = [point for point in path if point[0] <= epoch]
            errors.append(path[-1][1] if path else float("nan"))
    return errors, parts
