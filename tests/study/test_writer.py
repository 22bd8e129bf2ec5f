"""Checkpoints take at most their share of the time, the first one included."""

from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.study import writer
from caviar.study.writer import CHECKPOINT_SECONDS, CHECKPOINT_SHARE, Writer
from study.making import AtOnce

HOUR = 3600.0


class Slow(Writer):
    """A writer of a machine where copying and writing take what they are told to; the disk is left alone."""

    def __init__(self, costs: list[float], size: float) -> None:
        self.now, self.costs, self.size = 0.0, costs, int(size)
        self.written: list[tuple[float, float]] = []  # when each began, and what it cost
        super().__init__(None, Path(), clock=lambda: self.now)  # type: ignore[arg-type]

    def _save(self, arrays: Any, plain: Any) -> None:
        self.now += 0.75 * self.written[-1][1]

    def train(self, seconds: float, segment: float) -> "Slow":
        """Train for so long, as the loop does: after each segment a checkpoint, where one is due."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(writer, "threading", SimpleNamespace(Thread=AtOnce))
            while self.now < seconds:
                self.now += segment
                if self.due(self.size):
                    cost = self.costs[min(len(self.written), len(self.costs) - 1)]
                    self.written.append((self.now, cost))
                    self.now += 0.25 * cost  # the copy, for which training waits
                    self.write({}, {}, self.written[-1][0])
        return self


@pytest.mark.parametrize("cost", [0.01, 0.2, 0.5, 3.0, 20.0, 90.0])
def test_over_an_hour_checkpoints_take_three_hundredths(cost: float) -> None:
    """At a cost of c seconds each they take 3 % of the time or one more, and nearly as much where they are dear."""
    found = Slow([cost], size=cost * writer.BYTES_PER_SECOND).train(HOUR, segment=0.9)
    spent = cost * len(found.written)
    assert spent <= CHECKPOINT_SHARE * found.now + cost
    apart = max(CHECKPOINT_SECONDS, cost / CHECKPOINT_SHARE)
    assert len(found.written) >= int(0.9 * HOUR / (apart + cost + 0.9))  # and they do come
    assert all(later - earlier >= apart for (earlier, _), (later, _) in pairwise(found.written))


@given(st.lists(st.floats(0.0, 60.0), min_size=1, max_size=40), st.floats(0.05, 30.0), st.floats(0.0, 1e10))
def test_costs_that_change_are_paid_for_before_the_next(costs: list[float], segment: float, size: float) -> None:
    """Whatever they cost and however wrong the first guess, all but the last stay within 3 % of the time."""
    found = Slow(costs, size).train(HOUR, segment)
    before = [cost for _, cost in found.written[:-1]]
    if before:
        assert sum(before) <= CHECKPOINT_SHARE * found.written[-1][0]


@pytest.mark.parametrize(("size", "first"), [(0.0, 15.0), (45e6, 15.0), (3e8, 100.0), (3e9, 1000.0)])
def test_the_first_one_waits_too(size: float, first: float) -> None:
    """A campaign's first checkpoint comes when its size would be written, slowly, in 3 % of the time so far."""
    found = Slow([0.1], size).train(HOUR, segment=0.5)
    assert first < found.written[0][0] <= first + 1.0
    # From then on the cost is known.
    assert found.written[1][0] - found.written[0][0] == pytest.approx(CHECKPOINT_SECONDS, abs=1.5)
