"""Measurements: packed one block a segment, and put together again as the history of a trial."""

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.records.probes import PROBES

# The order inside a block. `dev_*` is measured on the choose half of dev, `judge_*` on the other one; `train_cost` and
# `train_error` in test mode on a fixed sample of the train rows; `cost` and `running_error` are of the mini-batches as
# they were trained on, in training mode (dropout, augmentation) and while the weights move.
# `dev_value` is what trials are compared by where that is neither of the two, on the choose half; lower is better.
FIELDS = (
    "cost",
    "train_error",
    "dev_error",
    "dev_cost",
    "judge_error",
    "judge_cost",
    "train_cost",
    "learning_rate",
    "dev_value",
    "running_error",
)

_HEADER = struct.Struct("<BBI")  # version, number of fields, number of rows
_VERSION = 1
_PROBED = struct.Struct("<BH")  # of a block with probes, after the header: number of probes, number of layers
_PROBED_VERSION = 2
_EARLIER = (8,)  # fields of blocks that were stored before there were `dev_value` and `running_error`
_CHUNK = 1024  # trials whose histories are read together


@dataclass(frozen=True, eq=False)
class Block:
    """The measurements of one segment of one lane, one row a slot and epoch.

    Args:
        slots: int32 [n], the slot measured.
        trials: int32 [n], the trial it held.
        epochs: int32 [n], the trial's own epoch, from 1.
        values: float32 [n, len(FIELDS)].
        probes: float32 [n, L, len(PROBES)], what was measured in each of L layers; None where nothing was.

    Raises:
        ValueError: the shapes do not fit each other.

    >>> block = Block([0, 1], [7, 9], [1, 1], np.ones((2, len(FIELDS))))
    >>> len(block), block.same(unpack(pack(block)))
    (2, True)
    """

    slots: np.ndarray
    trials: np.ndarray
    epochs: np.ndarray
    values: np.ndarray
    probes: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("slots", "trials", "epochs"):
            object.__setattr__(self, name, _as_int32(name, getattr(self, name)))
        with np.errstate(over="ignore"):  # float64 beyond float32 becomes infinite, which is what it says
            object.__setattr__(self, "values", np.ascontiguousarray(self.values, dtype="<f4"))
        n = len(self.slots)
        if not len(self.trials) == len(self.epochs) == n or self.values.shape != (n, len(FIELDS)):
            raise ValueError(
                f"A block of {n} rows needs as many trials and epochs and values [{n}, {len(FIELDS)}]. "
                f"Got {len(self.trials)}, {len(self.epochs)} and {list(self.values.shape)}."
            )
        if self.probes is not None:
            object.__setattr__(self, "probes", np.ascontiguousarray(self.probes, dtype="<f4"))
            if self.probes.ndim != 3 or self.probes.shape[::2] != (n, len(PROBES)) or not self.probes.shape[1]:
                raise ValueError(
                    f"A block of {n} rows needs probes [{n}, layers, {len(PROBES)}]. Got {list(self.probes.shape)}."
                )

    def __len__(self) -> int:
        return len(self.slots)

    def same(self, other: "Block") -> bool:
        """Whether both hold the same bits, NaN included: the test of a replayed segment.

        Packed bytes may differ between builds of zlib, so blocks are compared, not files.
        """
        pairs = zip(self._parts(), other._parts(), strict=True)
        return all(mine.shape == theirs.shape and mine.tobytes() == theirs.tobytes() for mine, theirs in pairs)

    def _parts(self) -> tuple[np.ndarray, ...]:
        return self.slots, self.trials, self.epochs, self.values, self.columns

    @property
    def layers(self) -> int:
        """L; 0 where nothing was probed."""
        return 0 if self.probes is None else self.probes.shape[1]

    @property
    def columns(self) -> np.ndarray:
        """The probes as columns [n, L · len(PROBES)]."""
        if self.probes is None:
            return np.empty((len(self), 0), "<f4")
        return self.probes.reshape(len(self), self.layers * len(PROBES))


def _as_int32(name: str, values: Any) -> np.ndarray:
    wide = np.asarray(values)
    if wide.ndim != 1 or (wide.size and wide.dtype.kind not in "iu"):
        raise ValueError(f"'{name}' of a block must be whole numbers [n]. Got {wide.dtype} {list(wide.shape)}.")
    if wide.size and not -(2**31) <= int(wide.min()) <= int(wide.max()) < 2**31:
        raise ValueError(f"'{name}' of a block must fit 32 bits. Got {wide.min()} to {wide.max()}.")
    return np.ascontiguousarray(wide, dtype="<i4")


