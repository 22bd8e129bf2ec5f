"""The best weights that a study keeps at hand."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import caviar
from caviar.study import keeping, lane
from caviar.study.kept import Kept, Rows, arrays_of, kept_of
from study.making import space, splits, study, table


def test_what_is_written_is_read_again() -> None:
    """Weights and per-row records of several trials survive the way through one file's arrays."""
    kept = {
        3: Kept(0.25, 1.5, {"layer.0": np.ones(2)}),
        12: Kept(0.5, 2.0, {"layer.0": np.zeros(3), "layer.1": np.ones(1)}),
    }
    rows = {
        3: Rows(np.float16([1, 2]), np.uint8([0, 1])),
        4: Rows(np.float16([3]), np.uint8([1])),
    }
    found, found_rows = kept_of(*arrays_of(kept, rows))
    assert [(n, one.value, one.cost, sorted(one.arrays)) for n, one in found.items()] == [
        (3, 0.25, 1.5, ["layer.0"]),
        (12, 0.5, 2.0, ["layer.0", "layer.1"]),
    ]
    assert found_rows[4].costs.tolist() == [3.0]
    assert sorted(found_rows) == [3, 4]


def keep(order: list[int], kept: dict[int, Kept], best: dict[int, tuple[float, float]]) -> dict[int, Kept]:
    """Evict some trials from a lane that holds `kept`."""
    held = SimpleNamespace(
        progress=SimpleNamespace(live={n: SimpleNamespace(number=n) for n in order}, best=best),
        cohort=SimpleNamespace(best=lambda slot: {}, best_rows=lambda slot: (np.ones(1), np.ones(1))),
        material=SimpleNamespace(task="classification"),
        kept=dict(kept),
        rows={},
        weights_bytes=1 << 40,
    )
    for slot in order:
        lane.Lane._keep_weights(held, slot)  # type: ignore[arg-type]
    return held.kept


def test_the_order_in_which_a_checkpoint_gives_trials_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of trials that are equally good the same ones are kept, however the kept ones are ordered."""
    monkeypatch.setattr(lane, "KEPT_WEIGHTS", 3)
    kept = {number: Kept(0.5, 1.0, {}) for number in (2, 9, 10)}
    turned = {number: kept[number] for number in (10, 2, 9)}
    assert set(keep([1], kept, {1: (0.25, 1.0)})) == set(keep([1], turned, {1: (0.25, 1.0)})) == {1, 2, 9}


def test_of_equal_errors_the_lower_cost_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where most trials make no error at all, the one that is declared best is among the kept ones."""
    monkeypatch.setattr(lane, "KEPT_WEIGHTS", 2)
    side = np.arange(240) % 2
    easy = table().with_columns(a=pl.Series(side * 12.0) + pl.col("a"), y=pl.Series(np.where(side, "on", "off")))
    splits = caviar.split(caviar.read(easy, target="y"), seed=0)
    begun = study(tmp_path / "study", splits=splits, space=space()).search(trials=8, epochs=16, stopping=None)
    assert sum(trial.dev_error == 0 for trial in begun.trials) > 4
    ranked = sorted(begun.trials, key=lambda t: (t.dev_error, t.dev_cost, t.number))
    kept, _ = keeping.load_weights(begun.store, begun.folder)
    assert sorted(kept) == sorted(trial.number for trial in ranked[:2])
    assert begun.finish().best_model().about["trial"]["number"] in kept


def test_every_trial_keeps_what_it_made_of_every_dev_row(tmp_path: Path) -> None:
    """Cost and correctness by dev row are stored for all trials, and their mean is the measured error."""
    begun = study(tmp_path / "study").search(trials=8, epochs=3)
    _, rows = keeping.load_weights(begun.store, begun.folder)
    assert sorted(rows) == [trial.number for trial in begun.trials]
    for trial in begun.trials:
        assert rows[trial.number].errors.mean() == pytest.approx(trial.dev_error, abs=1e-6)
        assert rows[trial.number].costs.astype(float).mean() == pytest.approx(trial.dev_cost, rel=2e-3)  # float16


def test_the_best_epoch_that_is_told_is_that_of_the_weights_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However coarse the numbers are in the target's units, record and weights speak of one epoch: the device's."""
    run, kept_at = lane.Lane.run, {}

    def coarse(self: lane.Lane, epochs: int, batches: int | None = None) -> Any:
        block = run(self, epochs, batches)
        if block is not None:
            block.values[:, [lane.AT["dev_error"], lane.AT["dev_cost"]]] = 1.0
            best = np.array(self.cohort.state.best.epoch)
            kept_at.update({trial.number: int(best[slot]) for slot, trial in self.progress.live.items()})
        return block

    monkeypatch.setattr(lane.Lane, "run", coarse)
    found = study(tmp_path / "study", splits=splits(task="regression"))
    found.search(trials=6, epochs=12, stopping=None)
    told = {trial.number: trial.best_epoch for trial in found.trials}
    assert told == kept_at
    assert max(told.values()) > 1
