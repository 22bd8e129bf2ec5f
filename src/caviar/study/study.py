"""A study: a folder that holds splits, space, events, trials, findings and the best model."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.splits import Splits
from caviar.diagnosis.finding import Finding
from caviar.errors import StudyError
from caviar.networks.metrics import METRICS
from caviar.records.status import Status
from caviar.records.store import Store
from caviar.records.trial import Trial
from caviar.search.samplers import SAMPLERS
from caviar.search.space import Space
from caviar.search.stopping import STOPPING
from caviar.study import campaigns, keeping, verdict
from caviar.study.model import Model
from caviar.study.spec import Campaign, CohortSpec
from caviar.study.stop import BUDGET, Stop

# Metrics that trials may be compared by while they train; all are reported at the end.
CHOOSING = ("error", "log_loss", "rmse")


class Study:
    """A study in a folder; an existing folder is opened with what it holds.

    Args:
        folder: of the study; made where there is none.
        splits: what to train on. Needed for a new study; an existing one reads its own again.
        space: what varies; by default `Space.default(splits.dataset)`.
        seed: of everything random.
        metric: what trials are compared by: "error" (the share misclassified, or the RMSE) or "log_loss".
        base_error: the error that the best possible predictor would make, for the bias.
        watch: called with a `loop.Look` after every segment.
        job: of a new study, what the command line was asked to do (see `study.jobs`), so that it can be resumed from
            its first moment on.

    Raises:
        StudyError: the folder holds another study, or none and no splits were given.
    """

    def __init__(
        self,
        folder: str | Path,
        splits: Splits | None = None,
        *,
        space: Space | None = None,
        seed: int | None = None,
        metric: str | None = None,
        base_error: float | None = None,
        watch: Callable[[Any], None] | None = None,
        job: Mapping[str, Any] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.watch = watch
        self._splits = splits
        self._material: Any = None
        exists = (self.folder / "study.db").exists()
        if not exists and splits is None:
            raise StudyError(
                f"There is no study in '{folder}'. Give the splits of a data set to begin one: "
                "caviar.Study(folder, caviar.split(caviar.read(...)))."
            )
        if not exists:
            assert splits is not None
            keeping.begin(
                self.folder,
                splits,
                {
                    "space": (space or Space.default(splits.dataset)).to_dict(),
                    "seed": _seed(seed),
                    "metric": _metric(metric, splits),
                    "base_error": _base_error(base_error, splits.dataset.schema.task),
                    "job": dict(job or {}),
                },
            )
        self.store = Store(self.folder / "study.db")
        if exists:
            same = {"seed": seed, "metric": "error" if metric == "rmse" else metric}
            keeping.check_same(self.store, self.folder, splits, same)
            self._change(space, base_error)
        about = self.store.setting("study")
        self.job: dict[str, Any] = about.get("job", {})
        self.seed: int = about["seed"]
        self.metric: str = about["metric"]
        self.base_error: float = about["base_error"]
        self.created: float = about["created"]
        self.space = Space.from_dict(about["space"])

    # ---- what there is ---------------------------------------------------------------------------------------------

    @property
    def splits(self) -> Splits:
        """The study's splits, read again from their source where they were not given.

        Raises:
            StudyError: the data is gone or has changed.
        """
        if self._splits is None:
            self._splits = keeping.splits_of(self.store, self.folder)
        return self._splits

    @property
    def dataset(self) -> Dataset:
        """The study's data."""
        return self.splits.dataset

    @property
    def material(self) -> Any:
        """Encoded versions and streams of the splits."""
        if self._material is None:
            from caviar.study.material import Material

            self._material = Material(self.splits)
        return self._material

    @property
    def trials(self) -> list[Trial]:
        """Frozen records of all trials so far."""
        return self.store.trials()

    @property
    def campaigns(self) -> list[Campaign]:
        """What was done and is being done, in order."""
        return [Campaign.from_dict(plain) for plain in self.store.setting("campaigns", [])]

    @property
    def findings(self) -> list[Finding]:
        """What was diagnosed so far."""
        return [Finding(**found) for found in self.store.findings()]

    @property
    def results(self) -> dict[str, Any]:
        """Numbers of the study as plain data: winner, confirmation, test, statistics."""
        return dict(self.store.setting("results", {}))

    @property
    def model_path(self) -> Path:
        """Where the best model is kept."""
        return self.folder / "best.caviar"

    @property
    def best_trial(self) -> Trial:
        """The trial that is declared best; before a confirmation the one with the lowest dev error.

        Raises:
            StudyError: no trial is usable.
        """
        declared = (self.results.get("winner") or {}).get("trial")
        return self.store.trial(declared) if declared is not None else self._ranked()[0]

    def _ranked(self) -> list[Trial]:
        """Usable trials of searches and trainings, the best first."""
        if not self.campaigns:
            raise StudyError(f"Nothing was trained in '{self.folder}' yet. Call search or train first.")
        again = {int(number) for campaign in self.campaigns for number in campaign.about.get("of", {})}
        usable = [
            t for t in self.trials if t.best_epoch > 0 and t.status is not Status.DIVERGED and t.number not in again
        ]
        if not usable:
            raise StudyError(
                "No trial of this study is usable: each diverged or measured nothing. "
                "Lower the learning rate, or search on with more trials."
            )
        by_cost = self.metric == "log_loss"
        return sorted(usable, key=lambda t: (t.dev_cost if by_cost else t.dev_error, t.dev_cost, t.number))

    # ---- what is done ----------------------------------------------------------------------------------------------

    def search(
        self,
        trials: int = 256,
        epochs: int = 50,
        *,
        stopping: str | None = "halving",
        minutes: float | None = None,
        sampler: str = "random",
    ) -> "Study":
        """Train many networks at once and keep the best.

        Args:
            trials: how many configurations to try; the first is a strong default.
            epochs: of a trial that is not stopped.
            stopping: "halving" (successive halving with refilled slots), or None.
            minutes: a budget of training time; the search ends at a segment and says where.
            sampler: "random" or "grid".

        Raises:
            StudyError: an argument is not allowed, or the study is sealed or being trained elsewhere.
        """
        check_search(trials, epochs, stopping, minutes)
        _known("sampler", sampler, list(SAMPLERS))
        self._refuse_sealed()
        SAMPLERS[sampler](self.space, self.seed)  # it may refuse the space
        devices = _start()
        campaign = campaigns.search(
            self.material,
            self.space,
            trials=trials,
            epochs=epochs,
            stopping=stopping,
            seed=self.seed,
            devices=devices,
            **self._next(),
        )
        from caviar.study.loop import within_memory

        campaign = within_memory(campaign, self.material, self.space, self.seed)
        self._begin({**campaign.to_dict(), "about": {"sampler": sampler, "after": self._drawn(sampler)}})
        return self._run(minutes)

    def train(
        self, configuration: Mapping[str, Any] | None = None, *, epochs: int = 50, minutes: float | None = None
    ) -> "Study":
        """Train one network.

        Args:
            configuration: values that differ from the space's own default.

        Raises:
            SpaceError: a value is not allowed.
            StudyError: as for `search`.
        """
        check_search(1, epochs, None, minutes)
        self._refuse_sealed()
        whole = self.space.fix(**dict(configuration or {})).default_configuration()
        devices = _start()
        campaign = campaigns.train(self.material, whole, epochs=epochs, seed=self.seed, devices=devices, **self._next())
        self._begin(campaign.to_dict())
        return self._run(minutes)

    def resume(self, minutes: float | None = None) -> "Study":
        """Go on with what was interrupted; nothing happens where everything is done."""
        check_minutes(minutes)
        _start()
        return self._run(minutes)

    def confirm(self) -> "Study":
        """Train the best few again on fresh seeds and streams (small dev sets: cross-validate) and declare the best."""
        self._refuse_sealed()
        if self.results.get("winner"):
            return self
        ranked = self._ranked()
        devices = _start()
        last = self.campaigns[-1]
        if last.kind != "confirm":
            specs = {spec.number: spec for campaign in self.campaigns for spec in campaign.cohorts}
            best = ranked[: campaigns.CONFIRMED]
            campaign = campaigns.confirm(
                self.material, best, cohorts=specs, epochs=last.epochs, seed=self.seed, devices=devices, **self._next()
            )
            self._begin(campaign.to_dict())
        self._run(None)
        winner = verdict.declare(self, ranked)
        self._set_results(winner=winner)
        return self

    def diagnose(self) -> list[Finding]:
        """Bias, variance and what else holds the best network back, as findings with their evidence."""
        findings = verdict.diagnose(self)
        self._set_results(stopped_too_soon=verdict.stopped_too_soon(self))
        self.store.add_findings([finding.to_dict() for finding in findings], replace=True)
        return self.findings

    def finish(self) -> "Study":
        """Declare the best, diagnose it, save its model and open the test set; the study is then sealed."""
        if not self.results.get("winner"):
            if any(campaign.kind == "search" for campaign in self.campaigns):
                self.confirm()
            else:
                self._set_results(winner=verdict.alone(self._ranked()[0]))
        self.best_model().save(self.model_path)
        self.diagnose()
        opened = int(self.store.setting("test_opened", 0)) + 1
        # The seal comes last: a process killed in between finishes again, and finds the same.
        self._set_results(test=verdict.open_test(self, opened))
        self.store.set_setting("test_opened", opened)
        return self

    def best_model(self) -> Model:
        """The model of the best trial.

        Raises:
            StudyError: no trial is usable, or its weights are not kept.
        """
        trial = verdict.model_trial(self)
        of = [trial.number, trial.best_epoch, trial.epochs, str(trial.status)]
        if self.model_path.exists() and self.results.get("model_of") == of:
            return Model.load(self.model_path)
        model = verdict.model_of(self, trial)
        model.save(self.model_path)
        self._set_results(model_of=of)
        return model

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _change(self, space: Space | None, base_error: float | None) -> None:
        """Take over what may differ from one opening of a study to the next."""
        about = self.store.setting("study")
        if base_error is not None:
            self._set("base_error", _base_error(base_error, about["data"]["schema"]["task"]))
        if space is None or space.to_dict() == about["space"]:
            return
        if self.unfinished() is not None:
            raise StudyError(
                f"The study in '{self.folder}' was interrupted, and trials that are still to come belong to its own "
                f"space. Go on with it first (caviar resume {self.folder}), then search another space."
            )
        self._set("space", space.to_dict())

    def _set(self, name: str, value: Any) -> None:
        self.store.set_setting("study", {**self.store.setting("study"), name: value})

    def _set_results(self, **values: Any) -> None:
        self.store.set_setting("results", {**self.results, **values})

    @property
    def sealed(self) -> bool:
        """Whether the test set has been opened."""
        return bool(self.store.setting("test_opened", 0))

    def _refuse_sealed(self) -> None:
        if self.sealed:
            raise StudyError(
                f"The study in '{self.folder}' is sealed: its test set has been opened, so more trials would be chosen "
                "by it. Begin a new study in another folder."
            )

    def _next(self) -> dict[str, int]:
        """Numbers that the next campaign begins with."""
        before = self.campaigns
        cohorts = sum(len(campaign.cohorts) for campaign in before)
        return {"first_trial": sum(campaign.trials for campaign in before), "first_cohort": cohorts}

    def _begin(self, campaign: Mapping[str, Any]) -> None:
        if self.unfinished() is not None:
            raise StudyError(
                f"The study in '{self.folder}' holds work that is not done: it was interrupted, or another process is "
                f"at it. Go on with it first: caviar resume {self.folder}"
            )
        before = self.store.setting("campaigns", [])
        ticks = self.store.setting("campaign_ticks", {})
        self.store.set_setting("campaign_ticks", {**ticks, str(len(before)): self.store.tick(0)})
        self.store.set_setting("campaigns", [*before, dict(campaign)])
        self._set_results(winner=None)

    def _drawn(self, sampler: str) -> dict[str, Any] | None:
        """Where an earlier search of the same space left this sampler, so that nothing is drawn twice."""
        before = self.store.setting("samplers", {}).get(sampler)
        return before["state"] if before and before["space"] == self.space.to_dict() else None

    def unfinished(self) -> int | None:
        """The number of the campaign that is still to be done, or None."""
        done = int(self.store.setting("campaigns_done", 0))
        return done if done < len(self.campaigns) else None

    def _run(self, minutes: float | None) -> "Study":
        number = self.unfinished()
        if number is None:
            return self
        from caviar.study.loop import Loop
        from caviar.training import device

        campaign = self.campaigns[number]
        sampler = None
        if any(spec.count for spec in campaign.cohorts):
            sampler = SAMPLERS[campaign.about["sampler"]](self.space, self.seed)
            if campaign.about["after"] is not None:
                sampler.restore(campaign.about["after"])
        loop = Loop(
            self.store,
            self.folder,
            campaign,
            number,
            material=self.material,
            space=self.space,
            sampler=sampler,
            seed=self.seed,
            metric=self.metric,
            watch=self.watch,
        )
        used = max(spec.devices for spec in campaign.cohorts)
        with loop.held() as lease:
            keeping.check_signature(self.store, device.signature(used).to_dict())
            try:
                loop.run(lease, minutes)
            except Stop as stop:
                self._set_results(stopped={"why": stop.why, "tick": self.store.tick(0)})
                if stop.why != BUDGET:
                    keeping.save_weights(self.store, self.folder, loop.kept, loop.rows)
                    self._count(loop, number)
                    stop.study = self
                    raise
            else:
                if (self.results.get("stopped") or {}).get("why") != BUDGET:
                    self._set_results(stopped=None)
            # That the campaign is done comes last: a process killed before that replays its end.
            own = range(campaign.first_trial, campaign.first_trial + campaign.trials)
            keeping.save_weights(self.store, self.folder, loop.kept, loop.rows, ended=own)
            self._count(loop, number)
            if sampler is not None:
                drawn = {"space": self.space.to_dict(), "state": sampler.state()}
                self.store.set_setting(
                    "samplers", {**self.store.setting("samplers", {}), campaign.about["sampler"]: drawn}
                )
            self.store.set_setting("campaigns_done", number + 1)
        return self

    def _count(self, loop: Any, number: int) -> None:
        """Add up what the campaigns took, each counted once however often it was stopped and went on."""
        from caviar.training.compiling import compile_seconds

        programs, compiling = compile_seconds()
        slot_epochs, useful, whole = loop.counts
        old = self.results.get("statistics", {})
        parts = {
            **old.get("campaigns", {}),
            str(number): {
                "kind": loop.campaign.kind,
                "seconds": loop.seconds,
                "model_epochs": loop.model_epochs,
                "slot_use": loop.model_epochs / slot_epochs if slot_epochs else None,
                "useful_arithmetic": useful / whole if whole else None,
                "spared": loop.spared,
            },
        }
        seconds = sum(part["seconds"] for part in parts.values())
        model_epochs = sum(part["model_epochs"] for part in parts.values())
        searches = [part for part in parts.values() if part["kind"] == "search"] or [{}]
        statistics = {
            "seconds": seconds,
            "programs": programs,
            "compile_seconds": compiling,
            "model_epochs": model_epochs,
            "slot_use": searches[-1].get("slot_use"),
            "useful_arithmetic": searches[-1].get("useful_arithmetic"),
            "spared": [trial for part in searches for trial in part.get("spared", [])],
            "epochs_per_second": model_epochs / max(seconds, 1e-9),
            "campaigns": parts,
        }
        self._set_results(statistics=statistics)


