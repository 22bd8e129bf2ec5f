"""Networks that are trained by hand are begun, found again, and branched off one another."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from caviar.errors import StudyError
from caviar.given import is_whole, shown
from caviar.study import campaigns, work
from caviar.study.babysit import Babysitter
from caviar.study.holding import holding
from caviar.study.interventions import Earlier
from caviar.study.spec import BY_HAND, Campaign

if TYPE_CHECKING:
    from caviar.study.study import Study


def begin(study: "Study", configuration: Mapping[str, Any], epochs: int) -> Babysitter:
    """Begin to babysit a network: it gets a campaign, which the study's other work does not touch."""
    campaign = campaigns.train(
        study.material, [configuration], epochs=epochs, seed=study.seed, devices=work.start(), **work.numbers(study)
    )
    return _stored(study, replace(campaign, why="one network, by hand"))


def branch(study: "Study", source: Campaign, state: Earlier, configuration: Mapping[str, Any]) -> Babysitter:
    """Begin a network as another one is or was.

    Args:
        source: of the network that it branches off.
        state: where.
        configuration: of the network there.
    """
    numbered = work.numbers(study)
    trial = {**source.cohorts[0].trials[0], "configuration": dict(configuration)}
    spec = replace(source.cohorts[0], number=numbered["first_cohort"], trials=(trial,))
    about = {"from": source.first_trial, "epoch": state.epoch, "checkpoint": state.checkpoint}
    why = f"by hand, from trial {source.first_trial} at epoch {state.epoch}"
    return _stored(study, replace(source, why=why, cohorts=(spec,), first_trial=numbered["first_trial"], about=about))


def again(study: "Study", trial: int) -> Babysitter:
    """Go on with a network that was babysat before, also in another process.

    Raises:
        StudyError: this trial was not.
    """
    for number, campaign in enumerate(study.campaigns):
        if campaign.kind == BY_HAND and is_whole(trial) and campaign.first_trial == trial:
            work.start()
            return Babysitter(study, number)
    raise StudyError(f"Trial {shown(trial)} was not trained by hand, so nothing can go on. Babysit a new network.")


def _stored(study: "Study", campaign: Campaign) -> Babysitter:
    """A network in a lane of its own, stored before it is trained."""
    number = len(study.campaigns)
    about = {**campaign.about, "lane": 1 + sum(one.kind == BY_HAND for one in study.campaigns)}
    with holding(study.store):
        work.begin(study, {**asdict(campaign), "kind": BY_HAND, "about": about})
        study.store.set_setting("campaigns_done", number + 1)
    return Babysitter(study, number)
