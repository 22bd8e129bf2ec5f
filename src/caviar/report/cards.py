"""A finding as a card: its severity in a word and a sign, its code, its message, and its evidence on request."""

from collections.abc import Mapping
from typing import Any

from caviar.diagnosis.finding import Finding
from caviar.networks.naming import NAMES
from caviar.report import blocks, text
from caviar.report.markup import Markup, element
from caviar.report.page_data import Estimate, Metric

_SEVERITY_MARKS = {"problem": "✕", "warning": "!", "unclear": "?", "note": "i", "good": "✓"}
_ERRORS = (
    "error",
    "value",
    "bias",
    "variance",
    "mismatch",
    "optimism",
    "margin",
)  # last words of what has the metric's unit


def card(finding: Finding, metric: Metric) -> Markup:
    """One finding; its evidence is written in the metric's unit where it is an error or a difference of errors."""
    metric = _own(finding, metric)
    severity = finding.severity if finding.severity in _SEVERITY_MARKS else "note"
    mark = element("span", _SEVERITY_MARKS[severity], class_="sign", aria_hidden="true")
    label = element("p", mark, element("span", finding.severity), element("code", finding.code), class_="severity")
    said = element("p", finding.message, class_="message")
    threshold = {f"threshold: {name}": value for name, value in _evidence(finding.threshold, metric).items()}
    evidence = blocks.facts(_evidence(finding.evidence, metric) | threshold)
    shown = blocks.more("Evidence", evidence) if evidence else None
    return element("article", label, said, shown, class_=f"card tone-{severity}")


def _own(finding: Finding, metric: Metric) -> Metric:
    """The metric that a finding says it is about: trials may be compared by another one than the error."""
    name = finding.evidence.get("metric")
    if name in (None, "error", "rmse", metric.name) or name not in NAMES:
        return metric
    return Metric(name, NAMES[name].unit)


def _evidence(known: Mapping[str, Any], metric: Metric) -> dict[str, Any]:
    """Errors and their differences in the metric's unit with their intervals beside them, all else as it is."""
    said: dict[str, Any] = {}
    for name, value in known.items():
        stem, _, last = name.rpartition("_")
        interval = known.get(f"{name.removesuffix('_error').removesuffix('_value')}_interval")
        if last in _ERRORS and isinstance(value, int | float) and not isinstance(value, bool):
            low, high = interval if isinstance(interval, list | tuple) and len(interval) == 2 else (None, None)
            value = text.estimate(Estimate(value, low, high), metric)
        elif last == "interval" and not {stem, f"{stem}_error", f"{stem}_value"}.isdisjoint(known):
            continue
        said[name.replace("_", " ")] = value
    return said
