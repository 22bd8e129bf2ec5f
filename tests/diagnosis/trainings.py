"""Networks trained with probes, many in one program, for the diagnosis of gradients."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import caviar
from caviar.diagnosis.gradients import GradientEvidence
from caviar.networks.architecture import Architecture
from caviar.records.probes import PROBES
from caviar.search.hyperparameters import OPTIMISERS, complete
from caviar.study.material import Material, own_widths
from caviar.study.spec import StreamSpec
from caviar.training import device
from caviar.training.batches import GroupStream
from caviar.training.cohort import Cohort
from caviar.training.features import features_of
from caviar.training.layout import Layout
from caviar.training.values import Assignment

INITIALISATION = {"relu": "he", "tanh": "lecun", "sigmoid": "glorot"}


def healthy() -> list[dict[str, Any]]:
    """Usual activations, each with its initialisation, under every optimiser at usual rates, with batch norm or not."""
    usual = {"rmsprop": 1e-3, "adam": 1e-3}
    return [
        {
            "activation": activation, "initialisation": INITIALISATION[activation], "optimiser": optimiser,
            "learning_rate": times * usual.get(optimiser, 0.1), "batch_norm": batch_norm,
        }
        for activation in INITIALISATION
        for optimiser in OPTIMISERS
        for times in (0.3, 1.0)
        for batch_norm in (False, True)
    ]  # fmt: skip


def trained(
    data: Any, hidden: Sequence[int], changes: Sequence[Mapping[str, Any]], *, epochs: int = 16, batch: int = 64
) -> list[GradientEvidence]:
    """What was probed of each configuration, all trained at once."""
    device.start()
    material = Material(caviar.split(caviar.read(data) if isinstance(data, str) else data, seed=0))
    prepared = material.prepare(StreamSpec(0, 0), "standard")
    structure = {"hidden": list(hidden), "batch_size": batch, "encoding": "standard"}
    shapes: Architecture = material.architecture(structure, prepared.encoder.features)
    configurations = [complete({**structure, **change}) for change in changes]
    features = features_of(configurations, padded_outputs=shapes.outputs > material.outputs, probes=True)
    group, count = GroupStream(prepared.stream), len(configurations)
    cohort = Cohort(shapes, features, Layout(count, count, 1, epochs), [prepared.version], [group])
    widths, updates = own_widths(prepared.encoder.features, configurations[0], material.outputs), group.updates(batch)
    cohort.admit(
        {
            slot: Assignment(slot, own, slot, widths, len(prepared.stream.rows), updates, epochs, epochs)
            for slot, own in enumerate(configurations)
        }
    )
    measured = cohort.run(epochs)
    assert measured is not None and measured.probes is not None
    probes = measured.probes.reshape(epochs, count, -1, len(PROBES))
    return [
        GradientEvidence({name: probes[:, slot, :, place] for place, name in enumerate(PROBES)}, updates, batch)
        for slot in range(count)
    ]


def columns(evidence: GradientEvidence, *names: str) -> dict[str, np.ndarray]:
    """Medians by layer, for the message of a test that fails."""
    return {name: evidence.median(name) for name in names}
