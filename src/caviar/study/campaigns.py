"""How a piece of work is laid out: which cohorts, how many slots, which streams."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from caviar.data.streams import updates_per_epoch
from caviar.errors import StudyError
from caviar.records.trial import Trial
from caviar.search.hyperparameters import STRUCTURAL, look_up
from caviar.search.space import Space
from caviar.study.material import Material, trial_seed
from caviar.study.spec import Campaign, CohortSpec, StreamSpec

# Trials that are trained again on fresh seeds before the best is declared.
CONFIRMED = 3
# Below this many dev rows repeated cross-validation takes the place of one dev set.
FEW_DEV_ROWS = 1000
MOST_FOLDED_ROWS = 10_000
FOLDS = 5
REPEATS = 2
# At least this many trials share a structure, so that each program's compilation pays.
TRIALS_PER_STRUCTURE = 96
MOST_STRUCTURES = 3
TRIALS_PER_NAMED_STRUCTURE = 4
MOST_NAMED_STRUCTURES = 24
# Slots of a group where trials end one by one: an empty group costs nothing, an empty slot of a busy group does.
HALVING_GROUP = 2
MOST_SLOTS_ON_CPU = 64
# A segment that holds several epochs spares the host's part where an epoch is short.
EPOCHS_PER_SEGMENT = 8
SHORT_EPOCH_UPDATES = 64


def search(
    material: Material,
    space: Space,
    *,
    trials: int,
    epochs: int,
    stopping: str | None,
    seed: int,
    devices: int,
    patience: int | None = None,
    first_trial: int = 0,
    first_cohort: int = 0,
) -> Campaign:
    """A search: a few structures, each with its share of the trials, slots refilled as trials end."""
    count = max(1, min(MOST_STRUCTURES, trials // TRIALS_PER_STRUCTURE))
    asked = [axis for axis in space.axes if look_up(axis.name).kind is STRUCTURAL and not axis.by_default]
    if asked:  # a person who names structures wants each of them tried
        count = max(count, min(trials // TRIALS_PER_NAMED_STRUCTURE, MOST_NAMED_STRUCTURES))
    structures = space.structures(seed, count)
    shares = _shares(trials, len(structures))
    stream = (StreamSpec(0, seed),)
    cohorts = []
    for number, (structure, share) in enumerate(zip(structures, shares, strict=True), start=first_cohort):
        layout = slots_for(material, structure, share, devices, halving=bool(stopping or patience))
        cohorts.append(CohortSpec(number, structure, *layout, streams=stream, count=share))
    why = "which hyperparameters serve this data"
    return Campaign("search", why, epochs, stopping, tuple(cohorts), first_trial, patience=patience)


def train(
    material: Material,
    configurations: Sequence[Mapping[str, Any]],
    *,
    epochs: int,
    seed: int,
    devices: int,
    first_trial: int = 0,
    first_cohort: int = 0,
) -> Campaign:
    """Named networks of one structure, one or side by side: from the same first draws, on the same mini-batches.

    Raises:
        StudyError: they differ in structure, and so in the program that they need.
    """
    structure = structure_of(configurations[0])
    for other in configurations[1:]:
        apart = [name for name, value in structure_of(other).items() if value != structure[name]]
        if apart:
            raise StudyError(
                f"Networks that train side by side share {', '.join(structure)}; these differ in {apart[0]}. "
                "Train them one after the other."
            )
    count = len(configurations)
    slots, group, devices = 1, 1, 1
    if count > 1:
        slots, group, devices, _ = slots_for(material, structure, count, devices, halving=False)
    trials = [{"configuration": dict(own), "seed": trial_seed(seed, first_trial)} for own in configurations]
    spec = CohortSpec(
        first_cohort,
        structure,
        slots=slots,
        group=group,
        devices=devices,
        epochs=_epochs(material, structure),
        streams=(StreamSpec(0, seed),),
        trials=tuple(trials),
    )
    why = "one network" if count == 1 else f"{count} networks side by side"
    return Campaign("train", why, epochs, None, (spec,), first_trial)


def confirm(
    material: Material,
    best: Sequence[Trial],
    *,
    cohorts: Mapping[int, CohortSpec],
    epochs: int,
    seed: int,
    devices: int,
    first_trial: int,
    first_cohort: int,
    seeds: int = 4,
) -> Campaign:
    """The best few trained again on fresh seeds and streams, or cross-validated where dev is small."""
    few = cross_validates(material)
    specs: list[CohortSpec] = []
    about: dict[str, int] = {}
    number = first_trial
    by_structure: dict[str, list[Trial]] = {}
    for trial in best:
        by_structure.setdefault(repr(cohorts[trial.cohort].structure), []).append(trial)
    for group in by_structure.values():
        before = cohorts[group[0].cohort]
        make = _cross_validated if few else _reseeded
        spec = make(material, before, group, seed=seed, devices=devices, number=first_cohort + len(specs), seeds=seeds)
        for one in spec.trials:
            about[str(number)] = one["of"]
            number += 1
        specs.append(spec)
    how = "cross-validation" if few else "fresh seeds and streams"
    return Campaign(
        "confirm",
        f"does the best hold on {how}",
        epochs,
        None,
        tuple(specs),
        first_trial,
        {"of": about, "how": how},
    )


def cross_validates(material: Material) -> bool:
    """Whether dev is so small that every row of train and dev has to take its turn in judging.

    Not where the sets were given (dev may come from elsewhere), nor where time runs from train to dev, nor where there
    are fewer groups than folds, nor where train is so large that ten more trainings would cost more than the search.
    """
    splits, dataset = material.splits, material.splits.dataset
    small = len(splits.dev) < FEW_DEV_ROWS and len(splits.train) <= MOST_FOLDED_ROWS
    if not small or splits.method not in ("hash", "group") or dataset.parts is not None:
        return False
    if splits.method == "hash":
        return True
    # Groups that were given to `split` alone are not known here, and fewer groups than folds leave a fold empty.
    rows = np.concatenate([splits.train, splits.dev])
    return dataset.groups is not None and len(np.unique(dataset.groups[rows])) >= FOLDS


def _reseeded(
    material: Material, before: CohortSpec, best: Sequence[Trial], *, seed: int, devices: int, number: int, seeds: int
) -> CohortSpec:
    """Each configuration a few times, in at least two streams; on a CPU by the search's own program again.

    A repeat is one stream, on which all configurations are compared, be it in one group or in several.
    """
    groups = max(before.slots // before.group, 2)
    size = before.group if groups == before.slots // before.group else math.ceil(before.group / 2)
    devices = before.devices if groups % before.devices == 0 else 1
    count = min(groups, max(2, seeds))
    streams = tuple(StreamSpec(1 + stream, seed + 1 + stream) for stream in range(count))
    # In waves: what finds no free slot in its group waits until one ends.
    taken = dict.fromkeys(range(groups), 0)
    again: list[dict[str, Any]] = []
    order = []
    for repeat in range(seeds):
        for trial in best:
            group = min(range(repeat % count, groups, count), key=lambda group: taken[group])
            order.append((taken[group] // size, group, len(again)))
            again.append(_again(trial, group, repeat))
            taken[group] += 1
    trials = tuple(again[place] for _, _, place in sorted(order))
    return CohortSpec(number, before.structure, groups * size, size, devices, before.epochs, streams, 0, trials)


def _cross_validated(
    material: Material, before: CohortSpec, best: Sequence[Trial], *, seed: int, devices: int, number: int, seeds: int
) -> CohortSpec:
    """Every row of train and dev is judged by networks that did not see it, twice."""
    streams = tuple(
        StreamSpec(1 + repeat * FOLDS + fold, seed + 1 + repeat, fold, FOLDS)
        for repeat in range(REPEATS)
        for fold in range(FOLDS)
    )
    trials = [_again(trial, group, group) for group in range(len(streams)) for trial in best]
    groups = math.ceil(len(streams) / devices) * devices
    return CohortSpec(
        number, before.structure, groups * len(best), len(best), devices, before.epochs, streams, 0, tuple(trials)
    )


def _again(trial: Trial, group: int, repeat: int) -> dict[str, Any]:
    fresh = (trial.seed * 2654435761 + 97 * (repeat + 1)) % (1 << 62)
    return {"configuration": trial.configuration, "seed": fresh, "group": group, "of": trial.number}


def structure_of(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The structural part of a configuration."""
    return {
        "hidden": list(configuration["hidden"]),
        "batch_size": configuration["batch_size"],
        "encoding": configuration["encoding"],
    }


