"""What a lane decides between two segments: which trials end, which come next, and where they go.

Nothing here takes effect: the events are stored first, then `Lane.apply` does what they say.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from caviar.records.events import Event
from caviar.records.history import Block
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.search.rule import SPARED, Report, exempt
from caviar.study.lane import AT, Lane
from caviar.study.material import trial_seed
from caviar.study.spec import CohortSpec


def admissions(lane: Lane, tick: int, freed: Sequence[int] = ()) -> tuple[list[Event], list[Trial]]:
    """Events that fill the free slots, and the new trials' records.

    Args:
        freed: slots that other events of the same tick make free.
    """
    free = [slot for slot in range(lane.spec.slots) if slot not in lane.progress.live or slot in freed]
    wanted = min(len(free), lane.size - lane.taken)
    if wanted <= 0:
        return [], []
    if lane.spec.trials:
        chosen = list(lane.spec.trials[lane.taken : lane.taken + wanted])
        slots = _slots_in_groups(lane.spec, chosen, free)
    else:
        chosen = [{"configuration": c} for c in lane.draw(wanted, dict(lane.spec.structure))]
        slots = free[: len(chosen)]
        if len(chosen) < wanted:
            lane.size = lane.taken + len(chosen)
    events: list[Event] = []
    trials: list[Trial] = []
    for slot, one in zip(slots, chosen, strict=False):
        number = lane.campaign.first_trial + lane.progress.asked + len(trials)
        trial = _new_trial(lane, number, slot, one)
        trials.append(trial)
        events.append(Event(0, tick, len(events), "admit", slot, number, _payload(trial), "sampler"))
    return events, trials


def _slots_in_groups(spec: CohortSpec, chosen: list[Mapping[str, Any]], free: list[int]) -> list[int]:
    """Slots for given trials, which name their group (and so their stream); the first that finds none ends it."""
    left = list(free)
    slots: list[int] = []
    for one in chosen:
        group = one.get("group")
        slot = next((slot for slot in left if group is None or slot // spec.group == group), None)
        if slot is None:
            break
        slots.append(slot)
        left.remove(slot)
    return slots


def _new_trial(lane: Lane, number: int, slot: int, one: Mapping[str, Any]) -> Trial:
    configuration = dict(one["configuration"])
    epochs = lane.campaign.epochs
    stream = lane.gathered.prepared[slot // lane.spec.group].stream
    return Trial(
        number=number,
        status=Status.RUNNING,
        configuration=configuration,
        seed=int(one.get("seed", trial_seed(lane.study_seed, number))),
        stream=stream.number,
        cohort=lane.spec.number,
        exempt=lane.campaign.kind == "search" and lane.stopping is not None and exempt(lane.study_seed, number),
        horizon=epochs,
        stop_at=epochs,
    )


def decide(lane: Lane, block: Block, tick: int) -> tuple[list[Event], list[Trial]]:
    """What the measurements of a segment lead to: trials finished, diverged or stopped, then slots refilled."""
    ended = _ended(lane, block)
    changed: list[Trial] = []
    events: list[Event] = []
    freed: list[int] = []
    for slot in sorted(lane.progress.live):
        trial = lane.progress.live[slot]
        if trial.number in ended:
            status, reason = ended[trial.number]
            trial = replace(trial, status=status, reason=reason)
            payload = {"status": str(status), "reason": reason}
            author = "stopping" if status is Status.STOPPED else "engine"
            events.append(Event(0, tick, len(events), "evict", slot, trial.number, payload, author))
            freed.append(slot)
        changed.append(trial)
    admitted, fresh = admissions(lane, tick, freed)
    events += [replace(event, sequence=len(events) + n) for n, event in enumerate(admitted)]
    if not admitted and freed:
        moves = _compaction(lane.spec, set(lane.progress.live) - set(freed))
        for target, source in sorted(moves.items()):
            number = lane.progress.live[source].number
            events.append(Event(0, tick, len(events), "copy", target, number, {"from": source}, "engine"))
    return events, changed + fresh


def _ended(lane: Lane, block: Block) -> dict[int, tuple[Status, str]]:
    """Trials that end here, with their status and why."""
    last = {int(trial): row for row, trial in enumerate(block.trials)}  # the last row of each trial
    ended: dict[int, tuple[Status, str]] = {}
    reports = []
    for slot in sorted(lane.progress.live):
        trial = lane.progress.live[slot]
        values = block.values[last[trial.number]]
        epoch = int(block.epochs[last[trial.number]])
        value = lane.value(values)
        if not (math.isfinite(values[AT["cost"]]) and math.isfinite(values[AT["dev_cost"]])):
            ended[trial.number] = (Status.DIVERGED, f"its cost was not finite at epoch {epoch}")
            value = math.inf
        elif epoch >= trial.stop_at:
            ended[trial.number] = (Status.FINISHED, "")
        reports.append(Report(trial.number, epoch, value, trial.exempt, trial.best_epoch))
    if lane.stopping is not None:
        exempted = {trial.number for trial in lane.progress.live.values() if trial.exempt}
        for decision in lane.stopping.decide(reports):
            if decision.keep and decision.trial in exempted and decision.reason.endswith(SPARED):
                lane.progress.spared.append(decision.trial)
            if not decision.keep and decision.trial not in ended:
                ended[decision.trial] = (Status.STOPPED, decision.reason)
    return ended


def interruptions(lane: Lane, tick: int, reason: str) -> tuple[list[Event], list[Trial]]:
    """Events that end everything that still trains."""
    events: list[Event] = []
    trials: list[Trial] = []
    for slot, trial in sorted(lane.progress.live.items()):
        payload = {"status": str(Status.INTERRUPTED), "reason": reason}
        events.append(Event(0, tick, len(events), "evict", slot, trial.number, payload, "budget"))
        trials.append(replace(trial, status=Status.INTERRUPTED, reason=reason))
    return events, trials


def _compaction(spec: CohortSpec, live: set[int]) -> dict[int, int]:
    """Moves (target: source) that empty whole groups, once no more trials come and that makes a device faster."""
    if len(spec.streams) > 1 or not live:
        return {}
    per_device = spec.slots // spec.devices
    now = max(len({slot // spec.group for slot in live if slot // per_device == d}) for d in range(spec.devices))
    needed = math.ceil(math.ceil(len(live) / spec.group) / spec.devices)
    if needed >= now:
        return {}
    groups = [d * per_device // spec.group + g for g in range(needed) for d in range(spec.devices)]
    places = [group * spec.group + slot for group in groups for slot in range(spec.group)]
    staying = {slot for slot in live if slot in places}
    free = iter(place for place in places if place not in staying)
    return {next(free): slot for slot in sorted(live - staying)}


def _payload(trial: Trial) -> dict[str, Any]:
    return {
        "configuration": trial.configuration,
        "seed": trial.seed,
        "stream": trial.stream,
        "cohort": trial.cohort,
        "exempt": trial.exempt,
        "horizon": trial.horizon,
        "stop_at": trial.stop_at,
    }
