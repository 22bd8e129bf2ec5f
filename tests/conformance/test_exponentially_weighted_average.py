"""Exponentially weighted average: v_t = βv_{t−1} + (1 − β)θ_t, corrected on reading by 1 − βᵗ."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import caviar

SERIES = arrays.arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6))
BETAS = st.floats(0.0, 1.0 - 1e-9)


def by_weights(values: np.ndarray, beta: float, t: int) -> tuple[float, float]:
    """The average after t values as a weighted sum, written out, and the sum of its weights."""
    weights = (1.0 - beta) * beta ** np.arange(t - 1, -1, -1.0)
    return float(np.sum(weights * values[:t])), float(np.sum(weights))


def test_the_notes_example() -> None:
    """β 0.9 and θ 40, 49: v is 4, 8.5; corrected 40, 44.74."""
    assert np.allclose(caviar.exponentially_weighted_average([40, 49], 0.9, corrected=False), [4.0, 8.5], atol=1e-12)
    assert np.allclose(caviar.exponentially_weighted_average([40, 49], 0.9), [40.0, 8.5 / 0.19], atol=1e-12)


@given(values=SERIES, beta=BETAS)
def test_it_is_the_weighted_sum(values: np.ndarray, beta: float) -> None:
    """Each average is Σ (1 − β)β^(t−k)·θ_k, and corrected the same over the sum of its weights, for any series."""
    plain = caviar.exponentially_weighted_average(values, beta, corrected=False)
    corrected = caviar.exponentially_weighted_average(values, beta)
    for t in range(1, len(values) + 1):
        total, weight = by_weights(values, beta, t)
        size = np.abs(values[:t]).max()
        assert abs(plain[t - 1] - total) <= 1e-9 * size
        assert abs(corrected[t - 1] - total / weight) <= 1e-6 * size


@given(value=st.floats(-1e6, 1e6), beta=BETAS, length=st.integers(1, 30))
def test_a_constant_series_is_its_own_average(value: float, beta: float, length: int) -> None:
    """Corrected, the average of a constant is that constant from the first value on; at β = 0 any series is its own."""
    assert np.allclose(caviar.exponentially_weighted_average([value] * length, beta), value, rtol=1e-9)
    series = np.arange(length) * value
    assert np.array_equal(caviar.exponentially_weighted_average(series, 0.0), series)


def test_about_the_last_values_count() -> None:
    """β 0.5, 0.9, 0.98 average about 2, 10, 50 values: the mean age of what they hold is 1/(1 − β) − 1."""
    for beta, about in ((0.5, 2), (0.9, 10), (0.98, 50)):
        ages = -np.arange(5000.0)[::-1]  # the newest is 0, the one before −1 …
        found = caviar.exponentially_weighted_average(ages, beta)[-1]
        assert np.isclose(-found, about - 1, rtol=1e-6)
