"""What the default space varies, and where a strong default network starts, from the size and kind of the data."""

from collections.abc import Sequence
from math import prod
from typing import Any, Protocol

from caviar.search.declare import make_choice, make_range, make_widths
from caviar.search.ranges import Axis

# One category becomes several inputs; how many is known only after encoding, and sizes need no more than this.
_INPUTS_OF_A_CATEGORY = 8
_FEWEST_ROWS_FOR_BINS = 200


class SearchedSchema(Protocol):
    """What is looked at in a schema: `caviar.data.Schema` has it."""

    @property
    def columns(self) -> Sequence[Any]: ...
    @property
    def classes(self) -> Sequence[str]: ...
    @property
    def image_shape(self) -> tuple[int, int, int] | None: ...


class SearchedData(Protocol):
    """What is looked at in the data: `caviar.data.Dataset` has it."""

    @property
    def rows(self) -> int: ...
    @property
    def schema(self) -> SearchedSchema: ...


def default_axes(data: SearchedData) -> tuple[Axis, ...]:
    """The axes of the default space, in the order of the hyperparameter table.

    Varied are, in the order of what usually matters most: the learning rate; the widths; dropout, weight decay and
    the schedule; and by structure the depth, the mini-batch and, for tables with numbers, the encoding. Adam with
    ReLU and no batch norm is kept: β₁, β₂ and ε rarely matter, and every further activation costs every trial.

    Args:
        data: the dataset.
    """
    rate, batch = _learning_rate(data.rows), _batch_size(data.rows)
    axes: list[Axis] = [
        make_range("learning_rate", rate / 5, rate * 6, "log", start=rate),
        make_choice("decay", ("cosine", "constant", "exponential")),
        make_range("decay_base", 0.8, 0.99, "one_minus_log", start=0.95),
        make_range("weight_decay", 1e-3, 1.0, "log", off=0.25),
        make_range("keep_probability", 0.5, 1.0, "linear", off=0.4),
        make_widths(_buckets(data)),
        make_choice("batch_size", (batch, 2 * batch)),
    ]
    numbers = any(column.kind == "number" for column in data.schema.columns)
    if data.schema.image_shape is None and numbers and data.rows >= _FEWEST_ROWS_FOR_BINS:
        axes.append(make_choice("encoding", ("standard", "piecewise_linear")))
    return tuple(type(axis)(**{**vars(axis), "by_default": True}) for axis in axes)


def _learning_rate(rows: int) -> float:
    """Adam's, for some tens of epochs under cosine decay; many rows are many updates, which need smaller steps.

    Measured with eight rates from 1e-4 to 1e-1 on digits, breast_cancer, diabetes, california (8 000 rows) and MNIST
    (8 000 rows), 6 to 50 epochs: the best dev error lies between 5e-3 and 1.5e-2 on all five, 1e-3 is still
    far from done, 1e-1 diverges.
    """
    return 5e-3 if rows < 20_000 else 2e-3


def _batch_size(rows: int) -> int:
    """Some tens of updates an epoch at least; more rows a batch once that is given."""
    return next(size for most, size in ((1_000, 32), (20_000, 64), (200_000, 128), (float("inf"), 256)) if rows < most)


def _buckets(data: SearchedData) -> tuple[tuple[int, ...], ...]:
    """Widths of two, one and three hidden layers; the first are trial 0's."""
    wide = next(
        size for most, size in ((500, 32), (1_500, 64), (100_000, 128), (float("inf"), 256)) if data.rows < most
    )
    if _inputs(data) >= 500 and data.rows >= 10_000:
        wide = 256
    narrow = max(16, wide // 2, min(wide, len(data.schema.classes)))
    return (wide, narrow), (wide,), (wide, wide, narrow)


def _inputs(data: SearchedData) -> int:
    """About how many inputs the network will have."""
    if data.schema.image_shape is not None:
        return prod(data.schema.image_shape)
    kinds = [column.kind for column in data.schema.columns if column.kind != "left_out"]
    return sum(_INPUTS_OF_A_CATEGORY if kind == "category" else 1 for kind in kinds)
