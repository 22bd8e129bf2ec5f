"""What the page begins with: the verdict with its numbers, and the data."""

from collections.abc import Mapping
from typing import Any

from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import blocks, figures, text
from caviar.report.markup import Markup, element, joined
from caviar.report.page_data import Compared, PageData
from caviar.report.section import Section

_METHODS = {"hash": "by the content of the rows", "group": "by group", "time": "by time"}


def headline(page: PageData) -> Markup:
    """The study in one sentence and four numbers."""
    stopped = sum(trial.status is Status.STOPPED for trial in page.trials)
    lost = sum(trial.status is Status.DIVERGED for trial in page.trials)
    tiles = (
        _dev_tile(page),
        _test_tile(page),
        blocks.tile(
            "networks",
            text.count(len(page.trials)),
            f"{text.count(stopped)} stopped early, {text.count(lost)} diverged",
        ),
        blocks.tile("time", text.seconds(page.seconds), f"begun {page.created}" if page.created else ""),
    )
    return element(
        "header",
        element("p", "Caviar report", class_="kicker"),
        element("h1", page.name),
        element("p", text.verdict(page), class_="verdict"),
        element("div", *tiles, class_="tiles"),
    )


def the_data(page: PageData) -> Section:
    """What the data is, and how it was split."""
    about = page.data
    columns, left_out = dict(about.get("columns", {})), dict(about.get("left_out", {}))
    listed = {} if _are_images(columns) else columns
    known = {
        "data set": about.get("name"),
        "task": about.get("task"),
        "rows": text.count(about["rows"]) if "rows" in about else None,
        "target": about.get("target"),
        "inputs": _inputs(columns),
        "how it was split": _METHODS.get(str(page.splits.get("method")), page.splits.get("method")),
        "dev is used twice": _two_halves(page.splits),
    }
    split = figures.split_bar(page)
    body = joined(
        blocks.facts(known),
        blocks.figure(split) if split else None,
        blocks.shares("Classes", dict(about.get("classes", {}))),
        blocks.bullets("What was noticed", about.get("notes", ())),
        blocks.more("Columns used", blocks.table(("column", "kind"), listed.items())) if listed else None,
        blocks.more("Columns left out", blocks.table(("column", "why"), left_out.items())) if left_out else None,
    )
    return Section("data", "The data", body, (split,) if split else ())


def _inputs(columns: Mapping[str, str]) -> str:
    """How many columns of which kind; images have one entry, with their shape for a kind."""
    kinds = list(columns.values())
    if _are_images(columns):
        return f"images of {kinds[0]} pixels"
    return ", ".join(text.counted(kinds.count(kind), f"{kind} column") for kind in dict.fromkeys(kinds))


def _are_images(columns: Mapping[str, str]) -> bool:
    return set(columns) == {"pixels"}


def _two_halves(splits: Mapping[str, Any]) -> str | None:
    """How many dev rows choose and how many judge, where those are not the same."""
    choose, judge = splits.get("choose"), splits.get("judge")
    if not choose or not judge or choose == judge == splits.get("rows", {}).get("dev"):
        return None
    return f"{text.count(choose)} rows choose, {text.count(judge)} judge"


def _dev_tile(page: PageData) -> Markup:
    best = page.best_trial
    if best is None:
        named = "error" if page.compared is None else page.compared.name
        return blocks.tile(f"dev {named}", text.MISSING, "no usable network yet")
    if page.compared is not None:
        return _compared_tile(page, page.compared, best)
    if page.dev is None:
        picked = f"of trial {best.number}; picked as the lowest of {text.count(len(page.trials))}, so somewhat too low"
        return blocks.tile("dev error of the best", text.error(best.dev_error, page.metric), picked)
    interval = text.interval(page.dev, page.metric)
    detail = f"{interval}; {text.error(best.dev_error, page.metric)} when selected".removeprefix("; ") + _in_unit(page)
    return blocks.tile("dev error of the best", text.error(page.dev.value, page.metric), detail)


def _compared_tile(page: PageData, compared: Compared, best: Trial) -> Markup:
    """What trials are compared by, of the best, and its error beside it."""
    label = f"dev {compared.name} of the best"
    error = best.dev_error if page.dev is None else page.dev.value
    beside = _beside(error, page, compared)
    if compared.dev is None:
        picked = f"of trial {best.number}; picked as the best of {text.count(len(page.trials))}"
        detail = f"{picked}, so somewhat too good; {beside}"
        return blocks.tile(label, compared.text(best.number), detail)
    parts = (compared.interval(compared.dev), f"{compared.text(best.number)} when selected", beside)
    detail = "; ".join(part for part in parts if part)
    return blocks.tile(label, compared.stick.write(compared.dev.value), detail)


def _test_tile(page: PageData) -> Markup:
    named = "error" if page.compared is None else page.compared.name
    if page.untested:
        return blocks.tile(f"test {named}", "none", f"there is no test set, so no {named} here is unbiased")
    if page.test is None:
        return blocks.tile(f"test {named}", "sealed", "the test set has not been opened")
    seen = f"seen {text.counted(page.test_opened, 'time')}" if page.test_opened else ""
    if page.compared is not None and page.compared.test is not None:
        found = page.compared.test
        beside = _beside(page.test.value, page, page.compared)
        parts = (page.compared.interval(found), beside, seen)
        detail = "; ".join(part for part in parts if part)
        return blocks.tile(f"test {named}", page.compared.stick.write(found.value), detail)
    detail = "; ".join(part for part in (text.interval(page.test, page.metric), seen) if part) + _in_unit(page)
    return blocks.tile("test error", text.error(page.test.value, page.metric), detail)


def _beside(error: float, page: PageData, compared: Compared) -> str:
    """The error beside the metric that trials were compared by; in a unit that nobody has named it is the target's."""
    told = f"its error is {text.error(error, page.metric)}"
    if page.metric.unit:
        return told
    return f"{told} in the target's unit" if compared.stick.higher else f"{told}, both in the target's unit"


def _in_unit(page: PageData) -> str:
    return "" if page.metric.unit else "; in the target's unit"
