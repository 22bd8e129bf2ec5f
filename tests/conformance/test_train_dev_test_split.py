"""Train, dev and test: shares, strata, groups, time, and sets as they are given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

import caviar
from caviar.data.cuts import default_share
from caviar.data.splits import Splits
from data.tables import blobs, table_of


def sizes(splits: Splits) -> tuple[int, int, int]:
    """Rows of train, dev and test."""
    return len(splits.train), len(splits.dev), len(splits.test)


@pytest.mark.parametrize(
    ("m", "share"),
    [(100, 0.2), (10_000, 0.2), (1_000_000, 0.01), (10_000_000, 0.005), (10**9, 0.005)],
)
def test_shares(m: int, share: float) -> None:
    """Dev and test get 0.2 each up to 10 000 rows, 98/1/1 of a million, and 99/0.5/0.5 at the end."""
    assert default_share(m) == pytest.approx(share, rel=1e-3)


@given(m=st.integers(1, 10**10))
def test_shares_between(m: int) -> None:
    """Between, the share is 0.2·(m/10⁴)^−0.6505, never above 0.2 nor below 0.005; more rows never mean fewer in dev."""
    wanted = 0.2 if m <= 10_000 else max(0.005, 0.2 * (m / 10_000) ** -0.6505)
    assert default_share(m) == pytest.approx(wanted, rel=1e-12)
    assert (m + 1) * default_share(m + 1) >= m * default_share(m) - 1e-9


def test_what_is_cut() -> None:
    """100 rows are 60/20/20 and 20 000 are 74.5/12.7/12.7; every row is in exactly one set."""
    assert sizes(caviar.split(blobs(100))) == (60, 20, 20)
    splits = caviar.split(blobs(20_000))
    share = round(20_000 * 0.2 * 2**-0.6505)
    assert sizes(splits) == (20_000 - 2 * share, share, share)
    everywhere = np.concatenate([splits.train, splits.dev, splits.test])
    assert sorted(everywhere.tolist()) == list(range(20_000))


def test_two_sets() -> None:
    """Without a test set it is 70/30."""
    two = caviar.split(blobs(1000), test=0)
    assert sizes(two) == (700, 300, 0)
    assert any(one["code"] == "DAT006" and "not unbiased" in one["message"] for one in two.findings)


def test_stratified() -> None:
    """Every class has its share in every set, to a row, as scikit-learn's stratified split has it."""
    targets = np.repeat([0, 1, 2], [700, 200, 100])
    data = table_of(np.random.default_rng(0).normal(size=(1000, 2)), targets, classes=3)
    splits = caviar.split(data)
    _, theirs = train_test_split(np.arange(1000), test_size=200, stratify=targets, random_state=0)
    for rows in (splits.dev, splits.test, theirs):
        assert np.bincount(targets[rows]).tolist() == [140, 40, 20]


def test_one_person_one_set() -> None:
    """By group no group lies in two sets."""
    groups = np.random.default_rng(1).integers(0, 60, 900)
    splits = caviar.split(blobs(900), group=groups)
    parts = [set(groups[rows]) for rows in (splits.train, splits.dev, splits.test)]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]
    assert splits.method == "group"


def test_by_time() -> None:
    """By time the latest rows are the test set, and those before them dev."""
    times = np.random.default_rng(2).permutation(500).astype(float)
    splits = caviar.split(blobs(500), time=times)
    assert times[splits.train].max() < times[splits.dev].min() < times[splits.dev].max() < times[splits.test].min()


def test_given_sets_are_used_as_they_are() -> None:
    """A column that says train, dev and test decides, row for row."""
    import polars as pl

    words = np.random.default_rng(3).choice(["train", "dev", "test"], 300, p=[0.5, 0.3, 0.2])
    x = np.random.default_rng(4).normal(size=300)
    frame = pl.DataFrame({"x": x, "part": words, "y": np.where(x > 0, "a", "b")})
    splits = caviar.split(caviar.read(frame, target="y", split="part"))
    for name, rows in (("train", splits.train), ("dev", splits.dev), ("test", splits.test)):
        assert rows.tolist() == np.flatnonzero(words == name).tolist()
