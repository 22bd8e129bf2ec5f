"""What a report shows, as one plain record: whoever has a study fills it in, and the page only reads."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caviar.diagnosis.finding import Finding
from caviar.networks.naming import told_in_error
from caviar.records.trial import Trial
from caviar.study.by_hand import ByHand
from caviar.study.learning_rates import LearningRates
from caviar.study.shown import Shown
from caviar.study.slices import Slices
from caviar.study.yardstick import Yardstick


@dataclass(frozen=True)
class Metric:
    """What "error" means in this study.

    Args:
        name: "error", "rmse" … as a person chose it.
        unit: "share" for what lies in 0..1 and is written in percent; otherwise the target's unit, or "".
    """

    name: str = "error"
    unit: str = "share"

    @property
    def axis(self) -> str:
        """What an axis of errors says, beside the unit where that is known.

        >>> Metric().axis, Metric("rmse", "dollars").axis, Metric("rmse", "").axis
        ('error', 'error', "error (target's unit)")
        """
        return "error" if self.unit else "error (target's unit)"


@dataclass(frozen=True)
class Compared:
    """What trials were compared by, where that is not the error.

    Args:
        stick: the metric, and how it is read.
        values: of each trial by its number, at its best epoch; the lower the better, so 1 − AUC and 1 − F1.
        dev, test: the metric of the best network as it is known, on rows that chose nothing and on the test set.
    """

    stick: Yardstick
    values: Mapping[int, float]
    dev: "Estimate | None" = None
    test: "Estimate | None" = None

    @property
    def name(self) -> str:
        """Of the metric, in a sentence."""
        return self.stick.name

    def text(self, trial: int) -> str:
        """The metric of a trial as it is known: AUC and not 1 − AUC."""
        return self.stick.text(self.values.get(trial, math.nan))

    def estimate(self, measured: "Estimate") -> str:
        """The metric with its interval."""
        between = self.interval(measured)
        return self.stick.write(measured.value) + (f" ({between})" if between else "")

    def interval(self, measured: "Estimate") -> str:
        """The interval of the metric; nothing where none is known."""
        if measured.low is None or measured.high is None:
            return ""
        low, high = self.stick.write(measured.low), self.stick.write(measured.high)
        unit = {"share": " %", "": ""}.get(self.stick.unit, f" {self.stick.unit}")
        return f"{low.removesuffix(unit)} to {high}"


@dataclass(frozen=True)
class Estimate:
    """A measured number and its interval (None: no interval is known), in the metric's unit."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Retrained:
    """The best configuration trained again, a trial of its own on a fresh seed and stream; errors as above.

    Args:
        compared: the metric as it is known, on rows that chose nothing; None where trials are compared by the error.
    """

    trial: int
    dev_error: float
    train_error: float
    compared: float | None = None


def dev_curve(trial: Trial) -> tuple[np.ndarray, np.ndarray]:
    """The own epochs of one trial and its dev error after each, both [E]; NaN where there is none."""
    errors = np.asarray(trial.history.get("dev_error", ()), dtype=np.float64)
    return np.asarray(trial.history.get("epoch", np.arange(1, len(errors) + 1))), errors


@dataclass(frozen=True)
class PageData:
    """Everything that one page shows.

    Args:
        name: of the study.
        created: when it began, as text for a person (date and time, with the zone).
        seconds: from the command to the report.
        epochs: that a trial may train if nothing stops it.
        command, python: how to do all of it again.
        data: `name`, `task`, `rows`, `columns` (name -> kind), `left_out` (name -> reason), `classes`
            (name -> share), `notes` (sentences); what is missing is not shown.
        splits: as `Splits.summary()` gives it; `rows` (set -> rows), `method`, `choose` and `judge` (rows) are shown.
        trials: all of them, in any order.
        metric: what the errors are.
        compared: what trials were compared by where that is not the error; None where it is.
        best: the number of the best trial; None while no trial is usable.
        retrained: the best configuration on fresh seeds.
        probed: the trial whose gradients and units are shown: the best, or one of its configuration; None: none has.
        weights_at_zero: the share of the model's weights that are exactly 0; None: there is no model yet.
        base, train, dev, test: errors of the best network with their intervals; `dev` is the corrected one, not the one
            that the selection looked at. None: not measured, or (test) never opened.
        test_opened: how many times the test set has been looked at.
        findings: the diagnosis.
        early_stopping: what `study.early_stopping.compared` gave; empty where patience did not stop the best.
        twins: the trials that it names, by number.
        statistics: of the programs, by name: `slot_use`, `useful_arithmetic`, `compile_seconds`, `model_epochs`,
            `epochs_per_second`, `programs`, and whatever else was counted.
        shown: examples as the best network was shown them; None where nothing was changed.
        signature: what the numbers depend on: versions, device, processor, K, threads, flags.
        learning_rates: what a search for learning rates found, where there was one.
        by_hand: what a person did to networks while they trained.
        slices: where the model errs: by the target first.
    """

    name: str
    created: str
    seconds: float
    epochs: int
    command: str
    python: str
    data: Mapping[str, Any]
    splits: Mapping[str, Any]
    trials: Sequence[Trial]
    metric: Metric = field(default_factory=Metric)
    compared: "Compared | None" = None
    best: int | None = None
    retrained: Sequence[Retrained] = ()
    probed: Trial | None = None
    weights_at_zero: float | None = None
    base: Estimate | None = None
    train: Estimate | None = None
    dev: Estimate | None = None
    test: Estimate | None = None
    test_opened: int = 0
    findings: Sequence[Finding] = ()
    early_stopping: Mapping[str, Any] = field(default_factory=dict)
    twins: Mapping[int, Trial] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)
    signature: Mapping[str, Any] = field(default_factory=dict)
    learning_rates: LearningRates | None = None
    shown: Shown | None = None
    by_hand: Sequence[ByHand] = ()
    slices: Sequence[Slices] = ()

    @property
    def untested(self) -> bool:
        """Whether there is no test set, so that no error is unbiased."""
        rows = self.splits.get("rows") or {}
        return bool(rows) and not rows.get("test")

    def value(self, trial: Trial) -> float:
        """What a trial is compared by; the lower the better."""
        return trial.dev_error if self.compared is None else self.compared.values.get(trial.number, math.nan)

    @property
    def higher(self) -> bool:
        """Whether a higher value of what trials are compared by is better."""
        return self.compared is not None and self.compared.stick.higher

    @property
    def measure(self) -> str:
        """What trials are compared by, as an axis says it: "dev error", "dev AUC" …"""
        return f"dev {self.metric.axis}" if self.compared is None else self.compared.stick.axis

    @property
    def measure_unit(self) -> str:
        """The unit of that for an axis: "share", the error's own, or "" where `measure` says it."""
        if self.compared is None:
            return self.metric.unit
        return "share" if self.compared.stick.unit == "share" else ""

    def known(self, value: Any) -> Any:
        """What trials are compared by as a person knows it, of one stored value or of an array."""
        return value if self.compared is None else self.compared.stick.known(value)

    def curve(self, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
        """The own epochs of one trial and what trials are compared by after each, both [E]; NaN where there is none."""
        if self.compared is not None:
            return self.compared.stick.curve(trial)
        return dev_curve(trial)

    def said_of_error(self) -> str:
        """One sentence where trials were not compared by the error and what follows is told in it; else nothing."""
        return "" if self.compared is None else told_in_error(self.compared.stick.metric)

    @property
    def best_trial(self) -> Trial | None:
        """The record of the best trial, or None."""
        return next((trial for trial in self.trials if trial.number == self.best), None)
