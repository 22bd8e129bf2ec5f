"""What the network that was chosen makes of the same train rows in train mode and in test mode."""

from typing import TYPE_CHECKING

import numpy as np

from caviar.data.streams import batches
from caviar.diagnosis.normalisation import Mode, NormalisationEvidence
from caviar.records.forward import forward, forward_in_batches, with_moments_of
from caviar.records.trial import Trial
from caviar.study.model import Model
from caviar.study.spec import StreamSpec

if TYPE_CHECKING:
    from caviar.study.study import Study

# Rows that are looked at: enough for the interval, few enough for NumPy.
MOST_ROWS = 4096


def evidence_of(study: "Study", trial: Trial, model: Model) -> NormalisationEvidence | None:
    """Both modes of a trial's network at its best epoch; None without batch norm.

    Args:
        model: of the trial.
    """
    c = trial.configuration
    if not model.about["network"]["batch_norm"]:
        return None
    stream = study.material.stream(StreamSpec(0, study.seed))
    laid, present = batches(stream, 0, int(c["batch_size"]))
    kept = [rows[real > 0] for rows, real in zip(laid, present, strict=True)]
    kept = kept[: max(1, MOST_ROWS // int(c["batch_size"]))]
    rows = np.concatenate(kept)
    numbers = np.repeat(np.arange(len(kept)), [len(one) for one in kept])
    places = [np.flatnonzero(numbers == batch) for batch in range(len(kept))]
    inputs, targets = model.encoder.transform(study.dataset, rows), study.material.targets[rows]
    arrays, about = model.arrays, model.about
    whole = None
    if c["batch_norm_statistics"] == "averages":
        passed = with_moments_of(arrays, about, inputs, places)
        whole = mode_of(model, forward(passed, about, inputs, np.float64), targets)
    keep = c["keep_probability"]
    return NormalisationEvidence(
        model.task,
        mode_of(model, forward_in_batches(arrays, about, inputs, places), targets),
        mode_of(model, forward(arrays, about, inputs, np.float64), targets),
        numbers,
        whole,
        updates=trial.best_epoch * len(laid),
        dropout=min([*(keep if isinstance(keep, list) else [keep]), c["input_keep_probability"]]) < 1.0,
        target_spread=study.material.target_spread if model.task == "regression" else None,
    )


def mode_of(model: Model, outputs: np.ndarray, targets: np.ndarray) -> Mode:
    """Error and cost of each row: cross-entropy, or half the squared residual of the standardised target."""
    if model.task == "regression":
        squares = (model.in_units(outputs) - targets) ** 2
        return Mode(squares, 0.5 * squares / model.encoder.target_scale**2)
    shifted = outputs - outputs.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    wrong = (outputs.argmax(axis=1) != targets).astype(np.float64)
    return Mode(wrong, -logs[np.arange(len(targets)), targets])
