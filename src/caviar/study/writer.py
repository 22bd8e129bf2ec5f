"""Checkpoints on the disk: written in the background, found again after a stop."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import CaviarError, StudyError
from caviar.records import beside, checkpoints
from caviar.records.store import Store
from caviar.study import disk

# Checkpoints take at most this share of the time, and come at least this many seconds apart.
CHECKPOINT_SHARE = 0.03
CHECKPOINT_SECONDS = 15.0
# What the first one costs is not known, so it is taken for one that is copied, hashed and written rather slowly.
BYTES_PER_SECOND = 1e8
# This many of the newest are kept.
CHECKPOINTS = 2


class Writer:
    """Writes a campaign's checkpoints, one at a time.

    Args:
        store, folder: the study's record and its folder.
        clock: seconds that only grow.
    """

    def __init__(self, store: Store, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.store, self.folder, self.clock = store, folder, clock
        self._thread: threading.Thread | None = None
        self._written = clock()
        self._seconds: float | None = None  # that the last one took
        self.failure: str | None = None  # why the last one could not be written; "" where it was, None before the first

    def due(self, size: int) -> bool:
        """Whether the next checkpoint's time has come: it may cost what the time since the last one allows.

        Args:
            size: of the next one, in bytes, from which the cost of the first is guessed.
        """
        cost = size / BYTES_PER_SECOND if self._seconds is None else self._seconds
        return self.clock() - self._written > max(CHECKPOINT_SECONDS, cost / CHECKPOINT_SHARE)

    def busy(self) -> bool:
        """Whether one is being written."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Wait for the one that is being written."""
        if self._thread is not None:
            self._thread.join()

    def end(self) -> None:
        """Wait, and note in the store whether the last checkpoint was lost."""
        self.wait()
        if self.failure is not None and self.failure != self.store.setting("lost_checkpoint", ""):
            self.store.set_setting("lost_checkpoint", self.failure)

    def write(self, arrays: dict[str, np.ndarray], plain: dict[str, Any], began: float) -> None:
        """Write a checkpoint in the background, and forget the older ones.

        Args:
            arrays, plain: what it holds, not to be changed any more; "tick" and "campaign" say what it is of.
            began: when its copying began, by the writer's clock: that counts as well.
        """

        def write() -> None:
            try:
                self._save(arrays, plain)
                self.failure = ""
            except (CaviarError, OSError) as error:
                # A checkpoint saves time after a stop, no more: the log holds all that was decided and measured.
                self.failure = str(error)
            self._seconds = self.clock() - began

        self._thread = threading.Thread(target=write, name="caviar-checkpoint")
        self._written = self.clock()
        self._thread.start()

    def _save(self, arrays: dict[str, np.ndarray], plain: dict[str, Any]) -> None:
        self._make_room(sum(array.nbytes for array in arrays.values()))
        about = {"lane": 0, "tick": plain["tick"], "campaign": plain["campaign"]}
        beside.add(self.store, "checkpoint", self.folder / "checkpoints", arrays, plain, about)
        forget_all_but(CHECKPOINTS, self.store, self.folder)

    def _make_room(self, size: int) -> None:
        """Forget the older checkpoint where the study's budget of disk does not hold it beside a new one.

        Raises:
            StudyError: it does not hold the new one beside the newest either.
        """
        budget = disk.budget_of(self.store)
        if disk.used(self.folder) + size > budget:
            forget_all_but(1, self.store, self.folder)
        if disk.used(self.folder) + size > budget:
            raise StudyError(
                f"A checkpoint of {size / 1e6:.0f} MB does not fit into the study's {budget / 1e9:g} GB of disk. "
                "Begin the next study with more: CAVIAR_DISK, in gigabytes."
            )


def newest(store: Store, folder: Path, campaign: int, tick: int) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """The newest checkpoint of a campaign that can be read and is no newer than the log; None where there is none."""
    own = [a for a in store.artefacts("checkpoint") if a.about.get("campaign") == campaign]
    for artefact in sorted(own, key=lambda a: -int(a.about["tick"])):
        try:
            arrays, plain = checkpoints.load(folder / "checkpoints", artefact.sha256)
        except Exception:  # a damaged checkpoint costs a longer replay, never the study
            continue
        if plain["tick"] <= tick:
            return arrays, plain
    return None


def forget_all_but(newest: int, store: Store, folder: Path) -> None:
    """Remove all checkpoints but some of the newest."""
    oldest_first = sorted(store.artefacts("checkpoint"), key=lambda a: int(a.about["tick"]))
    for artefact in oldest_first[: max(0, len(oldest_first) - newest)]:
        beside.remove(store, folder, artefact)
