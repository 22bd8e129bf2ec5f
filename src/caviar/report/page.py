"""A study's page: what the study knows becomes page data, and the page is written to RUN/report.html."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from caviar.records.trial import Trial
from caviar.report import html, reproduce
from caviar.report.page_data import Compared, Estimate, Metric, PageData, Retrained
from caviar.study import ranking, shown
from caviar.study.by_hand import by_hand
from caviar.study.learning_rates import LearningRates
from caviar.study.probing import probed
from caviar.study.slices import Slices
from caviar.study.study import Study
from caviar.study.yardstick import yardstick_of


def write_report(study: Study) -> Path:
    """Write the page of a study, finished or not, into its folder.

    Returns:
        The path of the page.

    Raises:
        StudyError: it cannot be written.
    """
    return html.write(page_of(study), study.folder / "report.html")


def page_of(study: Study) -> PageData:
    """Everything that the page of a study shows; reads the store alone, never the data."""
    about = study.store.setting("study")
    results = study.results
    statistics = dict(results.get("statistics", {}))
    campaigns = study.campaigns
    winner = results.get("winner") or {}
    measured = results.get("measured") or {}
    test = results.get("test") or {}
    classification = about["data"]["schema"]["task"] == "classification"
    again = ranking.repeated(campaigns)
    trials = [trial for trial in study.trials if trial.number not in again]
    return PageData(
        name=f"{about['data']['name']}",
        created=time.strftime("%Y-%m-%d %H:%M %Z", time.localtime(about["created"])),
        seconds=float(statistics.get("seconds", 0.0)),
        epochs=max((campaign.epochs for campaign in campaigns), default=0),
        command=reproduce.command(study),
        python=reproduce.python(study),
        data=_data(about["data"]),
        splits=about["data"]["splits"],
        trials=trials,
        metric=Metric("error" if classification else "rmse", "share" if classification else ""),
        compared=_compared(study, trials),
        best=winner.get("trial", _first(study)),
        retrained=_retrained(winner, results.get("judged_seeds")),
        probed=_probed(study, winner),
        weights_at_zero=results.get("weights_at_zero"),
        base=Estimate(study.base_error) if study.base_error else None,
        train=_estimate(measured.get("train")),
        dev=_estimate(measured.get("dev")),
        test=_estimate([test["error"], test["low"], test["high"]]) if test else None,
        test_opened=int(study.store.setting("test_opened", 0)),
        findings=study.findings,
        early_stopping=results.get("early_stopping") or {},
        twins=_twins(study, results.get("early_stopping") or {}),
        statistics=statistics,
        signature=_signature(study, campaigns),
        learning_rates=LearningRates.from_dict(results["learning_rates"]) if "learning_rates" in results else None,
        shown=shown.load(study),
        by_hand=by_hand(study),
        slices=[Slices.from_dict(plain) for plain in results.get("slices") or ()],
    )


def _compared(study: Study, trials: Sequence[Trial]) -> Compared | None:
    stick, results = yardstick_of(study), study.results
    if stick is None:
        return None
    values = {trial.number: ranking.value(trial, study.metric) for trial in trials if trial.best_epoch > 0}
    test = (results.get("test") or {}).get("metric_interval")
    return Compared(stick, values, _estimate(results.get("judged")), _estimate(test))


def _twins(study: Study, found: Mapping[str, Any]) -> dict[int, Trial]:
    numbers = [found[name]["trial"] for name in ("stopped", "not_stopped", "l2") if found.get(name)]
    return {number: study.store.trial(number) for number in numbers}


def _first(study: Study) -> int | None:
    from caviar.errors import StudyError

    try:
        return study.best_trial.number
    except StudyError:
        return None


def _probed(study: Study, winner: Mapping[str, Any]) -> Trial | None:
    first = winner.get("trial", _first(study))
    return None if first is None else probed(study, [first, *winner.get("retrained", [])])


def _estimate(found: Any) -> Estimate | None:
    return None if not found else Estimate(found[0], found[1], found[2])


def _retrained(winner: Mapping[str, Any], compared: Sequence[float] | None) -> list[Retrained]:
    numbers = winner.get("retrained", [])
    errors = winner.get("errors", []), winner.get("train_errors", [])
    known: Sequence[float | None] = compared or [None] * len(numbers)
    return [Retrained(*row) for row in zip(numbers, *errors, known, strict=True)]


def _data(about: Mapping[str, Any]) -> dict[str, Any]:
    schema = about["schema"]
    columns = {c["name"]: c["kind"] for c in schema["columns"] if c["kind"] != "left_out"}
    left_out = {c["name"]: c["reason"] for c in schema["columns"] if c["kind"] == "left_out"}
    if schema.get("image_shape"):
        columns = {"pixels": " × ".join(str(side) for side in schema["image_shape"])}
    return {
        "name": about["name"],
        "task": schema["task"],
        "rows": about["rows"],
        "columns": columns,
        "left_out": left_out,
        "classes": about.get("class_shares") or {},
        "notes": about["notes"],
        "target": schema["target"],
    }


def _signature(study: Study, campaigns: list[Any]) -> dict[str, Any]:
    stored = study.store.setting("signatures", [])
    found = dict(stored[-1]["signature"]) if stored else {}
    cohorts = [spec for campaign in campaigns for spec in campaign.cohorts]
    if cohorts:
        found["slots"] = max(spec.slots for spec in cohorts)
    return {**found, "seed": study.seed}
