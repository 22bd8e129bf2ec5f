"""Promise 10: what a saved model predicts in a fresh process equals what was measured, row by row."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import caviar
from caviar.errors import DataError, ModelError
from caviar.study import becoming, keeping
from caviar.study.model import Model
from caviar.study.study import Study
from study.making import mixed_table, space, study

SCRIPT = Path(__file__).with_name("predict_apart.py")
ACTIVATIONS = ("relu", "tanh", "gelu", "silu", "sigmoid", "leaky_relu", "identity")
# float32 forward passes by two libraries; costs are kept as float16.
CLOSE, HALF = 2e-4, 2e-3


def measured_and_predicted(folder: Path, task: str) -> tuple[Study, dict[int, dict[str, Any]], bool]:
    """A study whose trials have every activation, with and without batch norm, and what their models predict apart."""
    table = mixed_table(task=task)
    varied = space(learning_rate=0.02).choose("activation", *ACTIVATIONS).choose("batch_norm", True, False)
    given = caviar.split(caviar.read(table, target="y"), seed=0)
    begun = study(folder / "study", splits=given, space=varied).search(
        trials=14, epochs=4, stopping=None, sampler="grid"
    )
    table[given.dev.tolist()].write_csv(folder / "dev.csv")
    paths = {str(folder / f"{t.number}.caviar"): t for t in begun.trials}
    for path, trial in paths.items():
        becoming.model_of(begun, trial).save(path)
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(folder / "dev.csv"), *paths], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return begun, {paths[path].number: told for path, told in found["models"].items()}, found["jax"]


@pytest.fixture(scope="module")
def classified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, dict[int, dict[str, Any]], bool]:
    """Classes, predicted apart."""
    return measured_and_predicted(tmp_path_factory.mktemp("classified"), "classification")


@pytest.fixture(scope="module")
def regressed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, dict[int, dict[str, Any]], bool]:
    """Numbers, predicted apart."""
    return measured_and_predicted(tmp_path_factory.mktemp("regressed"), "regression")


def covered(of: Study) -> set[tuple[str, bool]]:
    """Activations with and without batch norm that a study has tried."""
    return {(t.configuration["activation"], t.configuration["batch_norm"]) for t in of.trials}


def test_every_class_predicted_is_the_one_that_was_measured(classified: Any) -> None:
    """For every activation and batch norm on and off: the same rows are right and wrong, and cost the same."""
    begun, predicted, jax = classified
    assert not jax
    assert len(covered(begun)) == 2 * len(ACTIVATIONS)
    _, rows = keeping.load_weights(begun.store, begun.folder)
    targets = begun.dataset.targets[begun.splits.dev]
    for trial in begun.trials:
        told = predicted[trial.number]
        assert told["row_errors"] == rows[trial.number].errors.astype(float).tolist(), trial.configuration
        assert told["evaluated"]["error"] == pytest.approx(trial.dev_error, abs=1e-6)
        costs = -np.log(np.asarray(told["shares"])[np.arange(len(targets)), targets])
        np.testing.assert_allclose(costs, rows[trial.number].costs.astype(float), rtol=HALF, atol=HALF)
        assert told["evaluated"]["log_loss"] == pytest.approx(trial.dev_cost, rel=CLOSE)


def test_every_number_predicted_is_the_one_that_was_measured(regressed: Any) -> None:
    """Predictions come back in the target's units with the residuals that were measured."""
    begun, predicted, jax = regressed
    assert not jax
    assert len(covered(begun)) == 2 * len(ACTIVATIONS)
    _, rows = keeping.load_weights(begun.store, begun.folder)
    encoder = becoming.model_of(begun, begun.trials[0]).encoder
    for trial in begun.trials:
        told = predicted[trial.number]
        residuals = np.sqrt(np.asarray(told["row_errors"])) / encoder.target_scale
        np.testing.assert_allclose(residuals, np.sqrt(rows[trial.number].errors), rtol=CLOSE, atol=CLOSE)
        assert told["evaluated"]["rmse"] == pytest.approx(trial.dev_error, rel=CLOSE)
    spread = [np.std(told["predicted"]) for told in predicted.values()]
    assert max(spread) > 5.0  # the target's own spread is about 20


