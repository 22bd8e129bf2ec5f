"""The one place where figures become pictures: a `Figure` as plotly's plain JSON, without loading plotly.

Colours are left as tokens ("@best"), so that a page can change between light and dark; `dress` puts them in.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from caviar.report.figures import Axis, Figure, Series
from caviar.report.palette import LIGHT
from caviar.report.places import Places, log_ticks

_ROW = 50  # pixels of one bar with its label above
_TALL = {"curves": 420}
_PANEL = 230


@dataclass(frozen=True)
class Look:
    """How a role is drawn: a colour of the palette, and a shape that tells it apart without colour."""

    colour: str
    width: float = 1.0
    dash: str = "solid"
    symbol: str = "circle"
    size: float = 6.0
    pattern: str = ""
    opacity: float = 1.0


LOOKS: Mapping[str, Look] = {
    "best": Look("best", width=3.0, symbol="star", size=14.0),
    "finished": Look("finished", opacity=0.75),
    "stopped": Look("stopped", symbol="circle-open", opacity=0.9),
    "running": Look("finished", dash="dot", symbol="diamond"),
    "interrupted": Look("finished", dash="dot", symbol="diamond-open"),
    "diverged": Look("diverged", dash="dash", symbol="x", size=7.0),
    "median": Look("median", width=1.5),
    "base": Look("base"),
    "bias": Look("bias", pattern="/"),
    "variance": Look("variance"),
    "gap": Look("gap", pattern="x"),
    "train": Look("train"),
    "train_dev": Look("train_dev", pattern="."),
    "dev": Look("dev", pattern="/"),
    "test": Look("test", pattern="x"),
    "saved": Look("saved"),
    "interval": Look("ink", width=1.5, symbol="line-ns", size=10.0),
}


def draw(figure: Figure) -> dict[str, Any]:
    """A figure as plotly's `{"data": [...], "layout": {...}}`, its colours as tokens.

    >>> bars = Series("train: 8", "bars", "train", [8], [0])
    >>> drawn = draw(Figure("split", "Rows", "8 rows.", Axis("rows"), Axis("", scale="category"), (bars,)))
    >>> drawn["data"][0]["type"], drawn["data"][0]["marker"]["color"]
    ('bar', '@train')
    """
    places = Places(figure.x, [value for series in figure.series for value in series.x])
    bars = figure.y.scale == "category"
    scales = {} if bars else _scales(figure)
    names = [series for series in figure.series if series.name]
    layout: dict[str, Any] = {
        "height": draw_height(figure),
        "margin": {"l": 8 if bars else 52, "r": 16, "t": 8, "b": 40 if figure.x.label else 26},
        "paper_bgcolor": "@card",
        "plot_bgcolor": "@card",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "@muted"},
        "hovermode": "closest",
        "hoverlabel": {"bgcolor": "@card", "bordercolor": "@line", "font": {"color": "@ink"}},
        "showlegend": len(names) > 1 and not figure.small,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "traceorder": "normal",
        },
        "barmode": "stack" if figure.stacked else "group",
        "xaxis": _axis(figure.x) | places.ticks,
        "yaxis": _axis(figure.y) | (_rows(figure.y) if bars else scales[figure.y.scale]),
        "annotations": _row_labels(figure.y) if bars else [],
        "meta": {} if bars else {"floor": _floor(figure), "scales": scales},
    }
    if figure.small:
        layout["margin"] |= {"l": 44, "b": 26}
        layout["font"]["size"] = 11
        layout["xaxis"]["title"] = layout["yaxis"]["title"] = {"text": ""}
    return {"data": [_TRACES[series.mark](series, figure, places) for series in figure.series], "layout": layout}


def draw_height(figure: Figure) -> int:
    """The height of a figure in pixels; its width is the reader's."""
    if figure.y.scale == "category":
        return (90 if figure.x.label else 66) + _ROW * len(figure.y.categories)
    return _TALL.get(figure.key, _PANEL)


def dress(drawn: Any, palette: Mapping[str, str] = LIGHT) -> Any:
    """A drawn figure with a palette's colours in place of the tokens, for a notebook or a picture.

    >>> dress({"color": "@best"}, {"best": "#c2410c"})
    {'color': '#c2410c'}
    """
    if isinstance(drawn, dict):
        return {name: dress(value, palette) for name, value in drawn.items()}
    if isinstance(drawn, list):
        return [dress(value, palette) for value in drawn]
    return palette.get(drawn[1:], drawn) if isinstance(drawn, str) and drawn.startswith("@") else drawn


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
        "text": [escape(label) for label in series.labels],
        "line": {"color": f"@{look.colour}", "width": look.width, "dash": look.dash},
        "connectgaps": False,
        **hover,
    }


