"""FIT007 in terms of the metric that trials were compared by."""

from dataclasses import replace

import pytest

from caviar.diagnosis.intervals import Interval, difference
from caviar.diagnosis.selection import SelectionEvidence, diagnose_selection

CHOSEN, JUDGED = Interval(0.01, 0.006, 0.015), Interval(0.02, 0.014, 0.028)
CASE = SelectionEvidence("auc", CHOSEN, 900, JUDGED, 800, (), 64)


def test_the_message_speaks_of_the_metric_as_it_is_known() -> None:
    """AUC and not 1 − AUC, with the ends of its interval in their order, and never the word error."""
    (found,) = diagnose_selection(CASE)
    assert (found.code, found.severity) == ("FIT007", "note")
    assert "among 64 trials is optimistic: AUC 0.9900 (0.9850 to 0.9940) on the rows it used" in found.message
    assert "0.9800 (0.9720 to 0.9860) on rows of the same kind kept apart" in found.message
    assert "error" not in found.message
    assert found.evidence["chosen_value"] == pytest.approx(0.99)
    assert found.evidence["dev_interval"] == pytest.approx([0.972, 0.986])


def test_the_optimism_is_the_difference_of_independent_halves() -> None:
    """Its interval is that of the difference of two independent estimates."""
    (found,) = diagnose_selection(CASE)
    expected = difference(JUDGED, CHOSEN)
    assert found.evidence["optimism"] == pytest.approx(expected.estimate)
    assert found.evidence["optimism_interval"] == pytest.approx([expected.low, expected.high])


def test_it_is_silent_where_chance_explains_it_and_warns_beyond_the_margin() -> None:
    """Nothing where the interval holds 0; a warning where all of it lies above the margin."""
    assert diagnose_selection(replace(CASE, judged=Interval(0.012, 0.006, 0.02))) == []
    assert diagnose_selection(replace(CASE, judged=Interval(0.10, 0.09, 0.11)))[0].severity == "warning"
    assert diagnose_selection(replace(CASE, seeds=(0.0, 0.06))) == []  # the trainings differ too much to tell


@pytest.mark.parametrize(
    ("metric", "scale", "said"),
    [
        ("balanced_error", 1.0, "balanced error 1.0 % (0.60 to 1.5 %)"),
        ("log_loss", 0.69, "log loss 0.01 (0.006 to 0.015 nats)"),
        ("mae", 50.0, "MAE 0.01 (0.006 to 0.015)"),
        ("r2", 1.0, "R² 0.9900 (0.9850 to 0.9940)"),
    ],
)
def test_every_metric_has_its_unit_and_its_margin(metric: str, scale: float, said: str) -> None:
    """Shares in percent, a log loss in nats; the margin is a share of the metric's own scale."""
    (found,) = diagnose_selection(replace(CASE, metric=metric, scale=scale))
    assert said in found.message
    assert found.threshold["margin"] == pytest.approx(0.02 * scale)
