"""What is wrong gets one sentence with the way out, exit code 2, nothing on standard output, and nothing written."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import caviar
from caviar.errors import StudyError
from caviar.study import campaigns
from caviar.study.writer import Writer
from cli.running import QUICK, SMALL, apart, invoke, sentence, told
from study.making import checkpoint_always, mixed_table, table


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a good table."""
    monkeypatch.chdir(tmp_path)
    table(60).write_csv("good.csv")
    return tmp_path


def refused(here: Path, *words: Any) -> str:
    """The sentence of a refused command, which left no file or folder behind."""
    before = sorted(here.rglob("*"))
    said = sentence(invoke(*words))
    assert sorted(here.rglob("*")) == before
    return said


# ---- bad input -------------------------------------------------------------------------------------------------------

BAD_FILES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty"),
    "header alone": (b"a,b,y\n", "row"),
    "one row": (b"a,b,y\n1,2,yes\n", "row"),
    "one class": (
        b"a,b,y\n" + b"".join(b"%d,%d,yes\n" % (n, n * n % 7) for n in range(50)),
        "Every row has the same class",
    ),
    "ragged": (b"a,b,y\n" + b"1,2,yes\n" * 9 + b"1,2,no,4,5\n" + b"2,1,no\n" * 9, "Line 11"),
    "binary": (bytes(range(256)) * 40, "bad.csv"),
    "endless line": (b"x" * 30_000_000, "bad.csv"),
    "no columns besides the target": (b"y\n" + b"yes\nno\n" * 30, "column"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_gets_a_sentence(here: Path, kind: str) -> None:
    """Empty, one row, one class, ragged, binary, endless: each is told apart, and no run folder is made."""
    content, named = BAD_FILES[kind]
    (here / "bad.csv").write_bytes(content)
    said = refused(here, "search", "bad.csv", "--target", "y", *QUICK)
    assert named in said
    assert len(said) < 600


@pytest.mark.parametrize("command", ["search", "train"])
def test_what_is_not_there_is_named(here: Path, command: str) -> None:
    """A file, a target column, a role's column that do not exist."""
    assert "'nope.csv'" in refused(here, command, "nope.csv", "--target", "y")
    said = refused(here, command, "good.csv", "--target", "income")
    assert "'income'" in said and "a, b, c, d, y" in said  # what there is instead
    assert "'w'" in refused(here, command, "good.csv", "--target", "y", "--weight", "w")
    assert "'junk'" in refused(here, command, "good.csv", "--target", "y", "--ignore", "junk")


@pytest.mark.parametrize(
    ("targets", "named"),
    [
        (np.linspace(-1.0, 1.0, 60) * 1e30, "1e+30, and numbers beyond 1e+15 are too large"),
        (np.linspace(-1.0, 1.0, 60) * 1e-30, "spans 2e-30"),
    ],
)
def test_targets_that_single_precision_cannot_hold(here: Path, targets: np.ndarray, named: str) -> None:
    """Numbers whose squares overflow or vanish are refused before anything is trained."""
    table(60).with_columns(y=pl.Series(targets)).write_csv("far.csv")
    assert named in refused(here, "train", "far.csv", "--target", "y", *SMALL)


def test_a_train_set_without_a_spread_is_judged_to_the_end(here: Path) -> None:
    """Forty train rows with one target: the spread counts as 1, and the study ends with a verdict and a test error."""
    sets = pl.Series(["train"] * 40 + ["dev"] * 10 + ["test"] * 10)
    targets = pl.Series(np.r_[np.full(40, 5.0), np.arange(20.0) / 7])
    table(60).with_columns(y=targets, s=sets).write_csv("flat.csv")
    found = told("train", "flat.csv", "--target", "y", "--split", "s", *SMALL, "--epochs", "2", "--run", "run")
    assert found["state"] == "finished" and found["test_error"] is not None
    assert invoke("slices", "run").exit_code == 0


def test_a_column_without_any_value_is_left_out(here: Path) -> None:
    """An all-missing column is no reason to stop: it is left out and said."""
    table(240).with_columns(void=pl.lit(None, pl.Float64)).write_csv("gaps.csv")
    found = told("search", "gaps.csv", "--target", "y", *QUICK, "--run", "run")
    assert found["test_error"] is not None
    columns = {column.name: column.kind for column in caviar.Study("run").dataset.schema.columns}
    assert columns["void"] == "left_out"


# ---- bad options -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--set", "lerning_rate=0.1"], "learning_rate"),
        (["--set", "learning_rate=fast"], "fast"),
        (["--set", "learning_rate"], "learning_rate"),
        (["--set", "learning_rate=-1"], "between"),
        (["--set", "l2=0.1", "--set", "l2=0.2"], "l2"),
        (["--vary", "learning_rate=0.1..0.01"], "learning_rate"),
        (["--vary", "learning_rate=0.01..0.1:sideways"], "sideways"),
        (["--vary", "activation=relu,magic"], "magic"),
        (["--metric", "beauty"], "beauty"),
        (["--task", "sorting"], "sorting"),
        (["--stopping", "luck"], "luck"),
        (["--minutes", "0"], "minutes"),
        (["--minutes", "nan"], "minutes"),
        (["--base-error", "5"], "0.05 is 5 %"),
        (["--base-error", "-0.1"], "base_error"),
    ],
    ids=" ".join,
)
def test_a_wrong_option_gets_a_sentence(here: Path, words: list[str], named: str) -> None:
    """What was given and what is allowed are named, before anything is written."""
    assert named in refused(here, "search", "good.csv", "--target", "y", *words)


