"""Commands that train: search, train, demo, resume."""

import shlex
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from caviar.commands.options import Asked, CutSource, Data, Existing, Json, Minutes, NoTwins, Patience, Run, Seed, Vary
from caviar.commands.reading import outcome
from caviar.commands.speaking import print_json, print_text
from caviar.errors import CaviarError, NothingUsable


def search(
    data: Data,
    asked: Asked,
    source: CutSource,
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="configurations to try; the first is a strong default")
    ] = 256,
    vary: Vary = None,
    stopping: Annotated[str, typer.Option("--stopping", help="halving, patience or none")] = "halving",
    sampler: Annotated[str, typer.Option("--sampler", help="random, grid or coarse_to_fine")] = "random",
    start_from: Annotated[
        Path | None,
        typer.Option("--start-from", metavar="RUN", help="an earlier study, whose best are tried first"),
    ] = None,
    patience: Patience = None,
    no_twins: NoTwins = False,
    probes: Annotated[
        bool, typer.Option("--probes/--no-probes", help="measure every layer's gradients and units at every epoch")
    ] = True,
) -> None:
    """Train hundreds of networks at once, keep the best, say what holds it back."""
    from caviar.study import jobs

    request = _request(data, asked, source, vary)
    how = jobs.How(trials, stopping, sampler, start_from, patience, not no_twins, probes)
    run_job(lambda watch: jobs.search(request, how, watch=watch), asked.json_)


def train(data: Data, asked: Asked, source: CutSource, patience: Patience = None, no_twins: NoTwins = False) -> None:
    """Train one network."""
    from caviar.study import jobs

    request = _request(data, asked, source)
    run_job(lambda watch: jobs.train(request, watch=watch, patience=patience, twins=not no_twins), asked.json_)


def demo(run: Run = None, seed: Seed = 0, json_: Json = False) -> None:
    """The main job on scikit-learn's digits: 256 networks, a report, a model."""
    from caviar.study import jobs

    run_job(lambda watch: jobs.demo(run=run, seed=seed, watch=watch), json_)


def resume(run: Existing, minutes: Minutes = None, json_: Json = False) -> None:
    """Go on with a study that was stopped or killed."""
    from caviar.study import jobs

    run_job(lambda watch: jobs.resume(run, minutes=minutes, watch=watch), json_)


def _request(data: str, asked: Asked, source: CutSource, varied: list[str] | None = None) -> Any:
    from caviar.study.request import Request

    return Request(
        data,
        target=asked.target,
        task=source.task,
        epochs=asked.epochs,
        minutes=asked.minutes,
        fixed=tuple(asked.set_ or ()),
        varied=tuple(varied or ()),
        metric=asked.metric,
        base_error=asked.base_error,
        seed=asked.seed,
        run=asked.run,
        roles=source.roles(),
        no_test=source.no_test,
    )


def run_job(job: Callable[[Any], Any], as_json: bool) -> None:
    """Run a job with live progress, write its report, print its summary."""
    from caviar.report.page import write_report
    from caviar.report.progress import Progress
    from caviar.study.stop import Stop

    stopped = None
    with Progress(quiet=as_json) as progress:
        try:
            study = job(progress)
        except Stop as stop:
            study, stopped = stop.study, stop
        except NothingUsable as error:
            page = write_report(error.study)  # type: ignore[arg-type]
            raise NothingUsable(f"{error} What each of them did is on the page {page}.") from error
    if stopped is not None:
        _say_stopped(stopped)
    _say_what_happened(study)
    _print_result(study, write_report(study), as_json)
    study.store.close()
    if stopped is not None:
        raise SystemExit(130)


def _say_what_happened(study: Any) -> None:
    """What a person should know of the training itself, on standard error."""
    lost = study.store.setting("lost_checkpoint", "")
    if lost:
        print(f"The last checkpoint could not be kept; training went on without it. {lost}", file=sys.stderr)
    for tick in study.store.setting("to_rounding", [])[:1]:
        print(f"This study equals one that was never stopped to rounding only, from tick {tick} on.", file=sys.stderr)


def _print_result(study: Any, page: Path, as_json: bool) -> None:
    """The study's numbers as JSON, or as a person reads them."""
    from caviar.study.summary import summary

    found = {**summary(study), "report": str(page)}
    if as_json:
        print_json(found)
        return
    print_text(outcome(study))
    print(f"\nReport: {found['report']}\nModel:  {found['model'] or 'none yet'}")


def _say_stopped(stop: Any) -> None:
    """How to go on, on standard error; the best so far becomes the study's model."""
    go_on = f"Go on with: caviar resume {shlex.quote(str(stop.study.folder))}"
    if stop.at_once:
        print(f"Stopped at once; what was committed is kept. {go_on}", file=sys.stderr, flush=True)
        raise SystemExit(130)
    # Nothing usable may have been measured yet.
    with suppress(CaviarError):
        stop.study.best_model()
    print(f"Stopped ({stop.why}); the best so far is kept. {go_on}", file=sys.stderr)
