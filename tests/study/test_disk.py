"""A study stays within its budget of disk: fewer best weights, fewer checkpoints, and the same decisions."""

import time
from pathlib import Path

import numpy as np
import pytest

from caviar.errors import StudyError
from caviar.study import campaigns, disk, keeping
from caviar.study.kept import FEWEST, Kept, thin_out
from caviar.study.study import Study
from caviar.study.writer import Writer
from study.making import checkpoint_always, content, differences, study


def kept_of(values: dict[int, float], size: int = 10) -> dict[int, Kept]:
    """Kept weights of so many numbers each."""
    return {number: Kept(value, 0.0, {"w": np.zeros(size, np.float32)}) for number, value in values.items()}


@pytest.mark.parametrize(
    ("most", "most_bytes", "left"),
    [(9, 10**6, 8), (5, 10**6, 5), (2, 10**6, 2), (9, 6 * 40, 6), (9, 6 * 40 - 1, 5), (9, 0, FEWEST), (2, 0, 2)],
)
def test_the_best_that_fit_stay(most: int, most_bytes: int, left: int) -> None:
    """The worst go first, until number and bytes fit; however few bytes there are, four stay."""
    values = {number: (0.7 * number) % 1.0 for number in range(8)}
    kept = kept_of(values)
    thin_out(kept, most, most_bytes)
    assert set(kept) == set(sorted(values, key=lambda number: values[number])[:left])


def test_a_small_budget_keeps_fewer_weights_and_decides_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With room for six networks the best six are kept; trials, winner and model are those of a study with room."""
    whole = study(tmp_path / "whole").search(trials=20, epochs=3)
    all_kept, _ = keeping.load_weights(whole.store, whole.folder)
    one = sum(array.nbytes for array in next(iter(all_kept.values())).arrays.values())
    monkeypatch.setattr(disk, "WEIGHTS_SHARE", (6.5 * one) / 2e9)
    small = study(tmp_path / "small").search(trials=20, epochs=3)
    kept, rows = keeping.load_weights(small.store, small.folder)
    best = sorted(small.trials, key=lambda trial: (trial.dev_error, trial.dev_cost, trial.number))
    assert set(kept) == {trial.number for trial in best[:6]} < set(all_kept)
    assert len(rows) == 20  # what each made of each dev row is kept of all
    assert differences(content(whole), content(small)) == ["weights"]
    # The next campaign does not push the earlier one's best out.
    assert small.finish().model_path.exists()
    assert {trial.number for trial in best[:3]} < set(keeping.load_weights(small.store, small.folder)[0])


@pytest.mark.parametrize(
    ("room", "newest", "failed"), [(3.2, [3, 4], False), (2.2, [3, 4], False), (1.2, [1], True), (0.2, [], True)]
)
def test_checkpoints_stay_within_the_budget(tmp_path: Path, room: float, newest: list[int], failed: bool) -> None:
    """A new one is written beside the newest or not at all, which is said; the budget is never exceeded."""
    begun = study(tmp_path / "study")
    folder, store, one = begun.folder, begun.store, 10_000_000  # bytes; the database grows by far less
    budget = disk.used(folder) + room * one
    store.set_setting("study", {**store.setting("study"), "disk": budget / 1e9})
    writer = Writer(store, folder)
    for tick in (1, 2, 3, 4):
        array = np.full(one // 4, tick, np.float32)
        writer.write({"state.0": array}, {"tick": tick, "campaign": 0}, time.monotonic())
        writer.wait()
        assert disk.used(folder) <= budget
    found = sorted(artefact.about["tick"] for artefact in store.artefacts("checkpoint"))
    assert found == newest
    assert len(list((folder / "checkpoints").glob("*"))) == len(newest)
    writer.end()
    said = store.setting("lost_checkpoint", "")
    assert ("A checkpoint of 10 MB does not fit" in said and "CAVIAR_DISK" in said) is failed


def test_a_campaign_that_is_done_leaves_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on from it, so its files are removed; while it trains there are some."""
    checkpoint_always(monkeypatch)
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    folder = tmp_path / "study"
    seen: list[int] = []
    begun = study(folder, watch=lambda look: seen.append(len(list(folder.glob("checkpoints/*")))))
    begun.search(trials=8, epochs=4)
    assert max(seen) == 2
    assert list(folder.glob("checkpoints/*")) == [] == begun.store.artefacts("checkpoint")


@pytest.mark.parametrize("given", ["", "0.5", "12"])
def test_a_study_keeps_the_budget_that_it_was_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    """CAVIAR_DISK is read when a study begins, and not when it is opened again."""
    monkeypatch.setenv("CAVIAR_DISK", given)
    study(tmp_path / "study")
    monkeypatch.setenv("CAVIAR_DISK", "7")
    assert disk.budget_of(Study(tmp_path / "study").store) == 1e9 * float(given or 2.0)


@pytest.mark.parametrize("given", ["much", "0", "-1", "nan", "1e9"])
def test_a_budget_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """A word, nothing, or less than nothing gets a sentence, and no study is begun."""
    monkeypatch.setenv("CAVIAR_DISK", given)
    with pytest.raises(StudyError, match=f"CAVIAR_DISK must be a number of gigabytes .* Got '{given}'"):
        study(tmp_path / "study")
    assert not (tmp_path / "study").exists()
