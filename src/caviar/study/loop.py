"""The loop of a campaign: train a segment, decide, commit, apply. After a kill the log is replayed and checked."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from caviar.records import checkpoints
from caviar.records.events import Event
from caviar.records.history import Block
from caviar.records.lease import Lease
from caviar.records.status import Status
from caviar.records.store import Store
from caviar.records.trial import Trial
from caviar.search.samplers import Sampler
from caviar.search.space import Space
from caviar.search.stopping import StoppingRule, stopping_rule
from caviar.study import checkpoint
from caviar.study.keeping import say_rounding
from caviar.study.kept import Kept, Rows
from caviar.study.lane import Lane
from caviar.study.material import Material
from caviar.study.spec import Campaign, CohortSpec
from caviar.study.stop import BUDGET, INTERRUPT, Stop
from caviar.training import device, memory

LEASE_SECONDS = 60.0
# Checkpoints take at most this share of the time, and come at least this many seconds apart.
CHECKPOINT_SHARE = 0.03
CHECKPOINT_SECONDS = 15.0
# A look of the host is due about this often: for Ctrl-C, the budget and the progress line.
LOOK_SECONDS = 1.0
# Share of the free memory from which on a cohort's program is asked what it needs before it runs.
WORTH_LOOKING = 0.1


@dataclass(frozen=True)
class Look:
    """What a watcher is told after every segment."""

    campaign: str
    running: int
    ended: dict[str, int]  # by status
    waiting: int
    model_epochs: int
    seconds: float
    best: float
    best_trial: int
    share_done: float
    replaying: bool
    in_percent: bool = False  # whether `best` is a share of rows


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
        if campaign.stopping:
            self.stopping = stopping_rule(campaign.stopping, campaign.epochs)
        self.kept: dict[int, Kept] = {}
        self.rows: dict[int, Rows] = {}
        self.spared: list[int] = []
        self.ended: dict[str, int] = {}
        self.best = (float("inf"), -1)
        self.model_epochs = 0
        self.counts = [0, 0.0, 0.0]  # slot-epochs, useful and whole arithmetic, of earlier cohorts
        self.seconds = 0.0
        self.tick = store.tick(0)
        self._log: dict[int, tuple[list[Event], Block | None]] = {}
        self._stopping = False
        self._written = time.monotonic()
        self._write_seconds = 0.0
        self._writer: threading.Thread | None = None
        self._equal = True

    # ---- the campaign ----------------------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Iterator[Lease]:
        """The right to train this study, given back at the end.

        Raises:
            StudyError: another process has it.
        """
        lease = self.store.acquire(0, seconds=LEASE_SECONDS)
        try:
            yield lease
        finally:
            if self._writer is not None:
                self._writer.join()
            self.store.release(lease)

    def run(self, lease: Lease, minutes: float | None = None) -> None:
        """Train until every trial has ended.

        Raises:
            Stop: Ctrl-C, or the budget ended; the best is kept and `resume` goes on.
            LeaseLost: another process took the study over.
        """
        with _interrupts(self):
            self._run(lease, minutes)

    def _run(self, lease: Lease, minutes: float | None) -> None:
        first, restored = self._where()
        began = time.monotonic()
        before = self.seconds
        upcoming: Lane | None = None
        asked = 0
        for position in range(first, len(self.campaign.cohorts)):
            lane = upcoming or self._lane(self.campaign.cohorts[position])
            lane.progress.asked = asked
            if restored is not None:
                checkpoint.put(lane, *restored)
                if self.sampler is not None:
                    self.sampler.restore(restored[1]["sampler"])
                restored = None
            # The next program compiles in the background while this one trains.
            more = position + 1 < len(self.campaign.cohorts)
            upcoming = self._lane(self.campaign.cohorts[position + 1]) if more else None
            if lane.taken == 0:
                self._admit_first(lane, lease, position)
            try:
                while not lane.done:
                    self.seconds = before + time.monotonic() - began
                    self._end_as_before(lane)
                    self._segment(lane, lease, position)
                    self._look(lane)
                    if lane.done:
                        break
                    self._maybe_stop(lane, lease, position, minutes, time.monotonic() - began)
                    pause = max(CHECKPOINT_SECONDS, self._write_seconds / CHECKPOINT_SHARE)
                    if time.monotonic() - self._written > pause:
                        self._checkpoint(lane, position)
            except Stop:
                lane.keep_all()
                raise
            finally:
                asked = lane.progress.asked
                self._add_up(lane)
                self.seconds = before + time.monotonic() - began

    def _add_up(self, lane: Lane) -> None:
        progress = lane.progress
        self.spared += progress.spared
        self.model_epochs += progress.model_epochs
        for at, value in enumerate((progress.slot_epochs, progress.useful, progress.arithmetic)):
            self.counts[at] += value

    def _lane(self, spec: CohortSpec) -> Lane:
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
            preview=preview(self.space, spec, self.seed),
        )

    def _draw(self, count: int, structure: dict[str, Any]) -> list[dict[str, Any]]:
        assert self.sampler is not None
        return self.sampler.ask(count, structure)

    # ---- one segment -----------------------------------------------------------------------------------------------

    def _admit_first(self, lane: Lane, lease: Lease, position: int) -> None:
        tick = self.tick + 1
        events, trials = lane.admissions(tick + 1)
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
        events, trials = lane.decide(block, tick + 1)
        if self.sampler is not None:
            for trial in trials:
                if trial.status is not Status.RUNNING or trial.epochs:
                    self.sampler.tell(trial.number, trial.epochs, trial.dev_error, str(trial.status))
        if stored is not None:
            events = stored[0]
            del self._log[tick]
        else:
            self.store.commit(0, lease, tick, events=events, block=block, trials=trials, state=self._state(position))
        self.tick = tick
        self._tally(lane, events, trials)
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

    def _tally(self, lane: Lane, events: Sequence[Event], trials: Sequence[Trial]) -> None:
        for event in events:
            if event.kind == "evict":
                status = event.payload["status"]
                self.ended[status] = self.ended.get(status, 0) + 1
        for trial in trials:
            value = lane.progress.best.get(trial.number, (float("inf"), 0.0))[0]
            if value < self.best[0]:
                self.best = (value, trial.number)

    def _state(self, position: int) -> dict[str, Any]:
        return {"campaign": self.number, "cohort": position, "seconds": round(self.seconds, 3)}

    def _look(self, lane: Lane) -> None:
        total = self.campaign.trials
        done = sum(self.ended.values())
        running = list(lane.progress.live.values())
        part = sum(trial.epochs / max(1, trial.stop_at) for trial in running)
        self.watch(
            Look(
                self.campaign.kind,
                len(running),
                dict(self.ended),
                total - done - len(running),
                self.model_epochs + lane.progress.model_epochs,
                self.seconds,
                self.best[0],
                self.best[1],
                (done + part) / max(1, total),
                bool(self._log),
                self.material.task == "classification" and self.metric == "error",
            )
        )

    # ---- stopping and going on -------------------------------------------------------------------------------------

    def ask_to_stop(self) -> None:
        """End at the next look, with everything stored."""
        self._stopping = True

    def _maybe_stop(self, lane: Lane, lease: Lease, position: int, minutes: float | None, running: float) -> None:
        over = minutes is not None and running > minutes * 60
        if not (over or self._stopping) or self._log:
            return
        if over:
            self._close(lane, lease, position)
            raise Stop(BUDGET)
        if self._writer is not None:
            self._writer.join()
        self._checkpoint(lane, position)
        raise Stop(INTERRUPT)

    def _close(self, lane: Lane, lease: Lease, position: int) -> None:
        """End the campaign here: what still trains is interrupted, with its best kept."""
        tick = self.tick + 1
        events, trials = lane.interruptions(tick + 1, BUDGET)
        self.store.commit(0, lease, tick, events=events, trials=trials, state=self._state(position))
        self.tick = tick
        self._tally(lane, events, trials)
        lane.apply(events)

    def _end_as_before(self, lane: Lane) -> None:
        """Close the campaign where the log says so: a tick without measurements after the first is a closing one."""
        events, block = self._log.get(self.tick + 1, ([], None))
        if not events or block is not None:
            return
        self.tick += 1
        del self._log[self.tick]
        self._tally(lane, events, [])
        lane.apply(events)
        raise Stop(BUDGET)

    def _checkpoint(self, lane: Lane, position: int) -> None:
        """Write the lane's whole state beside the database, in the background."""
        if self._writer is not None and self._writer.is_alive():
            return
        began = time.monotonic()
        sampler = {} if self.sampler is None else self.sampler.state()
        arrays, plain = checkpoint.take(lane, sampler)
        plain |= {
            # Copies: the file is written while the next segments change these.
            "tick": self.tick,
            "position": position,
            "ended": dict(self.ended),
            "loop_best": list(self.best),
            "earlier": [self.model_epochs, *self.counts],
            "earlier_spared": list(self.spared),
            "campaign": self.number,
        }

        def write() -> None:
            sha = checkpoints.save(self.folder / "checkpoints", arrays, plain)
            about = {"lane": 0, "tick": plain["tick"], "campaign": self.number}
            path = f"checkpoints/{sha}.safetensors"
            self.store.add_artefact(sha, "checkpoint", path, (self.folder / path).stat().st_size, about)
            _forget_old(self.store, self.folder)
            self._write_seconds = time.monotonic() - began

        self._writer = threading.Thread(target=write, name="caviar-checkpoint")
        self._writer.start()
        self._written = time.monotonic()

    def _where(self) -> tuple[int, Any]:
        """Where to begin: (cohort, checkpoint or None), with the log that is to be replayed from there."""
        start = int(self.store.setting("campaign_ticks", {}).get(str(self.number), self.tick))
        if self.tick <= start:
            return 0, None
        restored, since, position = None, start, 0
        own = [a for a in self.store.artefacts("checkpoint") if a.about.get("campaign") == self.number]
        for artefact in sorted(own, key=lambda a: -int(a.about["tick"])):
            try:
                arrays, plain = checkpoints.load(self.folder / "checkpoints", artefact.sha256)
            except Exception:  # a damaged checkpoint costs a longer replay, never the study
                continue
            if plain["tick"] <= self.tick:
                restored, since, position = (arrays, plain), plain["tick"], plain["position"]
                break
        blocks = dict(self.store.blocks(0, since + 1))
        events: dict[int, list[Event]] = {}
        for event in self.store.events(0, since + 2):
            events.setdefault(event.tick - 1, []).append(event)
        self._log = {t: (events.get(t, []), blocks.get(t)) for t in range(since + 1, self.tick + 1)}
        self.tick = since
        self.seconds = float(self.store.state(0).get("seconds", 0.0))
        if restored is not None:
            plain = restored[1]
            self.ended, self.best = dict(plain["ended"]), (plain["loop_best"][0], int(plain["loop_best"][1]))
            self.model_epochs, *self.counts = plain["earlier"]
            self.spared = list(plain["earlier_spared"])
        return position, restored


