"""One column becomes inputs: a number by its encoding, a category one-hot, a boolean standardised, a date in parts."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caviar.data.dataset import Column
from caviar.data.scaling import apply_numbers, bounded, fit_numbers, inputs_of

_RARE_SHARE = 0.001
_MOST_CATEGORIES = 255
_CYCLES = ("month", "weekday", "hour")
_LENGTHS = {"month": 12.0, "weekday": 7.0, "hour": 24.0}


@dataclass(frozen=True, eq=False)
class Feature:
    """What was learnt from one column's train rows.

    Args:
        column: its name.
        kind: "number", "boolean", "date" or "category".
        encoding: of the number itself (booleans: always "standard").
        names: one per input.
        learnt: float64 arrays by name (numbers, booleans, dates).
        categories: the categories with an input of their own, None for missing.
        other: whether rare categories share one more input.
        gaps: whether one more input says that the value is missing.
        cycles: the parts of a date that varied.
    """

    column: str
    kind: str
    encoding: str
    names: tuple[str, ...]
    learnt: Mapping[str, np.ndarray] = field(default_factory=dict)
    categories: tuple[str | None, ...] = ()
    other: bool = False
    gaps: bool = False
    cycles: tuple[str, ...] = ()

    def transform(self, values: np.ndarray) -> np.ndarray:
        """The inputs of some rows.

        Args:
            values: float64 [n] or object [n].

        Returns:
            float32 [n, len(names)], finite.
        """
        if self.kind == "category":
            return _one_hot(self, values)
        pieces = [apply_numbers(values, self.encoding, self.learnt)]
        if self.cycles:
            filled = np.where(np.isfinite(values), values, self.learnt["fill"][0])
            pieces += [_cycle(_part(filled, cycle), _LENGTHS[cycle]) for cycle in self.cycles]
        if self.gaps:
            pieces.append((~np.isfinite(values))[:, None].astype(np.float64))
        return np.concatenate(pieces, axis=1).astype(np.float32)

    def to_plain(self) -> dict[str, Any]:
        """Everything but the arrays, for JSON."""
        return {
            "column": self.column,
            "kind": self.kind,
            "encoding": self.encoding,
            "names": list(self.names),
            "categories": list(self.categories),
            "other": self.other,
            "gaps": self.gaps,
            "cycles": list(self.cycles),
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any], learnt: Mapping[str, np.ndarray]) -> "Feature":
        """The feature that `to_plain` gave, with its arrays."""
        lists: dict[str, Any] = {name: tuple(plain[name]) for name in ("names", "categories", "cycles")}
        rest = {name: plain[name] for name in ("column", "kind", "encoding", "other", "gaps")}
        return cls(learnt=dict(learnt), **rest, **lists)


def fit_feature(column: Column, values: np.ndarray, encoding: str) -> Feature:
    """Learn one column's encoding from its train rows.

    Args:
        column: name and kind.
        values: its train values, float64 [n] or object [n].
        encoding: one of scaling.ENCODINGS, for numbers and the days of dates.
    """
    if column.kind == "category":
        return _fit_category(column.name, values)
    chosen = "standard" if column.kind == "boolean" else encoding
    learnt = fit_numbers(values, chosen)
    count = inputs_of(chosen, learnt)
    names = [column.name] if count == 1 else [f"{column.name} bin {at + 1}" for at in range(count)]
    present = bounded(values)
    present = present[np.isfinite(present)]
    cycles = tuple(cycle for cycle in _CYCLES if column.kind == "date" and np.ptp(_part(present, cycle)) > 0)
    names += [f"{column.name} {cycle} {wave}" for cycle in cycles for wave in ("sine", "cosine")]
    gaps = len(present) < len(values)
    names += [f"{column.name} is missing"] if gaps else []
    return Feature(column.name, column.kind, chosen, tuple(names), learnt, gaps=gaps, cycles=cycles)


def _fit_category(name: str, values: np.ndarray) -> Feature:
    """Categories with at least two train rows, and at least one in a thousand, get an input each (255 at most).

    The rest share the input "other". A value that no train row had falls under it too; where training had no others,
    all inputs are 0 for it, since an input that was always 0 has weights that never learnt anything.
    """
    counts = Counter(values.tolist())
    fewest = max(2.0, _RARE_SHARE * len(values))
    frequent = sorted((one for one in counts if counts[one] >= fewest), key=lambda one: (-counts[one], str(one)))
    kept = sorted(frequent[:_MOST_CATEGORIES], key=lambda one: (one is None, str(one)))
    other = len(kept) < len(counts)
    names = [f"{name} = {'missing' if one is None else one}" for one in kept] + [f"{name} = other"] * other
    if not names:
        other, names = True, [f"{name} = other"]
    return Feature(name, "category", "one_hot", tuple(names), categories=tuple(kept), other=other)


def _one_hot(feature: Feature, values: np.ndarray) -> np.ndarray:
    width = len(feature.categories)
    place = {one: at for at, one in enumerate(feature.categories)}
    codes = np.array([place.get(value, width) for value in values.tolist()], dtype=np.int64)
    # One input more than is kept: without an "other" input the last is cut off, and unseen values are all 0.
    hot = np.zeros((len(values), width + 1), dtype=np.float32)
    hot[np.arange(len(values)), codes] = 1.0
    return hot[:, : width + feature.other]


def _part(days: np.ndarray, cycle: str) -> np.ndarray:
    """Month (0 to 11), weekday (0 to 6) or hour (0 to 24) of days since 1970.

    Args:
        days: float64 [n], finite.

    Returns:
        float64 [n].
    """
    if not len(days):
        return np.zeros(1)
    # NumPy's calendar reaches from year −10 000 to 10 000 and beyond; what lies outside is no date.
    whole = np.floor(np.clip(days, -4e6, 4e6))
    if cycle == "month":
        return (whole.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12).astype(np.float64)
    if cycle == "weekday":
        return (whole + 3.0) % 7.0
    return (np.clip(days, -4e6, 4e6) - whole) * 24.0


def _cycle(values: np.ndarray, length: float) -> np.ndarray:
    angle = 2.0 * np.pi * values / length
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)
