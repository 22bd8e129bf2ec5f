"""The lab notebook: of every experiment the idea, the configuration, the result and what was concluded."""

import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from caviar.errors import StudyError
from caviar.given import text as checked_text
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.study.interventions import log_of
from caviar.study.ranking import order, value
from caviar.study.spec import Campaign
from caviar.study.yardstick import yardstick_of

if TYPE_CHECKING:
    from caviar.study.study import Study

WIDTH = 100


@dataclass(frozen=True)
class Experiment:
    """One turn of idea, code and experiment.

    Args:
        number: from 1, in the order of the campaigns.
        kind: "search", "train", "confirm", "babysit", or "planned" for an idea that nothing has tried yet.
        idea: why it was done: a person's words, or the campaign's own.
        configuration: what was tried: how many trials of how many epochs, and what varied or was set.
        result: of its trials: how they ended, and the best with its errors.
        conclusion: a person's words, or what the numbers say; empty while there is nothing to say.
        trials: the numbers of its first and last trial; empty where it has none.
    """

    number: int
    kind: str
    idea: str
    configuration: Mapping[str, Any]
    result: Mapping[str, Any]
    conclusion: str
    trials: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    def __str__(self) -> str:
        what = ", ".join(f"{name} {_write(value)}" for name, value in self.configuration.items())
        came = ", ".join(f"{name} {_write(value)}" for name, value in self.result.items())
        lines = [f"{self.number}. {self.idea} ({self.kind})"]
        pairs = [("tried", what), ("result", came), ("conclusion", self.conclusion)]
        for name, text in pairs:
            if text:
                head = f"   {name + ':':<12}"
                lines += textwrap.wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
        return "\n".join(lines)


def note(study: "Study", idea: str | None = None, conclusion: str | None = None) -> None:
    """Write into the notebook: the idea behind what is done next, or what is concluded from what was done last.

    Raises:
        StudyError: there are no words, or nothing was done yet from which to conclude.
    """
    idea, conclusion = (
        None if words is None else checked_text(name, words, StudyError)
        for name, words in (("idea", idea), ("conclusion", conclusion))
    )
    if not (idea and idea.strip()) and not (conclusion and conclusion.strip()):
        raise StudyError("A note has an idea (for what comes next) or a conclusion (from what came last). Got neither.")
    done = len(study.campaigns)
    if conclusion and not done:
        raise StudyError("Nothing was trained yet from which to conclude. Note an idea first, or train.")
    study.store.add_experiment({"idea": idea or "", "conclusion": conclusion or "", "after": done})


def notebook(study: "Study") -> list[Experiment]:
    """The study's experiments in their order, then an idea that waits for its experiment."""
    campaigns, trials, notes = study.campaigns, study.trials, study.store.experiments()
    ideas = {n: [one["idea"] for one in notes if one["idea"] and one["after"] == n] for n in range(len(campaigns) + 1)}
    found = []
    for number, campaign in enumerate(campaigns):
        own = [t for t in trials if campaign.first_trial <= t.number < campaign.first_trial + campaign.trials]
        said = [one["conclusion"] for one in notes if one["conclusion"] and one["after"] == number + 1]
        # What several campaigns do together (a search and training its best again) is concluded from after the last.
        found.append(
            Experiment(
                number + 1,
                campaign.kind,
                " ".join(ideas[number]) or campaign.why,
                _configuration(study, campaign),
                _result(study, own) | _by_hand(study, campaign),
                " ".join(said) or _conclusion(study, campaign, own),
                (own[0].number, own[-1].number) if own else (),
            )
        )
    if ideas[len(campaigns)]:
        idea = " ".join(ideas[len(campaigns)])
        found.append(Experiment(len(campaigns) + 1, "planned", idea, {}, {}, "", ()))
    return found


