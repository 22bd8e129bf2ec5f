"""The stored states of a network that is trained by hand: checkpoints to go on from, to undo and to branch off."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.records import beside, checkpoints
from caviar.records.entries import Artefact
from caviar.records.trial import Trial
from caviar.study import checkpoint
from caviar.study.lane import Lane
from caviar.study.spec import BY_HAND

if TYPE_CHECKING:
    from caviar.study.study import Study


def stored(study: "Study", number: int) -> list[Artefact]:
    """The checkpoints of a network, the oldest first.

    Args:
        number: of its lane.
    """
    own = [found for found in study.store.artefacts(BY_HAND) if found.about["lane"] == number]
    return sorted(own, key=lambda artefact: int(artefact.about["tick"]))


def save(study: "Study", lane: Lane, number: int) -> str:
    """A checkpoint of the network as it stands; of earlier ones the first stays, and those that are named anywhere.

    Returns:
        Its name.
    """
    store, folder = study.store, study.folder
    arrays, plain = checkpoint.take(lane, {})
    tick = store.tick(number)
    about = {"lane": number, "tick": tick, "epoch": int(lane.cohort.own_epochs[0])}
    sha = beside.add(store, BY_HAND, folder / "checkpoints", arrays, {**plain, "tick": tick}, about)
    named = {event.payload.get("checkpoint") for event in store.events(number)} | {sha}
    named |= {campaign.about.get("checkpoint") for campaign in study.campaigns}
    for artefact in stored(study, number)[1:]:
        if artefact.sha256 not in named and artefact.about["tick"] < tick:
            beside.remove(store, folder, artefact)
    return sha


def load(study: "Study", sha: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What a checkpoint holds."""
    return checkpoints.load(study.folder / "checkpoints", sha)


def trial_of(plain: dict[str, Any]) -> Trial:
    """The network's record in a checkpoint."""
    (fields,) = plain["live"].values()
    return Trial.from_dict(fields)


def renumber(lane: Lane, own: Trial) -> None:
    """Let a lane that holds another network's state train it as a trial of its own.

    Args:
        own: the trial; its number, cohort and configuration are taken.
    """
    other = lane.progress.live[0]
    tables: list[dict[int, Any]] = [lane.progress.best, lane.kept, lane.rows]
    for table in tables:
        if other.number in table:
            table[own.number] = table.pop(other.number)
    lane.progress.live[0] = replace(other, number=own.number, cohort=own.cohort, configuration=own.configuration)
