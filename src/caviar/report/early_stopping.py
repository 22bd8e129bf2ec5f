"""Where patience ended a training, what it cost, and what the same network does unstopped and with L2 alone."""

import math
from collections.abc import Mapping
from typing import Any

from caviar.report import blocks, text
from caviar.report.figure import Axis, Figure, Series
from caviar.report.figures import numbers
from caviar.report.markup import Markup, element, joined
from caviar.report.page_data import Metric, PageData

_NAMES = {"stopped": "stopped by patience", "not_stopped": "not stopped", "l2": "L2 alone"}
_ROLES = {"not_stopped": "second", "l2": "third", "stopped": "first"}  # the stopped one on top
_WHY = (
    "Early stopping couples two things that are better apart: how well the cost is minimised, and how far the network "
    "is held back. Training on with L2 keeps them apart (orthogonalisation): the cost is minimised to its end, and λ "
    "holds the weights back."
)


def curves(page: PageData) -> Figure | None:
    """Dev error by epoch of the training that was stopped and of its twins, the best epoch and the stop marked.

    Where trials are compared by another metric, that is drawn.
    """
    found, trials = page.early_stopping, page.twins
    series = []
    for name, role in _ROLES.items():
        trial = trials.get(found[name]["trial"]) if found[name] else None
        if trial is None or not len(page.curve(trial)[0]):
            continue
        epochs, errors = page.curve(trial)
        labels = [f"trial {trial.number}, {_named(found, name)}"] * len(errors)
        series.append(Series(_named(found, name), "line", role, epochs.tolist(), numbers(errors), labels=labels))
    own = trials.get(found["trial"])
    if own is None or not series or not len(page.curve(own)[0]):
        return None
    epochs, errors = page.curve(own)
    by_epoch = dict(zip(epochs.tolist(), numbers(errors), strict=True))
    for mark, role, epoch in (("best epoch", "optimum", "best_epoch"), ("stopped here", "limit", "stopped_at")):
        at = found[epoch]
        label = f"{mark}: epoch {at}"
        series.append(Series(label, "points", role, [at], [by_epoch.get(at)], labels=[label]))
    told = (
        f"Trial {found['trial']} was best in epoch {found['best_epoch']} and stopped after epoch {found['stopped_at']}"
    )
    return Figure(
        key="early_stopping",
        title=f"Dev {_measure(page)} of the stopped training and of its twins",
        description=f"{told} of {found['epochs']}. {_said(found, page.metric)}",
        x=Axis("epoch"),
        y=_axis(page),
        series=tuple(series),
    )


def body(page: PageData, shown: Figure | None) -> Markup:
    """The words, the figure and the table."""
    found = page.early_stopping
    head = ["training", "λ of L2", "epoch", "train error", "dev error, choose half", "dev error, judge half"]
    if page.compared is not None:
        head.insert(3, f"dev {page.compared.name}, choose half")
    rows = [_row(found, name, page) for name in _NAMES if found[name]]
    tried = ", ".join(text.value(penalty) for penalty in found["tried"])
    how = (
        f"Trial {found['trial']} was stopped after epoch {found['stopped_at']} of {found['epochs']}: the "
        f"{text.counted(found['patience'], 'epoch')} after epoch {found['best_epoch']} brought nothing better. The "
        "parameters of that epoch are the ones kept."
    )
    beside = (
        "The twins have the same first weights and mini-batches and train to the last epoch, where they are told. Of "
        f"λ = {tried} the one with the {'highest' if page.higher else 'lowest'} {_measure(page)} on the choose half is "
        "shown; the judge half compares them all. One training each: small differences are chance."
    )
    if not found["not_stopped"] and not found["l2"]:
        beside = "Of its twins, unstopped and with L2 alone, none came to its end: they diverged, or the budget ended."
    return joined(
        element("p", how),
        blocks.figure(shown) if shown else None,
        element("p", beside),
        blocks.table(head, rows),
        element("p", _WHY),
    )


def _named(found: Mapping[str, Any], name: str) -> str:
    return f"{_NAMES[name]}, λ = {text.value(found[name]['l2'])}" if name == "l2" else _NAMES[name]


def _measure(page: PageData) -> str:
    return "error" if page.compared is None else page.compared.name


def _axis(page: PageData) -> Axis:
    if page.compared is None:
        return Axis(f"dev {page.metric.axis}, choose half", page.metric.unit)
    return Axis(f"{page.measure}, {page.compared.stick.direction}", page.measure_unit)


def _row(found: Mapping[str, Any], name: str, page: PageData) -> tuple[Any, ...]:
    own = found[name]
    told = [text.error(own[part], page.metric) for part in ("train_error", "choose_error", "dev_error")]
    if page.compared is not None:
        told.insert(0, page.compared.stick.text(own.get("choose_value", math.nan)))
    return (_NAMES[name], text.value(own["l2"]), own["epoch"], *told)


def _said(found: Mapping[str, Any], metric: Metric) -> str:
    """The errors on the judge half in one sentence."""
    parts = [f"{_named(found, name)} {text.error(found[name]['dev_error'], metric)}" for name in _NAMES if found[name]]
    return f"Dev error on the judge half: {', '.join(parts)}."
