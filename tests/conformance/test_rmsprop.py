"""RMSprop: s ← βs + (1 − β)dW²; W ← W − α dW/(√s + ε), β 0.9 (here beta_2), not corrected."""

import numpy as np
import pytest

import caviar
from conformance import descents


@pytest.mark.parametrize("library", descents.LIBRARIES)
def test_the_path_is_that_of_other_libraries(library: str) -> None:
    """A thousand steps in double precision land where the formulas, PyTorch and Optax (ε outside) land, to 1e-10."""
    configuration, path = descents.walked("rmsprop", "constant")
    assert descents.apart(path, descents.LIBRARIES[library](configuration)) < 1e-10
    assert np.abs(path["weights"][-1] - path["weights"][0]).max() > 0.1


def test_its_usual_beta_is_nine_tenths_and_nothing_is_corrected() -> None:
    """The first step of a slope of 3 is α·3/(√(0.1·9) + ε), which is α·√10: with the root, without correction."""
    found = caviar.minimise(lambda w: 3.0 * w, 0.0, optimiser="rmsprop", learning_rate=0.01, steps=1)
    assert np.isclose(-found.path[1], 0.01 * np.sqrt(10), rtol=1e-7)


def test_epsilon_stands_outside_the_root() -> None:
    """Ten steps down a slope of 3 follow the formula for 40 drawn ε and β; inside the root ε would make other steps."""
    generator = np.random.default_rng(0)
    epsilon, beta = 10 ** generator.uniform(-8, 0, 40), generator.uniform(0, 0.999, 40)
    beta[0] = 0.0
    found = caviar.minimise(
        lambda w: 3.0 * w, 0.0, optimiser="rmsprop", learning_rate=0.1, beta_2=beta, epsilon=epsilon, steps=10
    )
    w, s, path = np.zeros(40), np.zeros(40), [np.zeros(40)]
    for _ in range(10):
        s = beta * s + (1 - beta) * 9.0
        w = w - 0.1 * 3.0 / (np.sqrt(s) + epsilon)
        path.append(w)
    assert np.allclose(found.path, path, rtol=1e-10)
