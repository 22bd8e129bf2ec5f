"""Momentum: v ← βv + (1 − β)dW; W ← W − αv, β 0.9, not corrected; Nesterov's form beside it."""

import numpy as np
import pytest

import caviar
from conformance import descents


@pytest.mark.parametrize("library", descents.LIBRARIES)
@pytest.mark.parametrize("optimiser", ["momentum", "nesterov", "gradient_descent"])
def test_the_path_is_that_of_other_libraries(optimiser: str, library: str) -> None:
    """A thousand steps in double precision land where the formulas, PyTorch and Optax land, to 1e-10."""
    configuration, path = descents.walked(optimiser, "constant")
    assert descents.apart(path, descents.LIBRARIES[library](configuration)) < 1e-10
    assert np.abs(path["weights"][-1] - path["weights"][0]).max() > 0.1  # it went somewhere


@pytest.mark.parametrize("library", descents.LIBRARIES)
def test_a_clipped_gradient_has_the_same_path(library: str) -> None:
    """Momentum with gradients clipped to a norm that they exceed, warmed up, agrees to 1e-10 as well."""
    clipped = {"optimiser": "momentum", "learning_rate": 0.3, "clip_norm": 0.05, "warmup": 3.5}
    path, free = descents.ours([clipped, {**clipped, "clip_norm": np.inf}])
    assert descents.apart(path, descents.LIBRARIES[library](clipped)) < 1e-10
    assert descents.apart(path, free) > 0.1  # the clipping mattered


def test_its_usual_beta_is_nine_tenths() -> None:
    """Two steps at the default β: 0.1·g1, then 0.9·(0.1·g1) + 0.1·g2, each times α; v is not corrected."""
    found = caviar.minimise(lambda w: 3.0 * w, 0.0, optimiser="momentum", learning_rate=1.0, steps=2)
    assert np.allclose(found.path, [0.0, -0.3, -0.3 - (0.27 + 0.3)], rtol=0, atol=1e-15)


def test_the_other_way_of_writing_it_has_its_rate_scaled() -> None:
    """v ← βv + dW at the rate α(1 − β) walks the same path, for 40 drawn β and α; at β = 0 it is gradient descent."""
    generator = np.random.default_rng(0)
    beta, rate = generator.uniform(0, 0.999, 40), generator.uniform(1e-3, 0.5, 40)
    beta[:2] = 0.0, 0.999999
    found = caviar.minimise(
        lambda w: 0.5 * (w - 2.0) ** 2, 0.0, optimiser="momentum", momentum=beta, learning_rate=rate, steps=20
    )
    w, v, path = np.zeros(40), np.zeros(40), [np.zeros(40)]
    for _ in range(20):
        v = beta * v + (w - 2.0)
        w = w - rate * (1 - beta) * v
        path.append(w)
    assert np.allclose(found.path, path, rtol=1e-10, atol=1e-13)
    assert np.allclose(found.path[:, 0], 2.0 - 2.0 * (1 - rate[0]) ** np.arange(21))
