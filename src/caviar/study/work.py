"""The work of a study: campaigns are planned, begun, run to their end or to a stop, and counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from caviar.errors import StudyError
from caviar.records.trial import Trial
from caviar.search.around import StartingWith, around
from caviar.search.samplers import SAMPLERS, Sampler
from caviar.study import campaigns, keeping, ranking
from caviar.study.budget import left, set_budget
from caviar.study.learning_rates import LearningRates, Trainings
from caviar.study.spec import Campaign
from caviar.study.stop import BUDGET, Stop

if TYPE_CHECKING:
    from caviar.study.loop import Loop
    from caviar.study.study import Study

# Configurations that a search takes over from an earlier study.
KNOWN = 8


def start() -> int:
    """Start the device, and say how many there are."""
    from caviar.training import device

    return device.start()


@dataclass(frozen=True)
class Stopping:
    """When a trial ends before its last epoch.

    Args:
        rule: a key of search.stopping.STOPPING, or None.
        patience: epochs without a better one, or None.
        twins: what was stopped by patience is compared with what L2 alone does (`early_stopping`).
    """

    rule: str | None = None
    patience: int | None = None
    twins: bool = True


def search(
    study: "Study",
    trials: int,
    epochs: int,
    stopping: Stopping,
    sampler: str,
    minutes: float | None,
    earlier: "Study | None" = None,
    *,
    probes: bool = True,
) -> None:
    """Begin a search of the study's space, or of the one around the best of an earlier study, those first."""
    known = [] if earlier is None else start_from(study, earlier)
    SAMPLERS[sampler](study.space, study.seed)  # it may refuse the space
    devices = start()
    campaign = campaigns.search(
        study.material,
        study.space,
        trials=trials,
        epochs=epochs,
        stopping=stopping.rule,
        patience=stopping.patience,
        seed=study.seed,
        devices=devices,
        **numbers(study),
    )
    from caviar.study.fitting import within_memory

    campaign = within_memory(replace(campaign, probes=bool(probes)), study.material, study.space, study.seed)
    after = _drawn(study, sampler)
    about: dict[str, Any] = {"sampler": sampler, "after": after, "varied": list(study.space.varied)}
    about["twins"] = stopping.twins
    # Samplers count what they were asked for; known configurations come before and are counted apart.
    if earlier is None:
        about["told_from"] = _asked(after)
    else:
        about |= {"known": known, "start_from": str(earlier.folder)}
    set_budget(study, minutes, confirmed=True)
    begin(study, {**campaign.to_dict(), "about": about})


def start_from(study: "Study", earlier: "Study") -> list[dict[str, Any]]:
    """Make the study's space the one around the best of an earlier study, and give these, the best first.

    Raises:
        StudyError: no trial of the earlier study is usable.
    """
    found: list[dict[str, Any]] = []
    declared = earlier.best_trial.configuration
    for configuration in [declared, *(trial.configuration for trial in ranking.ranked(earlier))]:
        if configuration not in found and len(found) < KNOWN:
            found.append(configuration)
    study.change_space(around(earlier.space, found))
    return found


def train(
    study: "Study",
    configurations: Sequence[Mapping[str, Any]],
    epochs: int,
    stopping: Stopping,
    minutes: float | None,
) -> None:
    """Begin the training of one network, or of some side by side."""
    devices = start()
    campaign = campaigns.train(
        study.material, configurations, epochs=epochs, seed=study.seed, devices=devices, **numbers(study)
    )
    set_budget(study, minutes, confirmed=False)
    begin(
        study, {**campaign.to_dict(), "probes": True, "patience": stopping.patience, "about": {"twins": stopping.twins}}
    )


def find_learning_rate(study: "Study", configuration: Mapping[str, Any], trainings: Trainings) -> LearningRates:
    """Train one network at many learning rates and judge them; nothing of it is a trial."""
    devices = start()
    from caviar.study import rate_finder

    return rate_finder.find(study.material, configuration, trainings, devices)


def confirm(study: "Study", ranked: Sequence[Trial]) -> None:
    """Begin to train the best few again, unless that was begun already."""
    devices = start()
    last = next(campaign for campaign in reversed(study.campaigns) if campaign.kind != "twins")
    if last.kind == "confirm":
        return
    specs = {spec.number: spec for campaign in study.campaigns for spec in campaign.cohorts}
    best = ranked[: campaigns.CONFIRMED]
    campaign = campaigns.confirm(
        study.material, best, cohorts=specs, epochs=last.epochs, seed=study.seed, devices=devices, **numbers(study)
    )
    # With probes where the search had them, so that its programs serve again.
    begin(study, replace(campaign, probes=last.probes).to_dict())


def numbers(study: "Study") -> dict[str, int]:
    """Numbers that the next campaign begins with."""
    before = study.campaigns
    cohorts = sum(len(campaign.cohorts) for campaign in before)
    return {"first_trial": sum(campaign.trials for campaign in before), "first_cohort": cohorts}


