"""Double precision, in which formulas are compared to rounding."""

from collections.abc import Iterator

import pytest

from conformance import engine


@pytest.fixture
def wide() -> Iterator[None]:
    """JAX in 64 bits for the length of a test."""
    with engine.wide():
        yield
