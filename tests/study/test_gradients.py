"""A trial's own gradient, checked at its first and its best weights by the engine's cost."""

from pathlib import Path

import jax
import numpy as np
import pytest

from caviar.data.encoding import fit_encoder
from caviar.data.streams import batches, make_stream
from caviar.errors import StudyError
from caviar.networks.activations import ACTIVATIONS
from caviar.networks.initialisers import draw
from caviar.study.study import Study
from caviar.training.optimisers import UpdateRule
from study.making import ROWS, splits, study

PENALTIES = {"hidden": [6, 5], "batch_size": 32, "l1": 0.7, "l2": 1.3, "learning_rate": 0.02, "activation": "tanh"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A study of two small networks: with both penalties, and with all that is drawn, normalised or weighed as well."""
    made = study(tmp_path_factory.mktemp("gradients") / "run", space=None)
    made.train(PENALTIES, epochs=1)
    more = {"keep_probability": 0.7, "input_keep_probability": 0.9, "batch_norm": True, "optimiser": "adam"}
    more |= {"label_smoothing": 0.1, "class_weight": "balanced", "activation": "relu"}
    more |= {"batch_norm_place": "after", "batch_norm_output": True, "penalise_biases": True}
    return made.train({**PENALTIES, **more}, epochs=1)


def test_a_trial_is_checked_before_and_after_training(trained: Study) -> None:
    """Penalties, dropout with a frozen mask, batch norm, smoothed labels and weights of classes: all gradients pass."""
    for number in range(2):
        found = trained.check_gradients(number)
        assert found.passed, str(found)
        assert found.trial == number and found.trained is not None
        assert found.initial.relative_difference < 1e-7 and found.trained.relative_difference < 1e-7
        assert found.initial.cost != found.trained.cost
        assert "at its first weights is right" in str(found) and "after training is right" in str(found)


def test_the_cost_is_j_with_both_penalties(trained: Study) -> None:
    """J is Σ L/B + (λ₂/2m) Σ W² + (λ₁/2m) Σ |W|, with m of the train set, as NumPy computes it from the formula."""
    trial, material = trained.trials[0], trained.material
    stream = make_stream(trained.splits, 0, trained.seed)
    indices, present = batches(stream, 0, 32)
    rows = indices[0][present[0] > 0]
    inputs = fit_encoder(trained.dataset, stream.rows, "standard").transform(trained.dataset, rows).astype(np.float64)
    kind, scale = trial.configuration["initialisation"], trial.configuration["initialisation_scale"]
    weights = [w.astype(np.float64) for w in draw(kind, scale, (4, 6, 5, 2), trial.seed)]
    above = inputs
    for w in weights[:-1]:
        above = np.tanh(above @ w)
    logits = above @ weights[-1]
    costs = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(rows)), material.targets[rows]]
    squares, sizes = sum((w**2).sum() for w in weights), sum(np.abs(w).sum() for w in weights)
    j = costs.mean() + (1.3 * squares + 0.7 * sizes) / (2 * len(stream.rows))
    assert len(stream.rows) < ROWS
    assert trained.check_gradients(trial, entries=10).initial.cost == pytest.approx(j, rel=1e-9)


def test_a_penalty_that_the_rule_doubles_is_wrong(trained: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the update rule to add 2λ/m · W, the check would say so of every weight and of no bias."""
    right = UpdateRule.with_l2

    def doubled(self, parameters, gradients, penalised, h):
        return right(self, parameters, gradients, penalised, {**h, "l2": 2 * h["l2"]})

    monkeypatch.setattr(UpdateRule, "with_l2", doubled)
    found = trained.check_gradients(0)
    assert not found.passed and found.initial.verdict == "wrong"
    verdicts = {name: one.verdict for name, one in found.initial.by_parameter.items()}
    assert {name for name, verdict in verdicts.items() if verdict == "wrong"} == {f"weights.{n}" for n in range(3)}


def test_a_wrong_derivative_of_an_activation_is_wrong(trained: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were tanh's derivative 1 % too large, the layers below it would be named, and the last layer would be right."""

    @jax.custom_jvp
    def tanh(z):
        return jax.numpy.tanh(z)

    tanh.defjvp(lambda primals, tangents: (tanh(*primals), 1.01 * (1 - tanh(*primals) ** 2) * tangents[0]))
    monkeypatch.setitem(ACTIVATIONS, "tanh", tanh)
    found = trained.check_gradients(0).initial
    assert found.verdict == "wrong"
    assert found.by_parameter["weights.0"].verdict == "wrong" and found.by_parameter["weights.2"].verdict == "right"


def test_a_trial_that_is_not_there_is_a_sentence(trained: Study) -> None:
    """A number that no trial has is refused with the numbers that there are."""
    for number in (2, -1, 1.5, True):
        with pytest.raises(StudyError, match="trials 0 to 1"):
            trained.check_gradients(number)  # type: ignore[arg-type]


def test_a_study_without_trials_is_a_sentence(tmp_path: Path) -> None:
    """Nothing was trained, so there is no best trial to look at."""
    with pytest.raises(StudyError, match="Nothing was trained"):
        study(tmp_path / "run").check_gradients()


def test_regressions_are_checked_as_well(tmp_path: Path) -> None:
    """The squared loss of a regression passes, and its descent falls."""
    made = study(tmp_path / "run", splits=splits(task="regression"), space=None)
    made.train({"hidden": [], "batch_size": 32, "learning_rate": 0.01}, epochs=1)
    assert made.check_gradients().passed
    assert made.check_descent(steps=20).passed
