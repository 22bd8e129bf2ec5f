"""What a study concludes: which configuration is best, what holds it back, and the test set at the end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.fit import FitEvidence, diagnose_fit
from caviar.diagnosis.intervals import Interval, normal, rmse_standard_error, wilson
from caviar.diagnosis.normalisation import diagnose_normalisation
from caviar.diagnosis.pictures import diagnose_flips
from caviar.errors import StudyError
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.study import judging, keeping, normalisation, ranking
from caviar.study.becoming import best_model, model_of, model_trial
from caviar.study.kept import Rows
from caviar.study.probing import gradient_findings
from caviar.study.spec import StreamSpec
from caviar.study.yardstick import yardstick_of

if TYPE_CHECKING:
    from caviar.study.study import Study


def alone(trial: Trial) -> dict[str, Any]:
    """The winner where one network was trained: it itself, judged by the judge half."""
    return {
        "trial": trial.number,
        "how": "one training",
        "retrained": [trial.number],
        "model": trial.number,
        "selected_error": trial.dev_error,
        "errors": [trial.judge_error],
        "train_errors": [trial.train_error],
        "error": trial.judge_error,
    }


def declare(study: "Study", ranked: Sequence[Trial]) -> dict[str, Any]:
    """The configuration whose networks did best when trained again.

    Configurations are compared on the choose half of dev; what is reported of the winner comes from the judge half.
    """
    confirmation = next(c for c in reversed(study.campaigns) if c.kind == "confirm")
    again: dict[int, list[Trial]] = {}
    for number, original in confirmation.about["of"].items():
        trial = study.store.trial(int(number))
        if trial.best_epoch > 0 and trial.status is not Status.DIVERGED:
            again.setdefault(int(original), []).append(trial)
    if not again:
        return alone(ranked[0])

    def score(number: int) -> tuple[float, float]:
        trials = again[number]
        values = [ranking.value(t, study.metric) for t in trials]
        return float(np.mean(values)), float(np.mean([t.dev_cost for t in trials]))

    original = min(again, key=score)
    trials = again[original]
    folded = any(stream.folds for spec in confirmation.cohorts for stream in spec.streams)
    # A network of a fold has not seen the whole train set: the model stays the original trial's.
    model = original if folded else min(trials, key=lambda t: ranking.order(t, study.metric)).number
    return {
        "trial": original,
        "how": confirmation.about["how"],
        "retrained": [t.number for t in trials],
        "model": model,
        "selected_error": study.store.trial(original).dev_error,
        "errors": [t.judge_error for t in trials],
        "train_errors": [t.train_error for t in trials],
        "error": float(np.mean([t.judge_error for t in trials])),
    }


def measurements(study: "Study") -> dict[str, Any]:
    """Train and dev (judge) error of the winner with the rows that they rest on.

    Returns:
        "train", "dev": Interval; "train_rows", "dev_rows"; "train_seeds", "dev_seeds": a value a seed.
    """
    winner = study.results["winner"]
    trials = [study.store.trial(number) for number in winner["retrained"]]
    _, rows = keeping.load_weights(study.store, study.folder)
    streams = {
        stream.number: stream for campaign in study.campaigns for spec in campaign.cohorts for stream in spec.streams
    }
    made = {t.stream: study.material.stream(streams[t.stream]) for t in trials}
    repeats: dict[int, list[Trial]] = {}
    for trial in trials:
        spec = streams[trial.stream]
        repeats.setdefault(spec.seed if spec.folds else trial.number, []).append(trial)
    dev_seeds, train_seeds = [], []
    for group in repeats.values():
        sizes = [len(made[t.stream].dev) for t in group]
        dev_seeds.append(_pooled(study, [t.judge_error for t in group], sizes))
        train_seeds.append(_pooled(study, [t.train_error for t in group], [len(made[t.stream].sample) for t in group]))
    first = next(iter(repeats.values()))
    dev_rows = sum(_judged(made[t.stream]) for t in first)
    # Folds share train rows: each counts once, however many networks have seen it.
    train_rows = len(np.unique(np.concatenate([made[t.stream].sample for t in first])))
    spread = _squared_spread(study, [rows[t.number] for t in first if t.number in rows])
    return {
        "train": _interval(study, float(np.mean(train_seeds)), train_rows, spread),
        "dev": _interval(study, float(np.mean(dev_seeds)), dev_rows, spread),
        "train_rows": train_rows,
        "dev_rows": dev_rows,
        "train_seeds": train_seeds,
        "dev_seeds": dev_seeds,
        "squared_error_spread": spread,
    }


def _pooled(study: "Study", errors: list[float], sizes: list[int]) -> float:
    """The error over all rows of several folds; mean squares are pooled before the root."""
    if study.dataset.schema.task == "classification":
        return float(np.average(errors, weights=sizes))
    return float(np.sqrt(np.average(np.square(errors), weights=sizes)))


def _judged(stream: Any) -> int:
    return int(len(stream.dev) if stream.choose.all() else (~stream.choose).sum())


def _squared_spread(study: "Study", records: list[Rows]) -> float | None:
    """Standard deviation of the squared residuals of dev rows, in squared units of the target."""
    if study.dataset.schema.task == "classification" or not records:
        return None
    rows = np.concatenate([one.errors for one in records])
    scale = study.material.prepare(StreamSpec(0, study.seed), "standard").encoder.target_scale
    return float(np.std(rows) * scale**2)


def _interval(study: "Study", value: float, rows: int, spread: float | None) -> Interval:
    if study.dataset.schema.task == "classification":
        return wilson(value, rows)
    return normal(value, rmse_standard_error(value, spread or 0.0, rows))


def diagnose(study: "Study") -> list[Finding]:
    """Findings about the winner and about the data."""
    found = measurements(study)
    told = {name: [found[name].estimate, found[name].low, found[name].high] for name in ("train", "dev")}
    study.set_results(measured=told)
    schema = study.dataset.schema
    winner = study.results["winner"]
    spread = found["squared_error_spread"]
    regression = schema.task == "regression"
    dev_error = found["dev"].estimate
    folded = winner["how"] == "cross-validation"
    chosen_rows = int(study.splits.choose.sum())
    halved = not folded and not study.splits.choose.all()
    compared_otherwise = yardstick_of(study) is not None
    evidence = FitEvidence(
        task=schema.task,
        metric="rmse" if regression else "error",
        train_error=found["train"].estimate,
        train_rows=found["train_rows"],
        dev_error=dev_error,
        dev_rows=found["dev_rows"],
        base_error=study.base_error or None,
        target_spread=study.material.target_spread if regression else None,
        dev_standard_error=rmse_standard_error(dev_error, spread or 0.0, found["dev_rows"]) if regression else None,
        # A repeat of a cross-validation already averages the chance of as many trainings as it has folds.
        train_seeds=() if folded else tuple(found["train_seeds"]),
        dev_seeds=() if folded else tuple(found["dev_seeds"]),
        # By whatever it was selected, that is what the selection flatters: see `judging`.
        chosen_error=float(winner["selected_error"]) if halved and not compared_otherwise else None,
        chosen_rows=chosen_rows if halved else 0,
        candidates=len(study.trials),
        compared_by=study.metric if compared_otherwise else None,
    )
    data = [
        Finding(
            **{name: found[name] for name in ("code", "severity", "message", "evidence", "threshold") if name in found}
        )
        for found in map(dict, study.splits.findings)
    ]
    pictures = diagnose_flips(schema, study.store.trial(winner["trial"]).configuration)
    return [
        *diagnose_fit(evidence),
        *judging.judge(study),
        *gradient_findings(study),
        *_normalised(study),
        *pictures,
        *data,
    ]


def _normalised(study: "Study") -> list[Finding]:
    """What batch norm does to the model; nothing where its weights are not kept."""
    trial = model_trial(study)
    if not trial.configuration["batch_norm"]:
        return []
    try:
        model = model_of(study, trial)
    except StudyError:
        return []
    modes = normalisation.evidence_of(study, trial, model)
    return diagnose_normalisation(modes) if modes else []


def stopped_too_soon(study: "Study") -> dict[str, Any] | None:
    """How often the stopping rule would have ended a trial that then beat the declared best.

    One trial in sixteen, at random, may not be stopped. Of those that the rule would have ended, the share that came
    out better than the winner estimates the chance that the best of all was stopped.

    Returns:
        "spared", "better" and the 95 % interval of the share "low", "high"; None where nothing was spared.
    """
    spared = sorted(set(study.results.get("statistics", {}).get("spared", [])))
    if not spared:
        return None
    bar = ranking.value(study.store.trial(study.results["winner"]["trial"]), study.metric)
    better = sum(ranking.value(study.store.trial(number), study.metric) < bar for number in spared)
    interval = wilson(better / len(spared), len(spared))
    return {"spared": len(spared), "better": better, "low": interval.low, "high": interval.high}


def open_test(study: "Study", opened: int) -> dict[str, Any] | None:
    """The winner's error on the test set, with its interval and how many times the set has been seen."""
    rows = study.splits.test
    if not len(rows):
        return None
    model = best_model(study)
    found = model.evaluate(study.dataset, rows)
    row_errors = found.pop("row_errors")
    if study.dataset.schema.task == "classification":
        interval = wilson(found["error"], found["examples"])
    else:
        interval = normal(
            found["error"], rmse_standard_error(found["error"], float(np.std(row_errors)), len(row_errors))
        )
    metric = judging.on_test(study, model, rows)
    told = {} if metric is None else {"metric_interval": metric}
    return {**found, "low": interval.low, "high": interval.high, **told, "seen": opened}
