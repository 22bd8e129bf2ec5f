"""The command line: the commands by name, and the console script."""

import os
import sys
from typing import Annotated

import typer

from caviar.commands import babysit, checks, jobs, models, rates, reading
from caviar.commands.options import expanded
from caviar.commands.speaking import say_in_ascii, says
from caviar.commands.usage import Commands

app = typer.Typer(
    cls=Commands,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


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


# In the order of the help. A command is a function with a docstring; its name, with hyphens, is the command's.
COMMANDS = (
    jobs.search,
    jobs.train,
    babysit.babysit,
    rates.find_learning_rate,
    jobs.demo,
    jobs.resume,
    reading.status,
    reading.report,
    reading.slices,
    reading.notebook,
    models.predict,
    models.evaluate,
    checks.check_gradients,
    checks.check_descent,
)
for _command in COMMANDS:
    app.command()(says(expanded(_command)))


def main() -> None:
    """The console script."""
    say_in_ascii()
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
