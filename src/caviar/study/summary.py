"""A study in numbers, as `--json` prints them."""

import math
from typing import TYPE_CHECKING, Any

from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.study.ranking import value
from caviar.study.yardstick import yardstick_of

if TYPE_CHECKING:
    from caviar.study.folder import StudyFolder
    from caviar.study.study import Study


def summary(study: "Study") -> dict[str, Any]:
    """One object with what a program wants to know of a study.

    Returns:
        run, seconds, compile_seconds, programs, trials, model_epochs, slot_use, best {trial, dev_error, train_error,
        configuration}, test_error, findings [{code, severity, message, evidence}], model, and more. Numbers that are
        not finite are None, an infinite `clip_norm` is the text "inf".
    """
    results = study.results
    statistics = results.get("statistics", {})
    trials = study.trials
    test = results.get("test") or {}
    found = {
        "run": str(study.folder),
        "state": state_of(study),
        "seconds": statistics.get("seconds"),
        "compile_seconds": statistics.get("compile_seconds"),
        "programs": statistics.get("programs"),
        "trials": len(trials),
        "statuses": {str(status): sum(t.status is status for t in trials) for status in Status},
        "model_epochs": statistics.get("model_epochs"),
        "slot_use": statistics.get("slot_use"),
        "useful_arithmetic": statistics.get("useful_arithmetic"),
        "best": best_of(study),
        "stopped_too_soon": results.get("stopped_too_soon"),
        "stopped": results.get("stopped"),
        "to_rounding": study.store.setting("to_rounding", []),
        "test_error": test.get("error"),
        "test": test or None,
        "findings": [
            {name: getattr(f, name) for name in ("code", "severity", "message", "evidence")} for f in study.findings
        ],
        "model": str(study.model_path) if study.model_path.exists() else None,
        "report": str(study.folder / "report.html"),
    }
    return clean(found)


def best_of(study: "Study") -> dict[str, Any] | None:
    """The best trial in numbers, or None where no trial is usable."""
    from caviar.errors import StudyError

    try:
        trial = study.best_trial
    except StudyError:
        return None
    winner = study.results.get("winner") or {}
    return {
        "trial": trial.number,
        "metric": study.metric,
        "metric_value": metric_value(study, trial),
        "dev_error": trial.dev_error,
        "train_error": trial.train_error,
        "epoch": trial.best_epoch,
        "confirmed_error": winner.get("error"),
        "confirmed_value": (study.results.get("judged") or [None])[0],
        "confirmed_by": winner.get("how"),
        "weights_at_zero": study.results.get("weights_at_zero"),
        "configuration": trial.configuration,
    }


def metric_value(study: "Study", trial: Trial) -> float:
    """What trials are compared by, at the best epoch of one, as it is known."""
    stick = yardstick_of(study)
    if stick is None:
        return math.nan if study.metric == "r2" else value(trial, study.metric)
    return float(stick.known(value(trial, study.metric)))


def state_of(study: "StudyFolder") -> str:
    """ "finished", "training" (somebody holds it), "interrupted" or "idle"."""
    if study.sealed:
        return "finished"
    if study.store.holder(0):
        return "training"
    if study.unfinished() is not None:
        return "interrupted"
    return "idle"


def clean(value: Any) -> Any:
    """The value with what strict JSON cannot say made None or text."""
    if isinstance(value, dict):
        return {
            str(key): "inf" if key == "clip_norm" and item == math.inf else clean(item) for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        return clean(value.item() if getattr(value, "ndim", 0) == 0 else value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
