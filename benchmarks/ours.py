"""The contestant of this repository: hundreds of slots of one compiled program.

Started like every peer, `python -m benchmarks.ours --task NAME [--seed S] [--variant V] [--warm]`, it prints one
line of JSON (benchmarks/protocol.py says what stands in it). What `run` promises, so that the ratios mean something:

- It trains on `task.material`: those inputs, those train rows, that sample, that dev set, by the engine's own programs;
  it splits nothing and standardises nothing anew.
- For a task without a search it trains as many networks as it likes at once, each for `task.epochs` epochs with
  `task.batch_size`, `task.keep_probability` and Adam at rates around `task.learning_rate`; with
  `task.every_hyperparameter` every traced hyperparameter of the table differs from slot to slot. Both errors of every
  slot are measured, and brought to the host, at each epoch's end. `model_epochs` is slots × epochs, and `seconds` runs
  from the first mini-batch to the last measurement on the host, without compilation, which is `compile_seconds`.
- `dev_error` and `train_error` are of the best network at its last epoch, so that a fast program that does not learn
  is seen.
- For a search it draws `task.search.trials` configurations from exactly `task.search`'s ranges, stops trials by its own
  rule, and notes (seconds since `run` began, best dev error, model-epochs) at each improvement, at the moment when the
  host knows it. Cold, all compilation counts, from an empty compilation cache; with `options.warm` a first search with
  another seed is run and left out.
- `chosen` says how many slots, devices and streams there were; `variant` is free to name a way of doing it.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.protocol import Answer, Options, answer
from benchmarks.tasks import Task

# Slots of the rate questions; found by trying 16, 32, 64 and 128 on two cores (docs/log.md).
SLOTS = {"digits": 64, "mnist": 4}


def run(task: Task, options: Options) -> Answer:
    """Train the task's networks by the engine."""
    return _search(task, options) if task.search else _rate(task, options)


