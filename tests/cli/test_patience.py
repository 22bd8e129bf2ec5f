"""Patience on the command line."""

from pathlib import Path

import pytest

from cli.running import QUICK, SMALL, invoke, sentence, told
from study import making


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A small CSV file."""
    path = tmp_path / "table.csv"
    making.table().write_csv(path)
    return path


def test_a_training_ends_by_patience(table: Path, tmp_path: Path) -> None:
    """`caviar train --patience` stops, compares with twins, and the report's command says it again."""
    asked = ("--set", "learning_rate=0.05", "--epochs", "30", "--patience", "3", "--target", "y")
    found = told("train", table, *SMALL, *asked, "--run", tmp_path / "run")
    assert found["statuses"]["stopped"] == 1 and found["trials"] == 6
    assert "--patience 3" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_search_may_do_without_twins(table: Path, tmp_path: Path) -> None:
    """`caviar search --stopping patience --patience 2 --no-twins` trains no twins."""
    asked = ("--stopping", "patience", "--patience", "2", "--no-twins", "--target", "y")
    told("search", table, *QUICK, *asked, "--run", tmp_path / "run")
    assert "early_stopping" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--patience", "0"), "whole and from 1. Got 0"),
        (("--stopping", "patience"), "--patience 5"),
        (("--set", "batch_norm=yes", "--set", "batch_size=2"), "'batch_size' 3 or more"),
    ],
)
def test_mistakes_are_sentences(table: Path, tmp_path: Path, asked: tuple[str, ...], said: str) -> None:
    """What cannot be stopped or normalised ends with 2 and one sentence, and nothing is written."""
    found = invoke("search", table, "--target", "y", *asked, "--run", tmp_path / "run")
    assert said in sentence(found)
    assert not (tmp_path / "run").exists()
