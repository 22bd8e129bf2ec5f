"""What a study's folder holds beside the database: the data, the split, the weights of the best."""

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.read import read
from caviar.data.splits import Splits
from caviar.errors import DataError, StudyError
from caviar.given import shown
from caviar.records import beside, checkpoints
from caviar.records.store import Store
from caviar.study import disk
from caviar.study.kept import Kept, Rows, arrays_of, kept_of, thin_out
from caviar.version import __version__


def begin(folder: Path, splits: Splits, about: Mapping[str, Any]) -> None:
    """A new study's folder, with its split, and its data where that lives in memory alone.

    Raises:
        StudyError: the folder holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise StudyError(f"'{folder}' is a file, and a study is a folder. Choose another name.")
    if folder.resolve() == Path.cwd():
        raise StudyError(f"A study has a folder of its own, and '{folder}' is the present one. Choose another.")
    if folder.exists() and any(folder.iterdir()):
        raise StudyError(f"The folder '{folder}' is not empty and holds no study. Choose another folder.")
    # Made aside and renamed: a process killed here leaves no half of a study behind under the folder's name.
    aside = folder.absolute().with_name(f".{folder.name or 'study'}.{os.getpid()}.part")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        aside.mkdir(parents=True)
        _fill(aside, splits, about)
        aside.replace(folder)
    except OSError as error:
        raise StudyError(f"The folder '{folder}' cannot be made: {error.strerror}. Choose another place.") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fill(folder: Path, splits: Splits, about: Mapping[str, Any]) -> None:
    dataset = splits.dataset
    if dataset.source.get("kind") != "file":
        dataset.save(folder / "data")
    arrays = {name: getattr(splits, name) for name in ("train", "dev", "test", "train_dev", "choose")}
    plain = {
        "seed": splits.seed,
        "method": splits.method,
        "findings": [dict(f) for f in splits.findings],
        "fingerprint": dataset.fingerprint,
        "source": dict(dataset.source),
        "name": dataset.name,
    }
    sha = checkpoints.save(folder / "split", arrays, plain)
    with Store(folder / "study.db") as store:
        store.set_setting("split", sha)
        store.set_setting("study", {**about, "created": time.time(), "version": __version__, "data": _describe(splits)})


def _describe(splits: Splits) -> dict[str, Any]:
    """What a report says about the data, so that it can be read without the data."""
    dataset = splits.dataset
    return {
        "name": dataset.name,
        "rows": dataset.rows,
        "schema": dataset.schema.to_dict(),
        "notes": list(dataset.notes),
        "splits": splits.summary(),
        "source": dict(dataset.source),
        "fingerprint": dataset.fingerprint,
        "class_shares": _class_shares(dataset),
    }


def _class_shares(dataset: Dataset) -> dict[str, float]:
    if dataset.schema.task != "classification":
        return {}
    assert dataset.targets is not None, "a study's data has a target"
    counts = np.bincount(dataset.targets, minlength=len(dataset.schema.classes))
    return {name: float(count / dataset.rows) for name, count in zip(dataset.schema.classes, counts, strict=True)}


def splits_of(store: Store, folder: Path) -> Splits:
    """The split of a study with its data read again.

    Raises:
        StudyError: the data is gone or has changed.
    """
    arrays, plain = checkpoints.load(folder / "split", store.setting("split"))
    try:
        dataset = Dataset.load(folder / "data") if (folder / "data").exists() else _read_again(plain["source"])
    except DataError as error:
        raise StudyError(f"The data of this study cannot be read again: {error}") from error
    if dataset.fingerprint != plain["fingerprint"]:
        raise StudyError(
            f"The data '{plain['name']}' has changed since this study began, so going on would mix two data sets. "
            "Put the old data back, or begin a new study in another folder."
        )
    return Splits(
        dataset=dataset, seed=plain["seed"], method=plain["method"], findings=tuple(plain["findings"]), **arrays
    )


def _read_again(source: Mapping[str, Any]) -> Dataset:
    options = {name: value for name, value in source.items() if name not in ("kind", "path")}
    return read(source["path"], **options)


def check_same(store: Store, folder: Path, splits: Splits | None, given: Mapping[str, Any]) -> None:
    """Refuse to open a study with other data, seed or metric than it was begun with.

    Raises:
        StudyError: they differ.
    """
    about = store.setting("study")
    if about is None:
        raise StudyError(f"'{folder / 'study.db'}' was never finished being made. Remove the folder and begin again.")
    if splits is not None:
        _, plain = checkpoints.load(folder / "split", store.setting("split"))
        same = splits.dataset.fingerprint == plain["fingerprint"] and splits.seed == plain["seed"]
        if not same:
            raise StudyError(
                f"The folder '{folder}' holds a study of other data ('{plain['name']}') or of another split. "
                "Choose another folder, or open it without giving splits."
            )
    for name, value in given.items():
        if value is not None and (not isinstance(value, int | str) or value != about[name]):
            raise StudyError(f"The study in '{folder}' was begun with {name} {about[name]!r}. Got {shown(value)}.")


def check_signature(store: Store, now: dict[str, Any]) -> None:
    """Note where a study goes on under another signature: from there its bits are equal to rounding only.

    Campaigns use as many devices as they have work for, so their number alone says nothing; where it matters, the
    replay finds it.
    """
    signatures = store.setting("signatures", [])
    before = signatures[-1]["signature"] if signatures else now
    if not signatures or before != now:
        store.set_setting("signatures", [*signatures, {"tick": store.tick(0), "signature": now}])
    if {**before, "devices": 0} != {**now, "devices": 0}:
        say_rounding(store, store.tick(0) + 1)


def say_rounding(store: Store, tick: int) -> None:
    """Note that from a tick on the study equals one that never stopped to rounding only."""
    store.set_setting("to_rounding", [*store.setting("to_rounding", []), tick])


def save_weights(
    store: Store, folder: Path, kept: Mapping[int, Kept], rows: Mapping[int, Rows], ended: range | None = None
) -> None:
    """Write the best trials' weights and all trials' per-row records, together with those of earlier campaigns.

    Of earlier campaigns the best are kept that fit into the study's budget of disk.

    Args:
        ended: trials of a campaign that has ended: what was written of them while it ran is forgotten.
    """
    old_kept, old_rows = load_weights(store, folder)
    for number in ended or ():
        old_kept.pop(number, None)
        old_rows.pop(number, None)
    thin_out(old_kept, len(old_kept), disk.for_weights(store))
    whole = {**old_kept, **kept}
    if not whole:
        return
    told: dict[int, Rows] = {**old_rows, **rows}
    arrays, plain = arrays_of(whole, told)
    old = store.artefacts("best_weights")
    sha = beside.add(store, "best_weights", folder / "weights", arrays, plain, {"trials": sorted(whole)})
    for artefact in old:
        if artefact.sha256 != sha:
            beside.remove(store, folder, artefact)


def load_weights(store: Store, folder: Path) -> tuple[dict[int, Kept], dict[int, Rows]]:
    """What `save_weights` wrote: best weights, and per-row records, by trial."""
    found = store.artefacts("best_weights")
    if not found:
        return {}, {}
    arrays, plain = checkpoints.load(folder / "weights", found[-1].sha256)
    return kept_of(arrays, plain)
