"""Scales: uniform, whole, logarithmic, and 1 − β on a logarithmic scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from caviar.search.ranges import SCALES, Range
from caviar.search.space import Space

COUNT = 4000
# Of 4 000 draws a share of a quarter is known to 0.7 points; three standard errors are 2 points.
NEAR = 0.021


def draws(space: Space, name: str) -> np.ndarray:
    """Values of one hyperparameter in as many configurations."""
    structure = space.structures(0, 1)[0]
    generator = np.random.default_rng(0)
    return np.array([space.draw(generator, structure)[name] for _ in range(COUNT)])


def test_linear_draws_leave_small_rates_out() -> None:
    """On [1e-4, 1] uniform draws put 90 % above 0.1, log draws 25 % in each of the four decades."""
    linear = draws(Space().vary("learning_rate", 1e-4, 1.0, scale="linear"), "learning_rate")
    assert np.mean(linear > 0.1) == pytest.approx(0.9, abs=NEAR)
    log = draws(Space().vary("learning_rate", 1e-4, 1.0), "learning_rate")
    shares = np.histogram(log, bins=[1e-4, 1e-3, 1e-2, 1e-1, 1.0])[0] / COUNT
    np.testing.assert_allclose(shares, 0.25, atol=NEAR)


def test_a_log_draw_is_ten_to_a_uniform_one() -> None:
    """α = 10^r with r uniform between the logarithms of the ends, by Kolmogorov and Smirnov's test."""
    log = np.log10(draws(Space().vary("learning_rate", 1e-4, 1.0), "learning_rate"))
    assert kstest(log, "uniform", args=(-4.0, 4.0)).pvalue > 0.01


def test_one_minus_beta_on_a_log_scale() -> None:
    """0.9 to 0.99 gets as many draws as 0.99 to 0.999, and 1 − β is 10 to a uniform number."""
    betas = draws(Space().vary("beta_1", 0.9, 0.999), "beta_1")
    assert np.mean(betas < 0.99) == pytest.approx(0.5, abs=0.024)
    assert kstest(np.log10(1 - betas), "uniform", args=(-3.0, 2.0)).pvalue > 0.01


def test_why_one_minus_beta() -> None:
    """1/(1−β): 0.9 → 0.9005 is 10 → 10.05, 0.999 → 0.9995 is 1000 → 2000; equal steps are equal factors."""
    assert [round(1 / (1 - beta), 2) for beta in (0.9, 0.9005)] == [10.0, 10.05]
    assert [round(1 / (1 - beta)) for beta in (0.999, 0.9995)] == [1000, 2000]
    axis = Range("beta_1", 0.9, 0.9999, "one_minus_log", off=0.0, start=0.9)
    lengths = np.array([1 / (1 - axis.at(share)) for share in np.linspace(0, 1, 7)])
    np.testing.assert_allclose(lengths[1:] / lengths[:-1], 10**0.5, rtol=1e-6)


def test_whole_numbers_with_both_ends() -> None:
    """Whole numbers are drawn evenly, the first and the last as often as those between."""
    steps = draws(Space().fix(decay="staircase").vary("decay_steps", 2, 5), "decay_steps")
    assert set(steps.tolist()) == {2, 3, 4, 5}
    np.testing.assert_allclose(np.bincount(steps)[2:] / COUNT, 0.25, atol=NEAR)


@given(
    scale=st.sampled_from(SCALES), low=st.floats(1e-4, 0.5), width=st.floats(1e-3, 0.4), share=st.floats(0, 0.999999)
)
def test_a_place_on_the_scale_and_back(scale: str, low: float, width: float, share: float) -> None:
    """Every place of every scale gives a value between the ends, from which the same value's place is found again."""
    ends = (2, 2 + round(100 * width)) if scale.startswith("integer") else (low, low + width)
    if ends[0] == ends[1]:
        return
    axis = Range("momentum", *ends, scale, off=0.0, start=ends[0])
    value = axis.at(share)
    assert ends[0] <= value <= ends[1]
    assert axis.at(axis.share(value)) == pytest.approx(value, rel=1e-9)
