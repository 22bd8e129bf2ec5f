"""FIT007 where trials were compared by another metric than the error: the optimism of the selection, in that metric."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.fit import MARGIN
from caviar.diagnosis.gaps import Gap, Measured
from caviar.diagnosis.intervals import CONFIDENCE, Interval
from caviar.diagnosis.wording import Unit, number, optimistic
from caviar.networks.naming import NAMES

_SHARE = Unit(is_share=True)


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
    before, after = as_known(evidence.metric, chosen.whole), as_known(evidence.metric, judged.whole)
    if named.unit == "share":
        size = _SHARE.gap(gap)
    else:
        told = f"{number(interval.estimate)} {named.unit}".rstrip()
        size = f"optimism is {told} ({number(interval.low)} to {number(interval.high)})"
    values = _told(evidence.metric, before), _told(evidence.metric, after)
    message = optimistic(evidence.candidates, named.name, *values, size)
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
    yield Finding("FIT007", severity, message, numbers, threshold)


def as_known(metric: str, interval: Interval) -> Interval:
    """As the metric is known: AUC and not 1 − AUC."""
    if not NAMES[metric].higher:
        return interval
    return Interval(1.0 - interval.estimate, 1.0 - interval.high, 1.0 - interval.low)


def _told(metric: str, interval: Interval) -> str:
    unit = NAMES[metric].unit
    if unit == "share":
        return _SHARE.error(interval)
    write = (lambda value: f"{value:.4f}") if NAMES[metric].higher else number
    tail = f" {unit}".rstrip()
    return f"{write(interval.estimate)} ({write(interval.low)} to {write(interval.high)}{tail})"
