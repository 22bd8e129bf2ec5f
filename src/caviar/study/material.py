"""What cohorts train on: encoded versions of the data and streams, made from a split and kept for the next cohort."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.data.encoding import Encoder, fit_encoder
from caviar.data.hashing import hash_texts, seeded
from caviar.data.splits import Splits
from caviar.data.streams import Stream, make_stream
from caviar.networks.architecture import Architecture, bucket
from caviar.study.spec import CohortSpec, StreamSpec


@dataclass(frozen=True)
class Prepared:
    """One stream with the encoder of its own train rows and the data encoded by it."""

    encoder: Encoder
    version: Any  # training.batches.Version
    stream: Stream
    class_weights: tuple[float, ...]  # what "balanced" gives each class


class Material:
    """Encoders, versions and streams of a split, each made once."""

    def __init__(self, splits: Splits) -> None:
        self.splits = splits
        self._versions: dict[Any, tuple[Encoder, Any]] = {}

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return self.splits.dataset.schema.task

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """Height, width and channels of images; None for tables."""
        return self.splits.dataset.schema.image_shape

    @property
    def targets(self) -> np.ndarray:
        """[N] class indices or numbers in their own units."""
        assert self.splits.dataset.targets is not None, "a study's data has a target"
        return self.splits.dataset.targets

    @property
    def target_spread(self) -> float:
        """A regression's standard deviation of the train targets; 1 where they are all the same, as in training."""
        return float(np.std(self.targets[self.splits.train])) or 1.0

    @property
    def outputs(self) -> int:
        """C: classes, or 1."""
        return len(self.splits.dataset.schema.classes) if self.task == "classification" else 1

    def stream(self, spec: StreamSpec) -> Stream:
        """The stream that a spec describes."""
        if not spec.folds:
            return make_stream(self.splits, spec.number, spec.seed)
        rows = np.concatenate([self.splits.train, self.splits.dev])
        mine = self._fold_of(rows, spec) == spec.fold
        return make_stream(self.splits, spec.number, spec.seed, rows=rows[~mine], dev=rows[mine])

    def _fold_of(self, rows: np.ndarray, spec: StreamSpec) -> np.ndarray:
        """Fold of each row: by content hash, spread evenly within each class; rows of one group stay together."""
        dataset = self.splits.dataset
        if dataset.groups is not None:
            names, content = np.unique(dataset.groups[rows].astype(str), return_inverse=True)
            order = seeded(hash_texts(names.astype(object)), spec.seed, "folds")
            return np.argsort(np.argsort(order, kind="stable"), kind="stable")[content] % spec.folds
        order = seeded(dataset.hashes[rows], spec.seed, "folds")
        classes = self.targets[rows] if self.task == "classification" else np.zeros(len(rows), int)
        found = np.zeros(len(rows), np.int64)
        for label in np.unique(classes):
            among = np.flatnonzero(classes == label)
            _, rank = np.unique(order[among], return_inverse=True)
            found[among] = rank % spec.folds
        return found

    def prepare(self, spec: StreamSpec, encoding: str) -> Prepared:
        """A stream and the data encoded with the statistics of its train rows."""
        stream = self.stream(spec)
        name = (encoding, (spec.seed, spec.fold) if spec.folds else None, spec.folds)
        if name not in self._versions:
            encoder = fit_encoder(self.splits.dataset, stream.rows, encoding)
            self._versions[name] = (encoder, self._version(encoder, stream))
        encoder, version = self._versions[name]
        return Prepared(encoder, version, stream, self._balanced(stream))

    def _version(self, encoder: Encoder, stream: Stream) -> Any:
        from caviar.training.batches import Version

        dataset = self.splits.dataset
        inputs, scale, shift = encoder.device_inputs(dataset)
        weights = (
            np.ones(dataset.rows) if dataset.weights is None else dataset.weights / dataset.weights[stream.rows].mean()
        )
        targets = self.targets
        if self.task == "regression":
            targets = (targets.astype(np.float64) - encoder.target_mean) / encoder.target_scale
        spread = encoder.spread(inputs[stream.rows])
        return Version(inputs, targets, weights.astype(np.float64), scale, shift, spread)

    def _balanced(self, stream: Stream) -> tuple[float, ...]:
        if self.task != "classification":
            return ()
        counts = np.bincount(self.targets[stream.rows], minlength=self.outputs)
        return tuple((len(stream.rows) / (self.outputs * np.maximum(counts, 1))).tolist())

    def architecture(self, structure: Mapping[str, Any], features: int, dtype: str = "float32") -> Architecture:
        """The shapes of a structure's cohort."""
        loss = "softmax" if self.task == "classification" else "squared"
        return Architecture(
            features=bucket(features),
            hidden=tuple(structure["hidden"]),
            outputs=bucket(self.outputs),
            loss=loss,
            batch_size=int(structure["batch_size"]),
            dtype=dtype,
        )


@dataclass(frozen=True)
class CohortMaterial:
    """Everything a cohort's constructor takes from the data."""

    prepared: tuple[Prepared, ...]  # by group
    versions: tuple[Any, ...]
    group_streams: tuple[Any, ...]  # training.batches.GroupStream by group
    features: int  # columns of all versions at most


def gather(material: Material, spec: CohortSpec) -> CohortMaterial:
    """Prepare a cohort's streams; streams with the same statistics share a version."""
    from caviar.training.batches import GroupStream

    own = [material.prepare(stream, spec.structure["encoding"]) for stream in spec.streams]
    versions: list[Any] = []
    for prepared in own:
        if not any(prepared.version is version for version in versions):
            versions.append(prepared.version)
    offsets = np.concatenate([[0], np.cumsum([len(version.targets) for version in versions])])
    by_group = [own[group % len(own)] for group in range(spec.slots // spec.group)]
    streams = []
    for prepared in by_group:
        number = next(n for n, version in enumerate(versions) if version is prepared.version)
        streams.append(GroupStream(prepared.stream, number, int(offsets[number])))
    features = max(prepared.encoder.features for prepared in own)
    return CohortMaterial(tuple(by_group), tuple(versions), tuple(streams), features)


def trial_seed(study_seed: int, trial: int) -> int:
    """Seed of a trial's first weights, below 2⁶³."""
    return int(np.random.SeedSequence([study_seed, trial]).generate_state(1, np.uint64)[0] >> 1)


def own_widths(features: int, configuration: Mapping[str, Any], outputs: int) -> tuple[int, ...]:
    """A trial's own sizes from input to output."""
    return (features, *(int(width) for width in configuration["hidden"]), outputs)