@pytest.mark.parametrize(
    "words",
    [["--trials", "0"], ["--trials", "many"], ["--epochs", "0"], ["--seed", "-1"], ["--unknown"], ["extra"]],
    ids=" ".join,
)
def test_what_the_parser_refuses(here: Path, words: list[str]) -> None:
    """Options that are no options end with code 2 and say so on standard error."""
    found = invoke("search", "good.csv", "--target", "y", *words)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert words[0].lstrip("-") in found.stderr
    assert [path.name for path in here.iterdir()] == ["good.csv"]


def test_folders_that_cannot_be_a_run(here: Path) -> None:
    """A run that is there, a folder with other things, a file: a sentence, and what was there stays."""
    (here / "letters").mkdir()
    (here / "letters" / "dear.txt").write_text("dear")
    assert "not empty" in refused(here, "search", "good.csv", "--target", "y", "--run", "letters")
    assert "is a file" in refused(here, "search", "good.csv", "--target", "y", "--run", "good.csv")
    assert "cannot be made" in refused(here, "search", "good.csv", "--target", "y", "--run", "good.csv/run")
    for present in ("", ".", str(here)):
        assert "is the present one" in refused(here, "search", "good.csv", "--target", "y", "--run", present)
    told("train", "good.csv", "--target", "y", *SMALL, "--epochs", "1", "--run", "run")
    said = refused(here, "search", "good.csv", "--target", "y", "--run", "run")
    assert "holds a study already" in said and "caviar resume run" in said


@pytest.mark.parametrize("command", ["resume", "status", "report"])
def test_where_there_is_no_run_those_nearby_are_named(here: Path, command: str) -> None:
    """A mistyped run is answered with what there is, and nothing is made."""
    assert "There is no study in 'runs/goood'" in refused(here, command, "runs/goood")
    told("train", "good.csv", "--target", "y", *SMALL, "--epochs", "1")
    assert "good" in refused(here, command, "runs/goood").split("there are:")[1]


def test_a_damaged_study_gets_a_sentence(here: Path) -> None:
    """A study's file that is no database is named."""
    (here / "run").mkdir()
    (here / "run" / "study.db").write_bytes(b"this is no database" * 100)
    for command in ("resume", "status", "report"):
        assert "study.db" in refused(here, command, "run")


# ---- bad models ------------------------------------------------------------------------------------------------------


def test_models_that_are_none(here: Path) -> None:
    """A missing model, a file that is no model, a run's folder in its place."""
    (here / "noise.caviar").write_bytes(np.random.default_rng(0).bytes(5000))
    (here / "folder").mkdir()
    for command in ("predict", "evaluate"):
        assert "'none.caviar'" in refused(here, command, "none.caviar", "good.csv")
        assert "noise.caviar" in refused(here, command, "noise.caviar", "good.csv")
        assert "folder" in refused(here, command, "folder", "good.csv")


