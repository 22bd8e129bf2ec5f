"""Splits: exact shares, duplicates together, hardly anybody moved by new rows, groups, times, ready-made sets."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.data.cuts import apportion, default_share
from caviar.data.dataset import Dataset
from caviar.data.read import read
from caviar.data.splits import Splits, split
from caviar.errors import DataError

from .tables import blobs, table_of


def part_of(splits: Splits) -> np.ndarray:
    """0 train, 1 dev, 2 test for every row."""
    part = np.zeros(splits.dataset.rows, dtype=int)
    part[splits.dev], part[splits.test] = 1, 2
    return part


@pytest.mark.parametrize(
    ("rows", "share"),
    [(100, 0.2), (10_000, 0.2), (20_000, 0.1274), (60_000, 0.0624), (10**6, 0.01), (10**7, 0.005), (10**9, 0.005)],
)
def test_the_default_share(rows: int, share: float) -> None:
    """0.2 each up to 10 000 rows, 0.01 at a million, never below 0.005 (TECHNIQUES 1)."""
    assert default_share(rows) == pytest.approx(share, abs=6e-5)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(20, 400),
    classes=st.integers(2, 5),
    seed=st.integers(0, 2**40),
    task=st.sampled_from(["classification", "regression"]),
    shares=st.tuples(st.floats(0.05, 0.4), st.floats(0.05, 0.4)),
)
def test_every_row_is_in_one_set(rows: int, classes: int, seed: int, task: str, shares: tuple[float, float]) -> None:
    """Train, dev and test are disjoint, together all rows, of the sizes asked for, each class within one row."""
    data = blobs(rows, classes, seed % 1000, task)
    if task == "classification" and np.bincount(data.targets, minlength=classes).min() < 3:
        return
    splits = split(data, seed=seed, dev=shares[0], test=shares[1])
    assert np.array_equal(np.sort(np.concatenate([splits.train, splits.dev, splits.test])), np.arange(rows))
    assert (len(splits.dev), len(splits.test)) == tuple(max(1, round(share * rows)) for share in shares)
    if task == "classification":
        counts = np.bincount(data.targets, minlength=classes)
        for part in (splits.dev, splits.test):
            exact = counts * len(part) / rows
            assert np.abs(np.bincount(data.targets[part], minlength=classes) - exact).max() < 1


def test_a_regression_is_split_evenly_over_its_target() -> None:
    """Each tenth of a numeric target gives its share to dev and test."""
    data = blobs(2000, task="regression")
    splits = split(data)
    bins = np.searchsorted(np.quantile(data.targets, np.linspace(0, 1, 11)[1:-1]), data.targets)
    for part in (splits.dev, splits.test):
        assert np.abs(np.bincount(bins[part]) - 40).max() <= 1


def test_two_sets_are_70_to_30() -> None:
    """Without a test set dev is 30 %."""
    splits = split(blobs(1000), test=0)
    assert (len(splits.train), len(splits.dev), len(splits.test)) == (700, 300, 0)


def test_counts_and_shares() -> None:
    """dev and test can be shares or numbers of rows."""
    splits = split(blobs(1000), dev=150, test=0.05)
    assert (len(splits.dev), len(splits.test)) == (150, 50)


def test_the_same_seed_gives_the_same_sets() -> None:
    """A split is a function of the rows and the seed; another seed gives another."""
    data = blobs(500)
    assert np.array_equal(split(data, seed=3).dev, split(data, seed=3).dev)
    overlap = np.intersect1d(split(data, seed=3).dev, split(data, seed=4).dev)
    assert 5 < len(overlap) < 40


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), classes=st.integers(2, 4))
def test_the_order_of_the_rows_does_not_matter(seed: int, classes: int) -> None:
    """Shuffling the file moves no row to another set."""
    data = blobs(300, classes, seed)
    order = np.random.default_rng(seed).permutation(300)
    assert np.array_equal(part_of(split(data.take(order))), part_of(split(data))[order])


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_adding_rows_moves_hardly_anybody(task: str) -> None:
    """A tenth more rows move only rows next to a cut (a few in a thousand), and none from test to train."""
    whole = blobs(5500, 3, task=task)
    before, after = part_of(split(whole.take(np.arange(5000)))), part_of(split(whole))[:5000]
    moved = before != after
    assert moved.mean() < (0.02 if task == "classification" else 0.04)
    assert not ((before == 2) & (after == 0)).any()
    # Cut anew at random, a third of the rows and more would move.
    other = part_of(split(whole.take(np.arange(5000)), seed=1))
    assert (before != other).mean() > 0.3


def test_a_new_class_moves_nobody_of_the_others() -> None:
    """Rows are ordered by the text of their class, so a class that joins changes no other row's place."""
    old = blobs(1000, 2)
    classes = ("-1", *old.schema.classes)
    new = replace(old, schema=replace(old.schema, classes=classes), targets=(old.targets + 1).astype(np.int32))
    assert np.array_equal(old.hashes, new.hashes)
    assert np.array_equal(split(old).dev, split(new).dev)


