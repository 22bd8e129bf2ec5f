"""Basic recipe: first bias, then variance, then mismatch; advice that has to be measured."""

from caviar.diagnosis.fit import FitEvidence, diagnose_fit

MANY = 100_000


def message(train: float, dev: float, **more: object) -> str:
    """What the first finding says."""
    return diagnose_fit(FitEvidence("classification", "error", train, MANY, dev, MANY, **more))[0].message


def test_against_bias() -> None:
    """Against bias it names a bigger network, longer training and other optimisers, and no regulariser."""
    said = message(0.15, 0.16).lower()
    assert all(word in said for word in ("larger", "longer")) or all(word in said for word in ("bigger", "longer"))
    assert "dropout" not in said and "more data" not in said


def test_against_variance() -> None:
    """Against variance it names more data and regularisation, and no bigger network."""
    said = message(0.01, 0.11).lower()
    assert "data" in said and "dropout" in said
    assert "larger network" not in said and "bigger" not in said


def test_bias_comes_first() -> None:
    """Where both are high bias is treated first."""
    said = message(0.15, 0.30)
    assert "Bias comes first" in said


def test_mismatch_has_its_own_remedies() -> None:
    """Against mismatch it names splitting anew and augmenting train towards dev."""
    found = diagnose_fit(
        FitEvidence("classification", "error", 0.01, MANY, 0.10, MANY, train_dev_error=0.015, train_dev_rows=MANY)
    )
    said = next(finding.message for finding in found if finding.code == "FIT006")
    assert "split anew" in said and "augment" in said


def test_until_all_are_small() -> None:
    """Where all gaps are small nothing is advised; and advice says that it has to be measured."""
    assert "Try" not in message(0.005, 0.01)
    assert "easure" in message(0.15, 0.16) and "easure" in message(0.01, 0.11)
