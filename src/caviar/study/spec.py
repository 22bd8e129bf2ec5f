"""What a study is to do, as plain data: campaigns of cohorts, stored before they begin."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

BY_HAND = "babysit"  # the kind of a campaign of one network, and of its checkpoints


@dataclass(frozen=True)
class StreamSpec:
    """How a stream is made.

    Args:
        number: of the stream in its study.
        seed: of its order.
        fold, folds: train and dev together are cut into `folds` parts and `fold` is its dev; folds 0: the split's own.
    """

    number: int
    seed: int
    fold: int = 0
    folds: int = 0


@dataclass(frozen=True)
class CohortSpec:
    """One cohort of a campaign.

    Args:
        number: counts cohorts over the whole study.
        structure: {"hidden": bucket widths, "batch_size": …, "encoding": …}.
        slots, group, devices, epochs: the layout (training.cohort.Layout).
        streams: of its groups, by position; fewer streams than groups repeat.
        count: trials to draw from the sampler; 0 where `trials` lists them.
        trials: {"configuration": …, "seed": …, "group": …} each, for cohorts whose trials are given.
    """

    number: int
    structure: Mapping[str, Any]
    slots: int
    group: int
    devices: int
    epochs: int
    streams: tuple[StreamSpec, ...]
    count: int = 0
    trials: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Campaign:
    """One piece of work of a study: a search, a training, a confirmation.

    Args:
        kind: "search", "train", "confirm" or "twins".
        why: the idea, for the notebook.
        epochs: of every trial.
        stopping: a key of search.stopping.STOPPING, or None.
        patience: epochs without a better one after which a trial ends, or None.
        cohorts: one after the other.
        first_trial: number of its first trial.
        probes: whether every epoch measures each layer (records.probes).
        about: what else a reader should know, e.g. which trials a confirmation repeats.
    """

    kind: str
    why: str
    epochs: int
    stopping: str | None
    cohorts: tuple[CohortSpec, ...]
    first_trial: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)
    patience: int | None = None
    probes: bool = False

    @property
    def trials(self) -> int:
        """Trials of all its cohorts."""
        return sum(cohort.count or len(cohort.trials) for cohort in self.cohorts)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Campaign":
        """What `to_dict` gave."""
        cohorts = tuple(
            CohortSpec(
                **{
                    **cohort,
                    "streams": tuple(StreamSpec(**stream) for stream in cohort["streams"]),
                    "trials": tuple(cohort["trials"]),
                }
            )
            for cohort in plain["cohorts"]
        )
        return cls(**{**plain, "cohorts": cohorts})
