"""What do probes cost? Epochs of a program that measures every layer against those of one that does not.

    PYTHONPATH=src JAX_ENABLE_COMPILATION_CACHE=false python -m benchmarks.probes [--repetitions 9] [--keep]

For 64-128-64-10 on digits with mini-batches of 64 and dropout the promise is at most 1.1 for the time of an epoch, and
a program that compiles within 3 seconds. Each repetition runs both by turns, in reversed order every other time, in one
process; ratios are formed within a repetition and their median is reported. The cache of compiled programs must be off
for the seconds of compiling to mean anything. One line of JSON a task goes to results/probes.jsonl.
"""

import argparse
import time
from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks import ours
from benchmarks.environment import ROOT, busy_share, environment, say
from benchmarks.protocol import Options
from benchmarks.tasks import TASKS, Task
from caviar.training import device
from caviar.training.cohort import Cohort

RESULTS = ROOT / "benchmarks" / "results" / "probes.jsonl"
ASKED = ("digits-128-64", "digits-32-32", "digits-128-64-everything")
NAMES = ("without", "probes")


def cohorts(task: Task) -> dict[str, Cohort]:
    """The task's cohort without probes and with them, ready to train, each with its program compiled."""
    made = {}
    for name in NAMES:
        cohort = ours._cohort(task, Options(), device.start())
        cohort.move(replace(cohort.key.features, probes=name == "probes"))
        made[name] = cohort.ready()
        ours._admit(cohort, task, Options())
        cohort.run(1)  # the program's first run pays for paging its buffers in
    return made


def ask(task: Task, repetitions: int) -> dict[str, Any]:
    """Seconds of an epoch of all slots, their ratio, and the seconds of compiling."""
    both = cohorts(task)
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    for repetition in range(repetitions):
        for name in NAMES if repetition % 2 == 0 else NAMES[::-1]:
            ahead = both[name].layout.epochs
            began = time.perf_counter()
            both[name].run(ahead)
            seconds[name].append((time.perf_counter() - began) / ahead)
    ratios = [probed / without for without, probed in zip(*(seconds[name] for name in NAMES), strict=True)]
    slots = both["probes"].layout.slots
    return {
        "question": "probes", "task": task.name, "slots": slots, "repetitions": repetitions,
        "milliseconds_a_model_epoch": {name: 1000 * median(own) / slots for name, own in seconds.items()},
        "ratio": {"median": median(ratios), "low": min(ratios), "high": max(ratios)},
        "compile_seconds": {name: both[name]._program.seconds for name in NAMES},
    }  # fmt: skip


def main() -> None:
    """Ask for each task, print and keep the answers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--only", choices=ASKED)
    parser.add_argument("--keep", action="store_true", help="add the answer to results/probes.jsonl")
    options = parser.parse_args()
    for name in ASKED:
        if options.only in (None, name):
            busy = busy_share()
            say(
                {**ask(TASKS[name], options.repetitions), **environment(), "busy": busy},
                RESULTS if options.keep else None,
            )


if __name__ == "__main__":
    main()
