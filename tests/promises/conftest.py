"""Double precision for the promises that are kept to rounding."""

from collections.abc import Iterator

import pytest

from promises import grid  # starts the devices before anything else uses JAX


@pytest.fixture
def wide() -> Iterator[None]:
    """JAX in 64 bits for the length of a test."""
    with grid.wide():
        yield
