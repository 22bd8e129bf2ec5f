"""The sets: train, dev, test, cut by the content of the rows, by group, by time, or as they were given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from caviar.counts import count
from caviar.data.cuts import cut_by_groups, cut_by_keys, cut_by_time, default_share, rows_asked, strata_of
from caviar.data.dataset import Dataset
from caviar.data.hashing import hash_numbers, hash_texts, seeded
from caviar.data.shift import findings_of, no_test_set
from caviar.errors import DataError
from caviar.given import seed as checked_seed
from caviar.given import switch

_JUDGED_FROM = 1000
_FEWEST_OF_CLASS = 3


@dataclass(frozen=True, eq=False)
class Splits:
    """A data set and its sets.

    Args:
        dataset: the data.
        train, dev, test, train_dev: row numbers, int64, ascending; test and train_dev may be empty.
        choose: bool [len(dev)], True: the half that chooses among trials, False: the half that judges. Below 1 000 dev
            rows all are True, and the same rows judge.
        seed: of the order in which rows are cut.
        method: "hash", "group", "time" or "given".
        findings: DAT findings as plain dictionaries: code, severity, message, evidence.
    """

    dataset: Dataset
    train: np.ndarray
    dev: np.ndarray
    test: np.ndarray
    train_dev: np.ndarray
    choose: np.ndarray
    seed: int
    method: str
    findings: tuple[Mapping[str, Any], ...] = field(default=())

    def __repr__(self) -> str:
        """The sizes of the sets in one line."""
        sets = {"train": self.train, "dev": self.dev, "train-dev": self.train_dev, "test": self.test}
        sizes = ", ".join(f"{name} {count(len(rows))}" for name, rows in sets.items() if len(rows))
        return f"<Splits of '{self.dataset.name}': {sizes} rows, by {self.method}, seed {self.seed}>"

    @property
    def judge(self) -> np.ndarray:
        """bool [len(dev)]: the dev rows that judge."""
        return self.choose if self.choose.all() else ~self.choose

    def summary(self) -> dict[str, Any]:
        """Counts, shares, class shares and method, as plain data for JSON."""
        sets = {"train": self.train, "dev": self.dev, "test": self.test, "train_dev": self.train_dev}
        total = sum(len(rows) for rows in sets.values())
        summary: dict[str, Any] = {
            "method": self.method,
            "seed": self.seed,
            "rows": {name: len(rows) for name, rows in sets.items()},
            "shares": {name: len(rows) / total for name, rows in sets.items()},
            "choose": int(self.choose.sum()),
            "judge": int(self.judge.sum()),
        }
        classes, targets = self.dataset.schema.classes, self.dataset.targets
        if classes and targets is not None:
            summary["classes"] = {
                name: dict(zip(classes, (counts / counts.sum()).tolist(), strict=True))
                for name, rows in sets.items()
                if len(rows) and (counts := np.bincount(targets[rows], minlength=len(classes))).sum()
            }
        return summary


def split(
    dataset: Dataset,
    *,
    seed: int = 0,
    dev: float | int | None = None,
    test: float | int | None = None,
    group: Any = None,
    time: Any = None,
    train_dev: float | int = 0,
    halves: bool = True,
) -> Splits:
    """Cut a data set into train, dev and test.

    Rows are ordered within each class by a hash of their content and the seed, and cut at exact shares; so duplicates
    fall on one side. Whether a row is in a set depends on its own hash: when rows are added, only rows next to a cut
    move, because the shares stay exact. Sets that came ready-made are used as they are; a dev set that is missing is
    cut from train.

    Args:
        dataset: the data, with targets.
        seed: enters the order.
        dev, test: share (below 1) or number of rows; None: 0.2 each up to 10 000 rows, then less; test=0 makes no test
            set, and dev is then 0.3; DAT006 says what its error is worth.
        group: column or array; rows of one group stay together. None: as `read` was told.
        time: column or array; the latest rows are the test set, those before it dev. None: as `read` was told.
        train_dev: share or number of rows to cut from train, to tell variance from mismatch.
        halves: whether one half of a dev set of 1 000 rows or more chooses and the other judges. Without them all dev
            rows choose, as in most course notes, and what they say of the best is optimistic.

    Raises:
        DataError: the rows do not suffice, or what is asked for does not fit the data.

    >>> from caviar.data.read import read
    >>> splits = split(read("iris"))
    >>> len(splits.train), len(splits.dev), len(splits.test)
    (90, 30, 30)
    """
    if not isinstance(dataset, Dataset):
        raise DataError(f"A data set is what is split. Got a {type(dataset).__name__}. Write split(read(...)).")
    if dataset.targets is None:
        raise DataError(f"'{dataset.name}' has no targets, so there is nothing to learn. Read it with target=….")
    seed, halves = checked_seed(seed, DataError), switch("halves", halves, DataError)
    in_third = _asked(0 if train_dev is None else train_dev, dataset.rows, "train_dev")
    groups = _beside(dataset, group, dataset.groups if time is None else None, "group")
    times = _beside(dataset, time, dataset.times if group is None else None, "time")
    if groups is not None and times is not None:
        raise DataError("Rows are kept together by group or ordered by time, not both. Give group or time.")
    how = _How(dataset, seed, groups, times)
    if dataset.parts is not None and (dataset.parts > 0).any():
        in_dev, in_test = _given(how, dev, test)
    else:
        in_dev, in_test = _cut_anew(how, dev, test)
    in_train = ~in_dev & ~in_test
    in_train_dev = np.zeros(dataset.rows, dtype=bool)
    if in_third:
        size = _asked(train_dev, int(in_train.sum()), "train_dev")
        (in_train_dev,) = how.cut(np.flatnonzero(in_train), (size,), "train-dev")
        in_train &= ~in_train_dev
    rows, dev_rows, test_rows = np.flatnonzero(in_train), np.flatnonzero(in_dev), np.flatnonzero(in_test)
    _check(dataset, rows, dev_rows, how.method)
    choose = how.halves(dev_rows) if halves else np.ones(len(dev_rows), dtype=bool)
    halved = {"choose half of dev": dev_rows[choose], "judge half of dev": dev_rows[~choose]}
    _check_weights(dataset, {"train": rows, "dev": dev_rows, "test": test_rows, **halved})
    untested = no_test_set(test_rows, choose)
    findings = [*findings_of(dataset, rows, dev_rows, test_rows), *([untested] if untested else [])]
    return Splits(
        dataset,
        rows,
        dev_rows,
        test_rows,
        np.flatnonzero(in_train_dev),
        choose,
        seed,
        how.method,
        tuple(findings),
    )


@dataclass(eq=False)
class _How:
    """By what the rows are ordered: groups, times, or the hash of their content."""

    dataset: Dataset
    seed: int
    groups: np.ndarray | None
    times: np.ndarray | None

    def __post_init__(self) -> None:
        self.method = "group" if self.groups is not None else "time" if self.times is not None else "hash"
        self.hashes = self.dataset.hashes if self.groups is None else _hashed(self.groups)

    def cut(self, rows: np.ndarray, sizes: tuple[int, ...], purpose: str) -> tuple[np.ndarray, ...]:
        """Cut sets off some of the rows; the masks are over all rows."""
        if self.times is not None:
            cuts = cut_by_time(self.times[rows], sizes)
        elif self.groups is not None:
            cuts = cut_by_groups(seeded(self.hashes[rows], self.seed, purpose), sizes)
        else:
            cuts = cut_by_keys(seeded(self.hashes[rows], self.seed, purpose), self.strata(rows), sizes)
        masks = tuple(np.zeros(self.dataset.rows, dtype=bool) for _ in sizes)
        for mask, part, size in zip(masks, cuts, sizes, strict=True):
            mask[rows] = part
            if size and not part.any():
                raise DataError(
                    f"The {len(rows)} rows cannot be cut into {len(sizes) + 1} sets by {self.method}: too few of them "
                    f"differ in it. Give more data, or test=0."
                )
        return masks

    def strata(self, rows: np.ndarray) -> np.ndarray:
        targets = None if self.dataset.targets is None else self.dataset.targets[rows]
        return strata_of(targets, self.dataset.schema.task, len(rows))

    def halves(self, dev: np.ndarray) -> np.ndarray:
        """bool [len(dev)]: the half that chooses; all of a small dev set."""
        if len(dev) < _JUDGED_FROM:
            return np.ones(len(dev), dtype=bool)
        keys = seeded(self.hashes[dev], self.seed, "choose")
        sizes = (len(dev) // 2,)
        by_group = self.groups is not None
        (half,) = cut_by_groups(keys, sizes) if by_group else cut_by_keys(keys, self.strata(dev), sizes)
        # One group that holds nearly all dev rows cannot be halved; then all choose and all judge.
        return half if half.any() else np.ones(len(dev), dtype=bool)


def _cut_anew(how: _How, dev: float | int | None, test: float | int | None) -> tuple[np.ndarray, np.ndarray]:
    """Dev and test cut from all rows; classes with one or two rows stay in train."""
    dataset = how.dataset
    m = dataset.rows
    share = default_share(m)
    n_test = _asked(share if test is None else test, m, "test")
    n_dev = _asked((0.3 if n_test == 0 else share) if dev is None else dev, m, "dev")
    if n_dev == 0:
        raise DataError("A dev set is needed to compare networks. Give dev a share such as 0.2.")
    if n_dev + n_test >= m:
        raise DataError(
            f"dev ({n_dev}) and test ({n_test}) leave no train row of {m}. Give smaller numbers or more rows."
        )
    usable = np.arange(m)
    if how.method == "hash" and dataset.schema.task == "classification":
        usable = _large_enough(dataset)
        if len(usable) <= n_dev + n_test:
            raise DataError(
                f"Only {len(usable)} of {m} rows are in classes with at least {_FEWEST_OF_CLASS} rows, too few for dev "
                f"and test. Add rows to each class of '{dataset.schema.target}'."
            )
    # Test first, then dev: a row that moves when rows are added moves between neighbours, never from test to train.
    in_test, in_dev = how.cut(usable, (n_test, n_dev), "split")
    return in_dev, in_test


def _given(how: _How, dev: float | int | None, test: float | int | None) -> tuple[np.ndarray, np.ndarray]:
    """Ready-made sets as they are; what is missing is cut from train."""
    parts = how.dataset.parts
    assert parts is not None
    masks = {1: parts == 1, 2: parts == 2}
    for part, name, size in ((1, "dev", dev), (2, "test", test)):
        if masks[part].any() and size is not None:
            raise DataError(
                f"The data bring their own {name} set of {int(masks[part].sum())} rows. Leave {name}=… out."
            )
    pool = np.flatnonzero(parts < 1)
    if not len(pool):
        raise DataError("The data bring their own sets, but no train row. Give rows to train on.")
    n_test = _asked(test, len(pool), "test") if test is not None else 0
    n_dev = 0 if masks[1].any() else _asked(default_share(len(pool)) if dev is None else dev, len(pool), "dev")
    if not masks[1].any() and n_dev == 0:
        raise DataError("A dev set is needed to compare networks. Give dev a share such as 0.2.")
    if n_dev + n_test >= len(pool):
        raise DataError(f"dev ({n_dev}) and test ({n_test}) leave no train row of {len(pool)}. Give smaller numbers.")
    in_test, in_dev = how.cut(pool, (n_test, n_dev), "split")
    how.method = "given"
    return masks[1] | in_dev, masks[2] | in_test


def _large_enough(dataset: Dataset) -> np.ndarray:
    """The rows whose class has at least three; the others cannot be divided and stay in train."""
    assert dataset.targets is not None
    counts = np.bincount(dataset.targets, minlength=len(dataset.schema.classes))
    return np.flatnonzero(counts[dataset.targets] >= _FEWEST_OF_CLASS)


def _check(dataset: Dataset, train: np.ndarray, dev: np.ndarray, method: str) -> None:
    """Refuse sets that nothing can be learnt from or measured on."""
    if not len(dev):
        raise DataError(f"No row of '{dataset.name}' is left for the dev set. Give more rows.")
    if not len(train):
        raise DataError(
            f"No row of '{dataset.name}' is left for the train set. Give more rows, or smaller dev and test."
        )
    if dataset.schema.task != "classification" or dataset.targets is None:
        return
    classes = dataset.schema.classes
    anywhere = np.bincount(dataset.targets, minlength=len(classes))
    here = np.bincount(dataset.targets[train], minlength=len(classes))
    missing = [classes[at] for at in np.flatnonzero((here == 0) & (anywhere > 0))]
    if missing:
        listed = ", ".join(repr(name) for name in missing[:5])
        raise DataError(
            f"No train row has the class {listed} (sets by {method}), so it cannot be learnt. "
            "Give other sets, or leave its rows out."
        )


def _check_weights(dataset: Dataset, sets: Mapping[str, np.ndarray]) -> None:
    """Refuse a set in which no row counts: nothing can be learnt from it, or measured on it."""
    for name, rows in sets.items():
        if dataset.weights is not None and len(rows) and not dataset.weights[rows].any():
            raise DataError(
                f"Every row of the {name} set has weight 0, so none counts there ({len(rows)} rows). Give at least one "
                "a weight above 0, or leave 'weight' out."
            )


def _asked(size: float | int, rows: int, name: str) -> int:
    try:
        return rows_asked(size, rows, name)
    except (TypeError, ValueError) as error:
        raise DataError(str(error)) from None


def _beside(dataset: Dataset, given: Any, read: np.ndarray | None, role: str) -> np.ndarray | None:
    """The groups or times: an array, an input column by name, or what `read` was told."""
    if given is None:
        return read
    if isinstance(given, str):
        if given not in dataset.columns:
            raise DataError(f"'{dataset.name}' keeps no column '{given}'. Read it with {role}={given!r}.")
        return dataset.columns[given]
    values = np.asarray(given)
    if values.shape != (dataset.rows,):
        raise DataError(f"'{role}' must have one value for each of {dataset.rows} rows. Got shape {values.shape}.")
    if role == "time" and not np.isfinite(values.astype(np.float64)).all():
        raise DataError("'time' must be numbers without gaps to order the rows. Repair it.")
    return values.astype(np.float64) if role == "time" else values


def _hashed(groups: np.ndarray) -> np.ndarray:
    if groups.dtype.kind in "iufb":
        return hash_numbers(groups.astype(np.float64))
    words = np.empty(len(groups), dtype=object)
    words[:] = [None if word is None else str(word) for word in groups.tolist()]
    return hash_texts(words)
