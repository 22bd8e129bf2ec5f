"""The loop of a campaign: train a segment, decide, commit, apply. After a kill the log is replayed and checked."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from caviar.records.events import Event
from caviar.records.history import Block
from caviar.records.lease import Lease
from caviar.records.status import Status
from caviar.records.store import Store
from caviar.search.rule import StoppingRule
from caviar.search.samplers import Sampler
from caviar.search.space import Space
from caviar.search.stopping import stopping_rule
from caviar.study import checkpoint, deciding, disk
from caviar.study.fitting import on_device, preview
from caviar.study.holding import holding
from caviar.study.keeping import say_rounding
from caviar.study.kept import Kept, Rows
from caviar.study.lane import Lane
from caviar.study.material import Material
from caviar.study.spec import Campaign, CohortSpec
from caviar.study.stop import BUDGET, INTERRUPT, Stop, interrupts
from caviar.study.tally import Look, Tally
from caviar.study.writer import Writer, forget_all_but, newest
from caviar.study.yardstick import yardstick_of
from caviar.training import device

# A look of the host is due about this often: for Ctrl-C, the budget and the progress line.
LOOK_SECONDS = 1.0


class Loop:
    """Runs one campaign of a study.

    Args:
        store, folder: the study's record and its folder.
        campaign, number: what to do, and its place among the study's campaigns.
        material, space, sampler: the data, and which trials to try.
        seed: of the study.
        metric: what trials are compared by.
        watch: called after every look.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        campaign: Campaign,
        number: int,
        *,
        material: Material,
        space: Space,
        sampler: Sampler | None,
        seed: int,
        metric: str,
        watch: Callable[[Look], None] | None = None,
    ) -> None:
        self.store, self.folder, self.campaign, self.number = store, folder, campaign, number
        self.material, self.space, self.sampler, self.seed, self.metric = material, space, sampler, seed, metric
        self.watch = watch or (lambda look: None)
        # One rule for all cohorts: trials of different structures are compared at equal own epochs.
        self.stopping: StoppingRule | None = None
        if campaign.stopping or campaign.patience:
            self.stopping = stopping_rule(campaign.stopping, campaign.epochs, campaign.patience)
        self.kept: dict[int, Kept] = {}
        self.rows: dict[int, Rows] = {}
        self.tally = Tally()
        self.tick = store.tick(0)
        self._log: dict[int, tuple[list[Event], Block | None]] = {}
        self._stopping = False
        self._writer = Writer(store, folder)
        self._weights_bytes = disk.for_weights(store)
        self._stick = yardstick_of(self)
        self._equal = True
        self._at_work: Lane | None = None
        # A trial's place in the order in which the sampler was asked.
        self._told_from = int(campaign.about.get("told_from", 0)) - campaign.first_trial

    # ---- the campaign ----------------------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[Lease]:
        """The right to train this study, and an end to its checkpoints before it is given back.

        Raises:
            StudyError: another process has it.
        """
        with holding(self.store) as lease:
            try:
                yield lease
            finally:
                self._writer.end()

    def run(self, lease: Lease, budget: float | None = None) -> None:
        """Train until every trial has ended.

        Args:
            budget: seconds from now, after which the campaign ends at a segment.

        Raises:
            Stop: Ctrl-C, or the budget ended; the best is kept and `resume` goes on.
            LeaseLost: another process took the study over.
        """
        with interrupts(self.ask_to_stop):
            self._run(lease, budget)

    def _run(self, lease: Lease, budget: float | None) -> None:
        first, restored = self._where()
        began = time.monotonic()
        before = self.tally.seconds
        upcoming: Lane | None = None
        asked = 0
        for position in range(first, len(self.campaign.cohorts)):
            lane = upcoming or self.lane(self.campaign.cohorts[position])
            lane.progress.asked = asked
            if restored is not None:
                checkpoint.put(lane, *restored)
                if self.sampler is not None:
                    self.sampler.restore(restored[1]["sampler"])
                restored = None
            # The next program compiles in the background while this one trains.
            more = position + 1 < len(self.campaign.cohorts)
            upcoming = self.lane(self.campaign.cohorts[position + 1]) if more else None
            self._at_work = lane
            if lane.taken == 0:
                lane = self._at_work = on_device(self, lane, position)
                self._admit_first(lane, lease, position)
            try:
                while not lane.done:
                    self.tally.seconds = before + time.monotonic() - began
                    self._end_as_before(lane)
                    self._segment(lane, lease, position)
                    self._look(lane)
                    if lane.done:
                        break
                    running = time.monotonic() - began
                    self.tally.seconds = before + running
                    self._maybe_stop(lane, lease, position, budget is not None and running > budget)
                    if self._writer.due(lane.state_bytes):
                        self._checkpoint(lane, position)
            except Stop:
                lane.keep_all()
                raise
            finally:
                asked = lane.progress.asked
                self.tally.add(lane.progress)
                self.tally.seconds = before + time.monotonic() - began

    def lane(self, spec: CohortSpec) -> Lane:
        """The slots of one cohort, on the devices that there are; its program compiles."""
        # On a machine with fewer devices the groups share what there is.
        there = device.start()
        groups = spec.slots // spec.group
        devices = next(n for n in range(min(spec.devices, there), 0, -1) if groups % n == 0)
        spec = replace(spec, devices=devices)
        return Lane(
            self.campaign,
            spec,
            self.material,
            draw=self._draw,
            stopping=self.stopping,
            study_seed=self.seed,
            kept=self.kept,
            rows=self.rows,
            metric=self.metric,
            weights_bytes=self._weights_bytes,
            preview=preview(self.space, spec, self.seed),
        )

    def _draw(self, count: int, structure: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.sampler is not None
        return self.sampler.ask(count, structure)

    # ---- one segment -----------------------------------------------------------------------------------------------

    def _admit_first(self, lane: Lane, lease: Lease, position: int) -> None:
        tick = self.tick + 1
        events, trials = deciding.admissions(lane, tick + 1)
        if tick in self._log:
            events, _ = self._log.pop(tick)
        else:
            self.store.commit(0, lease, tick, events=events, trials=trials, state=self._state(position))
        self.tick = tick
        lane.apply(events)

    def _segment(self, lane: Lane, lease: Lease, position: int) -> None:
        tick = self.tick + 1
        stored = self._log.get(tick)
        block = self._train(lane, lease, stored[1] if stored else None)
        if stored is not None and stored[1] is not None:
            if not block.same(stored[1]) and self._equal:
                self._equal = False
                say_rounding(self.store, tick)
            block = stored[1]  # what was decided rested on the stored numbers
        lane.note(block)
        events, trials = deciding.decide(lane, block, tick + 1)
        if self.sampler is not None:
            for trial in trials:
                if trial.status is not Status.RUNNING or trial.epochs:
                    value = lane.progress.best.get(trial.number, (math.nan, math.nan))[0]
                    self.sampler.tell(self._told_from + trial.number, trial.epochs, value, str(trial.status))
        if stored is not None:
            events = stored[0]
            del self._log[tick]
        else:
            self.store.commit(0, lease, tick, events=events, block=block, trials=trials, state=self._state(position))
        self.tick = tick
        self.tally.note(lane.progress, events, trials)
        lane.apply(events)

    def _train(self, lane: Lane, lease: Lease, stored: Block | None) -> Block:
        """Run a segment; an epoch that takes longer than a look is run in parts."""
        epochs = lane.epochs_ahead() if stored is None else _epochs(stored)
        batches = lane.part if lane.cohort.layout.epochs == 1 else None
        while True:
            began = time.monotonic()
            block = lane.run(epochs, batches)
            took = time.monotonic() - began
            if block is not None:
                return block
            if batches is not None:
                batches = lane.part = max(1, int(batches * LOOK_SECONDS / max(took, 1e-3)))
            self.store.renew(lease)
            if self._stopping:
                raise Stop(INTERRUPT)

    def _state(self, position: int) -> dict[str, Any]:
        return {"campaign": self.number, "cohort": position, "seconds": round(self.tally.seconds, 3)}

    def _look(self, lane: Lane) -> None:
        in_percent = self.material.task == "classification" and self.metric in ("error", "balanced_error")
        look = self.tally.look(self.campaign, lane.progress, bool(self._log), in_percent, self.metric, self._stick)
        self.watch(look)

    def best_so_far(self, number: int) -> Kept | None:
        """A trial's weights at its best epoch so far, read and not touched; None where it has none."""
        found = self._at_work.best_so_far(number) if self._at_work else None
        return found or self.kept.get(number)

    # ---- stopping and going on -------------------------------------------------------------------------------------

    def ask_to_stop(self) -> None:
        """End at the next look, with everything stored."""
        self._stopping = True

    def _maybe_stop(self, lane: Lane, lease: Lease, position: int, over: bool) -> None:
        if not (over or self._stopping) or self._log:
            return
        if over:
            self._close(lane, lease, position)
            raise Stop(BUDGET)
        self._writer.wait()
        self._checkpoint(lane, position)
        raise Stop(INTERRUPT)

    def _close(self, lane: Lane, lease: Lease, position: int) -> None:
        """End the campaign here: what still trains is interrupted, with its best kept."""
        tick = self.tick + 1
        events, trials = deciding.interruptions(lane, tick + 1, BUDGET)
        self.store.commit(0, lease, tick, events=events, trials=trials, state=self._state(position))
        self.tick = tick
        self.tally.note(lane.progress, events, trials)
        lane.apply(events)

    def _end_as_before(self, lane: Lane) -> None:
        """Close the campaign where the log says so: a tick without measurements after the first is a closing one."""
        events, block = self._log.get(self.tick + 1, ([], None))
        if not events or block is not None:
            return
        self.tick += 1
        del self._log[self.tick]
        self.tally.note(lane.progress, events, [])
        lane.apply(events)
        raise Stop(BUDGET)

    def _checkpoint(self, lane: Lane, position: int) -> None:
        """Write the lane's whole state beside the database, in the background."""
        if self._writer.busy():
            return
        began = self._writer.clock()
        sampler = {} if self.sampler is None else self.sampler.state()
        arrays, plain = checkpoint.take(lane, sampler)
        plain |= {
            "tick": self.tick,
            "position": position,
            **self.tally.take(),
            "campaign": self.number,
        }
        self._writer.write(arrays, plain, began)

    def forget_checkpoints(self) -> None:
        """Remove the checkpoints of a campaign that is done: nothing goes on from them."""
        self._writer.wait()
        forget_all_but(0, self.store, self.folder)

    def _where(self) -> tuple[int, Any]:
        """Where to begin: (cohort, checkpoint or None), with the log that is to be replayed from there."""
        start = int(self.store.setting("campaign_ticks", {}).get(str(self.number), self.tick))
        if self.tick <= start:
            return 0, None
        restored = newest(self.store, self.folder, self.number, self.tick)
        since, position = start, 0
        if restored is not None:
            plain = restored[1]
            since, position = plain["tick"], plain["position"]
            self.tally.put(plain)
        blocks = dict(self.store.blocks(0, since + 1))
        events: dict[int, list[Event]] = {}
        for event in self.store.events(0, since + 2):
            events.setdefault(event.tick - 1, []).append(event)
        self._log = {t: (events.get(t, []), blocks.get(t)) for t in range(since + 1, self.tick + 1)}
        self.tick = since
        self.tally.seconds = float(self.store.state(0).get("seconds", 0.0))
        return position, restored


def _epochs(block: Block) -> int:
    """Epochs that a stored segment ran."""
    first = int(block.trials[0])
    return int((block.trials == first).sum())
