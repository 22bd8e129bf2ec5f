"""Where formulas easily go wrong: β = 0, targets that are all equal, one row, constant features, nothing on."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.errors import DataError, SpaceError
from caviar.records.status import Status
from caviar.search.hyperparameters import complete
from conformance.engine import Engine, wide
from study.making import space

few = settings(max_examples=20, deadline=None, derandomize=True)
SEEDS = st.integers(0, 2**31)
RATES = st.floats(1e-4, 0.5)


def problem(seed: int, m: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Rows of three features with numbers to predict."""
    generator = np.random.default_rng(seed)
    return generator.standard_normal((m, 3)), generator.standard_normal(m)


def slopes(network: Engine) -> np.ndarray:
    """dJ/dW of the mean of half the squared errors of a linear network, by NumPy."""
    residual = network.inputs @ network.weights[0] + network.biases[0] - np.asarray(network.targets)[:, None]
    return network.inputs.T @ residual / len(residual)


@few
@given(SEEDS, RATES, st.sampled_from(["momentum", "nesterov"]))
def test_momentum_without_a_memory_is_gradient_descent(seed: int, rate: float, optimiser: str) -> None:
    """At β = 0 momentum and Nesterov's form walk W ← W − α dW, for any rows and α."""
    with wide():
        network = Engine({"optimiser": optimiser, "momentum": 0.0, "learning_rate": rate}, *problem(seed))
        for _ in range(4):
            wanted = network.weights[0] - rate * slopes(network)
            network.update()
            np.testing.assert_allclose(network.weights[0], wanted, rtol=1e-12, atol=1e-14)


@few
@given(SEEDS, RATES, st.floats(1e-8, 1.0), st.sampled_from(["rmsprop", "adam"]))
def test_adaptive_steps_without_a_memory_are_signs(seed: int, rate: float, epsilon: float, optimiser: str) -> None:
    """At β = 0 RMSprop and Adam step by α·g/(|g| + ε): nothing is carried, and the corrections divide by 1, not 0."""
    with wide():
        betas = {"beta_1": 0.0, "beta_2": 0.0, "epsilon": epsilon}
        network = Engine({"optimiser": optimiser, "learning_rate": rate, **betas}, *problem(seed))
        for _ in range(4):
            slope = slopes(network)
            wanted = network.weights[0] - rate * slope / (np.abs(slope) + epsilon)
            network.update()
            np.testing.assert_allclose(network.weights[0], wanted, rtol=1e-9, atol=1e-12)


@few
@given(SEEDS, st.floats(-1e3, 1e3))
def test_numbers_that_are_all_equal_are_learnt(seed: int, value: float) -> None:
    """Where every target is one number, a linear network's least squares is that number: descent nears it."""
    with wide():
        inputs, _ = problem(seed)
        network = Engine({"learning_rate": 0.1}, inputs, np.full(len(inputs), value))
        costs = network.descend(200)
        assert np.isfinite(costs).all() and costs[-1] <= 0.02 * costs[0] + 1e-12


@few
@given(SEEDS, st.integers(2, 5), st.sampled_from([[], [6]]))
def test_classes_that_are_all_equal_stay_finite(seed: int, classes: int, hidden: list[int]) -> None:
    """Where every row has the last class, softmax drives the cost towards 0 without a number that is not finite."""
    with wide():
        inputs, _ = problem(seed)
        network = Engine({"learning_rate": 0.5, "hidden": hidden}, inputs, np.full(len(inputs), classes - 1), "softmax")
        costs = network.descend(100)
        assert np.isfinite(costs).all() and costs[-1] < 0.2 * max(costs[0], 0.05)
        assert all(np.isfinite(w).all() for w in network.weights)


