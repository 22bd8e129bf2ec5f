"""Where values lie on a horizontal axis, and its ticks: categories, logarithms, and the values that mean "off"."""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

from caviar.report import text
from caviar.report.figure import Axis

_LETTERS = 28  # that fit side by side below a small figure


class Places:
    """Where the values of a horizontal axis are put, and which ticks say so.

    On a logarithmic axis 0 and infinity are values that mean "off"; they stand apart at its ends. 1 − β is drawn on a
    reversed logarithmic axis with ticks that say β.
    """

    def __init__(self, axis: Axis, values: Sequence[Any]) -> None:
        self.axis = axis
        self.ticks: dict[str, Any] = {}
        self._ends: dict[float, float] = {}
        if axis.scale == "category":
            names = _side_by_side(axis.categories)
            edges = [-0.6, len(names) - 0.4]
            self.ticks = {
                "tickvals": list(range(len(names))),
                "ticktext": names,
                "range": edges,
                "showgrid": False,
                "tickangle": 0,
            }
        elif axis.scale in ("log", "one_minus_log"):
            self._place_logarithmically([float(value) for value in values if value is not None])

    def put(self, values: Sequence[Any]) -> list[Any]:
        """Positions on the drawn axis."""
        if self.axis.scale not in ("log", "one_minus_log"):
            return [value if value is not None and math.isfinite(value) else None for value in values]
        return [None if value is None else self._put(float(value)) for value in values]

    def _put(self, value: float) -> float:
        position = 1.0 - value if self.axis.scale == "one_minus_log" else value
        return self._ends.get(position, position)

    def _place_logarithmically(self, values: Sequence[float]) -> None:
        mirrored = self.axis.scale == "one_minus_log"
        positions = {1.0 - value if mirrored else value for value in values}
        # A number of 64 bits reaches from 1e-307 to 1e308, and what stands for 0 and ∞ lies beyond the last of them.
        inner = [min(max(math.log10(p), -200.0), 200.0) for p in positions if 0.0 < p < math.inf] or [0.0]
        low, high = min(inner), max(inner)
        gap = max(0.25, 0.14 * (high - low))
        ticks = [10.0**tick for tick in _exponents(low, high, 3)]
        ticks = ticks[:: math.ceil(len(ticks) / 5)]
        marks = {tick: text.value(1.0 - tick if mirrored else tick) for tick in ticks}
        for position, end, name in ((0.0, low - gap, "0"), (math.inf, high + gap, "∞")):
            if position in positions:
                self._ends[position] = float(f"{10.0**end:.6g}")
                marks[self._ends[position]] = name
        low, high = min([low, *map(math.log10, marks)]), max([high, *map(math.log10, marks)])
        edges = [low - 0.3 * gap, high + 0.3 * gap]
        self.ticks = {
            "type": "log",
            "range": edges[::-1] if mirrored else edges,
            "tickvals": list(marks),
            "ticktext": list(marks.values()),
            "tickangle": 0,
        }


def _side_by_side(categories: Sequence[str]) -> list[str]:
    """Names of categories as they fit below a small figure: broken at joints, every second one lower if need be."""
    names = [escape(name).replace("_", "<br>") for name in categories]
    longest = max((len(part) for name in names for part in name.split("<br>")), default=0)
    lower = longest * len(names) > _LETTERS
    return [f"<br>{name}" if lower and place % 2 else name for place, name in enumerate(names)]


def log_ticks(low: float, high: float, unit: str = "") -> dict[str, Any]:
    """The ticks of a logarithmic axis from 10^low to 10^high and how they are written, at most about seven."""
    values = [10.0**tick for tick in _exponents(low, high, 4)]
    names = [f"{100.0 * value:.3g} %" if unit == "share" else text.value(value) for value in values]
    return {"tickvals": values, "ticktext": names}


def _exponents(low: float, high: float, fewest: int) -> list[float]:
    """Decades where there are enough of them, otherwise finer steps; at most about seven ticks."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8)):
        ticks = [decade + math.log10(step) for decade in decades for step in steps]
        ticks = [tick for tick in ticks if low - 1e-9 <= tick <= high + 1e-9]
        if len(ticks) >= fewest:
            return ticks[:: math.ceil(len(ticks) / 7)]
    return ticks or [low, high]  # values too near each other for any of the steps
