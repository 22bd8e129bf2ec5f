"""Double precision as in the promises."""

from promises.conftest import wide

__all__ = ["wide"]
