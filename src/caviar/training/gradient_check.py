"""Any gradient against two-sided differences of its cost: `caviar.check_gradients`."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import numpy as np

from caviar.counts import count
from caviar.errors import GradientError
from caviar.given import seed as checked_seed
from caviar.given import whole
from caviar.training import device
from caviar.training.flat_cost import FlatCost, Place
from caviar.training.gradient_report import Entry, GradientCheck, ParameterCheck, level, worst_of
from caviar.training.slopes import STEP, Slope, noise_along, slope

# Entries that are checked one by one, over all parameters; random directions look at all others.
ENTRIES = 2000
# A wrong entry shows in every direction of ±1; two that hide each other in one do so in all of 20 once in a million.
DIRECTIONS = 20
# Beyond this relative rounding a cost is computed in less than double precision somewhere.
COARSE = 1e-12
_FOUND = 5  # wrong entries that are looked for where a direction disagrees
_WORST = 5
_HUNT = 400  # lines that the search for them may look along


def check_gradients(
    cost: Callable[..., Any],
    parameters: Any,
    gradient: Any = None,
    *,
    data: Any = None,
    entries: int = ENTRIES,
    seed: int = 0,
) -> GradientCheck:
    """Compare a gradient with two-sided differences of its cost, in double precision.

        numerical = (J(θ + ε) − J(θ − ε)) / 2ε,   ε = 6e-6 · max(1, |θ|)
        relative difference = ‖numerical − analytic‖₂ / (‖numerical‖₂ + ‖analytic‖₂),   0/0 = 0

    Up to `entries` numbers are checked one by one. Of larger parameters a sample is, and random directions of ±1 over
    all entries are compared as well, in which a single wrong entry always shows; it is then found by halving.

    Args:
        cost: of the parameters (and of `data`, where given), one number. NumPy, JAX and PyTorch are welcome.
        parameters: where to check: an array, or dicts, lists, tuples and named tuples of arrays.
        gradient: a function of the parameters, or its value at them, shaped like them. None: by JAX or by PyTorch.
        data: handed to the cost as its second argument.
        entries: how many are checked one by one.
        seed: of the sample and the directions.

    Returns:
        The result: `.passed`, `.verdict`, `.relative_difference`, `.worst`, `.by_parameter`; it prints as a sentence.

    Raises:
        GradientError: there is nothing to check: the cost fails, is random or not finite, the parameters are no
            floating-point numbers, or nothing gives their gradient.

    >>> import numpy as np
    >>> found = check_gradients(lambda w: (w**3).sum(), np.array([1.0, 2.0]), lambda w: 3 * w**2)
    >>> found.passed
    True
    >>> wrong = check_gradients(lambda w: (w**3).sum(), np.array([1.0, 2.0]), lambda w: 2 * w**2)
    >>> print(wrong)  # doctest: +ELLIPSIS
    The gradient is wrong: relative difference 2.0e-01 over 2 entries. Worst: parameters[1] (analytic 8, numerical ...
    """
    entries, seed = whole("entries", entries, GradientError), checked_seed(seed, GradientError)
    if data is not None and callable(cost):
        cost = partial(_with_data, cost, data)
    device.start(quiet=True)
    with jax.enable_x64(True), np.errstate(all="ignore"):
        flat = FlatCost(cost, parameters)
        analytic, low = flat.gradient(gradient)
        return _Check(flat, analytic, low, entries, seed).run()


def _with_data(cost: Callable[..., Any], data: Any, parameters: Any) -> Any:
    return cost(parameters, data)


class _Check:
    """One check: the cost, the gradient it is said to have, and the steps to look at it with."""

    def __init__(self, flat: FlatCost, analytic: np.ndarray, low: bool, entries: int, seed: int) -> None:
        self.flat, self.analytic, self.low = flat, analytic, low
        self.generator = np.random.default_rng(seed)
        self.scale = np.maximum(1.0, np.abs(flat.start))  # a step is ε of it
        self.budget = _shares([place.end - place.begin for place in flat.places], entries)
        finite = np.where(np.isfinite(analytic), analytic, 0.0)
        size = abs(flat.value) + float(np.linalg.norm(finite * self.scale)) or 1.0
        # Along a direction of length one in units of the entries' own sizes.
        along = self._signs(np.arange(len(flat.start))) / np.sqrt(len(flat.start))
        self.noise = max(noise_along(self._line(along), flat.value), flat.rounding * abs(flat.value))
        rough = self.noise > COARSE * size and bool(np.isfinite(analytic).all())
        self.coarse = rough or flat.rounding > 2.0**-53
        self.step = float(np.clip(np.cbrt(self.noise / size), STEP, 1e-2)) if self.coarse else STEP

    # ---- looking ---------------------------------------------------------------------------------------------------

    def _signs(self, entries: np.ndarray) -> np.ndarray:
        """A direction: ± the size of each of these entries, 0 elsewhere."""
        direction = np.zeros(len(self.flat.start))
        direction[entries] = self.scale[entries] * self.generator.choice([-1.0, 1.0], len(entries))
        return direction

    def _line(self, direction: np.ndarray) -> Callable[[float], float]:
        return lambda distance: self.flat(self.flat.start + distance * direction)

    def _along(self, direction: np.ndarray, entries: np.ndarray) -> tuple[float, float, Slope]:
        """What the gradient says of a direction, what does not matter there, and what the differences say."""
        given = float(direction[entries] @ self.analytic[entries])
        slack = 2e-7 * float(np.linalg.norm(direction[entries] * self.analytic[entries]))
        # More entries that move together bend the cost more, and cross more kinks: each moves less.
        step = self.step / np.cbrt(len(entries))
        return given, slack, slope(self._line(direction), self.flat.value, step, self.noise, given, slack)

    def entry(self, number: int) -> Entry:
        """One entry, checked alone."""
        given = float(self.analytic[number])
        scale = float(self.scale[number])
        direction = np.zeros(len(self.flat.start))
        direction[number] = scale
        slack = 5e-7 * abs(given) * scale
        found = slope(self._line(direction), self.flat.value, self.step, self.noise, given * scale, slack)
        name, index = self.flat.where(number)
        value, error = found.value / scale, found.error / scale
        return Entry(name, index, given, value, error, _verdict(given * scale, found), found.kink)

    # ---- parameters ------------------------------------------------------------------------------------------------

    def parameter(self, place: Place, budget: int) -> tuple[ParameterCheck, list[Entry]]:
        """A parameter: all entries or a sample, and then directions over all of them."""
        whole = np.arange(place.begin, place.end)
        sampled = budget < len(whole)
        chosen = np.sort(self.generator.choice(whole, budget, replace=False)) if sampled else whole
        entries = [self.entry(int(number)) for number in chosen]
        directions, disagreeing, spread = 0, 0, 0.0
        if sampled and np.isfinite(self.analytic[whole]).all():
            directions, disagreeing, spread = self._directions(whole)
            if disagreeing and not any(entry.verdict == "wrong" for entry in entries):
                entries += [self.entry(number) for number in self._hunt(whole) if number not in set(chosen.tolist())]
        difference, beyond = _relative(entries)
        verdict = worst_of(level(beyond), *(entry.verdict for entry in entries))
        if disagreeing and verdict == "right":
            verdict = worst_of("look again", level(spread))
        if not np.isfinite(self.analytic[whole]).all():
            verdict = "wrong"
        kinks = sum(entry.kink for entry in entries)
        found = ParameterCheck(len(whole), len(entries), difference, verdict, kinks, directions, disagreeing)
        return found, entries

    def _directions(self, whole: np.ndarray) -> tuple[int, int, float]:
        """Random directions over all entries: how many tell something, how many disagree, and by how much."""
        apart = []
        disagreeing = 0
        for _ in range(DIRECTIONS):
            given, slack, found = self._along(self._signs(whole), whole)
            if found.kink or not np.isfinite(found.value):
                continue
            beyond = max(0.0, abs(found.value - given) - 2 * found.error)
            apart.append(beyond)
            disagreeing += beyond > slack
        size = 2 * float(np.linalg.norm(self.analytic[whole] * self.scale[whole])) or 1.0
        return len(apart), disagreeing, float(np.sqrt(np.mean(np.square(apart)))) / size if apart else 0.0

    def _hunt(self, whole: np.ndarray) -> list[int]:
        """The entries that make directions disagree, by halving the part that disagrees most."""
        found: list[int] = []
        parts = [(-np.inf, 0, whole)]
        looked = 0
        while parts and len(found) < _FOUND and looked < _HUNT:
            _, _, part = heapq.heappop(parts)
            if len(part) == 1:
                found.append(int(part[0]))
                continue
            for half in np.array_split(part, 2):
                # Two directions: what hides in the one shows in the other, or else in the next half.
                both = [self._along(self._signs(half), half) for _ in range(2)]
                looked += 2
                apart = max(abs(one.value - given) - 2 * one.error - slack for given, slack, one in both)
                if apart > 0:
                    heapq.heappush(parts, (-apart, looked, half))
        return found

    # ---- the result ------------------------------------------------------------------------------------------------

    def run(self) -> GradientCheck:
        """Check every parameter and put what was found together."""
        by_parameter: dict[str, ParameterCheck] = {}
        entries: list[Entry] = []
        for place, budget in zip(self.flat.places, self.budget, strict=True):
            if place.begin < place.end:
                by_parameter[place.name], own = self.parameter(place, budget)
                entries += own
        difference, beyond = _relative(entries)
        verdict = worst_of(level(beyond), *(found.verdict for found in by_parameter.values()))
        if self.coarse:
            verdict = worst_of("look again", verdict)
        kinks = [entry for entry in entries if entry.kink]
        return GradientCheck(
            verdict=verdict,
            relative_difference=difference,
            by_parameter=by_parameter,
            worst=_worst(entries),
            kinks=tuple(kinks[:_WORST]),
            notes=tuple(self._notes(by_parameter, entries, level(difference) != level(beyond))),
            cost=self.flat.value,
            evaluations=self.flat.evaluations,
        )

    def _notes(self, by_parameter: dict[str, ParameterCheck], entries: list[Entry], rounded: bool) -> list[str]:
        notes = []
        if self.coarse:
            size = float(np.linalg.norm([entry.numerical for entry in entries if np.isfinite(entry.numerical)]))
            floor = float(np.sqrt(np.nansum([entry.error**2 for entry in entries]))) / max(2 * size, 1e-300)
            notes.append(
                "The cost is computed in less than double precision (float32 inside?), so the differences are good to "
                f"about {min(floor, 1.0):.0e} only, and a smaller mistake cannot be seen."
            )
        elif rounded:
            notes.append("The difference is rounding and curvature of the cost, beyond which differences cannot see.")
        if self.low:
            notes.append("The gradient was given in less than double precision, which shows from about 1e-7 on.")
        outside = [entry for entry in entries if entry.kink and entry.verdict != "right"]
        inside = sum(entry.kink for entry in entries) - len(outside)
        if inside:
            notes.append(f"{_count(inside, 'entry sits', 'entries sit')} on a kink of the cost and were left out.")
        if outside:
            notes.append(
                f"{_count(len(outside), 'entry sits', 'entries sit')} on a kink, but the gradient there is outside of "
                "both one-sided derivatives."
            )
        blind = sum(not np.isfinite(entry.numerical) for entry in entries)
        if blind:
            notes.append(f"Beside {_count(blind, 'entry', 'entries')} the cost is not finite, however small the step.")
        return notes + [_sampled(name, one) for name, one in by_parameter.items() if one.checked < one.entries]


def _verdict(given: float, found: Slope) -> str:
    """What one entry says alone, beyond what rounding and curvature explain."""
    if not np.isfinite(given):
        return "wrong"
    if not np.isfinite(found.value):
        return "look again"
    if found.kink:
        return "right" if found.low <= given <= found.high else "look again"
    beyond = max(0.0, abs(found.value - given) - 2 * found.error)
    return level(beyond / (abs(found.value) + abs(given))) if beyond else "right"


def _relative(entries: Sequence[Entry]) -> tuple[float, float]:
    """The relative difference of some entries, and what is left of it beyond rounding; kinks are left out."""
    if not np.isfinite([entry.analytic for entry in entries]).all():
        return float("inf"), float("inf")
    told = [entry for entry in entries if not entry.kink and np.isfinite(entry.numerical)]
    numerical = np.array([entry.numerical for entry in told])
    analytic = np.array([entry.analytic for entry in told])
    size = float(np.linalg.norm(numerical) + np.linalg.norm(analytic))
    apart = float(np.linalg.norm(numerical - analytic))
    errors = float(np.linalg.norm([entry.error for entry in told]))
    return (apart / size, max(0.0, apart - errors) / size) if size > 0 else (0.0, 0.0)


def _worst(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """The entries that differ most; those that are wrong beyond rounding come first, then those that can be told."""
    order = ("wrong", "look again", "right")

    def rank(entry: Entry) -> tuple[int, bool, float]:
        difference = entry.difference if np.isfinite(entry.difference) else np.inf
        return order.index(entry.verdict), entry.kink, -difference

    return tuple(replace(entry) for entry in sorted(entries, key=rank)[:_WORST])


def _shares(sizes: Sequence[int], budget: int) -> list[int]:
    """How many entries of each parameter are checked: small ones whole, the larger ones share what is left.

    >>> _shares([10, 5000, 3000], 2000)
    [10, 995, 995]
    """
    shares = [0] * len(sizes)
    left = budget
    order = sorted(range(len(sizes)), key=lambda number: sizes[number])
    for done, number in enumerate(order):
        # At least one entry of each, so that a parameter that is wrong throughout is met in any case.
        shares[number] = min(sizes[number], max(1, left // (len(order) - done)))
        left -= shares[number]
    return shares


def _sampled(name: str, found: ParameterCheck) -> str:
    """What was not checked one by one, and how sure the check is of it."""
    amount = f"{count(found.checked)} of {count(found.entries)}"
    sentence = (
        f"{amount} entries of {name} were checked one by one (a share of wrong entries above "
        f"{100 * found.missed_share:.2g} % would have been met with 95 %)"
    )
    if not found.directions:
        return f"{sentence}; random directions over all of them cross kinks and tell nothing."
    agreeing = found.directions - found.disagreeing
    return f"{sentence}; of {found.directions} random directions over all of them {agreeing} agree."


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
