"""Rows on the device, and the tables that say which come when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from caviar.data.streams import Stream, batches, updates_per_epoch
from caviar.networks.draws import tick_keys
from caviar.training.carried import EVAL_CHUNK, Data


def padded_rows(count: int) -> int:
    """Rows are data: their number is padded to steps of an eighth of a power of two, so that programs are shared."""
    if count <= 64:
        return 64
    step = (1 << ((count - 1).bit_length() - 1)) // 8
    return -(-count // step) * step


@dataclass(frozen=True)
class Version:
    """The whole data set encoded with the statistics of one choice of train rows.

    Args:
        inputs: [N, D] float32, or uint8 pixels.
        targets: [N] class indices or standardised numbers.
        weights: [N] mean 1 over the train rows.
        scale, shift: [D] for pixels.
        spread: [D] what one standard deviation of noise is, 0 where an input takes none; None: 1 for all.
    """

    inputs: np.ndarray
    targets: np.ndarray
    weights: Float[np.ndarray, " N"]
    scale: np.ndarray | None = None
    shift: np.ndarray | None = None
    spread: np.ndarray | None = None


def stack(versions: Sequence[Version], features: int, dtype: str) -> Data:
    """All versions one after the other, columns padded with zeros to `features`, rows to a bucket."""
    pixels = versions[0].inputs.dtype == np.uint8
    kind = np.dtype(np.uint8) if pixels else np.dtype(dtype)
    total = sum(len(version.targets) for version in versions)
    rows = padded_rows(total)
    inputs = np.zeros((rows, features), kind)
    scale, shift, spread = (np.zeros((len(versions), features), dtype) for _ in range(3))
    begin = 0
    for number, version in enumerate(versions):
        columns = version.inputs.shape[1]
        inputs[begin : begin + len(version.inputs), :columns] = version.inputs
        begin += len(version.inputs)
        spread[number, :columns] = 1.0 if version.spread is None else version.spread
        if version.scale is not None and version.shift is not None:
            scale[number, :columns], shift[number, :columns] = version.scale, version.shift
    classes = np.issubdtype(versions[0].targets.dtype, np.integer)
    targets = np.zeros(rows, np.int32 if classes else np.dtype(dtype))
    targets[:total] = np.concatenate([version.targets for version in versions])
    weights = np.zeros(rows, dtype)
    weights[:total] = np.concatenate([version.weights for version in versions])
    return Data(inputs, targets, weights, scale, shift, spread)


@dataclass(frozen=True)
class GroupStream:
    """The stream that a group of slots trains on.

    Args:
        stream: its rows, sample and dev.
        version: which statistics its rows are encoded with.
        offset: where that version's rows begin in Data.
    """

    stream: Stream
    version: int = 0
    offset: int = 0

    def updates(self, batch_size: int) -> int:
        """Updates of an epoch."""
        return updates_per_epoch(len(self.stream.rows), batch_size)


def eval_tables(groups: Sequence[GroupStream], weights: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows to measure [groups, R] and their weight in train sample, choose half and judge half [groups, 3, R].

    Where a stream's dev is not halved (all True), the judge half is the choose half.
    """
    longest = max(len(group.stream.sample) + len(group.stream.dev) for group in groups)
    size = -(-padded_rows(longest) // EVAL_CHUNK) * EVAL_CHUNK
    rows = np.zeros((len(groups), size), np.int32)
    roles = np.zeros((len(groups), 3, size), dtype)
    for number, group in enumerate(groups):
        stream = group.stream
        sample, dev = len(stream.sample), len(stream.dev)
        positions = np.concatenate([stream.sample, stream.dev]) + group.offset
        rows[number, : sample + dev] = positions
        own = weights[positions]
        halves = (stream.choose, stream.choose if stream.choose.all() else ~stream.choose)
        roles[number, 0, :sample] = own[:sample]
        for role, half in enumerate(halves, start=1):
            roles[number, role, sample : sample + dev] = own[sample:] * half
    return rows, roles


# After the rows of a mini-batch: how many are real, and the two words of its key.
AFTER_ROWS = 3


def epoch_tables(
    groups: Sequence[GroupStream], epochs: Sequence[Sequence[int]], batch_size: int, room: tuple[int, int]
) -> np.ndarray:
    """Some epochs of each stream [groups, E, U, B + 3]: the rows of each mini-batch, how many are real, its key.

    It is one table, because what a program reads separately is compiled and copied separately.

    Args:
        epochs: for each group the stream's epochs to lay out.
        room: (E, U) of the program; what is not needed stays 0.
    """
    table = np.zeros((len(groups), *room, batch_size + AFTER_ROWS), np.int32)
    made: dict[Any, np.ndarray] = {}
    for number, group in enumerate(groups):
        for position, epoch in enumerate(epochs[number]):
            name = (id(group.stream), epoch)
            if name not in made:
                indices, present = batches(group.stream, epoch, batch_size)
                # Padding repeats a train row: no other row may touch a training, not even with weight 0.
                indices = np.where(present > 0, indices, group.stream.rows[0])
                ticks = epoch * len(indices) + np.arange(len(indices))
                keys = tick_keys(group.stream.seed, group.stream.number, ticks).view(np.int32)
                made[name] = np.column_stack([indices, present.sum(axis=1), keys]).astype(np.int32)
            own = table[number, position, : len(made[name])]
            own[:] = made[name]
            own[:, :batch_size] += group.offset
    return table


def counts_of(table: np.ndarray) -> np.ndarray:
    """Real rows of each mini-batch of `epoch_tables` [groups, E, U]."""
    return table[..., -AFTER_ROWS]


def keys_of(table: np.ndarray) -> np.ndarray:
    """The keys of each mini-batch of `epoch_tables` [groups, E, U, 2]."""
    return np.ascontiguousarray(table[..., 1 - AFTER_ROWS :]).view(np.uint32)
