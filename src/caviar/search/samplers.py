"""Samplers: which configuration the next trial gets."""

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice, product
from math import prod
from typing import Any, final

import numpy as np

from caviar.counts import count
from caviar.errors import SpaceError, StudyError
from caviar.search.coarse_to_fine import CoarseToFine
from caviar.search.hyperparameters import look_up
from caviar.search.ranges import Axis
from caviar.search.sampler import PURPOSE, Sampler, check_seed, own_state
from caviar.search.space import Space

_LARGEST_GRID = 100_000


@final
class RandomSampler(Sampler):
    """Every configuration at random (Bergstra and Bengio 2012); the first is the space's strong default.

    Draw i depends on (seed, i) alone, so it is the same whatever batches were asked for and whatever was told.

    Args:
        space: where to draw from.
        seed: the study's seed.
    """

    def __init__(self, space: Space, seed: int = 0) -> None:
        self._space, self._seed, self._asked = space.check(), check_seed(seed), 0

    def ask(self, n: int, structure: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The next n draws, each of the given structure."""
        first, self._asked = self._asked, self._asked + n
        return [self._draw(index, structure) for index in range(first, self._asked)]

    def tell(self, trial: int, epoch: int, value: float, status: str) -> None:
        """Nothing: random search learns nothing."""

    def state(self) -> dict[str, Any]:
        """The number of draws so far."""
        return {"sampler": "random", "seed": self._seed, "asked": self._asked}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue after as many draws.

        Raises:
            StudyError: the state is another sampler's.
        """
        self._asked = int(own_state(state, "random", self._seed)["asked"])

    def _draw(self, index: int, structure: Mapping[str, Any]) -> dict[str, Any]:
        if index == 0:
            return self._space.default_configuration(structure)
        return self._space.draw(np.random.default_rng([self._seed, PURPOSE, index]), structure)


@final
class GridSampler(Sampler):
    """Every combination of a few values of each axis, in an order shuffled by the seed.

    A choice gives all its options; a range gives evenly spaced points on its scale, and "off" besides where the space
    has a share for it. The order is shuffled because a budget may end first, and a part of a grid in its written
    order is one corner of the space. Combinations that differ only in what the optimiser ignores are asked once.

    Args:
        space: whose axes span the grid; a bucket of widths counts as its full widths.
        seed: of the order.
        points: of each range.

    Raises:
        SpaceError: the grid has more than 100 000 points, or `points` is below 1.
    """

    def __init__(self, space: Space, seed: int = 0, points: int = 3) -> None:
        if points < 1:
            raise SpaceError(f"A grid has at least 1 point on each range. Got points={points!r}.")
        self._space, self._seed, self._points = space.check(), check_seed(seed), points
        self._asked: dict[str, int] = {}
        self._walks: dict[str, Iterator[dict[str, Any]]] = {}
        sizes = [len(axis.points(points)) for axis in space.axes]
        if prod(sizes) > _LARGEST_GRID:
            counted = ", ".join(f"{axis.name} {size}" for axis, size in zip(space.axes, sizes, strict=True))
            raise SpaceError(
                f"A grid of this space has {count(prod(sizes))} points, more than {count(_LARGEST_GRID)} ({counted}). "
                "Vary fewer hyperparameters, ask for fewer points, or use random search."
            )

    def ask(self, n: int, structure: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The next points of this structure's grid; none when all have been asked."""
        key = json.dumps(dict(structure), sort_keys=True)
        if key not in self._walks:
            self._walks[key] = islice(self._walk(structure), self._asked.get(key, 0), None)
        found = list(islice(self._walks[key], n))
        self._asked[key] = self._asked.get(key, 0) + len(found)
        return found

    def tell(self, trial: int, epoch: int, value: float, status: str) -> None:
        """Nothing: a grid learns nothing."""

    def state(self) -> dict[str, Any]:
        """How far the grid of each structure has been asked."""
        return {"sampler": "grid", "seed": self._seed, "points": self._points, "asked": dict(self._asked)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue after the points already asked.

        Raises:
            StudyError: the state is another sampler's.
        """
        own = own_state(state, "grid", self._seed)
        if own["points"] != self._points:
            raise StudyError(f"This grid has {self._points} points on a range, the saved one {own['points']}.")
        self._asked, self._walks = dict(own["asked"]), {}

    def _walk(self, structure: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        axes = [axis for axis in self._space.axes if axis.name not in structure]
        start = self._space.default_configuration(structure)
        widths = self._space.options_within(structure["hidden"]) if "hidden" in structure else [start["hidden"]]
        values = list(product(widths, *(axis.points(self._points) for axis in axes)))
        for index in np.random.default_rng([self._seed, PURPOSE]).permutation(len(values)).tolist():
            point = dict(zip((axis.name for axis in axes), values[index][1:], strict=True))
            whole = {name: start[name] for name in structure} | {"hidden": values[index][0]}
            if not any(self._repeats(axis, {**start, **point, **whole}) for axis in axes):
                yield self._space.assemble(point, whole)

    def _repeats(self, axis: Axis, configuration: Mapping[str, Any]) -> bool:
        """Whether this axis is ignored here; of all the points that differ only in it, its first one is asked."""
        ignored = not look_up(axis.name).matters(configuration)
        return ignored and configuration[axis.name] != axis.points(self._points)[0]


SAMPLERS: dict[str, Callable[[Space, int], Sampler]] = {
    "random": RandomSampler,
    "grid": GridSampler,
    "coarse_to_fine": CoarseToFine,
}

__all__ = ["SAMPLERS", "CoarseToFine", "GridSampler", "RandomSampler", "Sampler"]
