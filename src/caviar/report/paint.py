"""A drawn figure as a still picture: plotly's plain JSON, as `draw` makes it, painted by matplotlib.

What is painted is read from the drawing alone: its colours, dashes, symbols, ranges and ticks. So a figure looks alike
on the page, in a notebook and in a file, and there is one place where looks are decided.
"""

import math
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from textwrap import wrap
from typing import Any, BinaryIO

import numpy as np

from caviar.report.draw import draw, dress
from caviar.report.figure import Figure, Panels
from caviar.report.palette import LIGHT

POINT = 0.72  # points of type in a pixel, at 100 pixels an inch
WIDE = 720  # pixels of one figure
PANEL = 360  # pixels of one of several side by side
SHARPNESS = 200  # pixels an inch of a PNG
_DASHES: Mapping[str, Any] = {
    "solid": "-",
    "dash": (0, (5, 2.2)),
    "dot": (0, (1.2, 1.6)),
    "dashdot": (0, (5, 1.8, 1.2, 1.8)),
    "longdash": (0, (9, 2.5)),
    "longdashdot": (0, (9, 2, 1.2, 2, 1.2, 2)),
}
_SYMBOLS = {
    "circle": "o",
    "square": "s",
    "triangle-up": "^",
    "diamond": "D",
    "x": "X",
    "cross": "P",
    "star": "*",
    "line-ns": "|",
}
_HATCHES = {"": "", "/": "////", "x": "xxxx", ".": "....", "-": "----", "|": "||||"}


def paint(shown: Figure | Panels, target: str | Path | BinaryIO, kind: str, palette: Mapping[str, str] = LIGHT) -> None:
    """Paint a figure into a file.

    Args:
        shown: the figure, or several in rows.
        target: a path, or an open binary file.
        kind: "png" or "svg".
        palette: its colours; paper is light.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Sheet

    panels = shown if isinstance(shown, Panels) else None
    figures = panels.figures if panels else (shown,)
    columns, rows = (min(panels.columns, len(figures)), panels.rows) if panels else (1, 1)
    drawn = [dress(draw(figure), palette) for figure in figures if isinstance(figure, Figure)]
    width = PANEL * columns if panels else WIDE
    tall = rows * (max(one["layout"]["height"] for one in drawn) + (30 if panels else 0)) + 40
    # Texts of an SVG stay texts, and its names are the same whenever it is made.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "caviar", "hatch.linewidth": 1.1}):
        sheet = Sheet(figsize=(width / 100, tall / 100), layout="constrained", facecolor=palette["card"])
        FigureCanvasAgg(sheet)
        handles: dict[str, Any] = {}
        for place, one in enumerate(drawn):
            axes = sheet.add_subplot(rows, columns, place + 1)
            handles |= {name: mark for name, mark in _panel(axes, one, palette).items() if name not in handles}
            if panels:
                title = "\n".join(wrap(panels.figures[place].title, 46))
                axes.set_title(title, loc="left", fontsize=13 * POINT, color=palette["ink"])
        small = all(figure.small for figure in figures if isinstance(figure, Figure))
        _head(sheet, "\n".join(wrap(shown.title, int(width / 9.4))), {} if small else handles, width, palette)
        metadata = {"Date": None} if kind == "svg" else {}
        sheet.savefig(target, format=kind, dpi=SHARPNESS, facecolor=palette["card"], metadata=metadata)


def _panel(axes: Any, drawn: Mapping[str, Any], palette: Mapping[str, str]) -> dict[str, Any]:
    """Paint one figure's traces and axes; the marks that the legend shows, by name."""
    layout = drawn["layout"]
    axes.set_facecolor(palette["card"])
    _axis(axes, "x", layout["xaxis"], palette)
    _axis(axes, "y", layout["yaxis"], palette)
    floor = layout["meta"].get("floor", 0.0) if layout["yaxis"].get("type") == "log" else -math.inf
    ends: dict[float, float] = {}
    bars = [trace for trace in drawn["data"] if trace["type"] == "bar"]
    handles: dict[str, Any] = {}
    if any(trace["type"] in ("contour", "heatmap") for trace in drawn["data"]):
        axes.grid(False)
    for trace in drawn["data"]:
        if trace["type"] == "bar":
            place = 0.0 if layout["barmode"] == "stack" else bars.index(trace) - (len(bars) - 1) / 2
            made = _bars(axes, trace, place, ends if layout["barmode"] == "stack" else {})
        elif trace["type"] == "scatter":
            made = _scatter(axes, trace, floor)
        else:
            _field(axes, trace)
            continue
        if trace.get("showlegend"):
            handles.setdefault(unescape(trace["name"]), made)
    side_by_side = 1 if layout["barmode"] == "stack" else len(bars)
    for note in layout["annotations"]:
        axes.annotate(
            unescape(note["text"]),
            (0, note["y"] - side_by_side * bars[0]["width"] / 2),
            (0, 2),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=note["font"]["color"],
            fontsize=13 * POINT,
        )
    return handles


