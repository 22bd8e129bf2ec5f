"""What is wrong with the sets before anything is trained: duplicates, leaks, small classes, shift (DAT findings)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.leaks import leaks_of
from caviar.data.shifted import shifted_features

_FEW_ROWS = 10
_SHOWN = 20


def findings_of(dataset: Dataset, train: np.ndarray, dev: np.ndarray, test: np.ndarray) -> list[dict[str, Any]]:
    """All DAT findings of a data set and its sets.

    Args:
        dataset: the data.
        train, dev, test: row numbers.

    Returns:
        plain dictionaries: code, severity, message, evidence.
    """
    found = [
        duplicates_across(dataset, {"train": train, "dev": dev, "test": test}),
        duplicates_within(dataset),
        *leaks_of(dataset, train),
        small_classes(dataset, train, dev),
        shifted_features(dataset, {"train": train, "dev": dev, "test": test}),
    ]
    return [finding for finding in found if finding is not None]


def duplicates_across(dataset: Dataset, sets: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """DAT001: rows that occur in more than one set.

    Rows of tables are the same if inputs and target are; images if their pixels are, whatever their label.
    """
    hashes = dataset.hashes if dataset.pixels is None else dataset.input_hashes
    pairs: dict[str, int] = {}
    examples: list[list[int]] = []
    for first, second in (("train", "dev"), ("train", "test"), ("dev", "test")):
        ours, theirs = sets[first], sets[second]
        values, counts = np.unique(hashes[ours], return_counts=True)
        places = np.searchsorted(values, hashes[theirs])
        places = np.minimum(places, max(0, len(values) - 1))
        same = values[places] == hashes[theirs] if len(values) else np.zeros(len(theirs), dtype=bool)
        if same.any():
            pairs[f"{first}/{second}"] = int(counts[places[same]].sum())
            for row in theirs[same][: _SHOWN - len(examples)]:
                examples.append([int(ours[np.flatnonzero(hashes[ours] == hashes[row])[0]]), int(row)])
    if not pairs:
        return None
    listed = ", ".join(f"{count} in {names}" for names, count in pairs.items())
    given = dataset.parts is not None and bool((dataset.parts > 0).any())
    way_out = "Take the copies out of one of them." if given else "They occur too often to be kept in one set."
    message = (
        f"The same {'rows' if dataset.pixels is None else 'images'} are in more than one set (pairs: {listed}), so dev "
        f"or test errors look better than they are. {way_out}"
    )
    return _finding("DAT001", "problem", message, {"pairs": pairs, "examples": examples})


def duplicates_within(dataset: Dataset) -> dict[str, Any] | None:
    """DAT002: rows that repeat an earlier row, inputs and target."""
    repeated = dataset.rows - len(np.unique(dataset.hashes))
    if not repeated:
        return None
    share = repeated / dataset.rows
    message = (
        f"{repeated} of {dataset.rows} rows ({share:.1%}) repeat another row. Copies stay in one set where they can; "
        "ask whether they are real."
    )
    return _finding("DAT002", "note", message, {"rows": repeated, "share": share})


def small_classes(dataset: Dataset, train: np.ndarray, dev: np.ndarray) -> dict[str, Any] | None:
    """DAT004: classes with fewer than 10 train rows, or none in dev."""
    if dataset.schema.task != "classification" or dataset.targets is None:
        return None
    classes = dataset.schema.classes
    here = np.bincount(dataset.targets[train], minlength=len(classes))
    there = np.bincount(dataset.targets[dev], minlength=len(classes))
    there_at_all = {classes[at] for at in np.unique(dataset.targets)}
    few = {
        name: {"train": int(a), "dev": int(b)}
        for name, a, b in zip(classes, here, there, strict=True)
        if (a < _FEW_ROWS or b == 0) and name in there_at_all
    }
    if not few:
        return None
    listed = ", ".join(f"{name} ({n['train']} train, {n['dev']} dev)" for name, n in list(few.items())[:5])
    more = f" and {len(few) - 5} more" if len(few) > 5 else ""
    message = f"Too few rows to learn and measure: {listed}{more}. Add rows of these classes or join them with others."
    return _finding("DAT004", "warning", message, {"classes": few}, {"train": _FEW_ROWS, "dev": 1})


def no_test_set(test: np.ndarray, choose: np.ndarray) -> dict[str, Any] | None:
    """DAT006: without a test set no error of a study is unbiased.

    Args:
        test: row numbers.
        choose: bool [dev rows], True: they choose among networks.
    """
    if len(test):
        return None
    judge = int((~choose).sum())
    why = "The dev rows choose among the networks, so the best one's error on them is usually lower than on new data."
    if judge:
        why = f"{judge} dev rows have no part in choosing the network, but who decides by their error chooses by them."
    message = f"There is no test set, so the dev error is not unbiased. {why} Keep rows back to measure the end once."
    return _finding("DAT006", "note", message, {"test": 0, "choose": int(choose.sum()), "judge": judge})


def _finding(
    code: str, severity: str, message: str, evidence: dict[str, Any], threshold: dict[str, Any] | None = None
) -> dict[str, Any]:
    finding = {"code": code, "severity": severity, "message": message, "evidence": evidence}
    return finding | ({"threshold": threshold} if threshold else {})
