"""A study as a person uses it from Python: beginning, opening, training in odd ways, and what is refused."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import caviar
from caviar.errors import SpaceError, StudyError
from caviar.records.history import FIELDS
from caviar.records.probes import PROBES
from caviar.records.status import Status
from caviar.study.study import Study
from caviar.study.summary import state_of
from study.making import Death, content, data, dies_after, differences, mixed_table, space, splits, study, table


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A search of eight trials with halving, not finished."""
    return study(tmp_path_factory.mktemp("searched") / "study").search(trials=8, epochs=6)


# ---- records ---------------------------------------------------------------------------------------------------------


def test_trials_are_frozen_records_with_histories(searched: Study) -> None:
    """A trial tells its configuration, its errors and its history by own epoch, and cannot be changed."""
    for number, trial in enumerate(searched.trials):
        assert trial.number == number
        assert trial.status in (Status.FINISHED, Status.STOPPED)
        assert trial.configuration["hidden"] == [8]
        assert set(trial.history) == {"epoch", *FIELDS, *PROBES}
        assert trial.history["update_ratio"].shape == (trial.epochs, 2)
        assert trial.history["epoch"].tolist() == list(range(1, trial.epochs + 1))
        best = trial.history["dev_error"].min()
        assert trial.dev_error == best == trial.history["dev_error"][trial.best_epoch - 1]
        with pytest.raises(AttributeError):
            trial.dev_error = 0.0  # type: ignore[misc]


def test_halving_stops_all_but_the_best_third_at_each_rung(searched: Study) -> None:
    """Stopped trials say at which rung and in which place; those that go on were among the best there."""
    stopped = [trial for trial in searched.trials if trial.status is Status.STOPPED]
    assert len(stopped) >= 4
    for trial in stopped:
        assert trial.reason.startswith(f"epoch {trial.epochs}: place ")
        assert trial.epochs < 6
    assert all(trial.epochs == 6 for trial in searched.trials if trial.status is Status.FINISHED)


def test_the_best_trial_has_the_lowest_dev_error(searched: Study) -> None:
    """Before a confirmation the best is the trial with the lowest dev error; equal ones are told apart by cost."""
    order = sorted(searched.trials, key=lambda trial: (trial.dev_error, trial.dev_cost))
    assert searched.best_trial == order[0]


def test_what_exists_is_opened(searched: Study) -> None:
    """A folder that holds a study is opened with all it holds, without its data being read."""
    opened = caviar.Study(searched.folder)
    assert opened.trials == searched.trials
    assert (opened.seed, opened.metric, opened.space) == (searched.seed, searched.metric, searched.space)
    assert opened._splits is None


# ---- beginning and opening -------------------------------------------------------------------------------------------


