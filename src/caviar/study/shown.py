"""Examples as the best network was shown them, kept in the study's folder so that a report needs no JAX."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.records import beside, checkpoints
from caviar.search.augmentations import PICTURE_KINDS, is_used
from caviar.search.hyperparameters import HYPERPARAMETERS
from caviar.study.spec import StreamSpec

if TYPE_CHECKING:
    from caviar.study.study import Study

KIND = "shown"
EXAMPLES, TIMES = 8, 4
# Inputs of a table that are worth showing side by side.
MOST_INPUTS = 12


@dataclass(frozen=True)
class Shown:
    """Train rows before and after.

    Args:
        before: uint8 [n, H, W, C] pictures, or float32 [n, inputs].
        after: the same with how many times it was drawn in front.
        names: of a table's inputs; empty for pictures.
        strengths: what was used, by name.
    """

    before: np.ndarray
    after: np.ndarray
    names: tuple[str, ...]
    strengths: dict[str, Any]


def keep(study: "Study") -> None:
    """Store examples with the winner's strengths, where it augments at all."""
    configuration = study.store.trial(study.results["winner"]["trial"]).configuration
    if not is_used(configuration) or study.store.artefacts(KIND):
        return
    from caviar.training import device
    from caviar.training.showing import shown

    device.start()
    prepared = study.material.prepare(StreamSpec(0, study.seed), configuration["encoding"])
    rows = np.asarray(prepared.stream.sample[:EXAMPLES])
    shape = study.dataset.schema.image_shape
    found = shown(prepared.version, rows, configuration, shape, seed=study.seed, times=TIMES)
    before = prepared.version.inputs[rows]
    names: tuple[str, ...] = ()
    if shape is None:
        names = prepared.encoder.names[:MOST_INPUTS]
        before, found = before[:, :MOST_INPUTS], found[..., :MOST_INPUTS]
    else:
        before, found = before.reshape(-1, *shape), np.rint(found).astype(np.uint8).reshape(TIMES, -1, *shape)
    kinds = (*PICTURE_KINDS, "elastic_smoothness", "noise", "mixup")
    used = {name: configuration[name] for name in kinds if configuration[name] != HYPERPARAMETERS[name].off}
    if "elastic" not in used:
        used.pop("elastic_smoothness", None)
    arrays, plain = {"before": before, "after": found}, {"names": list(names), "strengths": used}
    beside.add(study.store, KIND, study.folder / KIND, arrays, plain, {})


def load(study: "Study") -> Shown | None:
    """What `keep` stored, or None."""
    found = study.store.artefacts(KIND)
    if not found or not (study.folder / found[-1].path).exists():
        return None
    arrays, plain = checkpoints.load(study.folder / KIND, found[-1].sha256)
    return Shown(arrays["before"], arrays["after"], tuple(plain["names"]), dict(plain["strengths"]))
