"""One update: the worked numbers of every rule."""

from functools import cache, partial

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.search.hyperparameters import OPTIMISERS
from caviar.training import device
from caviar.training.decay import bias_corrections
from caviar.training.optimisers import Moments, UpdateRule

device.start()

NUMBERS = {
    "rate": 0.1, "correction_1": 1.0, "correction_2": 1.0, "one_minus_beta_1": 0.1, "one_minus_beta_2": 0.1,
    "epsilon": 1e-8, "nesterov": False, "with_momentum": True, "adaptive": False, "l1": 0.0, "l2": 0.0,
    "weight_decay": 0.0, "clip_norm": np.inf,
}  # fmt: skip
PENALISED = {"w": True, "b": False}


@cache
def compiled(rule):
    """One update by a rule as a compiled function."""
    return jax.jit(partial(rule.apply, penalised=PENALISED))


def update(optimisers, theta, gradients, moments=None, **changes):
    """Parameters and moments after one update of a matrix "w" and a vector "b", by a rule that holds what is used."""
    h = {**NUMBERS, **changes}
    rule = UpdateRule(
        optimisers, l1=h["l1"] > 0, l2=h["l2"] > 0, weight_decay=h["weight_decay"] > 0, clip=h["clip_norm"] < np.inf
    )
    theta, gradients = ({name: np.asarray(v, np.float64) for name, v in tree.items()} for tree in (theta, gradients))
    zeros = {name: np.zeros_like(value) for name, value in theta.items()}
    with jax.enable_x64(True):
        found = compiled(rule)(theta, moments or Moments(zeros, zeros), gradients, hyperparameters=h)
        return jax.tree.map(np.asarray, found)


def test_averages_as_in_the_notes():
    """With β 0.9 the average of 40 and 49 is 4, then 8.5 as carried, and 40, then 44.74 corrected."""
    theta = {"w": [[0.0]], "b": [0.0]}
    _, moments = update(("momentum",), theta, {"w": [[40.0]], "b": [0.0]})
    first = float(moments.first["w"][0, 0])
    _, moments = update(("momentum",), theta, {"w": [[49.0]], "b": [0.0]}, moments)
    second = float(moments.first["w"][0, 0])
    assert (first, second) == (pytest.approx(4.0), pytest.approx(8.5))
    corrected = np.array([first, second]) * bias_corrections(0.1, np.array([1, 2]))
    assert corrected.round(2).tolist() == [40.0, 44.74]


@pytest.mark.parametrize(("double", "wanted"), [(True, 4.99999999), (False, 4.9999886)])
def test_quadratic(double, wanted):
    """J = w² − 10w + 25 from 0 at rate 0.01: 0.1 after one step; after 1000 more 4.99999999, in float32 4.9999886."""
    kind = np.float64 if double else np.float32
    with jax.enable_x64(double):
        rule = UpdateRule(("gradient_descent",))

        @jax.jit
        def move(w, rate):
            none = Moments({"w": 0 * w}, {"w": 0 * w})
            moved, _ = rule.apply({"w": w}, none, {"w": 2 * w - 10}, {"w": False}, {"rate": rate})
            return moved["w"]

        w = move(kind(0), kind(0.01))
        assert float(w) == pytest.approx(0.1)
        for _ in range(1000):
            w = move(w, kind(0.01))
        assert float(w) == pytest.approx(wanted, abs=1e-8 if double else 1e-6)


def test_first_steps():
    """The first step from gradient 3 at rate 0.1: −0.3 descending, a tenth of it with momentum, near −0.1 with Adam."""
    theta, slope = {"w": [[0.0]], "b": [0.0]}, {"w": [[3.0]], "b": [0.0]}
    adam = {"correction_1": 10.0, "correction_2": 10.0, "adaptive": True}
    wanted = {
        "gradient_descent": ({}, -0.3),
        "momentum": ({}, -0.03),
        "nesterov": ({"nesterov": True}, -0.1 * (0.9 * 0.3 + 0.1 * 3.0)),
        "rmsprop": ({"adaptive": True}, -0.1 * 3.0 / np.sqrt(0.9)),
        "adam": (adam, -0.1),
    }
    assert set(wanted) == set(OPTIMISERS)
    for name, (changes, step) in wanted.items():
        moved, _ = update((name,), theta, slope, **changes)
        assert moved["w"][0, 0] == pytest.approx(step, rel=1e-7), name
        # The same in a program that holds all of them.
        flags = {"with_momentum": name in ("momentum", "nesterov", "adam"), "adaptive": name in ("rmsprop", "adam")}
        numbers = {**changes, **flags, "one_minus_beta_1": 0.1 if flags["with_momentum"] else 1.0}
        together, _ = update(OPTIMISERS, theta, slope, **numbers)
        assert together["w"][0, 0] == pytest.approx(step, rel=1e-7), name


def test_epsilon_stands_outside_the_root():
    """With a tiny gradient Adam's step is α g / (|g| + ε), not α g / √(g² + ε)."""
    moved, _ = update(
        ("adam",), {"w": [[0.0]], "b": [0.0]}, {"w": [[1e-4]], "b": [0.0]},
        correction_1=10.0, correction_2=10.0, adaptive=True, epsilon=1e-4,
    )  # fmt: skip
    assert moved["w"][0, 0] == pytest.approx(-0.05)


