"""What early stopping did to a training, and beside it what L2 alone does: twins that differ in nothing else.

Early stopping holds variance back by not minimising the cost to its end, so one knob does two jobs. L2 lets the cost be
minimised and holds variance back by its λ. The twins start from the same weights and see the same mini-batches: one is
not stopped, the others are not stopped either and have a λ each.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.study import budget, campaigns, work
from caviar.study.ranking import compared_by, value
from caviar.study.spec import Campaign, CohortSpec

if TYPE_CHECKING:
    from caviar.study.study import Study

KIND = "l2_twin"
# λ/m of the twins: in plain descent the share of a weight that one step of length 1 takes away.
SHARES = (1e-4, 1e-3, 1e-2, 1e-1)


def compare(study: "Study", best: Trial) -> None:
    """Train the twins of the best trial where patience stopped it, and note how they compare; otherwise nothing.

    Nor where the budget of time has ended: the twins come last, and have what the search and the confirmation left.

    Args:
        best: the trial whose configuration is declared best.

    Raises:
        Stop: Ctrl-C; everything is stored, and comparing again goes on.
    """
    patience = stopped_by_patience(study, best)
    if patience is None:
        if study.results.get("early_stopping"):
            study.set_results(early_stopping=None)  # of an earlier best
        return
    if twins_of(study, best) is None:
        seconds = budget.left(study, "twins")
        if seconds is not None and seconds <= 0:
            return
        spec = next(spec for campaign in study.campaigns for spec in campaign.cohorts if spec.number == best.cohort)
        work.begin(study, twins(study, best, spec).to_dict())
    work.run(study)
    study.set_results(early_stopping=compared(study, best, patience))


def stopped_by_patience(study: "Study", trial: Trial) -> int | None:
    """The patience that ended a trial, or None where something else did."""
    own = next(c for c in study.campaigns if c.first_trial <= trial.number < c.first_trial + c.trials)
    waited = trial.epochs - trial.best_epoch
    stopped = trial.status is Status.STOPPED and own.patience is not None and waited >= own.patience
    return own.patience if stopped and own.about.get("twins", True) else None


def twins_of(study: "Study", trial: Trial) -> Campaign | None:
    """The campaign of a trial's twins, if it was begun."""
    for campaign in study.campaigns:
        if campaign.about.get("kind") == KIND and trial.number in campaign.about["of"].values():
            return campaign
    return None


def twins(study: "Study", trial: Trial, before: CohortSpec) -> Campaign:
    """The same configuration, first weights and stream without stopping, and with a few λ of L2, side by side.

    Args:
        before: the cohort in which the trial was trained.
    """
    stream = next(stream for stream in before.streams if stream.number == trial.stream)
    m = len(study.material.stream(stream).rows)
    penalties = [trial.configuration["l2"], *(float(f"{share * m:.2g}") for share in SHARES)]
    numbered = work.numbers(study)
    given = [
        {"configuration": {**trial.configuration, "l2": penalty}, "seed": trial.seed, "of": trial.number}
        for penalty in penalties
    ]
    layout = campaigns.slots_for(study.material, before.structure, len(given), work.start(), halving=False)
    spec = CohortSpec(numbered["first_cohort"], before.structure, *layout, streams=(stream,), trials=tuple(given))
    first = numbered["first_trial"]
    again = {str(first + place): trial.number for place in range(len(given))}
    about = {"kind": KIND, "how": "unstopped, and with L2 alone", "of": again}
    why = "what early stopping did, and what L2 alone does"
    return Campaign("twins", why, trial.horizon, None, (spec,), first, about)


def compared(study: "Study", trial: Trial, patience: int) -> dict[str, Any]:
    """The stopped training, the same not stopped, and the λ that did best on the choose half.

    What was not stopped is told at its last epoch: to pick its best one would be early stopping again.

    Returns:
        "trial", "patience", "best_epoch", "stopped_at", "epochs"; "stopped", "not_stopped" and "l2": each with "trial",
        "l2" (λ), "epoch", "train_error", "choose_error", "dev_error" (judge half), "choose_value" (what trials are
        compared by, the lower the better); "tried": the λ of all twins.
        What diverged, or was ended by a budget, is None.
    """
    campaign = twins_of(study, trial)
    assert campaign is not None
    numbers = sorted(int(number) for number in campaign.about["of"])
    unstopped, *others = (study.store.trial(number) for number in numbers)
    field = compared_by(study.metric)
    ended = [at_end(other, field) for other in others if other.status is Status.FINISHED]
    alone = min(ended, key=lambda one: (one["choose_value"], one["choose_cost"]), default=None)
    stopped = {
        "trial": trial.number,
        "l2": trial.configuration["l2"],
        "epoch": trial.best_epoch,
        "train_error": trial.train_error,
        "choose_error": trial.dev_error,
        "choose_cost": trial.dev_cost,
        "choose_value": value(trial, study.metric),
        "dev_error": trial.judge_error,
    }
    return {
        "trial": trial.number,
        "patience": patience,
        "best_epoch": trial.best_epoch,
        "stopped_at": trial.epochs,
        "epochs": trial.horizon,
        "stopped": stopped,
        "not_stopped": at_end(unstopped, field) if unstopped.status is Status.FINISHED else None,
        "l2": alone,
        "tried": [other.configuration["l2"] for other in others],
    }


def at_end(trial: Trial, field: str = "dev_error") -> dict[str, Any]:
    """A training's errors after its last epoch.

    Args:
        field: by which trials are compared.
    """
    history: Mapping[str, Any] = trial.history
    return {
        "trial": trial.number,
        "l2": trial.configuration["l2"],
        "epoch": int(history["epoch"][-1]),
        "train_error": float(history["train_error"][-1]),
        "choose_error": float(history["dev_error"][-1]),
        "choose_cost": float(history["dev_cost"][-1]),
        "choose_value": float(history[field][-1]),
        "dev_error": float(history["judge_error"][-1]),
    }
