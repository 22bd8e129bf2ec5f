"""The page of a study, finished or not, and whether it tells the truth about how to do it again."""

import shlex
from pathlib import Path
from typing import Any

import pytest

import caviar
from caviar.report.page import page_of, write_report
from caviar.study.study import Study
from cli.running import QUICK, SMALL, invoke, told
from study.making import Death, content, dies_after, differences, space, splits, study, table


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a table."""
    monkeypatch.chdir(tmp_path)
    table().with_columns(junk=table()["a"] * 2).write_csv("my table.csv")
    return tmp_path


COMMANDS = {
    "search": ["search", *QUICK, "--vary", "learning_rate=0.01..0.1", "--base-error", "0.1"],
    "no stopping": ["search", *QUICK, "--stopping", "none", "--seed", "3", "--ignore", "junk"],
    "train": ["train", *SMALL, "--epochs", "4", "--set", "learning_rate=0.03", "--metric", "log_loss"],
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_both_ways_to_do_it_again_give_the_same_study(here: Path, kind: str) -> None:
    """The command and the Python of the page, typed as they stand, give the study bit for bit."""
    command, *options = COMMANDS[kind]
    told(command, "my table.csv", "--target", "y", *options, "--run", "run")
    first = caviar.Study("run")
    wanted = content(first)
    page = page_of(first)
    words = shlex.split(page.command)
    assert words[:2] == ["caviar", command]
    told(*words[1:], "--run", "by command")
    exec(compile(page.python, "page", "exec"), {})
    assert differences(wanted, content(caviar.Study("by command"))) == []
    assert differences(wanted, content(caviar.Study("run-again"))) == []


def test_a_study_of_python_tells_its_own_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several searches, a training and a space of one's own: the page's Python repeats them all, given the data."""
    monkeypatch.chdir(tmp_path)
    begun = study(Path("mine"), space=space().vary("learning_rate", 0.01, 0.1))
    begun.search(trials=8, epochs=3, sampler="grid").search(trials=8, epochs=3, stopping=None)
    begun.train({"learning_rate": 0.5}, epochs=2).finish()
    page = page_of(begun)
    assert page.command.startswith("#")
    code = page.python.replace("frame = ...", "frame = table()")
    assert code != page.python
    exec(compile(code, "page", "exec"), {"table": lambda: table()})
    assert differences(content(begun), content(Study("mine-again"))) == []


def test_a_page_is_written_of_a_study_at_any_time(tmp_path: Path) -> None:
    """Before anything is trained, in the middle, after the search, and at the end there is a page."""
    begun = study(tmp_path / "study", watch=dies_after(2))
    sizes = [write_report(begun).stat().st_size]
    with pytest.raises(Death):
        begun.search(trials=8, epochs=6)
    middle = page_of(begun)
    assert middle.test is None and middle.best is not None and middle.findings == []
    sizes.append(write_report(begun).stat().st_size)
    again = Study(tmp_path / "study")
    again.resume()
    sizes.append(write_report(again).stat().st_size)
    again.finish()
    whole = page_of(again)
    sizes.append(write_report(again).stat().st_size)
    assert min(sizes) > 5_000
    assert whole.test is not None and whole.test.low <= whole.test.value <= whole.test.high
    assert whole.test_opened == 1
    assert len(whole.trials) == 8  # those of the confirmation are not among the trials that were searched
    assert len(whole.retrained) == 10


def test_the_page_needs_the_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is written of the store: the data is not read."""
    begun = study(tmp_path / "study").search(trials=8, epochs=3).finish()

    def refuse(*_: Any) -> None:
        raise AssertionError("the data was read")

    monkeypatch.setattr("caviar.study.keeping.splits_of", refuse)
    assert write_report(Study(begun.folder)).exists()
    assert invoke("status", begun.folder).exit_code == 0


def test_where_no_network_is_usable_there_is_a_page_all_the_same(tmp_path: Path) -> None:
    """A study whose trials all diverged shows what was tried."""
    wild = space(learning_rate=1e3, optimiser="gradient_descent", activation="identity")
    begun = study(tmp_path / "study", splits=splits(task="regression"), space=wild).search(trials=4, epochs=4)
    page = page_of(begun)
    assert page.best is None
    assert write_report(begun).exists()
    shown = invoke("status", begun.folder)
    assert shown.exit_code == 0
    assert "4 diverged" in shown.stdout


def test_names_are_shown_as_text(here: Path) -> None:
    """A column and a folder with the marks of HTML in their names are shown, not obeyed."""
    table().rename({"a": "<script>alert(1)</script>"}).write_csv("odd.csv")
    told("train", "odd.csv", "--target", "y", *SMALL, "--epochs", "1", "--run", "<b>run")
    page = Path("<b>run/report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
