"""A slot's hyperparameters as the numbers that the program reads. All are computed in float64 on the host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.networks.activations import NAMES
from caviar.networks.architecture import Architecture
from caviar.training.augmentation import IDLE, strengths_of
from caviar.training.decay import bias_corrections, learning_rates
from caviar.training.optimisers import ADAPTIVE, WITH_MOMENTUM


@dataclass(frozen=True)
class Assignment:
    """What a slot is to train: a configuration with its seed and how long.

    Args:
        trial: number of the trial.
        configuration: complete (search.hyperparameters.complete).
        seed: of the first weights.
        widths: the network's own sizes from input to output.
        examples: m of the trial's stream, by which λ is divided.
        updates: updates of an epoch, as decay and warm-up count them (of a training in little, a share).
        horizon: epochs that the decay is stretched over.
        stop_at: the last epoch to train.
        class_weights: weight of each class [C], mean 1 over the train rows; empty: all 1.
    """

    trial: int
    configuration: Mapping[str, Any]
    seed: int
    widths: tuple[int, ...]
    examples: int
    updates: int | float
    horizon: int
    stop_at: int
    class_weights: tuple[float, ...] = ()


def slot_values(slots: Sequence[Assignment | None], architecture: Architecture) -> dict[str, np.ndarray]:
    """The values of all slots, each array [K, ...]; an empty slot gets harmless ones.

    Returns:
        A dict by the names that `mlp.Perceptron.apply`, `optimisers.UpdateRule.apply` and the loss read.
    """
    dtype = np.dtype(architecture.dtype)
    rows = [_values(slot, architecture) for slot in slots]
    return {name: np.asarray([row[name] for row in rows]).astype(_type(name, dtype)) for name in rows[0]}


_INTEGERS = ("units", "activation", "classes")
_BOOLEANS = (
    *("batch_norm", "batch_norm_after", "batch_norm_output", "batch_norm_train_set", "penalise_biases"),
    *("nesterov", "with_momentum", "adaptive"),
)


def _type(name: str, dtype: np.dtype) -> np.dtype:
    if name in _INTEGERS:
        return np.dtype(np.int32)
    return np.dtype(bool) if name in _BOOLEANS else dtype


def _values(slot: Assignment | None, architecture: Architecture) -> dict[str, Any]:
    layers = len(architecture.hidden)
    classes = 2 if architecture.loss == "logistic" else architecture.outputs
    if slot is None:
        return {
            "units": [0] * layers,
            "activation": 0,
            "keep_probability": [1.0] * layers,
            "input_keep_probability": 1.0,
            "batch_norm": False,
            "batch_norm_after": False,
            "batch_norm_output": False,
            "batch_norm_train_set": False,
            "penalise_biases": False,
            "one_minus_beta_1": 1.0,
            "one_minus_beta_2": 1.0,
            "epsilon": 1.0,
            "nesterov": False,
            "with_momentum": False,
            "adaptive": False,
            "l1": 0.0,
            "l2": 0.0,
            "weight_decay": 0.0,
            "clip_norm": np.inf,
            "smoothing": 0.0,
            "classes": architecture.outputs,
            "class_weights": [1.0] * classes,
            "augmentation": IDLE,
        }
    c = slot.configuration
    keep = c["keep_probability"]
    normed = bool(c["batch_norm"]) and layers > 0
    weights = list(slot.class_weights) + [1.0] * (classes - len(slot.class_weights))
    return {
        "units": list(slot.widths[1:-1]),
        "activation": NAMES.index(c["activation"]),
        "keep_probability": list(keep) if isinstance(keep, list | tuple) else [keep] * layers,
        "input_keep_probability": c["input_keep_probability"],
        "batch_norm": normed,
        "batch_norm_after": normed and c["batch_norm_place"] == "after",
        "batch_norm_output": normed and c["batch_norm_output"],
        "batch_norm_train_set": normed and c["batch_norm_statistics"] == "train_set",
        **rule_values(c, slot.examples),
        "smoothing": c["label_smoothing"],
        "classes": slot.widths[-1],
        "class_weights": weights,
        "augmentation": strengths_of(c),
    }


def rule_values(configuration: Mapping[str, Any], examples: int) -> dict[str, Any]:
    """What `optimisers.UpdateRule.apply` reads of a configuration, but for the schedule.

    Args:
        configuration: complete.
        examples: m, by which λ is divided.
    """
    c, optimiser = configuration, configuration["optimiser"]
    return {
        "penalise_biases": c["penalise_biases"],
        "one_minus_beta_1": _one_minus_beta_1(c),
        "one_minus_beta_2": 1.0 - c["beta_2"] if optimiser in ADAPTIVE else 1.0,
        "epsilon": c["epsilon"],
        "nesterov": optimiser == "nesterov",
        "with_momentum": optimiser in WITH_MOMENTUM,
        "adaptive": optimiser in ADAPTIVE,
        "l1": c["l1"] / examples,
        "l2": c["l2"] / examples,
        "weight_decay": c["weight_decay"],
        "clip_norm": c["clip_norm"],
    }


def _one_minus_beta_1(configuration: Mapping[str, Any]) -> float:
    if configuration["optimiser"] == "adam":
        return 1.0 - configuration["beta_1"]
    if configuration["optimiser"] in WITH_MOMENTUM:
        return 1.0 - configuration["momentum"]
    return 1.0


def schedule(slots: Sequence[Assignment | None], t: Sequence[np.ndarray]) -> np.ndarray:
    """Rate and bias corrections of every slot at its own updates.

    Args:
        slots: K assignments.
        t: for each slot its own update counts from 1, [U] each (ignored for empty slots).

    Returns:
        float64 [K, U, 3]: learning rate, 1/(1−β₁ᵗ), 1/(1−β₂ᵗ). Empty slots have rate 0.
    """
    table = np.zeros((len(slots), len(t[0]), 3))
    table[:, :, 1:] = 1.0
    for number, slot in enumerate(slots):
        if slot is None:
            continue
        c = slot.configuration
        whole = {**c, "horizon": slot.horizon}
        table[number, :, 0] = learning_rates(whole, t[number], slot.updates)
        if c["optimiser"] == "adam":
            table[number, :, 1] = bias_corrections(1.0 - c["beta_1"], t[number])
            table[number, :, 2] = bias_corrections(1.0 - c["beta_2"], t[number])
    return table


def rates(
    slots: Sequence[Assignment | None], own_epochs: np.ndarray, updates: np.ndarray, epochs: int, room: tuple[int, int]
) -> np.ndarray:
    """The schedule of a segment; a stream with fewer updates than the cohort's idles at rate 0.

    Args:
        slots: K assignments, in groups of equal length.
        own_epochs: epochs that each slot's trial has trained [K].
        updates: updates of an epoch of each group.
        epochs: of the segment.
        room: epochs and updates of the table.

    Returns:
        float64 [K, E, U, 3], as `schedule` has them; what is not run has rate 0.
    """
    table = np.zeros((len(slots), *room, 3))
    table[..., 1:] = 1.0
    for slot, own in enumerate(np.repeat(updates, len(slots) // len(updates)).tolist()):
        assignment = slots[slot]
        if assignment is not None:
            t = own_epochs[slot] * own + 1 + np.arange(epochs * own)
            table[slot, :epochs, :own] = schedule([assignment], [t])[0].reshape(epochs, own, 3)
    return table
