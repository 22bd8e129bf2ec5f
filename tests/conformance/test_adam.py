"""Adam: W ← W − α v̂/(√ŝ + ε), both averages bias-corrected, β₁ 0.9, β₂ 0.999, ε 1e-8 outside the root."""

import numpy as np
import pytest

import caviar
from conformance import descents

ADAMW = {"optimiser": "adam", "learning_rate": 0.004, "weight_decay": 0.05}
CASES = {
    "decoupled decay (AdamW)": {**ADAMW, "decay": "cosine"},
    "clipped": {"optimiser": "adam", "learning_rate": 0.004, "clip_norm": 0.01},
    "betas near 1": {"optimiser": "adam", "learning_rate": 0.004, "beta_1": 0.99, "beta_2": 0.999999},
}


@pytest.mark.parametrize("library", descents.LIBRARIES)
def test_the_path_is_that_of_other_libraries(library: str) -> None:
    """A thousand steps in double precision land where the formulas, PyTorch and Optax land, to 1e-10."""
    configuration, path = descents.walked("adam", "constant")
    assert descents.apart(path, descents.LIBRARIES[library](configuration)) < 1e-10
    assert np.abs(path["weights"][-1] - path["weights"][0]).max() > 0.1


@pytest.fixture(scope="module")
def paths() -> dict[str, dict[str, np.ndarray]]:
    """Our paths of the further cases, walked at once."""
    return dict(zip(CASES, descents.ours(list(CASES.values())), strict=True))


@pytest.mark.parametrize("library", descents.LIBRARIES)
@pytest.mark.parametrize("name", CASES)
def test_so_are_those_of_its_forms(name: str, library: str, paths: dict[str, dict[str, np.ndarray]]) -> None:
    """AdamW under a decay, Adam with clipped gradients and with averages of a million steps agree to 1e-10."""
    assert descents.apart(paths[name], descents.LIBRARIES[library](CASES[name])) < 1e-10


def test_decoupled_decay_is_no_penalty() -> None:
    """Under Adam, weight decay and the same number as a penalty in the cost lead elsewhere, unlike gradient descent."""

    def with_penalty(w, decay):
        return (w - 3.0) ** 2 + 0.5 * decay * w**2

    for optimiser, alike in (("gradient_descent", True), ("adam", False)):
        how = {"optimiser": optimiser, "learning_rate": 0.05, "steps": 50}
        penalised = caviar.minimise(with_penalty, 1.0, 0.1, **how)
        decayed = caviar.minimise(with_penalty, 1.0, 0.0, weight_decay=0.1, **how)
        assert np.allclose(penalised.path, decayed.path, rtol=1e-12) == alike


def test_its_usual_numbers_are_those_of_the_paper() -> None:
    """Three steps down w² with nothing said but α: β₁ 0.9, β₂ 0.999, ε 1e-8, on slopes that change by the step."""
    for start in (1.0, 1e-7):  # at the second ε is a tenth of the root
        found = caviar.minimise(lambda w: w**2, start, optimiser="adam", learning_rate=0.3 * start, steps=3)
        w, v, s, path = start, 0.0, 0.0, [start]
        for t in (1, 2, 3):
            slope = 2 * w
            v, s = 0.9 * v + 0.1 * slope, 0.999 * s + 0.001 * slope**2
            w -= 0.3 * start * (v / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
            path.append(w)
        assert np.allclose(found.path, path, rtol=1e-9, atol=0)


def test_its_first_step_is_the_learning_rate() -> None:
    """By the corrections the first step has the length α whatever the slope, from 1e-3 to 1e3: α·g/(|g| + ε)."""
    slopes, rates = np.logspace(-3, 3, 13), np.logspace(-4, 0, 13)
    starts = np.column_stack([np.zeros(13), slopes])
    # The cost's second parameter is its slope along the first.
    found = caviar.minimise(lambda w: w[0] * w[1], starts=starts, learning_rate=rates, steps=1)
    assert np.allclose(-found.path[1, :, 0], rates * slopes / (slopes + 1e-8), rtol=1e-9)
