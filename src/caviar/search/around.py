"""Starting from what is known: the space around the best of an earlier search, and a sampler that begins with them."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, final

from caviar.errors import SpaceError, StudyError
from caviar.search.coarse_to_fine import narrowed
from caviar.search.hyperparameters import HYPERPARAMETERS, STRUCTURAL, complete, look_up
from caviar.search.ranges import Choice, Range, freeze, thaw
from caviar.search.sampler import Sampler
from caviar.search.space import Space

# How far the space reaches beyond what the best points span, in widths of it on each side: new data may move the best.
BEYOND = 1.0


def around(space: Space, best: Sequence[Mapping[str, Any]]) -> Space:
    """The space around the best configurations of an earlier one; its trial 0 is the best of them.

    What varied goes on varying, over the part of its range that the best span and as much again on each side; of
    options those among the best stay. What fixes shapes becomes a choice of what the best have.

    Args:
        space: in which the earlier search was done.
        best: complete configurations, the best first; at least one.

    Raises:
        SpaceError: none is given.

    >>> old = Space().vary("learning_rate", 1e-4, 1.0).choose("activation", "relu", "tanh")
    >>> print(around(old, [{"learning_rate": 0.01}, {"learning_rate": 0.1}]))
    learning_rate: 0.001 to 1 (log)
    activation: relu
    """
    if not best:
        raise SpaceError("A space around the best needs at least one configuration. Got none: search first.")
    known = [complete(configuration) for configuration in best]
    for axis in space.axes:
        values = [one[axis.name] for one in known if look_up(axis.name).matters(one)] or [known[0][axis.name]]
        options = tuple(dict.fromkeys(freeze(value) for value in values))
        if isinstance(axis, Range) and look_up(axis.name).kind is not STRUCTURAL:
            factor = [space.rate_factor(one) if axis.name == "learning_rate" else 1.0 for one in known]
            own = [value / by for value, by in zip(values, factor, strict=False)]
            part = narrowed(axis, own, BEYOND)
            space = space.put(replace(part, start=own[0]))
        elif len(options) == 1:
            space = space.fix(**{axis.name: thaw(options[0])})
        else:
            space = space.put(Choice(axis.name, options, axis.by_default))
    return space


@final
class StartingWith(Sampler):
    """Asks for known configurations first, then goes on as another sampler does.

    Args:
        known: complete configurations, each asked for once, in the first cohort whose structure it fits.
        sampler: what comes after them.
        asked: how many configurations the other sampler was asked for before.
    """

    def __init__(self, known: Sequence[Mapping[str, Any]], sampler: Sampler, asked: int = 0) -> None:
        self._known, self.sampler, self._drawn = [complete(one) for one in known], sampler, asked
        self._used: list[int] = []
        self._skipped = 0  # draws of the other sampler that were known ones
        self._places: list[int | None] = []  # by trial: its place in the order of asking the other sampler

    def ask(self, n: int, structure: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The known ones that fit the structure and were not asked for, then the other sampler's."""
        fitting = [at for at, one in enumerate(self._known) if at not in self._used and _fits(one, structure)][:n]
        self._used += fitting
        self._places += [None] * len(fitting)
        found = [deepcopy(self._known[at]) for at in fitting]
        while len(found) < n:
            more = self.sampler.ask(n - len(found), structure)
            if not more:
                break
            for configuration in more:
                if not self._skip(configuration):
                    found.append(configuration)
                    self._places.append(self._drawn)
                self._drawn += 1
        return found

    def _skip(self, configuration: Mapping[str, Any]) -> bool:
        """Whether a draw need not be tried: the same seed in the same space draws the same again."""
        # At most so often: where hardly anything varies there is nothing but what is known.
        known = self._skipped <= len(self._known) and configuration in self._known
        self._skipped += known
        return known

    def tell(self, trial: int, epoch: int, value: float, status: str) -> None:
        """Tell the other sampler of its own trials."""
        place = self._places[trial] if 0 <= trial < len(self._places) else None
        if place is not None:
            self.sampler.tell(place, epoch, value, status)

    def state(self) -> dict[str, Any]:
        """What was asked for so far, and the other sampler's state."""
        return {
            "sampler": "starting_with",
            "asked": len(self._places),
            "used": list(self._used),
            "skipped": self._skipped,
            "drawn": self._drawn,
            "places": list(self._places),
            "after": self.sampler.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where a sampler with the same known configurations gave its state.

        Raises:
            StudyError: the state is another sampler's.
        """
        if state.get("sampler") != "starting_with":
            raise StudyError(f"The saved state is of sampler {state.get('sampler')!r}, this one is 'starting_with'.")
        self._used, self._places, self._drawn = list(state["used"]), list(state["places"]), int(state["drawn"])
        self._skipped = int(state["skipped"])
        self.sampler.restore(state["after"])


def _fits(configuration: Mapping[str, Any], structure: Mapping[str, Any]) -> bool:
    """Whether a configuration can be trained in a cohort of this structure."""
    own, bucket = configuration["hidden"], structure.get("hidden", configuration["hidden"])
    within = len(own) == len(bucket) and all(width <= most for width, most in zip(own, bucket, strict=True))
    others = [name for name, row in HYPERPARAMETERS.items() if row.kind is STRUCTURAL and name != "hidden"]
    return within and all(configuration[name] == structure.get(name, configuration[name]) for name in others)
