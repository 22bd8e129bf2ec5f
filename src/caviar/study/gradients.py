"""A trial's own cost and gradient, looked at after the fact: `Study.check_gradients` and `Study.check_descent`."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.data.streams import batches, updates_per_epoch
from caviar.errors import StudyError
from caviar.given import is_number, is_whole, shown, whole
from caviar.given import seed as checked_seed
from caviar.records.trial import Trial
from caviar.search.hyperparameters import HYPERPARAMETERS
from caviar.study import keeping, work
from caviar.study.material import Prepared, own_widths

if TYPE_CHECKING:
    from caviar.study.study import Study
    from caviar.training.descent_check import DescentCheck
    from caviar.training.gradient_report import GradientCheck

# Rows of the batch that a descent uses at most: a batch of some thousand rows shows a wrong gradient as well as all.
MOST_ROWS = 4096


@dataclass(frozen=True)
class TrialGradients:
    """The gradient of a trial's network, checked where its training began and at its best weights.

    Args:
        trial: its number.
        initial: at its first weights.
        trained: at its best weights; None where they are not kept.
    """

    trial: int
    initial: "GradientCheck"
    trained: "GradientCheck | None"

    @property
    def passed(self) -> bool:
        """Whether both are right."""
        return self.initial.passed and (self.trained is None or self.trained.passed)

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        trained = self.trained.to_dict() if self.trained is not None else None
        return {
            "passed": self.passed,
            "trial": self.trial,
            "initial": self.initial.to_dict(),
            "trained": trained,
            "says": str(self),
        }

    def __str__(self) -> str:
        if self.trained is None:
            return f"{self.initial}\nAfter training: the best weights of trial {self.trial} are not kept."
        return f"{self.initial}\n{self.trained}"


def check_gradients(study: "Study", trial: int | Trial | None, entries: int, seed: int) -> TrialGradients:
    """See `Study.check_gradients`."""
    entries, seed = whole("entries", entries, StudyError), checked_seed(seed, StudyError)
    looked = _Looked(study, trial)
    work.start()
    from caviar.networks.draws import tick_keys
    from caviar.training.gradient_check import check_gradients
    from caviar.training.one_network import layers_of, one_network

    stream, number = looked.prepared.stream, looked.record.number
    indices, present = batches(stream, 0, int(looked.record.configuration["batch_size"]))
    key = tick_keys(stream.seed, stream.number, np.asarray(0))
    network = one_network(looked.assignment(), looked.prepared.version, indices[0][present[0] > 0], key, **looked.kind)

    def check(parameters: Any, when: str) -> "GradientCheck":
        found = check_gradients(
            network.cost(), network.used(parameters), network.gradient(), entries=entries, seed=seed
        )
        return replace(found, what=f"The gradient of trial {number} {when}")

    initial = check(network.first[0], "at its first weights")
    kept = keeping.load_weights(study.store, study.folder)[0].get(number)
    if kept is None:
        return TrialGradients(number, initial, None)
    trained = layers_of(kept.arrays, len(network.architecture.widths) - 1)
    return TrialGradients(number, initial, check(trained, "after training"))


def check_descent(study: "Study", trial: int | Trial | None, steps: int, learning_rate: float | None) -> "DescentCheck":
    """See `Study.check_descent`."""
    steps = whole("steps", steps, StudyError)
    most = HYPERPARAMETERS["learning_rate"].high
    if learning_rate is not None and not (is_number(learning_rate) and 0 < learning_rate <= most):
        raise StudyError(f"'learning_rate' must be above 0, and at most {most:g}. Got {shown(learning_rate)}.")
    looked = _Looked(study, trial)
    work.start()
    from caviar.training.descent_check import check_descent
    from caviar.training.one_network import for_descent, one_network

    rows = looked.prepared.stream.rows
    nothing = np.zeros(2, np.uint32)  # no mask is drawn
    own = for_descent(looked.assignment())
    network = one_network(own, looked.prepared.version, rows[:MOST_ROWS], nothing, **looked.kind)
    rate = float(looked.record.configuration["learning_rate"] if learning_rate is None else learning_rate)
    found = check_descent(network, rate, steps, len(rows))
    return replace(found, what=f"The cost of trial {looked.record.number}")


class _Looked:
    """A trial with the stream and the data that it was trained on."""

    def __init__(self, study: "Study", trial: int | Trial | None) -> None:
        self.study = study
        if trial is None:
            self.record = study.best_trial
        else:
            self.record = study.store.trial(_number(study, trial.number if isinstance(trial, Trial) else trial))
        specs = {
            stream.number: stream
            for campaign in study.campaigns
            for cohort in campaign.cohorts
            for stream in cohort.streams
        }
        self.prepared: Prepared = study.material.prepare(
            specs[self.record.stream], self.record.configuration["encoding"]
        )

    @property
    def kind(self) -> dict[str, Any]:
        """What kind of problem the study's data pose."""
        shapes = self.study.material.architecture({"hidden": (), "batch_size": 1}, 1)
        return {"loss": shapes.loss, "weighted": self.study.dataset.weights is not None}

    def assignment(self) -> Any:
        """What the trial was to train."""
        from caviar.training.values import Assignment

        record, stream = self.record, self.prepared.stream
        c = record.configuration
        return Assignment(
            trial=record.number,
            configuration=c,
            seed=record.seed,
            widths=own_widths(self.prepared.encoder.features, c, self.study.material.outputs),
            examples=len(stream.rows),
            updates=updates_per_epoch(len(stream.rows), int(c["batch_size"])),
            horizon=record.horizon,
            stop_at=record.stop_at,
            class_weights=self.prepared.class_weights if c["class_weight"] == "balanced" else (),
        )


def _number(study: "Study", number: Any) -> int:
    """The number of a trial that the study has."""
    count = len(study.trials)
    if not is_whole(number) or not 0 <= number < count:
        have = f"trials 0 to {count - 1}" if count else "no trials yet"
        raise StudyError(
            f"'trial' must be the number of one. The study in '{study.folder}' has {have}. Got {shown(number)}."
        )
    return int(number)
