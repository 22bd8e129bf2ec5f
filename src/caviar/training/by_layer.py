"""The probes of every layer from what the program measured: shares, logarithms and single units are the host's."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from caviar.records.probes import PROBES

CURVES = ("tanh", "sigmoid")
# A unit is saturated where its slope is below 5 % of its largest on so many of the rows.
SATURATED_ROWS = 0.95
# Units whose incoming weights differ from the first unit's by less than this share of a unit's usual length are its
# twins: equal units stay equal but for the rounding of their sums.
TWINS = 1e-4
# What the program sums for each layer, and the scales of what the layer was given, of its activations and its errors.
OF_LAYER = (
    "gradient",  # Σ g²
    "weights",  # Σ w²
    "moved",  # Σ Δw²
    "nonzero",  # weights
    "errors",  # Σ (dJ/dz)²
    "within",  # Σ (a − s)² with s the unit's activation on the first row
    "log_below",
    "log_above",
    "log_error",
    "rows",
)
# And for each of its units: the first two of the outputs too, the last two where some slot uses a curve.
OF_UNIT = (
    "first",  # s
    "from_first",  # Σ (a − s) over the rows
    "apart",  # Σ (w − the first unit's)² over the incoming weights
    "flat",  # saturated pre-activations
    "linear",  # pre-activations
)


def of_unit(layer: int, layers: int, activations: Sequence[str]) -> tuple[str, ...]:
    """Which of OF_UNIT a program with these activations measures in a layer."""
    if layer == layers - 1:
        return OF_UNIT[:2]
    return OF_UNIT if set(CURVES) & set(activations) else OF_UNIT[:3]


def sizes(widths: Sequence[int], activations: Sequence[str]) -> list[int]:
    """How many numbers a program of these widths and activations measures in each layer."""
    layers = len(widths) - 1
    return [len(OF_LAYER) + len(of_unit(layer, layers, activations)) * units for layer, units in enumerate(widths[1:])]


def by_layer(
    raw: np.ndarray,
    program: Sequence[int],
    activations: Sequence[str],
    widths: Sequence[Sequence[int]],
    used: Sequence[str],
) -> Float[np.ndarray, "n L P"]:
    """The probes from what the program measured, in float64 on the host.

    Args:
        raw: [n, M], a row a slot and epoch, as `measure` gives it.
        program, activations: the program's widths, from input to output, and its activations.
        widths, used: each row's own widths and activation.

    Returns:
        float32 in the order of `records.probes.PROBES`; NaN where a share belongs to other activations, to hidden
        layers, or to layers of several units.
    """
    own, layers, told = np.asarray(widths, np.float64).reshape(len(raw), -1), len(program) - 1, []
    parts = np.split(raw, np.cumsum(sizes(program, activations))[:-1], axis=1)
    for layer, part in enumerate(parts):
        names = of_unit(layer, layers, activations)
        sums = dict(zip(OF_LAYER, part[:, : len(OF_LAYER)].T.astype(np.float64), strict=True))
        blocks = part[:, len(OF_LAYER) :].reshape(len(raw), len(names), -1).astype(np.float64)
        by_unit = dict(zip(names, np.moveaxis(blocks, 1, 0), strict=True))
        below, units = own[:, layer], own[:, layer + 1]
        real = np.arange(program[layer + 1]) < units[:, None]
        with np.errstate(all="ignore"):  # what is 0, infinite or NaN says so
            probes = _of_layer(sums, below, units) | _of_activations(sums, by_unit, real, units)
            if layer < layers - 1:
                probes |= _shares(sums, by_unit, real, units, np.asarray(used))
            values = [probes.get(name, np.full(len(raw), np.nan)).astype(np.float32) for name in PROBES]
        told.append(np.stack(values, axis=1))
    return np.stack(told, axis=1)


def _of_layer(sums: Mapping[str, np.ndarray], below: np.ndarray, units: np.ndarray) -> dict[str, np.ndarray]:
    """The probes of weights, gradients and updates, each [n]."""
    # The store tells layers by the share of zeros, so that it is a number even where weights are not.
    nonzero = np.where(np.isnan(sums["nonzero"]), below * units, sums["nonzero"])
    return {
        "log10_gradient_norm": sums["log_below"] + sums["log_error"] + 0.5 * np.log10(sums["gradient"]),
        "log10_backward_norm": sums["log_error"] + 0.5 * np.log10(sums["errors"]),
        "weight_norm": np.sqrt(sums["weights"]),
        "update_ratio": np.where(sums["moved"] == 0, 0.0, np.sqrt(sums["moved"] / sums["weights"])),
        "zero_share": 1.0 - nonzero / (below * units),
    }


def _of_activations(
    sums: Mapping[str, np.ndarray], by_unit: Mapping[str, np.ndarray], real: np.ndarray, units: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean and spread over real units and rows, each [n]."""
    shift = np.where(real, by_unit["from_first"] / sums["rows"][:, None], 0.0)
    means = np.where(real, by_unit["first"], 0.0) + shift
    mean = means.sum(axis=1) / units
    within = sums["within"] / sums["rows"] - (shift**2).sum(axis=1)
    between = np.where(real, (means - mean[:, None]) ** 2, 0.0).sum(axis=1)
    return {
        "activation_mean": mean * 10.0 ** sums["log_above"],
        "log10_activation_spread": sums["log_above"] + 0.5 * np.log10(np.maximum(within + between, 0.0) / units),
    }


def _shares(
    sums: Mapping[str, np.ndarray],
    by_unit: Mapping[str, np.ndarray],
    real: np.ndarray,
    units: np.ndarray,
    used: np.ndarray,
) -> dict[str, np.ndarray]:
    """Shares of a hidden layer's units, each [n]."""

    def share(so: np.ndarray) -> np.ndarray:
        return np.where(real, so, 0.0).sum(axis=1) / units

    dead = share((by_unit["first"] == 0) & (by_unit["from_first"] == 0))  # no ReLU is below 0
    twins = share(by_unit["apart"] <= (TWINS**2 * sums["weights"] / units)[:, None])
    found = {
        "dead_share": np.where(used == "relu", dead, np.nan),
        "twin_share": np.where(units > 1, (units * twins - 1) / (units - 1), np.nan),
    }
    if "flat" in by_unit:
        curved, rows = np.isin(used, CURVES), sums["rows"][:, None]
        found["saturated_share"] = np.where(curved, share(by_unit["flat"] >= SATURATED_ROWS * rows), np.nan)
        found["linear_share"] = np.where(curved, share(by_unit["linear"] / rows), np.nan)
    return found