def test_nothing_to_open_and_nothing_to_begin_with(tmp_path: Path) -> None:
    """A folder without a study needs splits."""
    with pytest.raises(StudyError, match=r"There is no study in .*Give the splits"):
        Study(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    """A study is not begun among a person's own files, nor in the place of one."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(StudyError, match="is not empty and holds no study"):
        study(tmp_path / "mine")
    assert [path.name for path in tmp_path.rglob("*")] == ["mine", "letter.txt"]
    (tmp_path / "file").write_text("x")
    with pytest.raises(StudyError, match="is a file, and a study is a folder"):
        study(tmp_path / "file")
    with pytest.raises(StudyError, match="cannot be made"):
        study(tmp_path / "file" / "below")


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    """A folder that somebody made for the study is used."""
    (tmp_path / "made").mkdir()
    assert study(tmp_path / "made").trials == []


def test_a_study_is_not_opened_with_other_data_seed_or_metric(searched: Study) -> None:
    """What a study was begun with stays; the same again is fine."""
    again = Study(searched.folder, splits(), space=space(), seed=0, metric="error")
    assert again.trials == searched.trials
    with pytest.raises(StudyError, match="holds a study of other data"):
        Study(searched.folder, splits(seed=3))
    with pytest.raises(StudyError, match=r"begun with seed 0\. Got 1"):
        Study(searched.folder, seed=1)
    with pytest.raises(StudyError, match=r"begun with metric 'error'\. Got 'log_loss'"):
        Study(searched.folder, metric="log_loss")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"metric": "mae"}, "compared by error or log_loss or balanced_error or f1 or auc. Got 'mae'"),
        ({"seed": -1}, "'seed' must be a whole number from 0 that fits into 63 bits. Got -1"),
        ({"seed": 1.5}, "'seed' must be a whole number from 0 that fits into 63 bits. Got 1.5"),
        ({"base_error": 5.0}, r"'base_error' must be a share from 0 to below 1 \(0.05 is 5 %\). Got 5.0"),
        ({"base_error": float("nan")}, "'base_error' must be"),
    ],
)
def test_what_a_study_cannot_begin_with_leaves_nothing(tmp_path: Path, options: Any, sentence: str) -> None:
    """A wrong option gives a sentence and no folder."""
    with pytest.raises(StudyError, match=sentence):
        study(tmp_path / "study", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"trials": 0}, "'trials' must be a whole number from 1 to 1000000. Got 0"),
        ({"trials": 2.5}, "'trials' must be"),
        ({"epochs": 0}, "'epochs' must be"),
        ({"stopping": "luck"}, "There is no stopping rule 'luck'. There are: halving, patience, none"),
        ({"sampler": "tea leaves"}, "'sampler' must be one of random, grid, coarse_to_fine. Got 'tea leaves'"),
        ({"minutes": 0.0}, "'minutes' must be above 0. Got 0.0"),
        ({"minutes": float("nan")}, "'minutes' must be above 0"),
    ],
)
def test_what_cannot_be_searched_changes_nothing(tmp_path: Path, options: Any, sentence: str) -> None:
    """A wrong argument gives a sentence before anything is planned."""
    begun = study(tmp_path / "study")
    with pytest.raises(StudyError, match=sentence):
        begun.search(**{"trials": 2, "epochs": 2, **options})
    assert begun.campaigns == []


def test_a_configuration_that_is_not_allowed_is_refused(tmp_path: Path) -> None:
    """Training one network with a value outside its rule gives a sentence and plans nothing."""
    begun = study(tmp_path / "study")
    with pytest.raises(SpaceError, match="learning_rate"):
        begun.train({"learning_rate": -1.0})
    with pytest.raises(SpaceError, match="lerning_rate"):
        begun.train({"lerning_rate": 0.1})
    assert begun.campaigns == []


def test_a_grid_too_large_to_walk_is_refused_before_it_is_planned(tmp_path: Path) -> None:
    """A sampler that refuses the space leaves a study that can still be searched in another way."""
    wide = caviar.Space()
    for name in ("learning_rate", "l1", "l2", "weight_decay", "beta_1", "beta_2", "epsilon", "label_smoothing"):
        wide = wide.vary(name)
    for name, options in (("decay", ("constant", "cosine")), ("activation", ("relu", "tanh", "gelu", "silu"))):
        wide = wide.choose(name, *options)
    wide = wide.vary("initialisation_scale").vary("clip_norm")
    begun = study(tmp_path / "study", space=wide)
    with pytest.raises(SpaceError, match="A grid of this space has"):
        begun.search(trials=2, epochs=2, sampler="grid")
    assert begun.unfinished() is None


def test_before_anything_is_trained_there_is_no_best(tmp_path: Path) -> None:
    """An untouched study says that nothing was trained, not that everything diverged."""
    begun = study(tmp_path / "study")
    for ask in (lambda: begun.best_trial, begun.best_model, begun.finish, begun.confirm):
        with pytest.raises(StudyError, match=r"Nothing was trained in .* yet"):
            ask()
    assert begun.resume().trials == []


# ---- two at once, and data that moves --------------------------------------------------------------------------------


def test_one_study_is_trained_by_one_process(tmp_path: Path) -> None:
    """While somebody else holds the study, training gives a sentence with who that is, and writes nothing."""
    begun = study(tmp_path / "study")
    kitchen = Study(tmp_path / "study").store
    lease = kitchen.acquire(0, holder="the laptop in the kitchen", seconds=60.0)
    for ask in (lambda: begun.search(trials=8, epochs=2), lambda: begun.train(epochs=2), begun.babysit):
        with pytest.raises(StudyError, match="being trained by the laptop in the kitchen"):
            ask()
    assert begun.campaigns == [] and begun.trials == [] and begun.unfinished() is None
    assert begun.results == {}
    kitchen.release(lease)
    assert len(begun.search(trials=8, epochs=2).trials) == 8


def test_what_was_interrupted_is_gone_on_with_first(tmp_path: Path) -> None:
    """A study whose search was not done refuses another one, and says how to go on; meanwhile one process may."""
    begun = study(tmp_path / "study", watch=dies_after(1))
    with pytest.raises(Death):
        begun.search(trials=8, epochs=2)
    other = Study(tmp_path / "study")
    with pytest.raises(StudyError, match=r"not done.*caviar resume"):
        other.search(trials=8, epochs=2)
    kitchen = Study(tmp_path / "study").store
    lease = kitchen.acquire(0, holder="the laptop in the kitchen", seconds=60.0)
    with pytest.raises(StudyError, match="being trained by the laptop"):
        other.resume()
    kitchen.release(lease)
    assert len(other.resume().trials) == 8


def test_a_state_in_a_word(tmp_path: Path) -> None:
    """A study is idle, in training while somebody holds it, interrupted, and finished at last."""
    begun = study(tmp_path / "study")
    assert state_of(begun) == "idle"
    begun.watch = dies_after(2)
    with pytest.raises(Death):
        begun.search(trials=8, epochs=6)
    assert state_of(begun) == "interrupted"
    lease = begun.store.acquire(0, holder="the laptop in the kitchen", seconds=60.0)
    assert state_of(begun) == "training"
    begun.store.release(lease)
    again = Study(tmp_path / "study").resume()
    assert state_of(again) == "idle"
    assert state_of(again.finish()) == "finished"


def csv_study(folder: Path) -> Study:
    """A study of a file, interrupted before its search began."""
    table().write_csv(folder / "table.csv")
    given = caviar.split(caviar.read(folder / "table.csv", target="y"), seed=0)
    return Study(folder / "study", given, space=space(), seed=0)


def test_a_data_file_that_moved_is_named(tmp_path: Path) -> None:
    """Going on without the data gives a sentence; with the data back in its place it goes on."""
    csv_study(tmp_path)
    (tmp_path / "table.csv").rename(tmp_path / "moved.csv")
    with pytest.raises(StudyError, match=r"data of this study cannot be read again: .*table\.csv"):
        Study(tmp_path / "study").search(trials=8, epochs=2)
    (tmp_path / "moved.csv").rename(tmp_path / "table.csv")
    assert len(Study(tmp_path / "study").search(trials=8, epochs=6).trials) == 8


def test_a_data_file_that_changed_is_refused(tmp_path: Path) -> None:
    """One changed cell is enough: going on would mix two data sets."""
    csv_study(tmp_path)
    changed = table().with_columns(a=pl.when(pl.int_range(pl.len()) == 7).then(9.0).otherwise(pl.col("a")))
    changed.write_csv(tmp_path / "table.csv")
    with pytest.raises(StudyError, match="has changed since this study began"):
        Study(tmp_path / "study").search(trials=8, epochs=2)


def test_a_finished_study_is_opened_without_its_data(tmp_path: Path) -> None:
    """Trials, findings, results and the model of a finished study need its folder alone, which may be moved."""
    csv_study(tmp_path).search(trials=8, epochs=6).finish()
    (tmp_path / "table.csv").unlink()
    shutil.move(tmp_path / "study", tmp_path / "archive")
    opened = Study(tmp_path / "archive")
    assert len(opened.trials) > 8
    assert opened.results["test"]["seen"] == 1
    assert [finding.code for finding in opened.findings]
    assert len(opened.best_model().predict(table(10))) == 10


def test_an_interrupted_study_keeps_its_space(tmp_path: Path) -> None:
    """Trials still to come belong to the space they were planned in; afterwards another one may be searched."""
    begun = study(tmp_path / "study", watch=dies_after(1))
    with pytest.raises(Death):
        begun.search(trials=8, epochs=2)
    narrow = caviar.Space().fix(hidden=[8], batch_size=32, encoding="standard").vary("learning_rate", 0.01, 0.02)
    with pytest.raises(StudyError, match="belong to its own space"):
        Study(tmp_path / "study", space=narrow)
    Study(tmp_path / "study").resume()
    refined = Study(tmp_path / "study", space=narrow).search(trials=8, epochs=2)
    assert all(0.01 <= trial.configuration["learning_rate"] <= 0.02 for trial in refined.trials[8:])
    assert len(refined.trials) == 16


# ---- odd trainings ---------------------------------------------------------------------------------------------------


WILD = {"optimiser": "gradient_descent", "activation": "identity"}


def test_a_diverged_trial_is_recorded_and_counts_as_the_worst(tmp_path: Path) -> None:
    """Its status, its configuration and the epoch are kept, and it is never the best, however good it was before."""
    varied = space(learning_rate=0.01, **WILD).choose("learning_rate", 0.01, 1e3)
    begun = study(tmp_path / "study", splits=splits(task="regression"), space=varied)
    begun.search(trials=4, epochs=6, stopping=None, sampler="grid")
    by_rate = {trial.configuration["learning_rate"]: trial for trial in begun.trials}
    diverged = by_rate[1e3]
    assert diverged.status is Status.DIVERGED
    assert diverged.reason == f"its cost was not finite at epoch {diverged.epochs}"
    assert by_rate[0.01].status is Status.FINISHED
    assert begun.best_trial.number == by_rate[0.01].number


def test_a_study_where_all_diverge_says_so(tmp_path: Path) -> None:
    """There is no best then: the sentence says what to do, and the records are kept."""
    begun = study(tmp_path / "study", splits=splits(task="regression"), space=space(learning_rate=1e3, **WILD))
    begun.search(trials=4, epochs=6, stopping=None)
    assert {trial.status for trial in begun.trials} == {Status.DIVERGED}
    with pytest.raises(StudyError, match=r"Not one of 4 trained networks .*: 4 diverged.*smaller learning rates"):
        begun.finish()
    assert len(Study(tmp_path / "study").trials) == 4


@pytest.mark.parametrize(
    "options",
    [{"trials": 1}, {"epochs": 1}, {"stopping": None}, {"stopping": "none"}, {"sampler": "grid"}],
    ids=str,
)
def test_odd_searches_come_to_an_end(tmp_path: Path, options: dict[str, Any]) -> None:
    """One trial, one epoch, nothing stopped, a grid: each is confirmed, diagnosed and tested."""
    begun = study(tmp_path / "study").search(**{"trials": 4, "epochs": 3, **options}).finish()
    assert begun.results["test"]["examples"] == len(begun.splits.test)
    assert 0.0 <= begun.results["test"]["error"] <= 0.6
    assert {finding.code[:3] for finding in begun.findings} >= {"FIT"}


@pytest.mark.parametrize(
    "fixed",
    [
        {"hidden": []},
        {"batch_size": 4096, "batch_norm": True, "keep_probability": [0.5], "label_smoothing": 0.1, "clip_norm": 1.0},
        {"batch_size": 1},
    ],
    ids=str,
)
def test_odd_networks_are_trained(tmp_path: Path, fixed: dict[str, Any]) -> None:
    """A linear model, batches of one row or of more than all rows: each measures what its model then predicts."""
    begun = study(tmp_path / "study", space=space(**fixed)).search(trials=2, epochs=3)
    model = begun.best_model()
    assert model.evaluate(begun.dataset, begun.splits.dev)["error"] == pytest.approx(
        begun.best_trial.dev_error, abs=1e-6
    )
    assert len(model.predict(table(9))) == 9


def test_one_network_is_trained(tmp_path: Path) -> None:
    """`train` takes the space's own default with what differs, and its network is the study's model."""
    begun = study(tmp_path / "study").train({"learning_rate": 0.03, "activation": "tanh"}, epochs=5).finish()
    (trial,) = begun.trials
    assert trial.configuration["activation"] == "tanh"
    assert trial.configuration["learning_rate"] == 0.03
    assert trial.epochs == 5
    assert begun.results["winner"]["how"] == "one training"
    assert begun.best_model().about["trial"]["number"] == 0


def test_numbers_are_predicted_in_their_own_units(tmp_path: Path) -> None:
    """A regression study learns: better than the mean, in units of the target, from history to prediction."""
    given = caviar.split(caviar.read(mixed_table(task="regression"), target="y"), seed=0)
    begun = study(tmp_path / "study", splits=given).search(trials=8, epochs=12).finish()
    targets = given.dataset.targets
    spread = float(np.std(targets[given.test]))
    assert begun.results["test"]["error"] < 0.8 * spread
    assert begun.best_trial.dev_error == pytest.approx(float(begun.best_trial.history["dev_error"].min()))
    predicted = begun.best_model().predict(mixed_table(200, seed=9, task="regression"))
    assert abs(float(np.mean(predicted)) - 100.0) < 15.0
    assert begun.store.setting("study")["metric"] == "error"
    assert Study(tmp_path / "study", metric="rmse").metric == "error"


def test_trials_are_compared_by_log_loss_where_that_is_asked(tmp_path: Path) -> None:
    """The metric decides on the best epoch and on the best trial."""
    begun = study(tmp_path / "study", metric="log_loss").search(trials=8, epochs=6, stopping=None)
    for trial in begun.trials:
        costs = trial.history["dev_cost"]
        assert trial.best_epoch == int(costs.argmin()) + 1
        assert trial.dev_cost == costs.min()
    assert begun.best_trial.dev_cost == min(trial.dev_cost for trial in begun.trials)
    told = begun.best_model().evaluate(begun.dataset, begun.splits.dev)
    assert told["log_loss"] == pytest.approx(begun.best_trial.dev_cost, rel=1e-4)


def test_the_base_error_reaches_the_findings(tmp_path: Path) -> None:
    """The bias is measured from the base error that was given."""
    begun = study(tmp_path / "study", base_error=0.4).search(trials=8, epochs=4).finish()
    told = begun.findings[0].to_dict()
    assert "0.4" in str(told["evidence"]) or "40" in told["message"]
    assert Study(tmp_path / "study").base_error == 0.4
    assert Study(tmp_path / "study", base_error=0.1).base_error == 0.1


def test_rows_count_by_their_weights(tmp_path: Path) -> None:
    """Rows of weight 0 do not take part in training: their labels may be anything."""
    rows = table(400)
    lies = rows.with_columns(y=pl.when(pl.col("y") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")), w=0.0)
    mixed = pl.concat([rows.with_columns(w=1.0), lies])
    given = caviar.split(caviar.read(mixed, target="y", weight="w"), seed=0)
    begun = study(tmp_path / "study", splits=given).search(trials=6, epochs=20, stopping=None)
    model = begun.best_model()
    assert model.evaluate(rows)["error"] < 0.3
    assert "w" not in [column.name for column in model.schema.columns if column.kind != "left_out"]


def test_balanced_classes_weigh_the_rare_one(tmp_path: Path) -> None:
    """With `class_weight=balanced` the rare class is predicted more often than without."""
    rows = table(900).with_columns(rare=pl.when(pl.col("a") > 1.2).then(pl.lit("yes")).otherwise(pl.lit("no")))
    noisy = rows.with_columns(a=pl.col("a") + np.random.default_rng(1).normal(size=900)).drop("y")
    given = caviar.split(caviar.read(noisy, target="rare"), seed=0)
    found = {}
    for kind in ("none", "balanced"):
        own = study(tmp_path / kind, splits=given, space=space(learning_rate=0.02, class_weight=kind))
        found[kind] = own.search(trials=1, epochs=10).best_model().predict(noisy)
    assert (found["balanced"] == "yes").sum() > 1.5 * (found["none"] == "yes").sum()


def test_exempt_trials_are_never_stopped(tmp_path: Path) -> None:
    """About one trial in sixteen trains to its end, and those the rule would have stopped are counted."""
    begun = study(tmp_path / "study").search(trials=64, epochs=4)
    exempt = [trial for trial in begun.trials if trial.exempt]
    assert [trial.number for trial in exempt] == [12, 18, 22, 30, 55]
    assert all(trial.status is Status.FINISHED for trial in exempt)
    spared = begun.results["statistics"]["spared"]
    assert spared and set(spared) <= {trial.number for trial in exempt}
    told = begun.finish().results["stopped_too_soon"]
    assert told["spared"] == len(set(spared))
    assert 0 <= told["low"] <= told["better"] / told["spared"] <= told["high"] <= 1


def test_an_identical_search_in_memory_and_from_a_file_is_the_same(tmp_path: Path) -> None:
    """A data frame and the CSV written of it give the same study."""
    from_file = csv_study(tmp_path).search(trials=8, epochs=3)
    in_memory = study(tmp_path / "memory", splits=caviar.split(data(), seed=0)).search(trials=8, epochs=3)
    assert differences(content(from_file), content(in_memory)) == []
