"""The best weights and per-row records of trials on the host, and how a file holds them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Kept:
    """The best weights of a trial.

    Args:
        value: what trials are compared by, at its best epoch.
        cost: dev cost there, by which equal values are told apart.
        arrays: of the network, cut to its own widths.
    """

    value: float
    cost: float
    arrays: dict[str, np.ndarray]


# However few bytes there are, the weights of this many stay: the best three are trained again, and one is the model.
FEWEST = 4


def thin_out(kept: dict[int, Kept], most: int, most_bytes: int) -> None:
    """Forget the worst until no more than so many are left, and no more than so many bytes or `FEWEST`.

    The order is that in which the best is declared: of equal ones the lower cost, then the earlier trial.
    """
    worst_first = sorted(kept, key=lambda number: (kept[number].value, kept[number].cost, number), reverse=True)
    total = sum(array.nbytes for one in kept.values() for array in one.arrays.values())
    for number in worst_first:
        if len(kept) <= most and (total <= most_bytes or len(kept) <= FEWEST):
            return
        total -= sum(array.nbytes for array in kept.pop(number).arrays.values())


@dataclass(frozen=True)
class Rows:
    """What a trial made of each dev row of its stream, at its best epoch.

    Args:
        costs: float16 [d].
        errors: [d], uint8 0 or 1 for classes, float32 squared residuals (standardised target) for numbers.
    """

    costs: np.ndarray
    errors: np.ndarray


def kept_of(arrays: Mapping[str, np.ndarray], plain: Mapping[str, Any]) -> tuple[dict[int, Kept], dict[int, Rows]]:
    """The best weights and the per-row records that a checkpoint or a weights file holds, by trial."""
    weights: dict[int, dict[str, np.ndarray]] = {int(trial): {} for trial in plain["kept"]}
    costs: dict[int, np.ndarray] = {}
    errors: dict[int, np.ndarray] = {}
    for name, array in arrays.items():
        kind, _, rest = name.partition(".")
        trial, _, own = rest.partition(".")
        if kind == "kept":
            weights[int(trial)][own] = array
        elif kind == "rows":
            (costs if own == "costs" else errors)[int(trial)] = array
    kept = {
        int(trial): Kept(float(pair[0]), float(pair[1]), weights[int(trial)]) for trial, pair in plain["kept"].items()
    }
    return kept, {trial: Rows(costs[trial], errors[trial]) for trial in costs}


def arrays_of(kept: Mapping[int, Kept], rows: Mapping[int, Rows]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and plain values that `kept_of` reads."""
    arrays: dict[str, np.ndarray] = {}
    for trial, one in kept.items():
        arrays |= {f"kept.{trial}.{name}": array for name, array in one.arrays.items()}
    for trial, found in rows.items():
        arrays |= {f"rows.{trial}.costs": found.costs, f"rows.{trial}.errors": found.errors}
    return arrays, {"kept": {str(trial): [one.value, one.cost] for trial, one in kept.items()}}
