"""How each role is drawn: a colour of the palette, and a shape that tells it apart without colour."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Look:
    """A colour's name in the palette, and the shapes of a role's lines, points and bars."""

    colour: str
    width: float = 1.0
    dash: str = "solid"
    symbol: str = "circle"
    size: float = 6.0
    pattern: str = ""
    opacity: float = 1.0


LOOKS: Mapping[str, Look] = {
    "best": Look("best", width=3.0, symbol="star", size=14.0),
    "finished": Look("finished", opacity=0.75),
    "stopped": Look("stopped", symbol="circle-open", opacity=0.9),
    "running": Look("finished", dash="dot", symbol="diamond"),
    "interrupted": Look("finished", dash="dot", symbol="diamond-open"),
    "diverged": Look("diverged", dash="dash", symbol="x", size=7.0),
    "median": Look("median", width=1.5),
    "base": Look("base"),
    "bias": Look("bias", pattern="/"),
    "variance": Look("variance"),
    "gap": Look("gap", pattern="x"),
    "train": Look("train", width=2.0),
    "train_dev": Look("train_dev", width=2.0, dash="dot", pattern="."),
    "dev": Look("dev", width=2.0, dash="dash", symbol="square", pattern="/"),
    "test": Look("test", width=2.0, dash="dashdot", symbol="diamond", pattern="x"),
    "saved": Look("saved"),
    "interval": Look("ink", width=1.5, symbol="line-ns", size=10.0),
    # What has no meaning of its own, in the order of the legend.
    "first": Look("first", width=2.0, symbol="circle"),
    "second": Look("second", width=2.0, dash="dash", symbol="square-open", size=7.0, pattern="/"),
    "third": Look("third", width=2.2, dash="dot", symbol="triangle-up", size=7.0, pattern="x"),
    "fourth": Look("fourth", width=2.0, dash="dashdot", symbol="diamond", size=7.0, pattern="."),
    "fifth": Look("fifth", width=2.0, dash="longdash", symbol="x", pattern="-"),
    "sixth": Look("sixth", width=2.0, dash="longdashdot", symbol="cross", size=7.0, pattern="|"),
    # What stands beside the measured: raw values, a bound, a start, the optimum.
    "raw": Look("finished", symbol="circle", size=3.5, opacity=0.6),
    "limit": Look("ink", width=1.3, dash="dot", symbol="line-ns", size=12.0),
    "start": Look("ink", width=1.0, symbol="circle-open", size=9.0),
    "optimum": Look("ink", width=1.0, symbol="star", size=13.0),
}
ORDER = ("first", "second", "third", "fourth", "fifth", "sixth")
