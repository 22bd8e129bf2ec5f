"""What a saved model predicts, as a table that a person takes away."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from caviar.errors import CaviarError, DataError
from caviar.study.model import load


def predict_table(model: Path, data: str, probabilities: bool) -> str:
    """Predictions as CSV: a header, then a row for each row of the data.

    Raises:
        CaviarError: the model or the data cannot be read.
    """
    network = load(model)
    dataset = network.dataset(data)
    if not dataset.rows:
        raise DataError(f"'{data}' holds no rows to predict.")
    header, columns = ["prediction"], [network.predict(dataset)]
    if probabilities:
        if network.task != "classification":
            raise CaviarError("This model predicts numbers, which have no probabilities. Leave --probabilities out.")
        shares = network.predict_probabilities(dataset)
        header += [f"probability of {name}" for name in network.classes]
        columns += list(shares.T)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in zip(*columns, strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """Shortest text that reads back as the same number."""
    return repr(float(value)) if isinstance(value, float | np.floating) else value
