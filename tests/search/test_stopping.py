"""Stopping rules decide on whole batches and really stop things when trials advance together."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.errors import StudyError
from caviar.search.rule import Decision, Report, StoppingRule, exempt
from caviar.search.stopping import STOPPING, NoStopping, SuccessiveHalving, stopping_rule


def lock_step(rule: StoppingRule, values: Callable[[int, int], float], trials: int, epochs: int) -> list[list[int]]:
    """All trials report at every epoch together; gives who trains on after each epoch."""
    alive, after = list(range(trials)), []
    for epoch in range(1, epochs + 1):
        decisions = rule.decide([Report(trial, epoch, values(trial, epoch)) for trial in alive])
        alive = [decision.trial for decision in decisions if decision.keep]
        after.append(alive)
    return after


def test_64_networks_in_lock_step() -> None:
    """64 networks over 27 epochs go 64, 22, 8, 3 at rungs 1, 3, 9, for 210 epochs instead of 1728, and the best wins.

    On the same curves (quality + 1/epoch) the default median, halving and Hyperband pruners of a peer, measured, stop
    nothing (64, 64, 64, 64: 1728 epochs), its halving with explicit numbers leaves 23, 16, 13, 9 (440 epochs); the
    ideal of halving in step, rounded down, is 21, 7, 2 (184 epochs).
    """
    quality = np.random.default_rng(0).random(64)
    after = lock_step(SuccessiveHalving(27), lambda trial, epoch: quality[trial] + 1 / epoch, 64, 27)
    assert [len(after[epoch - 1]) for epoch in (1, 3, 9, 27)] == [22, 8, 3, 3]
    assert 64 + sum(map(len, after[:-1])) == 64 + 22 * 2 + 8 * 6 + 3 * 18 == 210
    assert set(after[-1]) == set(np.argsort(quality)[:3].tolist())


@pytest.mark.parametrize("count", [4, 5, 10, 63, 64, 65, 256])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_exactly_one_in_factor_goes_on(count: int, factor: int) -> None:
    """In lock step exactly ⌈n/factor⌉ of n go on, the best ones."""
    rule = SuccessiveHalving(factor, factor=factor)
    order = np.random.default_rng(count).permutation(count)
    decisions = rule.decide([Report(trial, 1, float(order[trial])) for trial in range(count)])
    kept = {decision.trial for decision in decisions if decision.keep}
    assert kept == {trial for trial in range(count) if order[trial] < math.ceil(count / factor)}


def test_ties_go_to_the_earlier_trial() -> None:
    """Of equal values the earlier trials go on, whatever the order of the reports."""
    reports = [Report(trial, 1, 0.5) for trial in (5, 0, 3, 1, 4, 2)]
    decisions = SuccessiveHalving(3).decide(reports)
    assert [decision.trial for decision in decisions] == [5, 0, 3, 1, 4, 2]
    assert {decision.trial for decision in decisions if decision.keep} == {0, 1}


@pytest.mark.parametrize(
    ("epochs", "factor", "first", "rungs"),
    [
        (50, 3, None, (2, 6, 18)),
        (27, 3, None, (1, 3, 9)),
        (100, 3, None, (4, 12, 36)),
        (16, 2, None, (2, 4, 8)),
        (5, 3, None, (1, 3)),
        (13, 3, None, (1, 3)),
        (2, 3, None, (1,)),
        (1, 3, None, ()),
        (81, 3, 1, (1, 3, 9, 27)),
        (20, 3, 4, (4, 12)),
        (20, 3, 20, ()),
    ],
)
def test_rungs(epochs: int, factor: int, first: int | None, rungs: tuple[int, ...]) -> None:
    """The first rung stands at E/factor³ own epochs, the others at its multiples, never near or at the end."""
    assert SuccessiveHalving(epochs, factor=factor, first=first).rungs == rungs


def test_between_rungs_nothing_is_decided() -> None:
    """At an epoch that is no rung every finite trial goes on, without a reason."""
    rule = SuccessiveHalving(27)
    assert rule.decide([Report(trial, 2, float(trial)) for trial in range(9)]) == [Decision(t, True) for t in range(9)]
    assert rule.decide([]) == []


def test_too_few_to_compare() -> None:
    """The first trials of a rung go on while there are fewer than `factor` of them; the reason says so."""
    rule = SuccessiveHalving(27)
    for trial, value in enumerate([0.9, 0.8]):
        (decision,) = rule.decide([Report(trial, 1, value)])
        assert decision.keep and "too few" in decision.reason
    (worst,) = rule.decide([Report(2, 1, 1.0)])
    assert worst == Decision(2, False, "epoch 1: place 3 of 3, the best 1 go on")


def test_late_arrivals_meet_the_whole_record() -> None:
    """A trial in a refilled slot is compared with all that were ever at the rung, at its own epoch."""
    rule = SuccessiveHalving(27)
    rule.decide([Report(trial, 1, trial / 30) for trial in range(30)])
    late = rule.decide([Report(30, 1, 0.31), Report(31, 1, 0.36), Report(3, 3, 0.05)])
    assert [decision.keep for decision in late] == [True, False, True]
    assert "place 11 of 32, the best 11 go on" in late[0].reason


def test_diverged_is_worst_not_missing() -> None:
    """NaN and infinity rank last, are stopped, and raise the number that counts as the best third."""
    rule = SuccessiveHalving(27)
    values = [math.nan, math.inf, 0.3, math.nan, 0.2, 0.9]
    decisions = rule.decide([Report(trial, 1, value) for trial, value in enumerate(values)])
    assert [decision.keep for decision in decisions] == [False, False, True, False, True, False]
    assert decisions[0].reason == "diverged by epoch 1"


def test_diverged_between_rungs_counts_at_the_next() -> None:
    """A trial that diverges before a rung is stopped at once and counted at the rung it would have reached."""
    rule = SuccessiveHalving(27)
    gone = rule.decide([Report(trial, 2, math.nan) for trial in range(4)])
    assert not any(decision.keep for decision in gone)
    (late,) = rule.decide([Report(9, 3, 0.5)])
    assert late.keep and "place 1 of 5" in late.reason
    (last,) = rule.decide([Report(10, 20, math.nan)])
    assert last == Decision(10, False, "diverged by epoch 20")


def test_all_diverged() -> None:
    """Where everything diverges everything is stopped."""
    decisions = SuccessiveHalving(27).decide([Report(trial, 1, math.nan) for trial in range(8)])
    assert not any(decision.keep for decision in decisions)


def test_exempt_trials_go_on_and_count() -> None:
    """An exempt trial is never stopped; it takes its place in the record like any other."""
    rule = SuccessiveHalving(27)
    reports = [Report(trial, 1, float(trial), exempt=trial in (0, 8)) for trial in range(9)]
    kept = [decision.trial for decision in rule.decide(reports) if decision.keep]
    assert kept == [0, 1, 2, 8]
    decision = rule.decide([Report(8, 3, math.nan, exempt=True)])[0]
    assert decision.keep and "diverged" in decision.reason


def test_several_epochs_at_once() -> None:
    """A trial that reports several epochs of one segment is judged at every rung among them, lowest first."""
    rule = SuccessiveHalving(27)
    reports = [Report(trial, epoch, trial + 1 / epoch) for epoch in (1, 2, 3) for trial in range(9)]
    decisions = rule.decide(reports)
    assert [decision.trial for decision in decisions if decision.keep] == [0]
    assert decisions[5].reason.startswith("epoch 1") and decisions[1].reason.startswith("epoch 3")


def test_said_twice_counts_once() -> None:
    """A segment that is replayed after a crash gives the same decisions again."""
    rule = SuccessiveHalving(27)
    reports = [Report(trial, 1, float(trial)) for trial in range(9)]
    assert rule.decide(reports) == rule.decide(reports)


@pytest.mark.parametrize("name", STOPPING)
@pytest.mark.parametrize("phase", [0, 1, 3, 8])
def test_restored_goes_on_the_same(name: str, phase: int) -> None:
    """A rule restored from strict JSON at any moment decides as the one that was never stopped."""
    generator = np.random.default_rng(phase)
    batches = [
        [Report(int(t), int(generator.integers(1, 28)), float(generator.random())) for t in range(20)] for _ in range(9)
    ]
    batches[0][0] = Report(0, 1, math.nan)
    whole, first, second = (STOPPING[name](27) for _ in range(3))
    expected = [whole.decide(batch) for batch in batches]
    before = [first.decide(batch) for batch in batches[:phase]]
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    assert before + [second.decide(batch) for batch in batches[phase:]] == expected


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30), st.floats()), max_size=40), st.integers(2, 5))
def test_any_reports_get_one_decision_each(reports: list, factor: int) -> None:
    """Whatever is reported, every trial of the batch gets exactly one decision, and the state is strict JSON."""
    rule = SuccessiveHalving(27, factor=factor)
    decisions = rule.decide([Report(*report) for report in reports])
    assert [decision.trial for decision in decisions] == list(dict.fromkeys(trial for trial, _, _ in reports))
    json.dumps(rule.state(), allow_nan=False)


def refill(
    rule: StoppingRule, quality: np.ndarray, noise: float, slots: int, epochs: int
) -> tuple[dict[int, int], int]:
    """Trials share slots: one that stops or ends makes room for the next, so that trials are at different epochs."""
    generator = np.random.default_rng(len(quality))
    waiting, own, reached = list(range(len(quality))), {}, {}
    spent = 0
    while waiting or own:
        while waiting and len(own) < slots:
            own[waiting.pop(0)] = 0
        own = {trial: epoch + 1 for trial, epoch in own.items()}
        spent += len(own)
        noisy = {trial: quality[trial] + 1 / epoch + noise * generator.normal() for trial, epoch in own.items()}
        decisions = rule.decide([Report(trial, epoch, noisy[trial]) for trial, epoch in own.items()])
        reached |= own
        own = {d.trial: own[d.trial] for d in decisions if d.keep and own[d.trial] < epochs}
    return reached, spent


def test_refilled_slots_keep_one_in_factor() -> None:
    """With refilled slots the first rung keeps 1/factor; later ones a little more, as what reaches them gets better."""
    quality = np.random.default_rng(1).random(1200)
    reached, spent = refill(SuccessiveHalving(27), quality, noise=0.02, slots=50, epochs=27)
    counts = [sum(epoch > rung for epoch in reached.values()) for rung in (0, 1, 3, 9)]
    shares = [counts[k + 1] / counts[k] for k in range(3)]
    assert shares[0] == pytest.approx(1 / 3, abs=0.02)
    assert all(1 / 3 - 0.02 < share < 0.45 for share in shares)
    assert spent < 0.16 * 1200 * 27


def test_refilled_slots_find_the_best() -> None:
    """Under noise of 3 % of the spread, one of the best three of 120 trials trains to the end in 19 of 20 searches."""
    found = 0
    for seed in range(20):
        quality = np.random.default_rng(seed).random(120)
        reached, _ = refill(SuccessiveHalving(27), quality, noise=0.03, slots=16, epochs=27)
        found += any(reached[int(trial)] == 27 for trial in np.argsort(quality)[:3])
    assert found >= 19


def test_one_in_sixteen_is_exempt() -> None:
    """One trial in sixteen is exempt, at random, keyed by seed and trial alone."""
    drawn = np.array([[exempt(seed, trial) for trial in range(4000)] for seed in (0, 1)])
    assert np.abs(drawn.mean(axis=1) - 1 / 16).max() < 4 * math.sqrt(1 / 16 * 15 / 16 / 4000)
    assert drawn[0, 5:].tolist() == [exempt(0, trial) for trial in range(5, 4000)]
    both = (drawn[0] & drawn[1]).mean()
    assert abs(both - 1 / 256) < 0.004


def test_rules_by_name() -> None:
    """`stopping` is a name, None or a rule of one's own; another name gets a sentence."""
    assert isinstance(stopping_rule("halving", 50), SuccessiveHalving)
    assert isinstance(stopping_rule(None, 50), NoStopping) and isinstance(stopping_rule("none", 50), NoStopping)
    own = SuccessiveHalving(81, factor=4)
    assert stopping_rule(own, 50) is own
    with pytest.raises(StudyError, match=r"'median'. There are: halving, patience, none"):
        stopping_rule("median", 50)


def test_no_stopping_keeps_everybody() -> None:
    """Without a rule every trial goes on, once each."""
    reports = [Report(1, 1, math.nan), Report(2, 1, 0.5), Report(1, 2, 0.5)]
    assert NoStopping().decide(reports) == [Decision(1, True), Decision(2, True)]


@pytest.mark.parametrize("numbers", [{"epochs": 0}, {"epochs": 9, "factor": 1}, {"epochs": 9, "first": 0}])
def test_impossible_numbers(numbers: dict) -> None:
    """Numbers that make no sense are refused with what was given."""
    with pytest.raises(StudyError, match="Got epochs="):
        SuccessiveHalving(**numbers)


def test_another_rules_state_is_refused() -> None:
    """The state of another rule, other epochs, another factor or other rungs is refused with a sentence."""
    rule = SuccessiveHalving(27)
    for other in (NoStopping(), SuccessiveHalving(50), SuccessiveHalving(27, factor=2), SuccessiveHalving(27, first=3)):
        with pytest.raises(StudyError, match="Resume with the rule of the study"):
            rule.restore(other.state())
    with pytest.raises(StudyError):
        NoStopping().restore(rule.state())
