"""What fixes the shapes of arrays. All else is a traced number."""

from dataclasses import dataclass

LOSSES = ("softmax", "logistic", "squared")
# Widths of inputs above this are kept exact: there padding would cost more than a shared program saves.
_LARGEST_BUCKETED = 512


def bucket(count: int) -> int:
    """The padded size of a small axis, so that sets of nearly equal size share a program.

    Sizes go 1, 2, 3, 4, 6, 8 … 16, 20, 24 … 32, 40 and on in steps of a quarter of a power of two, so that above 16
    at most a fifth is padding; above 512 sizes are exact.

    >>> [bucket(n) for n in (1, 5, 10, 30, 64, 100, 784)]
    [1, 6, 10, 32, 64, 112, 784]
    """
    if count > _LARGEST_BUCKETED or count <= 4:
        return count
    if count <= 16:
        return count + count % 2
    power = 1 << ((count - 1).bit_length() - 1)
    quarter = power // 4
    return -(-count // quarter) * quarter


@dataclass(frozen=True)
class Architecture:
    """Shapes of one network and its mini-batches; the key of a compiled program, with the features its slots use.

    Args:
        features: inputs D, padded to a bucket.
        hidden: widths of the hidden layers (the bucket that the slots' own widths are padded to).
        outputs: outputs C, padded to a bucket.
        loss: one of LOSSES.
        batch_size: rows B of a mini-batch.
        dtype: "float32" or "float64".
    """

    features: int
    hidden: tuple[int, ...]
    outputs: int
    loss: str = "softmax"
    batch_size: int = 64
    dtype: str = "float32"

    def __post_init__(self) -> None:
        assert self.loss in LOSSES, self.loss
        assert self.features >= 1 and self.outputs >= 1 and self.batch_size >= 1, self

    @property
    def widths(self) -> tuple[int, ...]:
        """All layers from input to output."""
        return (self.features, *self.hidden, self.outputs)

    @property
    def parameters(self) -> int:
        """Number of weights and biases of the padded network, without batch normalisation."""
        return sum(before * after + after for before, after in zip(self.widths, self.widths[1:], strict=False))
