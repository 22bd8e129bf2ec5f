"""Mini-batches: from all rows to one, reshuffled, the last short one rightly weighted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.streams import Stream, batches, updates_per_epoch
from caviar.search.hyperparameters import HYPERPARAMETERS, complete
from conformance.engine import Engine


def stream(m: int, seed: int = 0) -> Stream:
    """The rows 100 … 100 + m − 1."""
    rows = np.arange(100, 100 + m, dtype=np.int32)
    return Stream(0, seed, rows, rows, rows, np.ones(m, bool))


def test_five_thousand_updates() -> None:
    """m = 5 000 000 in batches of 1 000 is 5 000 updates an epoch; size m is 1, size 1 is m."""
    assert updates_per_epoch(5_000_000, 1_000) == 5_000
    assert updates_per_epoch(5_000_000, 5_000_000) == 1
    assert updates_per_epoch(5_000_000, 1) == 5_000_000


@given(m=st.integers(1, 70), size=st.integers(1, 80), epoch=st.integers(0, 5))
def test_every_row_once_an_epoch(m: int, size: int, epoch: int) -> None:
    """Each epoch has ⌈m/B⌉ batches that hold every row once, m = 1 and B > m too; no batch is empty."""
    indices, present = batches(stream(m), epoch, size)
    assert len(indices) == -(-m // size)
    assert sorted(indices[present > 0].tolist()) == list(range(100, 100 + m))
    assert (present.sum(axis=1) >= 1).all()


def test_reshuffled_every_epoch() -> None:
    """Two epochs of one stream, and one epoch of two streams, come in different orders."""
    orders = [batches(stream(50, seed), epoch, 8)[0].ravel().tolist() for seed, epoch in ((0, 0), (0, 1), (1, 0))]
    assert orders[0] != orders[1] and orders[0] != orders[2]


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("size", [1, 16, 45])
def test_descent_by_hand(size: int) -> None:
    """Stochastic (1), mini-batch (16, the last of 13) and batch (all 45) descent take the steps of a loop in NumPy."""
    generator = np.random.default_rng(9)
    x, y = generator.standard_normal((45, 3)), generator.standard_normal(45)
    network = Engine({"learning_rate": 0.05}, x, y)
    w, b = network.weights[0][:, 0], network.biases[0][0]
    for epoch in range(3):
        indices, present = batches(stream(45), epoch, size)
        for update in range(len(indices)):
            rows = indices[update][present[update] > 0] - 100
            network.update(rows)
            residual = x[rows] @ w + b - y[rows]
            # The mean over the rows that are there: a short batch's row counts as much within it as any other's.
            w, b = w - 0.05 * x[rows].T @ residual / len(rows), b - 0.05 * residual.mean()
    np.testing.assert_allclose(network.weights[0][:, 0], w, rtol=1e-11)
    assert network.biases[0][0] == pytest.approx(b, rel=1e-11)


@pytest.mark.usefixtures("wide")
def test_the_cost_of_an_epoch_weighs_every_row_alike() -> None:
    """At α = 0 the cost of an epoch, summed over batches of 16, 16 and 13 rows, is the mean over all 45."""
    generator = np.random.default_rng(10)
    x, y = generator.standard_normal((45, 3)), generator.standard_normal(45)
    network = Engine({"learning_rate": 0.0}, x, y)
    for start in (0, 16, 32):
        network.update(np.arange(start, min(start + 16, 45)))
    whole = 0.5 * np.mean((network.outputs()[:, 0] - y) ** 2)
    assert float(network.state.cost_sum / network.state.weight_sum) == pytest.approx(whole, rel=1e-12)


def test_sizes() -> None:
    """The usual sizes lie within the range searched, and a batch of all rows may be asked for."""
    low, high = HYPERPARAMETERS["batch_size"].range
    assert low <= 64 <= high
    assert complete({"batch_size": 2_000})["batch_size"] == 2_000
    assert complete({})["batch_size"] == 64
