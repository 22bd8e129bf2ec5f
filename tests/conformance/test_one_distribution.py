"""Dev and test from one distribution: shift is tested, the features that shifted are named, mismatch is told apart."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import chi2_contingency, ks_2samp

import caviar
from caviar.data.dataset import Dataset
from caviar.data.shifted import difference
from data.tables import blobs, table_of


def with_sets(data: Dataset, parts: np.ndarray) -> Dataset:
    """The data with sets that came ready-made: 0 train, 1 dev, 2 test."""
    return dataclasses.replace(data, parts=parts.astype(np.int8))


def shifts(data: Dataset, **options: object) -> list[tuple[str, str]]:
    """(feature, set) of what DAT005 names, in its order."""
    found = [f for f in caviar.split(data, **options).findings if f["code"] == "DAT005"]
    return [(one["feature"], one["set"]) for finding in found for one in finding["evidence"]["shifts"]]


@settings(max_examples=30)
@given(
    one=arrays.arrays(np.float64, st.integers(5, 60), elements=st.floats(-10, 10)),
    other=arrays.arrays(np.float64, st.integers(5, 60), elements=st.floats(-10, 10)),
)
def test_numbers_by_kolmogorov_and_smirnov(one: np.ndarray, other: np.ndarray) -> None:
    """D is SciPy's, constant features and all-equal values too; the probability is its asymptotic one to a fifth."""
    size, chance = difference(one, other)
    theirs = ks_2samp(one, other, method="asymp")
    assert size == pytest.approx(theirs.statistic, abs=1e-12)
    assert abs(chance - theirs.pvalue) < 0.2


def test_categories_by_chi_squared() -> None:
    """The probability is SciPy's χ² test of the table of counts, D half the summed difference of the shares."""
    generator = np.random.default_rng(0)
    one = generator.choice(["a", "b", "c"], 500, p=[0.5, 0.3, 0.2]).astype(object)
    other = generator.choice(["a", "b", "c"], 300, p=[0.4, 0.3, 0.3]).astype(object)
    counts = np.array([[np.sum(part == name) for name in "abc"] for part in (one, other)])
    size, chance = difference(one, other)
    assert chance == pytest.approx(chi2_contingency(counts).pvalue, rel=1e-9)
    assert size == pytest.approx(np.abs(counts[0] / 500 - counts[1] / 300).sum() / 2)


def test_the_features_that_shifted_are_named() -> None:
    """Of ten features the two that were moved in dev, and the one in test, are named, and no other."""
    generator = np.random.default_rng(1)
    values, parts = generator.normal(size=(3000, 10)), generator.choice(3, 3000, p=[0.6, 0.2, 0.2])
    values[parts == 1, 3] += 1.5
    values[parts == 1, 7] *= 3.0
    values[parts == 2, 5] = np.where(generator.random(np.sum(parts == 2)) < 0.4, np.nan, values[parts == 2, 5])
    data = with_sets(table_of(values, generator.integers(0, 2, 3000)), parts)
    assert set(shifts(data)) == {("x3", "dev"), ("x7", "dev"), ("x5", "test")}
    assert shifts(data)[0] == ("x3", "dev")  # the largest first


def test_random_splits_are_left_in_peace() -> None:
    """Over 60 splits at random, of few rows and many, nothing is said to have shifted."""
    assert not [seed for seed in range(50) if shifts(blobs(300, seed=seed), seed=seed)]
    assert not [seed for seed in range(10) if shifts(blobs(20_000, seed=seed), seed=seed)]


def test_differences_too_small_to_matter_are_no_shift() -> None:
    """A tenth of a standard deviation on 40 000 rows is far beyond chance, and is not reported."""
    generator = np.random.default_rng(2)
    values, parts = generator.normal(size=(40_000, 1)), generator.choice(3, 40_000, p=[0.5, 0.25, 0.25])
    values[parts == 1, 0] += 0.1
    assert ks_2samp(values[parts == 0, 0], values[parts == 1, 0]).pvalue < 1e-9
    assert not shifts(with_sets(table_of(values, generator.integers(0, 2, 40_000)), parts))


def test_pictures_from_elsewhere() -> None:
    """Of images brightness is compared: a dev set of darker pictures is found."""
    generator = np.random.default_rng(3)
    pixels = generator.integers(0, 256, (600, 6, 6, 1))
    parts = generator.choice(2, 600, p=[0.7, 0.3])
    pixels[parts == 1] //= 2
    data = caviar.read((pixels.astype(np.uint8), generator.integers(0, 2, 600)))
    assert ("brightness", "dev") in shifts(with_sets(data, parts))


def test_a_train_dev_set_is_cut_from_train() -> None:
    """`train_dev` takes rows from train alone, so that variance and mismatch can be told apart; dev stays as given."""
    parts = np.random.default_rng(4).choice(3, 1000, p=[0.6, 0.2, 0.2])
    splits = caviar.split(with_sets(blobs(1000), parts), train_dev=0.1)
    assert len(splits.train_dev) == round(0.1 * np.sum(parts == 0))
    assert set(splits.train_dev) <= set(np.flatnonzero(parts == 0)) and not set(splits.train_dev) & set(splits.train)
    assert splits.dev.tolist() == np.flatnonzero(parts == 1).tolist()
