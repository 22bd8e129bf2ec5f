"""Optimisers, penalties, decays and the loop agree with the numbers worked out on paper."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reference.averages import carry, corrected
from reference.decay import learning_rate
from reference.example import ROWS, distance, example
from reference.losses import LOSSES
from reference.network import forward
from reference.optimisers import OPTIMISERS, clip, soft_threshold, update
from reference.optimisers import forget as no_memory
from reference.train import PLAIN, Batch, steps, train


def test_averages_are_those_of_the_worked_example() -> None:
    """β 0.9, θ 40 and 49: v is 4 and 8.5; corrected 40 and 44.74."""
    first = carry(np.zeros(1), np.array([40.0]), 0.9)
    second = carry(first, np.array([49.0]), 0.9)
    assert [first[0], second[0]] == pytest.approx([4.0, 8.5])
    assert [corrected(first, 0.9, 1)[0], corrected(second, 0.9, 2)[0]] == pytest.approx([40.0, 44.74], abs=5e-3)


# α₀ = 0.2, two updates an epoch, horizon of 4 epochs: the rates of updates 1, 2, 3, 5 and 8 (epochs 0, 0, 1, 2, 3).
DECAYED = {
    "constant": [0.2, 0.2, 0.2, 0.2, 0.2],
    "inverse_time": [0.2, 0.2, 0.1, 0.2 / 3, 0.05],
    "exponential": [0.2, 0.2, 0.19, 0.1805, 0.171475],
    "sqrt_epoch": [0.2, 0.2, 0.2 / math.sqrt(2), 0.2 / math.sqrt(3), 0.1],
    "sqrt_step": [0.2, 0.2 / math.sqrt(2), 0.2 / math.sqrt(3), 0.2 / math.sqrt(5), 0.2 / math.sqrt(8)],
    "staircase": [0.2, 0.2, 0.2, 0.19, 0.19],
    "cosine": [0.2, 0.1 * (1 + math.cos(math.pi / 8)), 0.1 * (1 + math.cos(math.pi / 4)), 0.1,
               0.1 * (1 + math.cos(7 * math.pi / 8))],
}  # fmt: skip


@pytest.mark.parametrize("decay", DECAYED)
def test_every_decay_gives_the_rates_worked_out_by_hand(decay: str) -> None:
    """Epochs count from 0, updates from 1."""
    c = PLAIN | {"learning_rate": 0.2, "decay": decay, "decay_steps": 2}
    assert [learning_rate(c, t, 2, 4) for t in (1, 2, 3, 5, 8)] == pytest.approx(DECAYED[decay], rel=1e-12)


def test_the_cosine_stays_at_nothing_after_its_horizon() -> None:
    """It does not rise again."""
    c = PLAIN | {"decay": "cosine"}
    assert [learning_rate(c, t, 2, 4) for t in (9, 12, 17)] == pytest.approx([0.0, 0.0, 0.0], abs=1e-17)


def test_warm_up_rises_in_proportion_and_multiplies_the_decay() -> None:
    """Over 1.5 epochs of 4 updates the rate is t/6 of the decayed one, then all of it."""
    c = PLAIN | {"learning_rate": 0.6, "decay": "inverse_time", "warmup": 1.5}
    assert [learning_rate(c, t, 4, 9) for t in (1, 4, 5, 6, 7)] == pytest.approx([0.1, 0.4, 0.25, 0.3, 0.3])


@pytest.mark.parametrize("coefficients, towards", [((1, -10, 25), 5.0), ((1, -20, 100), 10.0)])
def test_gradient_descent_on_the_quadratic_of_the_notes(coefficients: tuple[int, ...], towards: float) -> None:
    """w² − 10w + 25 from 0 at α 0.01: 0.1 after one step, after 1 000 more within 1.2e-5 of 5."""
    a, b, _ = coefficients
    w = {"weights.0": np.zeros((1, 1))}
    memory, c = no_memory(w), PLAIN | {"examples": 1}
    for t in range(1, 1002):
        w, memory = update(w, {"weights.0": 2 * a * w["weights.0"] + b}, memory, t, 0.01, c)
        if t == 1:
            assert w["weights.0"][0, 0] == pytest.approx(-0.01 * b)
    assert abs(w["weights.0"][0, 0] - towards) < 1.2e-5


def test_every_optimiser_takes_its_first_step_as_by_hand() -> None:
    """From g = 2 at α 0.1: 0.2; (1−β) of it; Nesterov (1−β²); RMSprop α g/(√((1−β)g²)); Adam α."""
    expected = {
        "gradient_descent": 0.2,
        "momentum": 0.02,
        "nesterov": 0.038,
        "rmsprop": 0.1 / math.sqrt(0.1),
        "adam": 0.1,
    }
    assert expected.keys() == OPTIMISERS.keys()
    w = {"biases.0": np.zeros(1)}
    for name, step in expected.items():
        c = PLAIN | {"optimiser": name, "examples": 1, "beta_2": 0.9 if name == "rmsprop" else 0.999}
        after, _ = update(w, {"biases.0": np.array([2.0])}, no_memory(w), 1, 0.1, c)
        assert after["biases.0"][0] == pytest.approx(-step, rel=1e-7), name


def test_epsilon_stands_outside_the_root() -> None:
    """With ε = 1 and g = 3 Adam's first step is α · 3/(3 + 1), not α · 3/√(9 + 1)."""
    w = {"biases.0": np.zeros(1)}
    c = PLAIN | {"optimiser": "adam", "epsilon": 1.0, "examples": 1}
    after, _ = update(w, {"biases.0": np.array([3.0])}, no_memory(w), 1, 0.1, c)
    assert after["biases.0"][0] == pytest.approx(-0.075)


