"""Writes docs/hyperparameters.md from the table in the code: `python -m tests.write_hyperparameters_page`."""

import math
from pathlib import Path
from typing import Any

from caviar.search.hyperparameters import HYPERPARAMETERS, Hyperparameter

PATH = Path(__file__).resolve().parents[1] / "docs" / "hyperparameters.md"

_INTRODUCTION = """\
# Hyperparameters

One row each in `caviar.search.hyperparameters`, from which validation, the space, the report and this page are read.
Written by `python -m tests.write_hyperparameters_page`; do not edit it by hand.

- **default**: what is used where neither the space nor a person says otherwise. Trial 0 of the default space has a
  learning rate, a schedule, widths and a mini-batch of its own, by the size of the data.
- **allowed**: a value outside is refused. Several values, one for each hidden layer, are allowed where it says so:
  `--set keep_probability=0.8,0.5`.
- **usual range**: what `Space.vary(name)` takes where no ends are given. The default space chooses its own ranges
  (`caviar.search.defaults`) and varies few of these.
- **scale**: how a range is drawn. `one_minus_log` draws 1 − value on a logarithmic scale.
- **kind**: a *traced* value may differ from slot to slot of one program; a *structural* one is the same for all slots
  of a cohort, except that widths may vary below the bucket of `hidden`.
- **matters**: only then is the value used; otherwise a search leaves it at its default.

"""
_HEAD = ("name", "meaning", "default", "allowed", "usual range", "scale", "kind", "matters")


def page() -> str:
    """The whole page."""
    rows = [_HEAD, tuple("---" for _ in _HEAD), *map(_row, HYPERPARAMETERS.values())]
    return _INTRODUCTION + "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def _row(one: Hyperparameter) -> tuple[str, ...]:
    usual = "" if one.range is None else f"{_written(one.range[0])} to {_written(one.range[1])}"
    # A bar ends a cell even within code.
    meaning = one.meaning.replace("|", "\\|")
    return (
        f"`{one.name}`",
        meaning,
        _written(one.default),
        _allowed(one),
        usual,
        one.scale,
        one.kind.value,
        _matters(one),
    )


def _allowed(one: Hyperparameter) -> str:
    if one.choices:
        return ", ".join(map(_written, one.choices))
    if one.scale == "list":
        return "whole widths from 1, or none"
    return f"{_written(one.low)} to {_written(one.high)}" + (", or one a layer" if one.per_layer else "")


def _matters(one: Hyperparameter) -> str:
    if one.needs is None:
        return "always"
    name, values = one.needs
    return (
        f"`{name}` is {' or '.join(map(_written, values))}"
        if values
        else f"`{name}` is not {'empty' if name == 'hidden' else '0'}"
    )


def _written(value: Any) -> str:
    if isinstance(value, tuple | list):
        return "-".join(map(str, value))
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if math.isinf(value):
        return "∞"
    # 1 − 1e-9 is not 1, which six digits would make of it.
    return f"{value:g}" if float(f"{value:g}") == value else f"1 − {1.0 - value:g}"


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