@few
@given(SEEDS, st.booleans())
def test_one_row_is_enough_to_descend(seed: int, constant: bool) -> None:
    """With m = 1 the update is the formula's, λ/m is λ, and a feature that is 0 leaves its weights where they are."""
    with wide():
        inputs, targets = problem(seed, m=1)
        if constant:
            inputs[:, 1] = 0.0  # as a constant feature is after centring
        network = Engine({"learning_rate": 0.1, "l2": 0.0 if constant else 0.3}, inputs, targets)
        before = network.weights[0]
        wanted = before - 0.1 * (slopes(network) + (0.0 if constant else 0.3) * before)
        network.update()
        np.testing.assert_allclose(network.weights[0], wanted, rtol=1e-12, atol=1e-15)
        if constant:
            assert network.weights[0][1, 0] == before[1, 0]


@few
@given(SEEDS, st.sampled_from([4, 9]))
def test_what_is_set_to_nothing_does_nothing(seed: int, units: int) -> None:
    """Keep probability 1, λ = 0 and decay 0, in a program that has them all, train as a program without them."""
    off = {"keep_probability": 1.0, "input_keep_probability": 1.0, "l1": 0.0, "l2": 0.0, "weight_decay": 0.0}
    on = {"keep_probability": 0.5, "input_keep_probability": 0.8, "l1": 1.0, "l2": 1.0, "weight_decay": 0.1}
    with wide():
        own = {"hidden": [units], "learning_rate": 0.1}
        larger = Engine({**own, **on}, *problem(seed)).features
        plain, same = Engine(own, *problem(seed)), Engine({**own, **off}, *problem(seed), within=larger)
        assert plain.features != larger
        np.testing.assert_allclose(same.descend(5), plain.descend(5), rtol=1e-13)
        for one, other in zip(plain.weights, same.weights, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


def test_targets_that_are_all_equal_are_refused_in_a_sentence() -> None:
    """A column with one class or one number teaches nothing, which reading says, with the value."""
    for target, said in ((["x"] * 30, "same class"), ([2.5] * 30, "same target")):
        with pytest.raises(DataError, match=said):
            caviar.read(pl.DataFrame({"a": np.arange(30.0), "y": target}), target="y")


def given_sets(train: int, dev: int = 20) -> pl.DataFrame:
    """A table whose sets are given; the target varies in dev alone where train has one row or equal ones."""
    generator = np.random.default_rng(0)
    names = ["train"] * train + ["dev"] * dev
    target = np.concatenate([np.full(train, 1.5), generator.standard_normal(dev)])
    return pl.DataFrame({"a": generator.standard_normal(train + dev), "set": names, "y": target})


@pytest.mark.parametrize("train", [1, 40])
def test_a_train_set_without_a_spread_trains(train: int, tmp_path: Path) -> None:
    """One train row, or forty with one target: σ counts as 1, and the network comes to predict that number."""
    splits = caviar.split(caviar.read(given_sets(train), target="y", split="set"))
    run = caviar.Study(tmp_path / "run", splits, space=space(learning_rate=0.05))
    trial = run.train(epochs=30).trials[0]
    assert trial.status is Status.FINISHED and np.isfinite(trial.history["cost"]).all()
    assert trial.history["train_error"][-1] < 0.2  # of a target of 1.5; the first weights are off by about 1
    assert np.isfinite(run.best_model().predict(run.dataset, splits.dev)).all()


def test_batch_norm_of_one_row_is_refused(tmp_path: Path) -> None:
    """A train set of one row has batches of one, without a variance to divide by: refused before a trial exists."""
    splits = caviar.split(caviar.read(given_sets(1), target="y", split="set"))
    run = caviar.Study(tmp_path / "run", splits, space=space(batch_norm=True, learning_rate=0.05))
    for ask in (run.train, run.search, run.babysit, run.find_learning_rate):
        with pytest.raises(SpaceError, match="the train set has one"):
            ask()
    with pytest.raises(SpaceError, match="'batch_size' 3 or more"):
        complete({"batch_norm": True, "batch_size": 2})
    assert run.trials == [] and run.train({"batch_norm": False}, epochs=2).trials[0].status is Status.FINISHED
