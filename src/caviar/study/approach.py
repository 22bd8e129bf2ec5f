"""Panda or caviar: whether to babysit one network or to train many, from what one training costs."""

from typing import TYPE_CHECKING

from caviar.errors import StudyError

if TYPE_CHECKING:
    from caviar.study.study import Study

# Below this many whole trainings within the budget a random search has hardly begun: one network, watched and changed
# while it trains, uses the time better. (Of 10 random draws the best is on average among the best 9 %.)
FEWEST_TRAININGS = 10
USUAL_MINUTES = 60.0


def suggestion(seconds: float, minutes: float | None = None) -> str:
    """ "panda" where few whole trainings fit into the budget, otherwise "caviar", in a sentence with the numbers.

    Args:
        seconds: that one training takes of the machine, beside the others that share it.
        minutes: the budget; None: an hour.

    Raises:
        StudyError: a number is not above 0.

    >>> suggestion(0.5, 10)
    'One training takes 0.5 s: 1200 fit into 10 minutes, so train many at once and keep the best (caviar).'
    >>> suggestion(1800.0).endswith("babysit one network (panda), changing it while it trains.")
    True
    """
    budget = USUAL_MINUTES if minutes is None else minutes
    if not seconds > 0 or not budget > 0:
        raise StudyError(
            f"A training takes some time and a budget is some time. Got {seconds!r} s, {budget!r} minutes."
        )
    fit = int(budget * 60 / seconds)
    long = f"{seconds:.2g} s" if seconds < 120 else f"{seconds / 60:.3g} minutes"
    told = f"One training takes {long}: {fit} fit into {'an hour' if minutes is None else f'{minutes:g} minutes'}, so "
    if fit < FEWEST_TRAININGS:
        return told + "babysit one network (panda), changing it while it trains."
    return told + "train many at once and keep the best (caviar)."


def of_study(study: "Study", minutes: float | None = None) -> str | None:
    """The suggestion for a study's data on this machine, by what its trainings took; None before the first.

    Args:
        minutes: the budget of what comes next; None: an hour.
    """
    rate = study.results.get("statistics", {}).get("epochs_per_second")
    campaigns = study.campaigns
    if not rate or not campaigns:
        return None
    return suggestion(max(campaign.epochs for campaign in campaigns) / rate, minutes)
