"""The GRD findings: silent on healthy trainings, and each sick one named as what it is."""

import numpy as np
import pytest

import caviar
from caviar.diagnosis.finding import Finding
from caviar.diagnosis.gradients import EXPLODING, VANISHING, GradientEvidence, diagnose_gradients
from caviar.records.probes import PROBES
from diagnosis.trainings import columns, healthy, trained

SICK = {
    "zeros, tanh": ("GRD007", {"activation": "tanh", "initialisation": "zeros"}),
    "zeros, ReLU": ("GRD007", {"activation": "relu", "initialisation": "zeros"}),
    "zeros, sigmoid": ("GRD007", {"activation": "sigmoid", "initialisation": "zeros"}),
    "dead": ("GRD003", {"activation": "relu", "learning_rate": 0.1}),
    "all dead": ("GRD003", {"activation": "relu", "learning_rate": 10.0, "optimiser": "momentum"}),
    "saturated, tanh": ("GRD004", {"activation": "tanh", "initialisation": "lecun", "initialisation_scale": 100.0}),
    "saturated, sigmoid": (
        "GRD004",
        {"activation": "sigmoid", "initialisation": "glorot", "initialisation_scale": 100.0},
    ),
    "too small": ("GRD005", {"activation": "relu", "learning_rate": 1e-9}),
    "too small by descent": (
        "GRD005",
        {"activation": "tanh", "learning_rate": 1e-8, "optimiser": "gradient_descent"},
    ),
}
SIGMOID = {"activation": "sigmoid", "initialisation": "glorot"}
DEEP = (
    ("GRD001", SIGMOID),
    ("GRD001", {"activation": "tanh", "initialisation": "lecun", "initialisation_scale": 0.03, "learning_rate": 1e-5}),
    ("GRD002", {"activation": "relu", "initialisation": "he", "initialisation_scale": 8.0, "learning_rate": 1e-4}),
    ("", {"activation": "relu"}),
    ("", {"activation": "tanh", "initialisation": "lecun"}),
)


def codes(evidence: GradientEvidence) -> list[str]:
    """What is found, by code."""
    return [finding.code for finding in diagnose_gradients(evidence)]


def silent(changes: list, evidence: list[GradientEvidence]) -> None:
    """No finding for any of these."""
    for change, one in zip(changes, evidence, strict=True):
        assert codes(one) == [], (change, columns(one, "update_ratio", "dead_share", "log10_backward_norm"))


def test_digits_healthy_and_sick() -> None:
    """Of 69 trainings in one program the 60 healthy ones are passed over, and each of the others has one name."""
    changes = [*(change for _, change in SICK.values()), *healthy()]
    found = trained("digits", (32, 32), changes)
    for (name, (code, _)), one in zip(SICK.items(), found[: len(SICK)], strict=True):
        assert codes(one) == [code], name
    silent(healthy(), found[len(SICK) :])


def test_iris_is_healthy() -> None:
    """Nor is there a finding on a set of 90 train rows, with mini-batches of 32."""
    silent(healthy(), trained("iris", (16, 8), healthy(), batch=32))


def test_california_is_healthy(shared) -> None:
    """Nor for a regression on real data, skewed and with outliers: 3 000 rows of California's houses."""
    found = sorted((shared / "data").rglob("*california*.csv*"))
    if not found:
        pytest.skip("needs California's houses as a CSV file")
    whole = caviar.read(str(found[0]), target="median_house_value")
    rows = np.random.default_rng(0).permutation(whole.rows)[:3000]
    silent(healthy(), trained(whole.take(rows), (32, 16), healthy()))


def test_depth() -> None:
    """Five layers of sigmoid units or of small weights vanish, of large weights explode; He and LeCun do neither."""
    found = trained("digits", (16,) * 5, [change for _, change in DEEP])
    for (code, change), one in zip(DEEP, found, strict=True):
        assert codes(one) == [code] * bool(code), (change, columns(one, "log10_backward_norm"))


# ---- the rules by themselves ----------------------------------------------------------------------------------------


def probes(layers: int = 3, epochs: int = 4, **given: object) -> dict[str, np.ndarray]:
    """Probes of a network in order, but for what is given by layer."""
    usual = {
        "log10_gradient_norm": -1.0, "log10_backward_norm": -1.0, "weight_norm": 5.0, "update_ratio": 1e-3,
        "activation_mean": 0.5, "log10_activation_spread": 0.0, "dead_share": 0.0, "zero_share": 0.0, "twin_share": 0.0,
    }  # fmt: skip
    made = {name: np.full((epochs, layers), usual.get(name, np.nan)) for name in PROBES}
    for name, values in given.items():
        made[name][:] = values
    return made


