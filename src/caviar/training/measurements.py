"""What a segment measured: slot by slot, epoch by epoch, without empty slots."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from caviar.records.history import FIELDS
from caviar.training.by_layer import by_layer
from caviar.training.carried import ProgramKey
from caviar.training.values import Assignment


@dataclass(frozen=True)
class Measured:
    """What one segment measured: own epoch and fields of every live slot, epoch by epoch."""

    slots: np.ndarray  # int32 [n]
    trials: np.ndarray  # int32 [n]
    epochs: np.ndarray  # int32 [n] own epochs, from 1
    fields: Float[np.ndarray, "n F"]  # float32
    probes: Float[np.ndarray, "n L P"] | None = None  # float32, where the program measures them


def measured_of(
    measured: Float[np.ndarray, "K E F"],
    slots: Sequence[Assignment | None],
    own_epochs: np.ndarray,
    epochs: int,
    key: ProgramKey,
) -> Measured:
    """The rows of the slots that hold a trial, epoch after epoch.

    Args:
        measured: what the program gave.
        slots: K assignments.
        own_epochs: int [K], how many each slot had trained before the segment.
        epochs: that the segment ran.
        key: of the program.
    """
    live = np.asarray([number for number, slot in enumerate(slots) if slot is not None], np.int32)
    held = [slot for slot in slots if slot is not None]
    epoch = np.arange(epochs, dtype=np.int32)
    rows = np.swapaxes(measured[live, :epochs], 0, 1).reshape(len(live) * epochs, measured.shape[-1])
    return Measured(
        slots=np.tile(live, epochs),
        trials=np.tile(np.asarray([slot.trial for slot in held], np.int32), epochs),
        epochs=(own_epochs[live][None, :].astype(np.int32) + 1 + epoch[:, None]).reshape(-1),
        fields=np.ascontiguousarray(rows[:, : len(FIELDS)]),
        probes=_probes(rows[:, len(FIELDS) :], held * epochs, key),
    )


def _probes(raw: np.ndarray, slots: Sequence[Assignment], key: ProgramKey) -> np.ndarray | None:
    if not key.features.probes or not len(raw):
        return None
    used = [slot.configuration["activation"] for slot in slots]
    activations = key.features.network.activations
    return by_layer(raw, key.architecture.widths, activations, [slot.widths for slot in slots], used)
