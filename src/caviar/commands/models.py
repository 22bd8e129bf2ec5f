"""Commands that use a saved model: predict, evaluate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from caviar.commands.options import Data, Json, ModelFile
from caviar.commands.speaking import print_json
from caviar.errors import CaviarError


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


def evaluate(model: ModelFile, data: Data, json_: Json = False) -> None:
    """Compare a saved model's predictions with the truth."""
    from caviar.study.model import load

    found = load(model).evaluate(data)
    found.pop("row_errors")
    if json_:
        print_json(found)
        return
    for name, value in found.items():
        print(f"{name:>16}  {value:.6g}" if isinstance(value, float) else f"{name:>16}  {value}")