@pytest.mark.parametrize("copies", [2, 5])
def test_duplicates_fall_on_one_side(copies: int) -> None:
    """Rows that are equal in inputs and target are in one set, at shares that differ by less than the copies."""
    data = blobs(600, 3)
    rows = np.concatenate([np.arange(600), np.repeat(np.arange(200), copies - 1)])
    splits = split(data.take(rows))
    part = part_of(splits)
    assert all(len(set(part[rows == row].tolist())) == 1 for row in range(200))
    assert abs(len(splits.dev) - 0.2 * len(rows)) <= 3 * copies
    assert not any(finding["code"] == "DAT001" for finding in splits.findings)


def test_rows_that_fill_a_set_are_divided_and_said() -> None:
    """Four different rows, each a hundred times, cannot be kept together at these shares: DAT001 says so."""
    values = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])[np.arange(400) % 4]
    splits = split(table_of(values, values[:, 0] ^ values[:, 1]))
    assert (len(splits.dev), len(splits.test)) == (80, 80)
    assert "DAT001" in {finding["code"] for finding in splits.findings}


def test_a_large_dev_set_has_two_halves() -> None:
    """From 1 000 dev rows on one half chooses and the other judges, each class evenly; below, all rows do both."""
    large, small = split(blobs(6000, 3)), split(blobs(4000, 3))
    assert len(large.dev) == 1200 and large.choose.sum() == 600
    assert (large.choose ^ large.judge).all()
    targets = large.dataset.targets[large.dev]
    assert np.abs(np.bincount(targets[large.choose]) - np.bincount(targets[large.judge])).max() <= 1
    assert small.choose.all() and small.judge.all() and len(small.dev) == 800


def test_the_halves_have_nothing_to_do_with_the_cut() -> None:
    """Which half a row is in is decided anew, not by how near it lies to the cut between test and dev."""
    splits = split(blobs(20_000))
    rows = np.isin(splits.dev, split(blobs(20_000), dev=0.05).dev)
    assert 0.4 < splits.choose[rows].mean() < 0.6


def test_groups_stay_together() -> None:
    """No group is in two sets, at nearly the shares asked for; read's groups and split's are alike."""
    data = blobs(1000)
    groups = np.random.default_rng(0).integers(0, 120, 1000)
    for splits in (split(data, group=groups), split(replace(data, groups=groups))):
        part = part_of(splits)
        assert splits.method == "group"
        assert all(len(set(part[groups == group].tolist())) == 1 for group in range(120))
        assert abs(len(splits.dev) - 200) < 12 and abs(len(splits.test) - 200) < 12


