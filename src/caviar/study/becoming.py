"""What a study's trials have become: the model of the best, and that of any trial whose weights are kept."""

from typing import TYPE_CHECKING

import numpy as np

from caviar.errors import StudyError
from caviar.networks.constants import BATCH_NORM_EPSILON
from caviar.records.trial import Trial
from caviar.study import keeping, ranking
from caviar.study.kept import Kept
from caviar.study.model import Model
from caviar.study.spec import StreamSpec
from caviar.version import __version__

if TYPE_CHECKING:
    from caviar.study.study import Study


def model_trial(study: "Study") -> Trial:
    """The trial whose network is the study's model.

    Raises:
        StudyError: no trial is usable.
    """
    winner = study.results.get("winner")
    return study.store.trial(winner["model"]) if winner else study.best_trial


def best_model(study: "Study") -> Model:
    """The model of the best trial, made and saved once.

    Raises:
        StudyError: no trial is usable, or its weights are not kept.
    """
    trial = model_trial(study)
    # A network that was taken back and trained otherwise may have its best epoch in the same place.
    of = [trial.number, trial.best_epoch, trial.epochs, str(trial.status), trial.dev_error, trial.dev_cost]
    if study.model_path.exists() and study.results.get("model_of") == of:
        return Model.load(study.model_path)
    model = model_of(study, trial)
    model.save(study.model_path)
    study.set_results(model_of=of, weights_at_zero=model.weights_at_zero)
    return model


def snapshot(study: "Study", number: int) -> Model:
    """The model of a trial at its best epoch so far; while it trains its weights come from the device.

    Raises:
        StudyError: there is no such trial, or its weights are not kept.
    """
    return model_of(study, study.store.trial(number))


def model_of(study: "Study", trial: Trial, stream: StreamSpec | None = None, weights: Kept | None = None) -> Model:
    """A trial's network with everything that predicting needs.

    Args:
        stream: whose train rows' statistics it reads: that of a fold; None: the whole train set's.
        weights: of the trial, where they were read already.

    Raises:
        StudyError: its weights are not kept.
    """
    number = trial.number
    kept = weights
    if kept is None and study.loop is not None:
        kept = study.loop.best_so_far(number)
    if kept is None:
        kept = keeping.load_weights(study.store, study.folder)[0].get(number)
    # Kept weights may be older than the record where a study was killed after it had been stopped.
    if kept is None or kept.value != ranking.value(trial, study.metric):
        raise StudyError(
            f"The weights of trial {number} are not kept. Train it again: caviar train with its configuration."
        )
    configuration = trial.configuration
    encoder = study.material.prepare(stream or StreamSpec(0, study.seed), configuration["encoding"]).encoder
    task = study.dataset.schema.task
    network = {
        "activation": configuration["activation"],
        "batch_norm": bool(configuration["batch_norm"]) and bool(configuration["hidden"]),
        "batch_norm_place": configuration["batch_norm_place"],
        "batch_norm_output": bool(configuration["batch_norm_output"]),
        "epsilon": BATCH_NORM_EPSILON,
        "hidden": list(configuration["hidden"]),
        "outputs": study.material.outputs,
        "task": task,
        "output": "softmax" if task == "classification" else "linear",
    }
    # Probes stay with the study: a model is small.
    history = {name: values.tolist() for name, values in trial.history.items() if values.ndim == 1}
    about = {
        "network": network,
        "schema": study.dataset.schema.to_dict(),
        "trial": trial.to_dict(),
        "history": history,
        "metric": study.metric,
        "data": study.dataset.name,
        "versions": {"caviar": __version__, "numpy": np.__version__},
    }
    return Model(kept.arrays, about, encoder)
