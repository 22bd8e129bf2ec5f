"""The panda's way: one network is watched, changed while it trains, and taken back to an earlier state.

Every intervention is preceded by a checkpoint and stored as an event before it takes effect, in a lane of its own, so
that the log can be read, undone and gone on with after a restart. A branch is a trial with a lane of its own. What was
trained after the last checkpoint is lost with a killed process and is trained again.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from caviar.errors import StudyError
from caviar.given import is_whole, shown, text, whole
from caviar.records.events import Event
from caviar.records.lease import Lease
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.search.hyperparameters import complete
from caviar.search.space import Space
from caviar.study import checkpoint, deciding, keeping, states
from caviar.study.arguments import check_space
from caviar.study.interventions import Earlier, Intervention, changed, earlier, last, log_of
from caviar.study.kept import Kept, Rows
from caviar.study.lane import Lane
from caviar.study.spec import Campaign

if TYPE_CHECKING:
    from caviar.study.study import Study


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

    def run(self, epochs: int = 1, watch: Callable[[Trial], Any] | None = None) -> Trial:
        """Train on for some epochs.

        Args:
            epochs: how many more.
            watch: called with the network's record after every epoch; what it answers with True ends the training here.

        Returns:
            The network's record afterwards. A cost that is no longer finite does not end it: undo, or set and go on.

        Raises:
            StudyError: `epochs` is below 1, or another process trains this network.
        """
        epochs = whole("epochs", epochs, StudyError)
        if watch is not None and not callable(watch):
            raise StudyError(f"'watch' is a function that is called with each record. Got {shown(watch)}.")
        with self._held() as lease:
            self._train(lease, epochs, watch)
        return self.trial

    def set(self, *, note: str = "", **changes: Any) -> "Babysitter":
        """Change hyperparameters from the next epoch on; weights and what the optimiser remembers stay.

        Args:
            note: why, for the log.
            changes: by name: the learning rate, the optimiser, penalties, dropout and whatever else shapes no array.

        Raises:
            SpaceError: a name is unknown or a value not allowed.
            StudyError: a change would need other arrays, or would do nothing any more.
        """
        text("note", note, StudyError)
        before = self.configuration
        then = changed(before, changes)
        check_space(self._study, Space().fix(**then))
        with self._held() as lease:
            payload = {
                "changes": {name: then[name] for name in changes},
                "before": {name: before[name] for name in changes},
                "epoch": self.epoch,
                "checkpoint": self._save(),
                "note": note,
            }
            trial = replace(self._live, configuration=then)
            self._commit(lease, "set", payload, trials=[trial])
            self._take(trial)
        return self

    def undo(self, note: str = "") -> "Babysitter":
        """Go back to the moment before the last intervention that was not undone, bit for bit.

        Raises:
            StudyError: there is none.
        """
        self._go_back(last(self._study.store.events(self._number)), "undo", note)
        return self

    def back_to(self, epoch: int, note: str = "") -> "Babysitter":
        """Go back to when an epoch had just been trained, bit for bit; what was changed there or later is undone.

        The epochs between the nearest checkpoint and this one are trained again. To keep the present, `branch`.

        Args:
            epoch: own epochs of this network, from 0.
            note: why, for the log.

        Raises:
            StudyError: it has not trained so long, or not in this trial.
        """
        self._go_back(self._earlier(epoch), "back", note)
        return self

    def branch(self, epoch: int | None = None) -> "Babysitter":
        """Another trial that begins as this network is or was, bit for bit; this one stays as it is.

        Args:
            epoch: where it begins; None: at the present.

        Raises:
            StudyError: as for `back_to`.
        """
        from caviar.study import panda

        if epoch is None:
            with self._held():
                state = Earlier(self.epoch, self._save(), {}, ())
            return panda.branch(self._study, self._campaign, state, self.configuration)
        state = self._earlier(epoch)
        return panda.branch(self._study, self._campaign, state, self._configured(state))

    def finish(self) -> Trial:
        """End it here; it then counts among the study's trials as any that has finished, or diverged from the first."""
        with self._held() as lease:
            lost = self._live.epochs > 0 and not self._live.best_epoch
            trial = replace(self._live, status=Status.DIVERGED if lost else Status.FINISHED)
            self._lane.progress.live[0] = trial
            self._commit(lease, "evict", {"status": str(trial.status), "reason": ""}, trials=[trial])
            self._save()
        return self.trial

    # ---- inside ------------------------------------------------------------------------------------------------

    @property
    def _live(self) -> Trial:
        return self._lane.progress.live[0]

    @contextmanager
    def _held(self) -> Iterator[Lease]:
        """The right to change this network, for the length of one call."""
        if self._lane.progress.live and self._live.status.ended:
            raise StudyError("This network has been finished. Babysit another: study.babysit(configuration).")
        lease = self._study.store.acquire(self._number, seconds=600.0)
        try:
            yield lease
        finally:
            self._study.store.release(lease)

    def _begin(self) -> None:
        """Give the network its slot, and its first weights or those of the network that it branches off."""
        with self._held() as lease:
            events, trials = deciding.admissions(self._lane, 0)
            admitted = [replace(event, lane=self._number, author="person") for event in events]
            self._study.store.commit(self._number, lease, 0, events=admitted, trials=trials)
            self._lane.apply(admitted)
            if "from" in self._campaign.about:
                checkpoint.put(self._lane, *states.load(self._study, self._campaign.about["checkpoint"]))
                states.renumber(self._lane, trials[0])
                self._take(self._live)
                self._commit(lease, trials=[self._live])
                self._train(lease, int(self._campaign.about["epoch"]) - self.epoch)
            else:
                self._save()

    def _find_again(self) -> None:
        """Go on from the newest checkpoint, with what was decided after it."""
        own = states.stored(self._study, self._number)
        if not own:
            raise StudyError(f"The checkpoints of trial {self._campaign.first_trial} are gone. Babysit a new network.")
        newest = own[-1]
        checkpoint.put(self._lane, *states.load(self._study, newest.sha256))
        behind = 0
        for event in self._study.store.events(self._number, int(newest.about["tick"]) + 1):
            if event.kind == "restore":
                checkpoint.put(self._lane, *states.load(self._study, event.payload["checkpoint"]))
                self._take(replace(self._live, configuration=event.payload["configuration"]))
                behind = event.payload["epoch"]
            elif event.kind == "set":
                then = complete({**self._live.configuration, **event.payload["changes"]})
                self._take(replace(self._live, configuration=then))
            elif event.kind == "evict":
                self._lane.progress.live[0] = replace(self._live, status=Status.FINISHED)
        if behind > self.epoch:
            with self._held() as lease:
                self._train(lease, behind - self.epoch)

    def _train(self, lease: Lease, epochs: int, watch: Callable[[Trial], Any] | None = None) -> None:
        """Train on, then keep the best weights and a checkpoint."""
        while epochs > 0:
            ahead = 1 if watch is not None else min(epochs, self._lane.spec.epochs)
            block = self._lane.run(ahead)
            assert block is not None
            self._lane.note(block)
            self._commit(lease, block=block, trials=[self._live])
            epochs -= ahead
            if watch is not None and watch(self.trial) is True:
                break
        self._lane.keep_all()
        keeping.save_weights(self._study.store, self._study.folder, self._kept, self._rows)
        self._save()

    def _go_back(self, state: Earlier, action: str, note: str) -> None:
        """Become an earlier state again; the log keeps what was done since."""
        text("note", note, StudyError)
        then = self._configured(state)
        back = {"undoes": list(state.undoes), "action": action, "note": note, "epoch": state.epoch}
        with self._held() as lease:
            arrays, plain = states.load(self._study, state.checkpoint)
            trial = replace(states.trial_of(plain), configuration=then)
            payload = {**back, "checkpoint": state.checkpoint, "configuration": then}
            self._commit(lease, "restore", payload, trials=[trial])
            checkpoint.put(self._lane, arrays, plain)
            self._take(trial)
            self._train(lease, state.epoch - self.epoch)

    def _earlier(self, epoch: int) -> Earlier:
        """Where an earlier epoch is found.

        Raises:
            StudyError: as for `back_to`.
        """
        if not is_whole(epoch) or not 0 <= epoch <= self.epoch:
            raise StudyError(
                f"This network has trained {self.epoch} epochs, so it can go back to 0 to {self.epoch}. "
                f"Got {shown(epoch)}."
            )
        first = states.stored(self._study, self._number)[0]
        if epoch < first.about["epoch"]:
            source = self._campaign.about.get("from")
            why = "The checkpoints before are gone." if source is None else f"It branches off trial {source} there."
            raise StudyError(f"This network goes back to epoch {first.about['epoch']}, not to {epoch}. {why}")
        state = earlier(self._study.store.events(self._number), epoch)
        return state if state.checkpoint else replace(state, checkpoint=first.sha256)

    def _configured(self, state: Earlier) -> dict[str, Any]:
        """All hyperparameters as they were at an earlier state."""
        return complete({**self._campaign.cohorts[0].trials[0]["configuration"], **state.changes})

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
        return states.save(self._study, self._lane, self._number)
