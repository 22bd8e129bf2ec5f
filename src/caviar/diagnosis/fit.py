"""Bias, variance, mismatch and the optimism of having selected: the FIT findings.

    avoidable bias = train − base        variance = dev − train, or train-dev − train where there is a train-dev set
    mismatch = dev − train-dev           optimism = judge half − choose half of the dev set

A gap is high where its whole 95 % interval lies above the margin (2 points by default), low where its whole interval
lies at or below it, and otherwise unclear: "unclear" is an answer, and it says how many rows would settle the question.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.gaps import Gap, Measured, given, measure
from caviar.diagnosis.intervals import CONFIDENCE
from caviar.diagnosis.wording import Unit, errors, optimistic
from caviar.errors import StudyError
from caviar.networks.naming import told_in_error

MARGIN = 0.02
SHARES = ("error", "balanced_error")  # metrics that are shares of rows
_RANKS = ("problem", "warning", "unclear", "note", "good")

_AGAINST_BIAS = "a bigger network, longer training, another optimiser or learning rate, then another architecture"
_AGAINST_VARIANCE = "more data, augmentation, weight decay or L2, dropout, earlier stopping, then another architecture"
_MEASURE = "Which of these helps here has to be measured."


@dataclass(frozen=True)
class FitEvidence:
    """What is known of the network that is judged. Errors are in test mode, lower is better.

    Args:
        task: "classification" or "regression".
        metric: "error" or "balanced_error" (shares), or another cost in its own unit ("error" of a regression is the
            root mean squared error in the target's unit).
        train_error, train_rows: on how many train rows it was measured.
        dev_error, dev_rows: on the judge half.
        train_dev_error, train_dev_rows: on rows like the train set's that were not trained on; None: no such set.
        base_error: the least possible (human or Bayes); None: not known, 0 is taken.
        target_spread: regression: standard deviation of the target, in its unit.
        train_standard_error, dev_standard_error, train_dev_standard_error, chosen_standard_error: for what is no share
            (see `intervals.rmse_standard_error`); None: as if the residuals were normal, error / √(2·rows).
        train_seeds, dev_seeds, train_dev_seeds: the errors of several trainings of this configuration, in one order;
            then their means are judged.
        chosen_error, chosen_rows: on the choose half, where it was selected; None: there is one half only.
        candidates: among how many trials it was selected.
        compared_by: the metric that trials were compared by, where it is not the error; the messages say so.

    Raises:
        StudyError: a number cannot be an error, or what a regression needs is missing.
    """

    task: str
    metric: str
    train_error: float
    train_rows: int
    dev_error: float
    dev_rows: int
    train_dev_error: float | None = None
    train_dev_rows: int = 0
    base_error: float | None = None
    target_spread: float | None = None
    train_standard_error: float | None = None
    dev_standard_error: float | None = None
    train_dev_standard_error: float | None = None
    chosen_standard_error: float | None = None
    train_seeds: tuple[float, ...] = ()
    dev_seeds: tuple[float, ...] = ()
    train_dev_seeds: tuple[float, ...] = ()
    chosen_error: float | None = None
    chosen_rows: int = 0
    candidates: int | None = None
    compared_by: str | None = None

    def __post_init__(self) -> None:
        if self.task not in ("classification", "regression"):
            raise StudyError(f"A task is 'classification' or 'regression'. Got {self.task!r}.")
        if self.task == "regression" and not (self.target_spread and self.target_spread > 0):
            raise StudyError(
                f"A regression needs 'target_spread', its target's spread above 0. Got {self.target_spread!r}."
            )
        for name in ("base_error", "train_error", "dev_error", "train_dev_error", "chosen_error"):
            value = getattr(self, name)
            most = 1.0 if self.is_share else math.inf
            if value is not None and (value < 0 or (value > most and math.isfinite(value))):
                way = f" For {value:g} percent write {value / 100:g}." if self.is_share and 1 < value <= 100 else ""
                range_ = "a share from 0 to 1" if self.is_share else "0 or more"
                raise StudyError(f"'{name}' must be {range_}. Got {value:g}.{way}")
        counts = [len(self.train_seeds), len(self.dev_seeds), len(self.train_dev_seeds) or len(self.dev_seeds)]
        if len(set(counts)) > 1:
            raise StudyError(f"Each seed has one train and one dev error. Got {', '.join(map(str, counts))} of them.")

    @property
    def is_share(self) -> bool:
        """Whether the errors are shares of rows."""
        return self.task == "classification" and self.metric in SHARES

    def measured(self, part: str) -> Measured | None:
        """One of the errors ("train", "dev", "train_dev", "chosen") with its interval; None where there is none."""
        error, rows = getattr(self, f"{part}_error"), getattr(self, f"{part}_rows")
        seeds = getattr(self, f"{part}_seeds", ())
        if error is None or rows < 1 or not all(map(math.isfinite, (error, *seeds))):
            return None
        return measure(
            part.replace("_", "-"),
            error,
            rows,
            share=self.is_share,
            standard_error=getattr(self, f"{part}_standard_error"),
            seeds=seeds,
        )


def diagnose_fit(evidence: FitEvidence, margin: float = MARGIN) -> list[Finding]:
    """The FIT findings, most severe first: exactly one of FIT001 to FIT005, and FIT006 and FIT007 where they apply.

    Args:
        evidence: the errors of the judged network.
        margin: how large a gap may be; a share of rows, or for a regression a share of the target's spread.

    Raises:
        StudyError: the margin is not a share.

    >>> textbook = FitEvidence("classification", "error", 0.01, 10_000, 0.11, 10_000)
    >>> [finding.code for finding in diagnose_fit(textbook)]
    ['FIT001']
    """
    if not 0.0 <= margin < 1.0:
        raise StudyError(f"The margin is a share from 0 to below 1: 0.02 is two points. Got {margin!r}.")
    train, dev = evidence.measured("train"), evidence.measured("dev")
    if train is None or dev is None:
        message = f"Bias and variance cannot be told: {_missing(evidence)}."
        return [Finding("FIT005", "unclear", message, {}, {"margin_share": margin, "confidence": CONFIDENCE})]
    case = _Case(evidence, train, dev, margin * (evidence.target_spread or 1.0))
    threshold = {"margin": case.margin, "margin_share": margin, "confidence": CONFIDENCE}
    verdicts = [case.bias_and_variance(), *case.mismatch(), *case.optimism()]
    verdicts.sort(key=lambda verdict: (_RANKS.index(verdict.severity), -verdict.excess, verdict.code))
    said = f" {told_in_error(evidence.compared_by, 'bias and variance are')}" if evidence.compared_by else ""
    return [Finding(v.code, v.severity, v.message + said, case.numbers(), threshold) for v in verdicts]


def _missing(evidence: FitEvidence) -> str:
    if evidence.dev_rows < 1:
        return "there are no dev rows to judge by"
    if evidence.train_rows < 1:
        return "the train error was measured on no rows"
    return "an error is not a finite number, which is what a diverged training leaves"


@dataclass(frozen=True)
class _Verdict:
    code: str
    severity: str
    message: str
    excess: float = 0.0  # by how much even the low end of the gap exceeds the margin: the larger comes first


@dataclass(frozen=True)
class _Case:
    """The judged network: its errors with their intervals, and the words for them."""

    evidence: FitEvidence
    train: Measured
    dev: Measured
    margin: float

    @property
    def gaps(self) -> dict[str, Gap]:
        """Bias and variance, and of mismatch and optimism those that can be measured."""
        train_dev, chosen = self.evidence.measured("train_dev"), self.evidence.measured("chosen")
        base = given("base", self.evidence.base_error or 0.0)
        gaps = [Gap("avoidable bias", self.train, base, self.margin)]
        gaps.append(Gap("variance", train_dev or self.dev, self.train, self.margin))
        if train_dev:
            gaps.append(Gap("mismatch", self.dev, train_dev, self.margin))
        if chosen:
            gaps.append(Gap("optimism", self.dev, chosen, self.margin))
        return {gap.name: gap for gap in gaps}

    @property
    def unit(self) -> Unit:
        """How the errors are written."""
        return Unit(self.evidence.is_share, self.evidence.target_spread)

    def bias_and_variance(self) -> _Verdict:
        """Exactly one of FIT001 to FIT005."""
        bias, variance, unit = self.gaps["avoidable bias"], self.gaps["variance"], self.unit
        found, allowed = self._errors(), unit.margin(self.margin)
        both = f"{unit.gap(bias)}, {unit.gap(variance)}"
        match bias.size, variance.size:
            case "high", "high":
                what = f"High bias and high variance: {found}. Both gaps are above {allowed}: {both}."
                todo = f" Bias comes first: try {_AGAINST_BIAS}; then {_AGAINST_VARIANCE}. {_MEASURE}{self._base()}"
                return _Verdict("FIT003", "problem", what + todo, max(bias.excess, variance.excess))
            case _, "high":
                what = f"High variance: {found}. The {unit.gap(variance)}, above {allowed}.{unit.open(bias)}"
                return _Verdict(
                    "FIT001", "problem", f"{what} Try first {_AGAINST_VARIANCE}. {_MEASURE}", variance.excess
                )
            case "high", _:
                what = (
                    f"High bias: {found}. The {unit.gap(bias)}, above {allowed}.{unit.open(variance)}{self._easier()}"
                )
                todo = f" Try first {_AGAINST_BIAS}. {_MEASURE}{self._base()}"
                return _Verdict("FIT002", "problem", what + todo, bias.excess)
            case "low", "low":
                what = f"Neither bias nor variance is high: {found}. Both gaps are within {allowed}: {both}."
                return _Verdict("FIT004", "good", what + self._easier())
        what = f"The errors leave open what holds the network back: {found}."
        return _Verdict("FIT005", "unclear", what + unit.open(bias) + unit.open(variance) + self._easier())

    def mismatch(self) -> Iterator[_Verdict]:
        """FIT006, where dev rows are harder than rows like those trained on."""
        gap = self.gaps.get("mismatch")
        if gap and gap.size == "high":
            what = f"Data mismatch: {self._errors()}. The {self.unit.gap(gap)}, above {self.unit.margin(self.margin)}."
            todo = "Look at what differs between the sets; then split anew so that they are alike, or augment train"
            message = f"{what} {todo} towards dev. Whether that helps here has to be measured."
            yield _Verdict("FIT006", "problem", message, gap.excess)

    def optimism(self) -> Iterator[_Verdict]:
        """FIT007, where the dev error that a network was selected by flatters it."""
        gap = self.gaps.get("optimism")
        if gap and gap.interval.low > 0:
            values = self.unit.error(gap.lower.whole), self.unit.error(self.dev.whole)
            message = optimistic(self.evidence.candidates, "error", *values, self.unit.gap(gap))
            yield _Verdict("FIT007", "warning" if gap.size == "high" else "note", message, gap.excess)

    def numbers(self) -> dict[str, Any]:
        """The evidence: errors and gaps with their intervals, in the errors' own unit."""
        numbers: dict[str, Any] = {"metric": self.evidence.metric, "seeds": max(1, len(self.evidence.dev_seeds))}
        numbers |= {
            "base_error": self.evidence.base_error or 0.0,
            "base_error_given": self.evidence.base_error is not None,
        }
        for part in (self.train, self.dev, self.evidence.measured("train_dev"), self.evidence.measured("chosen")):
            if part is not None:
                name = part.name.replace("-", "_")
                numbers |= {f"{name}_error": part.error, f"{name}_rows": part.rows}
                numbers[f"{name}_interval"] = [part.whole.low, part.whole.high]
        for gap in self.gaps.values():
            name = gap.name.replace(" ", "_")
            numbers |= {name: gap.interval.estimate, f"{name}_interval": [gap.interval.low, gap.interval.high]}
            if gap.size == "unclear":
                numbers[f"{name}_rows_needed"] = gap.rows_to_settle()
        if self.evidence.target_spread:
            numbers["target_spread"] = self.evidence.target_spread
        return numbers

    def _errors(self) -> str:
        base = f", base error {self.unit.value(self.evidence.base_error)}" if self.evidence.base_error else ""
        return errors([self.train, self.evidence.measured("train_dev"), self.dev], self.unit) + base

    def _base(self) -> str:
        if self.evidence.base_error is not None:
            return ""
        return " No base error was given, so 0 is taken: if nobody could reach 0 here, give the base error."

    def _easier(self) -> str:
        gap = self.gaps["variance"]
        if gap.interval.high >= -self.margin:
            return ""
        return (
            f" The {gap.upper.name} rows are easier than the train rows by more than chance: see how they were split."
        )
