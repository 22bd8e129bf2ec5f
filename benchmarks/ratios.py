"""From what the contestants answered to the numbers of the table. Nothing here runs anything."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.questions import Question

Rounds = Sequence[Mapping[str, Mapping[str, Any]]]  # one mapping a repetition: contestant's name -> its answer


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as a peer we are.

    Args:
        peer: its name.
        value: the median of the repetitions; None where one side gave nothing.
        low, high: the smallest and the largest of the repetitions.
        bound: the peer never got there within its whole search, so that the ratio is at least `value`.
        level: of dev error, for a search.
    """

    peer: str
    value: float | None
    low: float | None = None
    high: float | None = None
    bound: bool = False
    level: float | None = None


def rate(answer: Mapping[str, Any]) -> float:
    """Model-epochs a second."""
    return float(answer["model_epochs"]) / float(answer["seconds"])


def rate_ratio(rounds: Rounds, ours: str, peer: str) -> Ratio:
    """The median over the repetitions of our rate over the peer's in the same repetition.

    >>> fast, slow = {"model_epochs": 100, "seconds": 1.0}, {"model_epochs": 10, "seconds": 1.0}
    >>> rate_ratio([{"ours": fast, "peer": slow}], "ours", "peer").value
    10.0
    """
    pairs = [(r[ours], r[peer]) for r in rounds if ours in r and peer in r]
    ratios = [rate(a) / rate(b) for a, b in pairs if "unavailable" not in a and "unavailable" not in b]
    if not ratios:
        return Ratio(peer, None)
    return Ratio(peer, median(ratios), min(ratios), max(ratios))


def time_to(answer: Mapping[str, Any], level: float, *, cold: bool) -> float:
    """Seconds until the best dev error was at most `level`; infinite if never. Cold counts the start of the process.

    >>> time_to({"curve": [[1.0, 0.3, 1], [2.5, 0.1, 9]], "start_seconds": 0.5}, 0.2, cold=True)
    3.0
    """
    before = float(answer.get("start_seconds") or 0.0) if cold else 0.0
    # Errors are counts over rows, and some come as float32: a hair above the level is on it.
    reached = [entry[0] for entry in answer["curve"] if entry[1] <= level + 1e-6]
    return before + min(reached) if reached else math.inf


def expected_time(answers: Sequence[Mapping[str, Any]], level: float, *, cold: bool) -> float:
    """Median time to a level where every search got there; otherwise the expected running time.

    The expected running time is all the time spent, by searches that got there until they did and by the others to
    their end, over the number that got there: what somebody waits who starts again until it works (Hansen et al.,
    "COCO: performance assessment", 2016). Infinite where none got there.

    >>> there, not_there = {"curve": [[2.0, 0.1, 9]], "seconds": 8.0}, {"curve": [[1.0, 0.3, 1]], "seconds": 10.0}
    >>> expected_time([there, not_there], 0.2, cold=False)
    12.0
    """
    times = [time_to(answer, level, cold=cold) for answer in answers]
    reached = sum(math.isfinite(time) for time in times)
    if reached == len(times):
        return median(times)
    if not reached:
        return math.inf
    starts = [float(answer.get("start_seconds") or 0.0) if cold else 0.0 for answer in answers]
    wholes = [start + float(answer["seconds"]) for start, answer in zip(starts, answers, strict=True)]
    return sum(min(time, whole) for time, whole in zip(times, wholes, strict=True)) / reached


def level_ratio(rounds: Rounds, ours: str, peer: str, level: float, *, cold: bool) -> Ratio:
    """The peer's time to a level over ours, over all seeds (see `expected_time`).

    Where the peer never got there all its searches together stand in, and the ratio is a lower bound; where it is we,
    the ratio is 0.
    """
    sides = {}
    for name in (ours, peer):
        answers = [r[name] for r in rounds if name in r and "unavailable" not in r[name]]
        if not answers:
            return Ratio(peer, None, level=level)
        sides[name] = (expected_time(answers, level, cold=cold), sum(float(answer["seconds"]) for answer in answers))
    (own, _), (other, whole) = sides[ours], sides[peer]
    if math.isinf(own):
        return Ratio(peer, 0.0, level=level)
    if math.isinf(other):
        return Ratio(peer, whole / own, bound=True, level=level)
    return Ratio(peer, other / own, level=level)


def ratios(question: Question, rounds: Rounds) -> list[Ratio]:
    """All ratios of a question; the first is the one that the table's row is judged by.

    For a search that is the smallest over the levels, the others follow.
    """
    ours = question.ours.name
    if question.kind == "rate":
        return [rate_ratio(rounds, ours, peer.name) for peer in question.peers]
    search = question.the_task().search
    assert search is not None, question
    cold = not question.ours.warm
    found = [
        level_ratio(rounds, ours, peer.name, level, cold=cold) for peer in question.peers for level in search.levels
    ]
    return sorted(found, key=lambda ratio: math.inf if ratio.value is None else ratio.value)


def medians(question: Question, rounds: Rounds) -> dict[str, dict[str, Any]]:
    """What each contestant took: the median of each of its numbers, and what it chose last."""
    table: dict[str, dict[str, Any]] = {}
    for name in rounds[0]:
        answers = [r[name] for r in rounds if "unavailable" not in r[name]]
        if not answers:
            table[name] = {"unavailable": rounds[-1][name]["unavailable"]}
            continue
        numbers = {}
        for key in ("seconds", "model_epochs", "compile_seconds", "start_seconds", "dev_error", "train_error"):
            values = [float(answer[key]) for answer in answers if answer.get(key) is not None]
            if values:
                numbers[key] = median(values)
        if question.kind == "rate":
            numbers["ms_per_model_epoch"] = median(1e3 / rate(answer) for answer in answers)
        table[name] = {**numbers, "chosen": answers[-1].get("chosen", "")}
    return table
