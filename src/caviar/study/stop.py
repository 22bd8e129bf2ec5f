"""How a campaign ends before its trials do. Apart from the loop, so that the command line knows it without JAX."""

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