def slots_for(
    material: Material, structure: Mapping[str, Any], trials: int, devices: int, *, halving: bool
) -> tuple[int, int, int, int]:
    """(slots, group, devices, epochs) for a cohort: from the cache, the memory and the number of trials.

    With halving the few trials that stay need all their epochs one after the other: with more than an eighth of the
    trials at once, or with large groups, slots would run empty at the end (digits: 54 % of slot-epochs used with 32
    slots in groups of 16, 94 to 99 % with 8 to 16 in groups of 2, in the same time; docs/log.md).
    """
    from caviar.training import device
    from caviar.training.memory import group_size, most_slots

    prepared = material.prepare(StreamSpec(0, 0), structure["encoding"])
    architecture = material.architecture(structure, prepared.encoder.features)
    data = prepared.version.inputs.nbytes
    rows = len(prepared.stream.sample) + len(prepared.stream.dev)
    fits = most_slots(architecture, rows, data, devices)
    wanted = max(8, math.ceil(trials / 8)) if halving else trials
    if device.on_cpu():
        wanted = min(wanted, MOST_SLOTS_ON_CPU)
    wanted = max(1, min(wanted, trials, fits))
    if not device.on_cpu():
        # An accelerator wants one large product rather than groups that fit a cache.
        size = math.ceil(wanted / devices)
        return size * devices, size, devices, _epochs(material, structure)
    devices = min(devices, wanted)
    most = min(group_size(architecture), HALVING_GROUP) if halving else group_size(architecture)
    group = max(1, min(most, math.ceil(wanted / devices)))
    groups = max(devices, math.ceil(wanted / (group * devices)) * devices)
    group = min(group, math.ceil(wanted / groups))
    return groups * group, group, devices, _epochs(material, structure)


def _epochs(material: Material, structure: Mapping[str, Any]) -> int:
    updates = updates_per_epoch(len(material.splits.train), int(structure["batch_size"]))
    return EPOCHS_PER_SEGMENT if updates <= SHORT_EPOCH_UPDATES else 1


def _shares(trials: int, parts: int) -> list[int]:
    return [trials // parts + (1 if part < trials % parts else 0) for part in range(parts)]
