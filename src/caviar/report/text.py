"""Numbers as a person reads them, and a study's outcome as sentences and plain tables for the terminal."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from caviar import counts
from caviar.diagnosis.finding import Finding
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report.page_data import Estimate, Metric, PageData
from caviar.search.hyperparameters import HYPERPARAMETERS, default_configuration

MISSING = "–"
_TRIAL_HEAD = ("trial", "status", "dev error", "train error", "epochs", "changed from the default")
_HELD_BACK = {  # the finding that sums up bias and variance, as the end of a sentence
    "FIT001": "high variance holds it back",
    "FIT002": "high bias holds it back",
    "FIT003": "high bias and high variance hold it back",
    "FIT004": "neither bias nor variance is high",
    "FIT005": "whether bias or variance holds it back is unclear",
}
_WORST_FIRST = ("problem", "warning", "unclear", "note", "good")


def number(value: Any) -> float:
    """Any value as a float; what is not a number becomes NaN.

    >>> number("0.5"), number(None)
    (0.5, nan)
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def count(value: float) -> str:
    """A whole number with its thousands apart.

    >>> count(12800)
    '12\\xa0800'
    """
    return counts.count(value) if math.isfinite(value) else MISSING


def counted(value: int, noun: str) -> str:
    """A number of things, in the singular where it is one.

    >>> counted(1, "network"), counted(1256, "network")
    ('1 network', '1\\xa0256 networks')
    """
    return f"{count(value)} {noun}" + ("" if value == 1 else "s")


def plain(value: float) -> str:
    """A number with about four digits, without an exponent where that is readable.

    >>> plain(51234.5), plain(0.5), plain(2.5e-7)
    ('51\\xa0234', '0.5', '2.5e-07')
    """
    return count(value) if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"


def share(value: float) -> str:
    """A share in percent, with about three digits.

    >>> share(0.0278), share(0.5), share(1.0), share(0.00012)
    ('2.78 %', '50.0 %', '100 %', '0.012 %')
    """
    percent = 100.0 * value
    if not math.isfinite(percent):
        return MISSING
    if percent in (0.0, 100.0):
        return f"{percent:.0f} %"
    if abs(percent) < 0.1:
        return f"{percent:.2g} %"
    return f"{percent:.{1 if abs(percent) >= 10.0 else 2}f} %"


def error(value: Any, metric: Metric) -> str:
    """An error in its metric's unit; a dash where there is no number.

    >>> error(0.0278, Metric()), error(51234.5, Metric("rmse", "dollars")), error(None, Metric())
    ('2.78 %', '51\\xa0234 dollars', '–')
    """
    value = number(value)
    if not math.isfinite(value):
        return MISSING
    return share(value) if metric.unit == "share" else f"{plain(value)} {metric.unit}".rstrip()


def interval(measured: Estimate, metric: Metric) -> str:
    """The interval of a number; nothing where none is known.

    >>> interval(Estimate(0.028, 0.02, 0.04), Metric()), interval(Estimate(0.028), Metric())
    ('2.00 to 4.00 %', '')
    """
    if not (math.isfinite(number(measured.low)) and math.isfinite(number(measured.high))):
        return ""
    low, high = error(measured.low, metric), error(measured.high, metric)
    unit = " %" if metric.unit == "share" else f" {metric.unit}"
    return f"{low.removesuffix(unit)} to {high}"


def estimate(measured: Estimate | None, metric: Metric) -> str:
    """A number and its interval.

    >>> estimate(Estimate(0.028, 0.02, 0.04), Metric())
    '2.80 % (2.00 to 4.00 %)'
    """
    if measured is None:
        return MISSING
    between = interval(measured, metric)
    return error(measured.value, metric) + (f" ({between})" if between else "")


def seconds(duration: float) -> str:
    """A duration in the units a person would use.

    >>> seconds(0.42), seconds(47.3), seconds(75), seconds(7320)
    ('0.42 s', '47 s', '1 min 15 s', '2 h 2 min')
    """
    if not math.isfinite(duration):
        return MISSING
    if duration < 10:
        return f"{duration:.2g} s"
    whole = round(duration)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def value(setting: Any) -> str:
    """The value of a hyperparameter.

    >>> value([128, 64]), value([]), value(True), value(0.001), value(float("inf"))
    ('128-64', 'none', 'on', '0.001', '∞')
    """
    if isinstance(setting, bool):
        return "on" if setting else "off"
    if isinstance(setting, list | tuple):
        return "-".join(value(item) for item in setting) or "none"
    if isinstance(setting, int | float):
        return plain(setting).replace("inf", "∞")
    return str(setting)


def ranked(page: PageData) -> list[Trial]:
    """Trials from the best up; diverged and unmeasured ones come last, in their own order."""

    def key(trial: Trial) -> tuple[bool, float, int]:
        value = page.value(trial)
        worst = trial.status is Status.DIVERGED or not math.isfinite(value)
        return worst, 0.0 if worst else value, trial.number

    return sorted(page.trials, key=key)


