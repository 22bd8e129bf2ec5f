"""What a figure is, as data: axes with units, series of marks, fields over a plane; one figure, or several in a row.

Nothing here draws: `draw` does, in one way for the page, for notebooks and for files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Axis:
    """One axis.

    Args:
        label: what is on it.
        unit: "share" (written in percent), another unit, or "".
        scale: "linear", "log", "one_minus_log" (1 − value on a logarithmic scale) or "category".
        top: the largest value shown, in its unit; None: all of them.
        categories: in order, for a category axis.
        switch: whether a reader may switch between linear and log.
        low: the smallest value shown, in its unit; None: 0 where that suits, else the smallest there is.
    """

    label: str
    unit: str = ""
    scale: str = "linear"
    top: float | None = None
    categories: tuple[str, ...] = ()
    switch: bool = False
    low: float | None = None


@dataclass(frozen=True)
class Series:
    """One set of marks.

    Args:
        name: as the legend says it; "" keeps it out of the legend.
        mark: "line" (None in `y` interrupts it), "path" (a line with a marker at every point), "points", "band" (the
            area between `low` and `high`) or "bars".
        role: what it stands for; the drawing gives each role its colour and shape (`looks.LOOKS`).
        x, y: positions in the axes' units; text, or a place between 0 and the last category, on a category axis.
        low, high: the ends of intervals, along the axis of numbers; of a band, along y.
        labels: one text a mark, shown on hovering.
    """

    name: str
    mark: str
    role: str
    x: Sequence[Any]
    y: Sequence[Any]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class Field:
    """Values over a plane, drawn behind the series.

    Args:
        kind: "contours" (lines of equal value, the plane shaded: the lower, the lighter) or "regions" (`values` are
            whole numbers: which class is decided for, each shaded in its own lightness, with lines between them).
        x, y: the grid, X and Y places, ascending.
        values: [Y, X].
        levels: at which values contours lie; (): eight, evenly from the lowest to the highest.
    """

    kind: str
    x: Sequence[float]
    y: Sequence[float]
    values: Sequence[Sequence[float]]
    levels: Sequence[float] = ()


@dataclass(frozen=True)
class Figure:
    """One figure.

    Args:
        key: its name in the page, unique there.
        title: what is shown.
        description: in words what is to be seen, for those who cannot see it.
        x, y: the axes.
        series: drawn in this order, the last on top.
        stacked: bars of one place are put end to end.
        small: one of many alike; what they share (legend, names of axes) is said once beside them.
        note: a remark for the caption.
        field: a plane's values behind the series, or None.
        height: in pixels; 0: the usual one.
        smooth: whether a reader may smooth its curves.

    >>> line = Series("", "line", "first", [0, 1, 2], [3.0, 1.0, 0.5])
    >>> Figure("cost", "The cost falls", "From 3 to 0.5.", Axis("step"), Axis("cost"), (line,)).title
    'The cost falls'
    """

    key: str
    title: str
    description: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    stacked: bool = False
    small: bool = False
    note: str = ""
    field: Field | None = None
    height: int = 0
    smooth: bool = False

    def save(self, path: str | Path) -> Path:
        """Write the figure to a file, its folder made where it is missing.

        Args:
            path: its ending says as what: .png and .svg (these need matplotlib: the extra `figures`) or .html (one
                page that works offline).

        Returns:
            The path.

        Raises:
            StudyError: another ending, matplotlib is missing, or the file cannot be written.
        """
        from caviar.report.saving import save

        return save(self, path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The figure as notebooks show it."""
        from caviar.report.saving import bundle

        return bundle(self)


@dataclass(frozen=True)
class Panels:
    """Several figures in rows, with one title and one legend.

    Args:
        key: its name.
        title: what is seen in all of them together.
        figures: from left to right, then down; each with its own axes and a short title.
        columns: how many stand side by side.
        note: a remark below them.
    """

    key: str
    title: str
    figures: tuple[Figure, ...]
    columns: int = 3
    note: str = ""

    @property
    def description(self) -> str:
        """In words what is to be seen in each."""
        return " ".join(f"{figure.title}: {figure.description}" for figure in self.figures)

    @property
    def rows(self) -> int:
        """How many rows of figures there are."""
        return -(-len(self.figures) // self.columns)

    def save(self, path: str | Path) -> Path:
        """Write the figures to one file; see `Figure.save`."""
        from caviar.report.saving import save

        return save(self, path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The figures as notebooks show them."""
        from caviar.report.saving import bundle

        return bundle(self)
