"""Derivatives by two-sided differences: how large, how far they may be off, and whether there is one at all."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# ε about the cube root of double precision's rounding, where the errors of rounding and of curvature meet.
STEP = 6e-6
# Each finer step is this part of the one before; usually five of them (to 1.5e-9) tell all, near a singularity eight.
_FINER = 0.125
_USUAL = 5
_STEPS = 8
# On a kink the one-sided derivatives keep more than this part of their distance when the step shrinks to an eighth.
_STAYS = 0.3
# Rounding of a difference is taken as so many times the cost's own.
_SAFETY = 4.0

Line = Callable[[float], float]


@dataclass(frozen=True)
class Slope:
    """A derivative along a line.

    Args:
        value: by the two-sided difference that is trusted most; NaN where the cost is not finite beside the point.
        error: how far it may be off.
        kink: the one-sided derivatives stay apart however small the step.
        low, high: the one-sided derivatives, widened by their own error.
    """

    value: float
    error: float
    kink: bool = False
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class _Look:
    step: float
    centre: float
    left: float
    right: float
    rounding: float

    @property
    def gap(self) -> float:
        return abs(self.right - self.left)


def slope(line: Line, middle: float, step: float, noise: float, given: float, slack: float) -> Slope:
    """The derivative of a cost along a line at 0, looked at as closely as its disagreement with `given` asks for.

    Where the first difference agrees, it is the answer; where rounding drowns it, larger steps are taken. Otherwise
    ever smaller ones tell curvature (which they remove) and a kink beside the point (which they leave behind) from a
    kink at the point (which stays).

    Args:
        line: the cost at a distance along the line.
        middle: the cost at 0.
        step: ε of the first difference.
        noise: how far rounding may change a value of the cost.
        given: the derivative to compare with.
        slack: a difference that does not matter.
    """
    step, noise, given, slack = float(step), float(noise), float(given), float(slack)
    looks: list[_Look] = []
    for finer in range(_STEPS):
        look = _look(line, middle, step * _FINER**finer, noise)
        if not math.isfinite(look.gap):
            continue
        looks.append(look)
        apart = abs(look.centre - given)
        if finer == 0 and apart <= slack + look.rounding:
            return Slope(look.centre, look.rounding) if apart <= slack else _coarser(line, middle, look, noise)
        if len(looks) > 1 and _settled(looks[-2], looks[-1], given, slack, usual=len(looks) >= _USUAL):
            break
    if not looks:
        return Slope(math.nan, math.nan)
    if len(looks) == 1:
        return Slope(looks[0].centre, looks[0].gap + looks[0].rounding)
    errors = [one.rounding + abs(one.centre - finer.centre) for one, finer in itertools.pairwise(looks)]
    best = int(np.argmin(errors))
    value, error = looks[best].centre, errors[best]
    sides = _kink(looks)
    return Slope(value, error) if sides is None else Slope(value, error, True, *sides)


def _coarser(line: Line, middle: float, first: _Look, noise: float) -> Slope:
    """The derivative where rounding drowns the first difference: larger steps, as far as the curvature allows."""
    looks = [first, *(_look(line, middle, first.step / _FINER**coarser, noise) for coarser in (1, 2, 3, 4))]
    # Of two differences the one with an eighth of the step has 1/64 of the curvature's error; an eighth is safe.
    errors = [one.rounding + _FINER * abs(one.centre - other.centre) for one, other in itertools.pairwise(looks)]
    finite = [error if math.isfinite(error) else math.inf for error in errors]
    best = int(np.argmin(finite))
    return Slope(looks[best].centre, finite[best]) if best else Slope(first.centre, first.rounding)


def _kink(looks: list[_Look]) -> tuple[float, float] | None:
    """The one-sided derivatives, widened by their own error, where they stay apart at the finest step that can tell."""
    found = None
    for before, last in itertools.pairwise(looks):
        if _STAYS * before.gap <= 10 * last.rounding:
            continue  # a distance that stayed would be lost in rounding
        found = None
        if last.gap > _STAYS * before.gap:
            margin = abs(last.left - before.left) + abs(last.right - before.right) + 2 * last.rounding
            found = min(last.left, last.right) - margin, max(last.left, last.right) + margin
    return found


def _look(line: Line, middle: float, step: float, noise: float) -> _Look:
    above, below = float(line(step)), float(line(-step))
    return _Look(
        step,
        (above - below) / (2 * step),
        (middle - below) / step,
        (above - middle) / step,
        _SAFETY * noise / step,
    )


def _settled(before: _Look, last: _Look, given: float, slack: float, usual: bool) -> bool:
    """Whether a smaller step would tell nothing new: both differences agree, and the two sides come together."""
    apart = abs(before.centre - last.centre)
    if usual and apart <= slack + 2 * last.rounding:
        return True
    same = apart <= slack + 2 * last.rounding or apart <= 1e-3 * abs(before.centre - given)
    return same and (last.gap <= _STAYS * before.gap or last.gap <= 10 * last.rounding)


def noise_along(line: Line, middle: float) -> float:
    """How far rounding changes the values of a cost, from a table of high differences.

    The differences of order 5 and 6 of eight equally spaced values have nothing left of a smooth cost and show its
    rounding, enlarged by √((2k)!)/k!. All points lie on one side, since the start itself is often on a kink.

    Args:
        line: the cost at a distance along a direction of length about 1.
        middle: the cost at 0.

    Source: J. J. Moré and S. M. Wild, "Estimating computational noise" (2011), SIAM J. Sci. Comput. 33.
    """
    found = []
    for spacing in (1e-9, 1e-7, 1e-5):
        values = np.array([line(spacing * place) for place in range(1, 9)])
        # Fewer different values: the step is lost in the cost's rounding and shows only a part of it.
        if not np.isfinite(values).all() or len(np.unique(values)) < 5:
            continue
        table = [np.diff(values, order) / math.sqrt(math.comb(2 * order, order)) for order in (5, 6)]
        found.append(max(float(np.sqrt(np.mean(differences**2))) for differences in table))
    return max(min(found, default=0.0), 2.0**-53 * abs(middle))