def _start() -> int:
    from caviar.training import device

    return device.start()


def _metric(metric: str | None, splits: Splits) -> str:
    task = splits.dataset.schema.task
    chosen = metric or "error"
    known = [name for name in CHOOSING if name == "error" or name in METRICS[task]]
    if chosen not in known:
        raise StudyError(
            f"Trials of a {task} study are compared by {' or '.join(known)}. Got '{chosen}'; "
            "the other metrics are reported at the end."
        )
    return "error" if chosen == "rmse" else chosen


def _seed(seed: int | None) -> int:
    if seed is not None and (not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63):
        raise StudyError(f"'seed' must be a whole number from 0. Got {seed!r}.")
    return int(seed or 0)


def _base_error(error: float | None, task: str) -> float:
    """The base error, where it can be one: a share for classes, any length for numbers."""
    most = 1.0 if task == "classification" else math.inf
    if error is not None and not 0.0 <= error < most:
        rule = "a share from 0 to below 1 (0.05 is 5 %)" if task == "classification" else "a number from 0"
        raise StudyError(f"'base_error' must be {rule}. Got {error!r}.")
    return float(error or 0.0)


def check_search(trials: int, epochs: int, stopping: str | None, minutes: float | None) -> None:
    """Refuse what cannot be searched, before anything is written.

    Raises:
        StudyError: an argument is not allowed.
    """
    _at_least_one("trials", trials)
    _at_least_one("epochs", epochs)
    _known("stopping", stopping, [*STOPPING, None])
    check_minutes(minutes)


def check_minutes(minutes: float | None) -> None:
    """Refuse a budget of no time.

    Raises:
        StudyError: it is not above 0.
    """
    if minutes is not None and not minutes > 0:
        raise StudyError(f"'minutes' must be above 0. Got {minutes!r}.")


def _at_least_one(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or value < 1:
        raise StudyError(f"'{name}' must be a whole number of at least 1. Got {value!r}.")


def _known(name: str, value: Any, allowed: list[Any]) -> None:
    if value not in allowed:
        raise StudyError(f"'{name}' must be one of {', '.join(str(a) for a in allowed)}. Got {value!r}.")


__all__ = ["CohortSpec", "Study"]