def found(**given: object) -> list[Finding]:
    """The findings for a training of many updates."""
    return diagnose_gradients(GradientEvidence(probes(**given), updates=100))  # type: ignore[arg-type]


def test_nothing_probed_nothing_found() -> None:
    """A history without probes has no finding, and neither has a network in order."""
    assert diagnose_gradients(GradientEvidence({})) == []
    assert diagnose_gradients(GradientEvidence({"cost": np.ones(3)})) == []
    assert found() == []


@pytest.mark.parametrize("beyond", [True, False])
def test_thresholds_of_depth(beyond: bool) -> None:
    """A fall of 10^-2.5 is one, a fall of a little less is none; the same holds for growth."""
    edge = 1.0 if beyond else 0.99
    for code, threshold in (("GRD001", VANISHING), ("GRD002", EXPLODING)):
        told = [one.code for one in found(log10_backward_norm=[-1.0 + edge * threshold, -1.0, -1.0])]
        assert told == ([code] if beyond else [])


def test_what_cannot_be_written_in_float32() -> None:
    """10^-45 and 10^53 are told as powers of ten, and a gradient of exactly 0 as nothing."""
    assert "10^-45.0" in found(log10_backward_norm=[-45.0, -20.0, 0.0])[0].message
    assert "10^53.0 times" in found(log10_backward_norm=[53.0, 20.0, 0.0])[0].message
    assert "nothing reaches" in found(log10_backward_norm=[-np.inf, -20.0, 0.0])[0].message


def test_few_rows_say_nothing_of_dead_units() -> None:
    """With mini-batches of fewer than 32 rows no unit is called dead."""
    dead = probes(dead_share=[0.9, 0.9, np.nan])
    assert diagnose_gradients(GradientEvidence(dead, rows=31)) == []
    (finding,) = diagnose_gradients(GradientEvidence(dead, rows=32))
    assert finding.code == "GRD003" and "layers 1 and 2" in finding.message and "90.0 %" in finding.message


def test_a_small_step_that_is_taken_often_is_none_too_small() -> None:
    """A ratio of 1e-7 is too small for a thousand updates and none to remark on over ten million."""
    small = probes(update_ratio=1e-7)
    assert codes(GradientEvidence(small, updates=250)) == ["GRD005"]
    assert codes(GradientEvidence(small, updates=2_500_000)) == []


def test_the_end_of_a_decay_is_no_finding() -> None:
    """Updates that become small towards the end, as a decay makes them, are not too small."""
    falling = probes(update_ratio=np.array([[1e-3], [1e-3], [1e-9], [1e-9]]))
    assert codes(GradientEvidence(falling, updates=1)) == []


def test_one_odd_epoch_is_no_finding() -> None:
    """Medians are judged: a single epoch of wild updates does not count, three of four do."""
    assert codes(GradientEvidence(probes(update_ratio=np.array([[1e-3], [1e-3], [1e-3], [0.9]])), updates=9)) == []
    assert codes(GradientEvidence(probes(update_ratio=0.9), updates=9)) == ["GRD006"]


def test_epochs_after_a_divergence_do_not_count() -> None:
    """What was measured before weights stopped being finite is judged; where nothing was, that is what is said."""
    broken = probes(update_ratio=0.5)
    for name in broken:
        broken[name][2:] = np.nan
    (finding,) = diagnose_gradients(GradientEvidence(broken, updates=9))
    assert finding.code == "GRD006" and finding.evidence["epochs"] == 2
    (finding,) = diagnose_gradients(GradientEvidence({name: np.full((2, 3), np.nan) for name in PROBES}))
    assert finding.code == "GRD002" and "no longer finite" in finding.message


def test_evidence_is_plain() -> None:
    """The evidence is lists and numbers, with the threshold beside it, so that it can be stored and shown."""
    (finding,) = found(log10_backward_norm=[-9.0, -1.0, -1.0])
    assert finding.evidence["log10_backward_norm"] == [-9.0, -1.0, -1.0]
    assert finding.threshold == {"vanishing_log10": VANISHING} and finding.severity == "problem"
