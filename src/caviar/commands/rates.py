"""The command that searches for learning rates."""

from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from caviar.commands.options import Data, Json, Run, Seed, Sets, Source, Target
from caviar.commands.speaking import print_json, print_text


@dataclass(frozen=True)
class Rates:
    """Which learning rates are tried, and how."""

    low: Annotated[float, typer.Option("--low", help="the smallest learning rate to try")] = 1e-6
    high: Annotated[float, typer.Option("--high", help="the largest learning rate to try")] = 10.0
    rates: Annotated[int, typer.Option("--rates", help="how many, evenly spread on a logarithmic axis")] = 64
    seeds: Annotated[int, typer.Option("--seeds", help="trainings of each rate")] = 4
    steps: Annotated[int, typer.Option("--steps", help="updates of each training of the first round")] = 100
    rounds: Annotated[
        int, typer.Option("--rounds", help="in each the best third of the rates goes on, three times as long")
    ] = 3
    epochs: Annotated[int, typer.Option("--epochs", help="of the training to come; no round is longer")] = 50


@dataclass(frozen=True)
class Where:
    """Which target, for which network, and where the result goes; as for every command that trains."""

    target: Target = None
    set_: Sets = None
    seed: Seed = 0
    run: Run = None
    json_: Json = False


def find_learning_rate(data: Data, where: Where, source: Source, asked: Rates) -> None:
    """Train at many learning rates at once, the best of them longer, and say which range learns."""
    from caviar.report.page import write_report
    from caviar.study import jobs
    from caviar.study.learning_rates import LearningRates
    from caviar.study.request import Request

    request = Request(
        data,
        target=where.target,
        task=source.task,
        fixed=tuple(where.set_ or ()),
        seed=where.seed,
        run=where.run,
        roles=source.roles(),
    )
    study = jobs.find_learning_rate(request, asdict(asked))
    path = write_report(study)
    found = study.results["learning_rates"]
    if where.json_:
        print_json({"run": str(study.folder), **found, "report": str(path)})
    else:
        print_text(f"{LearningRates.from_dict(found)}\n\nReport: {path}")
    study.store.close()
