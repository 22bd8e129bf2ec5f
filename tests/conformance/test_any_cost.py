"""Any cost: gradient descent and every optimiser on a cost that a person writes, with data fed in."""

import jax.numpy as jnp
import numpy as np
import pytest

import caviar
from caviar.search.hyperparameters import OPTIMISERS


def test_least_squares_reaches_the_solution() -> None:
    """Gradient descent on a mean square with X and y fed as data ends at the solution of the normal equations."""
    generator = np.random.default_rng(0)
    x, truth = generator.standard_normal((50, 3)), np.array([1.0, -2.0, 0.5])
    y = x @ truth + 0.1 * generator.standard_normal(50)

    def cost(theta, data):
        rows, targets = data
        return jnp.mean((rows @ theta["w"] + theta["b"] - targets) ** 2)

    start = {"w": np.zeros(3), "b": 0.0}
    found = caviar.minimise(cost, start, (x, y), optimiser="gradient_descent", learning_rate=0.1, steps=2000)
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(50)]), y, rcond=None)[0]
    assert np.allclose([*found.parameters["w"], found.parameters["b"]], solution, atol=1e-10)
    # The same cost with other data is another problem.
    other = caviar.minimise(cost, start, (x, 2 * y), optimiser="gradient_descent", learning_rate=0.1, steps=2000)
    assert np.allclose(other.parameters["w"], 2 * found.parameters["w"], atol=1e-9)


def test_every_optimiser_descends_a_curved_valley() -> None:
    """Every optimiser brings Rosenbrock's valley down from 24 to below 0.5, all as slots of one program."""
    rates = {"gradient_descent": 1e-3, "momentum": 1e-3, "nesterov": 1e-3, "rmsprop": 2e-3, "adam": 2e-2}
    found = caviar.minimise(
        lambda w: (1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2,
        [-1.2, 1.0],
        optimiser=list(OPTIMISERS),
        learning_rate=[rates[name] for name in OPTIMISERS],
        steps=4000,
    )
    assert np.allclose(found.costs[0], 24.2)
    assert (found.cost < 0.5).all()


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e3])
def test_the_path_is_on_its_contours(scale: float) -> None:
    """The costs are those of the path's own points, and the gradient's norm is the derivative's there."""
    found = caviar.minimise(
        lambda w: scale * (w[0] ** 2 + 3 * w[1] ** 2), [2.0, 1.0], learning_rate=0.1, steps=30, every=4
    )
    x, y = found.path.T
    assert found.steps.tolist() == [0, 4, 8, 12, 16, 20, 24, 28, 30]
    assert np.allclose(found.costs, scale * (x**2 + 3 * y**2), rtol=1e-13)
    assert np.allclose(found.gradient_norms, scale * np.hypot(2 * x, 6 * y), rtol=1e-13)