def test_l2_is_weight_decay_by_lambda_over_m_for_gradient_descent_only() -> None:
    """W ← (1 − αλ/m) W − α dW both ways; under Adam the two part."""
    network, data = example((5,))
    batches = [[Batch(np.arange(ROWS))] * 3]
    for optimiser, equal in (("gradient_descent", True), ("adam", False)):
        both = [
            train(network, data, batches, PLAIN | {"optimiser": optimiser, **penalty})[-1]
            for penalty in ({"l2": 0.7}, {"weight_decay": 0.7 / ROWS})
        ]
        assert (distance(*both) < 1e-14) is equal


@pytest.mark.parametrize("changed", [{"activation": "silu"}, {"batch_norm": True}])
def test_a_configuration_of_another_network_is_refused(changed: dict[str, object]) -> None:
    """Activation and batch norm stand in the network too; a configuration that differs is not silently overruled."""
    network, data = example((5,))
    with pytest.raises(AssertionError, match="the configuration does not"):
        train(network, data, [[Batch(np.arange(ROWS))]], PLAIN | changed)


def test_penalties_leave_biases_gamma_and_beta_alone() -> None:
    """With no gradient from the data, huge penalties move the weights and nothing else."""
    network, data = example((5,), batch_norm=True)
    silent = replace(data, weights=np.zeros(ROWS))
    for penalty in ({"l1": 1.0}, {"l2": 1.0}, {"weight_decay": 0.5}):
        after = train(network, silent, [[Batch(np.arange(ROWS))]], PLAIN | {"batch_norm": True, **penalty})[0]
        for name in network.learnt():
            moved = not np.array_equal(after[name], network.parameters[name])
            assert moved is name.startswith("weights"), (penalty, name)


def test_l1_makes_weights_exactly_zero_and_crosses_no_sign() -> None:
    """A proximal step of threshold αλ/2m: 0.3, −0.04 and 0 become 0.25, 0 and 0 at threshold 0.05."""
    w = {"weights.0": np.array([[0.3, -0.04, 0.0]])}
    c = PLAIN | {"l1": 10.0, "examples": 100}
    after, _ = update(w, {"weights.0": np.zeros((1, 3))}, no_memory(w), 1, 1.0, c)
    assert after["weights.0"][0] == pytest.approx([0.25, 0.0, 0.0])
    assert after["weights.0"][0, 1] == 0.0


