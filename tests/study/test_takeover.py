"""A process thought dead must not write: neither segments nor what lies beside them, in the database or the folder."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from caviar.errors import LeaseLost, StudyError
from caviar.records import lease
from caviar.study import campaigns, keeping, shown, verdict, work
from caviar.study.study import Study
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


# ---- what comes after a campaign -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study that was searched, and whose best is declared."""
    begun = study(tmp_path_factory.mktemp("searched") / "study").search(trials=8, epochs=3).confirm()
    begun.store.close()
    return begun.folder


@pytest.fixture
def copy(searched: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(searched, tmp_path / "study"))


def as_another(do: Any) -> Any:
    """What a process of another machine would get."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(lease, "this_process", lambda: "process 7 begun 1 on another machine")
        return do()


@pytest.mark.parametrize("within", ["diagnose", "open_test"])
def test_of_two_that_finish_a_study_one_opens_the_test_set(
    copy: Path, monkeypatch: pytest.MonkeyPatch, within: str
) -> None:
    """While one finishes, another that finishes, confirms, diagnoses or searches is told who is at it."""
    done = getattr(verdict, within)
    opened: list[str] = []

    def meanwhile(of: Study, *arguments: Any) -> Any:
        if not opened:
            opened.append(within)
            other = Study(copy)
            found = everything(copy)
            for ask in (other.finish, other.confirm, other.diagnose, lambda: other.search(trials=2, epochs=1)):
                with pytest.raises(StudyError, match=r"Lane 0 of this study is being trained by process \d+ begun"):
                    as_another(ask)
            assert everything(copy) == found
        return done(of, *arguments)

    monkeypatch.setattr(verdict, within, meanwhile)
    finished = Study(copy).finish()
    assert opened == [within]
    assert finished.results["test"]["seen"] == finished.store.setting("test_opened") == 1
    # Once it is given back, another may look at it again.
    assert [found.code for found in as_another(Study(copy).diagnose)] == [found.code for found in finished.findings]


STEPS = {
    "declared": (Study, "_declare"),
    "model saved": (shown, "keep"),
    "diagnosing": (verdict, "stopped_too_soon"),
    "diagnosed": (Study, "diagnose"),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_study_that_was_taken_over_while_it_was_finished_is_left_as_it_is(
    copy: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """From the takeover on neither numbers nor findings are written, and the test set stays closed."""
    found: list[Any] = []
    opened: list[Any] = []

    place, name = STEPS[step]
    do = getattr(place, name)

    def then_taken_over(*arguments: Any) -> Any:
        done = do(*arguments)
        take_over(copy)
        found.append(everything(copy))
        return done

    monkeypatch.setattr(place, name, then_taken_over)
    monkeypatch.setattr(verdict, "open_test", lambda *arguments: opened.append(arguments))
    begun = Study(copy)
    with pytest.raises(LeaseLost, match="taken over by another machine"):
        begun.finish()
    assert everything(copy) == found[0]
    assert opened == [] and not begun.sealed


def test_a_study_that_was_taken_over_while_its_best_was_declared_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last segment of a confirmation and the winner, too, the lease is held and asked."""
    folder = tmp_path / "study"
    begun = study(folder).search(trials=8, epochs=3)
    found: list[Any] = []
    declare = verdict.declare

    def late(*arguments: Any) -> Any:
        assert begun.store.holder(0) == lease.this_process()
        take_over(folder)
        found.append(everything(folder))
        return declare(*arguments)

    monkeypatch.setattr(verdict, "declare", late)
    with pytest.raises(LeaseLost, match="taken over by another machine"):
        begun.confirm()
    assert everything(folder) == found[0]
    assert begun.results["winner"] is None


def test_the_lease_is_given_back_after_all_of_it(tmp_path: Path) -> None:
    """Searching, confirming, diagnosing, finishing and refusing leave nobody holding the study."""
    begun = study(tmp_path / "study")
    for do in (lambda: begun.search(trials=8, epochs=3), begun.confirm, begun.diagnose, begun.finish):
        do()
        assert begun.store.holder(0) == "" and begun.store.held(0) is None
    with pytest.raises(StudyError, match="sealed"):
        begun.confirm()
    assert begun.store.holder(0) == ""