# ---- penalties ------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(w=st.floats(-2, 2), slope=st.floats(-2, 2), penalty=st.floats(0.01, 3))
def test_l1_is_a_proximal_step(w, slope, penalty):
    """After descending, L1 draws a weight towards 0 by αλ/2m and not beyond it; it leaves biases alone."""
    moved, _ = update(("gradient_descent",), {"w": [[w]], "b": [w]}, {"w": [[slope]], "b": [slope]}, l1=penalty)
    free, threshold = w - 0.1 * slope, 0.1 * penalty / 2
    wanted = 0.0 if abs(free) <= threshold else free - np.sign(free) * threshold
    assert moved["w"][0, 0] == pytest.approx(wanted, abs=1e-15)
    assert moved["b"][0] == pytest.approx(free)


def test_l1_makes_zeros():
    """Weights that the gradient does not hold reach 0 exactly and stay there."""
    w = np.linspace(-0.1, 0.1, 9).reshape(3, 3)
    for _ in range(20):
        (moved, _), w_before = update(("gradient_descent",), {"w": w, "b": [0.0]}, {"w": 0 * w, "b": [0.0]}, l1=0.2), w
        w = moved["w"]
        assert (np.abs(w) <= np.abs(w_before)).all()
    assert not w.any()


def test_l1_under_adam_is_scaled_like_the_step():
    """Under adaptive optimisers L1's threshold is divided by √ŝ + ε, as the step is."""
    theta, slope = {"w": [[1.0]], "b": [0.0]}, {"w": [[4.0]], "b": [0.0]}
    adam = {"correction_1": 10.0, "correction_2": 10.0, "adaptive": True}
    without, _ = update(("adam",), theta, slope, **adam)
    moved, _ = update(("adam",), theta, slope, l1=0.8, **adam)
    assert without["w"][0, 0] - moved["w"][0, 0] == pytest.approx(0.1 * 0.8 / 2 / 4.0, rel=1e-6)


def test_l2_and_decoupled_decay_agree_for_plain_descent():
    """With weight_decay = λ/m gradient descent takes the same step either way; under Adam the two differ."""
    theta, slope = {"w": [[2.0, -1.0]], "b": [3.0]}, {"w": [[0.5, 0.3]], "b": [0.1]}
    decayed, _ = update(("gradient_descent",), theta, slope, weight_decay=0.7)
    penalised, _ = update(("gradient_descent",), theta, slope, l2=0.7)
    assert decayed["w"] == pytest.approx(penalised["w"], rel=1e-15)
    assert decayed["b"] == penalised["b"] == pytest.approx(3.0 - 0.01)
    adam = {"correction_1": 10.0, "correction_2": 10.0, "adaptive": True}
    decayed, _ = update(("adam",), theta, slope, weight_decay=0.7, **adam)
    penalised, _ = update(("adam",), theta, slope, l2=0.7, **adam)
    assert np.abs(decayed["w"] - penalised["w"]).min() > 0.01


@settings(deadline=None)
@given(size=st.floats(0.01, 100), largest=st.floats(0.1, 10))
def test_clipping_keeps_the_direction(size, largest):
    """A gradient longer than the largest norm, taken over all parameters together, is shortened to it; others stay."""
    slope = {"w": [[0.6 * size]], "b": [0.8 * size]}
    moved, _ = update(("gradient_descent",), {"w": [[0.0]], "b": [0.0]}, slope, clip_norm=largest)
    shown = min(size, largest)
    assert -moved["w"][0, 0] == pytest.approx(0.06 * shown) and -moved["b"][0] == pytest.approx(0.08 * shown)


@pytest.mark.parametrize("size", [1e18, 1e20, 1e30, 1e38])
def test_an_exploding_gradient_is_shortened(size):
    """A gradient whose square overflows single precision is clipped to the norm asked for, not to nothing."""
    rule = UpdateRule(("gradient_descent",), clip=True)
    slope = {"w": np.array([[0.6 * size]], np.float32), "b": np.array([0.8 * size], np.float32)}
    zeros = jax.tree.map(np.zeros_like, slope)
    numbers = {"rate": np.float32(0.1), "clip_norm": np.float32(2.0)}
    moved, _ = compiled(rule)(zeros, Moments(zeros, zeros), slope, hyperparameters=numbers)
    assert moved["w"][0, 0] == pytest.approx(-0.12, rel=1e-5) and moved["b"][0] == pytest.approx(-0.16, rel=1e-5)


def test_clipping_nothing_is_nothing():
    """A gradient of 0 stays 0 rather than becoming 0/0."""
    moved, _ = update(("gradient_descent",), {"w": [[1.0]], "b": [1.0]}, {"w": [[0.0]], "b": [0.0]}, clip_norm=1.0)
    assert moved["w"][0, 0] == 1.0


def test_penalties_come_before_clipping():
    """L2 belongs to the gradient that is clipped."""
    moved, _ = update(
        ("gradient_descent",), {"w": [[10.0]], "b": [0.0]}, {"w": [[0.0]], "b": [0.0]}, l2=1.0, clip_norm=2.0
    )
    assert moved["w"][0, 0] == pytest.approx(10.0 - 0.1 * 2.0)
