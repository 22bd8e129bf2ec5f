"""The states of a trial, one word each, the same in code, store, command line and page."""

from enum import StrEnum


class Status(StrEnum):
    """Where a trial stands.

    >>> Status("stopped").ended, str(Status.RUNNING)
    (True, 'running')
    """

    WAITING = "waiting"  # decided, not yet in a slot
    RUNNING = "running"  # in a slot
    FINISHED = "finished"  # trained to its last epoch
    STOPPED = "stopped"  # ended early by a stopping rule or a person
    DIVERGED = "diverged"  # its cost became infinite or NaN; counts as the worst, never as missing
    INTERRUPTED = "interrupted"  # the study ended before it did (budget, Ctrl-C); `resume` goes on

    @property
    def ended(self) -> bool:
        """Whether nothing more will be measured unless a person forks or restores the trial."""
        return self in (Status.FINISHED, Status.STOPPED, Status.DIVERGED)
