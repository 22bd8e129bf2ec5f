"""Plain values (what JSON knows) to text and back: strict JSON, the same text for equal values, infinities included.

JSON has no infinity and no NaN, and Python's own spelling of them is refused by other readers and by PostgreSQL.
They are written as `{"$number": "Infinity"}`; a person's own key that begins with `$` gets a second one, so nothing is
mistaken for them. This module is the only place that knows.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_NUMBERS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def encode(value: Any) -> str:
    """The value as strict JSON in ASCII, keys sorted, without blanks.

    Tuples and NumPy arrays become lists, NumPy's scalars Python's numbers.

    Args:
        value: None, text, booleans, numbers, and lists and mappings (keys are text) of these.

    Returns:
        One line of JSON; equal values give equal text.

    Raises:
        TypeError: something else is in it.

    >>> encode({"clip_norm": math.inf, "hidden": (64, 32)})
    '{"clip_norm":{"$number":"Infinity"},"hidden":[64,32]}'
    """
    return json.dumps(_to_json(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def decode(text: str | bytes) -> Any:
    """The value that `encode` wrote.

    Raises:
        ValueError: the text is not strict JSON, or is nested beyond reason.

    >>> decode('{"clip_norm":{"$number":"Infinity"}}')
    {'clip_norm': inf}
    """
    try:
        return json.loads(text, object_hook=_from_object, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def _to_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$number": _name(value)}
    if isinstance(value, Mapping):
        return {_key(key): _to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_json(item) for item in value]
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufU":
        return _to_json(value.tolist())
    raise TypeError(
        f"Only text, numbers, booleans, lists and mappings can be stored. Got {type(value).__name__}: {value!r:.80}."
    )


def _name(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"The keys of a stored mapping must be text. Got {key!r:.80}.")
    return "$" + key if key.startswith("$") else key


def _from_object(found: dict[str, Any]) -> Any:
    if len(found) == 1 and "$number" in found:
        name = found["$number"]
        if not isinstance(name, str) or name not in _NUMBERS:
            raise ValueError(f"{name!r:.80} is not a number")
        return _NUMBERS[name]
    if any(key.startswith("$") for key in found):
        return {key[1:] if key.startswith("$$") else key: item for key, item in found.items()}
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
