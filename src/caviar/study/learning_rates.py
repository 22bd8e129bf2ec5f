"""Which learning rates a network learns at: what is asked for, and what many short trainings said."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.errors import StudyError

# Each round trains so many times longer, and so small a share of its rates goes on: every round costs about the same.
GROWTH = 3
FEWEST_RATES = 5


@dataclass(frozen=True, eq=False)
class Trainings:
    """What a search for learning rates trains.

    Args:
        rates: float64 [R], ascending; those of the first round.
        seeds: trainings of each rate; each seed has its first weights and its order of the rows.
        steps: updates of each training of the first round.
        rounds: how many; in each the best third goes on, three times as long.
        epochs: of the training to come, of which each is a miniature; no round is longer than it.
        seed: of everything random.
    """

    rates: np.ndarray
    seeds: int
    steps: int
    rounds: int
    epochs: int
    seed: int

    def lengths(self, updates: int) -> list[int]:
        """Steps of each round, the last no longer than the training to come.

        Args:
            updates: of one epoch of the training to come.

        >>> Trainings(np.geomspace(1e-6, 10.0, 64), 4, 100, 3, 20, 0).lengths(25)
        [100, 300, 500]
        """
        longest = self.epochs * updates
        wanted = [min(self.steps * GROWTH**number, longest) for number in range(self.rounds)]
        return list(dict.fromkeys(wanted))


@dataclass(frozen=True, eq=False)
class Round:
    """What the trainings of one length ended at.

    Args:
        rates: float64 [R], ascending.
        costs: float64 [R, seeds], the dev cost at the best epoch; infinite where the training diverged.
        steps: updates of each.
    """

    rates: np.ndarray
    costs: np.ndarray
    steps: int

    def to_dict(self) -> dict[str, Any]:
        """As plain data; what is infinite becomes None."""
        costs = [[cost if math.isfinite(cost) else None for cost in row] for row in self.costs.tolist()]
        return {"rates": self.rates.tolist(), "costs": costs, "steps": self.steps}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Round":
        """What `to_dict` gave."""
        costs = np.array([[math.inf if cost is None else cost for cost in row] for row in plain["costs"]])
        return cls(np.array(plain["rates"]), costs, int(plain["steps"]))


@dataclass(frozen=True, eq=False, repr=False)
class LearningRates:
    """The result of a search for learning rates.

    Args:
        rounds: what was trained: all rates first, then fewer and longer.
        chance: the dev cost of the best constant prediction; a rate that ends above it has not learnt.
        low, high: the ends of the range that learns as well as the best rate does, as far as the seeds can tell.
        suggested: the rate to train at.
        interval: of the suggestion, over seeds, with a confidence of 95 %; None with fewer than three seeds.
        largest_stable: the largest rate up to which every seed of the first round learns something.
        optimiser, decay: for which the rates hold.
    """

    rounds: tuple[Round, ...]
    chance: float
    low: float
    high: float
    suggested: float
    interval: tuple[float, float] | None
    largest_stable: float
    optimiser: str
    decay: str

    @property
    def rates(self) -> np.ndarray:
        """All rates that were tried, [R], ascending."""
        return self.rounds[0].rates

    @property
    def costs(self) -> np.ndarray:
        """What the first round's trainings ended at, [R, seeds]."""
        return self.rounds[0].costs

    @property
    def steps(self) -> int:
        """Updates of each training of the first round."""
        return self.rounds[0].steps

    def __repr__(self) -> str:
        """What was found, as a sentence."""
        lost = int((~np.isfinite(self.costs)).any(axis=1).sum())
        other = f" (over seeds {self.interval[0]:.2g} to {self.interval[1]:.2g})" if self.interval else ""
        diverged = f"; at {lost} of {len(self.rates)} rates some diverged" if lost else ""
        decay = "a constant rate" if self.decay == "constant" else f"{self.decay} decay"
        told = [f"{one.costs.size} trainings of {one.steps}" for one in self.rounds]
        return (
            f"Train at a learning rate of {self.suggested:.2g}{other}. With {decay} {self.optimiser} learns as well "
            f"from {self.low:.2g} to {self.high:.2g}, and is stable up to {self.largest_stable:.2g}, as "
            f"{', then '.join(told)} steps say{diverged}."
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data: the fields, and those of the first round beside them."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        rounds = [one.to_dict() for one in self.rounds]
        return {**rounds[0], **plain, "rounds": rounds, "interval": list(self.interval) if self.interval else None}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "LearningRates":
        """What `to_dict` gave, or gave before there were rounds."""
        own = {name: plain[name] for name in cls.__dataclass_fields__ if name in plain}
        rounds = tuple(Round.from_dict(one) for one in plain.get("rounds", [plain]))
        interval = tuple(plain["interval"]) if plain["interval"] else None
        return cls(**{"decay": "constant", **own, "rounds": rounds, "interval": interval})


def check_result(found: LearningRates | None, first: Round, last: Round) -> LearningRates:
    """What was found.

    Raises:
        StudyError: it is nothing.
    """
    if found is not None:
        return found
    lost = int((~np.isfinite(first.costs)).all(axis=1).sum())
    raise StudyError(
        f"After {last.steps} updates no learning rate from {first.rates[0]:g} to {first.rates[-1]:g} does better in "
        f"every seed than a constant prediction ({lost} of {len(first.rates)} diverged). "
        "Give more steps, other rates, or another network."
    )
