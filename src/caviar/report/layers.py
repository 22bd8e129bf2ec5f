"""Figures of what was probed of one training: by depth, and over the epochs. They are data, as all figures are."""

import math
from collections.abc import Sequence

import numpy as np

from caviar.diagnosis.gradients import HEALTHY_RATIO
from caviar.records.trial import Trial
from caviar.report import text
from caviar.report.figure import Axis, Figure, Series
from caviar.report.looks import ORDER

# Around the usual update-to-weight ratio; healthy trainings of docs/log.md lie within.
BAND = (HEALTHY_RATIO / 10.0, HEALTHY_RATIO * 10.0)
_MOST_LAYERS = len(ORDER)  # lines in one figure over the epochs
_FLOOR, _CEILING = 1e-300, 1e300


def gradient_by_depth(trial: Trial) -> Figure | None:
    """The norm of each layer's gradient at the first, a middle and the last epoch."""
    return _by_depth(trial, "log10_gradient_norm", "gradient_depth", "Gradient by depth", "norm of dJ/dW")


def signal_by_depth(trial: Trial) -> Figure | None:
    """The signal that backpropagation brings to each layer at the first, a middle and the last epoch."""
    return _by_depth(trial, "log10_backward_norm", "signal_depth", "Signal from the outputs by depth", "norm of dJ/dz")


def activation_by_depth(trial: Trial) -> Figure | None:
    """The spread of each layer's activations at the first, a middle and the last epoch."""
    title = "Spread of the activations by depth"
    return _by_depth(trial, "log10_activation_spread", "activation_depth", title, "standard deviation")


def updates_over_epochs(trial: Trial) -> Figure | None:
    """How far one update moves each layer's weights, in its length, beside the band in which that usually lies."""
    ratio = _probed(trial, "update_ratio")
    if ratio is None:
        return None
    epochs = np.asarray(trial.history["epoch"]).tolist()
    ends = [epochs[0], epochs[-1]]
    band = Series("usual", "band", "limit", ends, [], low=[BAND[0]] * 2, high=[BAND[1]] * 2)
    lines = _layer_lines(trial, ratio, "an update moves {layer} by {value} of its length")
    usual = np.nanmedian(ratio, axis=0)
    last = ", ".join(f"{_layer(place)} {text.value(_short(usual[place]))}" for place in _chosen(ratio))
    return Figure(
        key="update_ratio",
        title="Length of an update over that of the weights",
        description=f"Medians over the epochs: {last}. About {HEALTHY_RATIO:g} is usual, less at the end of a decay.",
        x=Axis("epoch"),
        y=Axis("update / weights", scale="log"),
        series=(band, *lines),
    )


def units_over_epochs(trial: Trial) -> Figure | None:
    """The share of dead ReLU units, or of saturated tanh or sigmoid units, of each hidden layer."""
    for name, what in (("dead_share", "dead"), ("saturated_share", "saturated")):
        share = _probed(trial, name)
        if share is None or not np.isfinite(share[:, :-1]).any():
            continue
        hidden = share[:, :-1]
        highest = float(np.nanmax(hidden))
        return Figure(
            key="units",
            title=f"Share of {what} units",
            description=f"At most {text.share(highest)} of a layer's units are {what} in any epoch.",
            x=Axis("epoch"),
            y=Axis(f"{what} units", "share", top=min(1.0, max(0.1, 1.1 * highest))),
            series=tuple(_layer_lines(trial, hidden, f"{what} units of {{layer}}: {{value}}")),
        )
    return None


def linear_over_epochs(trial: Trial) -> Figure | None:
    """The share of tanh's or sigmoid's pre-activations in the linear part of the curve, which L2 makes larger."""
    share = _probed(trial, "linear_share")
    if share is None or not np.isfinite(share[:, :-1]).any():
        return None
    hidden = share[:, :-1]
    return Figure(
        key="linear",
        title="Share in the linear part of the curve",
        description=f"At the last epoch {text.share(float(np.nanmean(hidden[-1])))}, over all hidden layers.",
        x=Axis("epoch"),
        y=Axis("in the linear part", "share", top=1.0),
        series=tuple(_layer_lines(trial, hidden, "in the linear part of {layer}: {value}")),
    )


