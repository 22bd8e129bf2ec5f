"""Records to store, made from a seed."""

from dataclasses import replace

import numpy as np
from hypothesis import settings

from caviar.records.events import Event
from caviar.records.history import FIELDS, Block
from caviar.records.probes import PROBES, shorten
from caviar.records.status import Status
from caviar.records.trial import Trial

# The same examples every time, and no limit on one example's time: a busy machine is no failure.
repeatable = settings(derandomize=True, deadline=None, database=None)


def make_block(seed=0, rows=8, epoch=1, trials=None):
    """A block of one epoch of `rows` slots, as a cohort measures it: shares of few values, costs of many."""
    generator = np.random.default_rng([seed, rows, epoch])
    shares = np.round(generator.random((rows, len(FIELDS))) * 180) / 180
    costs = generator.lognormal(size=(rows, len(FIELDS)))
    is_cost = [name.endswith("cost") for name in FIELDS]
    values = np.where(is_cost, costs, shares).astype(np.float32)
    values[:, FIELDS.index("dev_value")] = np.nan  # as where trials are compared by their error
    numbers = np.arange(rows) if trials is None else np.asarray(trials)
    return Block(np.arange(rows), numbers, np.full(rows, epoch), values)


def make_probed(seed=0, rows=8, layers=3, trials=None, epoch=1):
    """The same block with probes of every layer: NaN in one of them, as where a share has no meaning."""
    block = make_block(seed, rows, epoch, trials)
    probes = np.random.default_rng([seed, rows, layers]).standard_normal((rows, layers, len(PROBES)))
    probes[:, :, PROBES.index("saturated_share")] = np.nan
    return replace(block, probes=shorten(probes.astype(np.float32)))


def make_events(tick, count=3, lane=0):
    """Admissions with a configuration each, infinity included."""
    payload = {"configuration": {"learning_rate": 0.1, "clip_norm": float("inf"), "hidden": [64, 32]}, "seed": 7}
    return [Event(lane, tick, i, "admit", i, 10 * tick + i, payload, "sampler") for i in range(count)]


def make_trial(number, **fields):
    """A running trial with a small configuration."""
    configuration = {"learning_rate": 0.01 * (number + 1), "clip_norm": float("inf"), "hidden": [64, 32]}
    return Trial(
        **{"number": number, "status": Status.RUNNING, "configuration": configuration, "seed": number} | fields
    )
