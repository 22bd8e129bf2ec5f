"""The figures of a page, as data.

One function a figure; to add one, write it here and name it in `html.py`. `panels` has those of the hyperparameters.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

import numpy as np

from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import text
from caviar.report.figure import Axis, Figure, Series
from caviar.report.page_data import PageData
from caviar.report.smooth import smoothed

CURVE_POINTS = 40_000  # of all grey curves together: more cannot be told apart, and the page grows slow
_STOP_ROWS = 8  # of the figure of stopped trials: with more epochs than this, ranges of them
STATUS_NAMES = {  # in the order in which they are drawn, so that the rarer ones lie on top
    Status.STOPPED: "stopped early",
    Status.FINISHED: "trained to the end",
    Status.INTERRUPTED: "interrupted",
    Status.RUNNING: "still training",
    Status.DIVERGED: "diverged",
}


def split_bar(page: PageData) -> Figure | None:
    """One bar: how many rows each set has."""
    rows_of = dict(page.splits.get("rows", {}))
    order = [name for name in ("train", "train_dev", "dev", "test") if rows_of.get(name)]
    counts = {name: int(rows_of[name]) for name in order}
    total = sum(counts.values())
    if not total:
        return None
    names = [
        f"{role.replace('_', '-')}: {text.count(rows)} ({text.share(rows / total)})" for role, rows in counts.items()
    ]
    series = [
        Series(name, "bars", role, [rows], [0], labels=[name])
        for (role, rows), name in zip(counts.items(), names, strict=True)
    ]
    return Figure(
        key="split",
        title="Rows of each set",
        description=f"{text.count(total)} rows. {'; '.join(names)}.",
        x=Axis("", top=float(total)),
        y=Axis("", scale="category", categories=("",)),
        series=tuple(series),
        stacked=True,
    )


def curves(page: PageData, smooth: float = 0.0) -> Figure | None:
    """Every trial's dev error by epoch, or what trials are compared by in its place; the best one lit.

    Args:
        smooth: β of the averages that the curves are drawn as; 0: as measured. The best epoch stays the measured one.
    """
    measured = {trial.number: curve for trial in page.trials if np.isfinite((curve := page.curve(trial))[1]).any()}
    if not measured:
        return None
    stride = max(1, math.ceil(sum(len(epochs) for epochs, _ in measured.values()) / CURVE_POINTS))
    series = []
    for status, name in STATUS_NAMES.items():
        others = [
            t.number for t in page.trials if t.number in measured and t.status is status and t.number != page.best
        ]
        if others:
            drawn = {number: measured[number] for number in others}
            series.append(_many_lines(f"{name} ({text.count(len(others))})", status, drawn, stride))
    named = "Dev error" if page.compared is None else f"Dev {page.compared.name}"
    description = f"{named} by epoch of {text.counted(len(measured), 'network')}"
    description += "." if page.compared is None else f"; {page.compared.stick.direction}."
    best = None
    if page.best_trial is not None and page.best in measured:
        best = measured[page.best][1]
        lit, reached = _best_lines(page.best_trial, *measured[page.best], page)
        series += lit
        description += f" The best, trial {page.best}, reaches {reached}; the others are drawn in grey behind it."
    y = curve_axis(page, [values for _, values in measured.values()], best)
    figure = Figure(
        key="curves",
        title=f"{named} by epoch",
        description=description,
        x=Axis("epoch"),
        y=y,
        series=tuple(series),
        note=f"To keep the page quick, the curves behind show every {_ordinal(stride)} epoch." if stride > 1 else "",
        smooth=True,
    )
    return smoothed(figure, smooth) if smooth else figure


def bias_variance(page: PageData) -> Figure | None:
    """Base, train, dev and test error as bars, each made of what every step adds to the one before."""
    named = (("base", page.base), ("train", page.train), ("dev", page.dev), ("test", page.test))
    known = [(name, estimate) for name, estimate in named if estimate is not None]
    if all(name == "base" for name, _ in known):
        return None
    names = tuple(name for name, _ in known)
    values = [estimate.value for _, estimate in known]
    reached = list(accumulate(values, max))
    steps = {"base": ("base error", "base"), "train": ("avoidable bias", "bias"), "dev": ("variance", "variance")}
    series = []
    for place, name in enumerate(names):
        below = reached[place - 1] if place else 0.0
        parts = [min(value, reached[place]) - min(value, below) for value in values[place:]]
        label, role = steps.get(name, ("dev to test", "gap"))
        if any(part > 0.0 for part in parts):
            series.append(Series(label, "bars", role, parts, list(range(place, len(names)))))
    texts = [f"{name} {text.estimate(estimate, page.metric)}" for name, estimate in known]
    intervals = [(e.value, row, e.low, e.high) for row, (_, e) in enumerate(known) if None not in (e.low, e.high)]
    x, rows, low, high = zip(*intervals, strict=True) if intervals else ((), (), (), ())
    series.append(Series("", "points", "interval", x, rows, low, high))
    return Figure(
        key="bias_variance",
        title="What the error is made of",
        description="; ".join(texts) + ".",
        x=Axis(page.metric.axis, page.metric.unit, top=1.08 * max([*high, *values]) or None),
        y=Axis("", scale="category", categories=tuple(texts)),
        series=tuple(series),
        stacked=True,
    )


def stopping(page: PageData) -> Figure | None:
    """The epochs that each rung saved by stopping trials there."""
    rungs = rungs_of(page)
    if not any(saved for _, saved in rungs.values()):
        return None
    rows = _together(rungs)
    lines = [
        f"after {when}: {text.count(stopped)} stopped, {text.count(saved)} epochs saved"
        for when, stopped, saved in rows
    ]
    saved = [saved for _, _, saved in rows]
    return Figure(
        key="stopping",
        title="Epochs saved, by when networks were stopped",
        description="; ".join(lines) + ".",
        x=Axis("epochs saved"),
        y=Axis("", scale="category", categories=tuple(lines)),
        series=(Series("", "bars", "saved", saved, list(range(len(saved))), labels=lines),),
    )


def _together(rungs: Mapping[int, tuple[int, int]]) -> list[tuple[str, int, int]]:
    """When, how many were stopped, epochs saved: an epoch a row, or a range where patience ends networks anywhere.

    >>> _together({3: (10, 70), 9: (2, 4)})
    [('3 epochs', 10, 70), ('9 epochs', 2, 4)]
    >>> _together({epoch: (1, 40 - epoch) for epoch in range(5, 25)})[:2]
    [('5 to 7 epochs', 3, 102), ('8 to 10 epochs', 3, 93)]
    """
    epochs = sorted(rungs)
    width = 1 if len(epochs) <= _STOP_ROWS else math.ceil((epochs[-1] - epochs[0] + 1) / _STOP_ROWS)
    grouped: dict[int, list[int]] = {}
    for epoch in epochs:
        grouped.setdefault(epoch if width == 1 else (epoch - epochs[0]) // width, []).append(epoch)
    found = []
    for place, own in grouped.items():
        first = own[0] if width == 1 else epochs[0] + place * width
        last = min(first + width - 1, epochs[-1])
        when = (
            text.counted(first, "epoch") if first == last else f"{text.count(first)} to {text.counted(last, 'epoch')}"
        )
        found.append((when, sum(rungs[epoch][0] for epoch in own), sum(rungs[epoch][1] for epoch in own)))
    return found


def rungs_of(page: PageData) -> dict[int, tuple[int, int]]:
    """By own epoch, ascending: how many trials were stopped there, and how many epochs that saved."""
    rungs: dict[int, tuple[int, int]] = {}
    for trial in sorted(page.trials, key=lambda trial: trial.epochs):
        if trial.status is Status.STOPPED:
            stopped, saved = rungs.get(trial.epochs, (0, 0))
            rungs[trial.epochs] = stopped + 1, saved + max(0, (trial.stop_at or page.epochs) - trial.epochs)
    return rungs


def numbers(values: Iterable[float]) -> list[float | None]:
    """Five digits of each value, as JSON has them; None for what is not finite."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values]


