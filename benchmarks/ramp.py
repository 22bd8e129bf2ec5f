"""fastai's `lr_find`: one training while the rate grows, and the rates that its rules read off the smoothed cost.

Written anew from fastai 2.8.12, callback/schedule.py (Apache-2.0), numbers as published; on the networks and
mini-batches of Caviar.
"""

from typing import Any

import numpy as np

import caviar
from caviar.study.material import Material, own_widths
from caviar.study.spec import StreamSpec

START, END, STEPS, BETA = 1e-7, 10.0, 100, 0.98


def ramp(material: Material, configuration: dict[str, Any], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rates and smoothed costs of one training while the rate grows until the cost is four times its lowest."""
    import jax

    from caviar.data.streams import batches
    from caviar.networks.mlp import first_layers
    from caviar.study.campaigns import structure_of
    from caviar.training.features import features_of
    from caviar.training.optimisers import Moments
    from caviar.training.step import Batch, TrainState, step
    from caviar.training.values import Assignment, schedule, slot_values

    prepared = material.prepare(StreamSpec(seed, 7_000 + seed), configuration["encoding"])
    architecture = material.architecture(structure_of(configuration), prepared.encoder.features)
    widths = own_widths(prepared.encoder.features, configuration, material.outputs)
    whole = {**configuration, "learning_rate": 1.0, "decay": "constant", "warmup": 0.0}
    own = Assignment(0, whole, seed, widths, len(prepared.stream.rows), STEPS, 1, 1)
    layers, averages = first_layers(
        architecture, widths, kind=whole["initialisation"], scale=whole["initialisation_scale"], seed=seed
    )
    zeros = jax.tree.map(np.zeros_like, layers)
    state = TrainState(layers, averages, Moments(zeros, zeros), *[np.float32(0)] * 3)
    numbers = {name: value[0] for name, value in slot_values([own], architecture).items()}
    features = features_of([whole], padded_outputs=architecture.outputs > material.outputs)
    update = jax.jit(lambda state, batch, h: step(state, batch, h, features=features, loss=architecture.loss))
    inputs = _inputs(prepared.version, architecture.features)
    kind = np.int32 if material.task == "classification" else np.float32
    targets, size = prepared.version.targets.astype(kind), architecture.batch_size
    rates = START * (END / START) ** (np.arange(STEPS) / STEPS)
    corrections = schedule([own], [np.arange(1, STEPS + 1)])[0, :, 1:].astype(np.float32)
    costs: list[float] = []
    at, epoch = 0, 0
    while at < STEPS:
        for rows, present in zip(*batches(prepared.stream, epoch, size), strict=True):
            key = jax.random.key(1_000 * seed + at)
            batch = Batch(inputs[rows], targets[rows], present, present, key)
            first, second = corrections[at]
            rate = np.float32(rates[at])
            state, cost = update(state, batch, {**numbers, "rate": rate, "correction_1": first, "correction_2": second})
            costs.append(float(cost))
            at += 1
            smooth = caviar.exponentially_weighted_average(costs, BETA)
            if at == STEPS or smooth[-1] > 4 * smooth.min():  # after a cost that is no number it goes on
                kept = slice(STEPS // 10, -5)  # the first tenth and the last five are left out
                whole = np.isnan(smooth[kept]).argmax() if np.isnan(smooth[kept]).any() else None
                return rates[: len(smooth)][kept][:whole], smooth[kept][:whole]
        epoch += 1
    raise AssertionError


def _inputs(version: Any, features: int) -> np.ndarray:
    """What the network sees, float32 [N, features]: pixels on their scale, columns padded."""
    seen = version.inputs
    if version.scale is not None:
        seen = (seen.astype(np.float32) - version.shift) * version.scale
    inputs = np.zeros((len(seen), features), np.float32)
    inputs[:, : seen.shape[1]] = seen
    return inputs


def valley(rates: np.ndarray, costs: np.ndarray) -> float:
    """The rate half-way through the middle third of the longest chain of falling costs."""
    chain = np.ones(len(costs), int)
    for later in range(1, len(costs)):
        below = costs[:later] > costs[later]
        if below.any():
            chain[later] = chain[:later][below].max() + 1
    end = int(np.argmax(chain))
    start = end - int(chain[end]) if end else 0
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def steep(rates: np.ndarray, costs: np.ndarray) -> float:
    """The rate at which the cost falls fastest along the logarithm of the rate."""
    return float(rates[np.argmin(np.diff(costs) / np.diff(np.log(rates)))])
