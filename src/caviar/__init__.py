"""Caviar trains hundreds of variants of a neural network at once and measures what makes it better.

Every name below is loaded on first use, so that `import caviar` starts no device and answers at once.

>>> import caviar
>>> sorted(caviar.__all__)[:3]
['CaviarError', 'Space', 'Study']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caviar.data.read import read as read
    from caviar.data.splits import split as split
    from caviar.diagnosis.averages import exponentially_weighted_average as exponentially_weighted_average
    from caviar.errors import CaviarError as CaviarError
    from caviar.search.space import Space as Space
    from caviar.study.model import load as load
    from caviar.study.study import Study as Study
    from caviar.training.gradient_check import check_gradients as check_gradients
    from caviar.training.minimise import minimise as minimise
    from caviar.version import __version__ as __version__

_HOMES = {
    "CaviarError": "caviar.errors",
    "Space": "caviar.search.space",
    "Study": "caviar.study.study",
    "__version__": "caviar.version",
    "check_gradients": "caviar.training.gradient_check",
    "exponentially_weighted_average": "caviar.diagnosis.averages",
    "load": "caviar.study.model",
    "minimise": "caviar.training.minimise",
    "read": "caviar.data.read",
    "split": "caviar.data.splits",
}

__all__ = [
    "CaviarError",
    "Space",
    "Study",
    "__version__",
    "check_gradients",
    "exponentially_weighted_average",
    "load",
    "minimise",
    "read",
    "split",
]


def __getattr__(name: str) -> Any:
    """The exported name, from the room it lives in; kept, so that the second use costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'caviar' has no attribute {name!r}. It offers: {', '.join(__all__)}.")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
