"""Error against each hyperparameter that varied, as figures: one panel each, the most telling one first."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import text
from caviar.report.figure import Axis, Figure, Series
from caviar.report.figures import STATUS_NAMES, numbers
from caviar.report.page_data import PageData
from caviar.search.hyperparameters import HYPERPARAMETERS, Hyperparameter

PANEL_TRIALS = 1_500  # points in one panel
CATEGORIES = 8  # with more different values than this, whole numbers and widths are put on an axis of numbers
FEW = 3  # and with more than this, other numbers
BINS = 8  # of equal count, for the line of medians and the share explained
FEWEST = 12  # trials below which no share is stated: it would be chance


@dataclass(frozen=True)
class _Panel:
    """One hyperparameter's places, one a trial: numbers on the axis's own scale, or indices of categories."""

    row: Hyperparameter
    trials: tuple[Trial, ...]
    places: np.ndarray
    errors: np.ndarray  # infinite where the trial diverged
    axis: Axis

    @property
    def groups(self) -> np.ndarray:
        """The category or the bin of equal count that each trial belongs to."""
        if self.axis.scale == "category":
            return self.places.astype(np.int64)
        edges = np.unique(np.quantile(self.places, np.linspace(0.0, 1.0, BINS + 1)[1:-1], method="nearest"))
        return np.searchsorted(edges, self.places, side="right")

    @property
    def explained(self) -> float:
        """The share of the order of the trials that this hyperparameter alone explains, corrected for chance.

        η² of the ranks of the errors over the groups, adjusted as R² is; NaN for fewer than FEWEST trials.
        """
        count, groups = len(self.errors), self.groups
        different = len(np.unique(groups))
        if count < FEWEST or different < 2 or count <= different:
            return math.nan
        ranks = _ranks(self.errors)
        total = float(((ranks - ranks.mean()) ** 2).sum())
        if total == 0.0:
            return math.nan
        means = np.array([ranks[groups == group].mean() for group in groups])
        within = float(((ranks - means) ** 2).sum())
        return max(0.0, 1.0 - (within / (count - different)) / (total / (count - 1)))


def panels(page: PageData) -> list[Figure]:
    """Error against each hyperparameter that varied; the one that orders the trials best comes first."""
    usable = [trial for trial in page.trials if _diverged(trial) or math.isfinite(page.value(trial))]
    if all(_diverged(trial) for trial in usable):
        return []
    made = [panel for row in HYPERPARAMETERS.values() if (panel := _panel(row, usable, page)) is not None]
    made.sort(key=lambda panel: -np.nan_to_num(panel.explained, nan=-1.0))
    y = _error_axis(page, usable)
    return [_figure(panel, page, y, len(usable)) for panel in made]


def _panel(row: Hyperparameter, trials: Sequence[Trial], page: PageData) -> _Panel | None:
    """The panel of one hyperparameter, or None where it does not vary."""
    having = tuple(trial for trial in trials if row.name in trial.configuration and row.matters(trial.configuration))
    settings = [trial.configuration[row.name] for trial in having]
    different = len({text.value(setting) for setting in settings})
    if different < 2:
        return None
    errors = np.array([math.inf if _diverged(trial) else page.value(trial) for trial in having])
    few = different <= (CATEGORIES if row.scale in ("integer", "list") else FEW)
    if row.scale == "choice" or (few and not any(isinstance(s, list) for s in settings if row.per_layer)):
        order = sorted(dict.fromkeys(map(_hashable, settings)), key=_order(row))
        places = [float(order.index(_hashable(setting))) for setting in settings]
        axis = Axis(row.name, scale="category", categories=tuple(text.value(setting) for setting in order))
    elif row.scale == "list":
        places = [float(sum(setting)) for setting in settings]
        axis = Axis("hidden units in all")
    else:
        layers = any(isinstance(setting, list | tuple) for setting in settings)
        places = [float(np.mean(setting)) if np.size(setting) else 1.0 for setting in settings]
        scale = row.scale if row.scale in ("log", "one_minus_log") else "linear"
        axis = Axis(f"{row.name}, mean of the layers" if layers else row.name, scale=scale)
    return _Panel(row, having, np.array(places), errors, axis)


def _figure(panel: _Panel, page: PageData, y: Axis, usable: int) -> Figure:
    x, heights = _jittered(panel), _within(page.known(panel.errors), y)
    shown = _shown(panel, page.best)
    series = [_medians(panel, page, y)]
    for status, name in STATUS_NAMES.items():
        kept = [i for i in shown if panel.trials[i].status is status and panel.trials[i].number != page.best]
        if kept:
            labels = [_point(panel, i, page) for i in kept]
            series.append(Series(name, "points", status, x[kept].tolist(), numbers(heights[kept]), labels=labels))
    best = [i for i in shown if panel.trials[i].number == page.best]
    if best:
        labels = [_point(panel, i, page) for i in best]
        series.append(Series("best", "points", "best", x[best].tolist(), numbers(heights[best]), labels=labels))
    explained, drawn = panel.explained, y.label[:1].upper() + y.label[1:]
    remarks = []
    if not math.isnan(explained):
        share = f"explains {100.0 * explained:.0f} % of the order"
        remarks.append(share if explained >= 0.005 else "explains nothing by itself")
    if len(panel.trials) < usable:
        remarks.append(text.counted(len(panel.trials), "network"))
    return Figure(
        key=f"panel-{panel.row.name}",
        title=panel.row.name,
        description=f"{drawn} against {panel.row.name} ({panel.row.meaning}). {_best_group(panel, page)}",
        x=panel.axis,
        y=y,
        series=tuple(series),
        small=True,
        note="; ".join(remarks),
    )


def _within(values: np.ndarray, y: Axis) -> np.ndarray:
    """Values as far as the axis reaches: what diverged lies at its worse end."""
    return np.clip(values, -math.inf if y.low is None else y.low, math.inf if y.top is None else y.top)


def _medians(panel: _Panel, page: PageData, y_axis: Axis) -> Series:
    """The median error of each group: a line through bins of numbers, a dash for each category."""
    x: list[float | None] = []
    y: list[float | None] = []
    # Zero and infinity stand apart on a logarithmic axis, so no line leads there.
    usual = np.isfinite(panel.places) & ((panel.places > 0.0) | (panel.axis.scale not in ("log", "one_minus_log")))
    groups, values = panel.groups, page.known(panel.errors)
    for group in np.unique(groups[usual]):
        members = usual & (groups == group)
        middle = float(_within(np.median(values[members]), y_axis))
        place = float(np.median(panel.places[members]))
        if panel.axis.scale == "category":
            x += [place - 0.38, place + 0.38, None]
            y += [*numbers([middle, middle]), None]
        else:
            x += numbers([place])
            y += numbers([middle])
    return Series("median", "line", "median", x, y, labels=["median of the trials around"] * len(x))


def _best_group(panel: _Panel, page: PageData) -> str:
    """In words: where the median is best."""
    best = "highest" if page.higher else "lowest"
    groups = panel.groups
    lowest = min(np.unique(groups), key=lambda group: float(np.median(panel.errors[groups == group])))
    members = panel.places[groups == lowest]
    if panel.axis.scale == "category":
        return f"The median is {best} at {panel.axis.categories[int(members[0])]}."
    return f"The median is {best} from {text.value(float(members.min()))} to {text.value(float(members.max()))}."


def _error_axis(page: PageData, trials: Sequence[Trial]) -> Axis:
    errors = np.array([page.value(trial) for trial in trials if not _diverged(trial)])
    if page.higher:
        known = page.known(errors)
        lacking = 3.0 * float(np.quantile(1.0 - known, 0.9))
        highest = float(known.max())
        low = min(max(float(known.min()), 1.0 - lacking), highest - 1e-6)
        return Axis(page.measure, page.measure_unit, "linear", highest, low=low - 0.04 * (highest - low))
    low, high = float(errors.min()), float(errors.max())
    positive = errors[errors > 0.0]
    top = min(high, 3.0 * float(np.quantile(errors, 0.9))) or 1.0
    log = len(positive) > 0 and low > 0.0 and top > 10.0 * low
    return Axis(page.measure, page.measure_unit, "log" if log else "linear", top)


def _hashable(setting: Any) -> Any:
    return tuple(setting) if isinstance(setting, list) else setting


def _order(row: Hyperparameter) -> Callable[[Any], Any]:
    """How values are ordered along a category axis: as the table lists them, numbers and widths by size."""
    if row.choices:
        return lambda setting: row.choices.index(setting) if setting in row.choices else len(row.choices)
    return lambda setting: (sum(setting), setting) if isinstance(setting, tuple) else setting


def _diverged(trial: Trial) -> bool:
    return trial.status is Status.DIVERGED


def _shown(panel: _Panel, best: int | None) -> list[int]:
    """Which trials are drawn: all, or evenly many of every rank, and the best."""
    order = np.argsort(panel.errors, kind="stable")
    stride = max(1, math.ceil(len(order) / PANEL_TRIALS))
    kept = set(order[::stride].tolist())
    return sorted(kept | {i for i, trial in enumerate(panel.trials) if trial.number == best})


def _jittered(panel: _Panel) -> np.ndarray:
    """Places, those in a category spread evenly around it by the golden ratio, so that points do not hide others."""
    if panel.axis.scale != "category":
        return panel.places
    turns = np.array([trial.number for trial in panel.trials]) * 0.6180339887498949
    return panel.places + 0.6 * (turns % 1.0 - 0.5)


def _point(panel: _Panel, index: int, page: PageData) -> str:
    trial = panel.trials[index]
    setting = text.value(trial.configuration[panel.row.name])
    reached = "diverged" if _diverged(trial) else text.error(trial.dev_error, page.metric)
    if page.compared is not None and not _diverged(trial):
        reached = f"{page.compared.name} {page.compared.text(trial.number)}, {reached}"
    return f"trial {trial.number}: {panel.row.name} {setting}, {reached}"


def _ranks(errors: np.ndarray) -> np.ndarray:
    """Ranks from 0, ties sharing their mean."""
    _, place, counts = np.unique(errors, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2.0)[place]
