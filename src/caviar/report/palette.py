"""The colours, by what they stand for, in light and in dark; the page's style and its figures read the same table."""

from collections.abc import Mapping

# Text on `card` and `paper` has a contrast of at least 4.5. Colours that stand side by side differ in lightness too,
# and in shape or pattern (`draw.LOOKS`), so that the page is legible in grey.
LIGHT: Mapping[str, str] = {
    "ink": "#1b1f24",
    "muted": "#59626e",
    "line": "#d8dce1",
    "grid": "#e8ebee",
    "paper": "#f6f6f3",
    "card": "#ffffff",
    "best": "#c2410c",
    "finished": "#7c8794",
    "stopped": "#b3bbc5",
    "diverged": "#a3173f",
    "median": "#1b1f24",
    "base": "#b4bbc4",
    "bias": "#d99a00",
    "variance": "#1f5f99",
    "gap": "#7a4fb5",
    "train": "#1f5f99",
    "train_dev": "#74a9cf",
    "dev": "#d99a00",
    "test": "#7a4fb5",
    "saved": "#2c7a6b",
    "first": "#174a7c",
    "second": "#d95f0e",
    "third": "#2c8a73",
    "fourth": "#7a4fb5",
    "fifth": "#a87a00",
    "sixth": "#6b7480",
    "field": "#8fa3b8",
    "contour": "#7c8794",
    "region_0": "#eef2f6",
    "region_1": "#f8dfc8",
    "region_2": "#bfdcd4",
    "region_3": "#c3b3de",
    "good": "#1a7345",
    "note": "#1f5f99",
    "warning": "#8a5a00",
    "problem": "#b42318",
    "unclear": "#59626e",
}

DARK: Mapping[str, str] = {
    "ink": "#e9ebee",
    "muted": "#a5aebb",
    "line": "#333a44",
    "grid": "#282e37",
    "paper": "#101317",
    "card": "#181c22",
    "best": "#ff8f52",
    "finished": "#788392",
    "stopped": "#566170",
    "diverged": "#ff7f93",
    "median": "#e9ebee",
    "base": "#596372",
    "bias": "#e3b341",
    "variance": "#4d9de0",
    "gap": "#b392f0",
    "train": "#4d9de0",
    "train_dev": "#8ec5e8",
    "dev": "#e3b341",
    "test": "#b392f0",
    "saved": "#4db6a0",
    "first": "#6cb2f0",
    "second": "#ff9a5c",
    "third": "#5fc7ae",
    "fourth": "#b392f0",
    "fifth": "#e3c04b",
    "sixth": "#98a3b0",
    "field": "#4a5a6c",
    "contour": "#788392",
    "region_0": "#222932",
    "region_1": "#4a3323",
    "region_2": "#2c5a50",
    "region_3": "#5b4a86",
    "good": "#5fd08f",
    "note": "#79b8ff",
    "warning": "#e3b341",
    "problem": "#ff8578",
    "unclear": "#a5aebb",
}


def contrast(first: str, second: str) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio").

    >>> round(contrast("#000000", "#ffffff"))
    21
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255.0 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