def test_groups_of_a_large_dev_set_are_halved_whole() -> None:
    """A group's rows choose together or judge together."""
    data = replace(blobs(8000), groups=np.arange(8000) // 10)
    splits = split(data)
    groups = data.groups[splits.dev]
    for group in np.unique(groups):
        assert len(set(splits.choose[groups == group].tolist())) == 1


def test_a_few_groups_still_make_three_sets() -> None:
    """Three groups are one group a set; two are too few."""
    data = blobs(90)
    splits = split(data, group=np.arange(90) // 30)
    assert sorted(len(rows) for rows in (splits.train, splits.dev, splits.test)) == [30, 30, 30]
    with pytest.raises(DataError, match="cannot be cut into 3 sets by group"):
        split(data, group=np.arange(90) // 45)


def test_by_time_the_latest_rows_are_the_test_set() -> None:
    """Train comes before dev and dev before test; rows of one moment stay together."""
    times = np.random.default_rng(0).integers(0, 300, 1000).astype(float)
    for splits in (split(blobs(1000), time=times), split(replace(blobs(1000), times=times))):
        assert splits.method == "time"
        assert times[splits.train].max() < times[splits.dev].min()
        assert times[splits.dev].max() < times[splits.test].min()
        assert abs(len(splits.test) - 200) <= 5


def with_parts(*counts: int) -> Dataset:
    """Rows with so many in train, dev and test."""
    return replace(blobs(sum(counts), 3), parts=np.repeat(np.arange(3), counts).astype(np.int8))


def test_ready_made_sets_are_used_as_they_are() -> None:
    """Given train, dev and test are kept; no row changes its set."""
    splits = split(with_parts(100, 30, 20))
    assert splits.method == "given"
    assert np.array_equal(part_of(splits), splits.dataset.parts)


def test_a_missing_dev_set_is_cut_from_train() -> None:
    """Where train and test are given, dev is cut from train by the default share of train, and test is untouched."""
    splits = split(with_parts(500, 0, 77))
    assert (len(splits.train), len(splits.dev), len(splits.test)) == (400, 100, 77)
    assert (splits.dataset.parts[splits.dev] == 0).all()


def test_a_missing_test_set_is_cut_only_when_asked() -> None:
    """Where train and dev are given there is no test set, unless its size is given."""
    assert len(split(with_parts(500, 77, 0)).test) == 0
    assert len(split(with_parts(500, 77, 0), test=50).test) == 50


def test_a_given_set_cannot_be_given_a_size() -> None:
    """Asking for a share of what is ready-made is refused with the way out."""
    with pytest.raises(DataError, match="own test set of 20 rows. Leave test=… out".replace(".", r"\.")):
        split(with_parts(100, 30, 20), test=0.1)


def test_rows_without_a_given_set_are_train_rows() -> None:
    """Rows whose set is not given (-1) are trained on."""
    data = with_parts(100, 30, 20)
    parts = data.parts.copy()
    parts[:10] = -1
    assert len(split(replace(data, parts=parts)).train) == 100


def test_a_train_dev_set_on_request() -> None:
    """train_dev cuts a set from train, so that variance and mismatch can be told apart."""
    splits = split(with_parts(500, 50, 50), train_dev=0.1)
    assert (len(splits.train), len(splits.train_dev), len(splits.dev)) == (450, 50, 50)
    assert not np.isin(splits.train_dev, splits.train).any()


def test_classes_with_one_or_two_rows_go_to_train() -> None:
    """A class too small to be divided is trained on, and DAT004 says that nothing measures it."""
    targets = np.concatenate([np.zeros(100), np.ones(100), [2, 2], [3]]).astype(int)
    splits = split(table_of(np.random.default_rng(0).normal(size=(203, 2)), targets, classes=4))
    assert np.isin([200, 201, 202], splits.train).all()
    found = [finding for finding in splits.findings if finding["code"] == "DAT004"]
    assert found[0]["evidence"]["classes"] == {"2": {"train": 2, "dev": 0}, "3": {"train": 1, "dev": 0}}


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (blobs(2, task="regression"), {}, "leave no train row of 2"),
        (table_of(np.zeros((4, 1)), np.array([0, 1, 0, 1])), {}, "at least 3 rows"),
        (blobs(100), {"dev": 0}, "A dev set is needed"),
        (blobs(100), {"dev": -0.1}, "share below 1 or a number of rows. Got -0.1"),
        (blobs(100), {"dev": 1.5}, "share below 1 or a number of rows. Got 1.5"),
        (blobs(100), {"dev": float("nan")}, "share below 1"),
        (blobs(100), {"dev": "many"}, "many"),
        (blobs(100), {"dev": 100}, "leaves none for train"),
        (blobs(100), {"dev": 60, "test": 60}, "leave no train row"),
        (blobs(100), {"group": "person"}, "Read it with group='person'"),
        (blobs(100), {"group": np.zeros(3)}, "one value for each of 100 rows"),
        (blobs(100), {"time": np.full(100, np.nan)}, "without gaps"),
        (blobs(100), {"time": np.zeros(100), "group": np.zeros(100)}, "not both"),
        (replace(blobs(100), targets=None), {}, "has no targets"),
        (replace(blobs(100), parts=np.full(100, 2, dtype=np.int8)), {}, "no train row"),
        (replace(blobs(100), parts=(blobs(100).targets * 2).astype(np.int8)), {}, "No train row has the class '1'"),
    ],
)
def test_splits_that_cannot_be_made(data: Dataset, options: dict[str, object], message: str) -> None:
    """Too few rows, sizes that do not fit and classes without a train row get a sentence."""
    with pytest.raises(DataError, match=message.replace(".", r"\.").replace("(", r"\(")):
        split(data, **options)  # type: ignore[arg-type]


def test_the_smallest_splits() -> None:
    """Three rows of a regression make three sets; three rows of each class are enough."""
    splits = split(blobs(3, task="regression"))
    assert [len(rows) for rows in (splits.train, splits.dev, splits.test)] == [1, 1, 1]
    splits = split(table_of(np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1] * 3)))
    assert np.bincount(splits.dataset.targets[splits.train]).min() >= 1


