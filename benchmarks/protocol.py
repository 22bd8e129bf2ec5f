"""What the harness tells a contestant's process, and what the process answers: one line of JSON.

Every contestant runs in a process of its own, since libraries that share a process fight over its threads. A contestant
is a module with `run(task, options) -> answer`; asked for as `python -m benchmarks.peers.pytorch_loop --task NAME`, it
prints the answer:

    seconds         what the clock says for the training itself: no imports, no reading, no compilation
    model_epochs    networks × epochs trained in that time
    dev_error       share of the dev rows that the network (the best, of several) gets wrong at the end
    train_error     the same on the train sample
    compile_seconds spent once before, on compilation and warming up
    chosen          which variant of itself it found fastest
    start_seconds   from the harness's starting the process to the first line of `run` (added here)
    curve           searches only: [seconds since `run` began (or since it was warm), best dev error so far,
                    model-epochs so far], one entry per improvement

or `{"unavailable": reason}` where a library or a data set is missing.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Unavailable(Exception):
    """This contestant cannot run here; the text says what is missing."""


@dataclass(frozen=True)
class Options:
    """How to run a task.

    Args:
        seed: of weights, order and masks.
        variant: a contestant's own word for a way of doing it; empty: whichever it finds fastest.
        warm: compile, import and train something first, then measure.
    """

    seed: int = 0
    variant: str = ""
    warm: bool = False


Answer = dict[str, Any]


def answer(run: Callable[[Any, Options], Answer]) -> None:
    """Read the task from the command line, run it, print one line of JSON."""
    from benchmarks.tasks import TASKS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", required=True, choices=sorted(TASKS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--variant", default="")
    parser.add_argument("--warm", action="store_true")
    parser.add_argument("--started", type=float, default=None, help="the harness's time.time() when it started this")
    given = parser.parse_args()
    start_seconds = time.time() - given.started if given.started is not None else None
    try:
        result = run(TASKS[given.task], Options(given.seed, given.variant, given.warm))
    except Unavailable as missing:
        result = {"unavailable": str(missing)}
    print(json.dumps({**result, "start_seconds": start_seconds}))


def fastest(trials: dict[str, Callable[[], float]], rounds: int = 3) -> tuple[str, dict[str, float]]:
    """Which of several ways took least, each tried in turn `rounds` times and judged by its best.

    Args:
        trials: by name, a function that does a fixed amount of work and returns the seconds it took.

    Returns:
        The name, and the seconds of all.
    """
    seconds: dict[str, float] = {}
    for _ in range(rounds):
        for name, trial in trials.items():
            seconds[name] = min(trial(), seconds.get(name, float("inf")))
    return min(seconds, key=lambda name: seconds[name]), seconds
