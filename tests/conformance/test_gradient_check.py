"""Rows "Numerical gradient" and "Gradient check": `caviar.check_gradients` against independent computations."""

from collections import namedtuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

import caviar
from caviar.errors import GradientError
from caviar.training.gradient_check import DIRECTIONS
from caviar.training.gradient_report import level
from caviar.training.slopes import STEP, slope

GENERATOR = np.random.default_rng(7)
POINT = GENERATOR.normal(size=50)
CURVES = GENERATOR.uniform(0.5, 2.0, 50)


def smooth(w):
    """A cost of NumPy with third derivatives."""
    return float(np.sum(CURVES * np.sin(w)) + 0.1 * np.sum(w**3))


def smooth_gradient(w):
    """Its gradient, by hand."""
    return CURVES * np.cos(w) + 0.3 * w**2


# ---- the formulas ---------------------------------------------------------------------------------------------------


def test_the_step_and_the_difference_are_those_of_the_notes() -> None:
    """ε is 6e-6 · max(1, |θ|), and (J(θ+ε) − J(θ−ε))/2ε is what is compared: both are seen in the cost's arguments."""
    for start in (0.3, 500.0):
        seen = []

        def cost(w, seen=seen):
            seen.append(float(w[0]))
            return float(np.sin(w[0]) if w.dtype == np.float64 else np.nan)

        found = caviar.check_gradients(cost, np.array([start]), np.cos)
        nudge = 6e-6 * max(1.0, start)
        assert {start + nudge, start - nudge} <= set(seen)
        by_hand = (np.sin(start + nudge) - np.sin(start - nudge)) / (2 * nudge)
        assert found.worst[0].numerical == pytest.approx(by_hand, rel=1e-9 if start < 1 else 1e-5)


def test_the_error_of_two_sides_falls_with_the_square_of_the_step() -> None:
    """Halving ε quarters the error of the two-sided difference, and halves that of the one-sided."""

    def line(t):
        return np.exp(1.0 + t)

    # So much slack that the first difference is the answer.
    two = [abs(slope(line, np.e, step, 0.0, np.e, 1.0).value - np.e) for step in (4e-3, 2e-3)]
    one = [abs((line(step) - np.e) / step - np.e) for step in (4e-3, 2e-3)]
    assert two[0] / two[1] == pytest.approx(4.0, rel=1e-3)
    assert one[0] / one[1] == pytest.approx(2.0, rel=1e-2)


