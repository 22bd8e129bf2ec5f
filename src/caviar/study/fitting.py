"""How many slots of a cohort fit into the memory, by what its compiled program really needs."""

from dataclasses import replace
from typing import Any

import numpy as np

from caviar.search.space import Space
from caviar.study.lane import Lane
from caviar.study.material import Material
from caviar.study.spec import Campaign, CohortSpec
from caviar.training import memory

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
    if not spec.count:
        return []
    generator = np.random.Generator(np.random.Philox(key=[seed, spec.number]))
    return [space.draw(generator, dict(spec.structure)) for _ in range(64)]
