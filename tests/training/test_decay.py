"""Schedules of the learning rate and Adam's bias corrections."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.search import hyperparameters
from caviar.training.decay import DECAYS, bias_corrections, learning_rates
from reference.decay import learning_rate

PLAIN = {
    "learning_rate": 0.2,
    "decay": "constant",
    "decay_rate": 1.0,
    "decay_base": 0.95,
    "decay_steps": 2,
    "warmup": 0,
}


def series(epochs=5, updates=1, **changes):
    """The rates of some epochs."""
    return learning_rates({**PLAIN, "horizon": epochs, **changes}, np.arange(1, epochs * updates + 1), updates)


def test_decays_are_those_of_the_table():
    """Every decay of the table of hyperparameters is written, and no other."""
    assert tuple(DECAYS) == hyperparameters.DECAYS


def test_worked_series():
    """α₀ = 0.2 falls as the notes say: by inverse time, exponentially, by roots, by stairs and by a cosine."""
    assert series(decay="inverse_time").round(4).tolist() == [0.2, 0.1, 0.0667, 0.05, 0.04]
    assert series(decay="exponential").round(6).tolist() == [0.2, 0.19, 0.1805, 0.171475, 0.162901]
    assert series(decay="sqrt_epoch").round(4).tolist() == [0.2, 0.1414, 0.1155, 0.1, 0.0894]
    assert series(decay="sqrt_step", updates=2, epochs=2).round(4).tolist() == [0.2, 0.1414, 0.1155, 0.1]
    assert series(decay="staircase", decay_base=0.5).tolist() == [0.2, 0.2, 0.1, 0.1, 0.05]
    assert series(decay="cosine", epochs=4).round(4).tolist() == [0.2, 0.1707, 0.1, 0.0293]
    assert series().tolist() == [0.2] * 5


@given(
    decay=st.sampled_from(hyperparameters.DECAYS), rate=st.floats(0, 10), base=st.floats(0.1, 1),
    steps=st.integers(1, 5), warmup=st.sampled_from([0.0, 0.5, 1.0, 2.5]), updates=st.integers(1, 7),
    horizon=st.integers(1, 6),
)  # fmt: skip
def test_schedules_equal_the_reference(decay, rate, base, steps, warmup, updates, horizon):
    """Every schedule, with and without warm-up, equals the one written out update by update, beyond its horizon too."""
    c = {
        **PLAIN, "decay": decay, "decay_rate": rate, "decay_base": base, "decay_steps": steps, "warmup": warmup,
        "horizon": horizon,
    }  # fmt: skip
    t = np.arange(1, 8 * updates)
    wanted = [learning_rate(c, int(own), updates, horizon) for own in t]
    np.testing.assert_allclose(learning_rates(c, t, updates), wanted, rtol=1e-13, atol=1e-17)


def test_warm_up_rises_to_the_full_rate():
    """Over two epochs of five updates the rate rises in equal steps to α₀ and stays there."""
    wanted = [0.02 * min(n, 10) for n in range(1, 16)]
    assert series(updates=5, epochs=3, warmup=2) == pytest.approx(wanted)


def test_no_schedule_goes_up_again():
    """Without warm-up no schedule ever rises."""
    for decay in DECAYS:
        assert (np.diff(series(decay=decay, epochs=20, updates=3)) <= 0).all()


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.999, 0.999999, 1 - 1e-9])
@pytest.mark.parametrize("t", [1, 2, 10, 1000])
def test_bias_corrections_near_one(beta, t):
    """1 / (1 − βᵗ) equals exact arithmetic to 1e-12 for β as near to 1 as is allowed, where 1 − βᵗ itself would not."""
    one_minus = 1.0 - beta
    exact = 1 / (1 - (1 - Fraction(one_minus)) ** t)
    assert bias_corrections(one_minus, np.array([t]))[0] == pytest.approx(float(exact), rel=1e-12)


def test_corrections_of_no_memory():
    """With β = 0 there is nothing to correct."""
    assert bias_corrections(1.0, np.arange(1, 4)).tolist() == [1.0, 1.0, 1.0]


def test_corrections_end():
    """Late corrections are 1, for any count of updates."""
    assert bias_corrections(0.1, np.array([10_000_000]))[0] == 1.0
