"""What commands take: arguments and options with their help, each declared once."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

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
NoTest = Annotated[bool, typer.Option("--no-test", help="cut train and dev only, 70 to 30; no error is then unbiased")]
Epochs = Annotated[int, typer.Option("--epochs", min=1, help="epochs of a trial that is not stopped")]
Patience = Annotated[
    int | None, typer.Option("--patience", metavar="N", help="end a training N epochs after its best one")
]
NoTwins = Annotated[
    bool, typer.Option("--no-twins", help="do not compare what patience stopped with the same unstopped, and with L2")
]
Minutes = Annotated[float | None, typer.Option("--minutes", help="budget of training time")]
Metric = Annotated[
    str | None,
    typer.Option("--metric", help="what trials are compared by: error, log_loss, auc, …"),
]
BaseError = Annotated[
    float | None, typer.Option("--base-error", help="error of the best possible predictor (0.01 is 1 %)")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="of everything random: the same seed, the same study")]
Run = Annotated[Path | None, typer.Option("--run", metavar="DIR", help="folder of the study (default: runs/NAME)")]
Json = Annotated[bool, typer.Option("--json", help="print one JSON object on standard output and nothing else there")]
ModelFile = Annotated[Path, typer.Argument(metavar="MODEL", help="a model's file, such as RUN/best.caviar")]
Existing = Annotated[Path, typer.Argument(metavar="RUN", help="folder of a study")]


@dataclass(frozen=True)
class Asked:
    """The options of the commands that train a study to its end; each field's help says what it means."""

    target: Target = None
    epochs: Epochs = 50
    minutes: Minutes = None
    set_: Sets = None
    metric: Metric = None
    base_error: BaseError = None
    seed: Seed = 0
    run: Run = None
    json_: Json = False


@dataclass(frozen=True)
class Source:
    """How a person's data is read: what its columns are."""

    task: Task = "auto"
    ignore: Ignore = None
    group: Group = None
    time: Time = None
    weight: Weight = None
    split: Split = None

    def roles(self) -> dict[str, Any]:
        """Which columns are not inputs, as `caviar.read` takes them."""
        given = {
            "ignore": tuple(self.ignore or ()),
            "group": self.group,
            "time": self.time,
            "weight": self.weight,
            "split": self.split,
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class CutSource(Source):
    """How it is read, and whether a test set is cut from it."""

    no_test: NoTest = False


def expanded(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command whose records of options, such as `Asked`, are options of its own, one for each field.

    Args:
        command: a function; a parameter whose type is a dataclass stands for that dataclass's fields.
    """
    hints = get_type_hints(command, include_extras=True)
    records = {name: hint for name, hint in hints.items() if is_dataclass(hint) and isinstance(hint, type)}
    given = [one for one in inspect.signature(command).parameters.values() if one.name not in records]
    whole = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in given]
    for record in records.values():
        whole += [
            inspect.Parameter(
                one.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=one.default,
                annotation=get_type_hints(record, include_extras=True)[one.name],
            )
            for one in fields(record)
        ]

    @wraps(command)
    def run(**options: Any) -> Any:
        for name, record in records.items():
            options[name] = record(**{one.name: options.pop(one.name) for one in fields(record)})
        return command(**options)

    run.__signature__ = inspect.Signature(whole)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in whole}
    return run