def test_data_that_does_not_fit_the_model(here: Path) -> None:
    """A missing column is named, a missing file is named, an output that cannot be written is named."""
    mixed_table(240).write_csv("mixed.csv")
    told("search", "mixed.csv", "--target", "y", *QUICK, "--run", "run")
    model = "run/best.caviar"
    assert "'size'" in refused(here, "predict", model, "good.csv")
    assert "'none.csv'" in refused(here, "predict", model, "none.csv")
    assert "nowhere/out.csv" in refused(here, "predict", model, "mixed.csv", "--output", "nowhere/out.csv")
    for place in ("run", "", "."):
        assert "which is a folder" in refused(here, "predict", model, "mixed.csv", "--output", place)
    for place in ("mixed.csv", "./mixed.csv", model):
        before = (here / place).read_bytes()
        assert "is what is read" in refused(here, "predict", model, "mixed.csv", "--output", place)
        assert (here / place).read_bytes() == before
    mixed_table(20).drop("y").write_csv("unlabelled.csv")
    assert "no target column 'y'" in refused(here, "evaluate", model, "unlabelled.csv")
    (here / "empty.csv").write_text(",".join(mixed_table(1).columns) + "\n")
    refused(here, "predict", model, "empty.csv")


def test_without_a_word_the_commands_are_listed(tmp_path: Path) -> None:
    """`caviar` alone shows the help; an unknown command is named."""
    found = apart([], tmp_path)
    assert "search" in found.stdout + found.stderr
    unknown = apart(["serach"], tmp_path)
    assert unknown.returncode == 2
    assert "serach" in unknown.stderr


def test_a_search_in_which_everything_diverges_shows_its_page(here: Path) -> None:
    """Code 2 and one sentence that says how many diverged, what to try, and where the page is."""
    table(task="regression").write_csv("numbers.csv")
    wild = ["learning_rate=1e3", "optimiser=gradient_descent", "activation=identity"]
    words = ["search", "numbers.csv", "--target", "y", *SMALL, "--trials", "4", "--epochs", "4", "--run", "wild"]
    said = sentence(invoke(*words, *(word for one in wild for word in ("--set", one))))
    assert "Not one of 4 trained networks can be used: 4 diverged" in said
    assert "smaller learning rates" in said and said.endswith("wild/report.html.")
    assert "diverged" in Path("wild/report.html").read_text()
    assert sentence(invoke("resume", "wild")) == said


def test_a_checkpoint_that_cannot_be_kept_is_told_at_the_end(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while a checkpoint is written: a line on standard error, no traceback, and the search goes on."""

    def full(*arguments: Any) -> None:
        raise StudyError("The disk is full.")

    checkpoint_always(monkeypatch)
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    table().write_csv("table.csv")
    monkeypatch.setattr(Writer, "_save", full)
    found = invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "run")
    assert found.exit_code == 0
    assert "checkpoint could not be kept; training went on without it. The disk is full." in found.stderr
    assert "has a dev error of" in found.stdout


def test_a_network_by_hand_that_diverges_says_so_and_how_to_go_back(here: Path) -> None:
    """Said in words and to programs, with the epoch to go back to; once ended, it counts as diverged."""
    table(task="regression").write_csv("numbers.csv")
    wild = ["learning_rate=1e3", "optimiser=gradient_descent", "activation=identity", "initialisation_scale=1e3"]
    begin = ["babysit", "numbers.csv", "--target", "y", *SMALL, "--run", "by hand", "--epochs", "2"]
    shown = invoke(*begin, *(word for one in wild for word in ("--set", one)))
    assert shown.exit_code == 0 and "It has diverged" in shown.stdout
    assert "Go on:  caviar babysit 'by hand' --back-to 0 --set learning_rate=…" in shown.stdout
    assert told("babysit", "by hand", "--epochs", "0")["diverged"] is True
    assert told("babysit", "by hand", "--back-to", "0", "--set", "learning_rate=1e-9")["diverged"] is False
    assert told("babysit", "by hand", "--undo", "--set", "learning_rate=1e3", "--epochs", "2")["diverged"] is True
    said = sentence(invoke("babysit", "by hand", "--finish"))
    assert said.startswith("caviar: The one trained network cannot be used: it diverged")
    assert told("status", "by hand")["statuses"]["diverged"] == 1
    refused_start = sentence(invoke("search", "numbers.csv", "--target", "y", *QUICK, "--start-from", "by hand"))
    assert "There is nothing to start from in 'by hand'" in refused_start and not Path("runs").exists()


def test_a_batch_far_larger_than_the_train_set_is_refused(here: Path) -> None:
    """Its arrays would take memory for rows that are not there; the sentence says which size takes all rows."""
    words = ["train", "good.csv", "--target", "y", "--set", "hidden=4", "--epochs", "1", "--run", "run"]
    said = refused(here, *words, "--set", "batch_size=1000000000")
    assert "With batch_size=36 every update sees all rows." in said
