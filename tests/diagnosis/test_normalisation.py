"""NRM001: batch norm's two modes on the same rows."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import caviar
from caviar.diagnosis.normalisation import Mode, NormalisationEvidence, diagnose_normalisation
from caviar.errors import StudyError
from caviar.records.forward import forward_in_batches, with_moments_of
from study import making

BATCHES = np.repeat(np.arange(20), 30)
PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings" / "NRM001.md"


def modes(train: float, test: float, seed: int = 0, cost: float = 1.0, **options: Any) -> NormalisationEvidence:
    """Random errors of 600 rows at these rates in both modes, costs of 1 and of `cost`."""
    draws = np.random.default_rng(seed).random(600)
    one = Mode((draws < train).astype(float), np.ones(600))
    other = Mode((draws < test).astype(float), np.full(600, cost))
    return NormalisationEvidence("classification", one, other, BATCHES, **options)


def severities(evidence: NormalisationEvidence) -> list[str]:
    """The severities of what is found."""
    return [finding.severity for finding in diagnose_normalisation(evidence)]


def test_test_mode_that_does_worse_is_a_problem() -> None:
    """Ten points more errors in test mode are found with their interval; one point more is not beyond the margin."""
    whole = modes(0.05, 0.05).train_mode
    (found,) = diagnose_normalisation(modes(0.05, 0.15, updates=9, whole=whole))
    assert (found.code, found.severity) == ("NRM001", "problem")
    low, high = found.evidence["difference_interval"]
    assert 0.02 < low < found.evidence["difference"] < high < 0.2
    assert "9 mini-batches" in found.message and "batch_norm_statistics=train_set" in found.message
    assert severities(modes(0.05, 0.06)) == []


def test_the_interval_is_students_over_the_batches() -> None:
    """The interval is mean ± t·s/√B of the batches' own differences, as SciPy gives it."""
    stats = pytest.importorskip("scipy.stats")
    evidence = modes(0.05, 0.15)
    own = (evidence.test_mode.errors - evidence.train_mode.errors).reshape(20, 30).mean(axis=1)
    wanted = stats.t.interval(0.95, 19, own.mean(), own.std(ddof=1) / np.sqrt(20))
    assert diagnose_normalisation(evidence)[0].evidence["difference_interval"] == pytest.approx(wanted, rel=1e-4)


def test_noise_of_batches_is_not_a_fault() -> None:
    """A worse train mode is told of small batches alone, as a note."""
    assert severities(modes(0.2, 0.05)) == []
    small = NormalisationEvidence(**{**vars(modes(0.2, 0.05)), "batches": np.repeat(np.arange(150), 4)})
    assert severities(small) == ["note"]


def test_a_higher_cost_alone_is_a_warning() -> None:
    """Half as much cost again at equal errors is a warning that names dropout; a fifth is not."""
    (found,) = diagnose_normalisation(modes(0.1, 0.1, cost=1.5, dropout=True, updates=999))
    assert found.severity == "warning" and "dropout" in found.message and "50.0 %" in found.message
    assert severities(modes(0.1, 0.1, cost=1.2)) == []


def test_a_regression_is_judged_by_its_spread() -> None:
    """An RMSE of 3 against 2 is a problem where the target's spread is 10, and nothing where it is 1000."""
    residuals = np.random.default_rng(0).normal(size=600) ** 2
    for spread, found in ((10.0, ["problem"]), (1000.0, [])):
        evidence = NormalisationEvidence(
            "regression", Mode(4 * residuals, residuals), Mode(9 * residuals, residuals), BATCHES, target_spread=spread
        )
        assert severities(evidence) == found
    with pytest.raises(StudyError, match="'target_spread'"):
        NormalisationEvidence("regression", modes(0, 0).train_mode, modes(0, 0).test_mode, BATCHES)


def test_what_cannot_be_told_is_not_told() -> None:
    """Three batches, or a network of NaN, give no finding; modes of unlike rows are refused."""
    assert severities(NormalisationEvidence(**{**vars(modes(0.0, 1.0)), "batches": BATCHES % 3})) == []
    nothing = Mode(np.ones(600), np.full(600, np.nan))
    assert severities(NormalisationEvidence("classification", nothing, nothing, BATCHES)) == []
    with pytest.raises(StudyError, match="same rows"):
        NormalisationEvidence("classification", nothing, nothing, BATCHES[1:])


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.floats(0, 0.5), st.integers(0, 99))
def test_chance_alone_is_silent(rate: float, seed: int) -> None:
    """Where both modes err independently at one rate, nothing is found: the margin is wider than chance."""
    one, other = (np.random.default_rng([seed, n]).random(600) < rate for n in (0, 1))
    costs = np.ones(600)
    evidence = NormalisationEvidence("classification", Mode(one * 1.0, costs), Mode(other * 1.0, costs), BATCHES)
    assert severities(evidence) == []


def test_a_pass_gives_the_moments_of_all_rows() -> None:
    """With one batch of all rows, test mode with the moments of the pass is train mode."""
    draws = np.random.default_rng(3)
    arrays = {f"weights.{n}": draws.normal(size=shape) for n, shape in enumerate(((3, 5), (5, 2)))}
    names = {"gamma.0": 1.5, "beta.0": 0.2, "mean.0": 9.0, "variance.0": 0.1}
    arrays |= {name: np.full(5, value) for name, value in names.items()} | {"biases.1": np.zeros(2)}
    plain = {"network": {"activation": "tanh", "batch_norm": True, "hidden": [5], "outputs": 2}}
    inputs, every = draws.normal(size=(40, 3)), [np.arange(40)]
    passed = with_moments_of(arrays, plain, inputs, every)
    from caviar.records.forward import forward

    wanted = forward_in_batches(arrays, plain, inputs, every)
    np.testing.assert_allclose(forward(passed, plain, inputs, np.float64), wanted, rtol=1e-10)
    assert (arrays["mean.0"] == 9.0).all(), "the arrays that were given are left alone"


def test_the_sick_network_of_the_page_is_found() -> None:
    """The page's example is found, its numbers as the page says, and the pass over the train set mends it."""
    page = PAGE.read_text(encoding="utf-8")
    call = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert call is not None
    names: dict[str, Any] = {}
    exec(call[1], names)
    (found,) = [finding for finding in names["findings"] if finding.code == "NRM001"]
    assert found.severity == "problem" and found.evidence["updates"] == 17
    assert found.evidence["whole_error"] < found.evidence["test_mode_error"] - 0.03
    assert set(found.evidence) <= set(re.findall(r"`(\w+)`", page)), "the page does not name all evidence"
    assert "Test mode does worse than train mode, on the same 1079 train rows" in found.message


@pytest.mark.parametrize("place", ["before", "after"])
def test_healthy_networks_are_left_in_peace(tmp_path: Path, place: str) -> None:
    """Batch norm at a usual learning rate over some epochs, and no batch norm at all give no finding."""
    usual = {"hidden": [8], "batch_size": 32, "encoding": "standard", "learning_rate": 0.01}
    normed = {"batch_norm": True, "batch_norm_place": place}
    configurations = [{**usual, **normed}] + ([usual] if place == "before" else [])
    for number, configuration in enumerate(configurations):
        study = making.study(tmp_path / str(number), space=caviar.Space()).train(configuration, epochs=15).finish()
        assert not [finding for finding in study.findings if finding.code == "NRM001"]
