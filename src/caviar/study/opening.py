"""A study's folder is begun, or opened with what it holds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.dataset import Schema
from caviar.data.splits import Splits
from caviar.errors import StudyError
from caviar.given import seed, shown, values_by_name
from caviar.records.store import Store
from caviar.search.augmentations import check_augmentations
from caviar.search.space import Space
from caviar.study import disk, keeping
from caviar.study.arguments import check_batches, check_space_given, check_trainable, checked_base_error, checked_metric


@dataclass(frozen=True)
class Given:
    """What a person said of a study; None where they said nothing.

    Args:
        splits, space, seed, metric, base_error, watch, job: as `caviar.study.study.Study` takes them.
    """

    splits: Splits | None
    space: Space | None
    seed: int | None
    metric: str | None
    base_error: float | None
    watch: Any
    job: Mapping[str, Any] | None


def checked(given: Given) -> Given:
    """What was said, where it is of the right types.

    Raises:
        StudyError: the seed, the watcher or the job is none.
    """
    if given.watch is not None and not callable(given.watch):
        raise StudyError(f"'watch' is a function that is called with each look. Got {shown(given.watch)}.")
    return replace(
        given,
        seed=None if given.seed is None else seed(given.seed, StudyError),
        job={} if given.job is None else values_by_name("job", given.job, StudyError),
    )


def store_of(folder: Path, given: Given) -> Store:
    """The record of the study in a folder, begun where there is none.

    Raises:
        StudyError: the folder holds another study, or none and no splits were given.
    """
    if (folder / "study.db").exists():
        store = Store(folder / "study.db")
        named = isinstance(given.metric, str) and given.metric == "rmse"
        same = {"seed": given.seed, "metric": "error" if named else given.metric}
        keeping.check_same(store, folder, given.splits, same)
        _change(store, folder, given)
        return store
    if given.splits is None:
        raise StudyError(
            f"There is no study in '{folder}'. Give the splits of a data set to begin one: "
            "caviar.Study(folder, caviar.split(caviar.read(...)))."
        )
    check_trainable(given.splits, given.space)
    dataset = given.splits.dataset
    check_augmentations(given.space or Space(), dataset.schema)
    check_batches(len(given.splits.train), given.space or Space())
    about = {
        "space": (given.space or Space.default(dataset)).to_dict(),
        "seed": given.seed or 0,
        "metric": checked_metric(given.metric, given.splits),
        "base_error": checked_base_error(given.base_error, dataset.schema.task),
        "job": dict(given.job or {}),
        "choose_spread": _choose_spread(given.splits),
        "disk": disk.wanted(),
    }
    keeping.begin(folder, given.splits, about)
    store = Store(folder / "study.db")
    store.add_findings([dict(found) for found in given.splits.findings])  # known before anything is trained
    return store


def _choose_spread(splits: Splits) -> float | None:
    """Standard deviation, weighted, of the targets that trials are compared on: what R² measures an RMSE against."""
    dataset, rows = splits.dataset, splits.dev[splits.choose]
    weights = None if dataset.weights is None else dataset.weights[rows]
    if dataset.schema.task != "regression" or dataset.targets is None or (weights is not None and not weights.sum()):
        return None
    targets = dataset.targets[rows].astype(np.float64)
    mean = np.average(targets, weights=weights)
    return float(np.sqrt(np.average((targets - mean) ** 2, weights=weights)))


def unfinished(store: Store) -> int | None:
    """The number of the campaign that is still to be done, or None."""
    done = int(store.setting("campaigns_done", 0))
    return done if done < len(store.setting("campaigns", [])) else None


def _change(store: Store, folder: Path, given: Given) -> None:
    """Take over what may differ from one opening of a study to the next."""
    about = store.setting("study")
    if given.base_error is not None:
        error = checked_base_error(given.base_error, about["data"]["schema"]["task"])
        about = {**about, "base_error": error}
        store.set_setting("study", about)
    if given.space is not None:
        change_space(store, folder, given.space)


def change_space(store: Store, folder: Path, space: Space) -> None:
    """Let later searches draw from another space.

    Raises:
        StudyError: a search of the present one is not done.
    """
    check_space_given(space)
    about = store.setting("study")
    if space.to_dict() == about["space"]:
        return
    check_augmentations(space, Schema.from_dict(about["data"]["schema"]))
    if unfinished(store) is not None:
        raise StudyError(
            f"The study in '{folder}' was interrupted, and trials that are still to come belong to its own "
            f"space. Go on with it first (caviar resume {folder}), then search another space."
        )
    store.set_setting("study", {**about, "space": space.to_dict()})
