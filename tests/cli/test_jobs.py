"""The commands from end to end, and the JSON that programs rely on."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

import caviar
from caviar.study import jobs
from caviar.study.request import Request, free_folder
from cli.running import QUICK, SMALL, invoke, strict, told
from study.making import mixed_table, table

KEYS = {
    "run", "seconds", "compile_seconds", "programs", "trials", "model_epochs", "slot_use", "best", "test_error",
    "findings", "model", "report",
}  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and a finished search of it."""
    folder = tmp_path_factory.mktemp("place")
    table().write_csv(folder / "table.csv")
    told("search", folder / "table.csv", "--target", "y", *QUICK, "--run", folder / "run")
    return folder


def contract(found: dict[str, Any], folder: Path) -> None:
    """What every object of a run holds."""
    assert set(found) >= KEYS
    assert found["run"] == str(folder)
    assert found["model"] == str(folder / "best.caviar")
    assert found["report"] == str(folder / "report.html")
    assert Path(found["model"]).exists() and Path(found["report"]).exists()
    assert set(found["best"]) >= {"trial", "dev_error", "train_error", "configuration"}
    assert {"learning_rate", "hidden", "optimiser", "batch_size"} <= set(found["best"]["configuration"])
    for finding in found["findings"]:
        assert set(finding) == {"code", "severity", "message", "evidence"}
    assert 0.0 <= found["test_error"] <= 1.0


def test_search_prints_one_object(tmp_path: Path) -> None:
    """`caviar search --json` prints the contract's keys with numbers that fit each other."""
    table().write_csv(tmp_path / "table.csv")
    found = told("search", tmp_path / "table.csv", "--target", "y", *QUICK, "--run", tmp_path / "run")
    contract(found, tmp_path / "run")
    study = caviar.Study(tmp_path / "run")
    assert found["trials"] == len(study.trials)
    assert found["model_epochs"] == sum(trial.epochs for trial in study.trials)
    assert found["seconds"] > 0 and found["programs"] >= 1 and 0 < found["slot_use"] <= 1
    assert found["best"]["dev_error"] == study.trials[found["best"]["trial"]].dev_error
    assert found["state"] == "finished"
    assert found["stopped"] is None and found["to_rounding"] == []


def test_train_prints_one_object(tmp_path: Path) -> None:
    """`caviar train --json` prints the same keys for its one network."""
    table().write_csv(tmp_path / "table.csv")
    words = ["train", tmp_path / "table.csv", "--target", "y", *SMALL, "--set", "learning_rate=0.03"]
    found = told(*words, "--epochs", "5", "--run", tmp_path / "run")
    contract(found, tmp_path / "run")
    assert found["trials"] == 1 and found["model_epochs"] == 5
    assert found["best"]["configuration"]["learning_rate"] == 0.03


def test_the_demo_searches_digits_with_hundreds_of_networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`caviar demo` asks for at least 200 networks on data that comes with scikit-learn, under a name of its own."""
    asked: dict[str, Any] = {}

    def remember(request: Request, how: Any, **options: Any) -> None:
        asked.update(vars(request) | vars(how), **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "search", remember)
    monkeypatch.chdir(tmp_path)
    assert invoke("demo").exit_code == 130
    assert asked["data"] == "digits" and asked["trials"] >= 200
    assert asked["run"] == Path("runs/demo")


@pytest.mark.slow
def test_the_demo_is_a_search_of_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`caviar demo` runs without any argument, into runs/demo, then runs/demo-2."""
    monkeypatch.setattr(jobs, "DEMO_TRIALS", 4)
    monkeypatch.setattr(jobs, "DEMO_EPOCHS", 2)
    monkeypatch.chdir(tmp_path)
    found = told("demo")
    contract(found, Path("runs/demo"))
    assert caviar.Study("runs/demo").store.setting("study")["data"]["name"] == "digits"
    assert free_folder("demo") == Path("runs/demo-2")


def test_status_and_report_print_the_run_again(place: Path) -> None:
    """`status` and `report` give what the search gave, and `report` writes the page anew."""
    run = place / "run"
    found = told("status", run)
    contract(found, run)
    page = (run / "report.html").read_text()
    (run / "report.html").unlink()
    again = told("report", run)
    assert again == found
    assert (run / "report.html").read_text() == page


def test_resume_of_a_finished_run_changes_nothing(place: Path) -> None:
    """There is nothing to go on with: the same object, and the test set is not opened again."""
    before = told("status", place / "run")
    assert told("resume", place / "run") == before
    assert caviar.Study(place / "run").store.setting("test_opened") == 1


def test_evaluate_prints_error_and_examples(place: Path) -> None:
    """`caviar evaluate --json` prints the error, the examples and the other metrics."""
    rows = table(90, seed=4)
    rows.write_csv(place / "new.csv")
    found = told("evaluate", place / "run" / "best.caviar", place / "new.csv")
    assert found["examples"] == 90
    predicted = caviar.load(place / "run" / "best.caviar").predict(place / "new.csv")
    assert found["error"] == pytest.approx((predicted != rows["y"].to_numpy()).mean())
    assert set(found) >= {"error", "examples", "log_loss", "auc", "f1", "balanced_error"}


