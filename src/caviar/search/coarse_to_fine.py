"""Coarse to fine: after a coarse pass the region around the best points is sampled more densely, again and again."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np

from caviar.search.hyperparameters import TRACED, look_up
from caviar.search.ranges import Axis, Choice, Range, freeze
from caviar.search.sampler import PURPOSE, Sampler, check_seed, own_state
from caviar.search.space import Space

# Trials that have to end before the first zoom: fewer leave whole corners of the space untried.
COARSE = 16
# The region is spanned by this many of the best points ...
BEST = 6
# ... and reaches beyond them by this share of its width on each side, so that a best point at its edge can lead on.
BEYOND = 0.5
# One draw in so many comes from the whole space, so that a region chosen by chance can be left again.
WHOLE = 4


@final
class CoarseToFine(Sampler):
    """Random at first; then within the region that the best points span, which shrinks as points are added.

    Every new best point moves or narrows the region, each hyperparameter's on its own scale, so that a wrong scale (a
    linear learning rate) costs a few rounds instead of the search. What fixes shapes is not narrowed: it is drawn per
    cohort. Of a choice the options among the best points stay.

    Args:
        space: where to draw from.
        seed: the study's seed.
    """

    def __init__(self, space: Space, seed: int = 0) -> None:
        self._space, self._seed, self._asked = space.check(), check_seed(seed), 0
        self._axes = [axis for axis in space.axes if look_up(axis.name).kind is TRACED]
        self._points: dict[int, dict[str, Any]] = {}  # by trial: what was asked for, for each axis that matters
        self._values: dict[int, float] = {}  # of trials that have ended

    def ask(self, n: int, structure: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The next n draws, each of the given structure."""
        region = self._region()
        found = []
        for index in range(self._asked, self._asked + n):
            space = self._space if index % WHOLE == 0 else region
            generator = np.random.default_rng([self._seed, PURPOSE, index])
            first = index == 0
            configuration = space.default_configuration(structure) if first else space.draw(generator, structure)
            self._points[index] = self._point(configuration)
            found.append(configuration)
        self._asked += n
        return found

    def tell(self, trial: int, epoch: int, value: float, status: str) -> None:
        """Note what a trial that has ended came to; one that diverged is worse than any other."""
        if status != "running" and trial in self._points:
            self._values[trial] = value if math.isfinite(value) else math.inf

    def state(self) -> dict[str, Any]:
        """The points so far and their values."""
        values = {str(trial): value if value < math.inf else None for trial, value in self._values.items()}
        points = {str(trial): point for trial, point in self._points.items()}
        return {
            "sampler": "coarse_to_fine",
            "seed": self._seed,
            "asked": self._asked,
            "points": points,
            "values": values,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from these points.

        Raises:
            StudyError: the state is another sampler's.
        """
        own = own_state(state, "coarse_to_fine", self._seed)
        self._asked = int(own["asked"])
        self._points = {int(trial): dict(point) for trial, point in own["points"].items()}
        self._values = {int(trial): math.inf if v is None else float(v) for trial, v in own["values"].items()}

    def _point(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """The axes' own values: a default learning rate without the factor of its optimiser."""
        point = {
            axis.name: configuration[axis.name] for axis in self._axes if look_up(axis.name).matters(configuration)
        }
        if "learning_rate" in point:
            point["learning_rate"] /= self._space.rate_factor(configuration)
        return point

    def _region(self) -> Space:
        """The space around the best points; the whole space while too few trials have ended."""
        if len(self._values) < COARSE:
            return self._space
        ranked = sorted(self._values, key=lambda trial: (self._values[trial], trial))
        best = [self._points[trial] for trial in ranked[:BEST] if self._values[trial] < math.inf]
        region = self._space
        for axis in self._axes:
            values = [point[axis.name] for point in best if axis.name in point]
            if values:
                region = region.put(narrowed(axis, values))
        return region


def narrowed(axis: Axis, values: Sequence[Any], beyond: float = BEYOND) -> Axis:
    """The part of an axis that some good values span, and a little more.

    Args:
        values: at least one, as the axis gives them.
        beyond: how far the part reaches beyond them on each side, in widths of what they span.

    >>> narrowed(Range("momentum", 0.0, 0.8, "linear", off=0.0, start=0.0), [0.2, 0.4]).__str__()
    '0.1 to 0.5 (linear)'
    """
    if isinstance(axis, Choice):
        options = {freeze(value) for value in values}
        return replace(axis, options=tuple(option for option in axis.options if option in options) or axis.options)
    if not isinstance(axis, Range):
        return axis
    off = look_up(axis.name).off
    shares = [axis.share(value) for value in values if not (axis.off and value == off)]
    if len(shares) < 2:
        return axis  # one point spans nothing: how near it is to the best cannot be told
    low, high = min(shares), max(shares)
    room = beyond * (high - low)
    ends = axis.at(max(0.0, low - room)), axis.at(min(1.0, high + room))
    if not ends[0] < ends[1]:
        return axis
    # Where every good value is off or none is, that is kept as likely as it was: so few points are no proof.
    return replace(axis, low=ends[0], high=ends[1])
