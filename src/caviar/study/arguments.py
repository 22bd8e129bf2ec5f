"""What a person asks of a study, checked before anything is written."""

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.data.splits import Splits
from caviar.diagnosis.pictures import diagnose_flips
from caviar.errors import CaviarWarning, SpaceError, StudyError
from caviar.networks.metrics import METRICS
from caviar.search.augmentations import FLIPS, check_augmentations, values_of
from caviar.search.space import Space
from caviar.search.stopping import check_stopping

if TYPE_CHECKING:
    from caviar.study.study import Study


def checked_metric(metric: str | None, splits: Splits) -> str:
    """What trials are compared by, where it fits the task; by default the error.

    Raises:
        StudyError: it does not.
    """
    task = splits.dataset.schema.task
    chosen = metric or "error"
    known = list(dict.fromkeys(["error", *METRICS[task]]))
    if chosen not in known:
        raise StudyError(f"Trials of a {task} study are compared by {' or '.join(known)}. Got '{chosen}'.")
    return "error" if chosen == "rmse" else chosen


def checked_seed(seed: int | None) -> int:
    """The seed, by default 0.

    Raises:
        StudyError: it is no whole number from 0.
    """
    if seed is not None and (not isinstance(seed, int | np.integer) or not 0 <= seed < 2**63):
        raise StudyError(f"'seed' must be a whole number from 0. Got {seed!r}.")
    return int(seed or 0)


def checked_base_error(error: float | None, task: str) -> float:
    """The base error, where it can be one: a share for classes, any length for numbers; by default 0.

    Raises:
        StudyError: it cannot.
    """
    most = 1.0 if task == "classification" else math.inf
    if error is not None and not 0.0 <= error < most:
        rule = "a share from 0 to below 1 (0.05 is 5 %)" if task == "classification" else "a number from 0"
        raise StudyError(f"'base_error' must be {rule}. Got {error!r}.")
    return float(error or 0.0)


def check_search(
    trials: int, epochs: int, stopping: str | None, minutes: float | None, patience: int | None = None
) -> None:
    """Refuse what cannot be searched, before anything is written.

    Raises:
        StudyError: an argument is not allowed.
    """
    _at_least_one("trials", trials)
    _at_least_one("epochs", epochs)
    check_stopping(stopping, patience)
    check_minutes(minutes)


def check_minutes(minutes: float | None) -> None:
    """Refuse a budget of no time.

    Raises:
        StudyError: it is not above 0.
    """
    if minutes is not None and not minutes > 0:
        raise StudyError(f"'minutes' must be above 0. Got {minutes!r}.")


def _at_least_one(name: str, value: Any) -> None:
    if not isinstance(value, int | np.integer) or value < 1:
        raise StudyError(f"'{name}' must be a whole number of at least 1. Got {value!r}.")


def check_rates(low: float, high: float, rates: int, **counts: int) -> np.ndarray:
    """The learning rates to try, evenly spread on a logarithmic axis.

    Args:
        counts: "seeds", "steps", "rounds" and "epochs", as `Study.find_learning_rate` takes them.

    Raises:
        StudyError: an argument is not allowed.
    """
    ends = (low, high)
    numbers = all(isinstance(end, int | float | np.number) and not isinstance(end, bool) for end in ends)
    if not numbers or not 0.0 < low < high <= 1000.0:
        raise StudyError(
            f"'low' and 'high' are learning rates, above 0, at most 1000, the lower first. Got {low!r}, {high!r}."
        )
    for name, value in {"rates": rates, **counts}.items():
        least, most = _COUNTS[name]
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
            raise StudyError(f"'{name}' must be a whole number from {least} to {most}. Got {value!r}.")
    return np.asarray(np.geomspace(low, high, rates))


# What a search for learning rates may be asked for, at least and at most.
_COUNTS = {"rates": (5, 4096), "seeds": (1, 256), "steps": (1, 10**6), "rounds": (1, 8), "epochs": (1, 10**6)}


def check_known(name: str, value: Any, allowed: list[Any]) -> None:
    """Refuse a value that is none of those allowed.

    Raises:
        StudyError: it is not.
    """
    if value not in allowed:
        raise StudyError(f"'{name}' must be one of {', '.join(str(a) for a in allowed)}. Got {value!r}.")


def check_space(study: "Study", space: Space) -> None:
    """Whether a study's data can be trained on as a space asks, before anything is.

    Digits or letters that would be mirrored (PIC001) are warned of, and noted with the study's findings.

    Raises:
        SpaceError: augmentation does not fit the data, or batch norm would see batches of one row.
    """
    schema = study.dataset.schema
    check_augmentations(space, schema)
    if len(study.splits.train) < 2 and any(values_of(space, "batch_norm")):
        raise SpaceError(
            "'batch_norm' needs two rows in a batch, and the train set has one: a single row has no variance to divide "
            "by. Add train rows, or turn 'batch_norm' off."
        )
    most = {name: max(map(float, values_of(space, name))) for name in FLIPS}
    told = {finding.code for finding in study.findings}
    for finding in diagnose_flips(schema, most):
        warnings.warn(f"{finding.code} {finding.severity}: {finding.message}", CaviarWarning, stacklevel=3)
        if finding.code not in told:
            study.store.add_findings([finding.to_dict()])
