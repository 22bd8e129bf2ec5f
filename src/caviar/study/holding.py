"""The right to write a study: one process has it at a time, from a campaign's first segment to the last sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from caviar.records.lease import Lease
from caviar.records.store import Store

LEASE_SECONDS = 60.0
# Campaigns are trained in this lane; a network that is trained by hand has one of its own.
LANE = 0


@contextmanager
def holding(store: Store) -> Iterator[Lease]:
    """The right to write this study, given back at the end by whoever took it.

    What is done within (a confirmation within `finish`, a campaign within the confirmation) goes on with the same
    lease, so that no other process comes in between.

    Raises:
        StudyError: another process has it.
    """
    lease = store.held(LANE)
    if lease is not None:
        yield lease
        return
    lease = store.acquire(LANE, seconds=LEASE_SECONDS)
    try:
        yield lease
    finally:
        store.release(lease)
