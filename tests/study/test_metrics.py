"""Trials compared by another metric than error or cost: measured while they train, told the same at the end."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import r2_score

import caviar
from caviar.errors import StudyError
from caviar.study import ranking
from caviar.study.study import Study
from caviar.study.summary import summary
from study.making import ROWS, Death, content, dies_after, differences, splits, study, table

BY_TASK = [("classification", name) for name in ("balanced_error", "f1", "auc")] + [("regression", "mae")]


@pytest.mark.parametrize(("task", "metric"), BY_TASK)
def test_the_value_compared_is_the_saved_models(task: str, metric: str, tmp_path: Path) -> None:
    """The best trial has the lowest value, and its network gives that value on the rows that choose."""
    found = study(tmp_path / "study", splits=splits(task=task), metric=metric).search(trials=6, epochs=8, stopping=None)
    best = found.best_trial
    values = {trial.number: ranking.value(trial, metric) for trial in found.trials}
    assert values[best.number] == min(values.values())
    assert values[best.number] == best.history["dev_value"].min()
    rows = found.splits.dev[found.splits.choose]
    told = found.best_model().evaluate(found.dataset, rows)
    assert ranking.in_words(values[best.number], metric) == pytest.approx(told[metric], rel=2e-5)
    assert best.dev_error == pytest.approx(told["error"], rel=2e-5)  # the error stays the error


def test_a_search_by_another_metric_comes_to_its_end(tmp_path: Path) -> None:
    """Halving, confirmation, findings and test set, all with AUC deciding; what is told is the mean of the folds."""
    found = study(tmp_path / "study", metric="auc").search(trials=12, epochs=9).finish()
    assert found.sealed and found.results["test"]["auc"] > 0.5
    winner = found.results["winner"]
    again = [ranking.value(found.store.trial(number), "auc") for number in winner["retrained"]]
    assert np.isfinite(again).all()
    assert winner["how"] == "cross-validation"
    assert found.results["judged_seeds"] == pytest.approx([1.0 - value for value in again], abs=1e-5)
    value, low, high = found.results["judged"]
    assert value == pytest.approx(np.mean(found.results["judged_seeds"]), abs=5e-3) and low < value < high


def test_what_is_not_chosen_is_not_measured(tmp_path: Path) -> None:
    """With the error deciding there is no further value, and R² compares as the error does."""
    plain = study(tmp_path / "plain", splits=splits(task="regression")).search(trials=2, epochs=3)
    assert np.isnan(plain.trials[0].history["dev_value"]).all()
    by_r2 = study(tmp_path / "r2", splits=splits(task="regression"), metric="r2").search(trials=2, epochs=3)
    assert by_r2.best_trial.number == plain.best_trial.number


def test_killed_and_resumed_it_is_the_same_search(tmp_path: Path) -> None:
    """The stored values decide again what they had decided."""
    whole = study(tmp_path / "whole", metric="f1").search(trials=12, epochs=9)
    dying = study(tmp_path / "study", metric="f1", watch=dies_after(2))
    with pytest.raises(Death):
        dying.search(trials=12, epochs=9)
    dying.store.close()
    resumed = Study(tmp_path / "study").resume()
    assert differences(content(whole), content(resumed)) == []


def test_a_metric_of_the_other_task_is_refused(tmp_path: Path) -> None:
    """The sentence names those that there are, and nothing is written."""
    with pytest.raises(StudyError, match=r"error or rmse or mae or r2\. Got 'auc'"):
        study(tmp_path / "study", splits=splits(task="regression"), metric="auc")
    assert not (tmp_path / "study").exists()


def test_r2_is_told_as_scikit_learn_computes_it(tmp_path: Path) -> None:
    """`metric_value` of a study by R², with sample weights, is r2_score of the model on the dev rows that choose."""
    frame = table(task="regression").with_columns(w=pl.Series(np.arange(1, ROWS + 1) % 5))
    cut = caviar.split(caviar.read(frame, target="y", weight="w"))
    begun = study(tmp_path / "r2", splits=cut, metric="r2").train(epochs=3)
    rows, model = cut.dev[cut.choose], begun.best_model()
    targets, weights = frame["y"].to_numpy()[rows], frame["w"].to_numpy()[rows]
    expected = r2_score(targets, model.predict(cut.dataset, rows), sample_weight=weights)
    assert summary(begun)["best"]["metric_value"] == pytest.approx(expected, rel=1e-4)
    unweighted = r2_score(targets, model.predict(cut.dataset, rows))
    assert abs(unweighted - expected) > 1e-3  # the weights matter here, or the test would not tell