def test_without_json_a_person_reads_sentences(place: Path) -> None:
    """The terminal shows the verdict, the best trials, the test error, the findings, and where page and model are."""
    found = invoke("search", place / "table.csv", "--target", "y", *QUICK, "--run", place / "read")
    assert found.exit_code == 0
    assert found.stderr == ""  # not a terminal: no progress
    text = found.stdout
    assert "The best of 8 networks has a dev error of" in text
    assert "Test error:" in text and "seen 1 time." in text
    assert "FIT0" in text
    assert f"Report: {place / 'read' / 'report.html'}" in text
    assert f"Model:  {place / 'read' / 'best.caviar'}" in text
    status = invoke("status", place / "read").stdout
    assert status.startswith(f"{place / 'read'}: finished\n")
    assert text.split("\n\nReport:")[0] in status
    assert invoke("report", place / "read").stdout == f"{place / 'read' / 'report.html'}\n"
    evaluated = invoke("evaluate", place / "read" / "best.caviar", place / "table.csv").stdout
    assert "error" in evaluated and "examples  240" in evaluated


def test_numbers_from_end_to_end(tmp_path: Path) -> None:
    """A regression with gaps, categories and dates is searched, evaluated and predicted in the target's units."""
    mixed_table(task="regression").write_csv(tmp_path / "mixed.csv")
    found = told("search", tmp_path / "mixed.csv", "--target", "y", *QUICK, "--run", tmp_path / "run")
    assert found["test_error"] > 1.0  # an RMSE in units, not a share
    mixed_table(50, seed=3, task="regression").write_csv(tmp_path / "new.csv")
    error = told("evaluate", tmp_path / "run" / "best.caviar", tmp_path / "new.csv")
    assert error["error"] == error["rmse"]
    lines = invoke("predict", tmp_path / "run" / "best.caviar", tmp_path / "new.csv").stdout.splitlines()
    assert lines[0] == "prediction" and len(lines) == 51
    assert 40.0 < sum(map(float, lines[1:])) / 50 < 160.0


def test_a_run_without_a_folder_goes_to_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default folder has the data's name, and the next free one after that."""
    monkeypatch.chdir(tmp_path)
    table().write_csv("my table.csv")
    first = told("search", "my table.csv", "--target", "y", *QUICK)
    second = told("search", "my table.csv", "--target", "y", *QUICK, "--seed", "1")
    assert [first["run"], second["run"]] == [str(Path("runs/my-table")), str(Path("runs/my-table-2"))]


def test_roles_of_columns_reach_the_split(tmp_path: Path) -> None:
    """--ignore, --group, --weight, --time and --split say which columns are not inputs."""
    rows = table().with_row_index("n")
    marks = ["train"] * 160 + ["dev"] * 40 + ["test"] * 40
    rows = rows.with_columns(set=pl.Series(marks), w=1.0, g=rows["n"] % 30)
    rows.write_csv(tmp_path / "table.csv")
    words = ["train", tmp_path / "table.csv", "--target", "y", *SMALL, "--epochs", "1", "--run"]
    told(*words, tmp_path / "marked", "--split", "set", "--weight", "w", "--ignore", "g", "--ignore", "n")
    marked = caviar.Study(tmp_path / "marked")
    assert [len(getattr(marked.splits, name)) for name in ("train", "dev", "test")] == [160, 40, 40]
    assert [c.name for c in marked.dataset.schema.columns if c.kind != "left_out"] == list("abcd")
    told(*words, tmp_path / "grouped", "--group", "g", "--ignore", "set", "--ignore", "w", "--ignore", "n")
    grouped = caviar.Study(tmp_path / "grouped").splits
    groups = [set(grouped.dataset.groups[rows].tolist()) for rows in (grouped.train, grouped.dev, grouped.test)]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]


def test_how_to_reproduce_a_run_is_true(place: Path) -> None:
    """The command on the page is the one that was given, and its words are read again."""
    from caviar.report.page import page_of

    words = page_of(caviar.Study(place / "run")).command.split()
    assert words[:5] == ["caviar", "search", str(place / "table.csv"), "--target", "y"]
    again = told(*words[1:], "--run", place / "again")
    first = told("status", place / "run")
    assert {**again, **_elsewhere(first)} == first


def _elsewhere(found: dict[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("run", "model", "report", "seconds", "compile_seconds", "programs")}


def test_a_budget_in_minutes_ends_a_search(tmp_path: Path) -> None:
    """--minutes ends the search at a segment, says where, and comes to a result all the same."""
    table().write_csv(tmp_path / "table.csv")
    words = ["search", tmp_path / "table.csv", "--target", "y", *SMALL, "--trials", "8", "--epochs", "400"]
    found = told(*words, "--stopping", "none", "--minutes", "0.0002", "--run", tmp_path / "run")
    assert found["stopped"]["why"] == "the budget of time ended"
    assert found["stopped"]["tick"] >= 0
    assert found["statuses"]["interrupted"] > 0
    assert found["state"] == "finished" and found["test_error"] is not None
    assert found["seconds"] < 60


def test_strictness() -> None:
    """The reader of these tests refuses what strict JSON does not know."""
    with pytest.raises(AssertionError):
        strict('{"a": NaN}')
