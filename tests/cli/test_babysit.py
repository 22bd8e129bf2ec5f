"""`caviar babysit`: one network in a person's hands, from the command line."""

from pathlib import Path

import pytest

import caviar
from cli.running import SMALL, invoke, sentence, told
from study.making import table


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a table."""
    monkeypatch.chdir(tmp_path)
    table().write_csv("table.csv")
    return tmp_path


def test_a_network_is_begun_changed_taken_back_branched_and_ended(here: Path) -> None:
    """Each command goes on where the one before ended; the page marks all of it; the last opens the test set."""
    begun = told("babysit", "table.csv", "--target", "y", *SMALL, "--epochs", "3", "--note", "by hand at last")
    run = begun["run"]
    assert (begun["trial"], begun["epoch"], begun["log"], begun["state"]) == (0, 3, [], "idle")
    assert len(caviar.load(begun["model"]).predict("table.csv")) == 240
    changed = told("babysit", run, "--set", "learning_rate=5", "--note", "bold", "--epochs", "2")
    assert changed["epoch"] == 5 and changed["configuration"]["learning_rate"] == 5.0
    assert changed["log"] == ["after epoch 3: learning_rate 0.005 → 5 – bold"]
    undone = told("babysit", run, "--undo")
    assert undone["epoch"] == 3 and undone["interventions"][0]["undone"]
    assert undone["dev_error"] == begun["dev_error"]
    branch = told("babysit", run, "--branch", "--back-to", "2", "--set", "l2=0.1", "--epochs", "1")
    assert (branch["trial"], branch["epoch"], branch["trials"]) == (1, 3, [0, 1])
    shown = invoke("babysit", run, "--trial", "0", "--epochs", "2").stdout
    assert [line.split()[0] for line in shown.splitlines()[:3]] == ["epoch", "4", "5"]
    page = (here / run / "report.html").read_text()
    assert "Trained by hand" in page and "branched off trial 0 after epoch 2" in page and "bold" in page
    assert "by hand at last" in invoke("notebook", run).stdout
    ended = told("babysit", run, "--finish")
    assert ended["state"] == "finished" and ended["test_error"] is not None and ended["best"] in (0, 1)
    assert "sealed" in sentence(invoke("babysit", run))


def test_what_cannot_be_is_a_sentence(here: Path) -> None:
    """Mistakes end with code 2 and a way out, and nothing is written or trained."""
    assert "There is no study" in sentence(invoke("babysit", "runs/none", "--undo"))
    assert "leave --trial" in sentence(invoke("babysit", "table.csv", "--new", "--undo"))
    assert not (here / "runs").exists()
    run = told("babysit", "table.csv", "--target", "y", *SMALL, "--epochs", "1")["run"]
    for words, said in (
        (["--set", "hidden=4"], "shapes of arrays"),
        (["--undo", "--set", "learning_rate=-1"], "between"),
        (["--undo"], "no intervention to undo"),
        (["--undo", "--branch"], "without --back-to"),
        (["--back-to", "2"], "can go back to 0 to 1"),
        (["--trial", "7"], "was not trained by hand"),
        (["--note", "hm"], "nothing is"),
        (["--target", "y"], "Leave --target out"),
        (["--seed", "4", "--task", "regression"], "Leave --seed and --task out"),
        (["--horizon", "3"], "Give it with --new"),
    ):
        assert said in sentence(invoke("babysit", run, *words)), words
    assert "caviar babysit" in sentence(invoke("resume", run))
    found = told("babysit", run, "--epochs", "0")
    assert found["epoch"] == 1 and found["log"] == []
    assert told("babysit", run, "--new", "--set", "learning_rate=0.01", "--epochs", "1")["trials"] == [0, 1]
