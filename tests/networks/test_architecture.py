"""What fixes the shapes of arrays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.networks.architecture import LOSSES, Architecture, bucket
from caviar.networks.losses import LOSSES as WRITTEN


@given(count=st.integers(1, 5000))
def test_a_bucket_holds_its_count(count):
    """A bucket is at least the count, a bucket's bucket is itself, and above 16 at most a fifth of it is padding."""
    size = bucket(count)
    assert size >= count and bucket(size) == size
    assert bucket(count + 1) >= size
    if count > 16:
        assert (size - count) / size < 0.2 + 1e-12
    if count > 512 or count <= 4:
        assert size == count


def test_nearly_equal_sizes_share_a_bucket():
    """Up to 512 there are only 27 sizes."""
    assert len({bucket(n) for n in range(1, 513)}) <= 30


def test_parameters_are_counted():
    """64-128-64-10 has 64·128 + 128 + 128·64 + 64 + 64·10 + 10 weights and biases."""
    assert Architecture(64, (128, 64), 10).parameters == 64 * 128 + 128 + 128 * 64 + 64 + 64 * 10 + 10
    assert Architecture(4, (), 3).widths == (4, 3)


def test_losses_are_those_written():
    """Every loss that an architecture may name is written, and no other may be named."""
    assert set(LOSSES) == set(WRITTEN)
    with pytest.raises(AssertionError):
        Architecture(4, (), 3, loss="hinge")
    with pytest.raises(AssertionError):
        Architecture(0, (), 3)
