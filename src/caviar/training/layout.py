"""How a cohort's slots lie on the devices, and how much room its program has."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """How a cohort's slots lie on the devices.

    Args:
        slots: K, a multiple of group · devices.
        group: slots of one group.
        devices: host or real devices.
        epochs: the most epochs one segment may hold.
    """

    slots: int
    group: int
    devices: int
    epochs: int

    @property
    def groups(self) -> int:
        """Groups over all devices."""
        return self.slots // self.group


def room_for(updates: int) -> int:
    """Batches that a program has room for, padded so that sets of nearly equal size share it."""
    if updates <= 4:
        return 4
    step = max(1, (1 << ((updates - 1).bit_length() - 1)) // 4)
    return -(-updates // step) * step


def layout_for(slots: int, devices: int, *, group: int = 16, epochs: int = 8) -> Layout:
    """A layout of about `slots` slots: groups of at most `group`, as many on every device."""
    per_device = max(1, math.ceil(slots / devices))
    groups = max(1, round(per_device / group))
    size = max(1, math.ceil(per_device / groups))
    return Layout(slots=size * groups * devices, group=size, devices=devices, epochs=epochs)
