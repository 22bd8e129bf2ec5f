"""Intervals cover what they promise, and agree with published values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.diagnosis.gaps import measure
from caviar.diagnosis.intervals import (
    Interval,
    difference,
    exact,
    over_seeds,
    rmse_standard_error,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "rows", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_published(hits: int, rows: int, low: float, high: float) -> None:
    """Wilson's interval gives the values of Newcombe 1998, table I."""
    interval = wilson(hits / rows, rows)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 10), 0.6075, 1.0)],
)
def test_difference_published(first: tuple, second: tuple, low: float, high: float) -> None:
    """The difference of two shares gives the values of Newcombe 1998, method 10."""
    gap = difference(wilson(first[0] / first[1], first[1]), wilson(second[0] / second[1], second[1]))
    assert (gap.low, gap.high) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5])
@pytest.mark.parametrize("rows", [50, 1000])
def test_wilson_covers(share: float, rows: int) -> None:
    """In 4 000 samples Wilson's interval covers the true share 95 times in a hundred, at worst 91."""
    hits = np.random.default_rng(rows).binomial(rows, share, 4000)
    intervals = {k: wilson(k / rows, rows) for k in set(hits.tolist())}
    covered = np.mean([intervals[k].low <= share <= intervals[k].high for k in hits.tolist()])
    assert covered > 0.90


def test_difference_covers() -> None:
    """In 4 000 pairs of samples the interval of the difference covers the true gap about 95 times in a hundred."""
    generator = np.random.default_rng(0)
    pairs = zip(
        generator.binomial(2000, 0.02, 4000).tolist(), generator.binomial(300, 0.06, 4000).tolist(), strict=True
    )
    gaps = [difference(wilson(dev / 300, 300), wilson(train / 2000, 2000)) for train, dev in pairs]
    assert 0.93 < np.mean([gap.low <= 0.04 <= gap.high for gap in gaps]) < 0.97


def test_rmse_standard_error_is_the_spread_of_the_rmse() -> None:
    """The standard error of a root mean squared error agrees with its spread over many samples."""
    errors = np.random.default_rng(0).laplace(size=(3000, 400))
    rmse = np.sqrt(np.mean(errors**2, axis=1))
    formula = [rmse_standard_error(r, float(np.std(e**2)), 400) for r, e in zip(rmse.tolist(), errors, strict=True)]
    assert np.mean(formula) == pytest.approx(rmse.std(), rel=0.1)
    assert rmse_standard_error(0.0, 0.0, 10) == 0.0


def test_few_seeds_claim_little() -> None:
    """Three seeds widen an interval by Student's 4.30, not by 1.96, which covers their mean 95 times in a hundred."""
    widened = over_seeds(exact(2.0), [1.0, 2.0, 3.0])
    assert widened.above == pytest.approx(4.3027 / math.sqrt(3), rel=1e-4)
    values = np.random.default_rng(0).normal(size=(4000, 3))
    covered = [over_seeds(exact(float(v.mean())), v.tolist()) for v in values]
    assert 0.94 < np.mean([interval.low <= 0 <= interval.high for interval in covered]) < 0.96


def test_one_seed_says_nothing_of_seeds() -> None:
    """A single training, or none, leaves the interval of the rows as it is."""
    interval = wilson(0.1, 100)
    assert over_seeds(interval, []) == over_seeds(interval, [0.1]) == interval


def test_rows_and_seeds_add_as_squares() -> None:
    """Chance in the rows and chance in the training are independent, so that their reaches add as squares."""
    rows = Interval(0.5, 0.5 - 0.03, 0.5 + 0.03)
    seeds = over_seeds(exact(0.5), [0.4, 0.6]).above
    assert over_seeds(rows, [0.4, 0.6]).above == pytest.approx(math.hypot(0.03, seeds))


@given(st.floats(0, 1), st.integers(1, 10**9), st.floats(0, 1), st.integers(1, 10**9))
def test_intervals_are_in_order(first: float, n: int, second: float, m: int) -> None:
    """Any interval holds its estimate; that of a share stays within 0 and 1, that of a difference within ±1."""
    one, two = wilson(first, n), wilson(second, m)
    gap = difference(one, two)
    assert -1e-12 <= one.low <= one.estimate <= one.high <= 1 + 1e-12
    assert -1 - 1e-9 <= gap.low <= gap.estimate <= gap.high <= 1 + 1e-9


def test_no_error_reaches_below_zero() -> None:
    """Seeds that spread more than their mean error widen its interval down to 0 and no further."""
    found = measure("train", 0.0002, 5000, share=True, standard_error=None, seeds=[0.0, 0.0, 0.0, 0.0008])
    assert found.whole.low == 0.0
    assert found.whole.high > found.interval.high