def _rate(task: Task, options: Options) -> Answer:
    """Many networks at once, measured at the end of every epoch."""
    from caviar.training import device

    devices = device.start()
    began = time.perf_counter()
    cohort = _cohort(task, options, devices)
    _admit(cohort, task, options)
    ahead = cohort.layout.epochs if task.epochs % cohort.layout.epochs == 0 else 1
    cohort.run(1, 1)  # the program's first run pays for paging its buffers in
    cohort = _fresh(cohort, task, options)
    compile_seconds = time.perf_counter() - began
    trained = time.perf_counter()
    measured: Any = None
    for _ in range(task.epochs // ahead):
        measured = cohort.run(ahead)
    seconds = time.perf_counter() - trained
    last = measured.fields[-cohort.layout.slots :]
    best = int(np.nanargmin(last[:, 2]))
    layout = cohort.layout
    return {
        "seconds": seconds,
        "model_epochs": layout.slots * task.epochs,
        "dev_error": float(last[best, 2]),
        "train_error": float(last[best, 1]),
        "compile_seconds": compile_seconds,
        "chosen": f"{layout.slots} slots in groups of {layout.group} on {devices} devices, {ahead} epochs a call",
    }


def _cohort(task: Task, options: Options, devices: int) -> Any:
    from caviar.data.streams import Stream
    from caviar.networks.architecture import Architecture, bucket
    from caviar.training.batches import GroupStream, Version
    from caviar.training.cohort import Cohort
    from caviar.training.features import features_of
    from caviar.training.layout import layout_for
    from caviar.training.memory import group_size

    material = task.material
    rows, sample, dev = (np.asarray(part, np.int32) for part in (material.rows, material.sample, material.dev))
    stream = Stream(0, options.seed, rows, sample, dev, np.ones(len(dev), bool))
    version = Version(material.inputs, material.targets.astype(np.int32), np.ones(len(material.targets)))
    widths = task.widths()
    architecture = Architecture(
        bucket(widths[0]), tuple(task.hidden), bucket(widths[-1]), "softmax", batch_size=task.batch_size
    )
    slots, _, group = (options.variant or f"{SLOTS[task.data]}/{group_size(architecture)}").partition("/")
    epochs = 10 if task.epochs % 10 == 0 else 1
    layout = layout_for(int(slots), devices, group=int(group or 16), epochs=epochs)
    features = features_of(_configurations(task, layout.slots), padded_outputs=architecture.outputs > widths[-1])
    return Cohort(architecture, features, layout, [version], [GroupStream(stream)] * layout.groups).ready()


def _configurations(task: Task, slots: int) -> list[dict[str, Any]]:
    """One network a slot: rates around the task's, or everything different from slot to slot."""
    from caviar.search.hyperparameters import ACTIVATIONS, DECAYS, INITIALISATIONS, OPTIMISERS, complete

    found = []
    for slot in range(slots):
        rate = task.learning_rate * 10 ** (1.0 * (slot / max(1, slots - 1) - 0.5))
        own: dict[str, Any] = {
            "hidden": list(task.hidden), "batch_size": task.batch_size, "learning_rate": rate,
            "keep_probability": task.keep_probability,
        }  # fmt: skip
        if task.every_hyperparameter:
            share = slot / slots
            optimiser = OPTIMISERS[slot % len(OPTIMISERS)]
            own |= {
                "learning_rate": rate * (30 if optimiser in ("gradient_descent", "momentum", "nesterov") else 1),
                "optimiser": optimiser, "momentum": 0.8 + 0.15 * share, "beta_1": 0.8 + 0.15 * share,
                "beta_2": 0.99 + 0.009 * share, "epsilon": 10 ** (-9 + 2 * share),
                "decay": DECAYS[slot % len(DECAYS)], "decay_rate": 0.05 + share, "decay_base": 0.9 + 0.09 * share,
                "decay_steps": 2 + slot % 9, "warmup": 2.0 * share, "l1": 0.02 * share, "l2": 0.2 * share,
                "weight_decay": 0.05 * share, "keep_probability": [0.7 + 0.3 * share, 0.9],
                "input_keep_probability": 0.85 + 0.15 * share, "label_smoothing": 0.1 * share,
                "clip_norm": 1.0 + 5 * share, "initialisation": INITIALISATIONS[slot % 3],
                "initialisation_scale": 0.7 + 0.6 * share, "activation": ACTIVATIONS[slot % len(ACTIVATIONS)],
                "batch_norm": slot % 2 == 1, "hidden": [128 - slot % 17, 64 - slot % 13],
                "class_weight": ("none", "balanced")[slot // 2 % 2],
            }  # fmt: skip
        found.append(complete(own))
    return found


def _admit(cohort: Any, task: Task, options: Options) -> None:
    from caviar.training.values import Assignment

    widths, examples = task.widths(), len(task.material.rows)
    counts = np.bincount(task.material.targets[task.material.rows], minlength=widths[-1])
    balanced = tuple((examples / (widths[-1] * counts)).tolist())
    configurations = _configurations(task, cohort.layout.slots)
    cohort.admit(
        {
            slot: Assignment(
                slot, own, 1000 * options.seed + slot, (widths[0], *own["hidden"], widths[-1]), examples,
                cohort.updates, task.epochs, task.epochs, balanced if own["class_weight"] == "balanced" else (),
            )
            for slot, own in enumerate(configurations)
        }
    )  # fmt: skip


def _fresh(cohort: Any, task: Task, options: Options) -> Any:
    """The same cohort before its first update."""
    for slot in range(cohort.layout.slots):
        cohort.evict(slot)
    cohort.partway = 0
    _admit(cohort, task, options)
    return cohort


def _search(task: Task, options: Options) -> Answer:
    """The whole search as the product runs it: a study in a folder, every segment committed."""
    if options.warm:
        _study(task, options.seed + 1000)
    else:
        # Cold: no compiled program may be left from an earlier run.
        import os

        os.environ["CAVIAR_CACHE"] = tempfile.mkdtemp()
    return _study(task, options.seed)


def _study(task: Task, seed: int) -> Answer:
    began = time.perf_counter()
    from caviar.study.study import Study

    curve: list[tuple[float, float, int]] = []

    def watch(look: Any) -> None:
        if look.best_trial >= 0 and (not curve or look.best < curve[-1][1]):
            curve.append((time.perf_counter() - began, float(look.best), int(look.model_epochs)))

    search = task.search
    assert search is not None
    with tempfile.TemporaryDirectory() as folder:
        study = Study(Path(folder, "run"), _splits(task), space=_space(task), seed=seed, watch=watch)
        study.search(trials=search.trials, epochs=task.epochs)
        seconds = time.perf_counter() - began
        statistics = study.results["statistics"]
    return {
        "seconds": seconds,
        "model_epochs": statistics["model_epochs"],
        "trials": search.trials,
        "dev_error": curve[-1][1],
        "train_error": None,
        "compile_seconds": statistics["compile_seconds"],
        "chosen": f"slot use {statistics['slot_use']:.2f}, {statistics['programs']} programs",
        "curve": curve,
    }


def _space(task: Task) -> Any:
    """Exactly the task's ranges."""
    from caviar.search.space import Space

    search = task.search
    assert search is not None
    space = Space().fix(batch_size=task.batch_size)
    space = space.vary("learning_rate", *search.learning_rate, scale="log").vary("l2", *search.l2, scale="log")
    space = space.vary("keep_probability", *search.keep_probability)
    return space.choose("hidden", *map(list, search.hidden)).choose("activation", *search.activation)


def _splits(task: Task) -> Any:
    """The task's rows as a split without a test set; its inputs are standardised already, which changes nothing."""
    from caviar.data.dataset import Column, Dataset, Schema
    from caviar.data.splits import Splits

    material = task.material
    names = [f"x{number:03d}" for number in range(material.inputs.shape[1])]
    schema = Schema(
        columns=tuple(Column(name, "number") for name in names), target="label", task="classification",
        classes=tuple(str(label) for label in range(material.classes)), image_shape=None,
    )  # fmt: skip
    columns = {name: material.inputs[:, at].astype(np.float64) for at, name in enumerate(names)}
    dataset = Dataset(task.name, schema, columns=columns, targets=material.targets.astype(np.int32))
    none = np.zeros(0, np.int64)
    rows = {"train": np.sort(material.rows), "dev": np.sort(material.dev), "test": none, "train_dev": none}
    return Splits(dataset=dataset, choose=np.ones(len(material.dev), bool), seed=0, method="given", **rows)


if __name__ == "__main__":
    answer(run)
