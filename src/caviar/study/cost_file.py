"""A person's file of Python that says which cost to check: `FILE.py:NAME` on the command line."""

import difflib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from caviar.errors import GradientError

CONTRACT = (
    "NAME is a function of no arguments that returns (cost, parameters) or (cost, parameters, gradient), "
    "or a cost whose first argument has its start as default"
)

# A sentence names so many of the file's functions.
_MOST_NAMED = 12


@dataclass(frozen=True)
class CostToCheck:
    """What `caviar.check_gradients` takes.

    Args:
        cost, parameters, gradient: see there.
    """

    cost: Callable[..., Any]
    parameters: Any
    gradient: Any = None


def cost_of(place: str) -> CostToCheck:
    """The cost that `FILE.py:NAME` names. The file is run, as `python FILE.py` would run it.

    Where NAME takes no arguments, it is called and returns (cost, parameters) or (cost, parameters, gradient). Where
    all its arguments have defaults, it is the cost itself, the first default is its start, and a function
    NAME_gradient beside it is its gradient.

    Raises:
        GradientError: there is no such file or function, the file fails, or what it gives is no cost with parameters.
    """
    path, _, name = place.rpartition(":")
    if name.endswith(".py") or not path:
        path, name = place, ""
    file = Path(path)
    if not file.is_file():
        raise GradientError(f"There is no file '{path}' to check. Write FILE.py:NAME, where {CONTRACT}.")
    module = _run(file)
    function = _look_up(module, name, file)
    needed = inspect.signature(function).parameters.values()
    if not needed:
        return _made(function, place, file)
    if any(one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in needed):
        raise GradientError(f"'{place}' needs arguments that nobody gives it. Here {CONTRACT}.")
    return CostToCheck(function, next(iter(needed)).default, getattr(module, f"{name}_gradient", None))


def _run(file: Path) -> ModuleType:
    """The file as a module; what lies beside it can be imported."""
    specification = importlib.util.spec_from_file_location(f"checked_{file.stem}", file)
    if specification is None or specification.loader is None:
        raise GradientError(f"'{file}' is no file of Python. Give FILE.py:NAME.")
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module  # dataclasses and pickles of the file look for it
    sys.path.insert(0, str(file.resolve().parent))
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _failed(file, error) from error
    finally:
        sys.path.remove(str(file.resolve().parent))
    return module


def _failed(file: Path, error: BaseException) -> GradientError:
    """A sentence that names the line of the file where it failed."""
    own = [
        frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).resolve() == file.resolve()
    ]
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else own[-1].lineno if own else None
    where = f"'{file}', line {line}," if line else f"'{file}'"
    said = str(error).strip().splitlines() or [""]
    return GradientError(f"{where} fails with {type(error).__name__}: {said[0].rstrip('.')}. Run it alone to see more.")


def _look_up(module: ModuleType, name: str, file: Path) -> Callable[..., Any]:
    own = [
        key
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not key.startswith("_")
    ]
    named = ", ".join(own[:_MOST_NAMED]) + (" …" if len(own) > _MOST_NAMED else "")
    told = f"It has {named}" if own else "It has no functions"
    if not name:
        raise GradientError(f"Which function of '{file}' is it? {told}. Write {file}:{own[0] if own else 'NAME'}.")
    found = getattr(module, name, None)
    if found is None:
        near = difflib.get_close_matches(name, own, 1)
        raise GradientError(f"'{file}' has no '{name}'. " + (f"Did you mean {near[0]}?" if near else f"{told}."))
    if not callable(found):
        raise GradientError(f"'{name}' of '{file}' is no function. {told}.")
    return found


def _made(function: Callable[..., Any], place: str, file: Path) -> CostToCheck:
    try:
        found = function()
    except (Exception, SystemExit) as error:
        raise _failed(file, error) from error
    if not isinstance(found, tuple) or len(found) not in (2, 3) or not callable(found[0]):
        got = f"a tuple of {len(found)}" if isinstance(found, tuple) else f"a {type(found).__name__}"
        raise GradientError(f"'{place}' returned {got}. Here {CONTRACT}.")
    return CostToCheck(*found)
