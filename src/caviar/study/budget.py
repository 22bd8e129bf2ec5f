"""A budget of training time: it covers a search and its confirmation, and what is resumed keeps to it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caviar.study.study import Study

# Of a search's budget, what is kept for training the best again.
CONFIRMATION_SHARE = 0.25


def set_budget(study: "Study", minutes: float | None, *, confirmed: bool) -> None:
    """Note how long the study may train from now on, so that what is resumed keeps to it.

    Args:
        minutes: of training; None: without an end.
        confirmed: what is trained is confirmed afterwards, within the same budget.
    """
    if minutes is None and study.store.setting("budget") is None:
        return
    seconds = None if minutes is None else 60.0 * minutes
    kept = CONFIRMATION_SHARE if confirmed else 0.0
    budget = None if seconds is None else {"end": _spent(study) + seconds, "kept": kept * seconds}
    study.store.set_setting("budget", budget)


def left(study: "Study", kind: str) -> float | None:
    """Seconds that a campaign may still train; None: without an end."""
    budget = study.store.setting("budget")
    if budget is None:
        return None
    # Twins come before the confirmation, and are what a study can do without.
    return float(budget["end"] - (budget["kept"] if kind == "search" else 0.0) - _spent(study))


def _spent(study: "Study") -> float:
    """Seconds that the study's campaigns have trained, a killed one as far as its last segment."""
    parts = {
        int(number): part["seconds"]
        for number, part in study.results.get("statistics", {}).get("campaigns", {}).items()
    }
    last = study.store.state(0)
    if last and last["campaign"] == study.unfinished():
        parts[last["campaign"]] = last["seconds"]  # where the loop goes on counting
    return float(sum(parts.values()))
