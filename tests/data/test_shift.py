"""DAT findings on made-up data: duplicates, columns that give the target away, classes too small."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from caviar.data.dataset import Dataset
from caviar.data.leaks import leaks_of
from caviar.data.shift import duplicates_across, duplicates_within
from caviar.data.splits import split

from .tables import blobs, table_of


def leaks(data: Dataset, rows: np.ndarray | None = None) -> list[Mapping[str, Any]]:
    """The DAT003 findings on some rows."""
    return leaks_of(data, np.arange(data.rows) if rows is None else rows)


def related(rows: int = 3000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Five numbers that are related to one another and to two classes, none of them decisive."""
    random = np.random.default_rng(seed)
    hidden = random.normal(size=rows)
    values = hidden[:, None] + random.normal(size=(rows, 5))
    return values, (hidden + random.normal(size=rows) > 0).astype(int)


def test_duplicates_across_sets_are_counted_in_pairs() -> None:
    """DAT001 counts every pair of equal rows in two sets and shows examples that really are equal."""
    data = blobs(100).take(np.concatenate([np.arange(100), [0, 0, 1]]))
    sets = {"train": np.arange(100), "dev": np.array([100, 102]), "test": np.array([101])}
    finding = duplicates_across(data, sets)
    assert finding is not None and finding["code"] == "DAT001"
    assert finding["evidence"]["pairs"] == {"train/dev": 2, "train/test": 1, "dev/test": 1}
    assert all(data.hashes[a] == data.hashes[b] and a != b for a, b in finding["evidence"]["examples"])
    assert duplicates_across(blobs(100), {**sets, "dev": np.array([98]), "test": np.array([99])}) is not None
    assert (
        duplicates_across(blobs(100), {"train": np.arange(98), "dev": np.array([98]), "test": np.array([99])}) is None
    )


def test_duplicates_within_count_the_repeats() -> None:
    """DAT002 counts rows that repeat an earlier one; rows that differ in their target alone are no repeats."""
    data = blobs(50)
    finding = duplicates_within(data.take(np.concatenate([np.arange(50), [3, 3, 4]])))
    assert finding is not None and finding["evidence"]["rows"] == 3
    twice = data.take(np.concatenate([np.arange(50), [3]]))
    targets = twice.targets.copy()
    targets[50] = 1 - targets[50]
    assert duplicates_within(replace(twice, targets=targets)) is None


def test_a_copy_of_the_target_is_found() -> None:
    """A column that orders the classes perfectly is named, alone among innocent ones."""
    values, targets = related()
    values[:, 3] = targets * 2.0 + np.random.default_rng(1).uniform(size=len(targets))
    found = leaks(table_of(values, targets))
    assert [finding["evidence"]["rule"] for finding in found] == ["alone"]
    assert list(found[0]["evidence"]) == ["rule", "x3"]


def test_an_easy_problem_is_no_leak() -> None:
    """Where every column gives the target away, none is accused."""
    targets = np.arange(400) % 2
    values = targets[:, None] * 10.0 + np.random.default_rng(0).normal(size=(400, 3))
    assert leaks(table_of(values, targets)) == []


def test_related_strong_columns_are_no_leak() -> None:
    """Columns that are strong together with others, none of them perfect, are ordinary inputs."""
    values, targets = related()
    assert leaks(table_of(values, targets)) == []


def test_a_strong_column_that_nothing_knows_of_is_asked_about() -> None:
    """The strongest column, unrelated to all the rest, is one that may have been recorded with the target."""
    values, targets = related()
    values[:, 2] = targets * 2.0 + np.random.default_rng(1).normal(size=len(targets))
    found = leaks(table_of(values - values.mean(), targets))
    # What it shares with the others through the target alone is little, but not nothing.
    assert [finding["evidence"]["rule"] for finding in found] in (["unrelated"], [])
    noise = np.random.default_rng(2).normal(size=values.shape)
    noise[:, 2] = values[:, 2]
    found = leaks(table_of(noise, targets))
    assert found[0]["evidence"]["rule"] == "unrelated" and "x2" in found[0]["evidence"]
    assert "Ask whether it is known when you predict" in found[0]["message"]


def test_summands_of_the_target_are_found() -> None:
    """A numeric target that is an exact sum of two of six columns is found, with their names."""
    random = np.random.default_rng(0)
    values = random.normal(size=(500, 6))
    data = table_of(values, 3 * values[:, 1] - values[:, 4] + 7, "regression")
    found = leaks(data)
    assert [finding["evidence"]["rule"] for finding in found] == ["sum"]
    assert found[0]["evidence"]["columns"] == ["x1", "x4"]
    noisy = replace(data, targets=data.targets + 0.1 * random.normal(size=500))
    assert leaks(noisy) == []


def test_leaks_are_looked_for_in_train_alone() -> None:
    """What dev and test rows hold changes no finding."""
    values, targets = related(1000)
    data = table_of(values, targets)
    changed = values.copy()
    changed[500:, 0] = targets[500:]
    assert leaks(data, np.arange(500)) == leaks(table_of(changed, targets), np.arange(500)) == []


def test_a_category_with_many_values_is_not_learnt_by_heart() -> None:
    """Categories with a few rows each do not look as if they gave the target away."""
    from caviar.data.read import read

    random = np.random.default_rng(0)
    words = [f"w{word}" for word in random.integers(0, 300, 900)]
    data = read({"word": words, "a": random.normal(size=900), "y": random.integers(0, 2, 900)})
    assert leaks(data) == []


def test_findings_of_a_split_are_plain() -> None:
    """Findings have a code, a severity, a message and evidence, and survive JSON."""
    import json

    data = blobs(300, 3).take(np.concatenate([np.arange(300), [1, 2]]))
    findings = split(data).findings
    assert [finding["code"] for finding in findings] == ["DAT002"]
    assert json.loads(json.dumps(findings)) == [dict(finding) for finding in findings]


def test_small_classes_are_said() -> None:
    """DAT004 names a class with fewer than ten train rows and its numbers."""
    targets = np.concatenate([np.zeros(200), np.ones(200), np.full(8, 2)]).astype(int)
    splits = split(table_of(np.random.default_rng(0).normal(size=(408, 3)), targets, classes=3))
    finding = next(finding for finding in splits.findings if finding["code"] == "DAT004")
    few = finding["evidence"]["classes"]["2"]
    assert few["train"] == int((targets[splits.train] == 2).sum()) < 10


@pytest.mark.parametrize("rows", [50_000])
def test_findings_are_fast(rows: int) -> None:
    """Looking for leaks in 50 000 rows of 20 columns takes well under a second."""
    import time

    values = np.random.default_rng(0).normal(size=(rows, 20))
    data = table_of(values, (values[:, 0] > 0.3).astype(int))
    started = time.perf_counter()
    leaks(data)
    # Measured 0.03 s; the bound leaves room for a busy machine.
    assert time.perf_counter() - started < 1.0


def test_sets_that_are_alike_load_nothing():
    """SciPy's functions, which take long to load, are asked only where sets differ by enough to matter."""
    told = "import sys, caviar; caviar.split(caviar.read('digits')); print('scipy.special' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
