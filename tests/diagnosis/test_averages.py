"""Averages of series with gaps, several at once, and of what is no series."""

import numpy as np
import pytest

import caviar
from caviar.errors import DataError


def test_a_gap_is_stepped_over() -> None:
    """NaN stays NaN and counts for nothing: the values around it are averaged as if they followed each other."""
    found = caviar.exponentially_weighted_average([np.nan, 40, np.nan, np.nan, 49], 0.9)
    assert np.isnan(found[[0, 2, 3]]).all()
    assert np.allclose(found[[1, 4]], caviar.exponentially_weighted_average([40, 49], 0.9))


def test_columns_are_series_of_their_own() -> None:
    """Further axes are averaged each for itself, with gaps of its own."""
    series = np.random.default_rng(0).standard_normal((30, 2, 3))
    series[4, 1, 2] = np.nan
    found = caviar.exponentially_weighted_average(series, 0.8)
    for a, b in np.ndindex(2, 3):
        alone = caviar.exponentially_weighted_average(series[:, a, b], 0.8)
        assert np.array_equal(found[:, a, b], alone, equal_nan=True)


def test_infinity_stays() -> None:
    """An infinite value is in every later average; nothing is warned of."""
    assert caviar.exponentially_weighted_average([1.0, np.inf, 1.0], 0.5).tolist()[1:] == [np.inf, np.inf]


@pytest.mark.parametrize("values, beta", [([1], 1.0), ([1], -0.1), ([1], "x"), ([1], np.nan), (3.0, 0.5), (["a"], 0.5)])
def test_what_is_no_average_is_refused(values, beta) -> None:
    """β outside 0 to 1, or values that are no series of numbers, get a sentence."""
    with pytest.raises(DataError):
        caviar.exponentially_weighted_average(values, beta)


def test_nothing_in_nothing_out() -> None:
    """An empty series has an empty average."""
    assert caviar.exponentially_weighted_average([], 0.9).shape == (0,)