def changes(configuration: Mapping[str, Any]) -> dict[str, str]:
    """What a configuration changes from the defaults and what of it matters beside the rest, as text by name.

    >>> changes({"learning_rate": 0.001, "activation": "tanh", "hidden": [64], "momentum": 0.5})
    {'activation': 'tanh', 'hidden': '64'}
    """
    usual = default_configuration()
    known = [row for row in HYPERPARAMETERS.values() if row.name in configuration and row.matters(configuration)]
    texts = {row.name: value(configuration[row.name]) for row in known}
    return {name: changed for name, changed in texts.items() if changed != value(usual[name])}


def verdict(page: PageData) -> str:
    """One sentence: what the study came to."""
    if not page.trials:
        return "No network has been trained yet."
    if page.best_trial is None:
        return _verdict_without_best(page)
    sentence = f"The best of {counted(len(page.trials), 'network')} has a dev {_reached(page, page.best_trial)}"
    diagnosis = [_HELD_BACK[finding.code] for finding in page.findings if finding.code in _HELD_BACK]
    told = "" if page.compared is None else " (as its error tells)"
    return f"{sentence}: {diagnosis[0]}{told}." if diagnosis else f"{sentence}."


def _reached(page: PageData, best: Trial) -> str:
    """What trials are compared by, of the best, by its name: where it is known on rows that chose nothing, there."""
    if page.compared is None:
        return f"error of {error(page.dev.value if page.dev else best.dev_error, page.metric)}"
    found = page.compared.dev
    told = page.compared.text(best.number) if found is None else page.compared.stick.write(found.value)
    return f"{page.compared.name} of {told}"


def _verdict_without_best(page: PageData) -> str:
    going = sum(not trial.status.ended for trial in page.trials)
    if going:
        return f"Of {counted(len(page.trials), 'network')}, {count(going)} are still to be trained to the end."
    lost = sum(trial.status is Status.DIVERGED for trial in page.trials)
    advice = " A smaller learning rate is the first thing to try." if lost else ""
    return f"Not one of {counted(len(page.trials), 'network')} can be used; {count(lost)} diverged.{advice}"


def by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with the gravest first; equal ones by code."""
    order = {name: place for place, name in enumerate(_WORST_FIRST)}
    return sorted(findings, key=lambda finding: (order.get(finding.severity, len(order)), finding.code))


def findings_text(findings: Iterable[Finding]) -> str:
    """Findings for the terminal, one a line, the gravest first.

    >>> print(findings_text([Finding("FIT001", "problem", "The variance is high.")]))
    FIT001 problem: The variance is high.
    """
    lines = [f"{finding.code} {finding.severity}: {finding.message}" for finding in by_severity(findings)]
    return "\n".join(lines) or "No findings."


def trials_table(page: PageData, rows: int = 10) -> str:
    """The best trials as a plain table for the terminal, no wider than its longest configuration."""
    return _aligned([trial_head(page), *(trial_cells(trial, page) for trial in ranked(page)[:rows])])


def trial_head(page: PageData) -> tuple[str, ...]:
    """The head of `trial_cells`."""
    if page.compared is None:
        return _TRIAL_HEAD
    return (*_TRIAL_HEAD[:2], f"dev {page.compared.name}", *_TRIAL_HEAD[2:])


def trial_cells(trial: Trial, page: PageData) -> tuple[str, ...]:
    """One trial as texts: number, status, dev error, train error, epochs, what it changes from the default.

    What trials are compared by, where it is not the error, comes before that.
    """
    diverged = trial.status is Status.DIVERGED
    errors = [MISSING if diverged else error(one, page.metric) for one in (trial.dev_error, trial.train_error)]
    if page.compared is not None:
        errors.insert(0, MISSING if diverged else page.compared.text(trial.number))
    changed = ", ".join(f"{name} {text}" for name, text in changes(trial.configuration).items())
    return (str(trial.number), trial.status.value, *errors, count(trial.epochs), changed or "nothing")


def summary(page: PageData) -> str:
    """A finished study for the terminal: the verdict, the best trials, the findings."""
    parts = [f"{page.name}: {verdict(page)}", trials_table(page)]
    if page.test is not None:
        told = f"Test error: {estimate(page.test, page.metric)}"
        if page.compared is not None and page.compared.test is not None:
            compared = page.compared.estimate(page.compared.test)
            told = f"Test {page.compared.name}: {compared}; test error: {estimate(page.test, page.metric)}"
        parts.append(f"{told}, seen {counted(page.test_opened, 'time')}.")
    if page.untested and page.best_trial is not None:
        named = "error" if page.compared is None else page.compared.name
        parts.append(f"There is no test set, so the dev {named} is not unbiased (DAT006).")
    if page.learning_rates is not None:
        parts.append(str(page.learning_rates))
    parts.append(findings_text(page.findings))
    return "\n\n".join(parts)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)
