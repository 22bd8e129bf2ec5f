"""Bias and variance: the textbook's cases, the base error, intervals, and where both at once sit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.diagnosis.fit import FitEvidence, diagnose_fit
from caviar.diagnosis.slices import by_slice

MANY = 100_000
HIGH_VARIANCE, HIGH_BIAS, BOTH, NEITHER = "FIT001", "FIT002", "FIT003", "FIT004"


def case(train: float, dev: float, rows: int = MANY, **more: object) -> FitEvidence:
    """A classifier's errors on so many train and dev rows."""
    return FitEvidence("classification", "error", train, rows, dev, rows, **more)


@pytest.mark.parametrize(
    ("train", "dev", "base", "code"),
    [
        (0.01, 0.11, None, HIGH_VARIANCE),
        (0.15, 0.16, None, HIGH_BIAS),
        (0.15, 0.30, None, BOTH),
        (0.005, 0.01, None, NEITHER),
        (0.15, 0.16, 0.15, NEITHER),
    ],
)
def test_the_textbooks_cases(train: float, dev: float, base: float | None, code: str) -> None:
    """1/11 % is variance, 15/16 bias, 15/30 both, 0.5/1 neither; with a base error of 15 %, 15/16 is neither."""
    assert diagnose_fit(case(train, dev, base_error=base))[0].code == code


@given(
    base=st.floats(0, 0.2), bias=st.floats(0, 0.3), variance=st.floats(-0.05, 0.3), margin=st.sampled_from([0.02, 0.05])
)
def test_on_many_rows_it_is_two_comparisons(base: float, bias: float, variance: float, margin: float) -> None:
    """Avoidable bias = train − base, variance = dev − train, each high where it is above the margin."""
    train, dev = base + bias, max(0.0, base + bias + variance)
    # On ten million rows the intervals are narrower than a twentieth of a point; nearer to the margin it is unclear.
    if min(abs(bias - margin), abs(dev - train - margin)) < 0.001:
        return
    found = diagnose_fit(case(train, dev, 10**7, base_error=base), margin)[0]
    wanted = {(True, True): BOTH, (True, False): HIGH_BIAS, (False, True): HIGH_VARIANCE, (False, False): NEITHER}
    assert found.code == wanted[bias > margin, dev - train > margin]
    assert found.evidence["avoidable_bias"] == pytest.approx(bias, abs=1e-12)
    assert found.evidence["variance"] == pytest.approx(dev - train, abs=1e-12)


def test_intervals_by_resampling() -> None:
    """The interval of the variance holds the middle 95 % of the gaps that two binomials give, to half a point."""
    found = diagnose_fit(case(0.05, 0.12, 2000))[0].evidence["variance_interval"]
    generator = np.random.default_rng(0)
    gaps = generator.binomial(2000, 0.12, 100_000) / 2000 - generator.binomial(2000, 0.05, 100_000) / 2000
    np.testing.assert_allclose(found, np.quantile(gaps, [0.025, 0.975]), atol=0.002)


def test_mismatch_and_optimism() -> None:
    """With a train-dev set variance is train-dev − train and mismatch dev − train-dev; optimism is judged − chosen."""
    found = diagnose_fit(
        case(0.01, 0.10, train_dev_error=0.02, train_dev_rows=MANY, chosen_error=0.07, chosen_rows=MANY)
    )
    assert {"FIT006", "FIT007"} <= {finding.code for finding in found}
    evidence = found[0].evidence
    assert evidence["variance"] == pytest.approx(0.01)
    assert evidence["mismatch"] == pytest.approx(0.08)
    assert evidence["optimism"] == pytest.approx(0.03)


def test_both_at_once_can_sit_in_different_places() -> None:
    """One class underfit, another overfit: errors by class show which is which, as counting them does."""
    generator = np.random.default_rng(1)
    truth = {"train": np.repeat(["cat", "dog", "owl"], 4000), "dev": np.repeat(["cat", "dog", "owl"], 2000)}
    rates = {"cat": (0.20, 0.21), "dog": (0.01, 0.15), "owl": (0.01, 0.015)}
    errors = {
        part: np.array([generator.random() < rates[name][at] for name in truth[part]], float)
        for at, part in enumerate(("train", "dev"))
    }
    found = {one.name: one for one in by_slice(errors["train"], truth["train"], errors["dev"], truth["dev"])}
    for name in rates:
        own = errors["dev"][truth["dev"] == name]
        assert found[name].dev_error == own.mean() and found[name].dev_rows == len(own)
        assert found[name].variance == own.mean() - errors["train"][truth["train"] == name].mean()
    assert {name: one.code for name, one in found.items()} == {"cat": HIGH_BIAS, "dog": HIGH_VARIANCE, "owl": NEITHER}
    assert next(iter(found)) == "cat"  # where most of the dev error is
