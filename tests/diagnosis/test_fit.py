"""The FIT findings: the textbook's cases, intervals, regression, mismatch, optimism, words."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.counts import count
from caviar.diagnosis.finding import SEVERITIES, Finding
from caviar.diagnosis.fit import MARGIN, FitEvidence, diagnose_fit
from caviar.errors import StudyError

MANY = 100_000
PAGES = Path(__file__).resolve().parents[2] / "docs" / "findings"
CODES = [f"FIT00{number}" for number in range(1, 8)]


def evidence(train: float, dev: float, rows: int = MANY, **more: Any) -> FitEvidence:
    """A classifier's errors, on as many train as dev rows."""
    return FitEvidence("classification", "error", train, rows, dev, rows, **more)


def codes(case: FitEvidence, margin: float = MARGIN) -> list[str]:
    """The codes of the findings, in their order."""
    return [finding.code for finding in diagnose_fit(case, margin)]


def only(case: FitEvidence) -> Finding:
    """The single finding of a case."""
    (finding,) = diagnose_fit(case)
    return finding


@pytest.mark.parametrize(
    ("train", "dev", "base", "code"),
    [
        (0.01, 0.11, None, "FIT001"),
        (0.15, 0.16, None, "FIT002"),
        (0.15, 0.30, None, "FIT003"),
        (0.005, 0.01, None, "FIT004"),
        (0.15, 0.16, 0.15, "FIT004"),
    ],
)
def test_textbook(train: float, dev: float, base: float | None, code: str) -> None:
    """1/11 % is high variance, 15/16 high bias, 15/30 both, 0.5/1 neither, and 15/16 neither where the base is 15 %."""
    assert codes(evidence(train, dev, base_error=base)) == [code]


@pytest.mark.parametrize("rows", [20, 60])
def test_few_rows_are_unclear(rows: int) -> None:
    """The same 3 % and 5 % that many rows call high bias are unclear on few, and the message counts the rows."""
    assert codes(evidence(0.03, 0.05)) == ["FIT002"]
    few = only(replace(evidence(0.03, 0.05, rows), train_rows=MANY, base_error=0.03))
    assert few.code == "FIT005" and few.severity == "unclear"
    assert codes(evidence(0.0, 0.0, rows)) == ["FIT005"]


def test_rows_that_are_said_to_be_needed_do_settle_it() -> None:
    """With about as many dev rows as the finding asks for, the same errors are no longer unclear."""
    for dev, settled in [(0.045, "FIT001"), (0.012, "FIT004")]:
        case = replace(evidence(0.005, dev, MANY), dev_rows=200)
        unclear = only(case)
        needed = unclear.evidence["variance_rows_needed"]
        assert unclear.code == "FIT005" and needed > 200
        assert f"about {count(needed)} dev rows instead of 200 would tell" in unclear.message
        assert codes(replace(case, dev_rows=needed)) == [settled]
        assert codes(replace(case, dev_rows=int(0.9 * needed))) == ["FIT005"]


def test_where_dev_rows_alone_do_not_help() -> None:
    """Where the train error is the uncertain one, more rows of both are asked for; at the margin itself none help."""
    both = only(replace(evidence(0.02, 0.03, 100), dev_rows=60))
    times = int(re.search(r"about (\d+) times as many rows of dev and train", both.message).group(1))  # type: ignore[union-attr]
    case = replace(evidence(0.02, 0.03, 100 * times), dev_rows=60 * times, base_error=0.02)
    assert codes(case) == ["FIT004"]
    at_the_margin = only(evidence(0.01, 0.03, 2000))
    assert "no practical number of rows" in at_the_margin.message
    assert at_the_margin.evidence["variance_rows_needed"] is None


@pytest.mark.parametrize("seed", range(3))
def test_a_good_network_is_seldom_accused(seed: int) -> None:
    """Where both true gaps are at the margin, at most about one sample in twenty is called high."""
    generator = np.random.default_rng(seed)
    accused = 0
    for train, dev in generator.binomial([2000, 500], [0.02, 0.04], (400, 2)).tolist():
        case = FitEvidence("classification", "error", train / 2000, 2000, dev / 500, 500)
        accused += codes(case)[0] in ("FIT001", "FIT002", "FIT003")
    assert accused <= 0.08 * 400


def test_clear_beside_unclear() -> None:
    """Where one gap is clearly high and the other open, the clear one is found and the open one is mentioned."""
    finding = only(FitEvidence("classification", "error", 0.02, 200, 0.30, 2000))
    assert finding.code == "FIT001" and "leaves open whether it is above 2 points" in finding.message
    finding = only(FitEvidence("classification", "error", 0.20, 5000, 0.21, 300))
    assert finding.code == "FIT002" and "variance is 1.0 points" in finding.message


