"""The best weights of a trial on the host, and how a file holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Kept:
    """The best weights and per-dev-row records of a trial.

    Args:
        value: what trials are compared by, at its best epoch.
        arrays: of the network, cut to its own widths.
        row_costs, row_errors: [dev rows of its stream] at its best epoch.
    """

    value: float
    arrays: dict[str, np.ndarray]
    row_costs: np.ndarray
    row_errors: np.ndarray


def kept_of(arrays: Mapping[str, np.ndarray], plain: Mapping[str, Any]) -> dict[int, Kept]:
    """The best weights that a checkpoint or a weights file holds, by trial."""
    found: dict[int, Kept] = {}
    for trial, value in plain["kept"].items():
        own = f"kept.{trial}."
        weights = {name[len(own) :]: array for name, array in arrays.items() if name.startswith(own)}
        found[int(trial)] = Kept(float(value), weights, arrays[f"rows.{trial}.costs"], arrays[f"rows.{trial}.errors"])
    return found


def arrays_of(kept: Mapping[int, Kept]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and plain values that `kept_of` reads."""
    arrays: dict[str, np.ndarray] = {}
    for trial, one in kept.items():
        arrays |= {f"kept.{trial}.{name}": array for name, array in one.arrays.items()}
        arrays |= {f"rows.{trial}.costs": one.row_costs, f"rows.{trial}.errors": one.row_errors}
    return arrays, {"kept": {str(trial): one.value for trial, one in kept.items()}}
