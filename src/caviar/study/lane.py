"""A lane: one cohort at a time, driven by events, committed segment by segment, replayed after a kill.

The same code trains and replays. Training, it stores what it decided; replaying, it is given what was stored, checks
that the segment measures the same bits, and does what the log says.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from caviar.records.events import Event
from caviar.records.history import FIELDS, Block
from caviar.records.probes import shorten
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.search.rule import StoppingRule
from caviar.study.kept import Kept, Rows, thin_out
from caviar.study.material import CohortMaterial, Material, gather, own_widths
from caviar.study.ranking import compared_by
from caviar.study.spec import Campaign, CohortSpec
from caviar.training.choosing import on_device
from caviar.training.cohort import Cohort
from caviar.training.features import Features, features_of, union
from caviar.training.layout import Layout
from caviar.training.memory import slot_bytes
from caviar.training.values import Assignment

# Where each field stands in a row of measurements.
AT = {name: number for number, name in enumerate(FIELDS)}
_IN_UNITS = [AT[name] for name in ("train_error", "dev_error", "judge_error", "dev_value", "running_error")]
# Weights of this many of the best trials are kept at hand; all else can be replayed.
KEPT_WEIGHTS = 64


@dataclass
class Progress:
    """What the host knows of a campaign beside the device: enough, with the state, to go on."""

    asked: int = 0  # trials drawn or taken so far, over the whole campaign
    live: dict[int, Trial] = field(default_factory=dict)  # by slot
    best: dict[int, tuple[float, float]] = field(default_factory=dict)  # by trial: value, cost
    spared: list[int] = field(default_factory=list)  # trials that a rule would have stopped, were they not exempt
    model_epochs: int = 0
    slot_epochs: int = 0  # run by busy groups, live or not
    useful: float = 0.0  # arithmetic of real units and live slots
    arithmetic: float = 0.0


class Lane:
    """Trains the cohort of a spec.

    Args:
        campaign, spec: what is to be done.
        material: the data.
        draw: gives the next `n` configurations for a structure.
        stopping: the rule, or None.
        study_seed: of the study.
        kept, rows: best weights and per-row records by trial, shared by the cohorts of a campaign.
        metric: what trials are compared by.
        weights_bytes: that the kept weights may take.
    """

    def __init__(
        self,
        campaign: Campaign,
        spec: CohortSpec,
        material: Material,
        *,
        draw: Any,
        stopping: StoppingRule | None,
        study_seed: int,
        kept: dict[int, Kept],
        rows: dict[int, Rows],
        metric: str = "error",
        weights_bytes: int = 1 << 62,
        preview: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.campaign, self.spec, self.material = campaign, spec, material
        self.draw, self.stopping, self.study_seed, self.metric = draw, stopping, study_seed, metric
        self.kept, self.rows, self.weights_bytes = kept, rows, weights_bytes
        self._compared = AT[compared_by(metric)]
        self.gathered: CohortMaterial = gather(material, spec)
        self.progress = Progress()
        self.part = 8  # batches of a look within a long epoch, adapted to the clock
        self.taken = 0  # trials of this cohort that have been given a slot
        self.size = spec.count or len(spec.trials)  # smaller where the sampler has no more
        architecture = material.architecture(spec.structure, self.gathered.features)
        configurations = [trial["configuration"] for trial in spec.trials] or list(preview)
        features = features_of(
            configurations,
            weighted=material.splits.dataset.weights is not None,
            metric=on_device(metric),
            padded_outputs=architecture.outputs > material.outputs,
            image_shape=material.image_shape,
            probes=campaign.probes,
        )
        self.cohort = Cohort(
            architecture,
            features,
            Layout(spec.slots, spec.group, spec.devices, spec.epochs),
            self.gathered.versions,
            self.gathered.group_streams,
        )

    @property
    def done(self) -> bool:
        """Whether every trial has ended."""
        return self.taken == self.size and not self.progress.live

    @property
    def state_bytes(self) -> int:
        """What a copy of all slots takes, about."""
        return self.spec.slots * slot_bytes(self.cohort.architecture, self.cohort.key.eval_rows)

    def value(self, measured: np.ndarray) -> float:
        """What trials are compared by, of one row of measurements."""
        return float(measured[self._compared])

    def apply(self, events: Sequence[Event]) -> None:
        """Let events take effect: evictions, moves, then admissions."""
        for event in events:
            if event.kind == "evict":
                self._keep_weights(event.slot)
                self.cohort.evict(event.slot)
                del self.progress.live[event.slot]
        moves = {event.slot: int(event.payload["from"]) for event in events if event.kind == "copy"}
        if moves:
            self.cohort.copy(moves)
            for target, source in moves.items():
                self.progress.live[target] = self.progress.live.pop(source)
                self.cohort.evict(source)
        admitted = {event.slot: self._trial_of(event) for event in events if event.kind == "admit"}
        if admitted:
            assignments = {slot: self.assignment(slot, trial) for slot, trial in admitted.items()}
            self.grow([trial.configuration for trial in admitted.values()])
            self.cohort.admit(assignments)
            self.progress.live.update(admitted)
            self.taken += len(admitted)
            self.progress.asked += len(admitted)

    def grow(self, configurations: Sequence[Mapping[str, Any]]) -> None:
        """Move to a larger program where a new trial uses something that this one does not hold."""
        wanted: Features = self.cohort.key.features
        for configuration in configurations:
            own = features_of(
                [configuration], weighted=wanted.weighted, metric=wanted.metric, image_shape=self.material.image_shape
            )
            own = replace(own, padded_outputs=wanted.padded_outputs)
            wanted = union(wanted, own)
        self.cohort.move(wanted)

    def _trial_of(self, event: Event) -> Trial:
        return Trial(number=event.trial, status=Status.RUNNING, **event.payload)

    def assignment(self, slot: int, trial: Trial) -> Assignment:
        """What a slot is to train."""
        prepared = self.gathered.prepared[slot // self.spec.group]
        configuration = trial.configuration
        balanced = configuration["class_weight"] == "balanced"
        widths = own_widths(prepared.encoder.features, configuration, self.material.outputs)
        return Assignment(
            trial=trial.number,
            configuration=configuration,
            seed=trial.seed,
            widths=widths,
            examples=len(prepared.stream.rows),
            updates=self.gathered.group_streams[slot // self.spec.group].updates(self.cohort.architecture.batch_size),
            horizon=trial.horizon,
            stop_at=trial.stop_at,
            class_weights=prepared.class_weights if balanced else (),
        )

    def epochs_ahead(self) -> int:
        """Whole epochs until the next decision is due, at most what a segment holds."""
        ahead = self.spec.epochs
        for slot, trial in self.progress.live.items():
            own = int(self.cohort.own_epochs[slot])
            ahead = min(ahead, trial.stop_at - own)
            if self.stopping is not None:
                look = self.stopping.next_look(own, trial.best_epoch)
                ahead = ahead if look is None else min(ahead, look - own)
        return max(1, ahead)

    def run(self, epochs: int, batches: int | None = None) -> Block | None:
        """One segment; None when it ended within an epoch."""
        measured = self.cohort.run(epochs, batches)
        if measured is None:
            return None
        values = np.array(measured.fields, np.float32)
        if self.material.task == "regression":
            scales = [prepared.encoder.target_scale for prepared in self.gathered.prepared]
            own = np.asarray([scales[slot // self.spec.group] for slot in measured.slots], np.float32)
            values[:, _IN_UNITS] *= own[:, None]
        probes = None if measured.probes is None else shorten(measured.probes)
        return Block(measured.slots, measured.trials, measured.epochs, values, probes)

    def note(self, block: Block) -> None:
        """Take a segment's measurements into the trials' records."""
        by_trial = {trial.number: slot for slot, trial in self.progress.live.items()}
        # Asked of the device, which kept the weights: a comparison made anew in the target's units could tie otherwise.
        best = self.cohort.best_epochs()
        last: dict[int, int] = {}
        best_rows: dict[int, int] = {}
        for row, (number, epoch) in enumerate(zip(block.trials.tolist(), block.epochs.tolist(), strict=True)):
            last[number] = epoch
            if epoch == best[by_trial[number]]:
                best_rows[number] = row
        for number, epoch in last.items():
            slot = by_trial[number]
            stream = self.gathered.group_streams[slot // self.spec.group]
            updates = epoch * stream.updates(self.cohort.architecture.batch_size)
            trial = replace(self.progress.live[slot], epochs=epoch, updates=updates)
            if number in best_rows:
                trial = self._with_best(trial, int(best[slot]), block.values[best_rows[number]])
            self.progress.live[slot] = trial
        epochs = len(np.unique(block.epochs - _first(block))) if len(block) else 0
        busy = {slot // self.spec.group for slot in self.progress.live}
        self._count(epochs, len(busy) * self.spec.group)

    def _with_best(self, trial: Trial, epoch: int, values: np.ndarray) -> Trial:
        """The trial's record with a new best epoch, which measured these values."""
        self.progress.best[trial.number] = (self.value(values), float(values[AT["dev_cost"]]))
        told: dict[str, Any] = {
            name: float(values[AT[name]])
            for name in ("dev_error", "train_error", "dev_cost", "train_cost", "judge_error", "judge_cost")
        }
        return replace(trial, best_epoch=epoch, **told)

    def _count(self, epochs: int, slots: int) -> None:
        progress, architecture = self.progress, self.cohort.architecture
        progress.model_epochs += epochs * len(progress.live)
        progress.slot_epochs += epochs * slots
        progress.arithmetic += epochs * slots * _weights(architecture.widths)
        for slot, trial in progress.live.items():
            features = self.gathered.prepared[slot // self.spec.group].encoder.features
            progress.useful += epochs * _weights(own_widths(features, trial.configuration, self.material.outputs))

    def _keep_weights(self, slot: int) -> None:
        """Copy a trial's per-row records to the host, and its best weights if it is among the best so far."""
        trial = self.progress.live[slot]
        value, cost = self.progress.best.get(trial.number, (math.inf, math.inf))
        if not math.isfinite(value):
            return
        costs, errors = self.cohort.best_rows(slot)
        kind = np.uint8 if self.material.task == "classification" else np.float32
        self.rows[trial.number] = Rows(
            np.minimum(costs, np.finfo(np.float16).max).astype(np.float16), errors.astype(kind)
        )
        # The order in which the best is declared: of equal ones the lower cost, then the earlier trial.
        places = {number: (kept.value, kept.cost, number) for number, kept in self.kept.items()}
        places[trial.number] = (value, cost, trial.number)
        worst = max(places, key=lambda number: places[number])
        if len(places) > KEPT_WEIGHTS and worst == trial.number:
            return
        self.kept[trial.number] = Kept(value, cost, self.cohort.best(slot))
        thin_out(self.kept, KEPT_WEIGHTS, self.weights_bytes)

    def best_so_far(self, number: int) -> Kept | None:
        """The weights of a trial that still trains, at its best epoch so far."""
        for slot, trial in self.progress.live.items():
            if trial.number == number and number in self.progress.best:
                return Kept(*self.progress.best[number], self.cohort.best(slot))
        return None

    def keep_all(self) -> None:
        """Copy the best weights of the trials still training, as a stop needs them."""
        for slot in sorted(self.progress.live):
            self._keep_weights(slot)


def _first(block: Block) -> np.ndarray:
    """For each row the trial's first epoch of the block."""
    first: dict[int, int] = {}
    for trial, epoch in zip(block.trials.tolist(), block.epochs.tolist(), strict=True):
        first.setdefault(trial, epoch)
    return np.asarray([first[trial] for trial in block.trials.tolist()])


def _weights(widths: Sequence[int]) -> int:
    return sum(before * after for before, after in itertools.pairwise(widths))
