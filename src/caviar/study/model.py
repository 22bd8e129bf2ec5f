"""A model that a person takes away: one file with everything from raw columns to predictions, without JAX."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset, Schema
from caviar.data.encoding import Encoder
from caviar.data.read import read_like
from caviar.errors import DataError, ModelError
from caviar.given import path as checked_path
from caviar.given import shown
from caviar.networks.metrics import METRICS
from caviar.records import model_file
from caviar.records.forward import forward, probabilities

_ENCODER = "encoder."


class Model:
    """A trained network with the schema and statistics of its data.

    Args:
        arrays: of the network, cut to its own widths.
        about: "network", "schema", "encoder", "trial", "versions" … as plain data.
        encoder: from raw columns to inputs.

    >>> Model.load("best.caviar").predict("new.csv")  # doctest: +SKIP
    """

    def __init__(self, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any], encoder: Encoder) -> None:
        self.arrays = dict(arrays)
        self.about = dict(about)
        self.encoder = encoder
        self.schema = Schema.from_dict(about["schema"])

    def __repr__(self) -> str:
        """What it predicts, and by which layers."""
        hidden = self.about["network"]["hidden"]
        layers = f"hidden layers of {'-'.join(map(str, hidden))} units" if hidden else "no hidden layer"
        what = f"{len(self.classes)} classes" if self.classes else "numbers"
        return f"<Model of '{self.about.get('data', '')}': '{self.schema.target}', {what}, {layers}>"

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return self.schema.task

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of the probabilities."""
        return self.schema.classes

    @property
    def weights_at_zero(self) -> float:
        """The share of weights (biases do not count) that are exactly 0, as L1 makes them."""
        weights = [array for name, array in self.arrays.items() if name.startswith("weights.")]
        return sum(int((array == 0).sum()) for array in weights) / sum(array.size for array in weights)

    # ---- files ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write the model as one file (safetensors and JSON, never pickle).

        Raises:
            ModelError: it cannot be written there.
        """
        path = checked_path("A model", path, ModelError)
        arrays, plain = self.encoder.to_arrays()
        whole = {**self.arrays, **{_ENCODER + name: array for name, array in arrays.items()}}
        return model_file.save(path, whole, {**self.about, "encoder": plain})

    @classmethod
    def load(cls, path: str | Path) -> "Model":
        """The model of a file. Nothing from the file is executed.

        Raises:
            ModelError: there is no such file, or it is not a model.
        """
        whole, about = model_file.load(checked_path("A model", path, ModelError))
        own = {name[len(_ENCODER) :]: array for name, array in whole.items() if name.startswith(_ENCODER)}
        arrays = {name: array for name, array in whole.items() if not name.startswith(_ENCODER)}
        try:
            return cls(arrays, about, Encoder.from_arrays(own, about["encoder"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"'{path}' lacks a part of a model ({error}). Save it anew.") from error

    # ---- predicting ----------------------------------------------------------------------------------------------

    def dataset(self, source: Any) -> Dataset:
        """New data in the model's schema; a data set passes through."""
        return source if isinstance(source, Dataset) else read_like(source, self.schema)

    def outputs(self, source: Any, rows: np.ndarray | None = None) -> np.ndarray:
        """What the network gives before the softmax, float32 [n, C]."""
        dataset = self.dataset(source)
        return forward(self.arrays, self.about, self.encoder.transform(dataset, _checked_rows(rows, dataset.rows)))

    def predict_probabilities(self, source: Any, rows: np.ndarray | None = None) -> np.ndarray:
        """Probability of each class, [n, C].

        Raises:
            ModelError: the model predicts numbers.
        """
        if self.task != "classification":
            raise ModelError("This model predicts numbers, which have no probabilities. Use predict.")
        return probabilities(self.outputs(source, rows), self.about["network"]["output"])

    def predict(self, source: Any, rows: np.ndarray | None = None) -> np.ndarray:
        """Class names (as text) or numbers in the target's own units, [n].

        Args:
            source: anything that `caviar.read` takes; the target may be missing.
            rows: only these rows.
        """
        if self.task == "classification":
            return np.asarray(self.classes, dtype=object)[self.outputs(source, rows).argmax(axis=1)]
        return self.in_units(self.outputs(source, rows))

    def in_units(self, outputs: np.ndarray) -> np.ndarray:
        """Standardised outputs [n, 1] in the target's units, float64 [n]."""
        return outputs[:, 0].astype(np.float64) * self.encoder.target_scale + self.encoder.target_mean

    def evaluate(self, source: Any, rows: np.ndarray | None = None) -> dict[str, Any]:
        """Every metric on rows whose target is known.

        Returns:
            {"error": the share misclassified or the RMSE, "examples": n, and the other metrics by name}.

        Raises:
            DataError: the data has no target column, or no row with a known target.
        """
        dataset = self.dataset(source)
        if dataset.targets is None:
            raise DataError(
                f"'{dataset.name}' has no target column '{self.schema.target}' with values that this model knows"
                f"{self._known()}, so there is nothing to compare with. Add the column, or use predict."
            )
        rows = _checked_rows(rows, dataset.rows)
        rows = np.arange(dataset.rows) if rows is None else rows
        targets = dataset.targets[rows]
        known = targets >= 0 if self.task == "classification" else np.isfinite(targets)
        rows, targets = rows[known], targets[known]
        if not len(rows):
            raise DataError(f"No row of '{dataset.name}' has a target that this model knows{self._known()}.")
        weights = np.ones(len(rows)) if dataset.weights is None else dataset.weights[rows]
        outputs = self.outputs(dataset, rows)
        if self.task == "classification":
            predicted = probabilities(outputs, self.about["network"]["output"])
        else:
            predicted = self.in_units(outputs)
        found = {name: metric(targets, predicted, weights) for name, metric in METRICS[self.task].items()}
        row_errors = (
            (predicted.argmax(axis=1) != targets).astype(float)
            if self.task == "classification"
            else (predicted - targets) ** 2
        )
        first = {"error": found.get("error", found.get("rmse")), "examples": len(rows)}
        return {**first, **found, "unknown_targets": int((~known).sum()), "row_errors": row_errors}

    def _known(self) -> str:
        shown = ", ".join(self.classes[:10]) + (", …" if len(self.classes) > 10 else "")
        return f" ({shown})" if shown else ""


def _checked_rows(rows: Any, count: int) -> np.ndarray | None:
    """Row numbers, int64 [n], of a list, an array, or a mask [count]; None stands for all.

    Raises:
        DataError: they are none.
    """
    if rows is None:
        return None
    if isinstance(rows, list | tuple | range | np.ndarray):
        with suppress(ValueError):  # lists in it are of unlike lengths
            found = np.asarray(rows, dtype=None if len(rows) else np.int64) if np.ndim(rows) == 1 else np.zeros(0)
            if found.dtype.kind == "b" and len(found) == count:
                return np.flatnonzero(found)
            if found.dtype.kind in "iu" and (not len(found) or (found.min() >= 0 and found.max() < count)):
                return found.astype(np.int64)
    raise DataError(f"'rows' lists numbers of rows, from 0 to {count - 1}, as in rows=[0, 2]. Got {shown(rows)}.")


def load(path: str | Path) -> Model:
    """Open a saved model. See `Model`.

    Raises:
        ModelError: there is no such file, or it is not a model.
    """
    return Model.load(path)
