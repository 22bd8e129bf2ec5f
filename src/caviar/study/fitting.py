"""How many slots of a cohort fit into the memory, by what its program really needs, or by trying on an accelerator."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from caviar.errors import StudyError
from caviar.search.space import Space
from caviar.study.lane import Lane
from caviar.study.material import Material
from caviar.study.spec import Campaign, CohortSpec
from caviar.training import memory

if TYPE_CHECKING:
    from caviar.study.loop import Loop

# Share of the free memory from which on a cohort's program is asked what it needs before it runs.
WORTH_LOOKING = 0.1


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
            if lane.state_bytes < WORTH_LOOKING * free or lane.cohort.bytes_needed() < memory.PLANNED_SHARE * free:
                break
            spec = halved(spec)
        fitting.append(spec)
    return replace(campaign, cohorts=tuple(fitting))


def halved(spec: CohortSpec) -> CohortSpec:
    """The cohort with half its slots: fewer groups, or smaller ones where its trials name theirs or there is one.

    >>> spec = CohortSpec(0, {}, slots=12, group=2, devices=2, epochs=1, streams=(), count=99)
    >>> halved(spec).slots, halved(halved(spec)).slots
    (4, 2)
    """
    groups = spec.slots // spec.group
    if not any("group" in trial for trial in spec.trials):
        groups = max(spec.devices, groups // 2 // spec.devices * spec.devices)
    group = spec.group if groups < spec.slots // spec.group else max(1, spec.group // 2)
    return replace(spec, slots=groups * group, group=group)


def on_device(loop: "Loop", lane: Lane, position: int) -> Lane:
    """The lane, with half its slots again and again until an accelerator's memory holds it; stored before it runs.

    Raises:
        StudyError: not even one slot fits.
    """
    while True:
        try:
            lane.cohort.try_out()
            return lane
        except MemoryError as error:
            campaign, smaller = loop.campaign, halved(lane.spec)
            if smaller.slots == lane.spec.slots:
                raise StudyError(
                    f"Not even one network fits into the device's memory ({error}). Give fewer rows, a smaller "
                    "batch_size or smaller layers, or set JAX_PLATFORMS=cpu to train in the machine's own memory."
                ) from None
        cohorts = (*campaign.cohorts[:position], smaller, *campaign.cohorts[position + 1 :])
        loop.campaign = replace(campaign, cohorts=cohorts)
        stored = loop.store.setting("campaigns", [])
        stored[loop.number] = {**stored[loop.number], "cohorts": loop.campaign.to_dict()["cohorts"]}
        loop.store.set_setting("campaigns", stored)
        asked = lane.progress.asked
        lane = loop.lane(smaller)
        lane.progress.asked = asked


def preview(space: Space, spec: CohortSpec, seed: int) -> list[dict[str, Any]]:
    """Draws that show which features a cohort will use."""
    if not spec.count:
        return []
    generator = np.random.Generator(np.random.Philox(key=[seed, spec.number]))
    return [space.draw(generator, dict(spec.structure)) for _ in range(64)]