def _configuration(study: "Study", campaign: Campaign) -> dict[str, Any]:
    """What a campaign tried, in few words."""
    told: dict[str, Any] = {"trials": campaign.trials, "epochs": campaign.epochs}
    if campaign.kind == "search":
        varied = campaign.about.get("varied") or study.space.varied
        return {
            **told,
            "sampler": campaign.about.get("sampler"),
            "stopping": campaign.stopping or "none",
            "varied": list(varied),
        }
    if campaign.kind in ("train", "babysit") and campaign.trials == 1:
        return {"epochs": campaign.epochs} | _differing(study, campaign.cohorts[0].trials[0])
    if campaign.kind == "train":
        given = [_differing(study, one) for spec in campaign.cohorts for one in spec.trials]
        return {**told, "configurations": given}
    return {**told, "again": sorted(set(campaign.about.get("of", {}).values())), "how": campaign.about.get("how")}


def _differing(study: "Study", given: Mapping[str, Any]) -> dict[str, Any]:
    """What one network has other than the space's default."""
    usual = study.space.default_configuration()
    return {name: value for name, value in given["configuration"].items() if value != usual.get(name)}


def _result(study: "Study", trials: list[Trial]) -> dict[str, Any]:
    """How the trials ended, and the best of them."""
    told: dict[str, Any] = {
        str(status): count for status in Status if (count := sum(t.status is status for t in trials))
    }
    usable = [t for t in trials if t.best_epoch > 0 and t.status is not Status.DIVERGED]
    if usable:
        best = min(usable, key=lambda trial: order(trial, study.metric))
        stick = yardstick_of(study)
        told |= {"best trial": best.number}
        if stick is not None:
            told |= {f"dev {stick.name}": float(stick.known(value(best, study.metric)))}
        told |= {"dev error": best.dev_error, "train error": best.train_error}
        told |= {"at epoch": best.best_epoch}
    return told


def _by_hand(study: "Study", campaign: Campaign) -> dict[str, Any]:
    """What a person changed while it trained."""
    if campaign.kind != "babysit":
        return {}
    log = [str(one) for one in log_of(study.store.events(int(campaign.about["lane"])))]
    return {"by hand": "; ".join(log)} if log else {}


def _conclusion(study: "Study", campaign: Campaign, trials: list[Trial]) -> str:
    """What the numbers alone say."""
    result = _result(study, trials)
    if "best trial" not in result:
        return "No trial was usable." if trials and all(t.status is not Status.RUNNING for t in trials) else ""
    winner = study.results.get("winner") or {}
    if campaign.kind == "confirm" and winner.get("trial") is not None:
        judged = _judged(study, winner)
        messages = [finding.message for finding in study.findings if finding.code.startswith("FIT")][:1]
        return " ".join([f"Trial {winner['trial']} is declared the best{judged}.", *messages])
    before = [t for t in study.trials if t.number < campaign.first_trial and t.best_epoch > 0]
    best = study.store.trial(result["best trial"])
    if not before:
        return f"Trial {best.number} is the best so far."
    earlier = min(before, key=lambda trial: order(trial, study.metric))
    better = order(best, study.metric) < order(earlier, study.metric)
    stick = yardstick_of(study)
    reached = (
        f"{earlier.dev_error:.4g}" if stick is None else f"{stick.name} {stick.text(value(earlier, study.metric))}"
    )
    than = f"trial {earlier.number} ({reached})"
    return f"Trial {best.number} is better than {than}." if better else f"No trial is better than {than}."


def _judged(study: "Study", winner: Mapping[str, Any]) -> str:
    """What trials are compared by, of the declared best, on rows that chose nothing; led by a comma."""
    stick, found = yardstick_of(study), study.results.get("judged")
    if stick is not None and found:
        return f", {stick.name} {stick.write(found[0])} on rows that chose nothing"
    return f", error {winner['error']:.4g} on rows that chose nothing" if winner.get("error") is not None else ""


def _write(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, dict):
        return " ".join(f"{name}={_write(item)}" for name, item in value.items()) or "the default"
    if isinstance(value, list | tuple):
        return ("; " if value and isinstance(value[0], dict) else " ").join(map(_write, value))
    return str(value)