def test_margin_is_adjustable() -> None:
    """A larger margin allows what a smaller one calls high; the threshold travels with the finding."""
    case = evidence(0.01, 0.05)
    assert codes(case) == ["FIT001"] and codes(case, margin=0.05) == ["FIT004"]
    assert diagnose_fit(case, 0.05)[0].threshold == {"margin": 0.05, "margin_share": 0.05, "confidence": 0.95}
    assert codes(evidence(0.001, 0.002), margin=0.0) == ["FIT003"]


def test_more_seeds_disagreeing_make_it_unclear() -> None:
    """A gap that is high on one seed is unclear where seeds disagree, and high again where they agree."""
    one = evidence(0.01, 0.05)
    assert codes(one) == ["FIT001"]
    apart = replace(one, train_seeds=(0.01,) * 3, dev_seeds=(0.03, 0.05, 0.07))
    assert codes(apart) == ["FIT005"]
    agreeing = replace(one, train_seeds=(0.01,) * 3, dev_seeds=(0.049, 0.05, 0.051))
    assert codes(agreeing) == ["FIT001"]
    assert only(agreeing).evidence["seeds"] == 3


def test_seeds_are_compared_in_pairs() -> None:
    """Seeds that move train and dev error together leave the gap between them certain."""
    together = replace(
        evidence(0.01, 0.05), train_seeds=(0.01, 0.03, 0.05), dev_seeds=(0.06, 0.08, 0.10), base_error=0.01
    )
    low, high = only(together).evidence["variance_interval"]
    assert high - low < 0.01
    assert only(together).code == "FIT001"


def test_regression_is_measured_by_the_spread_of_its_target() -> None:
    """A regression's margin is 2 % of the target's spread, and the unit of the target changes nothing."""
    for unit in (1.0, 115_000.0, 1e-9):
        case = FitEvidence("regression", "error", 0.45 * unit, MANY, 0.70 * unit, MANY, target_spread=unit)
        finding = only(case)
        assert finding.code == "FIT003"
        assert finding.threshold["margin"] == pytest.approx(0.02 * unit)
        assert codes(replace(case, base_error=0.45 * unit)) == ["FIT001"]
        assert codes(replace(case, dev_error=0.455 * unit, base_error=0.45 * unit)) == ["FIT004"]


def test_regression_uses_the_standard_errors_given() -> None:
    """A given standard error decides; without one residuals are taken as normal."""
    case = FitEvidence("regression", "rmse", 0.40, 5000, 0.50, 200, base_error=0.4, target_spread=1.0)
    assert codes(case) == ["FIT001"]
    heavy = replace(case, train_standard_error=0.001, dev_standard_error=0.06)
    assert codes(heavy) == ["FIT005"]
    low, high = only(case).evidence["dev_interval"]
    assert (high - low) / 2 == pytest.approx(1.96 * 0.5 / math.sqrt(400), rel=1e-3)


def test_mismatch_is_told_from_variance() -> None:
    """With a train-dev set, 1/1.5/10 % is mismatch and 1/9/10 % variance."""
    case = evidence(0.01, 0.10, train_dev_rows=MANY, base_error=0.01)
    assert codes(replace(case, train_dev_error=0.015)) == ["FIT006", "FIT004"]
    assert codes(replace(case, train_dev_error=0.09)) == ["FIT001"]
    assert codes(replace(case, train_dev_error=0.05)) == ["FIT006", "FIT001"]
    assert codes(replace(case, train_dev_error=0.07)) == ["FIT001", "FIT006"]


def test_optimism_of_the_chosen() -> None:
    """An error on the choose half that flatters beyond chance is a note, beyond the margin a warning, else nothing."""
    case = evidence(0.005, 0.02, 5000, chosen_rows=5000, candidates=256)
    note, good = diagnose_fit(replace(case, chosen_error=0.012))
    assert (note.code, note.severity, good.code) == ("FIT007", "note", "FIT004")
    assert "among 256 trials" in note.message
    case = replace(case, dev_error=0.06)
    warning = next(f for f in diagnose_fit(replace(case, chosen_error=0.01)) if f.code == "FIT007")
    assert warning.severity == "warning"
    assert "FIT007" not in codes(replace(case, chosen_error=0.0599))
    assert "FIT007" not in codes(replace(case, chosen_error=0.08))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dev_rows": 0}, "no dev rows"),
        ({"train_rows": 0}, "on no rows"),
        ({"dev_error": math.nan}, "diverged"),
        ({"train_error": math.inf}, "diverged"),
        ({"train_seeds": (0.1, math.nan), "dev_seeds": (0.1, 0.1)}, "diverged"),
    ],
)
def test_nothing_to_judge_by_is_unclear(change: dict, words: str) -> None:
    """Without rows, or with errors that are no numbers, the answer is "unclear" and says why."""
    finding = only(replace(evidence(0.1, 0.2), **change))
    assert finding.code == "FIT005" and words in finding.message


