"""Many short trainings become a learning rate to train at, the range that learns, and how sure that is."""

import math
from collections.abc import Sequence

import numpy as np

from caviar.diagnosis.intervals import CONFIDENCE
from caviar.study.learning_rates import FEWEST_RATES, GROWTH, LearningRates, Round

# Costs below this are equally good: a network that knows all its dev rows may cost nothing, which has no logarithm.
NOTHING = 1e-6
# Neighbouring rates whose costs are averaged, to either side: cost changes slowly with the rate, its noise does not.
NEIGHBOURS = 1
# A rate whose cost lies within this share of the best one's learns as well, however small the noise is.
MARGIN = 0.02
# Of the largest rate up to which every seed learns something, at most this share is suggested.
SAFE = 0.5
# Rates to either side of the best whose spread over seeds is taken together.
POOLED = 3
# The bowl is fitted to costs at most this much above the lowest, as a logarithm: farther up it is no parabola.
BOWL = 0.25


def judge(rounds: Sequence[Round], *, chance: float, optimiser: str, decay: str) -> LearningRates | None:
    """The rate to train at and the range that learns.

    Costs are compared as logarithms, averaged over neighbouring rates and over seeds. The range that learns as well as
    the best rate ends where the mean cost leaves the interval of the best rate's; where no rate of the last round does,
    it ends where the round before ended it. The suggestion lies half-way, on the logarithmic axis, from the lowest
    point of a parabola through the last round's bowl to the lower end of that range: longer trainings want lower rates,
    and a rate too high costs more than one too low. It is at most half the largest stable rate. Its interval comes from
    leaving out each seed in turn (the jackknife).

    Args:
        rounds: all rates first, then fewer and longer.

    Returns:
        None where no rate learns: at every one some seed of the last round ends above chance or diverges.
    """
    if not _learns(rounds[-1], chance).any():
        return None
    low, high = _range(rounds, chance)
    suggested = _between(rounds, chance)
    return LearningRates(
        rounds=tuple(rounds),
        chance=chance,
        low=min(low, suggested),
        high=high,
        suggested=suggested,
        interval=_jackknife(rounds, chance, suggested),
        largest_stable=_stable(rounds, chance),
        optimiser=optimiser,
        decay=decay,
    )


def going_on(done: Round) -> np.ndarray:
    """The rates of the next round: the best of this one and what lies around it, on the side that costs less.

    >>> costs = np.array([9.0, 5.0, 4.0, 3.0, 2.0, 1.0, 2.0, 4.0, 90.0, 900.0])[:, None]
    >>> np.log10(going_on(Round(np.geomspace(1e-9, 1.0, 10), costs, 100))).round().tolist()
    [-7.0, -6.0, -5.0, -4.0, -3.0]
    """
    mean = _smooth(_logs(done.costs)).mean(axis=1)
    wanted = min(len(mean), max(FEWEST_RATES, math.ceil(len(mean) / GROWTH)))
    first = last = int(np.argmin(mean))
    while last - first + 1 < wanted:
        below = mean[first - 1] if first > 0 else math.nan
        above = mean[last + 1] if last + 1 < len(mean) else math.nan
        if math.isnan(above) or below <= above:
            first -= 1
        else:
            last += 1
    return done.rates[first : last + 1]


def _logs(costs: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(costs, NOTHING)))


def _learns(done: Round, chance: float) -> np.ndarray:
    """Rates at which every seed ends below chance. [R]"""
    return np.asarray((done.costs < chance).all(axis=1))