def test_the_threshold_of_l1_is_scaled_like_an_adaptive_step() -> None:
    """Adam divides the step of this weight by √ŝ + ε = 4, so the threshold of 0.05 is divided by 4 too."""
    w = {"weights.0": np.array([[1.0]])}
    c = PLAIN | {"optimiser": "adam", "l1": 10.0, "examples": 100}
    after, _ = update(w, {"weights.0": np.array([[4.0]])}, no_memory(w), 1, 1.0, c)
    assert after["weights.0"][0, 0] == pytest.approx(0.0, abs=1e-8)  # 1 − 1 · 4/4 = 0, already within the threshold
    after, _ = update(w, {"weights.0": np.array([[-4.0]])}, no_memory(w), 1, 1.0, c)
    assert after["weights.0"][0, 0] == pytest.approx(2.0 - 0.05 / 4)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=8), st.floats(0, 3))
def test_the_soft_threshold_is_the_proximal_map(values: list[float], threshold: float) -> None:
    """It minimises ½(x − w)² + threshold·|x|: no x on a fine grid does better."""
    w = np.array(values)
    best = soft_threshold(w, threshold)
    grid = np.linspace(-6, 6, 1201)[:, None]
    objective = 0.5 * (grid - w) ** 2 + threshold * np.abs(grid)
    assert (0.5 * (best - w) ** 2 + threshold * np.abs(best) <= objective.min(axis=0) + 1e-12).all()


@settings(deadline=None, derandomize=True)
@given(st.floats(1e-3, 1e3))
def test_clipping_keeps_the_direction_and_bounds_the_length(largest: float) -> None:
    """One factor for all parameters, and none where the whole is short enough."""
    gradients = {"weights.0": np.array([[3.0, -4.0]]), "biases.0": np.array([12.0])}  # of length 13
    clipped = clip(gradients, largest)
    factor = min(1.0, largest / 13)
    assert all(np.allclose(clipped[name], g * factor, rtol=1e-12) for name, g in gradients.items())


def test_the_norm_that_is_clipped_includes_the_l2_term() -> None:
    """A gradient of length 3 with λ/m W of length 4 at a right angle has length 5."""
    w = {"weights.0": np.array([[0.0, 4.0]])}
    c = PLAIN | {"l2": 2.0, "clip_norm": 1.0, "examples": 2}
    after, _ = update(w, {"weights.0": np.array([[3.0, 0.0]])}, no_memory(w), 1, 1.0, c)
    assert (w["weights.0"] - after["weights.0"])[0] == pytest.approx([0.6, 0.8])


def test_a_short_batch_counts_each_of_its_rows_fully() -> None:
    """The cost of a batch is Σ w L over its own number of rows, not over the sum of the weights."""
    network, data = example(())
    rows = np.array([2, 5])
    _, value, _ = next(steps(network, data, [[Batch(rows)]], PLAIN))
    outputs, _, _ = forward(network, data.inputs[rows])
    assert data.weights is not None
    by_hand = (data.weights[rows] * LOSSES["softmax"].value(outputs, data.targets[rows], 0.0)).sum() / 2
    assert value == pytest.approx(by_hand, rel=1e-14)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_batch_gradient_descent_without_dropout_lowers_the_cost_at_every_step(batch_norm: bool) -> None:
    """At a small enough α each of 50 costs is below the one before."""
    network, data = example((5, 4), activation="tanh", batch_norm=batch_norm)
    c = PLAIN | {"activation": "tanh", "batch_norm": batch_norm, "learning_rate": 0.02}
    run = steps(network, data, [[Batch(np.arange(ROWS))] * 50], c)
    assert (np.diff([value for _, value, _ in run]) < 0).all()


def test_training_returns_the_model_after_each_update() -> None:
    """One entry an update, with the names of a saved model: biases dropped and averages present under batch norm."""
    network, data = example((5,), batch_norm=True)
    found = train(network, data, [[Batch(np.arange(4)), Batch(np.arange(4, 7))]] * 2, PLAIN | {"batch_norm": True})
    assert len(found) == 4
    assert sorted(found[0]) == [
        "beta.0", "biases.1", "gamma.0", "mean.0", "variance.0", "weights.0", "weights.1",
    ]  # fmt: skip
    assert not np.array_equal(found[0]["weights.0"], found[1]["weights.0"])
