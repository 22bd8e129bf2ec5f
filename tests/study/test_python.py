"""Caviar from Python as the README and the tour show it."""

import signal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import caviar
from caviar.errors import CaviarError
from caviar.records.history import FIELDS
from caviar.study.stop import Stop
from caviar.study.study import Study
from study.making import mixed_table, table


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a small file that is called like a famous one."""
    monkeypatch.chdir(tmp_path)
    mixed_table().rename({"y": "income"}).write_csv("adult.csv")
    return tmp_path


def test_the_usual_lines_work_as_they_are_written(here: Path) -> None:
    """Read, split, a space of one's own, search, look at a trial, finish, save, load, predict."""
    data = caviar.read("adult.csv", target="income")
    splits = caviar.split(data, seed=0)
    default = caviar.Space.default(data).fix(hidden=[64, 32])
    space = default.vary("learning_rate", 1e-4, 1e-1, scale="log")
    study = caviar.Study("runs/adult", splits, space=space, seed=0)
    study.search(trials=6, epochs=4)

    trial = study.trials[0]
    assert trial.number == 0
    assert trial.status == "finished" or trial.status == "stopped"
    assert isinstance(trial.configuration, dict) and trial.configuration["hidden"] == [64, 32]
    assert 0.0 <= trial.dev_error <= 1.0 and 0.0 <= trial.train_error <= 1.0
    for name in ("cost", "train_error", "dev_error", "learning_rate", *FIELDS):
        assert trial.history[name].shape == (trial.epochs,)

    opened = caviar.Study("runs/adult")
    assert opened.trials == study.trials
    study.finish()
    model = study.best_model()
    frame = pl.read_csv("adult.csv")
    expected = model.predict(frame)
    model.save("adult.caviar")
    loaded = caviar.load("adult.caviar")
    for same in (frame, frame.to_pandas(), frame.to_arrow(), "adult.csv", Path("adult.csv")):
        np.testing.assert_array_equal(loaded.predict(same), expected)
    assert set(expected) <= {"no", "yes"}


def test_calls_can_be_chained(tmp_path: Path) -> None:
    """Whatever trains gives the study back."""
    data = caviar.read(mixed_table(), target="y")
    begun = Study(tmp_path / "run", caviar.split(data), seed=0)
    assert begun.train(epochs=2) is begun
    assert begun.resume() is begun
    assert begun.finish() is begun
    assert begun.findings == begun.findings


def test_arrays_are_enough(tmp_path: Path) -> None:
    """NumPy arrays in, predictions out, after the study was opened again without them."""
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(300, 3))
    labels = (inputs.sum(axis=1) > 0).astype(int)
    splits = caviar.split(caviar.read((inputs, labels)), seed=0)
    space = caviar.Space().fix(hidden=[8], batch_size=32, learning_rate=0.03)
    Study(tmp_path / "run", splits, space=space).search(trials=2, epochs=15)
    model = Study(tmp_path / "run").best_model()
    fresh = generator.normal(size=(200, 3))
    assert (model.predict(fresh).astype(int) == (fresh.sum(axis=1) > 0)).mean() > 0.85


def test_a_model_is_asked_for_anew_after_more_training(tmp_path: Path) -> None:
    """`best_model` follows the study: after a better trial it is that one's network."""
    splits = caviar.split(caviar.read(table(), target="y"), seed=0)
    space = caviar.Space().fix(hidden=[8], batch_size=32, encoding="standard", learning_rate=1e-6)
    begun = Study(tmp_path / "run", splits, space=space, seed=0).search(trials=1, epochs=1)
    poor = begun.best_model()
    better = Study(tmp_path / "run", space=space.fix(learning_rate=0.02)).search(trials=1, epochs=12)
    model = better.best_model()
    assert better.best_trial.number == 1
    assert model.about["trial"]["number"] == 1
    assert poor.about["trial"]["number"] == 0
    assert caviar.load(better.model_path).about["trial"]["number"] == 1


def test_a_watcher_sees_every_segment(tmp_path: Path) -> None:
    """The looks of a study count its trials truly, from first to last."""
    looks = []
    splits = caviar.split(caviar.read(mixed_table(), target="y"), seed=0)
    space = caviar.Space().fix(hidden=[8], batch_size=32, encoding="standard")
    begun = Study(tmp_path / "run", splits, space=space, seed=0, watch=looks.append).search(trials=8, epochs=6)
    last = looks[-1]
    assert (last.campaign, last.running, last.waiting, last.share_done) == ("search", 0, 0, 1.0)
    assert sum(last.ended.values()) == 8
    assert last.model_epochs == sum(trial.epochs for trial in begun.trials)
    assert last.best == min(trial.dev_error for trial in begun.trials)
    shares = [look.share_done for look in looks]
    assert shares == sorted(shares) or min(np.diff(shares)) > -0.2  # a trial stopped early leaves its share
    assert all(look.running + look.waiting + sum(look.ended.values()) == 8 for look in looks)


def test_the_model_of_a_stopped_study_is_not_taken_for_the_final_one(tmp_path: Path) -> None:
    """A model saved at Ctrl-C holds its trial as it was then; after going on it holds the finished trial."""
    splits = caviar.split(caviar.read(table(), target="y"), seed=0)
    space = caviar.Space().fix(hidden=[8], batch_size=32, encoding="standard", learning_rate=0.02)
    pressed = iter([True])

    def press(look: object) -> None:
        if next(pressed, False):
            signal.raise_signal(signal.SIGINT)

    begun = Study(tmp_path / "run", splits, space=space, seed=0, watch=press)
    with pytest.raises(Stop, match="Ctrl-C") as stop:
        begun.search(trials=8, epochs=60)
    assert stop.value.study is begun
    early = begun.best_model()
    assert early.about["trial"]["status"] == "running"
    late = begun.resume().best_model()
    record = begun.store.trial(late.about["trial"]["number"])
    assert late.about["trial"]["epochs"] == record.epochs == len(late.about["history"]["dev_error"])
    assert late.about["trial"]["status"] == str(record.status) != "running"


def test_things_of_another_kind_are_refused_in_a_sentence(tmp_path: Path) -> None:
    """A path where a data set is meant, a data set where splits are, words where numbers are: no AttributeError."""
    splits = caviar.split(caviar.read(table(60), target="y"))
    wrong: Any = splits.dataset
    run = tmp_path / "run"
    for call, says in (
        (lambda: caviar.split("good.csv"), "Got a str. Write split"),
        (lambda: caviar.Study(run, wrong), "Got a Dataset. Give split"),
        (lambda: caviar.Study(run, splits, space={"l2": 1.0}), "Got a dict. Write Space"),
        (lambda: caviar.Study(run, splits, base_error="low"), "'base_error' must be"),
        (lambda: caviar.Study(run, splits, metric=""), "are compared by"),
    ):
        with pytest.raises(CaviarError, match=says):
            call()
    assert not run.exists()
    study = caviar.Study(run, splits)
    for arguments, says in (({"minutes": "2"}, "'minutes' must"), ({"trials": "2"}, "'trials' must")):
        with pytest.raises(CaviarError, match=says):
            study.search(**arguments)
    for configuration in (3, "adam", [3], [None]):
        with pytest.raises(CaviarError, match="A configuration gives values by name"):
            study.train(configuration)
    assert not study.trials
