"""How one hyperparameter varies: over a range on its scale, among options, or (widths) below a bucket."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from caviar.search.hyperparameters import look_up

SCALES = ("linear", "log", "one_minus_log", "integer", "integer_log")


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included, drawn evenly on a scale.

    Args:
        name: the hyperparameter.
        low, high: the ends.
        scale: one of SCALES; on "one_minus_log" it is 1 − value that is drawn evenly on a logarithmic scale, so that
            0.9 to 0.99 gets as many draws as 0.99 to 0.999.
        off: share of the draws that take the value at which the hyperparameter does nothing, in [0, 1).
        start: the value of trial 0.
        by_default: chosen by `Space.default`, not by a person; then a learning rate follows the optimiser drawn.
    """

    name: str
    low: float
    high: float
    scale: str
    off: float
    start: Any
    by_default: bool = False

    def draw(self, first: float, second: float) -> Any:
        """The value at two numbers of [0, 1): the first decides whether it is off, the second where it lies."""
        return self._off_value if first < self.off else self.at(second)

    def at(self, share: float) -> Any:
        """The value that lies at this share of the way along the scale.

        >>> Range("beta_1", 0.9, 0.999, "one_minus_log", off=0.0, start=0.9).at(0.5)
        0.99
        """
        low, high = self.low, self.high
        if self.scale == "integer":
            return int(min(high, low + math.floor(share * (high - low + 1))))
        if self.scale == "integer_log":
            return int(min(high, math.floor(low * ((high + 1) / low) ** share)))
        if self.scale == "log":
            value = low * (high / low) ** share
        elif self.scale == "one_minus_log":
            # 1 − x leaves rounding in the 16th place; without it 0.99 is 0.99 in every record and on every page
            value = round(1.0 - (1.0 - low) * ((1.0 - high) / (1.0 - low)) ** share, 15)
        else:
            value = low + (high - low) * share
        return min(max(value, low), high)

    def share(self, value: Any) -> float:
        """How far along the scale a value lies, in [0, 1]: `at` backwards, for whole numbers the middle of their part.

        >>> Range("beta_1", 0.9, 0.999, "one_minus_log", off=0.0, start=0.9).share(0.99)
        0.5
        """
        low, high = self.low, self.high
        if self.scale == "integer":
            found = (value - low + 0.5) / (high - low + 1)
        elif self.scale == "integer_log":
            found = math.log((value + 0.5) / low) / math.log((high + 1) / low)
        elif self.scale == "log":
            found = math.log(value / low) / math.log(high / low)
        elif self.scale == "one_minus_log":
            found = round(math.log((1.0 - value) / (1.0 - low)) / math.log((1.0 - high) / (1.0 - low)), 12)
        else:
            found = (value - low) / (high - low)
        return float(min(max(found, 0.0), 1.0))

    def contains(self, value: Any) -> bool:
        """Whether this axis can give the value."""
        if self.off > 0.0 and value == self._off_value:
            return True
        if value == self.start:
            return True
        if isinstance(value, list) or (self.scale.startswith("integer") and value != int(value)):
            return False
        slack = 1e-12 * max(abs(self.low), abs(self.high))  # a scaled learning rate comes back to rounding
        return bool(self.low - slack <= value <= self.high + slack)

    def points(self, count: int) -> list[Any]:
        """At most `count` different values, evenly spaced on the scale from end to end, and the value "off" first."""
        shares = [0.5] if count == 1 else [k / (count - 1) for k in range(count)]
        values = [self._off_value] if self.off > 0.0 else []
        for share in shares:
            value = self.at(share)
            if value not in values:
                values.append(value)
        return values

    def to_dict(self) -> dict[str, Any]:
        """The axis as plain JSON."""
        plain = {"name": self.name, "low": self.low, "high": self.high, "scale": self.scale, "off": self.off}
        start = "inf" if self.start == math.inf else self.start
        return {"kind": "range", **plain, "start": start, "by_default": self.by_default}

    def __str__(self) -> str:
        share = f", off {self.off:.0%}" if self.off else ""
        return f"{self.low:g} to {self.high:g} ({self.scale}{share})"

    @property
    def _off_value(self) -> Any:
        return look_up(self.name).off


