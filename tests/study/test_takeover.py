"""A process thought dead must not write: neither segments nor what lies beside them, in the database or the folder."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from caviar.errors import LeaseLost
from caviar.study import campaigns, keeping, work
from study.making import checkpoint_always, study

TRIALS, EPOCHS = 12, 4


def take_over(folder: Path) -> None:
    """What another machine does once a lease has run out: the lane gets a larger number."""
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        connection.execute("UPDATE lane SET lease = lease + 1, holder = 'another machine', expires = 4e9")


def everything(folder: Path) -> tuple[list[str], list[str]]:
    """All rows of the database but the lane's own, and which files for a reader there are."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        rows = [line for line in connection.iterdump() if not line.startswith('INSERT INTO "lane"')]
    return rows, sorted(str(path) for path in folder.rglob("*") if path.name in ("best.caviar", "report.html"))


def noted(folder: Path) -> list[Path]:
    """The files that the database names."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        return [folder / path for (path,) in connection.execute("SELECT path FROM artefact")]


@pytest.mark.parametrize("look", [1, 4])
def test_a_study_that_was_taken_over_while_a_segment_ran_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    """From the takeover on no row is written and no noted file is removed, checkpoints and their loss included."""
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    checkpoint_always(monkeypatch)
    folder = tmp_path / "study"
    left = iter(range(look))
    found: list[Any] = []

    def watch(_: Any) -> None:
        if next(left, None) is None and not found:
            take_over(folder)
            found.append(everything(folder))

    begun = study(folder, watch=watch)
    with pytest.raises(LeaseLost, match="taken over by another machine"):
        begun.search(trials=TRIALS, epochs=EPOCHS)
    assert everything(folder) == found[0]
    assert all(path.exists() for path in noted(folder))


def test_a_study_that_was_taken_over_after_its_last_segment_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends a campaign (weights, numbers, that it is done) is not written over what the other process wrote."""
    folder = tmp_path / "study"
    found: list[Any] = []
    end = work._end

    def late(*arguments: Any) -> None:
        take_over(folder)
        found.append(everything(folder))
        end(*arguments)

    monkeypatch.setattr(work, "_end", late)
    begun = study(folder)
    with pytest.raises(LeaseLost):
        begun.search(trials=TRIALS, epochs=EPOCHS)
    assert everything(folder) == found[0]
    assert keeping.load_weights(begun.store, folder) == ({}, {})


def test_a_lease_given_back_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    """After its work a study may be written to, as after any search: findings, results, the notebook."""
    begun = study(tmp_path / "study").search(trials=4, epochs=2)
    take_over(tmp_path / "study")  # nobody's lease is lost: none is held
    begun.note(conclusion="nothing to see")
    assert begun.notebook[0].conclusion == "nothing to see"
