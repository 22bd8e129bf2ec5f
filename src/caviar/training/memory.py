"""How many slots fit: computed before anything is placed, since running out kills the process on a CPU."""

import os
from pathlib import Path

from caviar.networks.architecture import Architecture

# Share of the free memory that a study may plan with; the rest is for the program's own buffers and the host.
PLANNED_SHARE = 0.5
# Bytes of state that one group should keep in a core's cache.
GROUP_BYTES = 6_000_000
MOST_PER_GROUP = 16


def available() -> int:
    """Bytes that this process may still take: what the machine has free, within the limit of its control group."""
    accelerator = _accelerator_bytes()
    if accelerator is not None:
        return accelerator
    free = [_meminfo()]
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            most, now = Path(limit).read_text().strip(), int(Path(used).read_text())
        except (OSError, ValueError):
            continue
        if most.isdigit() and int(most) < 1 << 60:
            free.append(max(0, int(most) - now))
    return min(free)


def _accelerator_bytes() -> int | None:
    """Free bytes of the first accelerator, or None on a CPU."""
    from caviar.training import device

    if device.on_cpu():
        return None
    import jax

    told = jax.devices()[0].memory_stats() or {}
    return int(told.get("bytes_limit", 8 << 30)) - int(told.get("bytes_in_use", 0))


def _meminfo() -> int:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (ValueError, OSError, AttributeError):
        return 4 << 30


def slot_bytes(architecture: Architecture, eval_rows: int) -> int:
    """Bytes that one slot takes on the device: parameters, two moments, best copy, gradients, activations."""
    size = 8 if architecture.dtype == "float64" else 4
    activations = 3 * architecture.batch_size * sum(architecture.widths)
    return size * (6 * architecture.parameters + activations + 4 * eval_rows)


def group_size(architecture: Architecture) -> int:
    """Slots of one group: as many as keep their weights and moments in a core's cache, at least 1, at most 16."""
    size = 8 if architecture.dtype == "float64" else 4
    return max(1, min(MOST_PER_GROUP, GROUP_BYTES // (4 * size * architecture.parameters)))


def most_slots(architecture: Architecture, eval_rows: int, data_bytes: int, devices: int) -> int:
    """The most slots that fit beside the data, which every device holds.

    >>> most_slots(Architecture(64, (128, 64), 10), 1024, 10**6, 2) > 64
    True
    """
    free = PLANNED_SHARE * available() - devices * data_bytes
    # A checkpoint copies the state to the host while the next segment trains.
    return max(1, int(free // (2 * slot_bytes(architecture, eval_rows))))
