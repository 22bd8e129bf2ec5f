"""HTML that is escaped by construction: text becomes markup only by passing through `element`."""

from html import escape


class Markup(str):
    """Text that is HTML already; everything else is escaped when it enters an element."""

    __slots__ = ()


_VOID = frozenset({"meta", "br", "link", "img", "input"})


def element(tag: str, *children: object, **attributes: object) -> Markup:
    """One element; children that are not `Markup` and all attributes are escaped.

    Args:
        tag: its name.
        children: text, numbers or `Markup`; None is left out.
        attributes: by name, a trailing or inner underscore written as in `class_` and `aria_label`; None and False are
            left out, True stands alone.

    >>> element("p", "1 < 2 ", element("b", "yes"), class_="note")
    '<p class="note">1 &lt; 2 <b>yes</b></p>'
    """
    written = "".join(_attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{joined(*children)}</{tag}>")


def joined(*children: object) -> Markup:
    """Several pieces after each other, escaped unless they are `Markup`; None is left out."""
    return Markup("".join(c if isinstance(c, Markup) else escape(str(c)) for c in children if c is not None))


def _attribute(name: str, value: object) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
