"""How a campaign ends before its trials do. Apart from the loop, so that the command line knows it without JAX."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

INTERRUPT = "Ctrl-C"
BUDGET = "the budget of time ended"


class Stop(Exception):
    """The campaign ended before its trials did. Everything is stored, and `resume` goes on.

    Args:
        why: INTERRUPT or BUDGET.
        study: the study that was stopped.
        at_once: without a last look, so the best networks of this minute may be missing among the kept ones.
    """

    def __init__(self, why: str, study: Any = None, at_once: bool = False) -> None:
        super().__init__(f"Stopped ({why}). Everything is stored; resume goes on.")
        self.why, self.study, self.at_once = why, study, at_once


@contextmanager
def interrupts(ask_to_stop: Callable[[], None]) -> Iterator[None]:
    """The first Ctrl-C asks to end at the next look; a second one ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked
        if asked:
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt
        asked = True
        ask_to_stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
