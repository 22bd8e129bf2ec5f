"""The curves of a figure made smooth: exponentially weighted averages with bias correction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from caviar.diagnosis.averages import exponentially_weighted_average
from caviar.report.figure import Figure, Series

# β of each place of the page's slider; the first smooths nothing.
BETAS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98)


def smoothed(figure: Figure, beta: float) -> Figure:
    """The figure with its curves averaged over about 1/(1 − β) points; points, bands and bars stay as measured.

    Raises:
        DataError: β is not a number from 0 to below 1.

    >>> from caviar.report.figure import Axis
    >>> line = Series("", "line", "first", [1, 2], [40.0, 49.0])
    >>> smoothed(Figure("a", "", "", Axis(""), Axis(""), (line,)), 0.9).series[0].y
    [40.0, 44.737]
    """
    series = tuple(replace(one, y=_averages(one, beta)) if is_curve(one) else one for one in figure.series)
    said = f"Smoothed: averages with β {beta:g}, corrected; about {1 / (1 - beta):.0f} points count." if beta else ""
    return replace(figure, series=series, note=" ".join(part for part in (figure.note, said) if part))


def is_curve(series: Series) -> bool:
    """Whether a series is a measured curve, rather than a bound drawn beside it."""
    return series.mark in ("line", "path") and series.role != "limit"


def _averages(series: Series, beta: float) -> list[float | None]:
    """Curve by curve: several lie in one series, None in x between them; None in y alone is a gap."""
    found: list[float | None] = []
    start = 0
    places = list(series.x)
    for end in [*(at for at, x in enumerate(places) if x is None), len(places)]:
        found += _average(series.y[start:end], beta)
        found += [None] if end < len(places) else []
        start = end + 1
    return found


def _average(heights: Sequence[Any], beta: float) -> list[float | None]:
    values = np.array([np.nan if value is None else value for value in heights], dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    average = exponentially_weighted_average(values, beta)
    return [None if np.isnan(value) else float(f"{value:.5g}") for value in average]