def _axis(axes: Any, name: str, axis: Mapping[str, Any], palette: Mapping[str, str]) -> None:
    """Scale, range, ticks and title of one axis."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    own = getattr(axes, f"{name}axis")
    set_range = getattr(axes, f"set_{name}lim")
    logarithmic = axis.get("type") == "log"
    if logarithmic:
        getattr(axes, f"set_{name}scale")("log")
        own.set_minor_locator(NullLocator())
    else:
        own.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    if "range" in axis:
        set_range(*(10.0**end for end in axis["range"]) if logarithmic else axis["range"])
    if "tickvals" in axis:
        own.set_major_locator(FixedLocator(axis["tickvals"]))
        own.set_major_formatter(FixedFormatter([unescape(text.replace("<br>", "\n")) for text in axis["ticktext"]]))
    elif "tickformat" in axis:
        own.set_major_formatter(FuncFormatter(lambda value, _: f"{100.0 * value:.4g} %"))
    if axis.get("showticklabels", True):
        label = unescape(axis["title"]["text"])
        getattr(axes, f"set_{name}label")(label, fontsize=13 * POINT, color=palette["muted"])
    else:
        own.set_visible(False)
    axes.tick_params(axis=name, colors=palette["muted"], labelsize=12 * POINT, length=0)
    if axis.get("showgrid", True):
        axes.grid(True, axis=name, color=palette["grid"], linewidth=0.8)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(palette["line"])


def _scatter(axes: Any, trace: Mapping[str, Any], floor: float) -> Any:
    """Lines, points, and the areas between lines."""
    x = np.array([math.nan if value is None else value for value in trace["x"]], dtype=np.float64)
    y = np.array([math.nan if value is None else max(value, floor) for value in trace["y"]], dtype=np.float64)
    if trace.get("fill") == "toself":
        (area,) = axes.fill(x, y, facecolor=trace["fillcolor"], alpha=trace["opacity"], linewidth=0)
        return area
    style: dict[str, Any] = {"linestyle": "none", "alpha": trace["opacity"]}
    if "lines" in trace["mode"]:
        line = trace["line"]
        style |= {"linestyle": _DASHES[line["dash"]], "linewidth": line["width"] * POINT, "color": line["color"]}
    if "markers" in trace["mode"]:
        marker = trace["marker"]
        opened = marker["symbol"].endswith("-open")
        style |= {
            "marker": _SYMBOLS[marker["symbol"].removesuffix("-open")],
            "markersize": marker["size"] * POINT,
            "markerfacecolor": "none" if opened else marker["color"],
            "markeredgecolor": marker["line"]["color"],
            "markeredgewidth": 0.7 * marker["line"]["width"],
            "clip_on": trace.get("cliponaxis", True),
        }
    if "error_x" in trace:
        bars = trace["error_x"]
        spread = [bars["arrayminus"], bars["array"]]
        axes.errorbar(x, y, xerr=spread, fmt="none", ecolor=bars["color"], elinewidth=bars["thickness"], capsize=3)
    (drawn,) = axes.plot(x, y, **style)
    return drawn


def _bars(axes: Any, trace: Mapping[str, Any], place: float, ends: dict[float, float]) -> Any:
    """Lying bars, each beginning where the one before it in `ends` stopped."""
    rows = np.asarray(trace["y"], dtype=np.float64)
    marker = trace["marker"]
    left = [ends.get(row, 0.0) for row in trace["y"]]
    for row, begin, length in zip(trace["y"], left, trace["x"], strict=True):
        ends[row] = begin + length
    return axes.barh(
        rows + place * trace["width"],
        trace["x"],
        height=trace["width"],
        left=left,
        color=marker["color"],
        edgecolor=marker["line"]["color"],
        linewidth=0.6,
        hatch=_HATCHES[marker["pattern"]["shape"]],
    )


def _field(axes: Any, trace: Mapping[str, Any]) -> None:
    """Shaded levels, tints of regions, and the lines between them."""
    from matplotlib.colors import LinearSegmentedColormap

    x, y, z = (np.asarray(trace[name], dtype=np.float64) for name in "xyz")
    if "colorscale" in trace:
        shades = LinearSegmentedColormap.from_list("shades", [tuple(stop) for stop in trace["colorscale"]], N=256)
    if trace["type"] == "heatmap":
        half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2
        extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
        limits = {"vmin": trace["zmin"], "vmax": trace["zmax"]}
        axes.imshow(z, origin="lower", extent=extent, aspect="auto", cmap=shades, interpolation="nearest", **limits)
        return
    levels = np.arange(trace["contours"]["start"], trace["contours"]["end"] + 0.5, trace["contours"]["size"])
    if trace["contours"]["coloring"] == "fill":
        edges = [levels[0] - 1.0, *levels, levels[-1] + 1.0]
        axes.contourf(x, y, z, levels=edges, cmap=shades, vmin=trace["zmin"], vmax=trace["zmax"])
    line = trace["line"]
    axes.contour(x, y, z, levels=levels, colors=line["color"], linewidths=line["width"] * POINT, linestyles="-")


def _head(sheet: Any, title: str, handles: Mapping[str, Any], width: int, palette: Mapping[str, str]) -> None:
    """The title, and below it one legend of all panels in as many columns as fit."""
    if len(handles) < 2:
        sheet.suptitle(title, x=0.008, ha="left", fontsize=15 * POINT, fontweight="bold", color=palette["ink"])
        return
    letters = max(map(len, handles)) + 7
    legend = sheet.legend(
        handles.values(),
        handles.keys(),
        loc="outside upper left",
        ncols=max(1, min(len(handles), int(width / (letters * 7.2)))),
        title=title,
        title_fontproperties={"size": 15 * POINT, "weight": "bold"},
        alignment="left",
        frameon=False,
        fontsize=12.5 * POINT,
        labelcolor=palette["muted"],
        handlelength=3.2,
        columnspacing=1.6,
        borderpad=0.1,
        borderaxespad=0.3,
    )
    legend.get_title().set_color(palette["ink"])
