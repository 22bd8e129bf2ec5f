"""MNIST with dropout: the notes' network, its line for each epoch, its model saved at each new best."""

import gzip
import re
import runpy
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caviar

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mnist_dropout.py"
LINE = re.compile(
    r"\d\d:\d\d:\d\d epoch:(\d\d) is_save:([01]) acc_max:(\d+\.\d\d)% acc_val:(\d+\.\d\d)% acc_train:(\d+\.\d\d)%"
)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """The example as from the command line; what it defines."""
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *arguments])
    return runpy.run_path(str(EXAMPLE), run_name="__main__")


def lines(said: str) -> list[tuple[float, ...]]:
    """Epoch, is_save, and the three accuracies in percent, of every line."""
    return [tuple(map(float, found.groups())) for found in LINE.finditer(said)]


def test_a_line_an_epoch_and_a_model_at_each_new_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Saved on strict improvement of validation only; the file left at the end has the best accuracy that was said."""
    names = run(monkeypatch, "--epochs", "12", "--run", str(tmp_path))
    said = capsys.readouterr().out
    found = lines(said)
    assert [line[0] for line in found] == list(range(1, 13))
    validation = [line[3] for line in found]
    assert [line[2] for line in found] == list(np.maximum.accumulate(validation))
    history = caviar.Study(tmp_path / "seed-0").trials[0].history
    best = np.minimum.accumulate(np.append(np.inf, history["dev_error"]))[:-1]
    assert [line[1] for line in found] == (history["dev_error"] < best).astype(float).tolist()
    assert 0 < sum(line[1] for line in found) < 12, "every epoch, or none, was saved"
    cut = names["splits"](None, 0)
    told = caviar.load(tmp_path / "dropout-0.caviar").evaluate(cut.dataset, cut.dev)
    assert 100 * (1 - told["error"]) == pytest.approx(max(validation), abs=0.006)
    assert re.search(r"^dropout: .*by epoch 7, .*by epoch 12 \(one seed\)$", said, flags=re.MULTILINE)
    assert re.search(r"^no dropout: .*by epoch 12", said, flags=re.MULTILINE)


def test_accuracy_in_training_mode_is_counted_while_units_are_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`acc_train` is the share right of the mini-batches as they were trained on: below the same rows in test mode."""
    run(monkeypatch, "--epochs", "6", "--run", str(tmp_path))
    history = caviar.Study(tmp_path / "seed-0").trials[0].history
    told = [line[4] for line in lines(capsys.readouterr().out)]
    assert told == pytest.approx(100 * (1 - history["running_error"]), abs=0.006)
    assert (history["running_error"] > history["train_error"]).all()


def test_the_network_is_that_of_the_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a folder with MNIST's four files it is 784-1024-512-256-10 with ReLU, beside its twin without dropout."""
    random = np.random.default_rng(0)
    for part, rows in (("train", 300), ("t10k", 60)):
        pixels = random.integers(0, 256, (rows, 28, 28), np.uint8)
        labels = (np.arange(rows) % 10).astype(np.uint8)
        for name, magic, array in (("images-idx3", 0x803, pixels), ("labels-idx1", 0x801, labels)):
            head = struct.pack(f">{1 + array.ndim}I", magic, *array.shape)
            with gzip.open(tmp_path / f"{part}-{name}-ubyte.gz", "wb") as file:
                file.write(head + array.tobytes())
    run(monkeypatch, str(tmp_path), "--epochs", "1", "--run", str(tmp_path / "run"))
    assert len(lines(capsys.readouterr().out)) == 1
    ours, twin = caviar.Study(tmp_path / "run" / "seed-0").trials
    assert ours.configuration["hidden"] == [1024, 512, 256] and ours.configuration["activation"] == "relu"
    apart = {name for name, value in ours.configuration.items() if twin.configuration[name] != value}
    assert apart == {"keep_probability"} and twin.configuration["keep_probability"] == 1.0
    arrays = caviar.load(tmp_path / "run" / "dropout-0.caviar").arrays
    shapes = sorted(array.shape for array in arrays.values() if array.ndim == 2)
    assert shapes == [(256, 10), (512, 256), (784, 1024), (1024, 512)]
