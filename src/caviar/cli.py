"""The command line: every command is a few calls of the rooms below."""

import json
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from caviar.errors import CaviarError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

Data = Annotated[
    str, typer.Argument(metavar="DATA", help="CSV, Parquet, NPZ, a folder of images or MNIST files, or digits, wine, …")
]
Target = Annotated[str | None, typer.Option("--target", metavar="COL", help="the column to predict")]
Task = Annotated[str, typer.Option("--task", help="auto, classification or regression")]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="fix a hyperparameter")]
Vary = Annotated[
    list[str] | None,
    typer.Option("--vary", metavar="NAME=LOW..HIGH[:log|one_minus_log]", help="search over a range, or NAME=a,b,c"),
]
Ignore = Annotated[
    list[str] | None, typer.Option("--ignore", metavar="COL", help="leave a column out (repeat for more)")
]
Group = Annotated[str | None, typer.Option("--group", metavar="COL", help="rows of one group stay in one set")]
Time = Annotated[
    str | None, typer.Option("--time", metavar="COL", help="split by time: the latest rows are the test set")
]
Weight = Annotated[str | None, typer.Option("--weight", metavar="COL", help="how much each row counts")]
Split = Annotated[str | None, typer.Option("--split", metavar="COL", help="a column that says train, dev or test")]
Epochs = Annotated[int, typer.Option("--epochs", min=1, help="epochs of a trial that is not stopped")]
Minutes = Annotated[float | None, typer.Option("--minutes", help="budget of training time")]
Metric = Annotated[str | None, typer.Option("--metric", help="what trials are compared by: error or log_loss")]
BaseError = Annotated[
    float | None, typer.Option("--base-error", help="error of the best possible predictor (0.01 is 1 %)")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="of everything random: the same seed, the same study")]
