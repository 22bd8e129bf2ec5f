"""Many short trainings at constant learning rates, each a slot, several seeds a rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from caviar.data.streams import Stream, updates_per_epoch
from caviar.errors import StudyError
from caviar.study import campaigns
from caviar.study.learning_rates import LearningRates, Trainings, judge
from caviar.study.material import Material, own_widths, trial_seed
from caviar.study.spec import StreamSpec

# Rows that each training is measured on at its end.
MOST_DEV_ROWS = 2048
SAMPLE_ROWS = 256


def find(material: Material, configuration: Mapping[str, Any], trainings: Trainings, devices: int) -> LearningRates:
    """Train, measure, judge.

    Args:
        configuration: complete; its own learning rate, decay and warm-up are left out.

    Raises:
        StudyError: no rate learns.
    """
    costs = final_costs(material, configuration, trainings, devices)
    found = judge(
        trainings.rates,
        costs,
        chance=chance(material, _dev_rows(material)),
        steps=trainings.steps,
        optimiser=configuration["optimiser"],
    )
    if found is None:
        lost = (~np.isfinite(costs)).all(axis=1).sum()
        raise StudyError(
            f"After {trainings.steps} updates no learning rate from {trainings.rates[0]:g} to {trainings.rates[-1]:g} "
            f"does better in every seed than a constant prediction ({lost} of {len(trainings.rates)} diverged). "
            "Give more steps, other rates, or another network."
        )
    return found


def final_costs(material: Material, configuration: Mapping[str, Any], trainings: Trainings, devices: int) -> np.ndarray:
    """The dev cost after the last step, float64 [R, seeds]; infinite where it is not a number."""
    streams = [_stream(material, configuration, trainings, seed) for seed in range(trainings.seeds)]
    updates = updates_per_epoch(len(streams[0].rows), configuration["batch_size"])
    epochs = math.ceil(trainings.steps / updates)
    at_once = _rates_at_once(material, configuration, streams[0], trainings)
    found = []
    for first in range(0, len(trainings.rates), at_once):
        rates = trainings.rates[first : first + at_once]
        runs = [(seed, {**configuration, "learning_rate": float(r)}) for seed in range(trainings.seeds) for r in rates]
        measured = train(material, streams, runs, epochs=epochs, seed=trainings.seed, devices=devices)
        found.append(measured["dev_cost"][:, -1].reshape(trainings.seeds, len(rates)).T)
    costs = np.concatenate(found)
    return np.where(np.isfinite(costs), costs, np.inf)


def train(
    material: Material,
    streams: Sequence[Stream],
    runs: Sequence[tuple[int, Mapping[str, Any]]],
    *,
    epochs: int,
    seed: int,
    devices: int,
) -> dict[str, np.ndarray]:
    """Train networks of one structure, all at once, at constant learning rates.

    Args:
        streams: what is trained on, by number; runs of one stream begin at the same weights.
        runs: (number of the stream, configuration), those of a stream together.
        epochs: of each.

    Returns:
        The measurements by field (`records.history.FIELDS`), [runs, epochs] each; NaN after a run diverged.
    """
    from caviar.records.history import FIELDS
    from caviar.training.batches import GroupStream
    from caviar.training.cohort import Cohort
    from caviar.training.features import features_of
    from caviar.training.values import Assignment

    whole = [{**configuration, "decay": "constant", "warmup": 0.0} for _, configuration in runs]
    first = whole[0]
    prepared = material.prepare(StreamSpec(0, 0), first["encoding"])
    architecture = material.architecture(campaigns.structure_of(first), prepared.encoder.features)
    updates = updates_per_epoch(len(streams[0].rows), first["batch_size"])
    ahead = campaigns.EPOCHS_PER_SEGMENT if updates <= campaigns.SHORT_EPOCH_UPDATES else 1
    places, layout = _lay(architecture, [number for number, _ in runs], devices, ahead)
    features = features_of(
        whole,
        weighted=material.splits.dataset.weights is not None,
        padded_outputs=architecture.outputs > material.outputs,
        image_shape=material.image_shape,
    )
    stream_of = {place // layout.group: number for place, (number, _) in zip(places, runs, strict=True)}
    groups = [GroupStream(streams[stream_of.get(group, 0)]) for group in range(layout.groups)]
    cohort = Cohort(architecture, features, layout, [prepared.version], groups)
    cohort.admit(
        {
            place: Assignment(
                trial=run,
                configuration=whole[run],
                seed=trial_seed(seed, number),
                widths=own_widths(prepared.encoder.features, first, material.outputs),
                examples=len(material.splits.train),
                updates=groups[place // layout.group].updates(first["batch_size"]),
                horizon=epochs,
                stop_at=epochs,
                class_weights=prepared.class_weights if first["class_weight"] == "balanced" else (),
            )
            for run, (place, (number, _)) in enumerate(zip(places, runs, strict=True))
        }
    )
    history = np.full((len(runs), epochs, len(FIELDS)), np.nan)
    done = 0
    while done < epochs and cohort.live():
        ahead = min(layout.epochs, epochs - done)
        measured = cohort.run(ahead)
        assert measured is not None, "whole epochs are measured"
        done += ahead
        history[measured.trials, measured.epochs - 1] = measured.fields
        for run in measured.trials[measured.epochs == done]:
            if not np.isfinite(history[run, done - 1, FIELDS.index("dev_cost")]):
                cohort.evict(places[run])  # a group whose slots have all diverged costs nothing any more
    return {name: history[:, :, column] for column, name in enumerate(FIELDS)}


def _lay(architecture: Any, numbers: Sequence[int], devices: int, epochs: int) -> tuple[list[int], Any]:
    """The slot of each run and the layout: groups of one stream each, evenly over the devices."""
    from caviar.training import device
    from caviar.training.layout import Layout
    from caviar.training.memory import group_size

    counts = [numbers.count(number) for number in dict.fromkeys(numbers)]
    size = min(max(counts), group_size(architecture) if device.on_cpu() else max(counts))
    groups = sum(math.ceil(count / size) for count in counts)
    devices = min(devices, groups)
    places, group = [], 0
    for count in counts:
        places += [group * size + run for run in range(count)]
        group += math.ceil(count / size)
    slots = math.ceil(groups / devices) * devices * size
    return places, Layout(slots, size, devices, epochs)


def _rates_at_once(material: Material, configuration: Mapping[str, Any], stream: Stream, trainings: Trainings) -> int:
    """How many rates fit into memory together with all seeds of each."""
    from caviar.training.memory import most_slots

    prepared = material.prepare(StreamSpec(0, 0), configuration["encoding"])
    architecture = material.architecture(campaigns.structure_of(configuration), prepared.encoder.features)
    rows = len(stream.sample) + len(stream.dev)
    fit = most_slots(architecture, rows, prepared.version.inputs.nbytes, 1)
    return max(1, min(len(trainings.rates), fit // trainings.seeds))


def _stream(material: Material, configuration: Mapping[str, Any], trainings: Trainings, number: int) -> Stream:
    """One seed's rows: in its own order, and no more than its steps can see; measured on a part of dev."""
    whole = material.stream(StreamSpec(number, trainings.seed * 1_000_003 + number))
    order = np.random.Generator(np.random.Philox(key=[trainings.seed, number])).permutation(len(whole.rows))
    rows = np.sort(whole.rows[order[: trainings.steps * configuration["batch_size"]]])
    dev = _dev_rows(material).astype(np.int32)
    return replace(whole, rows=rows, sample=whole.sample[:SAMPLE_ROWS], dev=dev, choose=np.ones(len(dev), bool))


def _dev_rows(material: Material) -> np.ndarray:
    """Rows that choose, at most so many; the half of dev that judges is not looked at."""
    splits = material.splits
    rows = splits.dev[splits.choose]
    if len(rows) <= MOST_DEV_ROWS:
        return rows
    order = np.argsort(splits.dataset.hashes[rows], kind="stable")
    return np.sort(rows[order[:MOST_DEV_ROWS]])


def chance(material: Material, rows: np.ndarray) -> float:
    """The cost of the best constant prediction that train rows give, on some rows."""
    train, targets = material.targets[material.splits.train], material.targets
    if material.task == "classification":
        counts = np.bincount(train, minlength=material.outputs) + 1.0
        return float(np.mean(-np.log(counts / counts.sum())[targets[rows]]))
    spread = float(np.std(train)) or 1.0
    return float(0.5 * np.mean(((targets[rows] - np.mean(train)) / spread) ** 2))
