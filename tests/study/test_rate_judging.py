"""What is judged from many short trainings: the range, the suggestion, how sure it is, and which rates go on."""

import json
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.study.learning_rates import LearningRates, Round
from caviar.study.rate_judging import going_on, judge

RATES = np.geomspace(1e-6, 10.0, 64)


def costs(best: float = 1e-2, noise: float = 0.01, seeds: int = 4, diverged_above: float = 1.0) -> np.ndarray:
    """Costs that fall to 0.1 at the best rate, as bowls on the logarithmic axis, and diverge above a rate."""
    generator = np.random.default_rng(0)
    bowl = 0.1 + 0.05 * np.log10(RATES / best) ** 2
    found = bowl[:, None] * np.exp(noise * generator.standard_normal((len(RATES), seeds)))
    found[diverged_above < RATES] = np.inf
    return found


def found_in(*rounds: Round, chance: float = 0.7) -> LearningRates | None:
    """What these rounds say, where a constant prediction costs 0.7."""
    return judge(rounds, chance=chance, optimiser="adam", decay="cosine")


def judged(**changed: float) -> LearningRates:
    """What one round of such costs says."""
    found = found_in(Round(RATES, costs(**changed), 300))
    assert found is not None
    return found


def test_the_range_holds_the_best_rate() -> None:
    """The range lies around the known best rate, and the suggestion between its lower end and that rate."""
    found = judged()
    assert found.low < 1e-2 < found.high < found.largest_stable <= 1.0
    assert found.low < found.suggested < 1.1e-2
    assert found.interval is not None and found.interval[0] < found.suggested < found.interval[1]
    assert found.largest_stable == RATES[RATES <= 1.0].max()


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-4, 1e-1), st.floats(0.0, 0.02))
def test_the_suggestion_follows_the_bowl(best: float, noise: float) -> None:
    """Wherever the bowl lies, the suggestion lies in it: below its lowest point by less than a factor of four."""
    found = judged(best=best, noise=noise)
    assert best / 4 < found.suggested < 1.3 * best


def test_noise_widens_what_is_said() -> None:
    """With ten times the noise between seeds the range is wider; no interval is finer than the grid of rates."""
    calm, noisy = judged(noise=0.02), judged(noise=0.2)
    assert noisy.high / noisy.low > calm.high / calm.low
    for found in (calm, noisy):
        assert found.interval and found.interval[1] / found.interval[0] > 0.99 * RATES[1] / RATES[0]


def test_a_rate_at_which_one_seed_diverges_is_not_stable() -> None:
    """One diverged seed of four ends the stable rates below it, whatever the other seeds do, in any round."""
    first = costs()
    first[50, 2] = math.nan
    got = found_in(Round(RATES, first, 100))
    assert got is not None and got.largest_stable == RATES[49]
    assert "at 10 of 64 rates some diverged" in repr(got)
    longer = Round(RATES[34:50], costs()[34:50], 300)
    longer.costs[12, 1] = np.inf
    got = found_in(Round(RATES, first, 100), longer)
    assert got is not None and got.largest_stable == RATES[45]


def test_the_suggestion_keeps_away_from_the_cliff() -> None:
    """Where the lowest cost lies beside rates that diverge, at most half the largest stable rate is suggested."""
    found = judged(best=0.3, diverged_above=0.3)
    assert found.suggested <= 0.5 * found.largest_stable < 0.5 * 0.31


def test_the_longest_round_decides() -> None:
    """The suggestion follows the last round's bowl, though the first one's lies elsewhere."""
    first, longer = Round(RATES, costs(best=3e-2), 100), Round(RATES[25:46], costs(best=5e-3)[25:46], 900)
    found = found_in(first, longer)
    assert found is not None and 2e-3 < found.suggested < 6e-3
    assert found.costs.shape == (64, 4) and found.steps == 100


def test_the_range_reaches_beyond_the_rates_that_went_on() -> None:
    """Where the last round is flat to its ends, the range ends where that of the round before does."""
    flat = Round(RATES[30:40], np.full((10, 4), 0.1), 900)
    first = Round(RATES, costs(), 100)
    alone, both = found_in(first), found_in(first, flat)
    assert alone is not None and both is not None
    assert both.low == min(alone.low, RATES[30]) and both.high == max(alone.high, RATES[39])


def test_nothing_learns_where_all_stay_above_chance() -> None:
    """Costs above that of a constant prediction are no learning, however flat they are."""
    assert found_in(Round(RATES, costs() + 1.0, 300)) is None
    assert found_in(Round(RATES, np.full((64, 4), np.inf), 300)) is None


def test_the_best_third_goes_on() -> None:
    """Neighbours around the best go on, none that diverged, and never fewer than five."""
    kept = going_on(Round(RATES, costs(best=0.5, diverged_above=0.5), 100))
    assert len(kept) == 22 and kept.max() <= 0.5 and kept[-1] > 0.3
    assert len(going_on(Round(RATES[:6], costs()[:6], 100))) == 5
    assert len(going_on(Round(RATES[:4], costs()[:4], 100))) == 4


def test_few_seeds_tell_no_interval() -> None:
    """With one or two seeds there is a suggestion without an interval."""
    for seeds in (1, 2):
        found = judged(seeds=seeds)
        assert found.interval is None and "over seeds" not in repr(found)


def test_it_is_plain_data_and_back() -> None:
    """What is stored reads back the same through strict JSON, infinite costs included; so does what had no rounds."""
    found = judged()
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    again = LearningRates.from_dict(plain)
    assert np.array_equal(again.costs, found.costs) and repr(again) == repr(found)
    older = LearningRates.from_dict({name: plain[name] for name in plain if name not in ("rounds", "decay")})
    assert np.array_equal(older.costs, found.costs) and older.decay == "constant" and older.steps == 300
