"""The section "What the network was shown": train examples as they are, and as augmentation changed them."""

import base64
import io

import numpy as np

from caviar.report import blocks, text
from caviar.report.markup import Markup, element, joined
from caviar.study.shown import Shown

_SIDE = 72  # of a picture on the page, in CSS pixels
_ROWS = 3  # of a table's examples


def what_was_shown(shown: Shown) -> Markup:
    """Pictures in a grid, a row an example, or the numbers of some rows of a table."""
    used = ", ".join(f"{name} {text.value(value)}" for name, value in shown.strengths.items())
    said = f"Every train example was changed a little each time it came ({used}); dev and test rows never were. "
    if shown.before.ndim == 2:
        return joined(element("p", said, "Some rows, as the network's inputs:"), _numbers(shown))
    said += "Left the picture as it is, beside it as it was shown."
    if shown.strengths.get("mixup"):
        said += " Two pictures in one come of mixup."
    return joined(element("p", said), _pictures(shown))


def _pictures(shown: Shown) -> Markup:
    head = ("as it is", *(f"shown, {time + 1}" for time in range(len(shown.after))))
    rows = []
    for number, before in enumerate(shown.before):
        versions = [before, *shown.after[:, number]]
        rows.append([
            _image(pixels, f"example {number + 1}, {name}") for pixels, name in zip(versions, head, strict=True)
        ])  # fmt: skip
    return blocks.table(head, rows, class_="shown")


def _image(pixels: np.ndarray, about: str) -> Markup:
    """One picture as it stands, in the page itself."""
    from PIL import Image

    whole = np.ascontiguousarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels[..., :3])
    file = io.BytesIO()
    Image.fromarray(whole).save(file, format="PNG", optimize=True)
    address = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    height, width = pixels.shape[:2]
    shorter = _SIDE / max(height, width)
    return element(
        "img", src=address, alt=about, width=round(width * shorter), height=round(height * shorter),
        style="image-rendering:pixelated",
    )  # fmt: skip


def _numbers(shown: Shown) -> Markup:
    head = ("row", "input", "as it is", *(f"shown, {time + 1}" for time in range(len(shown.after))))
    rows = [
        [number + 1, name, *(f"{value:.2f}" for value in (shown.before[number, at], *shown.after[:, number, at]))]
        for number in range(min(_ROWS, len(shown.before)))
        for at, name in enumerate(shown.names)
    ]
    return blocks.table(head, rows, class_="compact")
