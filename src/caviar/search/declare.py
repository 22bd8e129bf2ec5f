"""What a person declares becomes a checked axis, or a sentence."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from caviar.errors import SpaceError
from caviar.given import is_number, shown
from caviar.search.hyperparameters import Hyperparameter, complete, look_up
from caviar.search.ranges import SCALES, Axis, Choice, Range, Widths, freeze, write


def make_range(
    name: str,
    low: Any = None,
    high: Any = None,
    scale: str | None = None,
    off: float = 0.0,
    start: Any = None,
) -> Range:
    """A checked range; ends, scale and start that are not given come from the hyperparameter's row.

    Raises:
        SpaceError: it is not a number, or the ends, the scale, the share or the start do not fit.
    """
    row = look_up(name)
    if row.choices or row.scale == "list":
        example = "[64, 32], [128, 64]" if row.scale == "list" else ", ".join(repr(item) for item in row.choices[:2])
        raise SpaceError(
            f"'{name}' has no range to vary over. Write Space.choose('{name}', {example}), "
            f"or on the command line its options with commas: --vary {name}=A,B."
        )
    usual = row.range or (row.low, row.high)
    first = row.check(usual[0] if low is None else low)
    last = row.check(usual[1] if high is None else high)
    scale = _check_scale(row, scale, first, last)
    if not is_number(off) or not 0.0 <= off < 1.0:
        raise SpaceError(f"'off' is the share of trials that leave '{name}' off, from 0 to below 1. Got {shown(off)}.")
    if off and row.off is None:
        raise SpaceError(f"'{name}' cannot be off, so 'off={off:g}' means nothing. Leave it out.")
    if start is None:
        start = row.off if off else min(max(row.default, first), last)
    return Range(name, first, last, scale, float(off), row.check(start))


def _check_scale(row: Hyperparameter, scale: str | None, low: Any, high: Any) -> str:
    name = row.name
    scale = row.scale if scale is None else scale
    if row.scale == "integer" and isinstance(scale, str):
        scale = {"linear": "integer", "log": "integer_log"}.get(scale, scale)
    if not isinstance(scale, str) or scale not in SCALES:
        raise SpaceError(f"There is no scale {shown(scale)} for '{name}'. There are: {', '.join(SCALES)}.")
    if isinstance(low, list) or isinstance(high, list):
        raise SpaceError(f"A range of '{name}' has two numbers as its ends. To try lists, write Space.choose.")
    if not low < high:
        raise SpaceError(
            f"The range of '{name}' must rise: {low:g} is not below {high:g}. "
            f"For one value write Space.fix({name}={high:g})."
        )
    if math.isinf(high):
        raise SpaceError(f"The range of '{name}' must end. Got {high}. Give it a finite high end.")
    if scale in ("log", "integer_log") and low <= 0:
        off = " (with off=0.25 a quarter of the trials take 0)" if row.off == 0.0 else ""
        raise SpaceError(
            f"A logarithmic range of '{name}' must begin above 0. Got {low:g}. "
            f"Begin higher{off}, or write scale='linear'."
        )
    if scale == "one_minus_log" and high >= 1:
        raise SpaceError(f"A one_minus_log range of '{name}' must end below 1. Got {high:g}. Write 0.999, say.")
    if scale.startswith("integer") and (low != int(low) or high != int(high)):
        raise SpaceError(f"A range of whole numbers of '{name}' has whole ends. Got {low:g} to {high:g}.")
    return scale


def make_choice(name: str, options: Sequence[Any]) -> Choice:
    """A checked choice of at least two different options.

    Raises:
        SpaceError: an option is not allowed, or fewer than two differ.
    """
    row = look_up(name)
    if len(options) == 1 and isinstance(options[0], list | tuple):
        inner = options[0]  # a person wrote one list of options instead of several arguments
        if (row.scale != "list" and not row.per_layer) or any(isinstance(item, list | tuple) for item in inner):
            options = inner
    checked = list(dict.fromkeys(freeze(row.check(option)) for option in options))
    if len(checked) < 2:
        raise SpaceError(
            f"A choice of '{name}' needs at least two different options. "
            f"Got {', '.join(map(write, checked)) or 'none'}. For one value write Space.fix({name}=...)."
        )
    return Choice(name, tuple(checked))


def make_widths(buckets: Sequence[Sequence[int]], smallest: float = 0.75) -> Widths:
    """Checked buckets of widths.

    Raises:
        SpaceError: there is no bucket, a width is not allowed, or `smallest` is not in (0, 1].
    """
    hidden = look_up("hidden")
    checked = tuple(dict.fromkeys(tuple(hidden.check(bucket)) for bucket in buckets))
    if not checked:
        raise SpaceError("Space.widths needs at least one bucket, such as [128, 64]. Got none.")
    if not is_number(smallest) or not 0.0 < smallest <= 1.0:
        raise SpaceError(
            f"'smallest' is the least width as a share of the bucket, above 0 up to 1. Got {shown(smallest)}."
        )
    return Widths(checked, float(smallest))


def axis_from_dict(plain: Mapping[str, Any]) -> Axis:
    """The axis again from what `to_dict` gave, checked anew.

    Raises:
        SpaceError: it is not a description of an axis.
    """
    by_default = bool(plain.get("by_default", False))
    try:
        if plain["kind"] == "range":
            ends = make_range(
                plain["name"], plain["low"], plain["high"], plain["scale"], plain.get("off", 0.0), plain.get("start")
            )
            return Range(**{**vars(ends), "by_default": by_default})
        if plain["kind"] == "choice":
            options = [math.inf if option is None else option for option in plain["options"]]
            return Choice(plain["name"], make_choice(plain["name"], options).options, by_default)
        if plain["kind"] == "widths":
            widths = make_widths(plain["buckets"], plain["smallest"])
            return Widths(widths.buckets, widths.smallest, by_default)
    except (KeyError, TypeError) as missing:
        raise SpaceError(f"A saved space is damaged: {missing} in {dict(plain)!r}. Write the space anew.") from None
    raise SpaceError(
        f"A saved space has an axis of an unknown kind: {plain['kind']!r}. Was it written by a newer caviar?"
    )


_ALLOW = {"hidden": "Allow hidden layers"}


def check_together(axes: Sequence[Axis], values_of: Callable[[str], list[Any]]) -> None:
    """Refuse axes and fixed values that do not fit each other.

    Args:
        axes: that vary.
        values_of: every value that a hyperparameter with options can take.

    Raises:
        SpaceError: something varies that no trial would use, lists fit no depth, or batches are too small for
            batch norm.
    """
    for axis in axes:
        needs = look_up(axis.name).needs
        if needs is None or axis.by_default:
            continue
        name, values = needs
        if not any(look_up(axis.name).matters({name: other}) for other in values_of(name)):
            way = _ALLOW.get(name, f"Let '{name}' be above 0")
            if values:
                way = f"Let '{name}' be {' or '.join(map(write, values))} too"
            always = " or ".join(map(write, values_of(name)))
            raise SpaceError(
                f"'{axis.name}' varies, but '{name}' is always {always}, which does not use it. "
                f"{way}, or leave '{axis.name}' out."
            )
    for keep in values_of("keep_probability"):
        for hidden in values_of("hidden") if isinstance(keep, list) else ():
            complete({"keep_probability": keep, "hidden": hidden})
    if True in values_of("batch_norm"):
        for hidden in values_of("hidden"):
            for size in values_of("batch_size"):
                complete({"batch_norm": True, "hidden": hidden, "batch_size": size})