def within_memory(campaign: Campaign, material: Material, space: Space, seed: int) -> Campaign:
    """The campaign with as many slots as really fit, by the compiled programs' own account.

    Running out kills the process on a CPU, so it is computed before anything is placed. Small cohorts are not looked
    at: their programs go on compiling in the background.
    """
    free = memory.available()
    fitting = []
    for spec in campaign.cohorts:
        while spec.slots > spec.devices:
            lane = Lane(
                campaign,
                spec,
                material,
                draw=None,
                stopping=None,
                study_seed=seed,
                kept={},
                rows={},
                preview=preview(space, spec, seed),
            )
            estimate = spec.slots * memory.slot_bytes(lane.cohort.architecture, lane.cohort.key.eval_rows)
            if estimate < WORTH_LOOKING * free or lane.cohort.bytes_needed() < memory.PLANNED_SHARE * free:
                break
            groups = max(spec.devices, spec.slots // spec.group // 2 // spec.devices * spec.devices)
            group = spec.group if groups < spec.slots // spec.group else max(1, spec.group // 2)
            spec = replace(spec, slots=groups * group, group=group)
        fitting.append(spec)
    return replace(campaign, cohorts=tuple(fitting))


def preview(space: Space, spec: CohortSpec, seed: int) -> list[dict[str, Any]]:
    """Draws that show which features a cohort will use."""
    import numpy as np

    if not spec.count:
        return []
    generator = np.random.Generator(np.random.Philox(key=[seed, spec.number]))
    return [space.draw(generator, dict(spec.structure)) for _ in range(64)]


def _epochs(block: Block) -> int:
    """Epochs that a stored segment ran."""
    first = int(block.trials[0])
    return int((block.trials == first).sum())


def _forget_old(store: Store, folder: Path, keep: int = 2) -> None:
    """Keep the newest checkpoints alone."""
    all_of_them = sorted(store.artefacts("checkpoint"), key=lambda a: int(a.about["tick"]))
    for artefact in all_of_them[:-keep]:
        store.remove_artefact(artefact.sha256, "checkpoint")
        (folder / artefact.path).unlink(missing_ok=True)


@contextmanager
def _interrupts(loop: Loop) -> Iterator[None]:
    """The first Ctrl-C ends at the next look; a second one at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: Any) -> None:
        if loop._stopping:
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt
        loop.ask_to_stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
