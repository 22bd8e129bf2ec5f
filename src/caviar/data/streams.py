"""A stream: which rows come when, made on the host; a subset, a fold or another order is just another stream."""

from dataclasses import dataclass

import numpy as np

from caviar.data.splits import Splits
from caviar.errors import DataError

_MASK = 2**64 - 1
# A key that no epoch has, for the sample of train rows.
_SAMPLE = _MASK
_FEWEST_SAMPLED, _MOST_SAMPLED = 512, 10_000


@dataclass(frozen=True, eq=False)
class Stream:
    """The rows of one stream.

    Args:
        number: its place among the streams of a study.
        seed: of its order.
        rows: int32 [m], the train rows.
        sample: int32 [s], the train rows that are measured every epoch.
        dev: int32 [d], the dev rows.
        choose: bool [d], True for the half that chooses (see `Splits`).
    """

    number: int
    seed: int
    rows: np.ndarray
    sample: np.ndarray
    dev: np.ndarray
    choose: np.ndarray


def updates_per_epoch(m: int, B: int) -> int:
    """U, the mini-batches of one epoch.

    >>> updates_per_epoch(5_000_000, 1000), updates_per_epoch(10, 64), updates_per_epoch(129, 64)
    (5000, 1, 3)
    """
    if m < 1 or B < 1:
        raise DataError(f"An epoch needs at least one row and a batch of at least one. Got {m} rows, batch size {B}.")
    return -(-m // B)


def batches(stream: Stream, epoch: int, B: int) -> tuple[np.ndarray, np.ndarray]:
    """The mini-batches of one epoch: every train row once, in an order of the epoch's own.

    The order depends on the stream's seed and the epoch alone (Philox's numbers, ranked), so any epoch can be made
    without those before it. The last short batch is padded. A remainder of a single row is shared out: the last two
    batches take half each of their B + 1 rows, since batch norm needs two (not possible where B = 2).

    Args:
        stream: the rows and the seed.
        epoch: from 0.
        B: the batch size.

    Returns:
        indices int32 [U, B], row numbers, 0 where padded; present float32 [U, B], 1 for rows and 0 for padding.

    >>> rows = np.arange(5, dtype=np.int32)
    >>> indices, present = batches(Stream(0, 0, rows, rows, rows, rows > 0), 0, 4)
    >>> sorted(indices[present > 0].tolist()), present.sum(axis=1).tolist()
    ([0, 1, 2, 3, 4], [3.0, 2.0])
    """
    m = len(stream.rows)
    U = updates_per_epoch(m, B)
    order = stream.rows[_permutation(m, stream.seed, epoch)]
    sizes = np.full(U, B)
    sizes[-1] = m - (U - 1) * B
    if U > 1 and sizes[-1] == 1:
        sizes[-2:] = (B + 2) // 2, (B + 1) // 2
    # Row-major order fills the true places of the mask batch by batch.
    present = np.arange(B) < sizes[:, None]
    indices = np.zeros((U, B), dtype=np.int32)
    indices[present] = order
    return indices, present.astype(np.float32)


def _permutation(m: int, seed: int, epoch: int) -> np.ndarray:
    """A permutation of m, keyed (seed, epoch).

    Philox's raw 64-bit numbers are part of its definition, while NumPy's own shuffling may change between versions.
    """
    key = np.array([seed & _MASK, epoch & _MASK], dtype=np.uint64)
    return np.argsort(np.random.Philox(key=key).random_raw(m), kind="stable")


def make_stream(
    splits: Splits, number: int, seed: int, *, rows: np.ndarray | None = None, dev: np.ndarray | None = None
) -> Stream:
    """A stream over the train set, or over a part of the data such as a fold.

    Args:
        splits: the sets.
        number: its place among the streams of a study.
        seed: of its order.
        rows: the train rows; None: the train set.
        dev: the rows measured as dev; None: the dev set with its halves. Other rows all count as choosing.

    Raises:
        DataError: no train rows, or rows that are in no data set.
    """
    train = np.asarray(splits.train if rows is None else rows)
    measured = np.asarray(splits.dev if dev is None else dev)
    for what, numbers in (("train", train), ("dev", measured)):
        if not len(numbers) or numbers.min() < 0 or numbers.max() >= splits.dataset.rows:
            raise DataError(f"A stream needs {what} rows from 0 to {splits.dataset.rows - 1}. Got {len(numbers)} rows.")
    size = min(len(train), max(len(measured), _FEWEST_SAMPLED), _MOST_SAMPLED)
    # The sample is a set, kept in the rows' own order; the seed decides which, once for all epochs.
    sample = np.sort(_permutation(len(train), seed, _SAMPLE)[:size])
    choose = splits.choose.copy() if dev is None else np.ones(len(measured), dtype=bool)
    return Stream(
        number, seed, train.astype(np.int32), train[sample].astype(np.int32), measured.astype(np.int32), choose
    )
