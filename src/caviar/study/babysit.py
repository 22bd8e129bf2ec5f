"""The panda's way: one network is watched, changed while it trains, and taken back to an earlier state.

Every intervention is preceded by a checkpoint and stored as an event before it takes effect, in a lane of its own, so
that the log can be read, undone and gone on with after a restart. What was trained after the last checkpoint is lost
with a killed process and is trained again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.errors import StudyError
from caviar.records import checkpoints
from caviar.records.events import Event
from caviar.records.lease import Lease
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.search.hyperparameters import STRUCTURAL, complete, look_up
from caviar.study import checkpoint, deciding, keeping
from caviar.study.interventions import Intervention, last, log_of
from caviar.study.kept import Kept, Rows
from caviar.study.lane import Lane
from caviar.study.spec import Campaign

if TYPE_CHECKING:
    from caviar.study.study import Study

KIND = "babysit"
_ONLY_AT_FIRST = ("initialisation", "initialisation_scale")  # hyperparameters that act before the first update alone


class Babysitter:
    """One network in a person's hands. `Study.babysit` makes it.

    Args:
        study: where it is recorded.
        number: of its campaign.
    """

    def __init__(self, study: "Study", number: int) -> None:
        self._study = study
        self._campaign: Campaign = study.campaigns[number]
        self._number = int(self._campaign.about["lane"])
        self._kept: dict[int, Kept] = {}
        self._rows: dict[int, Rows] = {}
        self._lane = Lane(
            self._campaign,
            self._campaign.cohorts[0],
            study.material,
            draw=None,
            stopping=None,
            study_seed=study.seed,
            kept=self._kept,
            rows=self._rows,
            metric=study.metric,
        )
        if study.store.tick(self._number) < 0:
            self._begin()
        else:
            self._find_again()

    # ---- what there is -----------------------------------------------------------------------------------------

    @property
    def trial(self) -> Trial:
        """The network's record, its history included."""
        return self._study.store.trial(self._campaign.first_trial)

    @property
    def epoch(self) -> int:
        """Own epochs trained so far, those taken back not counted."""
        return int(self._lane.cohort.own_epochs[0])

    @property
    def configuration(self) -> dict[str, Any]:
        """Its hyperparameters as they are now."""
        return dict(self._live.configuration)

    @property
    def log(self) -> list[Intervention]:
        """Every intervention in its order, also those undone."""
        return log_of(self._study.store.events(self._number))

    # ---- what is done ------------------------------------------------------------------------------------------

    def run(self, epochs: int = 1) -> Trial:
        """Train on for some epochs.

        Returns:
            The network's record afterwards. A cost that is no longer finite does not end it: undo, or set and go on.

        Raises:
            StudyError: `epochs` is below 1, or another process trains this network.
        """
        if not isinstance(epochs, int) or epochs < 1:
            raise StudyError(f"'epochs' must be a whole number of at least 1. Got {epochs!r}.")
        with self._held() as lease:
            left = epochs
            while left:
                ahead = min(left, self._lane.spec.epochs)
                block = self._lane.run(ahead)
                assert block is not None
                self._lane.note(block)
                self._commit(lease, block=block, trials=[self._live])
                left -= ahead
            self._lane.keep_all()
            keeping.save_weights(self._study.store, self._study.folder, self._kept, self._rows)
            self._save()
        return self.trial

    def set(self, **changes: Any) -> "Babysitter":
        """Change hyperparameters from the next epoch on; weights and what the optimiser remembers stay.

        Args:
            changes: by name: the learning rate, the optimiser, penalties, dropout and whatever else shapes no array.

        Raises:
            SpaceError: a name is unknown or a value not allowed.
            StudyError: a change would need other arrays, or would do nothing any more.
        """
        if not changes:
            raise StudyError("Nothing to set was given. Write set(learning_rate=0.01), say.")
        before = self.configuration
        for name in changes:
            if look_up(name).kind is STRUCTURAL:
                raise StudyError(
                    f"'{name}' fixes the shapes of arrays, so it cannot change while a network trains. "
                    f"Train another: study.babysit({{'{name}': …}})."
                )
            if name in _ONLY_AT_FIRST:
                raise StudyError(f"'{name}' acts before the first update alone; to change it now would do nothing.")
        whole = complete({**before, **changes})
        checked = {name: whole[name] for name in changes}
        with self._held() as lease:
            payload = {
                "changes": checked,
                "before": {name: before[name] for name in changes},
                "epoch": self.epoch,
                "checkpoint": self._save(),
            }
            trial = replace(self._live, configuration=whole)
            self._commit(lease, "set", payload, trials=[trial])
            self._take(trial)
        return self

    def undo(self) -> "Babysitter":
        """Go back to the moment before the last intervention that was not undone, bit for bit.

        Raises:
            StudyError: there is none.
        """
        place, payload = last(self._study.store.events(self._number))
        with self._held() as lease:
            back = {"undoes": place, "epoch": payload["epoch"], "checkpoint": payload["checkpoint"]}
            arrays, plain = self._load(payload["checkpoint"])
            trial = _trial(plain)
            self._commit(lease, "restore", back, trials=[trial])
            checkpoint.put(self._lane, arrays, plain)
            self._save()
        return self

    def finish(self) -> Trial:
        """End it here; it then counts among the study's trials as any that has finished."""
        with self._held() as lease:
            trial = replace(self._live, status=Status.FINISHED)
            self._lane.progress.live[0] = trial
            self._commit(lease, "evict", {"status": str(Status.FINISHED), "reason": ""}, trials=[trial])
            self._save()
        return self.trial

    # ---- inside ------------------------------------------------------------------------------------------------

    @property
    def _live(self) -> Trial:
        return self._lane.progress.live[0]

    @contextmanager
    def _held(self) -> Iterator[Lease]:
        """The right to change this network, for the length of one call."""
        if self._lane.progress.live and self._live.status is Status.FINISHED:
            raise StudyError("This network has been finished. Babysit another: study.babysit(configuration).")
        lease = self._study.store.acquire(self._number, seconds=600.0)
        try:
            yield lease
        finally:
            self._study.store.release(lease)

    def _begin(self) -> None:
        """Give the network its slot and its first weights."""
        with self._held() as lease:
            events, trials = deciding.admissions(self._lane, 0)
            admitted = [replace(event, lane=self._number, author="person") for event in events]
            self._study.store.commit(self._number, lease, 0, events=admitted, trials=trials)
            self._lane.apply(admitted)
            self._save()

    def _find_again(self) -> None:
        """Go on from the newest checkpoint, with what was decided after it."""
        own = [a for a in self._study.store.artefacts(KIND) if a.about["lane"] == self._number]
        if not own:
            raise StudyError(f"The checkpoints of trial {self._campaign.first_trial} are gone. Babysit a new network.")
        newest = max(own, key=lambda artefact: int(artefact.about["tick"]))
        checkpoint.put(self._lane, *self._load(newest.sha256))
        for event in self._study.store.events(self._number, int(newest.about["tick"]) + 1):
            if event.kind == "restore":
                checkpoint.put(self._lane, *self._load(event.payload["checkpoint"]))
            elif event.kind == "set":
                whole = complete({**self._live.configuration, **event.payload["changes"]})
                self._take(replace(self._live, configuration=whole))
            elif event.kind == "evict":
                self._lane.progress.live[0] = replace(self._live, status=Status.FINISHED)

    def _take(self, trial: Trial) -> None:
        """Let the network train by another configuration from now on."""
        self._lane.grow([trial.configuration])
        self._lane.progress.live[0] = trial
        self._lane.cohort.set(0, self._lane.assignment(0, trial))

    def _commit(
        self,
        lease: Lease,
        kind: str = "",
        payload: Mapping[str, Any] | None = None,
        *,
        block: Any = None,
        trials: list[Trial],
    ) -> None:
        tick = self._study.store.tick(self._number) + 1
        number = self._campaign.first_trial
        events = [Event(self._number, tick, 0, kind, 0, number, dict(payload or {}), "person")] if kind else []
        self._study.store.commit(self._number, lease, tick, events=events, block=block, trials=trials)

    def _save(self) -> str:
        """A checkpoint of the network as it stands; of earlier ones those that an intervention names stay."""
        store, folder = self._study.store, self._study.folder
        arrays, plain = checkpoint.take(self._lane, {})
        tick = store.tick(self._number)
        sha = checkpoints.save(folder / "checkpoints", arrays, {**plain, "tick": tick})
        path = f"checkpoints/{sha}.safetensors"
        about = {"lane": self._number, "tick": tick, "epoch": self.epoch}
        store.add_artefact(sha, KIND, path, (folder / path).stat().st_size, about)
        named = {event.payload.get("checkpoint") for event in store.events(self._number)} | {sha}
        for artefact in store.artefacts(KIND):
            if (
                artefact.about["lane"] == self._number
                and artefact.sha256 not in named
                and artefact.about["tick"] < tick
            ):
                store.remove_artefact(artefact.sha256, KIND)
                (folder / artefact.path).unlink(missing_ok=True)
        return sha

    def _load(self, sha: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        return checkpoints.load(self._study.folder / "checkpoints", sha)


def begin(study: "Study", configuration: Mapping[str, Any], epochs: int) -> Babysitter:
    """Begin to babysit a network: it gets a campaign, which the study's other work does not touch."""
    from caviar.study import campaigns, work

    campaign = campaigns.train(
        study.material, [configuration], epochs=epochs, seed=study.seed, devices=work.start(), **work.numbers(study)
    )
    number = len(study.campaigns)
    about = {"lane": 1 + sum(one.kind == KIND for one in study.campaigns)}
    plain = {**asdict(campaign), "kind": KIND, "why": "one network, by hand", "about": about}
    work.begin(study, plain)
    study.store.set_setting("campaigns_done", number + 1)
    return Babysitter(study, number)


def again(study: "Study", trial: int) -> Babysitter:
    """Go on with a network that was babysat before, also in another process.

    Raises:
        StudyError: this trial was not.
    """
    for number, campaign in enumerate(study.campaigns):
        if campaign.kind == KIND and campaign.first_trial == trial:
            from caviar.study import work

            work.start()
            return Babysitter(study, number)
    raise StudyError(f"Trial {trial} was not trained by hand, so nothing can go on. Babysit a new network.")


def _trial(plain: Mapping[str, Any]) -> Trial:
    (fields,) = plain["live"].values()
    return Trial(**{**fields, "status": Status(fields["status"])})
