"""The one place where figures become pictures: a `Figure` as plotly's plain JSON, without loading plotly.

Colours are left as tokens ("@best"), so that a page can change between light and dark; `dress` puts them in.
"""

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from caviar.report.figure import Axis, Figure, Panels
from caviar.report.palette import LIGHT
from caviar.report.places import Places, log_ticks
from caviar.report.smooth import BETAS, is_curve
from caviar.report.traces import BAR, heights, row_height, side_by_side, traces_of

_TALL = {"curves": 420}
_PANEL = 230
_LETTERS = 110  # of a legend that fit in one line of a notebook


def draw(figure: Figure) -> dict[str, Any]:
    """A figure as plotly's `{"data": [...], "layout": {...}}`, its colours as tokens.

    >>> from caviar.report.figure import Series
    >>> bars = Series("train: 8", "bars", "train", [8], [0])
    >>> drawn = draw(Figure("split", "Rows", "8 rows.", Axis("rows"), Axis("", scale="category"), (bars,)))
    >>> drawn["data"][0]["type"], drawn["data"][0]["marker"]["color"]
    ('bar', '@train')
    """
    places = Places(figure.x, [value for series in figure.series for value in series.x])
    placed = places.ticks or _plane(figure)
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
        "xaxis": _axis(figure.x) | placed,
        "yaxis": _axis(figure.y) | (_rows(figure.y) if bars else scales[figure.y.scale]),
        "annotations": _row_labels(figure) if bars else [],
        "meta": {} if bars else {"floor": _floor(figure), "scales": scales, **_smoothing(figure)},
    }
    if figure.small:
        layout["margin"] |= {"l": 44, "b": 26}
        layout["font"]["size"] = 11
        layout["xaxis"]["title"] = layout["yaxis"]["title"] = {"text": ""}
    return {"data": traces_of(figure, places), "layout": layout}


def draw_titled(shown: Figure | Panels) -> dict[str, Any]:
    """A figure, or several in rows, with the title in the picture: for notebooks and files, where no caption stands."""
    drawn = _draw_panels(shown) if isinstance(shown, Panels) else draw(shown)
    layout = drawn["layout"]
    letters = sum(len(trace["name"]) + 9 for trace in drawn["data"] if trace.get("showlegend"))
    below = 24 * math.ceil(letters / _LETTERS) + 16 if layout["showlegend"] else 0
    layout["legend"] |= {"y": 0, "yref": "container", "yanchor": "bottom"}  # its height is not known before it is drawn
    layout["title"] = {
        "text": f"<b>{escape(shown.title)}</b>",
        "font": {"size": 15, "color": "@ink"},
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 12},
    }
    layout["margin"] |= {"t": layout["margin"]["t"] + 36, "b": layout["margin"]["b"] + below}
    layout["height"] += 36 + below
    return drawn


def _draw_panels(panels: Panels) -> dict[str, Any]:
    """Each figure on axes of its own in one picture; a name stands in the legend once."""
    whole: dict[str, Any] = {}
    traces: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    known: set[str] = set()
    tall = max(draw_height(figure) for figure in panels.figures) + 34
    for place, figure in enumerate(panels.figures):
        drawn = draw(figure)
        whole = whole or drawn["layout"]
        number = "" if place == 0 else str(place + 1)
        row, column = divmod(place, panels.columns)
        left, right = column / panels.columns, (column + 0.79) / panels.columns
        bottom, top = 1.0 - (row + 0.88) / panels.rows, 1.0 - (row + 0.08) / panels.rows
        for trace in drawn["data"]:
            first = trace.get("showlegend", False) and trace["name"] not in known
            known |= {trace["name"]} if first else set()
            hidden = {"showlegend": False} if "showlegend" in trace and not first else {}
            traces.append({**trace, **hidden, "xaxis": f"x{number}", "yaxis": f"y{number}"})
        axes[f"xaxis{number}"] = drawn["layout"]["xaxis"] | {"domain": [left, right], "anchor": f"y{number}"}
        axes[f"yaxis{number}"] = drawn["layout"]["yaxis"] | {"domain": [bottom, top], "anchor": f"x{number}"}
        notes += [{**note, "yref": f"y{number}", "x": left} for note in drawn["layout"]["annotations"]]
        title = {"text": escape(figure.title), "font": {"color": "@ink", "size": 13}, "showarrow": False}
        where = {"x": left, "xref": "paper", "xanchor": "left", "y": top, "yref": "paper", "yanchor": "bottom"}
        notes.append({**title, **where})
    layout = whole | axes | {"annotations": notes, "height": tall * panels.rows, "showlegend": len(known) > 1}
    return {"data": traces, "layout": layout}