def test_a_model_says_where_it_comes_from(classified: Any) -> None:
    """A model carries its trial, its history, its schema, its classes and the versions that made it."""
    begun = classified[0]
    model = becoming.model_of(begun, begun.trials[3])
    assert model.classes == ("no", "yes")
    assert model.about["trial"]["configuration"] == begun.trials[3].configuration
    assert len(model.about["history"]["dev_error"]) == 4
    assert set(model.about["versions"]) >= {"caviar", "numpy"}
    assert [column.name for column in model.schema.columns if column.kind == "category"] == ["kind"]


@pytest.fixture
def model(classified: Any, tmp_path: Path) -> Model:
    """A model, saved and opened again."""
    begun = classified[0]
    return caviar.load(becoming.model_of(begun, begun.trials[0]).save(tmp_path / "one.caviar"))


def test_columns_are_found_by_name(model: Model) -> None:
    """The order of columns, extra ones and a missing target change no prediction."""
    table = mixed_table(60, seed=5)
    expected = model.predict_probabilities(table)
    turned = table.select(sorted(table.columns, reverse=True)).with_columns(extra=pl.lit("x"))
    np.testing.assert_array_equal(model.predict_probabilities(turned), expected)
    np.testing.assert_array_equal(model.predict_probabilities(turned.drop("y")), expected)
    np.testing.assert_array_equal(model.predict_probabilities(table.to_pandas()), expected)
    np.testing.assert_array_equal(model.predict(table), np.asarray(model.classes)[expected.argmax(axis=1)])


def test_rows_are_predicted_one_by_one_as_all_together(model: Model) -> None:
    """A row's prediction does not depend on the rows beside it, batch norm or not."""
    table = mixed_table(40, seed=6)
    whole = model.predict_probabilities(table)
    alone = np.concatenate([model.predict_probabilities(table[row]) for row in range(len(table))])
    np.testing.assert_allclose(alone, whole, rtol=1e-5, atol=1e-6)


def test_things_never_seen_are_predicted_all_the_same(model: Model) -> None:
    """New categories, gaps everywhere and numbers far outside give finite probabilities."""
    table = mixed_table(30, seed=7)
    strange = table.with_columns(kind=pl.lit("violet"), a=pl.lit(None, pl.Float64), b=pl.lit(1e30), day=pl.lit("?"))
    shares = model.predict_probabilities(strange)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)


def test_a_missing_column_is_named(model: Model) -> None:
    """A model cannot predict without a column it was trained on, and says which."""
    with pytest.raises(DataError, match="kind"):
        model.predict(mixed_table(20).drop("kind"))


def test_without_a_target_there_is_nothing_to_evaluate(model: Model) -> None:
    """Evaluating needs the target column; predicting does not."""
    with pytest.raises(DataError, match=r"no target column 'y' .*use predict"):
        model.evaluate(mixed_table(20).drop("y"))


def test_unknown_classes_are_counted_not_scored(model: Model) -> None:
    """Rows whose class the model never knew are left out of the error and counted."""
    table = mixed_table(30, seed=8)
    mixed = table.with_columns(y=pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("maybe")).otherwise(pl.col("y")))
    told = model.evaluate(mixed)
    assert told["unknown_targets"] == 5
    assert told["examples"] == 25
    assert told["error"] == pytest.approx(model.evaluate(table[5:])["error"])
    with pytest.raises(DataError, match=r"no target column 'y' with values that this model knows \(no, yes\)"):
        model.evaluate(table.with_columns(y=pl.lit("maybe")))


def test_numbers_have_no_probabilities(regressed: Any) -> None:
    """Asking a model of numbers for probabilities is answered by a sentence."""
    begun = regressed[0]
    with pytest.raises(ModelError, match="predicts numbers"):
        becoming.model_of(begun, begun.trials[0]).predict_probabilities(mixed_table(10))


def test_weights_that_are_not_the_trials_best_are_not_taken_for_it(classified: Any) -> None:
    """A record whose best epoch came after its weights were kept gives a sentence, not another network."""
    from dataclasses import replace

    from caviar.errors import StudyError

    begun = classified[0]
    with pytest.raises(StudyError, match="weights of trial 0 are not kept"):
        becoming.model_of(begun, replace(begun.trials[0], dev_error=0.001))


def test_damaged_and_foreign_files_are_refused(tmp_path: Path, model: Model) -> None:
    """A file that is no model, or half of one, gives a sentence."""
    path = model.save(tmp_path / "whole.caviar")
    (tmp_path / "half.caviar").write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    (tmp_path / "text.caviar").write_text("not a model")
    for name in ("half.caviar", "text.caviar", "none.caviar"):
        with pytest.raises(ModelError, match=name):
            caviar.load(tmp_path / name)