Run = Annotated[Path | None, typer.Option("--run", metavar="DIR", help="folder of the study (default: runs/NAME)")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object on standard output and nothing else there")]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="a model's file, such as RUN/best.caviar")]
Existing = Annotated[Path, typer.Argument(metavar="RUN", help="folder of a study")]


def _version(asked: bool) -> None:
    if asked:
        from caviar.version import __version__

        print(f"caviar {__version__}")
        raise typer.Exit


@app.callback()
def whole(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Trains hundreds of variants of a neural network at once and measures what makes it better."""


def _says(command: Callable[..., Any]) -> Callable[..., Any]:
    """A CaviarError becomes its sentence on standard error and exit code 2."""

    @wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:
        try:
            command(*arguments, **options)
            sys.stdout.flush()
        except CaviarError as error:
            _fail(str(error))
        except KeyboardInterrupt:
            _fail("Stopped.", 130)
        except BrokenPipeError:
            # The reader has seen enough. What is still buffered goes nowhere, or Python would complain at its exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            _fail(f"The system refused: {error}. Check the disk and the rights, then try again.")

    return run


def _fail(sentence: str, code: int = 2) -> NoReturn:
    print(f"caviar: {sentence}", file=sys.stderr)
    raise SystemExit(code)


@app.command()
@_says
def search(
    data: Data,
    target: Target = None,
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="configurations to try; the first is a strong default")
    ] = 256,
    epochs: Epochs = 50,
    minutes: Minutes = None,
    set_: Sets = None,
    vary: Vary = None,
    metric: Metric = None,
    base_error: BaseError = None,
    seed: Seed = 0,
    run: Run = None,
    json_: Json = False,
    task: Task = "auto",
    stopping: Annotated[str, typer.Option("--stopping", help="halving or none")] = "halving",
    ignore: Ignore = None,
    group: Group = None,
    time: Time = None,
    weight: Weight = None,
    split: Split = None,
) -> None:
    """Train hundreds of networks at once, keep the best, say what holds it back."""
    from caviar.study import jobs

    jobs_run(
        lambda watch: jobs.search(
            data,
            target=target,
            task=task,
            trials=trials,
            epochs=epochs,
            minutes=minutes,
            fixed=set_ or [],
            varied=vary or [],
            metric=metric,
            base_error=base_error,
            seed=seed,
            run=run,
            stopping=stopping,
            watch=watch,
            roles=_roles(ignore, group, time, weight, split),
        ),
        json_,
    )


@app.command()
@_says
def train(
    data: Data,
    target: Target = None,
    set_: Sets = None,
    epochs: Epochs = 50,
    minutes: Minutes = None,
    metric: Metric = None,
    base_error: BaseError = None,
    seed: Seed = 0,
    run: Run = None,
    json_: Json = False,
    task: Task = "auto",
    ignore: Ignore = None,
    group: Group = None,
    time: Time = None,
    weight: Weight = None,
    split: Split = None,
) -> None:
    """Train one network."""
    from caviar.study import jobs

    jobs_run(
        lambda watch: jobs.train(
            data,
            target=target,
            task=task,
            fixed=set_ or [],
            epochs=epochs,
            minutes=minutes,
            metric=metric,
            base_error=base_error,
            seed=seed,
            run=run,
            watch=watch,
            roles=_roles(ignore, group, time, weight, split),
        ),
        json_,
    )


@app.command()
@_says
def demo(run: Run = None, seed: Seed = 0, json_: Json = False) -> None:
    """The main job on scikit-learn's digits: 256 networks, a report, a model."""
    from caviar.study import jobs

    jobs_run(lambda watch: jobs.demo(run=run, seed=seed, watch=watch), json_)


@app.command()
@_says
def resume(run: Existing, minutes: Minutes = None, json_: Json = False) -> None:
    """Go on with a study that was stopped or killed."""
    from caviar.study import jobs

    jobs_run(lambda watch: jobs.resume(run, minutes=minutes, watch=watch), json_)


@app.command()
@_says
def status(run: Existing, json_: Json = False) -> None:
    """How far a study is."""
    from caviar.study.jobs import open_existing
    from caviar.study.summary import summary

    study = open_existing(run)
    found = summary(study)
    if json_:
        _print_json(found)
        return
    from caviar.report.page import page_of
    from caviar.report.text import summary as study_text

    print(f"{found['run']}: {found['state']}\n")
    _print_text(study_text(page_of(study)))


@app.command()
@_says
def report(run: Existing, json_: Json = False) -> None:
    """Write the study's page anew."""
    from caviar.report.page import write_report
    from caviar.study.jobs import open_existing
    from caviar.study.summary import summary

    study = open_existing(run)
    path = write_report(study)
    if json_:
        _print_json({**summary(study), "report": str(path)})
    else:
        print(path)


@app.command()
@_says
def predict(
    model: ModelFile,
    data: Data,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE.csv", help="write there instead of printing")
    ] = None,
    probabilities: Annotated[
        bool, typer.Option("--probabilities", help="a column of probability for each class")
    ] = False,
) -> None:
    """Predict every row of new data with a saved model."""
    from caviar.study.jobs import predict_table

    text = predict_table(model, data, probabilities)
    if output is None:
        sys.stdout.write(text)
        return
    aside = output.with_name(output.name + ".part")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(output)
    except OSError as error:
        raise CaviarError(
            f"The predictions cannot be written to '{output}': {error.strerror}. Choose another place."
        ) from error


@app.command()
@_says
def evaluate(model: ModelFile, data: Data, json_: Json = False) -> None:
    """Compare a saved model's predictions with the truth."""
    from caviar.study.model import load

    found = load(model).evaluate(data)
    found.pop("row_errors")
    if json_:
        _print_json(found)
        return
    for name, value in found.items():
        print(f"{name:>16}  {value:.6g}" if isinstance(value, float) else f"{name:>16}  {value}")


def _roles(
    ignore: list[str] | None, group: str | None, time: str | None, weight: str | None, split: str | None
) -> dict[str, Any]:
    """Which columns are not inputs, as `caviar.read` takes them."""
    given = {"ignore": tuple(ignore or ()), "group": group, "time": time, "weight": weight, "split": split}
    return {name: value for name, value in given.items() if value}


def jobs_run(job: Callable[[Any], Any], as_json: bool) -> None:
    """Run a job with live progress, write its report, print its summary."""
    from caviar.report.page import write_report
    from caviar.report.progress import Progress
    from caviar.study.stop import Stop
    from caviar.study.summary import summary

    stopped = None
    with Progress(quiet=as_json) as progress:
        try:
            study = job(progress)
        except Stop as stop:
            study, stopped = stop.study, stop
    if stopped is not None:
        _say_stopped(stopped)
    for tick in study.store.setting("to_rounding", [])[:1]:
        print(f"This study equals one that was never stopped to rounding only, from tick {tick} on.", file=sys.stderr)
    path = write_report(study)
    found = {**summary(study), "report": str(path)}
    if as_json:
        _print_json(found)
    else:
        from caviar.report.page import page_of
        from caviar.report.text import summary as study_text

        _print_text(study_text(page_of(study)))
        print(f"\nReport: {found['report']}\nModel:  {found['model'] or 'none yet'}")
    study.store.close()
    if stopped is not None:
        raise SystemExit(130)


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


def _print_text(text: str) -> None:
    """Lines for a person: on a terminal none is wider than it; a file gets them whole."""
    print(_fitted(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text)


def _fitted(text: str, width: int) -> str:
    """Sentences broken at blanks, rows of a table (which have blanks in a row) cut at the right."""
    lines = []
    for line in text.split("\n"):
        if len(line) <= width:
            lines.append(line)
        elif "  " in line:
            lines.append(line[: width - 1] + "…")
        else:
            lines += textwrap.wrap(line, width, subsequent_indent="  ", break_long_words=False)
    return "\n".join(lines)


def _print_json(found: Any) -> None:
    from caviar.study.summary import clean

    json.dump(clean(found), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def main() -> None:
    """The console script."""
    try:
        app()
    except SystemExit as end:
        # A program that still compiles in the background would keep the process, some seconds, from ending.
        if "caviar.training.compiling" in sys.modules:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code if isinstance(end.code, int) else int(end.code is not None))
        raise


if __name__ == "__main__":
    main()
