"""The metric that trials were compared by, of the declared best, on rows that chose nothing: with its interval."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.intervals import Interval, over_seeds
from caviar.diagnosis.resampling import Predicted, interval_of, values_of
from caviar.diagnosis.selection import SelectionEvidence, as_known, diagnose_selection
from caviar.errors import StudyError
from caviar.records.forward import probabilities
from caviar.study import keeping
from caviar.study.becoming import model_of
from caviar.study.kept import Kept
from caviar.study.model import Model
from caviar.study.spec import StreamSpec
from caviar.study.yardstick import Yardstick, yardstick_of

if TYPE_CHECKING:
    from caviar.study.study import Study


def judge(study: "Study") -> list[Finding]:
    """Note the metric of the declared best on the rows that judge, and say where the selection flattered it.

    Nothing where trials are compared by the error, and nothing where the weights of a training are not kept.

    Returns:
        FIT007, in terms of the metric, or nothing.
    """
    stick = yardstick_of(study)
    if stick is None:
        return []
    try:
        kept, _ = keeping.load_weights(study.store, study.folder)
        networks = _trainings(study, kept)
    except StudyError:
        study.set_results(judged=None, judged_seeds=None)
        return []
    winner = study.results["winner"]
    folded = winner["how"] == "cross-validation"
    found = interval_of(stick.metric, networks)
    each = tuple(_value(stick, one) for one in networks)
    # A repeat of a cross-validation already averages the chance of as many trainings as it has folds.
    seeds = () if folded else each
    known = [1.0 - value if stick.higher else value for value in each]
    study.set_results(judged=_told(stick, over_seeds(found, seeds)), judged_seeds=known)
    if folded or study.splits.choose.all():
        return []
    chosen = study.splits.dev[study.splits.choose]
    try:
        trial = study.store.trial(winner["trial"])
        selected = predicted(study, model_of(study, trial, weights=kept.get(trial.number)), chosen)
    except StudyError:
        return []
    evidence = SelectionEvidence(
        stick.metric,
        interval_of(stick.metric, [selected]),
        len(chosen),
        found,
        len(networks[0].rows),
        seeds,
        len(study.trials),
        _scale(study, stick),
    )
    return diagnose_selection(evidence)


def on_test(study: "Study", model: Model, rows: np.ndarray) -> list[float] | None:
    """The metric of a model on the test rows as it is known, and the ends of its interval; None: the error decides."""
    stick = yardstick_of(study)
    return None if stick is None else _told(stick, interval_of(stick.metric, [predicted(study, model, rows)]))


def predicted(study: "Study", model: Model, rows: np.ndarray) -> Predicted:
    """What a model makes of rows of a study's data."""
    dataset = study.dataset
    outputs = model.outputs(dataset, rows)
    scores = model.in_units(outputs)
    if model.task == "classification":
        scores = probabilities(outputs.astype(np.float64), model.about["network"]["output"])
    weights = np.ones(len(rows)) if dataset.weights is None else dataset.weights[rows]
    return Predicted(rows, study.material.targets[rows], scores, weights)


def _trainings(study: "Study", kept: Mapping[int, Kept]) -> list[Predicted]:
    """What each training of the declared best made of the rows that judge it.

    Args:
        kept: the weights of trials.

    Raises:
        StudyError: the weights of one are not kept.
    """
    streams = {
        stream.number: stream for campaign in study.campaigns for spec in campaign.cohorts for stream in spec.streams
    }
    found = []
    for number in study.results["winner"]["retrained"]:
        trial = study.store.trial(number)
        spec: StreamSpec = streams[trial.stream]
        stream = study.material.stream(spec)
        rows = stream.dev if stream.choose.all() else stream.dev[~stream.choose]
        found.append(predicted(study, model_of(study, trial, spec, kept.get(number)), rows))
    return found


def _value(stick: Yardstick, network: Predicted) -> float:
    return float(values_of(stick.metric, network, np.ones((1, len(network.rows))))[0])


def _scale(study: "Study", stick: Yardstick) -> float:
    """What a margin is a share of."""
    if stick.metric == "mae":
        return study.material.target_spread
    return math.log(study.material.outputs) if stick.metric == "log_loss" else 1.0


def _told(stick: Yardstick, found: Interval) -> list[float]:
    """Value, low end and high end as the metric is known; what cannot be below 0 or above 1 is not."""
    known = as_known(stick.metric, found)
    low = known.low if stick.metric == "r2" else max(0.0, known.low)
    return [known.estimate, low, min(1.0, known.high) if stick.higher else known.high]