def _points(series: Series, figure: Figure, places: Places) -> dict[str, Any]:
    look = LOOKS[series.role]
    shape = look.symbol.partition("-")[2]
    edge = {"color": f"@{look.colour}" if shape else "@card", "width": 1.2 if shape else 1}
    trace = {
        "type": "scatter",
        "mode": "markers",
        **_shared(series, look),
        "x": places.put(series.x),
        "y": list(series.y),
        "text": [escape(label) for label in series.labels],
        "marker": {
            "color": f"@{look.colour}",
            "symbol": look.symbol,
            "size": look.size,
            "line": edge,
        },
        "cliponaxis": False,
        "hovertemplate": "%{text}<extra></extra>",
    }
    if series.high:
        plus = [high - value for high, value in zip(series.high, series.x, strict=True)]
        minus = [value - low for low, value in zip(series.low, series.x, strict=True)]
        style = {"color": f"@{look.colour}", "thickness": look.width, "width": 5}
        trace |= {"error_x": {"type": "data", "symmetric": False, "array": plus, "arrayminus": minus, **style}}
    return trace


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
        "width": 0.36,
        "text": [escape(label) for label in series.labels] or escape(series.name),
        "textposition": "none",
        "marker": {"color": f"@{look.colour}", "pattern": pattern, "line": {"color": "@card", "width": 1}},
        "hovertemplate": "%{text}<extra></extra>" if series.labels else f"%{{text}}: {number}<extra></extra>",
    }


def _shared(series: Series, look: Look) -> dict[str, Any]:
    return {"name": escape(series.name), "showlegend": bool(series.name), "opacity": look.opacity}


def _axis(axis: Axis) -> dict[str, Any]:
    """What every axis has: its title with the unit, its ticks' format, its lines."""
    unit = f" ({axis.unit})" if axis.unit not in ("", "share") else ""
    drawn: dict[str, Any] = {
        "title": {"text": escape(axis.label + unit), "standoff": 8},
        "gridcolor": "@grid",
        "linecolor": "@line",
        "zeroline": False,
        "automargin": True,
        "fixedrange": False,
    }
    if axis.unit == "share":
        drawn["tickformat"] = ".2~%"
    if axis.scale in ("linear", "log") and axis.top is not None:
        drawn |= {"type": "linear", "range": [0.0, axis.top]}
    return drawn


def _scales(figure: Figure) -> dict[str, dict[str, Any]]:
    """A vertical axis of errors on either scale; the linear one begins at 0 unless all errors are far above it."""
    heights = [value for series in figure.series for value in series.y if value is not None]
    low = min(heights, default=0.0)
    top = max(heights, default=1.0) if figure.y.top is None else figure.y.top
    start = 0.0 if low < 0.5 * top else low - 0.08 * (top - low)
    floor = _floor(figure)
    low, high = math.log10(floor) - 0.05, math.log10(max(top, 1.5 * floor)) + 0.03
    return {
        "linear": {"type": "linear", "range": [start, top + 0.04 * (top - start)], "tickmode": "auto"},
        "log": {"type": "log", "range": [low, high], "tickmode": "array", **log_ticks(low, high, figure.y.unit)},
    }


def _floor(figure: Figure) -> float:
    """Where an error of 0 is drawn on a logarithmic axis: half the smallest other one."""
    heights = [value for series in figure.series for value in series.y if value is not None]
    positive = [value for value in heights if value > 0.0]
    smallest = min(positive, default=1e-3)
    return 0.5 * smallest if len(positive) < len(heights) else smallest


def _rows(axis: Axis) -> dict[str, Any]:
    """A vertical axis of categories, from the top down; their names stand above the bars, which suits a narrow page."""
    edges = [len(axis.categories) - 0.5, -0.75 if any(axis.categories) else -0.4]
    return {"range": edges, "type": "linear", "showticklabels": False, "showgrid": False, "title": {"text": ""}}


def _row_labels(axis: Axis) -> list[dict[str, Any]]:
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yanchor": "bottom", "yshift": 10, "showarrow": False}
    named = [(row, name) for row, name in enumerate(axis.categories) if name]
    return [{**place, "y": row, "text": escape(name), "font": {"color": "@ink"}} for row, name in named]


def _number_format(axis: Axis) -> str:
    """How plotly writes a number of this axis when hovering."""
    return ":.2%" if axis.unit == "share" else ":.4~g"


_TRACES: Mapping[str, Callable[[Series, Figure, Places], dict[str, Any]]] = {
    "line": _line,
    "points": _points,
    "bars": _bars,
}
