"""A person's cost of NumPy, JAX or PyTorch arrays as a function of one float64 vector."""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from caviar.errors import GradientError

_EPSILONS = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24}


@dataclass(frozen=True)
class Place:
    """Where one parameter lies in the vector.

    Args:
        name: its path in the tree.
        kind: "numpy", "jax", "torch" or "number".
        shape: of the array.
        begin, end: its entries in the vector.
        device: of a tensor.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int
    device: Any = None


class FlatCost:
    """The cost at any vector, and its gradient. To be used inside `jax.enable_x64(True)`.

    Args:
        cost: of the tree of parameters; gives one number.
        parameters: the tree: an array, or dicts, lists, tuples and named tuples of arrays.

    Raises:
        GradientError: the parameters are no real numbers, or the cost fails, is not one finite number, or is random.
    """

    def __init__(self, cost: Callable[..., Any], parameters: Any) -> None:
        if not callable(cost):
            raise GradientError(f"The cost must be a function of the parameters. Got {_type(cost)}.")
        self._cost = cost
        self.names, leaves, self._structure = _flatten(parameters)
        self.places: list[Place] = []
        parts: list[np.ndarray] = []
        for name, leaf in zip(self.names, leaves, strict=True):
            kind, array = _array(name, leaf)
            begin = self.places[-1].end if self.places else 0
            self.places.append(Place(name, kind, array.shape, begin, begin + array.size, getattr(leaf, "device", None)))
            parts.append(array.astype(np.float64).ravel())
        self.start = np.concatenate([np.zeros(0), *parts])
        self._check_start()
        self.evaluations = 0
        self.rounding = 2.0**-53  # relative, of the type that the cost returns
        self._quick: Callable[..., Any] | None = None
        self.value = self._first()
        self._compile()

    def _check_start(self) -> None:
        if not len(self.start):
            raise GradientError("The parameters have no entries, so there is no gradient to check. Give arrays.")
        for place in self.places:
            if not np.isfinite(self.start[place.begin : place.end]).all():
                raise GradientError(
                    f"The parameter '{place.name}' holds NaN or infinity. Check the gradient at finite parameters."
                )

    @property
    def torch(self) -> bool:
        """Whether every parameter is a tensor of PyTorch."""
        return all(place.kind == "torch" for place in self.places)

    # ---- values ----------------------------------------------------------------------------------------------------

    def __call__(self, vector: np.ndarray) -> float:
        """The cost there; NaN where it cannot be computed."""
        self.evaluations += 1
        try:
            if self._quick is not None:
                return float(self._quick(self._leaves(vector)))
            return self._number(self._cost(self._tree(vector)))
        except (ArithmeticError, ValueError):
            return float("nan")

    def _first(self) -> float:
        """The cost at the start, once it is one finite number and the same three times."""
        values = []
        for _ in range(3):
            self.evaluations += 1
            try:
                values.append(self._number(self._cost(self._tree(self.start))))
            except GradientError:
                raise
            except (Exception, SystemExit) as error:
                raise GradientError(
                    f"The cost fails on these parameters in float64 ({_said(error)}). {_way_out(error)}"
                ) from error
        if not np.isfinite(values[0]):
            raise GradientError(
                f"The cost is {values[0]} at these parameters, so it has no differences. "
                "Start where the cost is finite, or look for a logarithm of 0 or an overflow."
            )
        if max(values) - min(values) > 1e-9 * max(1.0, abs(values[0])):
            other = max(values, key=lambda value: abs(value - values[0]))
            raise GradientError(
                f"The cost is random: at the same parameters it gave {values[0]:.6g}, then {other:.6g}. "
                "Freeze its dropout mask, seed or mini-batch, then check again."
            )
        return values[0]

    def _number(self, value: Any) -> float:
        """One number, and a note of the precision that it was returned with."""
        if isinstance(value, tuple | list | dict) or value is None:
            raise GradientError(f"The cost must return one number. Got {_type(value)}. Return the cost alone.")
        name = str(getattr(value, "dtype", "float64")).removeprefix("torch.")
        tensor = hasattr(value, "detach") and not name.startswith("complex")
        array = value.detach().double().cpu().numpy() if tensor else np.asarray(value)
        if array.size != 1:
            raise GradientError(
                f"The cost must return one number. Got an array of shape {array.shape}. Return its mean or its sum."
            )
        if (array.dtype.kind not in "fiub" and name != "bfloat16") or name.startswith("complex"):
            raise GradientError(f"The cost must return one real number. Got {_type(value)}: {value!r:.60}.")
        self.rounding = max(self.rounding, _EPSILONS.get(name, 0.0))
        return float(array.reshape(()).astype(np.float64))

    def _compile(self) -> None:
        """Evaluate by a compiled program where JAX can trace the cost and the program gives the same."""
        if any(place.kind == "torch" for place in self.places):
            return
        program = jax.jit(lambda leaves: jax.numpy.reshape(self._cost(self._structure.unflatten(leaves)), ()))
        # Whatever a cost that is not made for JAX may say to a tracer: then it is evaluated as it stands.
        with suppress(Exception):
            value = float(program(self._leaves(self.start)))
            if abs(value - self.value) <= max(1e-9, 100 * self.rounding) * max(1.0, abs(self.value)):
                self._quick, self.value = program, value

    # ---- gradients -------------------------------------------------------------------------------------------------

    def gradient(self, given: Any) -> tuple[np.ndarray, bool]:
        """The analytic gradient at the start, and whether it came in less than double precision.

        Args:
            given: a function of the parameters, a tree like them, or None for automatic differentiation.

        Raises:
            GradientError: it fails, does not fit the parameters, or cannot be had automatically.
        """
        if given is None:
            return self._by_torch() if self.torch else self._by_jax()
        if callable(given):
            try:
                given = given(self._tree(self.start))
            except Exception as error:
                raise GradientError(f"The gradient fails on these parameters in float64 ({_said(error)}).") from error
        return self._fit(given)

    def _fit(self, given: Any) -> tuple[np.ndarray, bool]:
        names, leaves, _ = _flatten(given)
        found = dict(zip(names, leaves, strict=True))
        if set(names) != set(self.names):
            apart = sorted(set(names) ^ set(self.names))
            raise GradientError(
                f"The gradient must have the structure of the parameters ({', '.join(self.names[:5])}). "
                f"They differ in {', '.join(apart[:5])}."
            )
        parts, low = [], False
        for place in self.places:
            leaf = found[place.name]
            name = str(getattr(leaf, "dtype", "float64")).removeprefix("torch.")
            low = low or name in _EPSILONS
            array = leaf.detach().double().cpu().numpy() if hasattr(leaf, "detach") else np.asarray(leaf)
            if array.shape != place.shape:
                raise GradientError(
                    f"The gradient of '{place.name}' must have its shape {place.shape}. Got {array.shape}."
                )
            parts.append(array.astype(np.float64).ravel())
        return np.concatenate(parts), low

    def _by_jax(self) -> tuple[np.ndarray, bool]:
        if any(place.kind == "torch" for place in self.places):
            raise GradientError(
                "The parameters mix tensors of PyTorch with other arrays, which nothing differentiates together. "
                "Give gradient=, a function of the parameters."
            )

        def whole(leaves: list[Any]) -> Any:
            return jax.numpy.reshape(self._cost(self._structure.unflatten(leaves)), ())

        leaves = [jax.numpy.asarray(leaf) for leaf in self._leaves(self.start)]
        try:
            found = jax.grad(whole)(leaves)
        except Exception as error:
            raise GradientError(
                f"JAX cannot differentiate this cost ({_said(error)}). "
                "Write it with jax.numpy, or give gradient=, a function of the parameters or its value."
            ) from error
        return np.concatenate([np.asarray(leaf, np.float64).ravel() for leaf in found]), False

    def _by_torch(self) -> tuple[np.ndarray, bool]:
        torch = sys.modules["torch"]
        leaves = [leaf.requires_grad_(True) for leaf in self._leaves(self.start)]
        with torch.enable_grad():
            value = self._cost(self._structure.unflatten(leaves))
            if not getattr(value, "requires_grad", False):
                raise GradientError(
                    "PyTorch cannot differentiate this cost: its value does not depend on the parameters through "
                    "tensors. Leave out detach(), item() and float(), or give gradient=."
                )
            found = torch.autograd.grad(value.reshape(()), leaves, allow_unused=True)
        whole = [torch.zeros_like(p) if g is None else g for g, p in zip(found, leaves, strict=True)]
        return np.concatenate([leaf.detach().cpu().numpy().ravel() for leaf in whole]), False

    # ---- trees -----------------------------------------------------------------------------------------------------

    def _tree(self, vector: np.ndarray) -> Any:
        return self._structure.unflatten(self._leaves(vector))

    def _leaves(self, vector: np.ndarray) -> list[Any]:
        """The parameters in their own kinds, as float64 copies: a cost may change what it is given."""
        return [_as_kind(place, vector[place.begin : place.end].reshape(place.shape).copy()) for place in self.places]

    def where(self, entry: int) -> tuple[str, tuple[int, ...]]:
        """The path and index of an entry of the vector."""
        place = next(place for place in self.places if entry < place.end)
        return place.name, tuple(int(i) for i in np.unravel_index(entry - place.begin, place.shape))


def _as_kind(place: Place, array: np.ndarray) -> Any:
    if place.kind == "torch":
        return sys.modules["torch"].from_numpy(array).to(place.device)
    if place.kind == "jax":
        return jax.numpy.asarray(array)
    return float(array) if place.kind == "number" else array


def _flatten(tree: Any) -> tuple[list[str], list[Any], Any]:
    """Paths, leaves and structure of a tree."""
    try:
        pairs, structure = jax.tree_util.tree_flatten_with_path(tree)
    except (TypeError, ValueError) as error:
        raise GradientError(f"The parameters are no tree of arrays ({_said(error)}). Name them by text.") from error
    names = [".".join(map(_step, path)) or "parameters" for path, _ in pairs]
    return names, [leaf for _, leaf in pairs], structure


def _step(key: Any) -> str:
    for name in ("key", "idx", "name"):
        if hasattr(key, name):
            return str(getattr(key, name))
    return str(key)


def _array(name: str, leaf: Any) -> tuple[str, np.ndarray]:
    """The kind of a leaf and its numbers."""
    if type(leaf).__module__.partition(".")[0] == "torch" or hasattr(leaf, "detach"):
        kind, array = "torch", leaf.detach().cpu()
        dtype = str(leaf.dtype).removeprefix("torch.")
        array = array.double().numpy() if leaf.is_floating_point() else np.zeros(0, np.int64)
        if not leaf.is_floating_point():
            raise _no_number(name, dtype)
        return kind, array
    if isinstance(leaf, float):
        return "number", np.asarray(float(leaf))
    if not isinstance(leaf, np.ndarray | np.generic | jax.Array):
        raise _no_number(name, _type(leaf))
    real = jax.numpy.issubdtype(leaf.dtype, jax.numpy.floating)
    if not real:
        raise _no_number(name, str(leaf.dtype))
    return "jax" if isinstance(leaf, jax.Array) else "numpy", np.asarray(leaf).astype(np.float64)


def _no_number(name: str, got: str) -> GradientError:
    return GradientError(
        f"The parameter '{name}' must hold real numbers of floating point, which a gradient is taken by. Got {got}. "
        "Convert it, or leave it out of the parameters."
    )


def _type(value: Any) -> str:
    return f"a {type(value).__name__}" if value is not None else "nothing"


def _said(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160].rstrip('.')}" if lines else type(error).__name__


def _way_out(error: BaseException) -> str:
    if any(word in str(error).lower() for word in ("dtype", "double", "float32", "float64")):
        return "The check works in float64: let the data beside the parameters be float64 too."
    return "Call it with these parameters to see where."
