"""Whole jobs, as the command line runs them: read, split, search or train, finish. Each can be resumed."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.read import read
from caviar.data.splits import split
from caviar.errors import CaviarError, DataError, StudyError
from caviar.search.space import Space
from caviar.study.arguments import check_minutes, check_search
from caviar.study.model import load
from caviar.study.stop import INTERRUPT, Stop
from caviar.study.study import Study

Watch = Callable[[Any], None] | None
DEMO_TRIALS = 256
DEMO_EPOCHS = 50


def search(
    data: str,
    *,
    target: str | None,
    task: str,
    trials: int,
    epochs: int,
    minutes: float | None,
    fixed: Sequence[str],
    varied: Sequence[str],
    metric: str | None,
    base_error: float | None,
    seed: int,
    run: Path | None,
    stopping: str,
    watch: Watch,
    roles: Mapping[str, Any] | None = None,
) -> Study:
    """`caviar search`: a study in a new folder, finished where nothing interrupts it.

    Raises:
        CaviarError: something given is not allowed; then nothing is written.
        Stop: Ctrl-C; the study is stored.
    """
    rule = None if stopping == "none" else stopping
    check_search(trials, epochs, rule, minutes)
    _check_free(run)
    dataset = read(data, target=target, task=task, **dict(roles or {}))
    space = Space.default(dataset).with_options(fixed, varied)
    options = _options(task=task, metric=metric, base_error=base_error, minutes=minutes, stopping=stopping)
    options += [word for text in fixed for word in ("--set", text)] + [
        word for text in varied for word in ("--vary", text)
    ]
    job = {
        "kind": "search",
        "data": data,
        "target": target,
        "options": [*options, *_role_options(roles)],
        "fixed": list(fixed),
        "varied": list(varied),
        "arguments": {"trials": trials, "epochs": epochs, "stopping": rule, "minutes": minutes},
    }
    return _do(_begin(run, dataset, space, seed=seed, metric=metric, base_error=base_error, watch=watch, job=job))


def train(
    data: str,
    *,
    target: str | None,
    task: str,
    fixed: Sequence[str],
    epochs: int,
    minutes: float | None,
    metric: str | None,
    base_error: float | None,
    seed: int,
    run: Path | None,
    watch: Watch,
    roles: Mapping[str, Any] | None = None,
) -> Study:
    """`caviar train`: one network.

    Raises:
        CaviarError, Stop: as for `search`.
    """
    check_search(1, epochs, None, minutes)
    _check_free(run)
    dataset = read(data, target=target, task=task, **dict(roles or {}))
    space = Space.default(dataset).with_options(fixed)
    options = _options(task=task, metric=metric, base_error=base_error, minutes=minutes)
    options += [word for text in fixed for word in ("--set", text)]
    job = {
        "kind": "train",
        "data": data,
        "target": target,
        "options": [*options, *_role_options(roles)],
        "fixed": list(fixed),
        "varied": [],
        "arguments": {"epochs": epochs, "minutes": minutes},
    }
    return _do(_begin(run, dataset, space, seed=seed, metric=metric, base_error=base_error, watch=watch, job=job))


def demo(*, run: Path | None, seed: int, watch: Watch) -> Study:
    """`caviar demo`: the main job on scikit-learn's handwritten digits."""
    return search(
        "digits",
        target=None,
        task="auto",
        trials=DEMO_TRIALS,
        epochs=DEMO_EPOCHS,
        minutes=None,
        fixed=[],
        varied=[],
        metric=None,
        base_error=None,
        seed=seed,
        run=run or free_folder("demo"),
        stopping="halving",
        watch=watch,
    )


def resume(run: Path, *, minutes: float | None, watch: Watch) -> Study:
    """`caviar resume`: what the interrupted command would have done.

    Raises:
        CaviarError, Stop: as for `search`.
    """
    check_minutes(minutes)
    return _do(open_existing(run, watch=watch), minutes)


def _do(study: Study, minutes: float | None = None) -> Study:
    """What is left of a study's job.

    Raises:
        Stop: Ctrl-C, also while nothing is trained.
    """
    try:
        if not study.campaigns and study.job:
            work = study.search if study.job["kind"] == "search" else study.train
            work(**{**study.job["arguments"], **({} if minutes is None else {"minutes": minutes})})
        elif study.unfinished() is not None:
            study.resume(minutes)
        return study if study.sealed else study.finish()
    except KeyboardInterrupt:
        raise Stop(INTERRUPT, study, at_once=True) from None


def _options(**given: Any) -> list[str]:
    """Options of the command that differ from their defaults, as words."""
    usual = {"task": "auto", "stopping": "halving"}
    return [
        word
        for name, value in given.items()
        if value is not None and usual.get(name) != value
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]


def _role_options(roles: Mapping[str, Any] | None) -> list[str]:
    pairs = [
        (name, value)
        for name, given in (roles or {}).items()
        for value in ([given] if isinstance(given, str) else given)
    ]
    return [word for name, value in pairs for word in (f"--{name}", str(value))]


def open_existing(run: Path, watch: Watch = None) -> Study:
    """A study that is there.

    Raises:
        StudyError: there is none.
    """
    if not (run / "study.db").exists():
        near = ""
        if run.parent.is_dir():
            found = sorted(path.parent.name for path in run.parent.glob("*/study.db"))
            near = f" In '{run.parent}' there are: {', '.join(found[:10])}." if found else ""
        raise StudyError(f"There is no study in '{run}'.{near}")
    return Study(run, watch=watch)


def _check_free(run: Path | None) -> None:
    """Before anything is read, which may take a while."""
    if run is not None and (run / "study.db").exists():
        raise StudyError(
            f"'{run}' holds a study already. Go on with it (caviar resume {run}), or choose another folder with --run."
        )


def _begin(run: Path | None, dataset: Any, space: Space, **options: Any) -> Study:
    splits = split(dataset, seed=options["seed"])
    return Study(run or free_folder(dataset.name), splits, space=space, **options)


def free_folder(name: str) -> Path:
    """runs/NAME, or runs/NAME-2 and on where that is taken.

    >>> free_folder("no such run").as_posix()
    'runs/no-such-run'
    """
    stem = (
        "".join(letter if letter.isalnum() or letter in "._" else "-" for letter in Path(name).name).strip("-.")
        or "run"
    )
    for ending in (".gz", ".csv", ".tsv", ".parquet", ".npz", ".tar"):
        stem = stem.removesuffix(ending)
    folder, number = Path("runs", stem), 2
    while folder.exists():
        folder, number = Path("runs", f"{stem}-{number}"), number + 1
    return folder


def predict_table(model: Path, data: str, probabilities: bool) -> str:
    """Predictions as CSV: a header, then a row for each row of the data.

    Raises:
        CaviarError: the model or the data cannot be read.
    """
    network = load(model)
    dataset = network.dataset(data)
    if not dataset.rows:
        raise DataError(f"'{data}' holds no rows to predict.")
    header, columns = ["prediction"], [network.predict(dataset)]
    if probabilities:
        if network.task != "classification":
            raise CaviarError("This model predicts numbers, which have no probabilities. Leave --probabilities out.")
        shares = network.predict_probabilities(dataset)
        header += [f"probability of {name}" for name in network.classes]
        columns += list(shares.T)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in zip(*columns, strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Shortest text that reads back as the same number."""
    return repr(float(value)) if isinstance(value, float | np.floating) else value
