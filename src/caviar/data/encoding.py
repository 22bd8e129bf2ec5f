"""How a data set becomes inputs of a network: every statistic comes from the train rows given, and from no other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.data.dataset import Dataset
from caviar.data.features import Feature, fit_feature
from caviar.data.scaling import ENCODINGS, bounded, mean_and_scale
from caviar.errors import DataError


@dataclass(frozen=True, eq=False)
class Encoder:
    """What was learnt from train rows: it turns any rows of one schema into inputs.

    Args:
        encoding: how numbers become inputs, one of scaling.ENCODINGS.
        columns: one feature per input column (tables).
        image_shape: height, width, channels (images).
        pixel_mean, pixel_scale: images: x = (pixel − pixel_mean) · pixel_scale, one number for all pixels, so that
            pixels that were constant in training stay harmless.
        target_mean, target_scale: regression: y_standard = (y − target_mean) / target_scale; classification 0, 1.
    """

    encoding: str
    columns: tuple[Feature, ...] = ()
    image_shape: tuple[int, int, int] | None = None
    pixel_mean: float = 0.0
    pixel_scale: float = 1.0
    target_mean: float = 0.0
    target_scale: float = 1.0

    @property
    def features(self) -> int:
        """D, the number of inputs."""
        if self.image_shape is not None:
            return int(np.prod(self.image_shape))
        return sum(len(feature.names) for feature in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of every input [D]."""
        if self.image_shape is None:
            return tuple(name for feature in self.columns for name in feature.names)
        _, width, channels = self.image_shape
        return tuple(
            f"row {at // channels // width} column {at // channels % width}"
            + f" channel {at % channels}" * (channels > 1)
            for at in range(self.features)
        )

    def transform(self, dataset: Dataset, rows: np.ndarray | None = None) -> np.ndarray:
        """The inputs of rows.

        Args:
            dataset: rows of the schema that the encoder was fitted on.
            rows: row numbers, int [n]; None: all.

        Returns:
            float32 [n, D], finite.

        Raises:
            DataError: the data set lacks a column or has images of another shape.
        """
        if self.image_shape is not None:
            pixels = self._flat(dataset)
            picked = pixels if rows is None else pixels[rows]
            return (picked.astype(np.float32) - np.float32(self.pixel_mean)) * np.float32(self.pixel_scale)
        count = dataset.rows if rows is None else len(rows)
        out = np.empty((count, self.features), dtype=np.float32)
        at = 0
        for feature in self.columns:
            if feature.column not in dataset.columns:
                raise DataError(
                    f"'{dataset.name}' lacks the column '{feature.column}'. Read it with the model's schema."
                )
            values = dataset.columns[feature.column]
            width = len(feature.names)
            out[:, at : at + width] = feature.transform(values if rows is None else values[rows])
            at += width
        return out

    def device_inputs(self, dataset: Dataset) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None]:
        """The inputs as they lie on the device, x = (array − shift) · scale.

        Returns:
            array [N, D], float32 for tables (without scale and shift), uint8 for images; scale, shift float32 [D] or
            None.
        """
        if self.image_shape is None:
            return self.transform(dataset), None, None
        scale = np.full(self.features, self.pixel_scale, dtype=np.float32)
        return self._flat(dataset), scale, np.full(self.features, self.pixel_mean, dtype=np.float32)

    def spread(self, inputs: np.ndarray) -> np.ndarray:
        """What one standard deviation of noise is for every input, float32 [D].

        Numbers and dates: that of the input over the train rows; pixels: that of all pixels, which is 1 after scaling.
        Categories, booleans and marks of what is missing take no noise: there is nothing between their values.

        Args:
            inputs: of the train rows, as `device_inputs` gives them.
        """
        if self.image_shape is not None:
            return np.ones(self.features, np.float32)
        taking = [
            feature.kind in ("number", "date") and not (feature.gaps and at == len(feature.names) - 1)
            for feature in self.columns
            for at in range(len(feature.names))
        ]
        deviations = inputs.std(axis=0, dtype=np.float64)
        return np.where(taking, deviations, 0.0).astype(np.float32)

    def _flat(self, dataset: Dataset) -> np.ndarray:
        shape = None if dataset.pixels is None else dataset.pixels.shape[1:]
        if dataset.pixels is None or shape != self.image_shape:
            got = "a table" if shape is None else f"images of shape {shape}"
            raise DataError(f"The model wants images of shape {self.image_shape}, but '{dataset.name}' holds {got}.")
        return dataset.pixels.reshape(dataset.rows, -1)

    def standard_targets(self, targets: np.ndarray) -> np.ndarray:
        """Regression targets as the network sees them: (y − mean) / scale, float64 [n]."""
        return (targets - self.target_mean) / self.target_scale

    def to_arrays(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays, and plain data for JSON, that `from_arrays` turns back."""
        arrays = {f"encoder.{at}.{key}": v for at, one in enumerate(self.columns) for key, v in one.learnt.items()}
        numbers = ("pixel_mean", "pixel_scale", "target_mean", "target_scale")
        plain = {
            "encoding": self.encoding,
            "columns": [one.to_plain() for one in self.columns],
            "image_shape": None if self.image_shape is None else list(self.image_shape),
            **{name: getattr(self, name) for name in numbers},
        }
        return arrays, plain

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], plain: Mapping[str, Any]) -> "Encoder":
        """The encoder that `to_arrays` gave; arrays of other names are passed over."""
        columns = []
        for at, one in enumerate(plain["columns"]):
            head = f"encoder.{at}."
            learnt = {name[len(head) :]: values for name, values in arrays.items() if name.startswith(head)}
            columns.append(Feature.from_plain(one, learnt))
        shape = plain["image_shape"]
        return cls(
            plain["encoding"],
            tuple(columns),
            None if shape is None else (int(shape[0]), int(shape[1]), int(shape[2])),
            *(float(plain[name]) for name in ("pixel_mean", "pixel_scale", "target_mean", "target_scale")),
        )


def fit_encoder(dataset: Dataset, rows: np.ndarray, encoding: str = "standard") -> Encoder:
    """Learn how to encode from some rows alone: changing any other row changes no bit of the result.

    Args:
        dataset: the data.
        rows: the train rows, int [m], m ≥ 1.
        encoding: how numbers become inputs, one of scaling.ENCODINGS; images know one way only.

    Raises:
        DataError: no rows are given, or there is no such encoding.

    >>> from caviar.data.read import read
    >>> iris = read("iris")
    >>> fit_encoder(iris, np.arange(150), "standard").features
    4
    """
    if not len(rows):
        raise DataError("There are no train rows to learn the encoding from. Give at least one.")
    if encoding not in ENCODINGS:
        raise DataError(f"'encoding' must be one of {', '.join(ENCODINGS)}. Got {encoding!r}.")
    mean, scale = 0.0, 1.0
    if dataset.schema.task == "regression" and dataset.targets is not None:
        mean, scale = mean_and_scale(bounded(dataset.targets[rows]))
    if dataset.pixels is not None:
        return _fit_pixels(dataset.pixels, rows, encoding, (mean, scale))
    kept = [column for column in dataset.schema.inputs if column.name in dataset.columns]
    features = [fit_feature(column, dataset.columns[column.name][rows], encoding) for column in kept]
    return Encoder(encoding, tuple(features), target_mean=mean, target_scale=scale)


def _fit_pixels(pixels: np.ndarray, rows: np.ndarray, encoding: str, target: tuple[float, float]) -> Encoder:
    """One mean and one population deviation over all pixels, from their histogram: exact, and no float copy is made."""
    counts = np.zeros(256, dtype=np.int64)
    for start in range(0, len(rows), 4096):
        counts += np.bincount(pixels[rows[start : start + 4096]].reshape(-1), minlength=256)
    values = np.arange(256, dtype=np.float64)
    mean = float((counts * values).sum() / counts.sum())
    deviation = float(np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum()))
    height, width, channels = pixels.shape[1:]
    return Encoder(encoding, (), (height, width, channels), mean, 1.0 / deviation if deviation else 1.0, *target)
