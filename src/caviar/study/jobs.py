"""Whole jobs, as the command line runs them: read, split, search or train, finish. Each can be resumed."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caviar.errors import StudyError
from caviar.search.parsing import parse_set
from caviar.search.samplers import SAMPLERS
from caviar.study.arguments import check_known, check_minutes, check_rates, check_search
from caviar.study.request import Request, Watch, begin, free_folder, open_existing
from caviar.study.stop import INTERRUPT, Stop
from caviar.study.study import Study

DEMO_TRIALS = 256
DEMO_EPOCHS = 50


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
