"""The uniforms of dropout: fair, independent of each other, and the same however they are asked for."""

import jax
import numpy as np
import pytest

from caviar.networks.draws import tick_keys, uniforms
from caviar.training import device
from promises.agreement import published_hash

device.start()

COMPILED = jax.jit(uniforms, static_argnums=(1, 2, 3))


def drawn(tick: int, layer: int = 0, units: int = 128, rows: int = 64, seed: int = 3) -> np.ndarray:
    """The uniforms of one update."""
    key = jax.random.wrap_key_data(tick_keys(seed, 0, np.asarray(tick)))
    return np.asarray(COMPILED(key, layer, units, rows))


def test_more_units_change_no_draw() -> None:
    """The first units draw the same in a wider layer, so that padding changes nothing."""
    assert np.array_equal(drawn(5, units=70), drawn(5, units=128)[:70])


def test_uniforms_are_uniform() -> None:
    """A million draws fill 256 bins evenly: chi-square within its 99.9 % bounds, and mean and variance are right."""
    many = np.concatenate([drawn(tick).ravel() for tick in range(128)])
    counts = np.histogram(many, bins=256, range=(0.0, 1.0))[0]
    chi_square = ((counts - counts.mean()) ** 2 / counts.mean()).sum()
    assert 190 < chi_square < 330
    assert abs(many.mean() - 0.5) < 1e-3 and abs(many.var() - 1 / 12) < 1e-3
    assert many.min() >= 0.0 and many.max() < 1.0


@pytest.mark.parametrize("neighbour", ["rows", "units", "ticks", "layers", "seeds"])
def test_neighbours_are_uncorrelated(neighbour: str) -> None:
    """Rows, units, updates, layers and streams next to each other draw independently."""
    one = [drawn(tick) for tick in range(40)]
    pairs = {
        "rows": lambda: [(u[:, :-1], u[:, 1:]) for u in one],
        "units": lambda: [(u[:-1], u[1:]) for u in one],
        "ticks": lambda: [(one[at], one[at + 1]) for at in range(39)],
        "layers": lambda: [(u, drawn(tick, layer=1)) for tick, u in enumerate(one)],
        "seeds": lambda: [(u, drawn(tick, seed=4)) for tick, u in enumerate(one)],
    }[neighbour]()
    first, second = (np.concatenate([pair[at].ravel() for pair in pairs]) for at in (0, 1))
    # Over 300 000 pairs the standard error of a correlation is below 0.002; masks at keep 0.8 are looked at too.
    for change in (lambda u: u, lambda u: (u < 0.8).astype(float)):
        assert abs(np.corrcoef(change(first), change(second))[0, 1]) < 0.008


def test_fifty_units_at_eight_tenths_lose_ten_on_average() -> None:
    """The textbook's example: keep 0.8 of 50 units drops 10 of them in the mean, with a binomial's spread."""
    lost = np.concatenate([(drawn(tick, units=50) >= 0.8).sum(axis=0) for tick in range(200)])
    assert abs(lost.mean() - 10) < 0.1
    assert abs(lost.std() - np.sqrt(50 * 0.8 * 0.2)) < 0.1


def test_keys_of_updates_differ() -> None:
    """No two of a hundred thousand updates, nor of two streams, share a key."""
    keys = [tick_keys(7, number, np.arange(100_000)) for number in (0, 1)]
    packed = np.concatenate([key[:, 0].astype(np.uint64) << np.uint64(32) | key[:, 1] for key in keys])
    assert len(np.unique(packed)) == 200_000


def test_the_hash_is_the_published_one() -> None:
    """Draws equal those of the hash written out in NumPy, which the promises compare trainings with, bit for bit."""
    for layer, units, rows in ((0, 7, 4), (3, 128, 64)):
        wanted = published_hash(tick_keys(3, 0, np.asarray(5)), layer, units, rows)
        assert np.array_equal(drawn(5, layer, units, rows), wanted)
