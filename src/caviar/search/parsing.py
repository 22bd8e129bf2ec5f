"""What the command line says about the space: `--set NAME=VALUE`, `--vary NAME=LOW..HIGH` and `--vary NAME=A,B,C`.

--set learning_rate=0.01            one value for every trial
--set hidden=64-32                  two hidden layers (64,32 is read too); hidden=none is a linear model
--set keep_probability=0.8,0.5      one value for each hidden layer
--vary learning_rate=1e-4..1e-1     a range on the scale of the hyperparameter's row
--vary beta_1=0.9..0.99:linear      ... on a scale of one's own
--vary l2=0.01..10:log:off=0.25     ... with a quarter of the trials at the value that does nothing
--vary optimiser=adam,momentum      a choice
--vary hidden=none,64-32,128-64     a choice of lists
"""

import re
from typing import Any

from caviar.errors import SpaceError
from caviar.search.declare import make_choice, make_range
from caviar.search.hyperparameters import Hyperparameter, look_up
from caviar.search.ranges import Axis, Choice, Range


def parse_set(text: str) -> tuple[str, Any]:
    """The name and the checked value of `NAME=VALUE`.

    Raises:
        SpaceError: it is not of that form, or the value is not allowed.

    >>> parse_set("hidden=64-32"), parse_set("hidden=none"), parse_set("keep_probability=0.8,0.5")
    (('hidden', [64, 32]), ('hidden', []), ('keep_probability', [0.8, 0.5]))
    """
    row, value = _split(text, "--set", "VALUE")
    if ".." in value:
        raise SpaceError(f"'--set {text}' gives a range, but --set takes one value. Write --vary {text}.")
    if not value and row.scale != "list":
        raise SpaceError(f"'--set {text}' gives no value. Write --set {row.name}=VALUE.")
    if "," in value and not row.per_layer and row.scale != "list":
        raise SpaceError(f"'--set {text}' gives several values, but --set takes one. Write --vary {text}.")
    return row.name, row.check(value)


def parse_vary(text: str) -> Axis:
    """The axis that `NAME=LOW..HIGH[:SCALE][:off=SHARE]` or `NAME=A,B,C` describes.

    Raises:
        SpaceError: it is of neither form, or its parts are not allowed.

    >>> str(parse_vary("l2=0.01..10:log:off=0.25")), str(parse_vary("hidden=none,64-32"))
    ('0.01 to 10 (log, off 25%)', 'none or 64-32')
    """
    row, value = _split(text, "--vary", "LOW..HIGH")
    if ".." in value:
        return _parse_range(row, value)
    return _parse_choice(row, value, text)


def _parse_range(row: Hyperparameter, value: str) -> Range:
    ends, *rest = value.split(":")
    low, _, high = ends.partition("..")
    scale, off = None, 0.0
    for part in rest:
        key, equals, share = (piece.strip() for piece in part.partition("="))
        if key == "off" and equals:
            try:
                off = float(share)
            except ValueError:
                raise SpaceError(f"'off' of '{row.name}' is a share such as off=0.25. Got {part!r}.") from None
        else:
            scale = part.strip()
    return make_range(row.name, low.strip() or None, high.strip() or None, scale, off)


def _parse_choice(row: Hyperparameter, value: str, text: str) -> Choice:
    options: list[Any] = [option.strip() for option in value.split(",")]
    if len(options) < 2:
        raise SpaceError(
            f"'--vary {text}' has neither a range nor several options. Write --vary {row.name}=LOW..HIGH, "
            f"--vary {row.name}=A,B, or for one value --set {text}."
        )
    if "" in options:
        raise SpaceError(f"'--vary {text}' has an empty option. Take a comma out, or write none for no hidden layer.")
    if row.per_layer:  # 0.8-0.5 is a list with one value for each layer; the minus of 1e-3 is none
        options = [re.split(r"(?<![eE])-", option) if re.search(r"\d-", option) else option for option in options]
    return make_choice(row.name, options)


def _split(text: str, option: str, form: str) -> tuple[Hyperparameter, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise SpaceError(f"'{option} {text}' is not of the form NAME={form}, such as {option} {_EXAMPLES[option]}.")
    return look_up(name.strip()), value.strip().strip("\"'")


_EXAMPLES = {"--set": "learning_rate=0.01", "--vary": "learning_rate=1e-4..1e-1"}
