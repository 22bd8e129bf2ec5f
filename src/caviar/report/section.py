"""One part of the page."""

from dataclasses import dataclass

from caviar.report.figure import Figure
from caviar.report.markup import Markup, element


@dataclass(frozen=True)
class Section:
    """One part of the page: its address, its heading, what it says, and the figures that the page must draw for it."""

    key: str
    title: str
    body: Markup
    figures: tuple[Figure, ...] = ()

    @property
    def markup(self) -> Markup:
        """The section as HTML."""
        heading = element("h2", self.title, id=f"{self.key}-title")
        return element("section", heading, self.body, id=self.key, aria_labelledby=f"{self.key}-title")
