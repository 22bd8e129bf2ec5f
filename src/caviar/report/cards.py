"""A finding as a card: its severity in a word and a sign, its code, its message, and its evidence on request."""

from collections.abc import Mapping
from typing import Any

from caviar.diagnosis.finding import Finding
from caviar.report import blocks, text
from caviar.report.markup import Markup, element
from caviar.report.page_data import Estimate, Metric

_SEVERITY_MARKS = {"problem": "✕", "warning": "!", "unclear": "?", "note": "i", "good": "✓"}
_ERRORS = ("error", "bias", "variance", "mismatch", "optimism", "margin")  # last words of what has the metric's unit


def card(finding: Finding, metric: Metric) -> Markup:
    """One finding; its evidence is written in the metric's unit where it is an error or a difference of errors."""
    severity = finding.severity if finding.severity in _SEVERITY_MARKS else "note"
    mark = element("span", _SEVERITY_MARKS[severity], class_="sign", aria_hidden="true")
    label = element("p", mark, element("span", finding.severity), element("code", finding.code), class_="severity")
    said = element("p", finding.message, class_="message")
    threshold = {f"threshold: {name}": value for name, value in _evidence(finding.threshold, metric).items()}
    evidence = blocks.facts(_evidence(finding.evidence, metric) | threshold)
    shown = blocks.more("Evidence", evidence) if evidence else None
    return element("article", label, said, shown, class_=f"card tone-{severity}")


def _evidence(known: Mapping[str, Any], metric: Metric) -> dict[str, Any]:
    """Errors and their differences in the metric's unit with their intervals beside them, all else as it is."""
    said: dict[str, Any] = {}
    for name, value in known.items():
        stem, _, last = name.rpartition("_")
        interval = known.get(f"{name.removesuffix('_error')}_interval")
        if last in _ERRORS and isinstance(value, int | float) and not isinstance(value, bool):
            low, high = interval if isinstance(interval, list | tuple) and len(interval) == 2 else (None, None)
            value = text.estimate(Estimate(value, low, high), metric)
        elif last == "interval" and (stem in known or f"{stem}_error" in known):
            continue
        said[name.replace("_", " ")] = value
    return said
