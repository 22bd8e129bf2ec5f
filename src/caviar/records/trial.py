"""A trial's frozen record: what was trained, how far it came, and what was measured."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from caviar.records.status import Status


@dataclass(frozen=True)
class Trial:
    """One trial as the store knows it; a later look gives another record.

    Args:
        number: counts from 0 in the order of decision.
        status: where it stands.
        configuration: every hyperparameter by name.
        seed: of its initial weights.
        stream: number of the stream it reads.
        cohort: number of the compiled program it rides in.
        dev_error: at its best epoch, on the choose half of dev; NaN where not measured.
        train_error: at its best epoch, test mode.
        best_epoch: own epoch, from 1; 0 where there is none yet.
        epochs: own epochs trained so far.
        exempt: never stopped early (one in sixteen, drawn at random).
        reason: why it ended, in words.
        updates: its own mini-batches so far.
        horizon: epochs over which the learning rate's decay is stretched.
        stop_at: last own epoch it may train.
        dev_cost, train_cost: at its best epoch, beside the errors.
        judge_error, judge_cost: at its best epoch, on the judge half of dev.
        lane: the lane that trains it.
        parent: the trial it was forked from.
        history: float32 arrays by own epoch: "epoch" and every name of `history.FIELDS`; read on first use.

    >>> Trial(3, Status.WAITING, {"learning_rate": 0.01}).epochs
    0
    """

    number: int
    status: Status
    configuration: dict[str, Any]
    seed: int = 0
    stream: int = 0
    cohort: int = 0
    # The very object math.nan as default: tuples compare by identity first, so unmeasured records are equal.
    dev_error: float = math.nan
    train_error: float = math.nan
    best_epoch: int = 0
    epochs: int = 0
    exempt: bool = False
    reason: str = ""
    updates: int = 0
    horizon: int = 0
    stop_at: int = 0
    dev_cost: float = math.nan
    train_cost: float = math.nan
    judge_error: float = math.nan
    judge_cost: float = math.nan
    lane: int = 0
    parent: int | None = None
    history: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the history, as plain values."""
        return to_row(self) | {"configuration": self.configuration}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Trial":
        """What `to_dict` gave; without a history."""
        return from_row(plain, plain["configuration"], {})


def _whole(value: Any) -> int:
    number = int(value)
    if number != value or not -(2**63) <= number < 2**63:
        raise ValueError(f"{value!r} is not a whole number of 64 bits")
    return number


def _real(value: Any) -> float:
    return math.nan if value is None or math.isnan(value) else float(value)


def _parent(value: Any) -> int | None:
    return None if value is None else _whole(value)


_CONVERT: dict[Any, Callable[[Any], Any]] = {
    int: _whole,
    float: _real,
    bool: bool,
    str: str,
    Status: Status,
    int | None: _parent,
}
# On the way in NumPy's scalars are converted, which SQLite would refuse; on the way out NULL, SQLite's only NaN.
_COLUMNS = tuple((f.name, _CONVERT[f.type]) for f in fields(Trial) if f.name not in ("configuration", "history"))


def to_row(trial: Trial) -> dict[str, Any]:
    """The scalar fields by column name, in Python's own types.

    Raises:
        ValueError: a field does not hold what its type says.
    """
    return {name: convert(getattr(trial, name)) for name, convert in _COLUMNS}


def from_row(row: Mapping[str, Any], configuration: dict[str, Any], history: Mapping[str, np.ndarray]) -> Trial:
    """The record of a row of the store.

    Raises:
        ValueError, TypeError, KeyError: the row is damaged.
    """
    values = {name: convert(row[name]) for name, convert in _COLUMNS}
    return Trial(**values, configuration=configuration, history=history)
