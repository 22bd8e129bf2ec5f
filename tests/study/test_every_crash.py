"""Promise 6 at every point at which the disk changes: what lies there then is what a kill would leave."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from caviar.records import database, tensors
from caviar.study import campaigns, jobs, lane, loop
from caviar.study.request import Request
from caviar.study.study import Study
from study.making import checkpoint_always, content, differences, table


class Camera:
    """Copies a folder whenever something in it has been written or deleted."""

    def __init__(self, folder: Path, album: Path) -> None:
        self.folder, self.album = folder, album
        self.pictures: list[Path] = []

    def take(self) -> None:
        """One more picture, once there is a study."""
        if (self.folder / "study.db").exists():
            self.pictures.append(self.album / f"{len(self.pictures):03d}")
            shutil.copytree(self.folder, self.pictures[-1])

    @contextmanager
    def rolling(self) -> Iterator[None]:
        """A picture after each transaction, each file written, and each file deleted."""
        write = database.Database.write

        @contextmanager
        def watched(store: Any) -> Iterator[Any]:
            with write(store) as connection:
                yield connection
            self.take()

        def then(do: Any) -> Any:
            def done(*arguments: Any, **options: Any) -> Any:
                found = do(*arguments, **options)
                self.take()
                return found

            return done

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(database.Database, "write", watched)
            patched.setattr(tensors, "write_whole", then(tensors.write_whole))
            patched.setattr(Path, "unlink", then(Path.unlink))
            patched.setattr(Path, "replace", then(Path.replace))
            yield


class Clock:
    """Time that a test moves: a little at every look at it, by much when it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        self.now += 1e-3
        return self.now

    def jump_after(self, looks: int, seconds: float) -> Any:
        """A watcher after whose given look some time has passed."""
        left = iter(range(looks + 1))

        def watch(look: Any) -> None:
            if next(left, None) == looks:
                self.now += seconds

        return watch


@pytest.fixture
def busy_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two structures, short segments, a checkpoint after each of them, and few places for the best weights."""
    monkeypatch.setattr(campaigns, "TRIALS_PER_STRUCTURE", 4)
    monkeypatch.setattr(campaigns, "CONFIRMED", 1)
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 2)
    monkeypatch.setattr(lane, "KEPT_WEIGHTS", 4)
    checkpoint_always(monkeypatch)


def search(folder: Path, watch: Any = None, **options: Any) -> Study:
    """`caviar search` of nine trials in two cohorts with halving, a confirmation, and the finish."""
    table().write_csv(folder.parent / "table.csv")
    usual: dict[str, Any] = {
        "target": "y",
        "epochs": 3,
        "fixed": ("batch_size=32", "encoding=standard"),
        "varied": ("hidden=8,6-6", "learning_rate=1e-3..1e-1:log"),
        "run": folder,
    }
    request = Request(str(folder.parent / "table.csv"), **{**usual, **options})
    return jobs.search(request, jobs.How(9), watch=watch)


@pytest.mark.usefixtures("busy_disk")
@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_after_any_write_a_search_goes_on_as_if_nothing_had_been(tmp_path: Path, step: int) -> None:
    """From every state that the disk goes through, `resume` comes to the same study, bit for bit."""
    camera = Camera(tmp_path / "whole", tmp_path)
    with camera.rolling():
        whole = search(tmp_path / "whole")
    wanted = content(whole)
    assert len(whole.campaigns[0].cohorts) == 2
    assert len(camera.pictures) > 40
    for picture in camera.pictures[::step]:
        resumed = jobs.resume(picture, minutes=None, watch=None)
        assert differences(wanted, content(resumed)) == [], picture.name
        assert resumed.store.setting("to_rounding") is None, picture.name
        shutil.rmtree(picture)


@pytest.mark.usefixtures("busy_disk")
def test_killed_while_a_budget_ends_it_a_search_ends_there_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search that its budget ended, killed after any write from then on, ends at the same tick with the same best."""
    clock = Clock()
    monkeypatch.setattr(loop, "time", clock)
    camera = Camera(tmp_path / "whole", tmp_path)
    with camera.rolling():
        whole = search(tmp_path / "whole", minutes=1.0, watch=clock.jump_after(2, seconds=50.0))
    wanted = content(whole)
    assert whole.results["stopped"]["why"] == loop.BUDGET
    ended = [event.tick for event in whole.store.events(0) if event.author == "budget"]
    assert ended
    for picture in camera.pictures:
        begun = Study(picture)
        if begun.store.tick(0) + 1 < ended[0]:
            continue  # the clock had not run out yet: where a resumed search ends is its own clock's affair
        resumed = jobs.resume(picture, minutes=None, watch=None)
        assert differences(wanted, content(resumed)) == [], picture.name
        assert resumed.results["stopped"]["tick"] == whole.results["stopped"]["tick"]
        shutil.rmtree(picture)


@pytest.mark.usefixtures("busy_disk")
def test_killed_after_any_write_a_training_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    """`caviar train`, too, comes to the same network from every state of the disk."""
    table().write_csv(tmp_path / "table.csv")
    camera = Camera(tmp_path / "whole", tmp_path)
    with camera.rolling():
        request = Request(
            str(tmp_path / "table.csv"),
            target="y",
            fixed=("hidden=8", "batch_size=32", "encoding=standard"),
            epochs=5,
            run=tmp_path / "whole",
        )
        whole = jobs.train(request, watch=None)
    wanted = content(whole)
    assert len(camera.pictures) > 15
    for picture in camera.pictures:
        assert differences(wanted, content(jobs.resume(picture, minutes=None, watch=None))) == [], picture.name
        shutil.rmtree(picture)
