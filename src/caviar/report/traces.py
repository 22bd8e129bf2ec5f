"""The marks of a figure as plotly's plain JSON: series and fields become traces, their colours as tokens."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from caviar.report.figure import Axis, Field, Figure, Series
from caviar.report.looks import LOOKS, Look
from caviar.report.places import Places

BAR = 18  # pixels of one bar's thickness
ROW = 50  # pixels of a row with one bar and its label above
REGIONS = 4  # classes whose regions can be told apart


def traces_of(figure: Figure, places: Places) -> list[dict[str, Any]]:
    """Every trace of a figure, the field's first."""
    made = _FIELDS[figure.field.kind](figure.field) if figure.field else []
    return made + [_TRACES[series.mark](series, figure, places) for series in figure.series]


def side_by_side(figure: Figure) -> int:
    """How many bars share one place."""
    return 1 if figure.stacked else max(1, sum(series.mark == "bars" for series in figure.series))


def row_height(figure: Figure) -> int:
    """Pixels of one row of bars, its label included."""
    return ROW + BAR * (side_by_side(figure) - 1)


def _line(series: Series, figure: Figure, places: Places) -> dict[str, Any]:
    look = LOOKS[series.role]
    number = f"%{{y{_number_format(figure.y)}}}"
    if series.role == "median":
        hover = {"hoverinfo": "skip"}
    else:
        hover = {"hovertemplate": f"%{{text}}<br>{escape(figure.x.label)} %{{x}}: {number}<extra></extra>"}
    return {
        "type": "scatter",
        "mode": "lines",
        **_shared(series, look),
        "x": places.put(series.x),
        "y": list(series.y),
        "text": [escape(label) for label in series.labels] or escape(series.name),
        "line": {"color": f"@{look.colour}", "width": look.width, "dash": look.dash},
        "connectgaps": False,
        **hover,
    }


def _path(series: Series, figure: Figure, places: Places) -> dict[str, Any]:
    look = LOOKS[series.role]
    marker = {"symbol": look.symbol, "size": look.size, "color": f"@{look.colour}", "line": _edge(look)}
    return {**_line(series, figure, places), "mode": "lines+markers", "marker": marker, "cliponaxis": True}


def _points(series: Series, figure: Figure, places: Places) -> dict[str, Any]:
    look = LOOKS[series.role]
    trace = {
        "type": "scatter",
        "mode": "markers",
        **_shared(series, look),
        "x": places.put(series.x),
        "y": list(series.y),
        "text": [escape(label) for label in series.labels] or escape(series.name),
        "marker": {
            "color": f"@{look.colour}",
            "symbol": look.symbol,
            "size": look.size,
            "line": _edge(look),
        },
        "cliponaxis": figure.field is not None,
        "hovertemplate": "%{text}<extra></extra>",
    }
    if series.high:
        plus = [high - value for high, value in zip(series.high, series.x, strict=True)]
        minus = [value - low for low, value in zip(series.low, series.x, strict=True)]
        style = {"color": f"@{look.colour}", "thickness": look.width, "width": 5}
        trace |= {"error_x": {"type": "data", "symmetric": False, "array": plus, "arrayminus": minus, **style}}
    return trace


def _edge(look: Look) -> dict[str, Any]:
    """The rim of a marker: its own colour where it is open, otherwise the paper's, so that neighbours stay apart."""
    opened = look.symbol.endswith("-open") or look.symbol.startswith("line")
    return {"color": f"@{look.colour}" if opened else "@card", "width": 1.2 if opened else 1}


def _bars(series: Series, figure: Figure, places: Places) -> dict[str, Any]:
    look = LOOKS[series.role]
    number = f"%{{x{_number_format(figure.x)}}}"
    pattern = {"shape": look.pattern, "fillmode": "overlay", "fgcolor": "@card", "fgopacity": 0.55, "size": 7}
    return {
        "type": "bar",
        "orientation": "h",
        **_shared(series, look),
        "x": list(series.x),
        "y": list(series.y),
        "width": BAR / row_height(figure),
        "text": [escape(label) for label in series.labels] or escape(series.name),
        "textposition": "none",
        "marker": {"color": f"@{look.colour}", "pattern": pattern, "line": {"color": "@card", "width": 1}},
        "hovertemplate": "%{text}<extra></extra>" if series.labels else f"%{{text}}: {number}<extra></extra>",
    }


