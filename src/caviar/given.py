"""What a person gives as an argument, checked by its type: the value in its own type, or a sentence."""

import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

_SHOWN = 60
# Where counts end: far above all that anybody trains, far below what fits into 64 bits.
MOST = 10**9


def shown(value: Any) -> str:
    """A value as an error shows it: as Python writes it, but no longer than a line.

    >>> shown("x"), len(shown("x" * 5000))
    ("'x'", 60)
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def is_whole(value: Any) -> bool:
    """Whether it is one whole number, Python's or NumPy's, and no truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is one real number, Python's or NumPy's, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def whole(name: str, value: Any, error: type[Exception], least: int = 1, most: int = MOST) -> int:
    """A whole number.

    Args:
        name: of the argument.
        error: what is raised, a CaviarError.
        least, most: the ends of what is allowed.

    Raises:
        error: it is none, or lies outside.

    >>> whole("epochs", 3, ValueError)
    3
    """
    if is_whole(value) and least <= value <= most:
        return int(value)
    rule = f"of at least {least}" if most == MOST else f"from {least} to {most}"
    rule = f"of at most {most}" if most == MOST and is_whole(value) and value > most else rule
    raise error(f"'{name}' must be a whole number {rule}. Got {shown(value)}.")


def seed(value: Any, error: type[Exception]) -> int:
    """A seed: a whole number from 0 that fits into 63 bits.

    Raises:
        error: it is none.
    """
    if is_whole(value) and 0 <= value < 2**63:
        return int(value)
    raise error(f"'seed' must be a whole number from 0 that fits into 63 bits. Got {shown(value)}.")


def switch(name: str, value: Any, error: type[Exception]) -> bool:
    """True or False, Python's or NumPy's.

    Raises:
        error: it is neither.
    """
    if isinstance(value, bool) or (str(getattr(value, "dtype", "")) == "bool" and value.ndim == 0):
        return bool(value)
    raise error(f"'{name}' must be True or False. Got {shown(value)}.")


def text(name: str, value: Any, error: type[Exception]) -> str:
    """Words.

    Raises:
        error: they are none.
    """
    if isinstance(value, str):
        return value
    raise error(f"'{name}' must be text. Got {shown(value)}.")


def values_by_name(name: str, value: Any, error: type[Exception]) -> dict[str, Any]:
    """Values by name, such as a configuration.

    Raises:
        error: it is no mapping from names.
    """
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise error(f"'{name}' gives values by name, as in {{'learning_rate': 0.01}}. Got {shown(value)}.")


def path(what: str, value: Any, error: type[Exception]) -> Path:
    """A path that the system can look up, whether something lies there or not.

    Args:
        what: lies there or is to lie there, such as "The folder of a study".

    Raises:
        error: it is no path, or one that no system takes.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str) or value == "":
        raise error(f"{what} is named by a path, such as 'runs/adult'. Got {shown(value)}.")
    found = Path(value)
    try:
        found.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as refusal:
        why = getattr(refusal, "strerror", None) or str(refusal)
        raise error(f"{what} cannot be at {shown(str(value))}: {why}. Choose another place.") from None
    return found
