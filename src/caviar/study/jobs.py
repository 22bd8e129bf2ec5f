"""Whole jobs, as the command line runs them: read, split, search or train, finish. Each can be resumed."""

import csv
import io
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np

from caviar.data.read import read
from caviar.data.splits import split
from caviar.errors import CaviarError, CaviarWarning, DataError, StudyError
from caviar.given import path
from caviar.search.parsing import parse_set
from caviar.search.samplers import SAMPLERS
from caviar.search.space import Space
from caviar.study.arguments import check_known, check_minutes, check_rates, check_search
from caviar.study.model import load
from caviar.study.stop import INTERRUPT, Stop
from caviar.study.study import Study

Watch = Callable[[Any], None] | None
DEMO_TRIALS = 256
DEMO_EPOCHS = 50


@dataclass(frozen=True)
class Request:
    """What a person asks for on the command line, whatever the job.

    Args:
        data: a file, a folder, or the name of a sample.
        target, task: the column to predict, and "auto", "classification" or "regression".
        fixed, varied: texts of `--set` and `--vary`.
        epochs, minutes: of a trial; a budget of training time.
        metric, base_error, seed: as `caviar.Study` takes them.
        run: folder of the study; None: a free one in runs/.
        roles: columns that are no inputs, as `caviar.read` takes them.
        no_test: cut train and dev only, 70 to 30.
    """

    data: str
    target: str | None = None
    task: str = "auto"
    fixed: tuple[str, ...] = ()
    varied: tuple[str, ...] = ()
    epochs: int = 50
    minutes: float | None = None
    metric: str | None = None
    base_error: float | None = None
    seed: int = 0
    run: Path | None = None
    roles: Mapping[str, Any] = field(default_factory=dict)
    no_test: bool = False


@dataclass(frozen=True)
class How:
    """How a search is done.

    Args:
        trials: configurations to try.
        stopping: "halving", "patience" or "none".
        sampler: a key of `caviar.search.samplers.SAMPLERS`.
        start_from: folder of an earlier study, whose best are tried first.
        patience, twins: as `Study.search` takes them.
        probes: whether every layer is measured at every epoch.
    """

    trials: int = 256
    stopping: str = "halving"
    sampler: str = "random"
    start_from: Path | None = None
    patience: int | None = None
    twins: bool = True
    probes: bool = True


def search(request: Request, how: How, *, watch: Watch) -> Study:
    """`caviar search`: a study in a new folder, finished where nothing interrupts it.

    Raises:
        CaviarError: something given is not allowed; then nothing is written.
        Stop: Ctrl-C; the study is stored.
    """
    rule = None if how.stopping == "none" else how.stopping
    check_search(how.trials, request.epochs, rule, request.minutes, how.patience)
    check_known("sampler", how.sampler, list(SAMPLERS))
    _check_twins(how.twins, how.patience)
    arguments: dict[str, Any] = {"trials": how.trials, "epochs": request.epochs, "stopping": rule}
    arguments |= {"minutes": request.minutes, "sampler": how.sampler}
    arguments |= {"patience": how.patience, "twins": how.twins, "probes": how.probes}
    if how.start_from is not None:
        _check_earlier(how.start_from)
        arguments["start_from"] = str(how.start_from.absolute())
    options: dict[str, Any] = {"stopping": how.stopping, "sampler": how.sampler, "start_from": how.start_from}
    options |= {"patience": how.patience, "no_twins": None if how.twins else True}
    options["probes"] = how.probes
    return _do(begin(request, "search", arguments, watch, **options))


def _check_twins(twins: bool, patience: int | None) -> None:
    """Refuse to leave out what is not done anyway."""
    if not twins and patience is None:
        raise StudyError(
            "'--no-twins' leaves out the comparison with what patience stopped, and nothing has patience. "
            "Give --patience too, or leave it out."
        )


def _check_earlier(run: Path) -> None:
    """Refuse to start from a study that has no best trial, before anything is written."""
    earlier = open_existing(run)
    try:
        earlier.best_trial  # noqa: B018 it may refuse
    except StudyError as error:
        raise StudyError(f"There is nothing to start from in '{run}': none of its networks can be used.") from error
    finally:
        earlier.store.close()


def train(request: Request, *, watch: Watch, patience: int | None = None, twins: bool = True) -> Study:
    """`caviar train`: one network.

    Raises:
        CaviarError, Stop: as for `search`.
    """
    check_search(1, request.epochs, None, request.minutes, patience)
    _check_twins(twins, patience)
    arguments = {"epochs": request.epochs, "minutes": request.minutes, "patience": patience, "twins": twins}
    options = {"patience": patience, "no_twins": None if twins else True}
    return _do(begin(request, "train", arguments, watch, **options))


def find_learning_rate(request: Request, arguments: Mapping[str, Any]) -> Study:
    """`caviar find-learning-rate`: a study in a new folder with its learning rates; its test set stays sealed.

    Args:
        arguments: of `Study.find_learning_rate`, but for the configuration.

    Raises:
        CaviarError: something given is not allowed; then nothing is written.
    """
    check_rates(**arguments)
    if any(parse_set(text)[0] == "learning_rate" for text in request.fixed):
        raise StudyError("The learning rate is what is searched for. Leave it out of --set; --low and --high bound it.")
    run = request.run or free_folder("run")
    missing = [folder for folder in (run, *run.parents) if not folder.exists()]
    study = begin(request, "find_learning_rate", arguments, None, **arguments)
    try:
        study.find_learning_rate(**arguments)
    except BaseException:
        study.store.close()
        _take_back(study.folder, missing)
        raise
    return study