def begin(study: "Study", campaign: Mapping[str, Any]) -> None:
    """Store what is to be done, before it is.

    Raises:
        StudyError: something else is not done yet.
    """
    if study.unfinished() is not None:
        raise StudyError(
            f"The study in '{study.folder}' holds work that is not done: it was interrupted, or another process is "
            f"at it. Go on with it first: caviar resume {study.folder}"
        )
    before = study.store.setting("campaigns", [])
    ticks = study.store.setting("campaign_ticks", {})
    study.store.set_setting("campaign_ticks", {**ticks, str(len(before)): study.store.tick(0)})
    study.store.set_setting("campaigns", [*before, dict(campaign)])
    study.set_results(winner=None)


def _drawn(study: "Study", sampler: str) -> dict[str, Any] | None:
    """Where an earlier search of the same space left this sampler, so that nothing is drawn twice."""
    before = study.store.setting("samplers", {}).get(sampler)
    return before["state"] if before and before["space"] == study.space.to_dict() else None


def _asked(state: Mapping[str, Any] | None) -> int:
    """How many configurations a sampler was asked for before; a grid, which is told nothing, counts otherwise."""
    asked = (state or {}).get("asked", 0)
    return asked if isinstance(asked, int) else 0


def run(study: "Study") -> None:
    """Do the campaign that was begun, within the study's budget; nothing happens where everything is done.

    Raises:
        Stop: Ctrl-C; everything is stored, and running again goes on.
    """
    number = study.unfinished()
    if number is None:
        return
    from caviar.study.loop import Loop
    from caviar.training import device

    start()
    campaign = study.campaigns[number]
    sampler = _sampler(study, campaign)
    loop = Loop(
        study.store,
        study.folder,
        campaign,
        number,
        material=study.material,
        space=study.space,
        sampler=sampler,
        seed=study.seed,
        metric=study.metric,
        watch=study.watch,
    )
    used = max(spec.devices for spec in campaign.cohorts)
    with loop.held() as lease:
        keeping.check_signature(study.store, device.signature(used).to_dict())
        study.loop = loop
        try:
            loop.run(lease, left(study, campaign.kind))
        except Stop as stop:
            study.set_results(stopped={"why": stop.why, "campaign": campaign.kind, "tick": study.store.tick(0)})
            if stop.why != BUDGET:
                keeping.save_weights(study.store, study.folder, loop.kept, loop.rows)
                _count(study, loop, number)
                stop.study = study
                raise
        else:
            if (study.results.get("stopped") or {}).get("why") != BUDGET:
                study.set_results(stopped=None)
        finally:
            study.loop = None
        _end(study, loop, number, sampler)


def _sampler(study: "Study", campaign: Campaign) -> Sampler | None:
    """The sampler of a search, where an earlier one left it."""
    if not any(spec.count for spec in campaign.cohorts):
        return None
    sampler = SAMPLERS[campaign.about["sampler"]](study.space, study.seed)
    if campaign.about["after"] is not None:
        sampler.restore(campaign.about["after"])
    known = campaign.about.get("known")
    return StartingWith(known, sampler, _asked(campaign.about["after"])) if known else sampler


def _end(study: "Study", loop: "Loop", number: int, sampler: Sampler | None) -> None:
    """Store what a campaign leaves behind. That it is done comes last: a process killed before that replays its end."""
    campaign = loop.campaign
    own = range(campaign.first_trial, campaign.first_trial + campaign.trials)
    keeping.save_weights(study.store, study.folder, loop.kept, loop.rows, ended=own)
    _count(study, loop, number)
    if sampler is not None:
        inner = sampler.sampler if isinstance(sampler, StartingWith) else sampler
        drawn = {"space": study.space.to_dict(), "state": inner.state()}
        before = study.store.setting("samplers", {})
        study.store.set_setting("samplers", {**before, campaign.about["sampler"]: drawn})
    study.store.set_setting("campaigns_done", number + 1)
    loop.forget_checkpoints()


def _count(study: "Study", loop: "Loop", number: int) -> None:
    """Add up what the campaigns took, each counted once however often it was stopped and went on."""
    from caviar.training.compiling import compile_seconds

    programs, compiling = compile_seconds()
    slot_epochs, useful, whole = loop.tally.counts
    old = study.results.get("statistics", {})
    parts = {
        **old.get("campaigns", {}),
        str(number): {
            "kind": loop.campaign.kind,
            "seconds": loop.tally.seconds,
            "model_epochs": loop.tally.model_epochs,
            "slot_use": loop.tally.model_epochs / slot_epochs if slot_epochs else None,
            "useful_arithmetic": useful / whole if whole else None,
            "spared": loop.tally.spared,
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
    study.set_results(statistics=statistics)
