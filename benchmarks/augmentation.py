"""What does augmentation cost? An epoch of 16 slots with rotation and elastic distortion against one without.

    PYTHONPATH=src python -m benchmarks.augmentation [--repetitions 5] [--rows 55000] [--only mnist]

For the network 784-1024-512-256-10 on MNIST with mini-batches of 128 the promise is at most 2. Each repetition runs the
variants by turns, in reversed order every other time, in one process whose programs are compiled before; ratios are
formed within a repetition and their median is reported. One line of JSON a network goes to
results/augmentation.jsonl. All variants take a quarter of an hour; `--variants` names some. A small network on 8 × 8
pixels stands beside it, for which changing pictures weighs far more.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from benchmarks.environment import ROOT, busy_share, environment, say
from caviar.data.streams import Stream
from caviar.networks.architecture import Architecture
from caviar.search.hyperparameters import complete
from caviar.training import device
from caviar.training.batches import GroupStream, Version
from caviar.training.cohort import Cohort
from caviar.training.features import features_of
from caviar.training.layout import Layout
from caviar.training.memory import group_size
from caviar.training.values import Assignment

RESULTS = ROOT / "benchmarks" / "results" / "augmentation.jsonl"
SLOTS = 16
BENT = {"rotation": 10.0, "elastic": 1.0}
MORE = {"shift": 2.0, "zoom": 0.1, "crop": 2, "cut_out": 4, "noise": 0.1, "mixup": 0.2}


@dataclass(frozen=True)
class Task:
    """Pictures of noise (their content costs nothing) of the size of a known set, and a network."""

    name: str
    size: int
    hidden: tuple[int, ...]
    batch_size: int
    rows: int


TASKS = (
    Task("mnist", 28, (1024, 512, 256), 128, 55_000),
    Task("digits", 8, (128, 64), 64, 1437),
)


def variants(slots: int) -> dict[str, list[dict[str, Any]]]:
    """What the slots of each variant use beside dropout."""
    shares = np.linspace(0.1, 1.0, slots)
    return {
        "without": [{}] * slots,
        "equal strengths": [BENT] * slots,
        "differing strengths": [{name: float(value * share) for name, value in BENT.items()} for share in shares],
        "rotation alone": [{"rotation": 10.0}] * slots,
        "everything": [{**BENT, **MORE}] * slots,
    }


def cohort_of(task: Task, slots: list[dict[str, Any]], devices: int) -> Cohort:
    """A cohort that is ready to train."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (task.rows + 256, task.size**2), dtype=np.uint8)
    targets = generator.integers(0, 10, len(pixels)).astype(np.int32)
    columns = np.ones(task.size**2, np.float32)
    version = Version(pixels, targets, np.ones(len(pixels)), columns / 80, columns * 128)
    dev = np.arange(task.rows, task.rows + 256)
    stream = Stream(0, 0, np.arange(task.rows), np.arange(256), dev, np.ones(256, bool))
    architecture = Architecture(task.size**2, task.hidden, 10, "softmax", task.batch_size)
    whole = [complete({"keep_probability": 0.8, "hidden": list(task.hidden), **slot}) for slot in slots]
    features = features_of(whole, padded_outputs=False, image_shape=(task.size, task.size, 1))
    group = min(group_size(architecture), max(1, len(slots) // devices))
    layout = Layout(len(slots), group, devices, 1)
    cohort = Cohort(architecture, features, layout, [version], [GroupStream(stream)] * layout.groups)
    updates = cohort.updates
    widths = (task.size**2, *task.hidden, 10)
    cohort.admit({
        slot: Assignment(slot, c, slot, widths, task.rows, updates, 100, 100) for slot, c in enumerate(whole)
    })  # fmt: skip
    return cohort


def ask(task: Task, repetitions: int, devices: int, names: Sequence[str]) -> dict[str, Any]:
    """The seconds of an epoch of every variant, and their ratios to the one without."""
    chosen = {name: slots for name, slots in variants(SLOTS).items() if name in (*names, "without")}
    cohorts = {name: cohort_of(task, slots, devices) for name, slots in chosen.items()}
    seconds: dict[str, list[float]] = {name: [] for name in cohorts}
    for cohort in cohorts.values():
        cohort.run(1, 2)  # the program's first run pays for paging its buffers in
    for repetition in range(repetitions):
        for name in list(cohorts) if repetition % 2 == 0 else list(cohorts)[::-1]:
            began = time.perf_counter()
            updates = cohorts[name].updates - cohorts[name].partway
            cohorts[name].run(1)
            # The first epoch was begun: seconds are of a whole one.
            seconds[name].append((time.perf_counter() - began) * cohorts[name].updates / updates)
    ratios = {
        name: [with_ / without for with_, without in zip(own, seconds["without"], strict=True)]
        for name, own in seconds.items()
    }
    return {
        "question": "augmentation", "task": task.name, "rows": task.rows, "slots": SLOTS, "devices": devices,
        "hidden": list(task.hidden), "batch_size": task.batch_size, "repetitions": repetitions,
        "seconds": {name: median(own) for name, own in seconds.items()},
        "ratios": {name: {"median": median(own), "low": min(own), "high": max(own)} for name, own in ratios.items()},
    }  # fmt: skip


def main() -> None:
    """Ask for each network, print and keep the answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--variants", nargs="+", choices=list(variants(1)), default=list(variants(1)))
    parser.add_argument("--rows", type=int, help="train rows, to try it quickly")
    parser.add_argument("--only", choices=[task.name for task in TASKS])
    parser.add_argument("--keep", action="store_true", help="add the answer to results/augmentation.jsonl")
    options = parser.parse_args()
    devices = device.start()
    for task in TASKS:
        if options.only in (None, task.name):
            busy = busy_share()
            asked = task if options.rows is None else Task(**{**vars(task), "rows": options.rows})
            found = ask(asked, options.repetitions, devices, options.variants)
            say({**found, **environment(), "busy": busy}, RESULTS if options.keep else None)


if __name__ == "__main__":
    main()
