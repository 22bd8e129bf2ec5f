"""Small studies that train in a moment, and everything of a study that must be equal bit for bit."""

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest

import caviar
from caviar.data.dataset import Dataset
from caviar.data.splits import Splits
from caviar.study import keeping, writer
from caviar.study.study import Study

ROWS = 240


def table(rows: int = ROWS, seed: int = 0, task: str = "classification") -> pl.DataFrame:
    """Four numbers and a target that a small network can learn."""
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(rows, 4))
    signal = inputs[:, 0] + inputs[:, 1] * inputs[:, 2] + 0.3 * generator.normal(size=rows)
    columns: dict[str, Any] = {name: inputs[:, at] for at, name in enumerate("abcd")}
    columns["y"] = np.where(signal > 0, "yes", "no") if task == "classification" else 100.0 + 20.0 * signal
    return pl.DataFrame(columns)


def data(rows: int = ROWS, seed: int = 0, task: str = "classification") -> Dataset:
    """The table as a data set."""
    return caviar.read(table(rows, seed, task), target="y")


def splits(rows: int = ROWS, seed: int = 0, task: str = "classification") -> Splits:
    """The table, split."""
    return caviar.split(data(rows, seed, task), seed=0)


def space(**fixed: Any) -> caviar.Space:
    """A space whose trials share one small program; every test that uses it spares a compilation."""
    whole = {"hidden": [8], "batch_size": 32, "encoding": "standard", **fixed}
    varied = caviar.Space().fix(**whole)
    return varied if "learning_rate" in fixed else varied.vary("learning_rate", 1e-3, 1e-1, scale="log")


def study(folder: Path, **options: Any) -> Study:
    """A new small study, nothing trained yet."""
    given = options.pop("splits", None) or splits()
    return Study(folder, given, **{"space": space(), "seed": 0, **options})


def content(of: Study) -> dict[str, Any]:
    """Everything that a repetition must give again, bit for bit: nothing of clocks, folders and processes."""
    results = of.results
    weights, rows = keeping.load_weights(of.store, of.folder)
    return {
        "trials": [trial.to_dict() for trial in of.trials],
        "histories": [_digest(trial.history) for trial in of.trials],
        "blocks": [
            (tick, _digest({name: getattr(block, name) for name in ("slots", "trials", "epochs", "values")}))
            for tick, block in of.store.blocks(0)
        ],
        "events": of.store.events(0),
        "campaigns": of.campaigns,
        "weights": {number: (kept.value, _digest(kept.arrays)) for number, kept in sorted(weights.items())},
        "rows": {number: _digest(vars(found)) for number, found in sorted(rows.items())},
        "results": {name: results.get(name) for name in ("winner", "measured", "test", "stopped_too_soon")},
        "statistics": {name: results["statistics"][name] for name in ("model_epochs", "slot_use", "spared")},
        "findings": [finding.to_dict() for finding in of.findings],
        "model": hashlib.sha256(of.model_path.read_bytes()).hexdigest() if of.model_path.exists() else None,
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The parts in which two studies differ; NaN equals NaN."""
    return [name for name in one if repr(one[name]) != repr(other[name])]


def _digest(arrays: Any) -> str:
    """Names, types, shapes and bits of some arrays."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()


class Death(BaseException):
    """Ends a study in this process where a kill would: nothing but what is on the disk is left."""


def dies_after(looks: int) -> Any:
    """A watcher at whose given look the study dies."""
    left = iter(range(looks - 1))

    def watch(look: Any) -> None:
        if next(left, None) is None:
            raise Death

    return watch


class AtOnce:
    """A thread that has ended when it has been started, so that the points come in one order."""

    def __init__(self, target: Any, name: str) -> None:
        self._target = target

    def start(self) -> None:
        """Do all of it."""
        self._target()

    def is_alive(self) -> bool:
        """Never."""
        return False

    def join(self) -> None:
        """There is nothing to wait for."""


def checkpoint_always(patched: pytest.MonkeyPatch) -> None:
    """A checkpoint after every segment, written before the next one begins."""
    patched.setattr(writer, "CHECKPOINT_SECONDS", 0.0)
    patched.setattr(writer, "CHECKPOINT_SHARE", 1e9)
    patched.setattr(writer, "threading", SimpleNamespace(**{**vars(writer.threading), "Thread": AtOnce}))


def mixed_table(rows: int = ROWS, seed: int = 0, task: str = "classification") -> pl.DataFrame:
    """Numbers with gaps, categories with gaps, a date, and a target that needs them."""
    generator = np.random.default_rng(seed)
    plain = table(rows, seed, task)
    size = generator.normal(50.0, 10.0, rows)
    kind = generator.choice(["red", "green", "blue"], rows)
    gaps = generator.random((2, rows)) < 0.1
    return plain.with_columns(
        pl.Series("size", [None if gap else value for gap, value in zip(gaps[0], size.tolist(), strict=True)]),
        pl.Series("kind", [None if gap else value for gap, value in zip(gaps[1], kind.tolist(), strict=True)]),
        pl.Series("day", [f"2024-{1 + n % 12:02d}-{1 + n % 28:02d}" for n in range(rows)]),
    )