def pack(block: Block) -> bytes:
    """The block as bytes, bit for bit and the same for the same block.

    Columns of deltas (header) and of values are split into their four byte planes, each with a Huffman table of its
    own: signs and exponents nearly vanish and mantissas stay. About 30 bytes a slot-epoch of 256 slots against 52 raw.
    """
    squeezed = zlib.compressobj(6)
    parts = [_HEADER.pack(_VERSION, len(FIELDS), len(block))]
    if block.layers:
        parts = [_HEADER.pack(_PROBED_VERSION, len(FIELDS), len(block)), _PROBED.pack(len(PROBES), block.layers)]
    for plane in _to_planes(block):
        parts.append(squeezed.compress(plane.tobytes()))
        parts.append(squeezed.flush(zlib.Z_PARTIAL_FLUSH))
    return b"".join([*parts, squeezed.flush()])


def unpack(packed: bytes) -> Block:
    """The block that `pack` wrote.

    Raises:
        ValueError: the bytes are damaged or of another version.
    """
    if len(packed) < _HEADER.size:
        raise ValueError("a packed block is cut short")
    version, fields, rows = _HEADER.unpack_from(packed)
    body, probes, layers = _HEADER.size, len(PROBES), 0
    if version == _PROBED_VERSION and len(packed) >= body + _PROBED.size:
        probes, layers = _PROBED.unpack_from(packed, body)
        body += _PROBED.size
    known = fields in (*_EARLIER, len(FIELDS)) and probes == len(PROBES)
    if version not in (_VERSION, _PROBED_VERSION) or not known:
        raise ValueError(
            f"a packed block of version {version} with {fields} fields and {probes} probes; "
            f"known is {_PROBED_VERSION} with {len(FIELDS)} and {len(PROBES)}"
        )
    length = rows * 4 * (3 + fields + layers * probes)
    opened = zlib.decompressobj()
    try:
        raw = opened.decompress(packed[body:], length + 1)
    except zlib.error as error:
        raise ValueError(f"a packed block is damaged: {error}") from None
    if len(raw) != length or not opened.eof:
        raise ValueError(f"a packed block holds {len(raw)} bytes; {length} were expected")
    return _from_planes(np.frombuffer(raw, np.uint8), rows, fields, layers)


def _to_planes(block: Block) -> Iterator[np.ndarray]:
    """Byte planes, lowest byte first, of three delta-coded header columns, of every field and every probe."""
    for column in (block.slots, block.trials, block.epochs):
        delta = np.diff(column.view("<u4"), prepend=np.uint32(0))  # wraps around, so any two numbers have a difference
        yield from np.ascontiguousarray(delta, "<u4").view(np.uint8).reshape(-1, 4).T
    for column in np.concatenate([block.values, block.columns], axis=1).T:
        yield from np.ascontiguousarray(column).view(np.uint8).reshape(-1, 4).T


def _from_planes(raw: np.ndarray, rows: int, fields: int, layers: int) -> Block:
    count = 3 + fields + layers * len(PROBES)
    columns = np.ascontiguousarray(raw.reshape(count, 4, rows).transpose(0, 2, 1)).view("<u4")[..., 0]
    header = np.cumsum(columns[:3], axis=1, dtype=np.uint32).astype("<u4").view("<i4")
    found = np.ascontiguousarray(columns[3:]).view("<f4").T
    values = np.full((rows, len(FIELDS)), np.nan, "<f4")
    values[:, :fields] = found[:, :fields]
    probes = found[:, fields:].reshape(rows, layers, len(PROBES)) if layers else None
    return Block(header[0], header[1], header[2], values, probes)


def assemble(blocks: Iterable[Block], first: int, last: int) -> dict[int, dict[str, np.ndarray]]:
    """The histories of the trials `first` … `last`, from all blocks that mention them.

    A trial that was restored to an earlier epoch measured some epochs twice. What counts is the last run through them,
    and nothing measured at or after an epoch that was trained again later.

    Args:
        blocks: in the order in which they were stored.
        first, last: trial numbers, both included.

    Returns:
        By trial number, read-only arrays [E]: "epoch" int32 and every name of FIELDS float32, ascending by epoch; and
        where layers were probed every name of PROBES [E, L], NaN in epochs without.
    """
    kept = [(block, (block.trials >= first) & (block.trials <= last)) for block in blocks]
    if not any(mask.any() for _, mask in kept):
        return {}
    trials = np.concatenate([block.trials[mask] for block, mask in kept])
    epochs = np.concatenate([block.epochs[mask] for block, mask in kept])
    values = np.concatenate([block.values[mask] for block, mask in kept])
    probes = _side_by_side([(block.columns[mask], block.layers) for block, mask in kept])
    order = np.argsort(trials, kind="stable")
    order = order[_counts(trials[order], epochs[order])]
    trials, epochs, values, probes = trials[order], epochs[order], values[order], probes[order]
    numbers, starts = np.unique(trials, return_index=True)
    bounds = zip(numbers.tolist(), starts.tolist(), [*starts[1:].tolist(), len(trials)], strict=True)
    return {number: _arrays(epochs[start:end], values[start:end], probes[start:end]) for number, start, end in bounds}


