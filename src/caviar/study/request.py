"""What a person asks for on the command line becomes a study that knows its own job, in a folder that is free."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import Any

from caviar.data.read import read
from caviar.data.splits import split
from caviar.errors import CaviarWarning, StudyError
from caviar.given import path
from caviar.search.space import Space
from caviar.study.study import Study

Watch = Callable[[Any], None] | None


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


def check_free(run: Path | None) -> None:
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
    check_free(request.run)
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
