"""Normalising inputs: μ and σ of the train rows, everywhere, and what that does to the largest stable α."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import StandardScaler

import caviar
from caviar.data.encoding import Encoder, fit_encoder
from conformance.engine import Engine
from data.tables import table_of

SIDE = st.floats(-1e3, 1e3).map(lambda value: round(value, 3))


@given(values=arrays.arrays(np.float64, (12, 3), elements=SIDE), rows=st.integers(1, 12))
def test_as_scikit_learn_does_it(values: np.ndarray, rows: int) -> None:
    """(x − μ)/σ with the mean and the population σ of the train rows alone; a constant feature divides by 1."""
    data = table_of(values, np.arange(12) % 2)
    encoder = fit_encoder(data, np.arange(rows))
    theirs = StandardScaler().fit(values[:rows])
    wanted = theirs.transform(values)
    # A feature that is constant in train may take any value later; what is beyond a million is as good as infinite.
    np.testing.assert_allclose(encoder.transform(data), np.clip(wanted, -1e6, 1e6), rtol=1e-5, atol=1e-4)
    assert np.isfinite(encoder.transform(data)).all()


def test_by_sigma_and_centred_first() -> None:
    """x = 1, 2, 3, 4 has σ² = 1.25: the inputs are ±1.342 and ±0.447, not what division by σ² or no centring gives."""
    data = table_of(np.array([[1.0], [2.0], [3.0], [4.0]]), np.arange(4) % 2)
    found = fit_encoder(data, np.arange(4)).transform(data)[:, 0]
    np.testing.assert_allclose(found, np.array([-1.5, -0.5, 0.5, 1.5]) / np.sqrt(1.25), rtol=1e-6)


def test_the_same_numbers_travel_in_the_model(tmp_path: Path) -> None:
    """A saved model gives a new row what μ and σ of the train rows make of it, with no train row at hand."""
    from study.making import study, table

    run = study(tmp_path / "run", splits=caviar.split(caviar.read(table(), target="y"), seed=0)).train(epochs=1)
    path = run.best_model().save(tmp_path / "small.caviar")
    data, train = run.dataset, run.splits.train
    raw = np.column_stack([data.columns[name] for name in "abcd"])
    wanted = (raw - raw[train].mean(axis=0)) / raw[train].std(axis=0)
    encoder = caviar.load(path).encoder
    np.testing.assert_allclose(encoder.transform(data), wanted, rtol=1e-4, atol=1e-5)
    arrays_, plain = encoder.to_arrays()
    np.testing.assert_array_equal(Encoder.from_arrays(arrays_, plain).transform(data), encoder.transform(data))


def stable(inputs: np.ndarray, targets: np.ndarray, rate: float) -> bool:
    """Whether 300 updates of the engine at this α end below where they began."""
    costs = Engine({"learning_rate": rate, "initialisation": "lecun"}, inputs, targets).descend(300)
    return bool(np.isfinite(costs[-1]) and costs[-1] <= costs[0])


@pytest.mark.usefixtures("wide")
def test_the_largest_stable_learning_rate() -> None:
    """With x₁ in [1, 1000], x₂ in [0, 1] α must stay below 2/λ_max, about 6e-6; normalised it may be about 1.9."""
    generator = np.random.default_rng(7)
    x = np.column_stack([generator.uniform(1, 1000, 200), generator.uniform(0, 1, 200)])
    y = 0.002 * x[:, 0] + x[:, 1]
    data = table_of(x, y, task="regression")
    largest = []
    for inputs in (x, fit_encoder(data, np.arange(200)).transform(data).astype(np.float64)):
        with_bias = np.column_stack([inputs, np.ones(200)])
        bound = 2 / np.linalg.eigvalsh(with_bias.T @ with_bias / 200).max()
        assert stable(inputs, y, 0.97 * bound) and not stable(inputs, y, 1.03 * bound)
        largest.append(bound)
    assert 4e-6 < largest[0] < 8e-6 and 1.5 < largest[1] < 2.0
