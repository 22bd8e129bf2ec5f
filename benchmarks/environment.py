"""On what a number was measured: without it a number cannot be compared with another."""

import datetime
import json
import os
import platform
import subprocess
import time
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_LIBRARIES = ("caviar", "jax", "jaxlib", "numpy", "torch", "optuna", "scikit-learn")


def environment() -> dict[str, Any]:
    """Device, versions, commit and day."""
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d"),
        "device": device(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": versions(),
        "commit": commit(),
    }


def say(record: dict[str, Any], kept: Path | None) -> None:
    """Print an answer as a line of JSON, and add it to a file of answers where there is one."""
    line = json.dumps(record)
    print(line, flush=True)
    if kept:
        with kept.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def busy_share(seconds: float = 1.0) -> float | None:
    """Share of the cores' time that others use, watched while nothing of ours runs; None where it cannot be told.

    The load average will not do: it still holds what the previous question did.
    """
    before = _ticks()
    time.sleep(seconds)
    after = _ticks()
    if before is None or after is None or after[1] == before[1]:
        return None
    return 1.0 - (after[0] - before[0]) / (after[1] - before[1])


def _ticks() -> tuple[int, int] | None:
    """Idle and all ticks of all cores so far."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    ticks = [int(word) for word in stat.read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def device() -> str:
    """The processor's own name, where the system tells it."""
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        for line in cpu.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of the libraries that are installed."""
    found = {}
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit, with "+" where the tree differs from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    name = git("rev-parse", "--short", "HEAD")
    if not name:
        return "unknown"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ":!benchmarks/results")
    return name + ("+" if changed else "")