def draw_height(figure: Figure) -> int:
    """The height of a figure in pixels; its width is the reader's."""
    if figure.height:
        return figure.height
    if figure.y.scale == "category":
        return (90 if figure.x.label else 66) + row_height(figure) * len(figure.y.categories)
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
        drawn |= {"type": "linear", "range": [0.0 if axis.low is None else axis.low, axis.top]}
    return drawn


def _smoothing(figure: Figure) -> dict[str, Any]:
    """Which traces a reader may smooth, counted after those of the field."""
    if not figure.smooth:
        return {}
    return {"betas": list(BETAS), "curves": [is_curve(series) for series in figure.series]}


def _plane(figure: Figure) -> dict[str, Any]:
    """The horizontal range of a field: all of it, and nothing beside it."""
    if figure.field is None or figure.x.top is not None:
        return {}
    return {"type": "linear", "range": [figure.field.x[0], figure.field.x[-1]]}


def _scales(figure: Figure) -> dict[str, dict[str, Any]]:
    """A vertical axis on either scale; the linear one begins at 0 unless all is far above it, or some below."""
    found = heights(figure)
    low = min(found, default=0.0) if figure.y.low is None else figure.y.low
    top = max(found, default=1.0) if figure.y.top is None else figure.y.top
    if figure.field is not None:
        start, end = low, top
    else:
        room = 0.0 if figure.y.low is not None else 0.08 * (top - low)
        start = 0.0 if 0.0 <= low < 0.5 * top and figure.y.low is None else low - room
        end = top + 0.04 * (top - start)
    floor = _floor(figure)
    bottom, high = math.log10(floor) - 0.05, math.log10(max(top, 1.5 * floor)) + 0.03
    return {
        "linear": {"type": "linear", "range": [start, end], "tickmode": "auto"},
        "log": {"type": "log", "range": [bottom, high], "tickmode": "array", **log_ticks(bottom, high, figure.y.unit)},
    }


def _floor(figure: Figure) -> float:
    """Where a value of 0 is drawn on a logarithmic axis: half the smallest other one, or the axis's own low end."""
    if figure.y.low is not None and figure.y.low > 0.0:
        return figure.y.low
    found = heights(figure)
    positive = [value for value in found if value > 0.0]
    smallest = min(positive, default=1e-3)
    return max(0.5 * smallest, 5e-324) if len(positive) < len(found) else smallest  # half of the least float is 0


def _rows(axis: Axis) -> dict[str, Any]:
    """A vertical axis of categories, from the top down; their names stand above the bars, which suits a narrow page."""
    edges = [len(axis.categories) - 0.5, -0.75 if any(axis.categories) else -0.4]
    return {"range": edges, "type": "linear", "showticklabels": False, "showgrid": False, "title": {"text": ""}}


def _row_labels(figure: Figure) -> list[dict[str, Any]]:
    shift = BAR * side_by_side(figure) // 2 + 1
    place = {"xref": "paper", "x": 0, "xanchor": "left", "yanchor": "bottom", "yshift": shift, "showarrow": False}
    named = [(row, name) for row, name in enumerate(figure.y.categories) if name]
    return [{**place, "y": row, "text": escape(name), "font": {"color": "@ink"}} for row, name in named]