def _best_lines(trial: Trial, epochs: np.ndarray, values: np.ndarray, page: PageData) -> tuple[list[Series], str]:
    """The curve of the best trial with its best point marked, and that point in words."""
    number = trial.number
    usable = np.where(np.isfinite(values), values, np.nan)
    extreme = np.nanmax(usable) if page.higher else np.nanmin(usable)
    # Of epochs with one value the network was kept at that of the lowest cost.
    kept = np.flatnonzero((usable == extreme) & (epochs == trial.best_epoch))
    place = int(kept[0]) if len(kept) else int(np.flatnonzero(usable == extreme)[0])
    told = text.error(extreme, page.metric) if page.compared is None else page.compared.stick.write(extreme)
    reached = f"{told} in epoch {epochs[place]}"
    labels = [f"trial {number}, the best"] * len(values)
    line = Series(f"best: trial {number}", "line", "best", epochs.tolist(), numbers(values), labels=labels)
    where = [int(epochs[place])], numbers(values[[place]])
    return [line, Series("", "points", "best", *where, labels=[f"trial {number}: {reached}"])], reached


def _many_lines(name: str, role: str, drawn: Mapping[int, tuple[np.ndarray, np.ndarray]], stride: int) -> Series:
    """Many curves as one line that None interrupts: the browser draws one line much faster than hundreds."""
    x: list[float | None] = []
    y: list[float | None] = []
    labels: list[str] = []
    for number, (epochs, errors) in drawn.items():
        kept = sorted({*range(0, len(errors), stride), len(errors) - 1})
        x += [*epochs[kept].tolist(), None]
        y += [*numbers(errors[kept]), None]
        labels += [f"trial {number}"] * (len(kept) + 1)
    return Series(name, "line", role, x, y, labels=labels)


