"""The building blocks that sections are made of: tiles, facts, tables, figures."""

from collections.abc import Iterable, Mapping
from typing import Any

from caviar.report import text
from caviar.report.draw import draw_height
from caviar.report.figure import Figure
from caviar.report.markup import Markup, element, joined
from caviar.report.smooth import BETAS

_SHARES = 20  # with more classes than this, only how many there are is said


def tile(label: str, value: str, detail: str = "") -> Markup:
    """One number of the headline."""
    small = element("p", detail, class_="detail") if detail else None
    return element(
        "div", element("p", label, class_="label"), element("p", value, class_="value"), small, class_="tile"
    )


def facts(pairs: Mapping[str, Any]) -> Markup | None:
    """Names and what they are; what is None or empty is left out."""
    known = [(name, plain(value)) for name, value in pairs.items() if value not in (None, "", (), [], {})]
    if not known:
        return None
    return element("dl", *(element("div", element("dt", name), element("dd", value)) for name, value in known))


def plain(value: Any) -> str:
    """Any plain value as text for a person."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return text.value(value)


def table(head: Iterable[str], rows: Iterable[Iterable[Any]], class_: str = "") -> Markup:
    """A table that scrolls by itself where the page is narrower."""
    top = element("tr", *(element("th", name, scope="col") for name in head))
    body = [element("tr", *(element("td", cell) for cell in row)) for row in rows]
    whole = element("table", element("thead", top), element("tbody", *body), class_=class_ or None)
    return element("div", whole, class_="scroll", tabindex="0", role="group", aria_label="table")


def more(summary: str, *content: Markup | None) -> Markup:
    """What is shown on request."""
    return element("details", element("summary", summary), *content)


def bullets(title: str, lines: Iterable[str]) -> Markup | None:
    """A heading and a list, or nothing."""
    items = [element("li", line) for line in lines]
    return joined(element("h3", title), element("ul", *items)) if items else None


def shares(title: str, known: Mapping[str, float]) -> Markup | None:
    """Classes with their shares as small bars, or only their number where there are many."""
    if not known:
        return None
    ordered = sorted(known.items(), key=lambda pair: -pair[1])
    heading = element("h3", title)
    if len(ordered) > _SHARES:
        (first, most), (last, least) = ordered[0], ordered[-1]
        said = f"{len(ordered)} classes, from {text.share(least)} ({last}) to {text.share(most)} ({first})."
        return joined(heading, element("p", said))
    top = ordered[0][1] or 1.0
    rows = [
        element(
            "li",
            element("span", name, class_="name"),
            element("span", class_="bar", style=f"--part:{100.0 * value / top:.1f}%", aria_hidden="true"),
            element("span", text.share(value), class_="share"),
        )
        for name, value in ordered
    ]
    return joined(heading, element("ul", *rows, class_="shares"))


def code(label: str, content: str) -> Markup | None:
    """A command or a program to copy, or nothing."""
    if not content:
        return None
    return joined(element("h3", label), element("pre", element("code", content), tabindex="0"))


def figure(shown: Figure, *controls: Markup) -> Markup:
    """The place of a figure; the page's script draws it, and its description stands there for those who cannot see."""
    note = element("span", shown.note, class_="note") if shown.note else None
    slider = _slider(shown) if shown.smooth else None
    caption = element("figcaption", element("strong", shown.title), note, slider, *controls)
    place = element(
        "div",
        element("p", shown.description, class_="undrawn"),
        id=f"figure-{shown.key}",
        class_="plot",
        data_figure=shown.key,
        role="img",
        aria_label=f"{shown.title}. {shown.description}",
        style=f"min-height:{draw_height(shown)}px",
    )
    return element("figure", caption, place)


def _slider(shown: Figure) -> Markup:
    """How much a reader wants the curves smoothed."""
    slide = element(
        "input", type="range", min="0", max=str(len(BETAS) - 1), step="1", value="0", data_smooth=shown.key,
        aria_valuetext="off", autocomplete="off",
    )  # fmt: skip
    return element("label", "Smoothing", slide, element("output", "off"), class_="smooth")
