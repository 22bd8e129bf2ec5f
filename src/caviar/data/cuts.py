"""Where an ordered list of rows is cut into sets: shares exact, equal rows together."""

import math

import numpy as np

from caviar.given import is_number, shown

_MOST_STRATA = 10


def default_share(m: int) -> float:
    """The share of rows that dev and test get each: 0.2 up to 10 000 rows, then falling to 0.005.

    >>> default_share(10_000), round(default_share(1_000_000), 3), default_share(10**9)
    (0.2, 0.01, 0.005)
    """
    return 0.2 if m <= 10_000 else max(0.005, 0.2 * (m / 1e4) ** -0.6505)


def apportion(counts: np.ndarray, total: int) -> np.ndarray:
    """Shares of a total in proportion to counts, whole numbers, each within one of its exact share (largest remainder).

    Args:
        counts: int [k].
        total: at most the sum of counts.

    Returns:
        int [k], summing to total.

    >>> apportion(np.array([50, 30, 20]), 7).tolist()
    [4, 2, 1]
    """
    exact = counts * (total / max(1, counts.sum()))
    whole = np.floor(exact).astype(np.int64)
    order = np.lexsort((-counts, -(exact - whole)))
    whole[order[: total - int(whole.sum())]] += 1
    return np.minimum(whole, counts)


def cut_by_keys(keys: np.ndarray, strata: np.ndarray, sizes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Cut sets off the rows with the smallest keys, in each stratum its share.

    A row's key is its own, so other rows move it only if it lies next to a cut. A cut that falls into a run of equal
    keys (duplicates) goes to the nearer end of the run, unless the run is longer than half of what is to be cut off.

    Args:
        keys: uint64 [N].
        strata: int [N], such as the class.
        sizes: rows of each set, in the order in which they are cut off.

    Returns:
        bool [N] for each set, disjoint.
    """
    masks = tuple(np.zeros(len(keys), dtype=bool) for _ in sizes)
    order = np.lexsort((keys, strata))
    starts = np.flatnonzero(np.diff(strata[order], prepend=strata[order[:1]] - 1))
    ends = np.append(starts[1:], len(keys))
    shares = [apportion(ends - starts, size) for size in sizes]
    for at, (start, end) in enumerate(zip(starts, ends, strict=True)):
        rows = order[start:end]
        done, wanted = 0, 0
        for mask, share in zip(masks, shares, strict=True):
            wanted += int(share[at])
            place = _kept_together(keys[rows], min(wanted, len(rows)), max(1, int(share[at]) // 2))
            mask[rows[done : max(done, place)]] = True
            done = max(done, place)
    return masks


def _kept_together(ordered: np.ndarray, place: int, longest: int) -> int:
    """The cut nearest to a place that divides no run of equal keys; a run that is longer than allowed is divided."""
    if place in (0, len(ordered)) or ordered[place - 1] != ordered[place]:
        return place
    first = int(np.searchsorted(ordered, ordered[place], side="left"))
    last = int(np.searchsorted(ordered, ordered[place], side="right"))
    if last - first > longest:
        return place
    return first if place - first <= last - place else last


def cut_by_groups(keys: np.ndarray, sizes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Cut sets of whole groups off, in the order of the groups' keys, until each has nearly its size.

    Args:
        keys: uint64 [N], the same for all rows of one group.
        sizes: rows of each set.
    """
    values, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    before = np.concatenate([[0], np.cumsum(counts)])
    masks, done, wanted = [], 0, 0
    for left, size in enumerate(sizes):
        wanted += size
        # At least one group for each set that is asked for, and one left over for train.
        place = int(np.argmin(np.abs(before - wanted)))
        place = min(max(place, done + (size > 0)), max(done, len(values) - (len(sizes) - left)))
        masks.append((inverse >= done) & (inverse < place))
        done = place
    return tuple(masks)


def cut_by_time(times: np.ndarray, sizes: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Cut the latest rows off: the first set gets the latest, the next those before; equal times stay together.

    Args:
        times: float64 [N].
        sizes: rows of each set.
    """
    order = np.argsort(-times, kind="stable")
    latest = -times[order]
    masks, done, wanted = [], 0, 0
    for size in sizes:
        wanted += size
        place = max(done, _kept_together(latest, min(wanted, len(times)), len(times)))
        mask = np.zeros(len(times), dtype=bool)
        mask[order[done:place]] = True
        masks.append(mask)
        done = place
    return tuple(masks)


def strata_of(targets: np.ndarray | None, task: str, rows: int) -> np.ndarray:
    """The classes, or ten quantile bins of a regression target.

    Returns:
        int64 [N].
    """
    if targets is None:
        return np.zeros(rows, dtype=np.int64)
    if task == "classification":
        return targets.astype(np.int64)
    bins = min(_MOST_STRATA, max(1, rows // 50))
    edges = np.unique(np.quantile(targets, np.linspace(0.0, 1.0, bins + 1)[1:-1])) if bins > 1 else np.zeros(0)
    return np.searchsorted(edges, targets, side="right")


def rows_asked(size: float | int, rows: int, name: str) -> int:
    """The number of rows that a share (0.2) or a count (5000) means.

    Raises:
        ValueError: it is negative, not a number, or leaves nothing for train; the text says what is allowed.
    """
    number = float(size) if is_number(size) else math.nan
    if not math.isfinite(number) or number < 0 or (number >= 1 and number != int(number)):
        raise ValueError(f"'{name}' must be a share below 1 or a number of rows. Got {shown(size)}.")
    asked = round(number * rows) if number < 1 else int(number)
    if asked >= rows:
        raise ValueError(f"'{name}' takes {asked} of {rows} rows, which leaves none for train. Give a smaller number.")
    return max(1, asked) if number > 0 else 0