def test_easier_dev_rows_are_remarked() -> None:
    """Dev error clearly below train error is remarked upon, since sets that are alike do not give it."""
    assert "easier than the train rows" in only(evidence(0.20, 0.10)).message
    assert "easier" not in only(evidence(0.20, 0.195)).message


def test_missing_base_error_is_said() -> None:
    """High bias against a base error that nobody gave says that 0 was taken; a given one is not questioned."""
    assert "No base error was given" in only(evidence(0.15, 0.16)).message
    given_ = only(evidence(0.15, 0.16, base_error=0.10))
    assert given_.code == "FIT002" and "No base error" not in given_.message and "base error 10.0 %" in given_.message


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"base_error": 15.0}, "For 15 percent write 0.15"),
        ({"train_error": 1.5}, "a share from 0 to 1. Got 1.5"),
        ({"dev_error": -0.1}, "from 0 to 1"),
        ({"chosen_error": 101.0}, "Got 101.$"),
        ({"task": "ranking"}, "'classification' or 'regression'"),
        ({"task": "regression"}, "target_spread"),
        ({"task": "regression", "target_spread": 0.0}, "above 0"),
        ({"train_seeds": (0.1,)}, "one train and one dev error"),
    ],
)
def test_refusals(change: dict, rule: str) -> None:
    """Numbers that cannot be errors are refused, with what was probably meant."""
    with pytest.raises(StudyError, match=rule):
        replace(evidence(0.1, 0.2), **change)


@pytest.mark.parametrize("margin", [-0.1, 1.0, 2, math.nan])
def test_margin_is_a_share(margin: float) -> None:
    """A margin in points instead of a share is refused."""
    with pytest.raises(StudyError, match="two points"):
        diagnose_fit(evidence(0.1, 0.2), margin)


shares = st.floats(0, 1)
rows = st.integers(1, 10**6)


@settings(max_examples=300, deadline=None)
@given(
    st.builds(
        FitEvidence,
        st.just("classification"),
        st.sampled_from(["error", "balanced_error"]),
        *(shares, rows, shares, st.integers(0, 10**6)),
        train_dev_error=st.none() | shares,
        train_dev_rows=rows,
        base_error=st.none() | shares,
        chosen_error=st.none() | shares,
        chosen_rows=rows,
    ),
    st.floats(0, 0.5),
)
def test_any_evidence_gets_one_verdict(case: FitEvidence, margin: float) -> None:
    """Any evidence gets exactly one of FIT001 to FIT005, the most severe finding first, and evidence in strict JSON."""
    found = diagnose_fit(case, margin)
    assert sum(finding.code <= "FIT005" for finding in found) == 1
    order = ["problem", "warning", "unclear", "note", "good"]
    assert [order.index(f.severity) for f in found] == sorted(order.index(f.severity) for f in found)
    for finding in found:
        assert finding.severity in SEVERITIES and finding.message.endswith(".")
        assert "nan" not in finding.message and "inf" not in finding.message
        json.dumps(finding.to_dict(), allow_nan=False)


def test_messages_give_numbers_and_a_first_thing_to_try() -> None:
    """A message gives errors and gap with intervals in percent, what to try first, and that it must be measured."""
    message = only(evidence(0.01, 0.11, 10_000)).message
    for words in (
        "train error 1.0 % (0.82 to 1.2 %)",
        "dev error 11.0 % (10.4 to 11.6 %)",
        "10.0 points (9.4 to 10.7)",
    ):
        assert words in message
    assert "Try first more data" in message and "has to be measured" in message
    both = only(evidence(0.15, 0.30)).message
    assert both.index("bigger network") < both.index("more data")


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_its_page(code: str) -> None:
    """Every FIT code has a page that says what it means, on what evidence, beyond which threshold, and what to do."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    assert page.startswith(f"# {code} ")
    assert headings == ["What it means", "Evidence", "Threshold", "Example", "What to do"]


def test_pages_show_what_the_code_says() -> None:
    """Each example on a page is what the diagnosis says today of the numbers on it."""
    for code in CODES:
        page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
        call = re.search(r"```python\n(.*?)```", page, flags=re.DOTALL)
        said = re.search(r"```text\n(.*?)\n```", page, flags=re.DOTALL)
        assert call and said, code
        names: dict[str, Any] = {}
        exec(call.group(1), names)
        messages = {finding.code: finding.message for finding in names["findings"]}
        assert said.group(1).split() == messages[code].split(), code
