"""Promise 11: the test set is opened by `finish` alone, and every opening is counted."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caviar
from caviar.data.splits import Splits
from caviar.errors import StudyError
from caviar.report.html import render
from caviar.report.page import page_of
from caviar.report.text import summary
from caviar.study.study import Study
from study.making import content, data, differences, mixed_table, space, splits, study


def spoiled(given: Splits) -> Splits:
    """The same sets of a data set whose test rows hold other features and other targets."""
    dataset, rows = given.dataset, given.test
    columns = {}
    for name, column in dataset.columns.items():
        changed = column.copy()
        changed[rows] = "never seen" if column.dtype == object else np.nan_to_num(column[rows]) * 1000.0 + 7.0
        columns[name] = changed
    targets = dataset.targets.copy()
    targets[rows] = 1 - targets[rows] if dataset.schema.task == "classification" else targets[rows] * 50.0
    return replace(given, dataset=replace(dataset, columns=columns, targets=targets))


@pytest.mark.parametrize(("task", "encoding"), [("classification", "piecewise_linear"), ("regression", "standard")])
def test_nothing_before_finish_has_seen_a_test_row(tmp_path: Path, task: str, encoding: str) -> None:
    """With other test rows, features and targets, trials, weights, winner and findings are the same bit for bit."""
    given = caviar.split(caviar.read(mixed_table(task=task), target="y"), seed=0)
    found = []
    for name, used in (("as they are", given), ("spoiled", spoiled(given))):
        begun = study(tmp_path / name, splits=used, space=space(encoding=encoding))
        begun.search(trials=8, epochs=4).confirm()
        begun.best_model()
        begun.diagnose()
        found.append((begun, content(begun)))
    (one, first), (other, second) = found
    assert differences(first, second) == []
    assert first["weights"] and first["findings"] and first["results"]["winner"]
    # The spoiled rows are really there, and finish sees them.
    assert one.finish().results["test"]["error"] != other.finish().results["test"]["error"]


def test_the_test_error_is_unknown_until_finish(tmp_path: Path) -> None:
    """Neither search nor confirmation nor diagnosis reports a number of the test set."""
    begun = study(tmp_path / "study").search(trials=8, epochs=3).confirm()
    begun.diagnose()
    assert begun.results.get("test") is None
    assert begun.store.setting("test_opened", 0) == 0
    assert not begun.sealed


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study."""
    return study(tmp_path_factory.mktemp("finished") / "study").search(trials=8, epochs=3).finish()


@pytest.mark.parametrize(
    "call",
    [lambda s: s.search(trials=2, epochs=2), lambda s: s.train(epochs=2), lambda s: s.confirm()],
    ids=["search", "train", "confirm"],
)
def test_after_finish_nothing_more_is_trained(finished: Study, call: Any) -> None:
    """A finished study is sealed: what is trained after the test set was seen would be chosen by it."""
    before = len(finished.trials)
    with pytest.raises(StudyError, match=r"sealed: its test set has been opened.*new study in another folder"):
        call(finished)
    assert len(finished.trials) == before
    assert finished.unfinished() is None


def test_finishing_again_counts_how_often_the_test_set_was_seen(tmp_path: Path) -> None:
    """The second opening says so, and gives the same numbers otherwise."""
    begun = study(tmp_path / "study").search(trials=8, epochs=3).finish()
    first = begun.results["test"]
    assert first["seen"] == 1
    second = Study(tmp_path / "study").finish().results["test"]
    assert second == {**first, "seen": 2}


def test_a_split_without_test_rows_is_finished_without_them(tmp_path: Path) -> None:
    """Where there is no test set nothing is made up."""
    given = splits()
    without = replace(given, test=np.empty(0, np.int64))
    begun = study(tmp_path / "study", splits=without).search(trials=8, epochs=3).finish()
    assert begun.results["test"] is None
    assert begun.sealed
    assert begun.model_path.exists()
    page = page_of(begun)
    assert "There is no test set, so the dev error is not unbiased" in summary(page)
    assert "no error here is unbiased" in render(page)


def test_two_sets_are_labelled_from_the_first_moment(tmp_path: Path) -> None:
    """A split without a test set is DAT006 before anything is trained, and says which rows had no part in choosing."""
    whole = caviar.split(data(), seed=0, test=0)
    run = study(tmp_path / "small", splits=whole)
    (finding,) = [one for one in run.findings if one.code == "DAT006"]
    assert finding.evidence == {"test": 0, "choose": len(whole.dev), "judge": 0} and "not unbiased" in finding.message
    large = caviar.split(data(rows=4000), seed=0, test=0)
    (found,) = [one for one in large.findings if one["code"] == "DAT006"]
    assert found["evidence"]["judge"] == 600 and "600 dev rows have no part" in found["message"]
    assert not any(one["code"] == "DAT006" for one in caviar.split(data(), seed=0).findings)
