"""Commands that check a gradient: check-gradients, check-descent. What does not pass ends with exit code 1."""

import sys
from contextlib import redirect_stdout
from typing import Annotated, Any

import typer

from caviar.commands.options import Existing, Json
from caviar.commands.speaking import print_json, print_text


def check_gradients(
    what: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:NAME|RUN[:TRIAL]",
            help="NAME() returns (cost, parameters) or (cost, parameters, gradient), or is a cost whose argument has "
            "its start as default; of a study, a trial at its first and its best weights",
        ),
    ],
    entries: Annotated[int, typer.Option("--entries", min=1, help="entries that are checked one by one")] = 2000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="of the sample and the random directions")] = 0,
    json_: Json = False,
) -> None:
    """Compare a gradient with differences of its cost; exit code 1 where it does not pass."""
    from caviar.study.check_jobs import check_gradients as check

    # What the checked file prints is not the answer.
    with redirect_stdout(sys.stderr):
        found = check(what, entries, seed)
    _tell(found, json_)


def check_descent(
    run: Existing,
    trial: Annotated[int | None, typer.Option("--trial", min=0, help="number of the trial (default: the best)")] = None,
    steps: Annotated[int, typer.Option("--steps", min=1, help="of batch gradient descent")] = 100,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", help="constant (default: the trial's own)")
    ] = None,
    json_: Json = False,
) -> None:
    """Run batch gradient descent: the cost must fall at every step; exit code 1 where it rises."""
    from caviar.study.request import open_existing

    _tell(open_existing(run).check_descent(trial, steps=steps, learning_rate=learning_rate), json_)


def _tell(found: Any, as_json: bool) -> None:
    """The result in words or as one object, and the exit code."""
    if as_json:
        print_json(found.to_dict())
    else:
        print_text(str(found))
    if not found.passed:
        sys.stdout.flush()
        raise SystemExit(1)
