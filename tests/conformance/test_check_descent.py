"""Row "Checking the descent": batch gradient descent at a small enough α lowers J at every step."""

from pathlib import Path

import jax
import numpy as np
import pytest

from caviar.data.encoding import fit_encoder
from caviar.data.streams import make_stream
from caviar.errors import StudyError
from caviar.networks.activations import ACTIVATIONS
from caviar.networks.initialisers import draw
from caviar.study.study import Study
from caviar.training.descent_check import look_at
from study.making import study

SMALL = {"hidden": [6], "batch_size": 32, "learning_rate": 0.1, "activation": "tanh", "initialisation": "lecun"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A network with L2 and dropout that the check must leave out, trained for an epoch."""
    made = study(tmp_path_factory.mktemp("descent") / "run", space=None)
    return made.train({**SMALL, "l2": 2.0, "keep_probability": 0.5, "optimiser": "adam"}, epochs=1)


def by_hand(of: Study, rate: float, steps: int) -> list[float]:
    """J of batch gradient descent with (λ/2m) Σ W², by plain NumPy from the trial's first weights."""
    stream = make_stream(of.splits, 0, of.seed)
    trial = of.trials[0]
    encoder = fit_encoder(of.dataset, stream.rows, trial.configuration["encoding"])
    inputs = encoder.transform(of.dataset, stream.rows).astype(np.float64)
    truth = np.eye(2)[of.material.targets[stream.rows]]
    m = len(inputs)
    w1, w2 = (w.astype(np.float64) for w in draw("lecun", 1.0, (inputs.shape[1], 6, 2), trial.seed))
    b1, b2 = np.zeros(6), np.zeros(2)
    costs = []
    for _ in range(steps + 1):
        hidden = np.tanh(inputs @ w1 + b1)
        logits = hidden @ w2 + b2
        shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        costs.append(-(truth * np.log(shares)).sum() / m + 2.0 / (2 * m) * ((w1**2).sum() + (w2**2).sum()))
        above = (shares - truth) / m
        below = (above @ w2.T) * (1 - hidden**2)
        w1, w2 = (
            w1 - rate * (inputs.T @ below + 2.0 / m * w1),
            w2 - rate * (hidden.T @ above + 2.0 / m * w2),
        )
        b1, b2 = b1 - rate * below.sum(axis=0), b2 - rate * above.sum(axis=0)
    return costs


def test_a_small_rate_lowers_the_cost_at_every_step(trained: Study) -> None:
    """At the trial's own α = 0.1 the costs fall at each of 50 steps, and are those of plain NumPy to 1e-9."""
    found = trained.check_descent(steps=50)
    assert found.passed and found.first_rise is None and found.cause == ""
    assert np.all(np.diff(found.costs) < 0) and len(found.costs) == 51
    assert found.learning_rate == 0.1
    assert found.costs == pytest.approx(by_hand(trained, 0.1, 50), rel=1e-9)
    assert "fell at every one of 50 steps" in str(found)


def test_the_first_rise_is_named(trained: Study) -> None:
    """At α = 60 NumPy's costs rise somewhere; the same step is named, and a smaller α is found that descends."""
    found = trained.check_descent(steps=20, learning_rate=60.0)
    truth = by_hand(trained, 60.0, 20)
    first = next(step for step in range(1, 21) if truth[step] > truth[step - 1])
    assert not found.passed and found.first_rise is not None
    assert found.first_rise.step == first
    assert (found.first_rise.before, found.first_rise.after) == pytest.approx(truth[first - 1 : first + 1], rel=1e-6)
    assert found.cause == "learning rate" and found.small_enough is not None
    assert np.all(np.diff(by_hand(trained, found.small_enough, 20)) < 0)
    assert np.any(np.diff(by_hand(trained, 4 * found.small_enough, 20)) > 0)
    assert f"rose at step {first}" in str(found) and "too large" in str(found)


def test_a_wrong_gradient_rises_at_every_rate(trained: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were tanh's derivative of the wrong sign, no α would descend, and the gradient is what is blamed."""

    @jax.custom_jvp
    def tanh(z):
        return jax.numpy.tanh(z)

    tanh.defjvp(lambda primals, tangents: (tanh(*primals), -40 * (1 - tanh(*primals) ** 2) * tangents[0]))
    monkeypatch.setitem(ACTIVATIONS, "tanh", tanh)
    found = trained.check_descent(steps=5)
    assert not found.passed and found.cause == "gradient" and found.small_enough is None
    assert "check_gradients" in str(found)


def test_the_largest_stable_rate_of_a_parabola_is_one() -> None:
    """(w − 5)² descends for α below 1 and rises above it: 0.99 passes, 1.01 does not, and 0.2525 is offered."""
    costs = [look_at(lambda rate: 25.0 * (1 - 2 * rate) ** (2 * np.arange(30.0)), rate) for rate in (0.99, 1.01)]
    assert [found.passed for found in costs] == [True, False]
    assert costs[1].first_rise is not None and costs[1].first_rise.step == 1
    assert costs[1].small_enough == 1.01 / 4


def test_a_rate_that_is_absurd_is_not_blamed_on_the_gradient() -> None:
    """However large the rate that rose, rates are tried down to a millionth before the gradient is called wrong."""
    found = look_at(lambda rate: 25.0 * (1 - 2 * rate) ** (2 * np.arange(5.0)), 1e9)
    assert found.cause == "learning rate" and found.small_enough is not None and 0.01 < found.small_enough < 1


def test_overflow_is_a_rise_and_rounding_is_none() -> None:
    """A cost that becomes infinite or NaN has risen; one that only rounds in its last digits has not."""
    assert look_at(lambda rate: np.array([1.0, 0.5, np.inf]) if rate > 0.1 else np.array([1.0, 0.9, 0.8]), 1.0).cause
    assert look_at(lambda rate: np.array([1.0, 1.0 + 2e-16, 1.0]), 1.0).passed
    assert "did not change" in str(look_at(lambda rate: np.ones(3), 1.0))


def test_arguments_that_make_no_sense_are_sentences(trained: Study) -> None:
    """No steps, or a rate that is not above 0, are refused."""
    for options in ({"steps": 0}, {"learning_rate": 0.0}, {"learning_rate": float("nan")}, {"learning_rate": "1"}):
        with pytest.raises(StudyError, match="must be"):
            trained.check_descent(**options)


def test_every_optimiser_s_trial_is_descended_plainly(tmp_path: Path) -> None:
    """Whatever the trial trained with, gradient descent is run: with L1, decay and batch norm too the cost falls."""
    made = study(tmp_path / "run", space=None)
    made.train(
        {**SMALL, "l1": 3.0, "weight_decay": 0.01, "batch_norm": True, "activation": "relu", "optimiser": "rmsprop",
         "initialisation": "he", "clip_norm": 0.1, "learning_rate": 0.01}, epochs=1,
    )  # fmt: skip
    assert made.check_descent(steps=60).passed