def test_the_summary_is_plain_data() -> None:
    """Counts, shares and class shares as JSON."""
    import json

    summary = split(read("iris")).summary()
    assert json.loads(json.dumps(summary)) == summary
    assert summary["rows"] == {"train": 90, "dev": 30, "test": 30, "train_dev": 0}
    assert summary["classes"]["dev"]["setosa"] == pytest.approx(1 / 3)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.floats(0, 1))
def test_apportioning_is_exact(counts: list[int], share: float) -> None:
    """Parts sum to the total, and each is within one of its exact share and at most its count."""
    total = int(share * sum(counts))
    found = apportion(np.array(counts), total)
    assert found.sum() == total
    exact = np.array(counts) * total / max(1, sum(counts))
    assert (np.abs(found - exact) < 1 + 1e-9).all() and (found <= counts).all()


@pytest.mark.parametrize("name", ["train", "dev", "test"])
def test_a_set_in_which_no_row_counts_is_refused(name: str) -> None:
    """Weights that are 0 throughout a set leave nothing to learn from or to measure on; one row above 0 is enough."""
    sets = ["train"] * 8 + ["dev"] * 4 + ["test"] * 4
    table = {"a": [float(n) for n in range(16)], "y": [n * 0.5 for n in range(16)], "s": sets}

    def cut(weights: list[float]) -> Splits:
        return split(read({**table, "w": weights}, target="y", weight="w", split="s", task="regression"))

    weights = [0.0 if one == name else 1.0 + n for n, one in enumerate(sets)]
    with pytest.raises(DataError, match=f"Every row of the {name} set has weight 0"):
        cut(weights)
    weights[sets.index(name)] = 0.5
    assert len(cut(weights).dev) == 4
