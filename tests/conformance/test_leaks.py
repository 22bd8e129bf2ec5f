"""Leaks: exact duplicates across sets are found before anything is trained."""

import numpy as np

import caviar
from caviar.data.splits import Splits
from data.tables import table_of


def with_copies(parts: bool) -> tuple[Splits, np.ndarray]:
    """Three hundred rows of whole numbers, many of them alike, in given sets or in sets that Caviar cuts."""
    import dataclasses

    generator = np.random.default_rng(0)
    values = generator.integers(0, 4, (300, 3)).astype(float)
    data = table_of(values, (values[:, 0] > 1).astype(int))
    if parts:
        data = dataclasses.replace(data, parts=generator.choice([0, 1, 2], 300, p=[0.6, 0.2, 0.2]).astype(np.int8))
    return caviar.split(data), np.column_stack([values, data.targets])


def pairs(rows: np.ndarray, first: np.ndarray, second: np.ndarray) -> int:
    """How many pairs of equal rows two sets have, counted one by one."""
    return sum(int((rows[first] == rows[at]).all(axis=1).sum()) for at in second)


def test_copies_across_given_sets_are_counted() -> None:
    """DAT001 counts the very pairs that a comparison of every row with every other counts, and shows real ones."""
    splits, rows = with_copies(parts=True)
    (found,) = [finding for finding in splits.findings if finding["code"] == "DAT001"]
    sets = {"train": splits.train, "dev": splits.dev, "test": splits.test}
    for name, count in found["evidence"]["pairs"].items():
        first, second = name.split("/")
        assert count == pairs(rows, sets[first], sets[second]) > 0
    for one, other in found["evidence"]["examples"]:
        assert (rows[one] == rows[other]).all()
    assert found["severity"] == "problem"


def test_sets_that_are_cut_have_no_copies_across() -> None:
    """Caviar's own cut keeps equal rows in one set, so that nothing is found and nothing is there."""
    splits, rows = with_copies(parts=False)
    assert "DAT001" not in {finding["code"] for finding in splits.findings}
    assert pairs(rows, splits.train, splits.dev) == pairs(rows, splits.train, splits.test) == 0


def test_a_column_that_gives_the_target_away() -> None:
    """DAT003 names a column that is the target in other words."""
    generator = np.random.default_rng(1)
    targets = generator.integers(0, 2, 400)
    data = table_of(np.column_stack([generator.normal(size=400), 3.0 * targets - 1.0]), targets)
    (found,) = [finding for finding in caviar.split(data).findings if finding["code"] == "DAT003"]
    assert "x1" in found["message"] and "x0" not in found["message"]