def _side_by_side(parts: list[tuple[np.ndarray, int]]) -> np.ndarray:
    """Probes of blocks of different depth as one array [n, most layers, len(PROBES)], NaN where a block has none."""
    most = max(layers for _, layers in parts)
    found = np.full((sum(len(columns) for columns, _ in parts), most, len(PROBES)), np.nan, np.float32)
    begin = 0
    for columns, layers in parts:
        found[begin : begin + len(columns), :layers] = columns.reshape(len(columns), layers, len(PROBES))
        begin += len(columns)
    return found


def _counts(trials: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """Which rows count: those whose epoch no later row of the same trial reaches back to.

    The rows are sorted by trial, so one running minimum from the end serves all: a larger trial's key is larger.
    """
    keys = trials.astype(np.int64) * 2**32 + epochs
    later = np.minimum.accumulate(keys[::-1])[::-1]
    return np.append(keys[:-1] < later[1:], True)


def _arrays(epochs: np.ndarray, values: np.ndarray, probes: np.ndarray) -> dict[str, np.ndarray]:
    columns = {"epoch": epochs.copy(), **{name: values[:, i].copy() for i, name in enumerate(FIELDS)}}
    # A share of zeros exists for every layer, diverged or not: where it is missing, another trial is the deeper one.
    layers = np.count_nonzero(~np.isnan(probes[..., PROBES.index("zero_share")]).all(axis=0)) if len(probes) else 0
    if layers:
        columns |= {name: probes[:, :layers, i].copy() for i, name in enumerate(PROBES)}
    for column in columns.values():
        column.setflags(write=False)
    return columns


class History(Mapping[str, np.ndarray]):
    """What was measured of one trial, by own epoch: "epoch", every name of FIELDS, and of PROBES where it was probed.

    Read on first use.

    Args:
        load: gives the arrays; called once at most.

    >>> history = History(lambda: {"dev_error": np.ones(3, np.float32)})
    >>> len(history["dev_error"])
    3
    """

    def __init__(self, load: Callable[[], Mapping[str, np.ndarray]]) -> None:
        self._load = load
        self._found: Mapping[str, np.ndarray] | None = None

    def _arrays(self) -> Mapping[str, np.ndarray]:
        if self._found is None:
            self._found = self._load()
        return self._found

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays())

    def __len__(self) -> int:
        return len(self._arrays())

    def __repr__(self) -> str:
        return f"History({len(self['epoch'])} epochs)"

    def __reduce__(self) -> tuple[Any, ...]:
        """A plain dictionary: a copy for another process cannot go back to the store."""
        return dict, (dict(self),)


class Histories:
    """The histories of one look at a store, read by the thousand: a page that draws all trials reads each block once.

    Args:
        load: the blocks that mention the trials first … last (both included), in the order in which they were stored.
    """

    def __init__(self, load: Callable[[int, int], Iterable[Block]]) -> None:
        self._load = load
        self._chunks: dict[int, dict[int, dict[str, np.ndarray]]] = {}

    def of(self, number: int, until: int | None = None) -> History:
        """The history of one trial, up to its own epoch `until`."""
        return History(lambda: self._read(number, until))

    def _read(self, number: int, until: int | None) -> dict[str, np.ndarray]:
        chunk = number // _CHUNK
        if chunk not in self._chunks:
            first = chunk * _CHUNK
            last = first + _CHUNK - 1
            self._chunks[chunk] = assemble(self._load(first, last), first, last)
        found = self._chunks[chunk].get(number)
        if found is None:
            return _arrays(np.empty(0, np.int32), np.empty((0, len(FIELDS)), np.float32), np.empty((0, 0, len(PROBES))))
        if until is None:
            return found
        return {name: column[found["epoch"] <= until] for name, column in found.items()}
