"""Networks that a person trained: the curve of each with every intervention marked on it, and their log."""

import math
from collections.abc import Sequence

import numpy as np

from caviar.records.trial import Trial
from caviar.report import blocks, text
from caviar.report.figure import Axis, Figure, Series
from caviar.report.figures import numbers
from caviar.report.markup import Markup, element, joined
from caviar.report.page_data import Metric, PageData, dev_curve
from caviar.study.by_hand import ByHand, Mark, by_hand
from caviar.study.study import Study
from caviar.study.yardstick import Yardstick, yardstick_of

_MARKS = (  # the name of a mark, its role, what was done, whether it was taken back
    ("changed", "optimum", ("set",), False),
    ("changed, then taken back", "start", ("set",), True),
    ("gone back to here", "limit", ("undo", "back"), False),
)


def curve(one: ByHand, trial: Trial, metric: Metric, stick: Yardstick | None = None) -> Figure | None:
    """Dev and train error by epoch, every intervention marked, what was taken back behind; None before an epoch.

    Args:
        one: what was done to the network.
        trial: its record, with its history.
        metric: what the errors are.
        stick: what trials are compared by where that is not the error: then it is drawn, of dev alone.
    """
    epochs, errors = dev_curve(trial) if stick is None else stick.curve(trial)
    if not len(errors):
        return None
    named = "dev error" if stick is None else f"dev {stick.name}"
    behind = [
        _line("trained, then taken back" if not place else "", "raw", part) for place, part in enumerate(one.taken_back)
    ]
    measured = [Series(named, "line", "dev", epochs.tolist(), numbers(errors))]
    if stick is None:
        train = numbers(np.asarray(trial.history["train_error"], np.float64))
        measured.insert(0, Series("train error", "line", "train", epochs.tolist(), train))
    first = next((value for value in errors.tolist() if math.isfinite(value)), None)
    each = (_marked(one.marks, name, role, actions, undone, first) for name, role, actions, undone in _MARKS)
    marked = [series for series in each if series is not None]
    told = "; ".join(str(mark.intervention) for mark in one.marks) or "nothing was changed"
    best = (
        f"its best {named} is {_best(trial, errors, metric, stick)}, in epoch {trial.best_epoch}"
        if trial.best_epoch
        else "no epoch was usable"
    )
    return Figure(
        key=f"by_hand_{one.trial}",
        title=f"{'Error' if stick is None else f'Dev {stick.name}'} of trial {one.trial} by epoch, and what was "
        f"changed by hand{_origin(one)}",
        description=f"{text.counted(trial.epochs, 'epoch')}; {best}. By hand: {told}.",
        x=Axis("epoch"),
        y=_axis(errors, metric, stick),
        series=(*behind, *measured, *marked),
    )


def _axis(values: np.ndarray, metric: Metric, stick: Yardstick | None) -> Axis:
    """The vertical axis: what was taken back has often gone wrong, and must not flatten the rest."""
    usable = values[np.isfinite(values)]
    if stick is None:
        return Axis(metric.axis, metric.unit, top=1.3 * float(np.max(usable, initial=0.0)) or None)
    label, unit = f"{stick.axis}, {stick.direction}", "share" if stick.unit == "share" else ""
    if not len(usable) or not stick.higher:
        return Axis(label, unit, top=1.3 * float(np.max(usable, initial=0.0)) or None)
    lacking = 1.3 * (1.0 - float(usable.min()))
    return Axis(label, unit, top=float(usable.max()), low=min(1.0 - lacking, float(usable.max()) - 1e-6))


def _best(trial: Trial, values: np.ndarray, metric: Metric, stick: Yardstick | None) -> str:
    if stick is None:
        return text.error(trial.dev_error, metric)
    return stick.write(float(values[stick.best(values)]))


def curves(study: Study) -> list[Figure]:
    """The figure of every network of a study that was trained by hand."""
    classification = study.store.setting("study")["data"]["schema"]["task"] == "classification"
    metric = Metric("error", "share") if classification else Metric("rmse", "")
    stick = yardstick_of(study)
    made = (curve(one, study.store.trial(one.trial), metric, stick) for one in by_hand(study))
    return [figure for figure in made if figure is not None]


def body(page: PageData) -> tuple[Markup, tuple[Figure, ...]]:
    """The section's content and its figures."""
    trials = {trial.number: trial for trial in page.trials}
    parts: list[Markup | None] = []
    figures = []
    for one in page.by_hand:
        stick = None if page.compared is None else page.compared.stick
        shown = curve(one, trials[one.trial], page.metric, stick) if one.trial in trials else None
        if shown is not None:
            figures.append(shown)
        parts += [blocks.figure(shown) if shown else None, _table(one.marks)]
    said = "A person watched these networks and changed them while they trained. Every intervention is marked where it "
    said += "was made; what was trained and then taken back is drawn behind."
    return joined(element("p", said), *parts), tuple(figures)


def _origin(one: ByHand) -> str:
    return "" if one.source is None else f" (branched off trial {one.source} after epoch {one.start})"


def _line(name: str, role: str, part: Sequence[tuple[int, float]]) -> Series:
    return Series(name, "line", role, [epoch for epoch, _ in part], numbers(error for _, error in part))


def _marked(
    marks: Sequence[Mark], name: str, role: str, actions: tuple[str, ...], undone: bool, first: float | None
) -> Series | None:
    """The marks of one kind; one that was made before the first epoch stands at that epoch's error."""
    own = [mark for mark in marks if mark.intervention.action in actions and mark.intervention.undone is undone]
    if not own:
        return None
    y = [mark.error if math.isfinite(mark.error) else first for mark in own]
    labels = [str(mark.intervention) for mark in own]
    return Series(name, "points", role, [mark.intervention.epoch for mark in own], y, labels=labels)


def _table(marks: Sequence[Mark]) -> Markup | None:
    if not marks:
        return None
    rows = [
        (
            mark.intervention.epoch,
            mark.intervention.done,
            mark.intervention.note,
            "yes" if mark.intervention.undone else "",
        )
        for mark in marks
    ]
    return blocks.table(("after epoch", "what was done", "why", "taken back"), rows, class_="compact")
