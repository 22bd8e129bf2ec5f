"""Many short trainings at many learning rates, each a slot, several seeds a rate, in rounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from caviar.data.streams import Stream, updates_per_epoch
from caviar.study import campaigns
from caviar.study.learning_rates import LearningRates, Round, Trainings, check_result
from caviar.study.material import Material, own_widths, trial_seed
from caviar.study.rate_judging import going_on, judge
from caviar.study.spec import StreamSpec

# Rows that each training is measured on.
MOST_DEV_ROWS = 2048
SAMPLE_ROWS = 256


def find(material: Material, configuration: Mapping[str, Any], trainings: Trainings, devices: int) -> LearningRates:
    """Train in rounds, each of fewer rates and more steps; measure, judge.

    Args:
        configuration: complete; its own learning rate is left out.

    Raises:
        StudyError: no rate learns.
    """
    known = chance(material, _dev_rows(material))
    rates, rounds = trainings.rates, list[Round]()
    for steps in trainings.lengths(updates_per_epoch(len(material.splits.train), configuration["batch_size"])):
        costs = best_costs(material, configuration, trainings, Span(rates, steps), devices)
        rounds.append(Round(rates, costs, steps))
        if not np.isfinite(costs).any():
            break
        rates = going_on(rounds[-1])
    found = judge(rounds, chance=known, optimiser=configuration["optimiser"], decay=configuration["decay"])
    return check_result(found, rounds[0], rounds[-1])


@dataclass(frozen=True, eq=False)
class Span:
    """What one round trains: rates float64 [R], and the updates of each training."""

    rates: np.ndarray
    steps: int


def best_costs(
    material: Material, configuration: Mapping[str, Any], trainings: Trainings, span: Span, devices: int
) -> np.ndarray:
    """The dev cost of the best epoch, which a study would keep, float64 [R, seeds]; infinite where one diverged."""
    updates = updates_per_epoch(len(material.splits.train), configuration["batch_size"])
    epochs = math.ceil(span.steps / updates)
    streams = [
        _stream(material, trainings.seed, seed, math.ceil(span.steps / epochs) * configuration["batch_size"])
        for seed in range(trainings.seeds)
    ]
    at_once = _rates_at_once(material, configuration, streams[0], trainings.seeds)
    little = Miniature(trainings.epochs, span.steps / trainings.epochs)
    found = []
    for first in range(0, len(span.rates), at_once):
        rates = span.rates[first : first + at_once]
        runs = [(seed, {**configuration, "learning_rate": float(r)}) for seed in range(trainings.seeds) for r in rates]
        measured = train(material, streams, runs, epochs=epochs, seed=trainings.seed, devices=devices, little=little)
        costs = np.where(np.isfinite(measured["dev_cost"][:, -1:]), measured["dev_cost"], np.inf).min(axis=1)
        found.append(costs.reshape(trainings.seeds, len(rates)).T)
    return np.concatenate(found)


@dataclass(frozen=True)
class Miniature:
    """How a short training follows the decay and the warm-up of a long one.

    Args:
        epochs: of the long one.
        updates: of the short one that stand for an epoch of the long one.
    """

    epochs: int
    updates: float


def train(
    material: Material,
    streams: Sequence[Stream],
    runs: Sequence[tuple[int, Mapping[str, Any]]],
    *,
    epochs: int,
    seed: int,
    devices: int,
    little: Miniature | None = None,
) -> dict[str, np.ndarray]:
    """Train networks of one structure, all at once.

    Args:
        streams: what is trained on, by number; runs of one stream begin at the same weights.
        runs: (number of the stream, configuration), those of a stream together.
        epochs: of each.
        little: the longer training of which these are miniatures; None: their decay is stretched over their epochs.

    Returns:
        The measurements by field (`records.history.FIELDS`), [runs, epochs] each; NaN after a run diverged.
    """
    from caviar.records.history import FIELDS
    from caviar.training.batches import GroupStream
    from caviar.training.cohort import Cohort
    from caviar.training.features import features_of
    from caviar.training.values import Assignment

    whole = [dict(configuration) for _, configuration in runs]
    first = whole[0]
    prepared = material.prepare(StreamSpec(0, 0), first["encoding"])
    architecture = material.architecture(campaigns.structure_of(first), prepared.encoder.features)
    updates = max(updates_per_epoch(len(stream.rows), first["batch_size"]) for stream in streams)
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
                updates=little.updates if little else groups[place // layout.group].updates(first["batch_size"]),
                horizon=little.epochs if little else epochs,
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
    most = min(max(counts), group_size(architecture) if device.on_cpu() else max(counts))
    size = math.ceil(max(counts) / math.ceil(max(counts) / most))  # groups evenly filled
    groups = sum(math.ceil(count / size) for count in counts)
    devices = min(devices, groups)
    places, group = [], 0
    for count in counts:
        places += [group * size + run for run in range(count)]
        group += math.ceil(count / size)
    slots = math.ceil(groups / devices) * devices * size
    return places, Layout(slots, size, devices, epochs)


def _rates_at_once(material: Material, configuration: Mapping[str, Any], stream: Stream, seeds: int) -> int:
    """How many rates fit into memory together with all seeds of each."""
    from caviar.training.memory import most_slots

    prepared = material.prepare(StreamSpec(0, 0), configuration["encoding"])
    architecture = material.architecture(campaigns.structure_of(configuration), prepared.encoder.features)
    rows = len(stream.sample) + len(stream.dev)
    fit = most_slots(architecture, rows, prepared.version.inputs.nbytes, 1)
    return max(1, fit // seeds)


def _stream(material: Material, seed: int, number: int, most: int) -> Stream:
    """One seed's rows: in its own order, and no more than its steps can see; measured on a part of dev."""
    whole = material.stream(StreamSpec(number, seed * 1_000_003 + number))
    order = np.random.Generator(np.random.Philox(key=[seed, number])).permutation(len(whole.rows))
    rows = np.sort(whole.rows[order[:most]])
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