def _take_back(folder: Path, missing: Sequence[Path]) -> None:
    """Empty the folder of a study that has come to nothing; what was missing before is missing again."""
    for entry in folder.iterdir():  # a new study begins in an empty folder, so all of it is the study's
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for above in (folder, *missing) if missing else ():
        with suppress(OSError):  # gone already, or another study's by now
            above.rmdir()


def demo(*, run: Path | None, seed: int, watch: Watch) -> Study:
    """`caviar demo`: the main job on scikit-learn's handwritten digits."""
    request = Request("digits", epochs=DEMO_EPOCHS, seed=seed, run=run or free_folder("demo"))
    return search(request, How(DEMO_TRIALS), watch=watch)


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
    if study.job.get("kind") == "babysit" and not study.sealed and study.unfinished() is None:
        told = f"caviar babysit {study.folder}"
        raise StudyError(f"This study is trained by hand. Go on with {told}, or end it with {told} --finish.")
    try:
        if study.job.get("kind") == "find_learning_rate" and not study.campaigns:
            if "learning_rates" not in study.results:
                study.find_learning_rate(**study.job["arguments"])
            return study
        if not study.campaigns and study.job:
            work = study.search if study.job["kind"] == "search" else study.train
            work(**{**study.job["arguments"], **({} if minutes is None else {"minutes": minutes})})
        elif not study.sealed:
            study.resume(minutes)
        return study if study.sealed else study.finish()
    except KeyboardInterrupt:
        raise Stop(INTERRUPT, study, at_once=True) from None


def _options(**given: Any) -> list[str]:
    """Options of the command that differ from their defaults, as words."""
    usual: dict[str, Any] = {"task": "auto", "stopping": "halving", "sampler": "random", "probes": True}
    usual |= {"low": 1e-6, "high": 10.0, "rates": 64, "seeds": 4, "steps": 100, "rounds": 3, "epochs": 50}
    return [
        word
        for name, value in given.items()
        if value is not None and usual.get(name) != value
        for word in _words(name.replace("_", "-"), value)
    ]


def _words(name: str, value: Any) -> list[str]:
    """An option with its value, or a switch."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no-{name}"]
    return [f"--{name}", str(value)]


def _role_options(roles: Mapping[str, Any]) -> list[str]:
    pairs = [(name, value) for name, given in roles.items() for value in ([given] if isinstance(given, str) else given)]
    return [word for name, value in pairs for word in (f"--{name}", str(value))]


def open_existing(run: Path, watch: Watch = None) -> Study:
    """A study that is there.

    Raises:
        StudyError: there is none.
    """
    if not (path("The folder of a study", run, StudyError) / "study.db").exists():
        near = ""
        if run.parent.is_dir():
            found = sorted(found.parent.name for found in run.parent.glob("*/study.db"))
            near = f" In '{run.parent}' there are: {', '.join(found[:10])}." if found else ""
        raise StudyError(f"There is no study in '{run}'.{near}")
    return Study(run, watch=watch)


def _check_free(run: Path | None) -> None:
    """Before anything is read, which may take a while."""
    if run is not None and (path("The folder of a study", run, StudyError) / "study.db").exists():
        raise StudyError(
            f"'{run}' holds a study already. Go on with it (caviar resume {quote(str(run))}), "
            "or choose another folder with --run."
        )


def begin(request: Request, kind: str, arguments: Mapping[str, Any], watch: Watch, **options: Any) -> Study:
    """A new study that knows its own job.

    Args:
        options: of the command, beside those of the request.
    """
    _check_free(request.run)
    dataset = read(request.data, target=request.target, task=request.task, **request.roles)
    space = Space.default(dataset).with_options(request.fixed, request.varied)
    splits = split(dataset, seed=request.seed, test=0 if request.no_test else None)
    told = {"task": request.task, "metric": request.metric, "base_error": request.base_error}
    job = {
        "kind": kind,
        "data": request.data,
        "target": request.target,
        "options": [
            *(["--no-test"] if request.no_test else []),
            *_options(**told, minutes=request.minutes, **options),
            *(word for text in request.fixed for word in ("--set", text)),
            *(word for text in request.varied for word in ("--vary", text)),
            *_role_options(request.roles),
        ],
        "fixed": list(request.fixed),
        "varied": list(request.varied),
        "arguments": dict(arguments),
    }
    study = Study(
        request.run or free_folder(dataset.name),
        splits,
        space=space,
        seed=request.seed,
        metric=request.metric,
        base_error=request.base_error,
        watch=watch,
        job=job,
    )
    for found in splits.findings:
        if found["severity"] in ("problem", "warning"):
            warnings.warn(f"{found['code']} {found['severity']}: {found['message']}", CaviarWarning, stacklevel=2)
    return study


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
