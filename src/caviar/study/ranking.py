"""The order of trials: what they are compared by, and which come first."""

import math
from collections.abc import Iterable
from typing import Any

from caviar.counts import count
from caviar.errors import NothingUsable, StudyError
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.study.spec import Campaign


def compared_by(metric: str) -> str:
    """The field, of a trial as of its measurements, by which a study's trials are compared; the lower the better.

    >>> compared_by("error"), compared_by("log_loss"), compared_by("auc"), compared_by("r2")
    ('dev_error', 'dev_cost', 'dev_value', 'dev_error')
    """
    # A higher R² is a lower RMSE.
    fields = {"log_loss": "dev_cost"} | dict.fromkeys(("balanced_error", "f1", "auc", "mae"), "dev_value")
    return fields.get(metric, "dev_error")


def value(trial: Trial, metric: str) -> float:
    """What a trial is compared by, at its best epoch."""
    field = compared_by(metric)
    if field != "dev_value":
        return float(getattr(trial, field))
    history = trial.history
    found = history[field][history["epoch"] == trial.best_epoch]
    return float(found[0]) if len(found) else math.nan


def turned(metric: str) -> bool:
    """Whether the metric grows where what trials are compared by falls."""
    return metric in ("auc", "f1")


def in_words(value: float, metric: str) -> float:
    """The metric itself, of what trials are compared by: AUC and F1 grow where that falls.

    >>> in_words(0.25, "auc"), in_words(0.25, "balanced_error")
    (0.75, 0.25)
    """
    return 1.0 - value if turned(metric) else value


def order(trial: Trial, metric: str) -> tuple[float, float, int]:
    """A key to sort by: of equal values the lower cost comes first, then the earlier trial."""
    return value(trial, metric), trial.dev_cost, trial.number


def _nothing_usable(study: Any, trials: list[Trial]) -> NothingUsable:
    """Why none of the networks can be used: they diverged, or have not been measured yet."""
    # A network that is trained by hand goes on when its cost is no number: it is diverged by its record.
    lost = sum(t.status is Status.DIVERGED or t.epochs > 0 for t in trials)
    if not lost:
        return NothingUsable(f"No network of '{study.folder}' has trained an epoch yet. Train it first.", study)
    if len(trials) == 1:
        return NothingUsable(
            "The one trained network cannot be used: it diverged, its cost being no finite number. "
            "Give it a smaller learning rate, such as --set learning_rate=1e-4.",
            study,
        )
    return NothingUsable(
        f"Not one of {count(len(trials))} trained networks can be used: {count(lost)} diverged, their costs being no "
        "finite numbers. Allow smaller learning rates, such as --vary learning_rate=1e-5..1e-2:log.",
        study,
    )


def repeated(campaigns: Iterable[Campaign]) -> set[int]:
    """The trials that train another one's configuration again, which are compared with none."""
    return {int(number) for campaign in campaigns for number in campaign.about.get("of", {})}


def ranked(study: Any) -> list[Trial]:
    """Usable trials of a study's searches and trainings, the best first.

    Raises:
        NothingUsable: there is none among those trained.
        StudyError: nothing was trained yet.
    """
    campaigns = study.campaigns
    if not campaigns:
        raise StudyError(f"Nothing was trained in '{study.folder}' yet. Call search or train first.")
    again = repeated(campaigns)
    usable = [t for t in study.trials if t.best_epoch > 0 and t.status is not Status.DIVERGED and t.number not in again]
    if not usable:
        raise _nothing_usable(study, [t for t in study.trials if t.number not in again])
    return sorted(usable, key=lambda trial: order(trial, study.metric))
