"""Which learning rates a network learns at: what many short trainings at constant rates say."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.diagnosis.intervals import CONFIDENCE

# Neighbouring rates whose costs are averaged, to either side: cost changes slowly with the rate, its noise does not.
NEIGHBOURS = 1
# A rate whose cost lies within this share of the best one's learns as well, however small the noise is.
MARGIN = 0.02
# Rates to either side of the best whose spread over seeds is taken together.
POOLED = 3


@dataclass(frozen=True, eq=False)
class Trainings:
    """What a search for learning rates trains.

    Args:
        rates: float64 [R], ascending.
        seeds: trainings of each rate; each seed has its first weights and its order of the rows.
        steps: updates of each training, made up to whole epochs of the rows that it sees.
        seed: of everything random.
    """

    rates: np.ndarray
    seeds: int
    steps: int
    seed: int


@dataclass(frozen=True, eq=False, repr=False)
class LearningRates:
    """The result of a search for learning rates.

    Args:
        rates: float64 [R], ascending.
        costs: float64 [R, seeds], the dev cost after the last step; infinite where the training diverged.
        chance: the dev cost of the best constant prediction; a rate that ends above it has not learnt.
        low, high: the ends of the range that learns as well as the best rate does, as far as the seeds can tell.
        suggested: the rate to train at.
        interval: of the suggestion, over seeds, with a confidence of 95 %; None with fewer than three seeds.
        largest_stable: the largest rate up to which every seed learns something.
        steps: updates of each training.
        optimiser: for which optimiser the rates hold.
    """

    rates: np.ndarray
    costs: np.ndarray
    chance: float
    low: float
    high: float
    suggested: float
    interval: tuple[float, float] | None
    largest_stable: float
    steps: int
    optimiser: str

    def __repr__(self) -> str:
        """What was found, as a sentence."""
        lost = int((~np.isfinite(self.costs)).any(axis=1).sum())
        other = f" (over seeds {self.interval[0]:.2g} to {self.interval[1]:.2g})" if self.interval else ""
        diverged = f"; at {lost} of {len(self.rates)} rates some diverged" if lost else ""
        return (
            f"Train at a learning rate of {self.suggested:.2g}{other}. {self.optimiser} learns as well from "
            f"{self.low:.2g} to {self.high:.2g}, and is stable up to {self.largest_stable:.2g}, as {self.costs.size} "
            f"trainings of {self.steps} steps say{diverged}."
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain data; what is infinite becomes None."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__}
        costs = [[cost if math.isfinite(cost) else None for cost in row] for row in self.costs.tolist()]
        return {
            **plain,
            "rates": self.rates.tolist(),
            "costs": costs,
            "interval": list(self.interval) if self.interval else None,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "LearningRates":
        """What `to_dict` gave."""
        costs = np.array([[math.inf if cost is None else cost for cost in row] for row in plain["costs"]])
        return cls(
            **{
                **plain,
                "rates": np.array(plain["rates"]),
                "costs": costs,
                "interval": tuple(plain["interval"]) if plain["interval"] else None,
            }
        )


def judge(rates: np.ndarray, costs: np.ndarray, *, chance: float, steps: int, optimiser: str) -> LearningRates | None:
    """The range that learns and the rate to train at.

    Costs are compared as logarithms, averaged over neighbouring rates and over seeds. The range that learns as well as
    the best rate ends where the mean cost leaves the interval of the best rate's. The suggestion is the middle of that
    range on the logarithmic axis, which moves less from seed to seed than the best rate itself. Its interval comes from
    leaving out each seed in turn (the jackknife).

    Args:
        rates: [R], ascending.
        costs: [R, seeds], infinite or NaN where diverged.

    Returns:
        None where no rate learns: at every one some seed ends above chance or diverges.
    """
    costs = np.where(np.isfinite(costs), costs, np.inf)
    learns = np.asarray((costs < chance).all(axis=1))
    if not learns.any():
        return None
    smooth = _smooth(np.log(np.maximum(costs, np.finfo(float).tiny)))
    first, best, last = _range(smooth, learns)
    suggested = math.sqrt(float(rates[first]) * float(rates[last]))
    return LearningRates(
        rates=rates,
        costs=costs,
        chance=chance,
        low=float(rates[first]),
        high=float(rates[last]),
        suggested=suggested,
        interval=_jackknife(rates, smooth, learns, suggested),
        largest_stable=float(rates[_run(learns, best)[1]]),
        steps=steps,
        optimiser=optimiser,
    )


def _smooth(logs: np.ndarray) -> np.ndarray:
    """Each seed's curve averaged over neighbouring rates; at the edges over fewer. [R, seeds]"""
    padded = np.pad(logs, ((NEIGHBOURS, NEIGHBOURS), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1, axis=0)
    return np.asarray(np.nanmean(windows, axis=-1))


def _range(smooth: np.ndarray, learns: np.ndarray) -> tuple[int, int, int]:
    """The lower end of the range, the best rate and the upper end, as places."""
    mean = np.where(learns, smooth.mean(axis=1), np.inf)
    best = int(np.argmin(mean))
    half = max(_half_interval(smooth[max(0, best - POOLED) : best + POOLED + 1]), math.log1p(MARGIN))
    first, last = _run(np.asarray(mean <= mean[best] + half), best)
    return first, best, last


def _half_interval(around: np.ndarray) -> float:
    """Half the interval of a mean over seeds, its spread taken of several rates together: few seeds tell it badly."""
    around = around[np.isfinite(around).all(axis=1)]
    seeds = around.shape[1]
    if seeds < 2 or not len(around):
        return 0.0
    return _quantile(seeds) * math.sqrt(float(np.mean(np.var(around, axis=1, ddof=1))) / seeds)


def _run(alike: np.ndarray, best: int) -> tuple[int, int]:
    """The ends of the unbroken run of True around a place."""
    first = last = best
    while first > 0 and alike[first - 1]:
        first -= 1
    while last + 1 < len(alike) and alike[last + 1]:
        last += 1
    return first, last


def _jackknife(
    rates: np.ndarray, smooth: np.ndarray, learns: np.ndarray, suggested: float
) -> tuple[float, float] | None:
    """The interval of the suggestion, on the logarithmic axis, from what it is without each seed; at least three."""
    seeds = smooth.shape[1]
    if seeds < 3:
        return None
    without = []
    for seed in range(seeds):
        first, _, last = _range(np.delete(smooth, seed, axis=1), learns)
        without.append(0.5 * math.log(rates[first] * rates[last]))
    spread = math.sqrt((seeds - 1) / seeds * float(np.sum((np.array(without) - np.mean(without)) ** 2)))
    # The rates are a grid: the suggestion is no finer than one of its steps.
    half = max(_quantile(seeds) * spread, 0.5 * math.log(rates[1] / rates[0]))
    # No further than some rate learns at all: one seed that moves the range far says "unclear", not where.
    lowest, highest = _run(learns, int(np.argmin(np.abs(rates - suggested))))
    low, high = suggested * math.exp(-half), suggested * math.exp(half)
    return max(low, min(suggested, float(rates[lowest]))), min(high, max(suggested, float(rates[highest])))


def _quantile(seeds: int) -> float:
    """Student's quantile for the interval of a mean of so many."""
    from scipy.stats import t

    return float(t.ppf(0.5 + CONFIDENCE / 2, seeds - 1))
