"""Asks the questions of questions.py: `python -m benchmarks.harness [--only digits,small] [--repetitions 5]`.

Every repetition starts each contestant once, in a process of its own, we and the peers by turns; the turn is reversed
from one repetition to the next, so that a machine that slows down slows everybody. Ratios are formed within a
repetition and their median is reported. Load by others is not fair to all (threads that wait for each other slow down
by far more than single ones), so it is watched for a second before each repetition, and a question asked on a busy
machine is marked so in its record and in the table. Each question adds one line of JSON to its file in results/, and
the table is printed at the end; `--table` prints it from the last lines of those files and runs nothing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.environment import ROOT, busy_share, environment
from benchmarks.protocol import Answer
from benchmarks.questions import QUESTIONS, Contestant, Question
from benchmarks.ratios import medians, ratios

RESULTS = ROOT / "benchmarks" / "results"
SEARCH_SEEDS = 20
PATIENCE = 1800.0  # seconds for one contestant
QUIET = 0.1  # share of the cores' time that others may use


def start(contestant: Contestant, task: str, seed: int) -> Answer:
    """Run one contestant and read its answer; whatever goes wrong is an answer too."""
    command = [sys.executable, "-m", contestant.module, "--task", task, "--seed", str(seed)]
    command += ["--variant", contestant.variant] if contestant.variant else []
    command += ["--warm"] if contestant.warm else []
    began = time.time()
    try:
        done = subprocess.run(
            [*command, "--started", repr(began)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"unavailable": f"took more than {PATIENCE:g} seconds"}
    return read_answer(done.returncode, done.stdout, done.stderr)


def read_answer(status: int, output: str, errors: str) -> Answer:
    """The last line of the output, or the last line of the errors as the reason why there is none."""
    lines = output.strip().splitlines()
    try:
        answer = json.loads(lines[-1]) if lines else None
    except json.JSONDecodeError:
        answer = None
    if status == 0 and isinstance(answer, dict):
        return answer
    reason = errors.strip().splitlines()
    return {"unavailable": reason[-1] if reason else f"ended with {status} and said nothing"}


def ask(question: Question, repetitions: int) -> tuple[list[dict[str, Answer]], float]:
    """All rounds of one question, contestants by turns, and the largest share that others used before a round."""
    contestants = [question.ours, *question.peers]
    rounds, busiest = [], 0.0
    for repetition in range(repetitions):
        busiest = max(busiest, busy_share() or 0.0)
        turn = contestants if repetition % 2 == 0 else contestants[::-1]
        answers = {contestant.name: start(contestant, question.task, repetition) for contestant in turn}
        rounds.append({contestant.name: answers[contestant.name] for contestant in contestants})
        print(f"  {question.name} {repetition + 1}/{repetitions}", file=sys.stderr, flush=True)
    return rounds, busiest


def time_command(question: Question, repetitions: int) -> dict[str, Any]:
    """Seconds of a command line, each time in an empty folder."""
    program = Path(sys.executable).with_name(question.command[0])
    if not program.exists():
        return {"unavailable": f"there is no {question.command[0]} beside this Python"}
    seconds = []
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            done = subprocess.run(
                [str(program), *question.command[1:]], cwd=folder, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                return read_answer(done.returncode, "", done.stderr)
            seconds.append(time.perf_counter() - began)
    return {"seconds": median(seconds), "all": [round(s, 2) for s in seconds]}


def measure(question: Question, repetitions: int) -> dict[str, Any]:
    """The record of one question: what was asked, on what, and what came out."""
    record: dict[str, Any] = {
        "question": question.name,
        "what": question.what,
        "kind": question.kind,
        "at_least": question.at_least,
        "aim": question.aim,
        "repetitions": repetitions,
        **environment(),
    }
    if question.kind == "command":
        record["busy"] = round(busy_share() or 0.0, 3)
        return {**record, "command": list(question.command), "medians": time_command(question, repetitions)}
    rounds, busiest = ask(question, repetitions)
    return {
        **record,
        **question.the_task().describe(),
        "busy": round(busiest, 3),
        "medians": medians(question, rounds),
        "ratios": [vars(ratio) for ratio in ratios(question, rounds)],
        "rounds": rounds,
    }


def table(records: Sequence[Mapping[str, Any]]) -> str:
    """The records as a table in Markdown, further peers and levels in rows of their own."""
    lines = ["| what | at least | aim | measured |", "|---|---|---|---|"]
    for record in records:
        lines += _rows(record)
    return "\n".join(lines)


def _rows(record: Mapping[str, Any]) -> list[str]:
    busy = f", on a busy machine ({record['busy']:.0%} used by others)" if record["busy"] > QUIET else ""
    if record["kind"] == "command":
        seconds = record["medians"].get("seconds")
        measured = (
            f"{seconds:.1f} s{busy}" if seconds is not None else f"not measured: {record['medians']['unavailable']}"
        )
        return [f"| {record['what']} | ≤ {record['at_least']:g} s | ≤ {record['aim']:g} s | {measured} |"]
    rows = []
    for number, ratio in enumerate(record["ratios"]):
        about = ratio["peer"] + (f", dev error {ratio['level']:g}" if ratio["level"] is not None else "")
        what = f"{record['what']}, against {about}" if number == 0 else f"… against {about}"
        owed = f"{record['at_least']:g}× | {record['aim']:g}×" if number == 0 else "— | —"
        rows.append(f"| {what} | {owed} | {_measured(ratio, record['medians'])}{busy} |")
    return rows


def _measured(ratio: Mapping[str, Any], middle: Mapping[str, Any]) -> str:
    if ratio["value"] is None:
        sides = (middle[ratio["peer"]], *middle.values())
        missing = next((side["unavailable"] for side in sides if "unavailable" in side), "no answer")
        return f"not measured: {missing}"
    spread = f" ({ratio['low']:.2g} to {ratio['high']:.2g})" if ratio["low"] is not None else ""
    return f"{'at least ' if ratio['bound'] else ''}{ratio['value']:.3g}×{spread}"


def last_records(folder: Path) -> list[Mapping[str, Any]]:
    """The newest record of each question that has one, in the order of the table."""
    records = []
    for name in QUESTIONS:
        file = folder / f"{name}.jsonl"
        if file.exists():
            records.append(json.loads(file.read_text().splitlines()[-1]))
    return records


def main() -> None:
    """Ask, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(QUESTIONS), help=f"questions by name: {', '.join(QUESTIONS)}")
    parser.add_argument("--repetitions", type=int, default=5, help="of each question but the searches")
    parser.add_argument("--seeds", type=int, default=SEARCH_SEEDS, help="repetitions of the searches")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder of the JSON lines")
    parser.add_argument("--table", action="store_true", help="print the table of the last results; run nothing")
    given = parser.parse_args()
    names = [name.strip() for name in given.only.split(",") if name.strip()]
    unknown = [name for name in names if name not in QUESTIONS]
    if unknown:
        parser.error(f"there is no question {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    if min(given.repetitions, given.seeds) < 1:
        parser.error("--repetitions and --seeds must be at least 1")
    if given.table:
        print(table(last_records(given.results)))
        return
    given.results.mkdir(parents=True, exist_ok=True)
    records = []
    for name in names:
        question = QUESTIONS[name]
        records.append(measure(question, given.seeds if question.kind == "search" else given.repetitions))
        with (given.results / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(records[-1], ensure_ascii=False, allow_nan=False) + "\n")
    print(table(records))


if __name__ == "__main__":
    main()
