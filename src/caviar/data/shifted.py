"""DAT005: features that are distributed differently in train than in dev or test."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset

# A difference must be both beyond chance (this, shared out over all comparisons) and large enough to matter: on a
# million rows differences that change no prediction are beyond chance too.
CHANCE = 0.001
LARGE = 0.1
# Rows of a set that are compared: more would find no difference that is large enough to matter.
MOST_ROWS = 5_000
_SHOWN = 5


def shifted_features(dataset: Dataset, sets: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """DAT005: the features whose distribution in dev or test is not the train set's, the largest difference first.

    Numbers, and of images brightness and contrast, are compared by Kolmogorov and Smirnov's test, which gives the
    largest difference D between two cumulative shares; categories by a χ² test, with half the summed difference of
    their shares as D; missing values count as a category of their own. The target is compared too.

    Args:
        dataset: the data.
        sets: row numbers of "train" and of the sets compared with it.

    Returns:
        the finding as plain data: code, severity, message, evidence, threshold; None where nothing shifted.
    """
    found: list[tuple[float, str, str, float]] = []
    others = [name for name, rows in sets.items() if name != "train" and len(rows)]
    compared = {name: _some(sets[name]) for name in ("train", *others)}
    columns = dict(_columns(dataset, np.concatenate(list(compared.values()))))
    allowed = CHANCE / max(1, len(columns) * len(others))
    for other in others:
        for name, values in columns.items():
            size, chance = difference(values[compared["train"]], values[compared[other]], LARGE)
            if size > LARGE and chance < allowed:
                found.append((size, name, other, chance))
    if not found:
        return None
    found.sort(key=lambda one: (-one[0], one[1], one[2]))
    listed = ", ".join(f"{name} ({other}: D {size:.2f})" for size, name, other, _ in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    message = (
        f"The sets do not come from one distribution: {listed}{more} differ from train. What is measured on them says "
        "less of what was learnt. Split anew so that the sets are alike, or augment train towards them; a train-dev "
        "set (train_dev=0.1) tells this mismatch from variance."
    )
    shifts = [
        {"feature": name, "set": other, "difference": size, "probability": chance}
        for size, name, other, chance in found
    ]
    return {
        "code": "DAT005",
        "severity": "warning",
        "message": message,
        "evidence": {"shifts": shifts},
        "threshold": {"difference": LARGE, "probability": CHANCE},
    }


def difference(one: np.ndarray, other: np.ndarray, least: float = 0.0) -> tuple[float, float]:
    """How far two samples of one feature lie apart, and how probable that would be by chance.

    Args:
        one, other: numbers (NaN = missing) or texts (None = missing).
        least: the probability of a D of categories up to this one is not worked out and given as 1.

    Returns:
        D in [0, 1], and the probability of a D as large where both have one distribution.

    >>> size, chance = difference(np.arange(100.0), np.arange(100.0) + 50.0)
    >>> size, chance < 1e-9
    (0.5, True)
    """
    if one.dtype == object:
        return _of_categories(one, other, least)
    gaps = _of_categories(_missing(one), _missing(other), least)
    numbers = _of_numbers(one[np.isfinite(one)], other[np.isfinite(other)])
    return max(gaps, numbers)


def _of_numbers(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Kolmogorov and Smirnov's D with its asymptotic probability (Stephens 1970); ties make it cautious."""
    if not len(one) or not len(other):
        return 0.0, 1.0
    both = np.concatenate([one, other])
    shares = [np.searchsorted(np.sort(part), both, side="right") / len(part) for part in (one, other)]
    size = float(np.abs(shares[0] - shares[1]).max())
    root = math.sqrt(len(one) * len(other) / (len(one) + len(other)))
    reach = (root + 0.12 + 0.11 / root) * size
    if reach < 0.3:
        return size, 1.0
    terms = [(-1) ** (k - 1) * math.exp(-2 * (k * reach) ** 2) for k in range(1, 101)]
    return size, min(1.0, max(0.0, 2 * math.fsum(terms)))


def _of_categories(one: np.ndarray, other: np.ndarray, least: float) -> tuple[float, float]:
    """Half the summed difference of shares with a χ² probability; categories that are rare in both count as one."""
    words = [np.array(["" if value is None else f"={value}" for value in part.tolist()]) for part in (one, other)]
    names, codes = np.unique(np.concatenate(words), return_inverse=True)
    counts = np.array([np.bincount(part, minlength=len(names)) for part in np.split(codes, [len(one)])], float)
    expected = counts.sum(axis=0) * np.minimum(*counts.sum(axis=1)) / counts.sum()
    rare = expected < 5
    counts = np.column_stack([counts[:, ~rare], counts[:, rare].sum(axis=1)]) if rare.any() else counts
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2 or not counts.sum(axis=1).all():
        return 0.0, 1.0
    shares = counts / counts.sum(axis=1, keepdims=True)
    size = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if size <= least:
        return size, 1.0
    from scipy.special import gammaincc  # a fifth of a second, which only sets that differ pay

    wanted = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    statistic = float(((counts - wanted) ** 2 / wanted).sum())
    return size, float(gammaincc((counts.shape[1] - 1) / 2, statistic / 2))


def _missing(values: np.ndarray) -> np.ndarray:
    words = np.full(len(values), "known", dtype=object)
    words[~np.isfinite(values)] = None
    return words


def _columns(dataset: Dataset, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What is compared: the inputs of a table, or what an image is like as a whole (of these rows), and the target."""
    if dataset.pixels is not None:
        light = np.full((2, dataset.rows), np.nan)
        for start in range(0, len(rows), 4096):
            some = rows[start : start + 4096]
            part = dataset.pixels[some].reshape(len(some), -1)
            light[:, some] = part.mean(axis=1), part.std(axis=1)
        yield "brightness", light[0]
        yield "contrast", light[1]
    for column in dataset.schema.inputs:
        if column.name in dataset.columns:
            yield column.name, dataset.columns[column.name]
    if dataset.targets is not None:
        classes, name = dataset.schema.classes, dataset.schema.target or "target"
        if not classes:
            yield name, dataset.targets.astype(np.float64)
        else:
            yield name, np.array([classes[at] if at >= 0 else None for at in dataset.targets.tolist()], dtype=object)


def _some(rows: np.ndarray) -> np.ndarray:
    """At most so many rows, evenly over the set."""
    return rows if len(rows) <= MOST_ROWS else rows[np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int)]