def curve_axis(page: PageData, measured: Sequence[np.ndarray], best: np.ndarray | None) -> Axis:
    """The vertical axis of curves by epoch.

    Args:
        measured: the values of each curve, as they are known.
        best: those of the best; all of its usual values are shown.
    """
    if page.compared is None:
        scale, top = _range(measured, best)
        return Axis(page.measure, page.measure_unit, scale, top, switch=True)
    label = f"{page.measure}, {page.compared.stick.direction}"
    if not page.higher:
        scale, top = _range(measured, best)
        return Axis(label, page.measure_unit, scale, top, switch=True)
    # What is best at 1 is looked at from there: the same rule for what is lacking.
    _, lacking = _range([1.0 - values for values in measured], None if best is None else 1.0 - best)
    highest = max(float(values[np.isfinite(values)].max()) for values in measured)
    return Axis(label, page.measure_unit, "linear", highest, low=min(1.0 - lacking, highest - 1e-6))


def _range(measured: Sequence[np.ndarray], best: np.ndarray | None) -> tuple[str, float]:
    """The scale and the largest error shown of all curves.

    Logarithmic where the curves' lowest points spread over more than a factor of ten. A few wild trials, or everybody's
    first epoch, must not flatten all the others: the top is twice the ninth decile.
    """
    values = np.concatenate(measured)
    values = values[np.isfinite(values)]
    lowest = np.array([curve[np.isfinite(curve)].min() for curve in measured])
    lowest = lowest[lowest > 0.0]
    scale = "log" if len(lowest) and lowest.max() > 10.0 * lowest.min() else "linear"
    top = 2.0 * float(np.quantile(values, 0.9))
    if best is not None:
        top = max(top, 1.1 * float(np.nanmedian(best[np.isfinite(best)])))
    return scale, min(1.05 * float(values.max()), top) or 1.0


def _ordinal(place: int) -> str:
    return {2: "second", 3: "third"}.get(place, f"{place}th")
