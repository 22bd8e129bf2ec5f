"""Commands that use a saved model: predict, evaluate."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from caviar.commands.options import Data, Json, ModelFile
from caviar.commands.speaking import print_json
from caviar.errors import CaviarError
from caviar.given import path


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
    from caviar.records.tensors import write_whole
    from caviar.study.predictions import predict_table

    if output is not None:
        _check_output(output, model, data)
    text = predict_table(model, data, probabilities)
    if output is None:
        sys.stdout.write(text)
        return
    content = text.encode("utf-8")
    try:
        if output.exists() and not output.is_file():  # a device or a pipe, into which predictions flow
            output.write_bytes(content)
        else:
            write_whole(output, [content])
    except OSError as error:
        raise CaviarError(
            f"The predictions cannot be written to '{output}': {error.strerror}. Choose another place."
        ) from error


def _check_output(output: Path, model: Path, data: str) -> None:
    """Refuse a place where predictions cannot go, or would take the place of what they are made from."""
    if path("The predictions", output, CaviarError).is_dir():
        raise CaviarError(f"The predictions cannot be written to '{output}', which is a folder. Name a file.")
    if output.resolve() in (model.resolve(), Path(data).resolve()):
        raise CaviarError(f"'{output}' is what is read, and predictions would take its place. Choose another --output.")


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
