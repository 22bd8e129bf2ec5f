"""What a person gives to `minimise`: checked before anything is compiled, and laid out a slot each."""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from caviar.errors import CostError
from caviar.search.hyperparameters import complete

# What a slot may choose; the others are a network's own.
HYPERPARAMETERS = (
    "optimiser", "learning_rate", "momentum", "beta_1", "beta_2", "epsilon", "weight_decay", "clip_norm",
    "decay", "decay_rate", "decay_base", "decay_steps", "warmup",
)  # fmt: skip
DTYPES = ("float64", "float32")
MOST_PATH_BYTES = 1 << 30


def is_list(value: Any) -> bool:
    """Whether a value lists one for each slot."""
    return isinstance(value, list | tuple) or (hasattr(value, "ndim") and value.ndim > 0)


def configurations(given: Mapping[str, Any], slots: int | None) -> list[dict[str, Any]]:
    """One complete configuration a slot.

    Raises:
        CostError: a hyperparameter of networks, or lists of unlike lengths.
    """
    for name in given:
        if name in ("l1", "l2"):
            raise CostError(f"'{name}' needs a number of examples to divide by. Write the penalty into the cost.")
        if name not in HYPERPARAMETERS and name in complete({}):
            raise CostError(f"'{name}' belongs to networks. A cost takes: {', '.join(HYPERPARAMETERS)}.")
    lengths = {name: len(value) for name, value in given.items() if is_list(value)}
    if slots is not None:
        lengths["starts"] = slots
    if len(set(lengths.values())) > 1 or 0 in lengths.values():
        told = ", ".join(f"'{name}' lists {length}" for name, length in lengths.items())
        raise CostError(
            f"Lists are read side by side, one place a slot, so all are as long as each other: {told}. "
            "Repeat values to pair them as you like; what holds for all slots needs no list."
        )
    count = next(iter(lengths.values()), 1)
    return [
        complete({name: value[slot] if name in lengths else value for name, value in given.items()})
        for slot in range(count)
    ]


def starts_of(start: Any, starts: Any, dtype: np.dtype) -> tuple[Any, int | None]:
    """The start as arrays, or all starts with an axis of slots, and how many those are."""
    if (start is None) == (starts is None):
        raise CostError("Give either 'start', one start, or 'starts', a list of starts.")
    if starts is None:
        return _start(start, dtype), None
    if not is_list(starts) or not len(starts):
        raise CostError(f"'starts' lists starts, each of them what 'start' would be. Got {starts!r}.")
    each = [_start(one, dtype) for one in starts]
    shapes = {(jax.tree.structure(one), tuple(leaf.shape for leaf in jax.tree.leaves(one))) for one in each}
    if len(shapes) > 1:
        raise CostError("All of 'starts' must have the same shape, so that they fit into one program.")
    return jax.tree.map(lambda *leaves: np.stack(leaves), *each), len(each)


def _start(start: Any, dtype: np.dtype) -> Any:
    found = numbers("start", start, dtype)
    if not sum(leaf.size for leaf in jax.tree.leaves(found)):
        raise CostError(f"The start must hold at least one number. Got {start!r}.")
    for leaf in jax.tree.leaves(found):
        if not np.issubdtype(leaf.dtype, np.floating):
            raise CostError(
                f"The start must hold real numbers, since steps are fractions. Got an array of {leaf.dtype}: "
                "write 0.0 for 0, or start.astype(float)."
            )
        if not np.isfinite(leaf).all():
            raise CostError(f"The start must be finite. Got {leaf.tolist() if leaf.size < 10 else 'NaN or infinity'}.")
    return found


def numbers(what: str, tree: Any, dtype: np.dtype) -> Any:
    """A pytree of arrays: real numbers in the type asked for, others as they are."""

    def array(leaf: Any) -> np.ndarray:
        found = np.asarray(leaf)
        if found.dtype.kind not in "fiub" or isinstance(leaf, str):
            raise CostError(f"'{what}' holds numbers and arrays of numbers. Got {type(leaf).__name__} {leaf!r:.60}.")
        plain_start = what == "start" and not hasattr(leaf, "dtype") and found.dtype.kind == "i"
        return found.astype(dtype) if found.dtype.kind == "f" or plain_start else found

    return jax.tree.map(array, tree, is_leaf=_is_plain_list)


def _is_plain_list(value: Any) -> bool:
    """A list (of lists) of plain numbers, which stands for an array."""
    if type(value) not in (list, tuple) or not value:
        return False
    return all(type(item) in (int, float) or _is_plain_list(item) for item in value) and _is_even(value)


def _is_even(value: Sequence[Any]) -> bool:
    """Whether rows are as long as each other."""
    lengths = {len(item) if isinstance(item, list | tuple) else -1 for item in value}
    return len(lengths) == 1


def check_size(begin: Any, steps: int, every: int) -> None:
    """Refuse a path that would not fit into memory."""
    size = sum(leaf.size * leaf.itemsize for leaf in jax.tree.leaves(begin)) * (steps // every + 2)
    if size > MOST_PATH_BYTES:
        more = every * math.ceil(size / MOST_PATH_BYTES)
        raise CostError(
            f"The path would take {size / 1e9:.1f} GB, more than the {MOST_PATH_BYTES / 1e9:.1f} GB that are allowed. "
            f"Keep fewer of its points: every={more}."
        )


def check_cost(cost: Any, start: Any, fed: tuple[Any, ...]) -> None:
    """Refuse what is no cost, before anything is compiled.

    Raises:
        CostError: it cannot be called so, gives no single real number, or leaves jax.numpy.
    """
    if not callable(cost):
        raise CostError(f"The cost must be a function of the parameters. Got {type(cost).__name__} {cost!r:.60}.")
    try:
        inspect.signature(cost).bind(start, *fed)
    except ValueError:  # some callables tell no signature
        pass
    except TypeError as error:
        way = "Give its second argument as data=." if not fed else "Leave data out, or let the cost take it."
        raise CostError(
            f"The cost cannot be called with {1 + len(fed)} argument{'s' * len(fed)}: {error}. {way}"
        ) from None
    try:
        found = jax.eval_shape(cost, start, *fed)
    except jax.errors.JAXTypeError as error:
        raise CostError(
            "The cost must be written with jax.numpy and without branches on its values, so that it can be "
            f"differentiated and compiled: use jnp.exp for np.exp or math.exp, jnp.where for if. "
            f"({str(error).splitlines()[0]})"
        ) from error
    if not hasattr(found, "shape"):
        raise CostError(f"The cost must return one number. It returned {found!r:.60}.")
    if found.shape != ():
        raise CostError(
            f"The cost must be one number. It is an array of shape {found.shape}: take its mean or its sum."
        )
    if not jnp.issubdtype(found.dtype, jnp.floating):
        raise CostError(f"The cost must be a real number. It is of type {found.dtype}.")