@dataclass(frozen=True)
class Choice:
    """One of several options, each as likely as the others; trial 0 takes the first.

    Args:
        name: the hyperparameter.
        options: checked values; lists as tuples, so that a space can be compared and hashed.
        by_default: chosen by `Space.default`, not by a person.
    """

    name: str
    options: tuple[Any, ...]
    by_default: bool = False

    @property
    def start(self) -> Any:
        """The value of trial 0."""
        return thaw(self.options[0])

    def draw(self, first: float, second: float) -> Any:
        """The option at the second of two numbers of [0, 1)."""
        return thaw(self.options[int(second * len(self.options))])

    def contains(self, value: Any) -> bool:
        """Whether this axis can give the value."""
        return freeze(value) in self.options

    def points(self, count: int) -> list[Any]:
        """All options, however many points were asked for."""
        return [thaw(option) for option in self.options]

    def to_dict(self) -> dict[str, Any]:
        """The axis as plain JSON."""
        options = [None if option == math.inf else thaw(option) for option in self.options]
        return {"kind": "choice", "name": self.name, "options": options, "by_default": self.by_default}

    def __str__(self) -> str:
        return " or ".join(write(option) for option in self.options)


@dataclass(frozen=True)
class Widths:
    """Hidden layers whose widths vary below a bucket, so that many widths share one program.

    The bucket is structural: it is drawn per cohort and fixes the shapes. Each trial then has its own widths, whole
    numbers from `smallest`·bucket to the bucket; padding beyond them is wasted, which is why the least is not small:
    at 0.75 the smallest of two neighbouring layers still use 0.75² = 56 % of their product, the average one 77 %.

    Args:
        buckets: one tuple of widths for each structure; trial 0 takes the first, at its full widths.
        smallest: the least width as a share of the bucket, in (0, 1].
        by_default: chosen by `Space.default`, not by a person.
    """

    buckets: tuple[tuple[int, ...], ...]
    smallest: float
    by_default: bool = False
    name: str = "hidden"

    @property
    def start(self) -> list[int]:
        """The widths of trial 0."""
        return list(self.buckets[0])

    def within(self, bucket: Sequence[int], shares: Sequence[float]) -> list[int]:
        """Widths below a bucket, one for each layer, at numbers of [0, 1).

        >>> Widths(((128, 64),), 0.75).within([128, 64], [0.0, 0.999])
        [96, 64]
        """
        least = [self._least(width) for width in bucket]
        return [low + int(share * (width - low + 1)) for low, width, share in zip(least, bucket, shares, strict=True)]

    def contains(self, value: Any) -> bool:
        """Whether some bucket can give these widths."""
        return any(
            len(value) == len(bucket)
            and all(self._least(most) <= width <= most for width, most in zip(value, bucket, strict=True))
            for bucket in self.buckets
        )

    def points(self, count: int) -> list[Any]:
        """The buckets at their full widths."""
        return [list(bucket) for bucket in self.buckets]

    def to_dict(self) -> dict[str, Any]:
        """The axis as plain JSON."""
        buckets = [list(bucket) for bucket in self.buckets]
        return {"kind": "widths", "buckets": buckets, "smallest": self.smallest, "by_default": self.by_default}

    def __str__(self) -> str:
        return " or ".join(write(bucket) for bucket in self.buckets) + f" (each layer from {self.smallest:.0%} of it)"

    def _least(self, width: int) -> int:
        return max(1, math.ceil(self.smallest * width))


Axis = Range | Choice | Widths


def freeze(value: Any) -> Any:
    """Lists as tuples, so that they can be compared, hashed and kept."""
    return tuple(value) if isinstance(value, list) else value


def thaw(value: Any) -> Any:
    """Tuples as new lists, which nobody else holds."""
    return list(value) if isinstance(value, tuple) else value


def write(value: Any) -> str:
    """A value as the command line reads it: 64-32 for a list, none for the empty one."""
    if isinstance(value, tuple | list):
        return "-".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
