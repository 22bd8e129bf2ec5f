"""How long until the first trial trains, counted from the command, and how long does a program take to compile?

    PYTHONPATH=src python -m benchmarks.first_trial [--repetitions 3] [--only digits] [--keep]

The first trial is to run within 5 seconds of the command, and a program to compile within 3, from an empty cache. Each
repetition runs the command line in a process of its own, twice: with an empty cache of compiled programs, and again
with what the first run left. The clock starts before the process does. One line of JSON a command goes to
results/first_trial.jsonl.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.environment import ROOT, busy_share, environment, say

RESULTS = ROOT / "benchmarks" / "results" / "first_trial.jsonl"
_TABLES = ROOT.parent / "shared" / "data" / "tabular"
COMMANDS: dict[str, tuple[str, ...]] = {
    "digits": ("search", "digits", "--trials", "64", "--epochs", "10"),
    "adult": ("search", str(_TABLES / "adult_train.csv.gz"), "--target", "income", "--trials", "32", "--epochs", "3"),
}


def watched(told: Path, started: float) -> None:
    """Run the command line of `sys.argv`, and write down when the first trial began and when it was first measured."""
    from caviar import cli
    from caviar.study.loop import Loop

    found: dict[str, Any] = {}
    segment, where = Loop._segment, Loop._where

    def timed_segment(self: Loop, *arguments: Any) -> None:
        from caviar.training.compiling import _programs

        found.setdefault("begun", time.time() - started)
        segment(self, *arguments)
        found.setdefault("measured", time.time() - started)
        found["compile_seconds"] = [program.result().seconds for program in _programs.values() if program.done()]
        told.write_text(json.dumps(found))

    def timed_beginning(self: Loop) -> Any:
        found.setdefault("ready_to_compile", time.time() - started)
        return where(self)

    Loop._segment, Loop._where = timed_segment, timed_beginning  # type: ignore[method-assign]
    cli.main()


def once(command: tuple[str, ...], cache: str) -> dict[str, Any]:
    """One run of the command line in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.json")
        environment_ = {**os.environ, "CAVIAR_CACHE": cache}
        # An installed package comes with its bytecode, and a checkout writes it once, unless it is forbidden to.
        environment_.pop("PYTHONDONTWRITEBYTECODE", None)
        paths = [str(ROOT), str(ROOT / "src"), environment_.get("PYTHONPATH", "")]
        environment_["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        started = time.time()
        module = [sys.executable, "-m", "benchmarks.first_trial", "--watch", str(told), "--started", repr(started)]
        done = subprocess.run(
            [*module, *command], cwd=folder, env=environment_, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(done.stderr)
        found: dict[str, Any] = json.loads(told.read_text())
        return found


def ask(name: str, repetitions: int) -> dict[str, Any]:
    """Seconds from the command, cold and warm: medians with the largest."""
    runs: dict[str, list[dict[str, Any]]] = {"cold": [], "warm": []}
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as cache:
            for state in runs.values():
                state.append(once(COMMANDS[name], cache))
    answer: dict[str, Any] = {"question": "first_trial", "command": name, "repetitions": repetitions}
    for state, told in runs.items():
        for key in ("ready_to_compile", "begun", "measured"):
            values = [one[key] for one in told]
            answer[f"{state}_{key}"] = {"median": median(values), "high": max(values)}
        answer[f"{state}_compile_seconds"] = [one["compile_seconds"] for one in told]
    return answer


def main() -> None:
    """Ask for each command, print and keep the answers; or, in the process that is timed, run the command."""
    if "--watch" in sys.argv[1:2]:
        told, started = Path(sys.argv[2]), float(sys.argv[4])
        sys.argv = ["caviar", *sys.argv[5:]]
        watched(told, started)
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--only", choices=tuple(COMMANDS))
    parser.add_argument("--keep", action="store_true", help="add the answers to results/first_trial.jsonl")
    options = parser.parse_args()
    for name in COMMANDS:
        if options.only in (None, name):
            busy = busy_share()
            answer = {**ask(name, options.repetitions), **environment(), "busy": busy}
            say(answer, RESULTS if options.keep else None)


if __name__ == "__main__":
    main()
