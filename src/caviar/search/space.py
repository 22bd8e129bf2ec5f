"""The space: what varies from trial to trial, over which range and scale, and what every trial has in common."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from caviar.errors import SpaceError
from caviar.given import seed as checked_seed
from caviar.given import shown, values_by_name
from caviar.given import whole as checked_whole
from caviar.search.declare import axis_from_dict, check_together, make_choice, make_range, make_widths
from caviar.search.defaults import SearchedData, default_axes
from caviar.search.hyperparameters import HYPERPARAMETERS, STRUCTURAL, complete, look_up, names
from caviar.search.parsing import parse_set, parse_vary
from caviar.search.ranges import Axis, Choice, Widths, freeze, thaw, write
from caviar.search.structures import different, offered, shared_buckets

# Adam moves a weight by about α whatever the gradient's size; plain gradients are smaller, so α must be larger.
_RATE_FACTOR = {"gradient_descent": 20.0, "momentum": 20.0, "nesterov": 20.0}


@dataclass(frozen=True)
class Space:
    """What varies (axes) and what is fixed; everything else stands at its default. Every method gives a new space.

    >>> space = Space().fix(hidden=[64, 32]).vary("learning_rate", 1e-4, 1e-1, scale="log")
    >>> space.choose("activation", "relu", "tanh").varied
    ('learning_rate', 'activation')
    >>> space.default_configuration()["hidden"]
    [64, 32]

    Args:
        fixed: (name, value) pairs, lists as tuples, in the order of the hyperparameter table.
        axes: what varies, in the order of the table.
    """

    fixed: tuple[tuple[str, Any], ...] = ()
    axes: tuple[Axis, ...] = ()

    def __post_init__(self) -> None:
        pairs = isinstance(self.fixed, tuple) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in self.fixed)
        if not pairs or not isinstance(self.axes, tuple) or not all(isinstance(axis, Axis) for axis in self.axes):
            raise SpaceError(
                f"A space begins empty, as in Space().fix(hidden=[64]).vary('l2'). Got {shown(self.fixed)}, "
                f"{shown(self.axes)}."
            )

    @staticmethod
    def default(dataset: SearchedData) -> "Space":
        """A lean space for this data (see `caviar.search.defaults`); trial 0 is a strong default network.

        Args:
            dataset: anything with `rows` and a `schema` as `caviar.data.Dataset` has them.

        Raises:
            SpaceError: it is no such thing.
        """
        if not hasattr(dataset, "rows") or not hasattr(dataset, "schema"):
            raise SpaceError(f"Space.default is made for a data set. Got {shown(dataset)}. Give it caviar.read(...).")
        return Space(axes=default_axes(dataset))

    def fix(self, **values: Any) -> "Space":
        """The space with these values the same in every trial.

        Raises:
            SpaceError: a name is unknown or a value not allowed.
        """
        fixed = dict(self.fixed) | {name: freeze(look_up(name).check(value)) for name, value in values.items()}
        return Space(_in_order(fixed), tuple(axis for axis in self.axes if axis.name not in values))

    def vary(
        self,
        name: str,
        low: float | None = None,
        high: float | None = None,
        scale: str | None = None,
        off: float = 0.0,
        start: Any = None,
    ) -> "Space":
        """The space with a number that varies between two ends, both included.

        Args:
            name: the hyperparameter.
            low, high: the ends; by default those of its row.
            scale: "linear", "log", "one_minus_log", "integer", "integer_log"; by default its row's.
            off: share of the trials in which it does nothing (no dropout, no penalty).
            start: its value in trial 0; by default off, or its row's default brought into the range.

        Raises:
            SpaceError: the name is unknown or the range not allowed.
        """
        return self.put(make_range(name, low, high, scale, off, start))

    def choose(self, name: str, *options: Any) -> "Space":
        """The space with one of several options, each as likely as the others; trial 0 takes the first.

        Raises:
            SpaceError: the name is unknown, an option not allowed, or fewer than two differ.
        """
        return self.put(make_choice(name, options))

    def widths(self, *buckets: Sequence[int], smallest: float = 0.75) -> "Space":
        """The space with hidden layers whose widths vary from `smallest` times a bucket up to the bucket.

        Raises:
            SpaceError: a width or the share is not allowed.
        """
        return self.put(make_widths(buckets, smallest))

    def put(self, axis: Axis) -> "Space":
        """The space with this axis in the place of what it had under that name.

        Raises:
            SpaceError: it is no axis.
        """
        if not isinstance(axis, Axis):
            raise SpaceError(f"An axis is what Space.axis gives. Got {shown(axis)}. Write Space.vary or Space.choose.")
        axes = {other.name: other for other in self.axes} | {axis.name: axis}
        fixed = {name: value for name, value in self.fixed if name != axis.name}
        return Space(_in_order(fixed), tuple(value for _, value in _in_order(axes)))

    def with_options(self, fixed: Iterable[str] = (), varied: Iterable[str] = ()) -> "Space":
        """The space with the command line's `--set` and `--vary` applied.

        Raises:
            SpaceError: an option cannot be read, or one name is given twice.
        """
        for option, texts in (("--set", fixed), ("--vary", varied)):
            if isinstance(texts, str) or not isinstance(texts, Iterable) or not all(isinstance(t, str) for t in texts):
                raise SpaceError(f"'{option}' is read from a list of texts, such as ['l2=0.1']. Got {shown(texts)}.")
        values, axes = [parse_set(text) for text in fixed], [parse_vary(text) for text in varied]
        given = [name for name, _ in values] + [axis.name for axis in axes]
        for name in given:
            if given.count(name) > 1:
                raise SpaceError(f"'{name}' is given {given.count(name)} times. Set it once, or vary it once.")
        space = self.fix(**dict(values))
        for axis in axes:
            space = space.put(axis)
        return space.check()

    @property
    def varied(self) -> tuple[str, ...]:
        """The names of what varies, in the order of the table."""
        return tuple(axis.name for axis in self.axes)

    def axis(self, name: str) -> Axis | None:
        """How a hyperparameter varies; None where it does not."""
        return next((axis for axis in self.axes if axis.name == name), None)

    def check(self) -> "Space":
        """The space itself, if its parts fit each other.

        Raises:
            SpaceError: something varies that no trial would use, lists fit no depth, or batches are too small for
                batch norm.
        """
        check_together(self.axes, self._all)
        return self

    def structures(self, seed: int, count: int = 4) -> list[dict[str, Any]]:
        """Different combinations of the structural values, trial 0's own first; each is one program to compile.

        They differ as much as can be: four structures show three depths, two batch sizes and two encodings. The first
        n of more are the same n.

        Args:
            seed: the study's seed.
            count: at most so many; fewer where the space has fewer.

        Raises:
            SpaceError: the space does not fit together.
        """
        self.check()
        seed, count = checked_seed(seed, SpaceError), checked_whole("count", count, SpaceError)
        generator = np.random.default_rng([seed, 0x57A7E])
        options = [self._structural_options(name, generator) for name in names(STRUCTURAL)]
        chosen = different(options, count, generator)
        return [dict(zip(names(STRUCTURAL), map(thaw, combination), strict=True)) for combination in chosen]

    def draw(self, generator: np.random.Generator, structure: Mapping[str, Any]) -> dict[str, Any]:
        """One configuration of a structure: every axis at random, what the drawn optimiser ignores at its default.

        Two numbers are drawn for every row of the table, varied or not, so that a space with one axis more gives
        the others the same values.

        Args:
            generator: NumPy's; the draws are its only use.
            structure: one of `structures`: "hidden" (bucket), "batch_size", "encoding".

        Returns:
            A complete configuration.
        """
        if not isinstance(generator, np.random.Generator):
            raise SpaceError(
                f"A draw takes NumPy's generator, numpy.random.default_rng(0), say. Got {shown(generator)}."
            )
        shares = dict(zip(HYPERPARAMETERS, generator.random((len(HYPERPARAMETERS), 2)), strict=True))
        values = {
            axis.name: axis.draw(*map(float, shares[axis.name])) for axis in self.axes if not isinstance(axis, Widths)
        }
        structure = self._structure(structure)
        hidden = self.axis("hidden")
        if isinstance(hidden, Widths):
            bucket = structure["hidden"]
            structure["hidden"] = hidden.within(bucket, generator.random(len(bucket)).tolist())
        elif isinstance(hidden, Choice):
            options = self.options_within(structure["hidden"])
            structure["hidden"] = options[int(shares["hidden"][1] * len(options))]
        return self.assemble(values, structure)

    def options_within(self, bucket: Sequence[int]) -> list[list[int]]:
        """The chosen lists of widths that share a bucket's program; the bucket itself where it is none of them."""
        hidden, bucket = self.axis("hidden"), look_up("hidden").check(bucket)
        if isinstance(hidden, Choice):
            for shared, options in shared_buckets(hidden.options).items():
                if shared == tuple(bucket):
                    return [list(option) for option in options]
        return [list(bucket)]

    def default_configuration(self, structure: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Trial 0: a strong default, in a given structure or its own."""
        return self.assemble(
            {axis.name: axis.start for axis in self.axes}, self._first({} if structure is None else structure)
        )

    def assemble(self, values: Mapping[str, Any], structure: Mapping[str, Any]) -> dict[str, Any]:
        """A complete configuration of this space from values for its axes.

        Args:
            values: for each varied name its value; a default learning rate is for Adam and is scaled here.
            structure: the structural values as the trial has them.
        """
        values = values_by_name("values", values, SpaceError)
        structure = values_by_name("structure", structure, SpaceError)
        whole = {**{name: thaw(value) for name, value in self.fixed}, **values, **structure}
        for axis in self.axes:
            if axis.name not in structure and not look_up(axis.name).matters(whole):
                whole.pop(axis.name, None)
        if "learning_rate" in values:
            whole["learning_rate"] *= self.rate_factor(whole)
        return complete(whole)

    def contains(self, configuration: Mapping[str, Any]) -> bool:
        """Whether some draw of this space can give the configuration."""
        whole = complete(configuration)
        common = complete({"optimiser": whole["optimiser"]}) | {"optimiser": HYPERPARAMETERS["optimiser"].default}
        common |= dict(self.fixed)
        for name, value in whole.items():
            axis = self.axis(name)
            if axis is None or not look_up(name).matters(whole):
                if axis is None and freeze(value) != freeze(common[name]):
                    return False
            elif not axis.contains(value / self.rate_factor(whole) if name == "learning_rate" else value):
                return False
        return True

    def to_dict(self) -> dict[str, Any]:
        """The space as plain JSON; `from_dict` gives it back exactly."""
        fixed = {name: "inf" if value == inf else thaw(value) for name, value in self.fixed}
        return {"fixed": fixed, "axes": [axis.to_dict() for axis in self.axes]}

    @staticmethod
    def from_dict(plain: Mapping[str, Any]) -> "Space":
        """The space that `to_dict` described, checked anew.

        Raises:
            SpaceError: it is not a description of a space.
        """
        if not isinstance(plain, Mapping) or not {"fixed", "axes"} <= set(plain):
            raise SpaceError(f"A saved space has 'fixed' and 'axes'. Got {shown(plain)}. Write it with Space.to_dict.")
        if not isinstance(plain["axes"], list | tuple):
            raise SpaceError(f"The 'axes' of a saved space are a list. Got {shown(plain['axes'])}.")
        space = Space().fix(**values_by_name("fixed", plain["fixed"], SpaceError))
        for axis in plain["axes"]:
            space = space.put(axis_from_dict(axis))
        return space

    def __str__(self) -> str:
        lines = [f"{axis.name}: {axis}" for axis in self.axes]
        return (
            "\n".join([*lines, *(f"{name}: {write(value)}" for name, value in self.fixed)])
            or "everything at its default"
        )

    def rate_factor(self, configuration: Mapping[str, Any]) -> float:
        """What a learning rate that nobody gave a range for is multiplied by, beside the drawn optimiser."""
        axis = self.axis("learning_rate")
        follows = axis is not None and axis.by_default
        return _RATE_FACTOR.get(configuration.get("optimiser", "adam"), 1.0) if follows else 1.0

    def _all(self, name: str) -> list[Any]:
        """Every value that a hyperparameter with options can take in this space."""
        axis = self.axis(name)
        if axis is not None:
            return axis.points(2)
        return [thaw(dict(self.fixed).get(name, HYPERPARAMETERS[name].default))]

    def _structure(self, structure: Mapping[str, Any]) -> dict[str, Any]:
        """The structural values, checked; those not given are trial 0's."""
        structure = values_by_name("structure", structure, SpaceError)
        given = {name: structure.get(name, self._start(name)) for name in names(STRUCTURAL)}
        return {name: look_up(name).check(thaw(value)) for name, value in given.items()}

    def _first(self, structure: Mapping[str, Any]) -> dict[str, Any]:
        """Trial 0's own structural values: of the options that share a bucket, the first."""
        whole = self._structure(structure)
        if isinstance(self.axis("hidden"), Choice):
            whole["hidden"] = self.options_within(whole["hidden"])[0]
        return whole

    def _start(self, name: str) -> Any:
        axis = self.axis(name)
        return self._all(name)[0] if axis is None else axis.start

    def _structural_options(self, name: str, generator: np.random.Generator) -> list[Any]:
        """The values to combine, trial 0's first, lists as tuples."""
        return offered(self.axis(name), generator) or [freeze(value) for value in self._all(name)]


def _in_order(values: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """The pairs in the order of the table, so that equal spaces are equal however they were written."""
    return tuple((name, values[name]) for name in HYPERPARAMETERS if name in values)
