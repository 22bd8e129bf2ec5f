"""One self-contained page of a study: no network, no other file, every text escaped."""

import base64
import hashlib
import json
from dataclasses import replace
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from caviar.report import blocks, headline, sections, text
from caviar.report.draw import draw
from caviar.report.figure import Figure, Panels
from caviar.report.markup import Markup, element, joined
from caviar.report.page_data import PageData
from caviar.report.palette import DARK, LIGHT
from caviar.report.saving import write_whole


def write(page: PageData, path: str | Path) -> Path:
    """Write the page; whoever reads the path meanwhile sees the old page or the new one, never half of one.

    Args:
        page: what to show.
        path: of the file, e.g. "runs/adult/report.html"; its folder is made where it is missing.

    Returns:
        The path.

    Raises:
        StudyError: the file cannot be written.
    """
    return write_whole(Path(path), render(page).encode("utf-8", errors="replace"), "report")


def render(page: PageData) -> str:
    """The page as one text of HTML."""
    parts = sections.all_sections(page)
    figures = [figure for part in parts for figure in part.figures]
    links = [element("a", part.title, href=f"#{part.key}") for part in parts]
    content = joined(
        headline.headline(page),
        element("nav", *links, aria_label="Sections"),
        element("main", *(part.markup for part in parts)),
        element("footer", element("p", f"Written by Caviar for the study {page.name}.")),
    )
    return _whole(f"{page.name} · Caviar report", text.verdict(page), content, figures)


def render_figures(shown: Figure | Panels) -> str:
    """A page of one figure, or of several with one title."""
    if isinstance(shown, Figure):
        content = element("main", element("section", blocks.figure(shown)))
        return _whole(shown.title, shown.description, content, [shown])
    drawn = [replace(figure, key=f"{place}-{figure.key}") for place, figure in enumerate(shown.figures)]
    note = element("p", shown.note) if shown.note else None
    each = element("div", *(blocks.figure(figure) for figure in drawn), class_="panels")
    content = element("main", element("section", element("h2", shown.title), note, each))
    return _whole(shown.title, shown.description, content, drawn)


def _whole(title: str, description: str, content: Markup, figures: list[Figure]) -> str:
    """A page around what it shows, with the data of its figures and the scripts that draw them."""
    scripts = [_plotly(), _own("page.js")] if figures else []
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(scripts)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="caviar"),
        element("meta", name="description", content=description),
        element("title", title),
        element("style", Markup(_variables() + _own("page.css"))),
    )
    body = element(
        "body",
        content,
        _data(figures) if figures else None,
        *(element("script", Markup(script)) for script in scripts),
    )
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _data(figures: list[Figure]) -> Markup:
    """The figures as JSON that no text in it can break out of."""
    plain = {"palettes": {"light": LIGHT, "dark": DARK}, "figures": {figure.key: draw(figure) for figure in figures}}
    written = json.dumps(plain, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    safe = written.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return element("script", Markup(safe), type="application/json", id="figures")


def _policy(scripts: list[str]) -> str:
    """Nothing is loaded from anywhere, and no script runs but the page's own, known by their content."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{one}'" for one in hashes) or "'none'"
    return f"default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src {allowed}"


def _variables() -> str:
    """The palettes as custom properties; paper is always light."""
    light = "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in LIGHT.items())
    dark = "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in DARK.items())
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def _own(name: str) -> str:
    return files("caviar.report").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    """Plotly's own script, read as a file: finding plotly without importing it makes the page twice as quick."""
    found = find_spec("plotly")
    assert found is not None and found.origin is not None, "plotly is a dependency of this package"
    return Path(found.origin).with_name("package_data").joinpath("plotly.min.js").read_text(encoding="utf-8")