def _band(series: Series, figure: Figure, places: Places) -> dict[str, Any]:
    """The area between two curves, as a line there and back that is filled."""
    look = LOOKS[series.role]
    there = places.put(series.x)
    return {
        "type": "scatter",
        "mode": "lines",
        **_shared(series, look),
        "opacity": 0.22,
        "x": [*there, *there[::-1]],
        "y": [*series.high, *list(series.low)[::-1]],
        "fill": "toself",
        "fillcolor": f"@{look.colour}",
        "line": {"color": f"@{look.colour}", "width": 0},
        "hoverinfo": "skip",
    }


def _contours(field: Field) -> list[dict[str, Any]]:
    """Lines of equal value. Plotly's levels lie evenly, so values are put between their levels first."""
    values = np.asarray(field.values, dtype=np.float64)
    levels = np.asarray(field.levels or np.linspace(values.min(), values.max(), 10)[1:-1])
    # Half a step below the lowest level and above the highest, so that the outer lines are as smooth as the others.
    places = [0.5, *range(1, len(levels) + 1), len(levels) + 0.5]
    ends = [min(values.min(), levels[0] - 1e-12), *levels, max(values.max(), levels[-1] + 1e-12)]
    steps = np.interp(values, ends, places)
    return [
        {
            "type": "contour",
            "x": list(field.x),
            "y": list(field.y),
            "z": _rounded(steps),
            "zmin": 0.5,
            "zmax": len(levels) + 0.5,
            "colorscale": [[0.0, "@card"], [1.0, "@field"]],
            "contours": {"start": 1.0, "end": float(len(levels)), "size": 1.0, "coloring": "fill"},
            "line": {"color": "@contour", "width": 0.8},
            "showscale": False,
            "showlegend": False,
            "hoverinfo": "skip",
        }
    ]


def _regions(field: Field) -> list[dict[str, Any]]:
    """One tint a class, and a line around each class's region."""
    values = np.asarray(field.values, dtype=np.float64)
    classes = int(values.max()) + 1
    colours = [f"@region_{place % REGIONS}" for place in range(max(classes, 2))]
    edges = np.linspace(0.0, 1.0, len(colours) + 1).tolist()
    scale = [[end, colour] for low, high, colour in zip(edges, edges[1:], colours, strict=False) for end in (low, high)]
    plane: dict[str, Any] = {"x": list(field.x), "y": list(field.y), "showscale": False, "hoverinfo": "skip"}
    tints = {"type": "heatmap", "z": values.tolist(), "zmin": -0.5, "zmax": len(colours) - 0.5, "colorscale": scale}
    lines = [
        {
            "type": "contour",
            "z": (values == place).astype(float).tolist(),
            "contours": {"start": 0.5, "end": 0.5, "size": 1.0, "coloring": "none"},
            "line": {"color": "@ink", "width": 1.2},
            "showlegend": False,
            **plane,
        }
        for place in range(1 if classes == 2 else 0, classes)
    ]
    return [{**tints, **plane}, *lines]


def _rounded(values: np.ndarray) -> list[list[float]]:
    return [[float(f"{value:.4g}") for value in row] for row in values]


def _shared(series: Series, look: Look) -> dict[str, Any]:
    named = {"name": escape(series.name), "showlegend": bool(series.name), "opacity": look.opacity}
    return {**named, "legendgroup": escape(series.name)} if series.name else named


def _number_format(axis: Axis) -> str:
    """How plotly writes a number of this axis when hovering."""
    return ":.2%" if axis.unit == "share" else ":.4~g"


def heights(figure: Figure) -> list[float]:
    """Every place along the vertical axis that something is drawn at."""
    marks: list[Sequence[Any]] = [series.y for series in figure.series]
    marks += [end for series in figure.series if series.mark == "band" for end in (series.low, series.high)]
    marks += [figure.field.y] if figure.field else []
    return [value for values in marks for value in values if value is not None]


_FIELDS: Mapping[str, Callable[[Field], list[dict[str, Any]]]] = {"contours": _contours, "regions": _regions}
_TRACES: Mapping[str, Callable[[Series, Figure, Places], dict[str, Any]]] = {
    "line": _line,
    "path": _path,
    "points": _points,
    "band": _band,
    "bars": _bars,
}
