"""What is trained: the same rows, the same inputs and the same network for every contestant.

The rows are drawn once, by a fixed seed, and nobody splits again; numbers are standardised by the train rows, images
by one mean and one deviation of all their pixels; every contestant measures the error on `sample` and on `dev` at the
end of every epoch, with dropout off.
"""

import gzip
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocol import Unavailable

SPLIT_SEED = 20

_MNIST = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist"


@dataclass(frozen=True)
class Material:
    """A data set, ready to train on.

    Args:
        inputs: [N, D] float32, standardised by the train rows.
        targets: [N] int64, class indices.
        rows: int64, the train rows.
        sample: int64, the train rows that are measured at each epoch's end, as many as dev has.
        dev: int64, the dev rows.
    """

    inputs: np.ndarray
    targets: np.ndarray
    rows: np.ndarray
    sample: np.ndarray
    dev: np.ndarray

    @property
    def classes(self) -> int:
        """Number of classes C."""
        return int(self.targets.max()) + 1


@dataclass(frozen=True)
class Search:
    """Random search with stopping: what varies, in the words of the hyperparameter table.

    Args:
        trials: configurations drawn.
        first_rung: epochs before a trial may be stopped.
        reduction: one in so many trials goes on at each rung.
        learning_rate, l2: bounds, drawn on a logarithmic scale.
        keep_probability: bounds, drawn evenly.
        hidden: the lists of widths to choose from.
        activation: the activations to choose from.
        levels: dev errors whose first time is compared; of the 360 dev rows of digits 7, 4, 3, 2 and 1. The first
            ones are reached by a single default network, the last by a search alone.
    """

    trials: int = 256
    first_rung: int = 2
    reduction: int = 3
    learning_rate: tuple[float, float] = (1e-4, 1e-1)
    l2: tuple[float, float] = (1e-3, 10.0)
    keep_probability: tuple[float, float] = (0.5, 1.0)
    hidden: tuple[tuple[int, ...], ...] = ((32, 32), (64, 32), (128, 64))
    activation: tuple[str, ...] = ("relu", "tanh")
    levels: tuple[float, ...] = (0.02, 0.0112, 0.0084, 0.0056, 0.0028)


@dataclass(frozen=True)
class Task:
    """One network, or one search, on one data set.

    Args:
        name: what the command line calls it.
        data: "digits" or "mnist".
        hidden: widths of the hidden layers; all ReLU, softmax above.
        batch_size: B.
        keep_probability: share of hidden units that dropout keeps.
        learning_rate: of Adam, at its usual β₁, β₂ and ε.
        epochs: each network trains so many while the clock runs.
        members: networks that a population trains at once.
        every_hyperparameter: our slots differ in every hyperparameter of the table, not only in what a default space
            varies. Peers train the plain network all the same.
        search: a whole search instead of fixed networks.
    """

    name: str
    data: str
    hidden: tuple[int, ...]
    batch_size: int
    keep_probability: float = 0.8
    learning_rate: float = 1e-3
    epochs: int = 50
    members: int = 64
    every_hyperparameter: bool = False
    search: Search | None = None

    @cached_property
    def material(self) -> Material:
        """The data, read when first asked for.

        Raises:
            Unavailable: the files are not there.
        """
        inputs, targets = _READERS[self.data]()
        return _prepare(inputs, targets, *_SIZES[self.data], by_feature=self.data != "mnist")

    def widths(self) -> tuple[int, ...]:
        """All layers from input to output."""
        return (self.material.inputs.shape[1], *self.hidden, self.material.classes)

    def describe(self) -> dict[str, Any]:
        """What goes into a result's record."""
        return {"task": self.name, "hidden": list(self.hidden), "batch_size": self.batch_size, "epochs": self.epochs}


def _prepare(inputs: np.ndarray, targets: np.ndarray, train: int, dev: int, *, by_feature: bool) -> Material:
    """Shuffle by the fixed seed, cut, standardise by the train rows."""
    order = np.random.Generator(np.random.Philox(SPLIT_SEED)).permutation(len(targets))
    rows, dev_rows = order[:train], order[train : train + dev]
    if by_feature:
        mean, deviation = inputs[rows].mean(axis=0), inputs[rows].std(axis=0)
        deviation[deviation == 0] = 1.0
    else:
        mean, deviation = inputs[rows].mean(dtype=np.float64), inputs[rows].std(dtype=np.float64)
    standardised = ((inputs - mean) / deviation).astype(np.float32)
    return Material(standardised, targets.astype(np.int64), rows, rows[:dev], dev_rows)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    inputs, targets = load_digits(return_X_y=True)
    return inputs, targets


def _mnist() -> tuple[np.ndarray, np.ndarray]:
    """The 60 000 train images; MNIST's own test images are no business of a benchmark."""
    if not _MNIST.is_dir():
        raise Unavailable("needs MNIST's idx files in the folder 'shared/data/mnist' beside the repository")
    with gzip.open(_MNIST / "train-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(_MNIST / "train-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    return images.astype(np.float32), labels


_READERS = {"digits": _digits, "mnist": _mnist}
_SIZES = {"digits": (1437, 360), "mnist": (55_000, 5_000)}  # train and dev rows

_LISTED = (
    Task("digits-128-64", "digits", (128, 64), 64),
    Task("digits-128-64-everything", "digits", (128, 64), 64, every_hyperparameter=True),
    Task("digits-32-32", "digits", (32, 32), 64),
    Task("mnist-1024-512-256", "mnist", (1024, 512, 256), 128, epochs=1, members=8),
    Task("digits-search", "digits", (128, 64), 64, epochs=50, search=Search()),
)
TASKS: dict[str, Task] = {task.name: task for task in _LISTED}
