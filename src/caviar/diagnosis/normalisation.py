"""NRM001: the same rows get other results in test mode than in train mode, and noise does not explain it.

In train mode batch norm reads the moments of the mini-batch, in test mode those kept for it. Both are run on the same
train rows, in the mini-batches of training, without dropout. Rows of one batch share its moments, so the batches are
the units of the paired test: the difference is taken batch by batch, and Student's t over them gives its interval.

The noise of a batch's moments makes train mode worse, never test mode. So a worse test mode beyond the margin is not
noise; a worse train mode is, and is told only of batches so small that the noise is large.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.fit import MARGIN
from caviar.diagnosis.intervals import CONFIDENCE, Interval, over_seeds
from caviar.diagnosis.wording import number, percent
from caviar.errors import StudyError

FEWEST_BATCHES = 4
# How much higher the cost may be in test mode, as a share of that in train mode.
COST_MARGIN = 0.25
# Batches below this are named as small.
SMALL_BATCH = 16
# With fewer updates behind them, averages of memory 0.9 still hold 1 % of their beginning.
FEW_UPDATES = 44
_MEASURE = "Whether that helps here has to be measured."


@dataclass(frozen=True)
class Mode:
    """What a network makes of some rows in one mode.

    Args:
        errors: [n], 0 or 1, or squared residuals in the target's unit squared.
        costs: [n].
    """

    errors: np.ndarray
    costs: np.ndarray


@dataclass(frozen=True)
class NormalisationEvidence:
    """What a network with batch norm makes of the same rows in both modes.

    Args:
        task: "classification" or "regression".
        train_mode, test_mode: of the same rows.
        batches: [n] the mini-batch of each row.
        whole: test mode with the moments of a pass over these rows; None where test mode reads such moments already.
        updates: mini-batches that the kept averages had seen.
        dropout: units were dropped while they were averaged.
        target_spread: regression: standard deviation of the target, in its unit.

    Raises:
        StudyError: the modes have unlike numbers of rows, or a regression's spread is missing.
    """

    task: str
    train_mode: Mode
    test_mode: Mode
    batches: np.ndarray
    whole: Mode | None = None
    updates: int = 0
    dropout: bool = False
    target_spread: float | None = None

    def __post_init__(self) -> None:
        counts = [len(one) for mode in (self.train_mode, self.test_mode) for one in (mode.errors, mode.costs)]
        if set(counts) != {len(self.batches)}:
            told = ", ".join(map(str, [*counts, len(self.batches)]))
            raise StudyError(f"Both modes are compared on the same rows, each in a batch. Got {told} of them.")
        if self.task == "regression" and not (self.target_spread and self.target_spread > 0):
            raise StudyError(
                f"A regression needs 'target_spread', its target's spread above 0. Got {self.target_spread!r}."
            )

    def error(self, mode: Mode) -> float:
        """A share of rows, or the root of a mean square."""
        mean = float(np.mean(mode.errors))
        return mean if self.task == "classification" else math.sqrt(mean)


def diagnose_normalisation(evidence: NormalisationEvidence, margin: float = MARGIN) -> list[Finding]:
    """NRM001 where a difference lies beyond its margin with its whole 95 % interval; otherwise nothing.

    Args:
        margin: how large the difference of the errors may be; a share of rows, or of the target's spread.

    >>> costs, batches = np.full(400, 0.1), np.arange(400) // 40
    >>> right, wrong = Mode(np.zeros(400), costs), Mode(np.tile([0.0, 1.0], 200), costs)
    >>> diagnose_normalisation(NormalisationEvidence("classification", right, right, batches))
    []
    >>> diagnose_normalisation(NormalisationEvidence("classification", right, wrong, batches))[0].severity
    'problem'
    """
    modes = evidence.train_mode, evidence.test_mode
    units = len(np.unique(evidence.batches))
    if units < FEWEST_BATCHES or not all(np.isfinite(one).all() for mode in modes for one in (mode.errors, mode.costs)):
        return []
    errors, costs = _of_errors(evidence), _of_costs(evidence)
    limit = margin * (evidence.target_spread or 1.0)
    cost_limit = COST_MARGIN * float(np.mean(evidence.train_mode.costs))
    numbers = _numbers(evidence, errors, costs)
    if errors.low > limit:
        severity, message = "problem", _worse_in_test_mode(evidence, numbers, errors)
    elif costs.low > cost_limit:
        severity, message = "warning", _dearer_in_test_mode(evidence, numbers, costs)
    elif errors.high < -limit and numbers["batch_size"] < SMALL_BATCH:
        severity, message = "note", _worse_in_train_mode(evidence, numbers, errors)
    else:
        return []
    threshold = {"margin": limit, "margin_share": margin, "cost_margin": COST_MARGIN, "confidence": CONFIDENCE}
    return [Finding("NRM001", severity, message, numbers, threshold)]


def _of_errors(evidence: NormalisationEvidence) -> Interval:
    """Error in test mode − error in train mode; of a root mean square to first order, e² / (2·RMSE) a row."""
    parts = []
    for mode in (evidence.train_mode, evidence.test_mode):
        error = evidence.error(mode)
        part = mode.errors if evidence.task == "classification" else mode.errors / (2 * error) if error > 0 else 0.0
        parts.append(part * np.ones(len(evidence.batches)))
    apart = evidence.error(evidence.test_mode) - evidence.error(evidence.train_mode)
    return _over_batches(apart, parts[1] - parts[0], evidence.batches)


def _of_costs(evidence: NormalisationEvidence) -> Interval:
    """Mean cost in test mode − mean cost in train mode."""
    rows = np.asarray(evidence.test_mode.costs, np.float64) - evidence.train_mode.costs
    return _over_batches(float(np.mean(rows)), rows, evidence.batches)


def _over_batches(estimate: float, rows: np.ndarray, batches: np.ndarray) -> Interval:
    """The interval of a mean of rows whose batches, not they themselves, are independent."""
    _, of_row = np.unique(batches, return_inverse=True)
    units = int(of_row.max()) + 1
    sums = np.bincount(of_row, rows - rows.mean()) * units / len(rows)
    return over_seeds(Interval(estimate, estimate, estimate), (estimate + sums).tolist())


def _numbers(evidence: NormalisationEvidence, errors: Interval, costs: Interval) -> dict[str, Any]:
    sizes = np.unique(evidence.batches, return_counts=True)[1]
    return {
        "train_mode_error": evidence.error(evidence.train_mode),
        "test_mode_error": evidence.error(evidence.test_mode),
        "whole_error": None if evidence.whole is None else evidence.error(evidence.whole),
        "difference": errors.estimate,
        "difference_interval": [errors.low, errors.high],
        "train_mode_cost": float(np.mean(evidence.train_mode.costs)),
        "test_mode_cost": float(np.mean(evidence.test_mode.costs)),
        "whole_cost": None if evidence.whole is None else float(np.mean(evidence.whole.costs)),
        "cost_difference_interval": [costs.low, costs.high],
        "rows": len(evidence.batches),
        "batches": len(sizes),
        "batch_size": int(sizes.max()),
        "updates": evidence.updates,
        "dropout": evidence.dropout,
    }


def _error(evidence: NormalisationEvidence, value: float) -> str:
    return f"{percent(value)} %" if evidence.task == "classification" else number(value)


def _apart(evidence: NormalisationEvidence, found: Interval) -> str:
    """A difference with its interval, as a person reads it."""
    scale, unit = (100.0, " points") if evidence.task == "classification" else (1.0, "")
    least, most = sorted((abs(scale * found.low), abs(scale * found.high)))
    return f"{abs(scale * found.estimate):.2g}{unit} apart ({least:.2g} to {most:.2g})"


def _rows(numbers: Mapping[str, Any]) -> str:
    return f"on the same {numbers['rows']} train rows in batches of {numbers['batch_size']}"


def _both(evidence: NormalisationEvidence, numbers: Mapping[str, Any]) -> str:
    train, test = (_error(evidence, numbers[name]) for name in ("train_mode_error", "test_mode_error"))
    return f"{_rows(numbers)}: error {train} in train mode, {test} in test mode"


def _worse_in_test_mode(evidence: NormalisationEvidence, numbers: Mapping[str, Any], found: Interval) -> str:
    whole = numbers["whole_error"]
    told = "" if whole is None else _error(evidence, whole)
    mends = whole is not None and whole < 0.5 * (numbers["train_mode_error"] + numbers["test_mode_error"])
    what = f"Test mode does worse than train mode, {_both(evidence, numbers)}, {_apart(evidence, found)}."
    return f"{what} {_causes(evidence, numbers, told, mends)}"


def _dearer_in_test_mode(evidence: NormalisationEvidence, numbers: Mapping[str, Any], found: Interval) -> str:
    whole, train, test = (numbers[name] for name in ("whole_cost", "train_mode_cost", "test_mode_cost"))
    mends = whole is not None and whole < 0.5 * (train + test)
    least, most = found.low / train, found.high / train
    what = f"Test mode costs more than train mode, {_rows(numbers)}: {number(train)} against {number(test)}"
    what += f", higher by {percent(found.estimate / train)} % ({percent(least)} to {percent(most)} %)."
    return f"{what} {_causes(evidence, numbers, '' if whole is None else number(whole), mends)}"


def _worse_in_train_mode(evidence: NormalisationEvidence, numbers: Mapping[str, Any], found: Interval) -> str:
    return (
        f"Train mode does worse than test mode, {_both(evidence, numbers)}, {_apart(evidence, found)}. The moments of "
        f"so small batches are noise, which regularises and slows learning. Try larger batches. {_MEASURE}"
    )


def _causes(evidence: NormalisationEvidence, numbers: Mapping[str, Any], whole: str, mends: bool) -> str:
    """What is known to take the kept moments away from those of the batches, and what to try."""
    found, remedies = [], []
    if evidence.whole is not None:
        if evidence.updates < FEW_UPDATES:
            found.append(f"the averages have seen {evidence.updates} mini-batches only")
        if numbers["batch_size"] < SMALL_BATCH:
            found.append(f"they rest on about ten batches of {numbers['batch_size']} rows")
        remedies = ["batch_norm_statistics=train_set"] if mends else []
    if evidence.dropout:
        found.append("dropout, absent in test mode, changes the spread of what is normalised")
        remedies.append("no dropout below batch norm")
    if not evidence.dropout or evidence.updates < FEW_UPDATES:
        remedies += ["a learning rate that is lower or falls to 0", "more updates"]
    found = found or ["the weights move faster than the kept moments follow"]
    said = f"With the moments of a pass over these rows it is {whole} in test mode. " if whole else ""
    return f"{said}Known causes that apply: {'; '.join(found)}. Try {' or '.join(remedies)}. {_MEASURE}"