def weights_over_epochs(trial: Trial) -> Figure | None:
    """The norm of each layer's weights, which L2, decay and dropout make smaller."""
    norm = _probed(trial, "weight_norm")
    if norm is None:
        return None
    last = ", ".join(f"{_layer(place)} {text.value(_short(norm[-1, place]))}" for place in _chosen(norm))
    return Figure(
        key="weight_norm",
        title="Norm of the weights",
        description=f"At the last epoch: {last}.",
        x=Axis("epoch"),
        y=Axis("‖W‖"),
        series=tuple(_layer_lines(trial, norm, "‖W‖ of {layer}: {value}")),
    )


def probe_figures(trial: Trial) -> list[Figure]:
    """All of these that the trial has something for."""
    made = (build(trial) for build in _FIGURES)
    return [figure for figure in made if figure is not None]


_FIGURES = (
    signal_by_depth,
    gradient_by_depth,
    activation_by_depth,
    updates_over_epochs,
    units_over_epochs,
    linear_over_epochs,
    weights_over_epochs,
)


def _by_depth(trial: Trial, name: str, key: str, title: str, label: str) -> Figure | None:
    logs = _probed(trial, name)
    if logs is None or logs.shape[1] < 2:
        return None
    epochs = np.asarray(trial.history["epoch"])
    with np.errstate(over="ignore", under="ignore"):
        values = 10.0**logs
    chosen = sorted({0, len(epochs) // 2, len(epochs) - 1})
    places = list(range(1, values.shape[1] + 1))
    series = [
        Series(
            f"epoch {epochs[at]}",
            "path",
            ORDER[number],
            places,
            _drawable(values[at]),
            labels=[f"epoch {epochs[at]}, {_layer(place)}" for place in range(values.shape[1])],
        )
        for number, at in enumerate(chosen)
    ]
    first, last = values[chosen[-1], 0], values[chosen[-1], -1]
    return Figure(
        key=key,
        title=title,
        description=f"At epoch {epochs[-1]} it is {_short(first):g} in layer 1 and {_short(last):g} in the last layer.",
        x=Axis("layer"),
        y=Axis(label, scale="log"),
        series=tuple(series),
    )


def _probed(trial: Trial, name: str) -> np.ndarray | None:
    """One probe of a trial [E, L] in float64, or None where it was not measured."""
    found = trial.history.get(name)
    if found is None or not len(found) or not np.isfinite(np.asarray(found)).any():
        return None
    return np.asarray(found, np.float64)


def _layer_lines(trial: Trial, values: np.ndarray, said: str) -> list[Series]:
    """A line a layer; of many layers some, evenly from the first to the last."""
    epochs = np.asarray(trial.history["epoch"]).tolist()
    lines = []
    for number, place in enumerate(_chosen(values)):
        layer = _layer(place)
        labels = [said.format(layer=layer, value=text.value(_short(value))) for value in values[:, place]]
        lines.append(Series(layer, "line", ORDER[number], epochs, _drawable(values[:, place]), labels=labels))
    return lines


def _chosen(values: np.ndarray) -> list[int]:
    layers = values.shape[1]
    return sorted({round(place) for place in np.linspace(0, layers - 1, min(layers, _MOST_LAYERS)).tolist()})


def _layer(place: int) -> str:
    return f"layer {place + 1}"


def _drawable(values: Sequence[float] | np.ndarray) -> list[float | None]:
    """Five digits of each value; None, a gap, for what no axis can show."""
    return [
        float(f"{value:.5g}") if value == 0.0 or _FLOOR < abs(value) < _CEILING else None
        for value in map(float, values)
    ]


def _short(value: float) -> float:
    return float(f"{value:.3g}") if math.isfinite(value) else float(value)