def _smooth(logs: np.ndarray) -> np.ndarray:
    """Each seed's curve averaged over neighbouring rates; at the edges over fewer. [R, seeds]"""
    padded = np.pad(logs, ((NEIGHBOURS, NEIGHBOURS), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1, axis=0)
    return np.asarray(np.nanmean(windows, axis=-1))


def _between(rounds: Sequence[Round], chance: float) -> float:
    """The rate half-way between the lowest point of the last round and the lower end of the range, if that is safe."""
    low, high = _range(rounds, chance)
    lowest = min(max(low, _lowest(rounds[-1], _learns(rounds[-1], chance))), high)
    return min(math.sqrt(low * lowest), SAFE * _stable(rounds, chance))


def _stable(rounds: Sequence[Round], chance: float) -> float:
    """The largest rate up to which every seed learns something: from the best rate on, in every round that tried it."""
    best = rounds[-1].rates[_best(rounds[-1], chance)]
    failed = [rate for one in rounds for rate in one.rates[~_learns(one, chance)] if rate > best]
    rates = rounds[0].rates
    return float(rates[rates < min(failed, default=math.inf)].max())


def _best(done: Round, chance: float) -> int:
    """The place of the rate at which the mean cost is lowest, of those that learn."""
    return int(np.argmin(np.where(_learns(done, chance), _smooth(_logs(done.costs)).mean(axis=1), np.inf)))


def _lowest(done: Round, learns: np.ndarray) -> float:
    """The rate at the lowest point of a parabola through the bowl around the best rate."""
    mean = np.where(learns, _smooth(_logs(done.costs)).mean(axis=1), np.inf)
    best = int(np.argmin(mean))
    first, last = _run(np.asarray(mean <= mean[best] + BOWL), best)
    bowl = slice(first, last + 1)
    rates = np.log(done.rates[bowl])
    if len(rates) < 3:
        return float(done.rates[best])
    curve = np.polynomial.Polynomial.fit(rates, _logs(done.costs)[bowl].mean(axis=1), 2)
    if curve.convert().coef[-1] <= 0:
        return float(done.rates[best])
    return float(np.exp(np.clip(curve.deriv().roots()[0], rates[0], rates[-1])))


def _range(rounds: Sequence[Round], chance: float) -> tuple[float, float]:
    """The ends of the range that learns as well as the best rate."""
    done = rounds[-1]
    learns = _learns(done, chance)
    smooth = _smooth(_logs(done.costs))
    mean = np.where(learns, smooth.mean(axis=1), np.inf)
    best = int(np.argmin(mean))
    half = max(_half_interval(smooth[max(0, best - POOLED) : best + POOLED + 1]), math.log1p(MARGIN))
    first, last = _run(np.asarray(mean <= mean[best] + half), best)
    low, high = float(done.rates[first]), float(done.rates[last])
    if len(rounds) > 1 and _learns(rounds[-2], chance).any():
        before = _range(rounds[:-1], chance)
        low = min(low, before[0]) if first == 0 else low
        high = max(high, before[1]) if last == len(mean) - 1 else high
    return low, high


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


def _jackknife(rounds: Sequence[Round], chance: float, suggested: float) -> tuple[float, float] | None:
    """The interval of the suggestion, on the logarithmic axis, from what it is without each seed; at least three."""
    seeds = rounds[0].costs.shape[1]
    if seeds < 3:
        return None
    without = np.log([_between([_leave_out(one, seed) for one in rounds], chance) for seed in range(seeds)])
    spread = math.sqrt((seeds - 1) / seeds * float(np.sum((without - without.mean()) ** 2)))
    # The rates are a grid: the suggestion is no finer than one of its steps.
    rates = rounds[0].rates
    half = max(_quantile(seeds) * spread, 0.5 * math.log(rates[1] / rates[0]))
    # No further than some rate learns at all: one seed that moves the suggestion far says "unclear", not where.
    learning = rates[_learns(rounds[0], chance)]
    lowest, highest = (learning[0], learning[-1]) if len(learning) else (suggested, suggested)
    low, high = suggested * math.exp(-half), suggested * math.exp(half)
    return max(low, min(suggested, float(lowest))), min(high, max(suggested, float(highest)))


def _leave_out(done: Round, seed: int) -> Round:
    return Round(done.rates, np.delete(done.costs, seed, axis=1), done.steps)


def _quantile(seeds: int) -> float:
    """Student's quantile for the interval of a mean of so many."""
    from scipy.stats import t

    return float(t.ppf(0.5 + CONFIDENCE / 2, seeds - 1))
