"""Numbers and outcomes in words."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.diagnosis.finding import Finding
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import text
from caviar.report.page_data import Compared, Estimate, Metric
from caviar.study.yardstick import Yardstick

from .sample_page import regression_metric, sample_findings, sample_page


@given(st.floats(0.0, 1.0))
def test_shares_are_written_to_three_digits(share: float) -> None:
    """A share reads back within half a percent of itself."""
    written = text.share(share)
    assert written.endswith(" %")
    assert float(written.removesuffix(" %")) / 100.0 == pytest.approx(share, rel=0.05, abs=1e-12)


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "no number"])
def test_what_is_no_number_is_a_dash(value: object) -> None:
    """An error that was not measured is a dash in either kind of unit, never "nan"."""
    assert text.error(value, Metric()) == text.error(value, regression_metric()) == text.MISSING


def test_errors_carry_their_unit() -> None:
    """An error of a regression is written in the target's unit, with its interval."""
    assert (
        text.estimate(Estimate(51234.5, 49000.0, 53000.0), regression_metric())
        == "51\xa0234 dollars (49\xa0000 to 53\xa0000 dollars)"
    )
    assert text.estimate(Estimate(0.5, 0.25, 0.75), Metric("rmse", "")) == "0.5 (0.25 to 0.75)"


@given(st.floats(0.0, 1e7))
def test_durations_are_never_sixty_seconds(duration: float) -> None:
    """No duration is written as 60 s or 60 min."""
    written = text.seconds(duration).split()
    for number, unit in zip(written[::2], written[1::2], strict=True):
        assert unit == "h" or float(number) < 60.0


def test_diverged_trials_rank_last_whatever_their_error() -> None:
    """A diverged trial comes after the worst that did not, even where an error was noted before it diverged."""
    good = Trial(0, Status.STOPPED, {}, dev_error=0.9)
    wild = Trial(1, Status.DIVERGED, {}, dev_error=0.01)
    waiting = Trial(2, Status.WAITING, {})
    assert [trial.number for trial in text.ranked(replace(sample_page(), trials=[wild, waiting, good]))] == [0, 1, 2]


def test_what_trials_are_compared_by_orders_the_tables() -> None:
    """Where AUC decides, the table has its column and its order, whatever the dev errors say."""
    low = Trial(0, Status.FINISHED, {}, dev_error=0.1, train_error=0.1, best_epoch=1)
    high = Trial(1, Status.FINISHED, {}, dev_error=0.2, train_error=0.2, best_epoch=1)
    page = replace(sample_page(), trials=[low, high], compared=Compared(Yardstick("auc"), {0: 0.3, 1: 0.1}))
    head, first, second = text.trials_table(page).splitlines()
    assert head.split()[:4] == ["trial", "status", "dev", "AUC"]
    assert first.split()[:3] == ["1", "finished", "0.9000"] and second.split()[2] == "0.7000"


def test_changes_leave_out_what_does_not_matter() -> None:
    """Adam's β₁ is no change under RMSprop, and the value of a default is no change."""
    assert text.changes({"optimiser": "rmsprop", "beta_1": 0.5, "learning_rate": 1e-3, "made_up": 3}) == {
        "optimiser": "rmsprop"
    }


def test_the_verdict_is_one_sentence() -> None:
    """The verdict names how many networks there were, the corrected error, and what holds the best one back."""
    assert (
        text.verdict(sample_page())
        == "The best of 256 networks has a dev error of 2.78 %: high variance holds it back."
    )
    assert text.verdict(sample_page(findings=[])) == "The best of 256 networks has a dev error of 2.78 %."
    assert text.verdict(sample_page(trials=[], best=None)) == "No network has been trained yet."


def test_a_search_in_which_all_diverged_says_what_to_do() -> None:
    """Where no network can be used, the verdict says so and names the first thing to try."""
    trials = [Trial(number, Status.DIVERGED, {}) for number in range(3)]
    said = text.verdict(sample_page(trials=trials, best=None))
    assert said.startswith("Not one of 3 networks can be used; 3 diverged.")
    assert "learning rate" in said


def test_findings_come_with_the_gravest_first() -> None:
    """Findings are listed by severity, with their codes."""
    lines = text.findings_text(sample_findings()).splitlines()
    assert [line.split(":")[0].split()[1] for line in lines] == ["problem", "warning", "unclear", "note", "good"]
    assert lines[0].startswith("FIT001 problem: High variance")
    assert text.findings_text([Finding("X", "unheard-of", "m")]) == "X unheard-of: m"


def test_the_summary_shows_the_best_trials() -> None:
    """The summary's table has one line for each of the ten best trials, the best first, and the opened test set."""
    page = sample_page()
    summary = text.summary(page)
    table = summary.split("\n\n")[1].splitlines()
    assert len(table) == 11
    assert table[1].split()[0] == str(page.best)
    assert "Test error: 3.06 % (1.72 to 5.41 %), seen 1 time." in summary
    assert "Test error" not in text.summary(sample_page(test=None))
