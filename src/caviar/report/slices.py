"""Where the model errs: its errors by class and by the columns that tell most, as figures and tables."""

from caviar.report import blocks, text
from caviar.report.figure import Axis, Figure, Series
from caviar.report.markup import Markup, element, joined
from caviar.report.page_data import Metric, PageData
from caviar.study.slices import TOLD, Slices

_HEAD = ("", "train error", "dev error", "95 % interval", "dev rows", "what is high")


def errors_by_slice(found: Slices, metric: Metric, key: str = "slices") -> Figure | None:
    """Train and dev error of each part, the dev error with its interval; None where no part has a dev row."""
    measured = [one for one in found.parts if one.dev_rows]
    if not measured:
        return None
    names = tuple(f"{one.name} ({text.counted(one.dev_rows, 'row')})" for one in measured)
    rows = list(range(len(measured)))
    dev = [one.dev_error for one in measured]
    low = [one.dev_interval.low for one in measured]
    high = [one.dev_interval.high for one in measured]
    labels = [f"{one.name}: {found.write(one.dev_error)}, {TOLD[one.code]}" for one in measured]
    seen = [(one.train_error, row) for row, one in enumerate(measured) if one.train_rows]
    worst = measured[0]
    return Figure(
        key=key,
        title=f"Errors {found.title}, most of the dev error on top",
        description=f"Most of the dev error lies in {worst.name}: {found.write(worst.dev_error)} over "
        f"{text.counted(worst.dev_rows, 'row')}, train error {found.write(worst.train_error)}; {TOLD[worst.code]}.",
        x=Axis(metric.axis, metric.unit, top=1.04 * max([*high, *(error for error, _ in seen)]) or None),
        y=Axis("", scale="category", categories=names),
        series=(
            Series("dev error", "bars", "dev", dev, rows, labels=labels),
            Series("", "points", "interval", dev, rows, low, high),
            Series("train error", "points", "train", [error for error, _ in seen], [row for _, row in seen]),
        ),
        stacked=True,
    )


def body(page: PageData) -> tuple[Markup, tuple[Figure, ...]]:
    """The section's content and its figures."""
    parts: list[Markup | None] = []
    figures = []
    for place, found in enumerate(page.slices):
        shown = errors_by_slice(found, page.metric, f"slices_{place}")
        if shown is not None:
            figures.append(shown)
        cells = [found.cells(one) for one in found.parts]
        parts += [
            blocks.figure(shown) if shown else None,
            blocks.more(f"Errors {found.title} as a table", blocks.table(_HEAD, cells)),
        ]
    said = "High bias and high variance can sit in different places at once: here are the model's errors part by part, "
    said += "with the same rule that judges the whole. "
    said += (
        "The dev rows are those that had no part in choosing it. "
        if page.slices[0].judged
        else "The dev rows have also chosen the network, as dev is small, so their errors are somewhat too low. "
    )
    if len(page.slices) > 1:
        said += "Of the columns, those are shown in whose parts the error differs more than chance makes it."
    elif len(page.data.get("columns", ())) > 1:
        said += "In the parts of no column does the error differ more than chance makes it."
    said += f" {page.said_of_error()}".rstrip()
    return joined(element("p", said), *parts), tuple(figures)
