"""A grid of optimiser × regulariser × batch norm × activation × decay × own widths, as the slots of one cohort.

One program that holds every feature trains the whole grid of a depth at once, so that few programs are compiled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from caviar.data.streams import Stream, updates_per_epoch
from caviar.networks.activations import NAMES
from caviar.networks.architecture import Architecture
from caviar.networks.mlp import Perceptron
from caviar.search.hyperparameters import DECAYS, OPTIMISERS, complete
from caviar.training import device
from caviar.training.batches import GroupStream, Version
from caviar.training.cohort import Cohort
from caviar.training.features import Features
from caviar.training.layout import Layout
from caviar.training.optimisers import UpdateRule
from caviar.training.values import Assignment

device.start()

BATCH_SIZE = 16
HIDDEN = (8, 6, 4)
# Own widths of the slots, all at most HIDDEN: a third of the slots fill the architecture, the others are padded.
OWN = ((8, 6, 4), (5, 6, 3), (7, 2, 4))
HORIZON = 8
# A trial and 255 others: eight groups on each of two devices.
LAYOUT = Layout(slots=256, group=16, devices=2, epochs=8)
# Every optimiser with and without batch norm under every regulariser.
COMBINATIONS = 80
EVERYTHING = Features(
    network=Perceptron(
        NAMES,
        dropout=True,
        input_dropout=True,
        batch_norm="some",
        masked=True,
        batch_norm_after="some",
        batch_norm_output="some",
        train_set_statistics=True,
    ),
    rule=UpdateRule(OPTIMISERS, l1=True, l2=True, weight_decay=True, clip=True, penalise_biases=True),
    smoothing=True,
    weighted=True,
)
RATES = {"gradient_descent": 0.2, "momentum": 0.3, "nesterov": 0.3, "rmsprop": 0.01, "adam": 0.02}
REGULARISERS: tuple[dict[str, Any], ...] = (
    {},
    {"l1": 2.0},
    {"l2": 3.0},
    {"weight_decay": 0.1},
    {"clip_norm": 0.3},
    {"keep_probability": 0.7},
    {"input_keep_probability": 0.8},
    {"label_smoothing": 0.1},
)
TOGETHER: dict[str, Any] = {name: value for regulariser in REGULARISERS for name, value in regulariser.items()}


def wide() -> Any:
    """A context in which JAX computes in 64 bits."""
    return jax.enable_x64(True)


@dataclass(frozen=True)
class Problem:
    """A small set of rows to learn from.

    Args:
        inputs: [N, D].
        targets: [N] class indices, or numbers.
        weights: [N] of the rows.
        class_weights: for the slots with balanced classes.
        streams: on which the groups train; group g takes stream g modulo their number.
        loss: of the network.
        outputs: C, the data's own.
    """

    inputs: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    class_weights: tuple[float, ...]
    streams: tuple[Stream, ...]
    loss: str
    outputs: int

    @property
    def version(self) -> Version:
        """The rows as the cohort takes them."""
        return Version(self.inputs, self.targets, self.weights)


def problem(loss: str = "softmax") -> Problem:
    """Ninety-six rows of five features with three classes, two classes or a number, and four unlike streams."""
    generator = np.random.default_rng(7)
    inputs = generator.standard_normal((96, 5))
    scores = inputs @ generator.standard_normal((5, 3)) + 0.5 * generator.standard_normal((96, 3))
    targets: np.ndarray = scores.argmax(axis=1).astype(np.int32)
    if loss == "logistic":
        targets = (targets > 0).astype(np.int32)
    if loss == "squared":
        targets = scores[:, 0] / scores[:, 0].std()
    weights = generator.uniform(0.5, 1.5, 96)
    weights[3] = 0.0  # a row may weigh nothing
    classes = {"softmax": (1.5, 0.9, 0.6), "logistic": (1.4, 0.6), "squared": ()}[loss]
    return Problem(inputs, targets, weights, classes, streams(), loss, 3 if loss == "softmax" else 1)


def streams() -> tuple[Stream, ...]:
    """Last batches of 13 rows, of a single row (shared out), of 8 rows after fewer batches, and of a full batch."""
    dev = np.arange(64, 96, dtype=np.int32)
    halves = np.arange(32) % 3 > 0
    found = []
    for number, count in enumerate((45, 33, 24, 48)):
        rows = np.arange(64, dtype=np.int32)[number : number + count]
        choose = halves if number % 2 else np.ones(32, bool)
        found.append(Stream(number, 100 + number, rows, rows[:20], dev, choose))
    return tuple(found)


def architecture(depth: int = 2, loss: str = "softmax", dtype: str = "float64", *, larger: int = 0) -> Architecture:
    """Room for the grid, with padded inputs and classes already.

    Args:
        larger: how much more padding every axis has.
    """
    outputs = (4 if loss == "softmax" else 1) + larger
    hidden = tuple(width + larger for width in HIDDEN[:depth])
    return Architecture(6 + larger, hidden, outputs, loss, BATCH_SIZE, dtype)


def configurations(depth: int = 2, loss: str = "softmax") -> list[dict[str, Any]]:
    """Every optimiser with and without batch norm (each ten) under every regulariser (one for each ten).

    Activations, decays, warm-ups, initialisations, class weights, own widths, what is
    penalised and where batch norm stands take turns, and another depth begins
    elsewhere in their turn. Half of the last ten have every regulariser at once.
    """
    found = []
    for slot in range(COMBINATIONS):
        turn = slot + depth
        optimiser = OPTIMISERS[slot % 5]
        regulariser = REGULARISERS[slot // 10]
        if slot // 10 == 7 and slot % 2:
            regulariser = {**TOGETHER, "keep_probability": [0.9, 0.6, 0.8][:depth]}
        own = {
            "optimiser": optimiser, "learning_rate": RATES[optimiser], "batch_norm": bool(slot // 5 % 2),
            "activation": NAMES[turn % 7], "decay": DECAYS[turn * 3 % 7], "decay_steps": 2,
            "warmup": 1.5 if turn % 4 == 0 else 0.0, "initialisation": ("he", "lecun", "glorot")[turn % 3],
            # Where a gradient is 0 but for rounding, as under batch norm, a small ε makes a step of the rounding.
            "epsilon": 1e-6 if slot // 5 % 2 else 1e-8,
            "class_weight": "balanced" if turn % 3 == 1 and loss != "squared" else "none",
            "penalise_biases": turn % 4 > 1, "batch_norm_place": "after" if turn % 3 == 2 else "before",
            "batch_norm_output": turn % 4 == 1, "batch_norm_statistics": ("averages", "train_set")[turn % 7 > 4],
            "hidden": list(OWN[turn % 3][:depth]), "batch_size": BATCH_SIZE, **regulariser,
        }  # fmt: skip
        found.append(complete(own))
    return found


def assignment(problem: Problem, slot: int, configuration: dict[str, Any], *, group: int = LAYOUT.group) -> Assignment:
    """A configuration as the trial of a slot; its seed and number are those of the slot."""
    stream = problem.streams[slot // group % len(problem.streams)]
    return Assignment(
        trial=slot, configuration=configuration, seed=1000 + slot,
        widths=(problem.inputs.shape[1], *configuration["hidden"], problem.outputs), examples=len(stream.rows),
        updates=updates_per_epoch(len(stream.rows), BATCH_SIZE), horizon=HORIZON, stop_at=HORIZON,
        class_weights=problem.class_weights if configuration["class_weight"] == "balanced" else (),
    )  # fmt: skip


def assignments(
    problem: Problem, configurations: Sequence[dict[str, Any]], count: int = LAYOUT.slots
) -> dict[int, Assignment]:
    """Trials for the first slots of the layout; the configurations take turns."""
    return {slot: assignment(problem, slot, configurations[slot % len(configurations)]) for slot in range(count)}


def cohort(problem: Problem, shapes: Architecture, features: Features = EVERYTHING, layout: Layout = LAYOUT) -> Cohort:
    """An empty cohort on the problem's streams."""
    groups = [GroupStream(problem.streams[g % len(problem.streams)]) for g in range(layout.groups)]
    return Cohort(shapes, features, layout, [problem.version], groups).ready()


def unweighted(features: Features = EVERYTHING) -> Features:
    """The same program without weights of rows and classes."""
    return replace(features, weighted=False)


def slots_of(state: Any, chosen: Sequence[int]) -> list[np.ndarray]:
    """The leaves of a state that was read from a cohort, of some slots only."""
    return [leaf[np.asarray(chosen)] for leaf in jax.tree.leaves(state)]


def same_bits(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> bool:
    """Whether two lists of arrays are equal bit for bit, NaN included."""
    return len(one) == len(other) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(one, other, strict=True)
    )


def distance(one: Sequence[np.ndarray], other: Sequence[np.ndarray]) -> float:
    """The largest difference between two lists of arrays, each relative to its array's largest value (at least 1)."""
    assert len(one) == len(other)
    largest = 0.0
    for a, b in zip(one, other, strict=True):
        assert a.shape == b.shape
        if a.size == 0:
            continue
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
        apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0.0  # the same infinity is no difference
        largest = max(
            largest, float(apart.max() / max(1.0, np.abs(b[np.isfinite(b)], dtype=np.float64).max(initial=0.0)))
        )
    return largest