@given(scale=st.floats(-9, 0), seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_the_relative_difference_is_the_formula(scale: float, seed: int) -> None:
    """‖a − d‖ / (‖a‖ + ‖d‖) against NumPy, for errors of every size."""
    wrong = smooth_gradient(POINT) + 10.0**scale * np.random.default_rng(seed).normal(size=50)
    found = caviar.check_gradients(smooth, POINT, wrong)
    nudges = STEP * np.maximum(1.0, np.abs(POINT))
    numerical = np.array([
        (smooth(POINT + nudge) - smooth(POINT - nudge)) / (2 * nudge.sum()) for nudge in np.diag(nudges)
    ])  # fmt: skip
    formula = np.linalg.norm(numerical - wrong) / (np.linalg.norm(numerical) + np.linalg.norm(wrong))
    assert found.relative_difference == pytest.approx(formula, rel=1e-3, abs=3e-10)
    if level(formula) != "right":
        assert not found.passed


def test_scipy_and_the_check_agree_about_right_and_wrong() -> None:
    """What scipy.optimize.check_grad finds close passes, and what it finds apart does not."""
    for error in (0.0, 1e-2):

        def gradient(w, error=error):
            return smooth_gradient(w) * (1.0 + error)

        apart = optimize.check_grad(smooth, gradient, POINT)
        assert (apart < 1e-4) == (error == 0.0)
        assert caviar.check_gradients(smooth, POINT, gradient).passed == (error == 0.0)


def test_the_words_are_those_of_the_thresholds() -> None:
    """A factor 1 + 2e-7, 1 + 2e-5 and 1 + 2e-2 on the gradient read "right", "look again" and "wrong"."""
    verdicts = [
        caviar.check_gradients(smooth, POINT, smooth_gradient(POINT) * (1 + e)).verdict for e in (2e-7, 2e-5, 2e-2)
    ]
    assert verdicts == ["right", "look again", "wrong"]


def test_nothing_against_nothing_is_no_difference() -> None:
    """0/0 = 0: a cost that does not depend on its parameters, with the gradient 0, passes."""
    found = caviar.check_gradients(lambda w: 3.0, np.ones(4), np.zeros(4))
    assert found.passed and found.relative_difference == 0.0


# ---- one wrong entry of fifty ---------------------------------------------------------------------------------------


@jax.custom_vjp
def _doubtful(w, factors):
    return jnp.sum(jnp.asarray(CURVES) * jnp.tanh(w))


def _forward(w, factors):
    return _doubtful(w, factors), (w, factors)


def _backward(kept, upstream):
    w, factors = kept
    return upstream * factors * jnp.asarray(CURVES) * (1 - jnp.tanh(w) ** 2), None


_doubtful.defvjp(_forward, _backward)


@given(entry=st.integers(0, 49), error=st.sampled_from([-1.0, -0.2, -0.02, 1e-3, 0.02, 0.2, 1.0, 5.0]))
@settings(max_examples=24)
def test_one_wrong_entry_of_fifty_is_caught_every_time(entry: int, error: float) -> None:
    """A custom_vjp of float32 parameters with one entry off (−1: dropped) is wrong, and the entry is named."""
    factors = np.ones(50)
    factors[entry] += error
    found = caviar.check_gradients(lambda w, f: _doubtful(w, f), POINT.astype(np.float32), data=factors)
    assert found.verdict == "wrong"
    assert found.worst[0].index == (entry,)
    assert [one.verdict for one in found.worst[1:]] == ["right"] * 4
    assert f"parameters[{entry}]" in str(found)


def test_the_same_without_an_error_is_right() -> None:
    """The custom_vjp with every entry right passes, in float32 parameters too."""
    assert caviar.check_gradients(_doubtful, POINT.astype(np.float32), data=np.ones(50)).passed


@given(entry=st.integers(0, 2999), error=st.sampled_from([-1.0, 0.02, 1.0]))
@settings(max_examples=10)
def test_one_wrong_entry_of_three_thousand_is_found_by_directions(entry: int, error: float) -> None:
    """Where 40 entries are checked one by one, directions over all see the wrong one, and halving finds it."""
    start = np.random.default_rng(1).normal(size=(60, 50))
    gradient = 2 * np.cos(start)
    gradient.ravel()[entry] *= 1.0 + error
    found = caviar.check_gradients(lambda p: float(2 * np.sin(p["w"]).sum()), {"w": start}, {"w": gradient}, entries=40)
    assert found.verdict == "wrong"
    assert found.worst[0].place == f"w[{entry // 50}, {entry % 50}]"
    # 40 in the sample, and the one that was found where it is not among them.
    assert found.by_parameter["w"].checked in (40, 41)
    assert found.by_parameter["w"].disagreeing == DIRECTIONS


def test_a_sample_states_its_confidence() -> None:
    """Of n entries seen without a wrong one, a share above 1 − 0.05^(1/n) is excluded with 95 %."""
    start = {"w": np.linspace(-1, 1, 5000)}
    found = caviar.check_gradients(lambda p: float(np.sin(p["w"]).sum()), start, {"w": np.cos(start["w"])}, entries=500)
    share = found.by_parameter["w"].missed_share
    assert (1 - share) ** 500 == pytest.approx(0.05)
    assert found.passed and "500 of 5\xa0000 entries of w" in str(found) and "0.6 %" in str(found)


# ---- any arrays, any tree -------------------------------------------------------------------------------------------


def test_trees_of_jax_arrays_are_differentiated_by_jax() -> None:
    """Dicts, lists, tuples and named tuples nest; paths name the parameters; float32 parameters are made float64."""
    Pair = namedtuple("Pair", ["left", "right"])
    tree = {"layers": [Pair(jnp.ones((2, 3)), jnp.zeros(2))], "gain": (jnp.float32(0.5), 1.5)}
    seen = set()

    def cost(p):
        left, right = p["layers"][0]
        seen.add(str(left.dtype))
        return jnp.sum(jnp.tanh(left @ jnp.arange(3.0) + right) * p["gain"][0]) + p["gain"][1] ** 2

    found = caviar.check_gradients(cost, tree)
    assert found.passed and found.relative_difference < 1e-8
    assert list(found.by_parameter) == ["gain.0", "gain.1", "layers.0.left", "layers.0.right"]
    assert seen == {"float64"} and not jax.config.jax_enable_x64


def test_tensors_are_differentiated_by_pytorch() -> None:
    """A PyTorch cost is right by its autograd, as torch.autograd.gradcheck says; with a wrong backward it is not."""
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        factor = 2.0

        @staticmethod
        def forward(context, x):
            context.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(context, upstream):
            return Square.factor * context.saved_tensors[0] * upstream

    start = {"w": torch.linspace(-1, 1, 6).reshape(2, 3)}
    for factor in (2.0, 2.01):
        Square.factor = factor
        right = torch.autograd.gradcheck(Square.apply, start["w"].double().requires_grad_(), raise_exception=False)
        found = caviar.check_gradients(lambda p: Square.apply(p["w"]).sum(), start)
        assert found.passed == right == (factor == 2.0)
    assert found.worst[0].parameter == "w" and len(found.worst[0].index) == 2
    assert start["w"].dtype == torch.float32 and not start["w"].requires_grad


def test_a_network_of_pytorch_is_checked_by_its_state() -> None:
    """The named parameters of a module in double precision pass through functional_call."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)).double()
    rows = torch.randn(5, 3, dtype=torch.float64)
    found = caviar.check_gradients(
        lambda p: torch.func.functional_call(module, p, (rows,)).square().mean(), dict(module.named_parameters())
    )
    assert found.passed and set(found.by_parameter) == {"0.weight", "0.bias", "2.weight", "2.bias"}


# ---- where differences deceive --------------------------------------------------------------------------------------


def test_kinks_are_recognised() -> None:
    """|w| and ReLU at exactly 0 are named as kinks and pass; a value outside both one-sided derivatives does not."""
    start = np.array([0.0, 0.0, 1.0])
    for cost, right, wrong in (
        (lambda w: float(np.abs(w).sum() + w.sum()), [1.5, 1.0, 2.0], [3.0, 1.0, 2.0]),
        (lambda w: float(np.maximum(w, 0).sum()), [0.0, 0.3, 1.0], [-0.1, 0.0, 1.0]),
    ):
        found = caviar.check_gradients(cost, start, np.array(right))
        assert found.passed and "kink" in str(found)
        assert {entry.index for entry in found.kinks} <= {(0,), (1,)} and found.kinks
        assert caviar.check_gradients(cost, start, np.array(wrong)).verdict == "look again"


def test_a_kink_beside_the_point_is_stepped_over() -> None:
    """A ReLU that bends 1e-6 away, inside the first ε, neither hides an error nor makes one."""
    start = np.array([1e-6, -1e-6])

    def cost(w):
        return float(np.maximum(w, 0) @ np.array([3.0, 2.0]))

    found = caviar.check_gradients(cost, start, np.array([3.0, 0.0]))
    assert found.passed and not found.kinks
    assert caviar.check_gradients(cost, start, np.array([3.0, 0.1])).verdict == "wrong"


def test_strong_curvature_is_no_error() -> None:
    """e^{1000 w}, whose first difference is off by 6e-6, is right; so is a logarithm 1e-7 from its end."""
    assert caviar.check_gradients(lambda w: float(np.exp(1000 * w).sum()), np.zeros(2), np.full(2, 1000.0)).passed
    assert caviar.check_gradients(lambda w: float(np.log(w).sum()), np.full(2, 1e-7), np.full(2, 1e7)).passed


def test_a_minimum_is_not_wrong_for_its_rounding() -> None:
    """At a minimum both gradients are rounding, whose ratio means nothing: that is said, and passes."""

    def cost(w):
        return float(((w - 1) ** 2).sum() + 3.3)

    found = caviar.check_gradients(cost, np.ones(5) + 1e-11, lambda w: 2 * (w - 1))
    assert found.relative_difference > 1e-6
    assert found.passed and "rounding" in str(found)


def test_a_large_cost_does_not_hide_a_wrong_gradient() -> None:
    """Under a cost of 1e9, whose rounding drowns the first differences, 1 % is wrong and the right gradient passes."""

    def cost(w):
        return float((w**2).sum() + 1e9)

    for factor, verdict in ((1.0, "right"), (1.01, "wrong")):
        found = caviar.check_gradients(cost, POINT, 2 * factor * POINT)
        assert found.verdict == verdict, str(found)
    assert caviar.check_gradients(cost, POINT, 2 * POINT).relative_difference < 1e-4


def test_float32_inside_the_cost_is_noticed() -> None:
    """A cost that casts to float32 is never "right", its precision is stated, and an error of 1 % is still wrong."""

    def cost(w):
        return jnp.sum(jnp.sin(w.astype(jnp.float32)))

    found = caviar.check_gradients(cost, POINT)
    assert found.verdict == "look again" and "less than double precision" in str(found)
    assert found.relative_difference < 1e-3
    assert caviar.check_gradients(cost, POINT, 1.01 * np.cos(POINT)).verdict == "wrong"


def test_a_gradient_in_float32_is_said_to_be() -> None:
    """A gradient rounded to float32 is right, with a word on its precision."""
    found = caviar.check_gradients(smooth, POINT, smooth_gradient(POINT).astype(np.float32))
    assert found.passed and "less than double precision" in str(found)


def test_a_gradient_that_is_not_finite_is_wrong() -> None:
    """An infinite derivative (the root at 0) is wrong by an infinite difference, and named."""
    found = caviar.check_gradients(lambda w: float(np.sqrt(w).sum()), np.array([0.0, 1.0]), lambda w: 0.5 / np.sqrt(w))
    assert found.verdict == "wrong" and found.relative_difference == np.inf
    assert "parameters[0]" in str(found) and "not finite" in str(found)


def test_the_cost_may_change_what_it_is_given() -> None:
    """A cost that overwrites its parameters is checked on copies, and the person's arrays stay as they are."""
    start = np.ones(3)

    def cost(w):
        w *= 2.0
        return float((w**2).sum())

    assert caviar.check_gradients(cost, start, lambda w: 8 * w).passed
    assert start.tolist() == [1.0, 1.0, 1.0]


# ---- what cannot be checked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "parameters", "gradient", "says"),
    [
        (lambda w: GENERATOR.normal(), np.ones(2), np.ones(2), "random"),
        (lambda w: np.log(-w).sum(), np.ones(2), np.ones(2), "cost is nan"),
        (lambda w: (w**2).sum(), np.arange(3), None, "'parameters' must hold real numbers.*int64"),
        (lambda p: p["w"].sum(), {"w": np.ones(2), "name": "x"}, None, "'name' must hold real numbers.*a str"),
        (lambda p: p["n"] * 1.0, {"n": 3}, None, "'n' must hold real numbers.*a int"),
        (lambda w: 0.0, {}, None, "no entries"),
        (lambda w: 0.0, np.zeros((0, 3)), None, "no entries"),
        (lambda w: w**2, np.ones(3), None, r"array of shape \(3,\)"),
        (lambda w: (w.sum(), 1), np.ones(3), None, "Got a tuple"),
        (lambda w: None, np.ones(3), None, "Got nothing"),
        (lambda w: 1j, np.ones(3), None, "real number"),
        (lambda w: np.tanh(w).sum(), np.ones(3), None, "JAX cannot differentiate.*gradient="),
        (lambda w: w.sum(), np.ones(3), np.ones(2), r"shape \(3,\)"),
        (lambda w: w.sum(), np.ones(3), {"w": np.ones(3)}, "structure"),
        (lambda w: w.nothing, np.ones(3), None, "AttributeError"),
        (lambda w: w.sum(), np.array([1.0, np.nan]), np.ones(2), "NaN or infinity"),
    ],
)
def test_what_cannot_be_checked_is_a_sentence(cost, parameters, gradient, says: str) -> None:
    """Random, non-finite and vector costs, integers, empty trees and gradients that do not fit: one sentence each."""
    with pytest.raises(GradientError, match=says) as raised:
        caviar.check_gradients(cost, parameters, gradient)
    assert "\n" not in str(raised.value) and str(raised.value).endswith(".")


def test_data_of_float32_beside_tensors_is_a_sentence() -> None:
    """PyTorch does not multiply float64 by float32: the way out is named."""
    torch = pytest.importorskip("torch")
    rows = torch.ones(4, 3)
    with pytest.raises(GradientError, match="let the data beside the parameters be float64"):
        caviar.check_gradients(lambda w: (rows @ w).mean(), torch.ones(3))


def test_no_cost_is_evaluated_more_often_than_needed() -> None:
    """Fifty right entries take a hundred evaluations and some thirty to look at rounding and chance."""
    assert 100 <= caviar.check_gradients(smooth, POINT, smooth_gradient).evaluations <= 130
