"""What the probes of one training say of its gradients, units and updates: the GRD findings.

    fall = log₁₀ ‖dJ/dz[1]‖ − log₁₀ ‖dJ/dz[L]‖        from the outputs, layer L, down to the first one

Each number is a median over epochs, so that one odd mini-batch is no finding. What explains another finding is told
instead of it: units that are all alike, dead or saturated let no gradient through either. The thresholds were set where
healthy and sick trainings of 280 configurations on four data sets part (docs/log.md).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.diagnosis.finding import Finding
from caviar.diagnosis.wording import number, percent

VANISHING = -2.5  # the signal that reaches the first layer is a three-hundredth of that at the outputs
EXPLODING = 2.5
DEAD = 0.5  # share of a layer's ReLU units
SATURATED = 0.5  # share of a layer's tanh or sigmoid units
FEWEST_ROWS = 32  # mini-batches below say nothing about dead units
TOO_SMALL = 1e-6  # update-to-weight ratio of the layer that moves most
MOVEMENT = 0.1  # and all updates together, were they in one direction, would not move a tenth of its weights
TOO_LARGE = 0.1  # update-to-weight ratio
HEALTHY_RATIO = 1e-3
# A network may do well with what is not dead or saturated; none does well in spite of the others.
WARNINGS = ("GRD003", "GRD004")


@dataclass(frozen=True)
class GradientEvidence:
    """What was probed of one training.

    Args:
        probes: by name of `records.probes.PROBES` an array [E, L], as a trial's history or `training.probes.probe` has
            it; nothing is diagnosed where it is empty.
        updates: of each epoch; 1 for probes of given weights.
        rows: of the mini-batch that was probed.
        subject: the network's name at the beginning of a sentence.
    """

    probes: Mapping[str, np.ndarray]
    updates: int = 1
    rows: int = FEWEST_ROWS
    subject: str = ""

    def median(self, name: str, part: slice = slice(None)) -> np.ndarray:
        """Medians over the usable epochs of a part, by layer [L]; NaN where a layer has none."""
        values = np.asarray(self.probes[name], np.float64)[self.usable][part]
        with np.errstate(all="ignore"):
            return np.array([np.median(column[~np.isnan(column)]) if (~np.isnan(column)).any() else np.nan
                             for column in values.T])  # fmt: skip

    @property
    def usable(self) -> np.ndarray:
        """Which epochs had finite weights and gradients [E]."""
        gradient = np.asarray(self.probes["log10_gradient_norm"], np.float64)
        weights = np.asarray(self.probes["weight_norm"], np.float64)
        return np.isfinite(weights).all(axis=1) & ~(np.isnan(gradient) | (gradient == np.inf)).any(axis=1)

    @property
    def layers(self) -> int:
        """L."""
        return int(np.asarray(self.probes["weight_norm"]).shape[1])


def diagnose_gradients(evidence: GradientEvidence) -> list[Finding]:
    """The GRD findings of one training, none where it is healthy or was not probed.

    >>> import numpy as np
    >>> from caviar.records.probes import PROBES
    >>> probes = {name: np.full((3, 2), np.nan) for name in PROBES}
    >>> probes |= {"weight_norm": np.ones((3, 2)), "log10_gradient_norm": np.zeros((3, 2))}
    >>> probes |= {"log10_backward_norm": np.array([[-9.0, 0.0]] * 3), "update_ratio": np.full((3, 2), 1e-3)}
    >>> [finding.code for finding in diagnose_gradients(GradientEvidence(probes))]
    ['GRD001']
    """
    if not len(evidence.probes.get("weight_norm", ())):
        return []
    if not evidence.usable.any():
        return [_never_finite(evidence)]
    alike = list(_alike(evidence))
    if alike:
        return alike
    causes = [*_dead(evidence), *_saturated(evidence)]
    effects = [] if causes else [*_vanishing(evidence), *_exploding(evidence), *_small(evidence)]
    return [*causes, *effects, *_large(evidence)]


def _finding(
    evidence: GradientEvidence, code: str, message: str, told: dict[str, Any], limits: dict[str, Any]
) -> Finding:
    said = f"{evidence.subject}: {message}" if evidence.subject else message[0].upper() + message[1:]
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in told.items()}
    severity = "warning" if code in WARNINGS else "problem"
    return Finding(code, severity, said, {**plain, "epochs": int(evidence.usable.sum())}, limits)


def _never_finite(evidence: GradientEvidence) -> Finding:
    message = (
        "exploding gradients: weights or gradients were no longer finite before the first epoch was over. Try a "
        "learning rate ten times smaller, a smaller initialisation, or clipping (clip_norm)."
    )
    return _finding(evidence, "GRD002", message, {}, {"exploding_log10": EXPLODING})


def _alike(evidence: GradientEvidence) -> Iterator[Finding]:
    """GRD007: all units of a hidden layer have the same incoming weights."""
    alike = np.flatnonzero(evidence.median("twin_share") == 1.0)
    if len(alike):
        message = (
            f"symmetry is not broken: all units of {_layers(alike)} have the same weights, get the same gradients and "
            "so stay one unit. Begin with random weights (initialisation he, lecun or glorot)."
        )
        told = {"twin_share": evidence.median("twin_share"), "weight_norm": evidence.median("weight_norm")}
        yield _finding(evidence, "GRD007", message, told, {"twin_share": 1.0})


def _dead(evidence: GradientEvidence) -> Iterator[Finding]:
    """GRD003: most ReLU units of a layer are 0 on every row of the mini-batch."""
    share = evidence.median("dead_share", _later(evidence))
    layers = np.flatnonzero(share >= DEAD)
    if evidence.rows >= FEWEST_ROWS and len(layers):
        message = (
            f"dead units: {percent(share[layers].max())} % of the ReLU units of {_layers(layers)} are 0 on every row "
            f"of a mini-batch of {evidence.rows}, so that no gradient reaches them. Try a smaller learning rate, "
            "leaky_relu, or batch norm."
        )
        yield _finding(evidence, "GRD003", message, {"dead_share": share, "rows": evidence.rows}, {"dead_share": DEAD})


def _saturated(evidence: GradientEvidence) -> Iterator[Finding]:
    """GRD004: most tanh or sigmoid units of a layer lie outside their responsive part."""
    share = evidence.median("saturated_share", _later(evidence))
    layers = np.flatnonzero(share >= SATURATED)
    if len(layers):
        message = (
            f"saturated units: {percent(share[layers].max())} % of the units of {_layers(layers)} lie where their "
            "slope is below a twentieth of its largest, on nearly every row. Try a smaller initialisation or learning "
            "rate, L2, or batch norm."
        )
        yield _finding(evidence, "GRD004", message, {"saturated_share": share}, {"saturated_share": SATURATED})


def _vanishing(evidence: GradientEvidence) -> Iterator[Finding]:
    """GRD001: the signal that comes back to the first layers is a small part of that at the outputs."""
    back = evidence.median("log10_backward_norm")
    fall = back[0] - back[-1]
    if fall <= VANISHING:
        message = (
            f"vanishing gradients: of the signal at the outputs {_times(fall)} reaches the first of {evidence.layers} "
            f"layers, {_times(fall / max(1, evidence.layers - 1))} of it passing each layer. Try another "
            "initialisation (he for ReLU, lecun for tanh), batch norm, ReLU instead of sigmoid or tanh, fewer layers."
        )
        yield _finding(evidence, "GRD001", message, _by_depth(evidence), {"vanishing_log10": VANISHING})


def _exploding(evidence: GradientEvidence) -> Iterator[Finding]:
    """GRD002: the signal grows on its way to the first layers."""
    back = evidence.median("log10_backward_norm")
    growth = back[0] - back[-1]
    if growth >= EXPLODING:
        message = (
            f"exploding gradients: the signal at the outputs grows {_times(growth)} times on its way to the first of "
            f"{evidence.layers} layers, {_times(growth / max(1, evidence.layers - 1))} times at each layer. Try "
            "another initialisation or a smaller initialisation_scale, batch norm, clipping (clip_norm), fewer layers."
        )
        yield _finding(evidence, "GRD002", message, _by_depth(evidence), {"exploding_log10": EXPLODING})


def _small(evidence: GradientEvidence) -> Iterator[Finding]:
    """GRD005: the weights hardly move."""
    ratio = evidence.median("update_ratio", _earlier(evidence))
    most = np.nanmax(ratio)
    together = float(
        np.nanmax(np.nansum(np.asarray(evidence.probes["update_ratio"], float), axis=0)) * evidence.updates
    )
    if evidence.updates > 1 and most < TOO_SMALL and together < MOVEMENT:
        message = (
            f"updates too small: an update changes the weights by {number(float(most))} of their length at most; about "
            f"{HEALTHY_RATIO:g} is usual. All of them, in one direction, would have moved the weights by "
            f"{number(100 * together)} %. Try a larger learning rate."
        )
        told = {"update_ratio": ratio, "movement": together}
        yield _finding(evidence, "GRD005", message, told, {"update_ratio": TOO_SMALL, "movement": MOVEMENT})


def _large(evidence: GradientEvidence) -> Iterator[Finding]:
    """GRD006: single updates throw the weights about."""
    ratio = evidence.median("update_ratio", _earlier(evidence))
    layers = np.flatnonzero(ratio > TOO_LARGE)
    if len(layers):
        message = (
            f"updates too large: a single update changes the weights of {_layers(layers)} by "
            f"{percent(ratio[layers].max())} % of their length; about {100 * HEALTHY_RATIO:g} % is usual. Try a "
            "smaller learning rate, warm-up, or clipping (clip_norm)."
        )
        yield _finding(evidence, "GRD006", message, {"update_ratio": ratio}, {"update_ratio": TOO_LARGE})


def _by_depth(evidence: GradientEvidence) -> dict[str, Any]:
    names = ("log10_backward_norm", "log10_gradient_norm", "log10_activation_spread")
    return {name: evidence.median(name) for name in names if name in evidence.probes}


def _later(evidence: GradientEvidence) -> slice:
    """The second half of the usable epochs: what stays dead or saturated."""
    return slice(int(evidence.usable.sum()) // 2, None)


def _earlier(evidence: GradientEvidence) -> slice:
    """The first half: towards the end of a decay updates are small because they are meant to be."""
    return slice(0, math.ceil(evidence.usable.sum() / 2))


def _layers(places: np.ndarray) -> str:
    """Layers as people count them."""
    numbers = [str(place + 1) for place in places]
    return f"layer {numbers[0]}" if len(numbers) == 1 else f"layers {', '.join(numbers[:-1])} and {numbers[-1]}"


def _times(power: float) -> str:
    """10^power as a person reads it, of any size.

    >>> _times(-44.9), _times(0.17), _times(-math.inf)
    ('10^-44.9', '1.48', 'nothing')
    """
    if power == -math.inf:
        return "nothing"
    return number(10.0**power) if abs(power) < 3 else f"10^{power:.1f}"
