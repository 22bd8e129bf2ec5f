"""The disk that a study may take: best weights and checkpoints stay within it, since all else can be trained again."""

import os
from pathlib import Path

from caviar.errors import StudyError
from caviar.records.store import Store

# Gigabytes (10⁹ bytes) of a study's folder, its copy of data that came from memory not counted.
BUDGET = 2.0
# Of it, for the best weights of a campaign, and as much again for those of all campaigns before it.
WEIGHTS_SHARE = 0.2


def wanted() -> float:
    """The budget of a new study in gigabytes: CAVIAR_DISK, or the default.

    Raises:
        StudyError: CAVIAR_DISK is no such number.
    """
    given = os.environ.get("CAVIAR_DISK", "").strip()
    try:
        budget = float(given or BUDGET)
    except ValueError:
        budget = -1.0
    if not 0.01 <= budget <= 1e6:
        raise StudyError(
            f"CAVIAR_DISK must be a number of gigabytes from 0.01 to 1000000. Got {given!r}. Correct it, or unset it."
        )
    return budget


def budget_of(store: Store) -> int:
    """The bytes that a study may take: it keeps what it was begun with, so that going on keeps the same networks."""
    about = store.setting("study") or {}
    return int(1e9 * about.get("disk", BUDGET))


def for_weights(store: Store) -> int:
    """Bytes for the best weights of one campaign."""
    return int(WEIGHTS_SHARE * budget_of(store))


def used(folder: Path) -> int:
    """The bytes that a study's folder takes now, without its copy of the data."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() and folder / "data" not in path.parents else 0
        except FileNotFoundError:  # removed meanwhile
            continue
    return total
