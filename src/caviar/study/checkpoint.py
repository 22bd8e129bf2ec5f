"""The whole of a lane as arrays and plain data, and back: what a checkpoint holds."""

from dataclasses import asdict
from typing import Any

import numpy as np

from caviar.networks.mlp import Perceptron
from caviar.records.trial import Trial
from caviar.study.kept import arrays_of, kept_of
from caviar.study.lane import Lane
from caviar.training.augmentation import Augmentation
from caviar.training.features import Features
from caviar.training.optimisers import UpdateRule


def take(lane: Lane, sampler_state: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Everything that going on needs, as host copies."""
    arrays = lane.cohort.state_arrays()
    weights, values = arrays_of(lane.kept, lane.rows)
    arrays |= weights
    progress = lane.progress
    plain = {
        "taken": lane.taken,
        "asked": progress.asked,
        "live": {str(slot): trial.to_dict() for slot, trial in progress.live.items()},
        "best": {str(trial): list(pair) for trial, pair in progress.best.items()},
        **values,
        "spared": list(progress.spared),
        "counts": [progress.model_epochs, progress.slot_epochs, progress.useful, progress.arithmetic],
        "own_epochs": lane.cohort.own_epochs.tolist(),
        "stream_epochs": lane.cohort.stream_epochs.tolist(),
        "features": asdict(lane.cohort.key.features),
        "stopping": None if lane.stopping is None else lane.stopping.state(),
        "sampler": sampler_state,
    }
    return arrays, plain


def put(lane: Lane, arrays: dict[str, np.ndarray], plain: dict[str, Any]) -> None:
    """Make a new lane of the same spec what the checkpoint says."""
    lane.cohort.move(_features(plain["features"]))
    lane.cohort.ready()
    if "state.0" in arrays:
        lane.cohort.put_state_arrays(arrays)
    lane.taken = plain["taken"]
    progress = lane.progress
    progress.asked = plain["asked"]
    progress.best = {int(trial): (pair[0], pair[1]) for trial, pair in plain["best"].items()}
    progress.spared = list(plain["spared"])
    progress.model_epochs, progress.slot_epochs, progress.useful, progress.arithmetic = plain["counts"]
    lane.cohort.own_epochs = np.asarray(plain["own_epochs"], np.int64)
    lane.cohort.stream_epochs = np.asarray(plain["stream_epochs"], np.int64)
    for slot, fields in plain["live"].items():
        trial = Trial.from_dict(fields)
        progress.live[int(slot)] = trial
        lane.cohort.slots[int(slot)] = lane.assignment(int(slot), trial)
    if lane.stopping is not None:
        lane.stopping.restore(plain["stopping"])
    kept, rows = kept_of(arrays, plain)
    lane.kept.clear()
    lane.kept.update(kept)
    lane.rows.clear()
    lane.rows.update(rows)


def _features(plain: dict[str, Any]) -> Features:
    network = {**plain["network"], "activations": tuple(plain["network"]["activations"])}
    rule = {**plain["rule"], "optimisers": tuple(plain["rule"]["optimisers"])}
    kinds = dict(plain["augmentation"])
    kinds["image_shape"] = tuple(kinds["image_shape"]) if kinds["image_shape"] else None
    own = {"network": Perceptron(**network), "rule": UpdateRule(**rule), "augmentation": Augmentation(**kinds)}
    return Features(**{**plain, **own})
