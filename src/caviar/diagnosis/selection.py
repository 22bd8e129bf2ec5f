"""FIT007 where trials were compared by another metric than the error: the optimism of the selection, in that metric."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.fit import MARGIN
from caviar.diagnosis.gaps import Gap, Measured
from caviar.diagnosis.intervals import CONFIDENCE, Interval
from caviar.diagnosis.wording import number, percent
from caviar.networks.naming import NAMES


@dataclass(frozen=True)
class SelectionEvidence:
    """The value that a network was selected by, and the same metric on rows that chose nothing; lower is better.

    Args:
        metric: "auc" … with 1 − AUC, 1 − F1 and 1 − R² as values.
        chosen, chosen_rows: on the choose half, where it was selected.
        judged, judged_rows: on the judge half, the mean of the trainings.
        seeds: the judged value of each training of the configuration.
        candidates: among how many trials it was selected.
        scale: what a margin is a share of: the target's spread for an MAE, ln C for a log loss, otherwise 1.
    """

    metric: str
    chosen: Interval
    chosen_rows: int
    judged: Interval
    judged_rows: int
    seeds: tuple[float, ...]
    candidates: int
    scale: float = 1.0


def diagnose_selection(evidence: SelectionEvidence, margin: float = MARGIN) -> list[Finding]:
    """FIT007 where the value that a network was selected by flatters it by more than chance; otherwise nothing.

    >>> chosen, judged = Interval(0.01, 0.006, 0.015), Interval(0.03, 0.022, 0.04)
    >>> found = diagnose_selection(SelectionEvidence("auc", chosen, 900, judged, 900, (), 64))
    >>> [finding.code for finding in found]
    ['FIT007']
    """
    return list(_found(evidence, margin))


def _found(evidence: SelectionEvidence, margin: float) -> Iterator[Finding]:
    judged = Measured("dev", evidence.judged_rows, evidence.judged, evidence.seeds)
    chosen = Measured("chosen", evidence.chosen_rows, evidence.chosen)
    gap = Gap("optimism", judged, chosen, margin * evidence.scale)
    interval = gap.interval
    if not (math.isfinite(interval.low) and interval.low > 0):
        return
    named = NAMES[evidence.metric]
    share = named.unit == "share"
    write, unit = (percent, " points") if share else (number, f" {named.unit}".rstrip())
    before, after = _known(evidence.metric, chosen.whole), _known(evidence.metric, judged.whole)
    what = (
        f"The selection among {evidence.candidates} trials is optimistic: {named.name} {_told(evidence.metric, before)}"
    )
    apart = f"on the rows it used, {_told(evidence.metric, after)} on rows of the same kind kept apart"
    size = f"The optimism is {write(interval.estimate)}{unit} ({write(interval.low)} to {write(interval.high)})"
    todo = "Report the second; more dev rows, or fewer trials, would bring the first nearer to it."
    numbers: dict[str, Any] = {
        "metric": evidence.metric,
        "chosen_value": before.estimate,
        "chosen_interval": [before.low, before.high],
        "chosen_rows": evidence.chosen_rows,
        "dev_value": after.estimate,
        "dev_interval": [after.low, after.high],
        "dev_rows": evidence.judged_rows,
        "optimism": interval.estimate,
        "optimism_interval": [interval.low, interval.high],
    }
    threshold = {"margin": gap.margin, "margin_share": margin, "confidence": CONFIDENCE}
    severity = "warning" if gap.size == "high" else "note"
    yield Finding("FIT007", severity, f"{what} {apart}. {size}. {todo}", numbers, threshold)


def _known(metric: str, interval: Interval) -> Interval:
    """As the metric is known: AUC and not 1 − AUC."""
    if not NAMES[metric].higher:
        return interval
    return Interval(1.0 - interval.estimate, 1.0 - interval.high, 1.0 - interval.low)


def _told(metric: str, interval: Interval) -> str:
    unit = NAMES[metric].unit
    if unit == "share":
        return f"{percent(interval.estimate)} % ({percent(interval.low)} to {percent(interval.high)} %)"
    write = (lambda value: f"{value:.4f}") if NAMES[metric].higher else number
    tail = f" {unit}".rstrip()
    return f"{write(interval.estimate)} ({write(interval.low)} to {write(interval.high)}{tail})"
