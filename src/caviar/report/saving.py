"""Figures leave the program: as files, and into notebooks."""

import io
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from caviar.errors import StudyError
from caviar.records import tensors
from caviar.report.draw import draw_titled, dress
from caviar.report.figure import Figure, Panels

ENDINGS = (".png", ".svg", ".html")


def save(shown: Figure | Panels, path: str | Path) -> Path:
    """Write a figure as the file's ending says; see `Figure.save`.

    Raises:
        StudyError: another ending, matplotlib is missing, or the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in ENDINGS:
        raise StudyError(f"A figure is saved as {', '.join(ENDINGS)}. Got '{path.name}'; give it one of these endings.")
    if kind == ".html":
        from caviar.report.html import render_figures

        return write_whole(path, render_figures(shown).encode("utf-8"), "figure")
    return write_whole(path, picture(shown, kind[1:]), "figure")


def picture(shown: Figure | Panels, kind: str) -> bytes:
    """A figure as the content of a PNG or SVG file.

    Raises:
        StudyError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise StudyError(
            f"A figure as .{kind} needs matplotlib, which is not installed. Install it, "
            "pip install 'caviar[figures]', or save the figure as .html."
        )
    from caviar.report.paint import paint

    content = io.BytesIO()
    paint(shown, content, kind)
    return content.getvalue()


def bundle(shown: Figure | Panels) -> dict[str, Any]:
    """A figure in the forms that notebooks know: plotly's, a still picture where one can be made, and words."""
    forms: dict[str, Any] = {
        "application/vnd.plotly.v1+json": dress(draw_titled(shown)),
        "text/plain": f"{shown.title}. {shown.description}",
    }
    if find_spec("matplotlib") is not None:
        forms["image/png"] = picture(shown, "png")
    return forms


def write_whole(path: Path, content: bytes, what: str) -> Path:
    """Write a file so that whoever reads it meanwhile sees the old one or the new one, never half of one.

    Raises:
        StudyError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        tensors.write_whole(path, [content])
        path.chmod(0o644)  # a report is to be shown, whatever the person's other files are
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(f"The {what} '{path}' cannot be written: {reason}. Choose another place for it.") from error
    return path
