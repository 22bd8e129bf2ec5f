"""Coarse to fine: zooming in comes nearer than random search, and forgives a wrong scale."""

import json
import math

import numpy as np
import pytest

from caviar.search.samplers import CoarseToFine, RandomSampler, Sampler
from caviar.search.space import Space

RIGHT = Space().vary("learning_rate", 1e-5, 1.0).vary("l2", 1e-3, 10.0).vary("label_smoothing").vary("warmup")
# The same ranges, linear: 99 % of the draws of α lie above a hundredth, where the best is a thousandth.
WRONG = RIGHT.vary("learning_rate", 1e-5, 1.0, scale="linear").vary("l2", 1e-3, 10.0, scale="linear")
SEEDS = 15


def bowl(configuration: dict) -> float:
    """A bowl on logarithmic scales with its lowest point at α = 1e-3, λ = 0.1; the other two hardly matter."""
    away = math.log10(configuration["learning_rate"] / 1e-3), math.log10(configuration["l2"] / 0.1)
    return away[0] ** 2 + 0.3 * away[1] ** 2 + 0.01 * (configuration["label_smoothing"] - 0.05) ** 2


def search(sampler: Sampler, space: Space, trials: int, asked: int = 8) -> list[float]:
    """The values of the trials, asked for eight at a time as slots become free."""
    structure, values = space.structures(0, 1)[0], []
    while len(values) < trials:
        for configuration in sampler.ask(asked, structure):
            values.append(bowl(configuration))
            sampler.tell(len(values) - 1, 1, values[-1], "finished")
    return values


@pytest.mark.parametrize(("space", "most"), [(RIGHT, 0.1), (WRONG, 0.5)], ids=["right scale", "wrong scale"])
def test_nearer_than_random(space: Space, most: float) -> None:
    """After 128 trials it is nearer than random search in most of 15 studies, on the right scale and on a wrong one."""
    fine = np.array([min(search(CoarseToFine(space, seed), space, 128)) for seed in range(SEEDS)])
    random = np.array([min(search(RandomSampler(space, seed), space, 128)) for seed in range(SEEDS)])
    assert np.mean(fine < random) >= 0.8
    assert np.median(fine) < most * np.median(random)


def test_it_samples_the_region_more_densely_again_and_again() -> None:
    """Of each further 32 trials half lie nearer to the best than half of those before, round after round."""
    values = np.array(search(CoarseToFine(RIGHT, 1), RIGHT, 128)).reshape(4, 32)
    medians = np.median(values, axis=1)
    assert (np.diff(medians) < 0).all() and medians[-1] < 0.1 * medians[0]


def test_a_quarter_still_looks_everywhere() -> None:
    """Every fourth draw comes from the whole space, so that a region taken by chance can be left."""
    sampler = CoarseToFine(RIGHT, 2)
    search(sampler, RIGHT, 128)
    drawn = sampler.ask(80, RIGHT.structures(0, 1)[0])
    rates = np.log10([c["learning_rate"] for c in drawn])
    whole = np.arange(128, 208) % 4 == 0
    assert np.ptp(rates[whole]) > 3.5 and np.ptp(rates[~whole]) < 1.0


def test_a_zoomed_sampler_is_stopped_and_goes_on_exactly() -> None:
    """After it has zoomed, its state, sent through JSON, gives the same draws; all lie in the space."""
    one, other = CoarseToFine(WRONG, 4), CoarseToFine(WRONG, 4)
    search(one, WRONG, 64)
    other.restore(json.loads(json.dumps(one.state(), allow_nan=False)))
    structure = WRONG.structures(0, 1)[0]
    found = one.ask(12, structure)
    assert found == other.ask(12, structure)
    assert all(WRONG.contains(configuration) for configuration in found)


def test_values_that_are_all_equal_or_not_finite_break_nothing() -> None:
    """Where every trial came to the same, or every one diverged, it goes on drawing in the space."""
    for value in (0.5, math.nan, math.inf):
        sampler, structure = CoarseToFine(RIGHT, 0), RIGHT.structures(0, 1)[0]
        for number, _ in enumerate(sampler.ask(32, structure)):
            sampler.tell(number, 1, value, "diverged" if value != 0.5 else "finished")
        assert all(RIGHT.contains(configuration) for configuration in sampler.ask(16, structure))
        json.dumps(sampler.state(), allow_nan=False)
