"""Structures: which combinations of structural values are trained, and which lists of widths share a program."""

from collections.abc import Sequence
from itertools import pairwise, product
from math import prod
from typing import Any

import numpy as np

from caviar.search.ranges import Axis, Choice, Range

_STRUCTURAL_DRAWS = 8  # values that a structural range offers: each further one is a program to compile
_MOST_COMBINATIONS = 4096
_CHEAP_WIDTH = 128


def offered(axis: Axis | None, generator: np.random.Generator) -> list[Any]:
    """The values to combine that an axis gives by a rule of its own, trial 0's first; else none: its points are."""
    if isinstance(axis, Range):
        drawn = [axis.draw(*pair) for pair in generator.random((_STRUCTURAL_DRAWS, 2)).tolist()]
        return list(dict.fromkeys([axis.start, *drawn]))
    if isinstance(axis, Choice) and axis.name == "hidden":
        return list(shared_buckets(axis.options))
    return []


def different(options: Sequence[Sequence[Any]], count: int, generator: np.random.Generator) -> list[tuple[Any, ...]]:
    """Combinations of options that differ as much as can be: the first option of each, then others.

    Each further one is drawn at random from those that bring the most options not yet seen. The first n of more are
    the same n.

    Args:
        options: for each structural hyperparameter its values, trial 0's first.
        count: at most so many; fewer where there are fewer.
        generator: NumPy's; the draws are its only use.
    """
    first = tuple(each[0] for each in options)
    remaining = [combination for combination in _combinations(options, generator) if combination != first]
    chosen = [first]
    while remaining and len(chosen) < count:
        seen = {item for combination in chosen for item in enumerate(combination)}
        fresh = [len(set(enumerate(combination)) - seen) for combination in remaining]
        best = [index for index, number in enumerate(fresh) if number == max(fresh)]
        chosen.append(remaining.pop(best[int(generator.integers(len(best)))]))
    return chosen


def _combinations(options: Sequence[Sequence[Any]], generator: np.random.Generator) -> list[tuple[Any, ...]]:
    """All combinations, or many of them at random where there are too many."""
    number = prod(len(each) for each in options)
    if number <= _MOST_COMBINATIONS:
        return list(product(*options))
    rows = generator.integers([len(each) for each in options], size=(_MOST_COMBINATIONS, len(options))).tolist()
    return list(dict.fromkeys(tuple(each[i] for each, i in zip(options, row, strict=True)) for row in rows))


def shared_buckets(options: Sequence[tuple[int, ...]]) -> dict[tuple[int, ...], list[tuple[int, ...]]]:
    """Lists of widths that can ride in one program, by the widths they are padded to.

    Lists of one depth share a program where its widest layer has at most 128 units (such networks cost little but a
    compilation of some seconds), or where each keeps half of its bucket's weights.

    >>> shared_buckets([(64, 32), (128, 64), (32,)])
    {(128, 64): [(64, 32), (128, 64)], (32,): [(32,)]}
    """
    shared: list[tuple[tuple[int, ...], list[tuple[int, ...]]]] = []
    for option in options:
        for place, (bucket, members) in enumerate(shared):
            if len(bucket) != len(option) or not option:
                continue
            wider = tuple(map(max, bucket, option))
            if max(wider) <= _CHEAP_WIDTH or all(_weights(own) >= _weights(wider) / 2 for own in [*members, option]):
                shared[place] = (wider, [*members, option])
                break
        else:
            shared.append((option, [option]))
    return dict(shared)


def _weights(widths: tuple[int, ...]) -> int:
    """About how many weights a network of these hidden widths has, its inputs as many as its first layer's units."""
    return sum(before * after for before, after in pairwise((widths[0], *widths)))
