"""What a person asks of a study, checked before anything is written."""

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.data.splits import Splits
from caviar.diagnosis.pictures import diagnose_flips
from caviar.errors import CaviarWarning, SpaceError, StudyError
from caviar.given import is_number, shown, values_by_name, whole
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
    chosen = "error" if metric is None else metric
    known = list(dict.fromkeys(["error", *METRICS[task]]))
    if not isinstance(chosen, str) or chosen not in known:
        raise StudyError(f"Trials of a {task} study are compared by {' or '.join(known)}. Got {shown(chosen)}.")
    return "error" if chosen == "rmse" else chosen


def checked_base_error(error: float | None, task: str) -> float:
    """The base error, where it can be one: a share for classes, any length for numbers; by default 0.

    Raises:
        StudyError: it cannot.
    """
    most = 1.0 if task == "classification" else math.inf
    if error is not None and not (is_number(error) and 0.0 <= error < most):
        rule = "a share from 0 to below 1 (0.05 is 5 %)" if task == "classification" else "a number from 0"
        raise StudyError(f"'base_error' must be {rule}. Got {shown(error)}.")
    return float(error or 0.0)


def check_search(
    trials: int, epochs: int, stopping: str | None, minutes: float | None, patience: int | None = None
) -> None:
    """Refuse what cannot be searched, before anything is written.

    Raises:
        StudyError: an argument is not allowed.
    """
    whole("trials", trials, StudyError, most=_MOST)
    whole("epochs", epochs, StudyError, most=_MOST)
    check_stopping(stopping, patience)
    check_minutes(minutes)


def check_minutes(minutes: float | None) -> None:
    """Refuse a budget of no time.

    Raises:
        StudyError: it is not above 0.
    """
    if minutes is not None and not (is_number(minutes) and minutes > 0):
        raise StudyError(f"'minutes' must be above 0. Got {shown(minutes)}.")


def check_configurations(several: Any) -> None:
    """Refuse what is no list of configurations.

    Raises:
        StudyError: something else was given.
    """
    listed = isinstance(several, list | tuple)
    wrong = [one for one in several if not isinstance(one, Mapping)] if listed else [several]
    if wrong:
        raise StudyError(
            f"A configuration gives values by name, as in {{'learning_rate': 0.01}}. Got {wrong[0]!r:.60}."
        )


def own_values(configuration: Any) -> dict[str, Any]:
    """A configuration's values by name; none where it is None.

    Raises:
        StudyError: it is no mapping from names.
    """
    return {} if configuration is None else values_by_name("configuration", configuration, StudyError)


def check_trainable(splits: Any, space: Any) -> None:
    """Refuse what a study cannot be made of: other things than splits and a space.

    Raises:
        StudyError: it is such.
    """
    if not isinstance(splits, Splits):
        raise StudyError(
            f"A study needs the splits of a data set. Got a {type(splits).__name__}. Give split(read(...))."
        )
    if space is not None:
        check_space_given(space)


def check_space_given(space: Any) -> None:
    """Refuse what is no space.

    Raises:
        StudyError: it is none.
    """
    if not isinstance(space, Space):
        raise StudyError(f"'space' must be a caviar.Space. Got a {type(space).__name__}. Write Space().fix(...).")


def check_batches(rows: int, space: Space) -> None:
    """Refuse mini-batches far beyond the train set: they take the memory of their size however few rows fill them.

    Raises:
        SpaceError: there is such a batch size.
    """
    largest = max(values_of(space, "batch_size"))
    if largest > max(rows, _LARGEST_BATCH):
        raise SpaceError(
            f"'batch_size' may be the {rows} train rows or {_LARGEST_BATCH}, whichever is more. Got {largest}. "
            f"With batch_size={rows} every update sees all rows."
        )


def check_rates(low: float, high: float, rates: int, **counts: int) -> np.ndarray:
    """The learning rates to try, evenly spread on a logarithmic axis.

    Args:
        counts: "seeds", "steps", "rounds" and "epochs", as `Study.find_learning_rate` takes them.

    Raises:
        StudyError: an argument is not allowed.
    """
    ends = (low, high)
    if not all(map(is_number, ends)) or not 0.0 < low < high <= 1000.0:
        raise StudyError(
            f"'low' and 'high' are learning rates, above 0, at most 1000, the lower first. Got {shown(low)}, "
            f"{shown(high)}."
        )
    for name, value in {"rates": rates, **counts}.items():
        whole(name, value, StudyError, *_COUNTS[name])
    return np.asarray(np.geomspace(low, high, rates))


# Of trials, epochs and steps: more than anybody trains.
_MOST = 10**6
# More than this only where the train set has as many rows.
_LARGEST_BATCH = 65536
# What a search for learning rates may be asked for, at least and at most.
_COUNTS = {"rates": (5, 4096), "seeds": (1, 256), "steps": (1, _MOST), "rounds": (1, 8), "epochs": (1, _MOST)}


def check_known(name: str, value: Any, allowed: list[Any]) -> None:
    """Refuse a value that is none of those allowed.

    Raises:
        StudyError: it is not.
    """
    if not isinstance(value, str) or value not in allowed:
        raise StudyError(f"'{name}' must be one of {', '.join(str(a) for a in allowed)}. Got {shown(value)}.")


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
    check_batches(len(study.splits.train), space)
    most = {name: max(map(float, values_of(space, name))) for name in FLIPS}
    told = {finding.code for finding in study.findings}
    for finding in diagnose_flips(schema, most):
        warnings.warn(f"{finding.code} {finding.severity}: {finding.message}", CaviarWarning, stacklevel=3)
        if finding.code not in told:
            study.store.add_findings([finding.to_dict()])
