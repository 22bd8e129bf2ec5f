"""Vanishing and exploding gradients: linear networks of 0.5·I and 1.5·I, named at any depth up to 150 layers."""

import numpy as np
import pytest

from caviar.diagnosis.gradients import GradientEvidence, diagnose_gradients
from caviar.training.probes import probe

ROWS, UNITS = 24, 3


def linear(scale: float, depth: int) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """Probes of `depth` layers of scale·I, the inputs, and the gradient of the mean softmax cost in the outputs."""
    generator = np.random.default_rng(3)
    inputs, targets = generator.standard_normal((ROWS, UNITS)), np.arange(ROWS) % UNITS
    layers = [(scale * np.eye(UNITS), np.zeros(UNITS))] * depth
    found = probe(layers, inputs, targets, activation="identity", loss="softmax")
    outputs = scale**depth * inputs  # float64 holds 1.5¹⁵⁰ = 2.6e26 and 0.5¹⁵⁰ = 7e-46
    shares = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return found, inputs, (shares - np.eye(UNITS)[targets]) / ROWS


@pytest.mark.parametrize(("scale", "depth"), [(0.5, 12), (0.5, 150), (1.5, 24), (1.5, 150)])
def test_by_the_formulas(scale: float, depth: int) -> None:
    """a[l] = scaleˡ x and dJ/dz[l] = scaleᴸ⁻ˡ dJ/dz[L], so ‖dJ/dW[l]‖ = scaleᴸ⁻¹ ‖dJ/dz[L]ᵀ x‖: in logarithms, though
    0.5¹⁵⁰ is 0 in float32 and the square of 1.5¹⁵⁰ infinite."""
    found, inputs, error = linear(scale, depth)
    layer = np.arange(1, depth + 1)
    back = (depth - layer) * np.log10(scale) + np.log10(np.linalg.norm(error))
    np.testing.assert_allclose(found["log10_backward_norm"][0], back, atol=1e-3)
    spread = layer * np.log10(scale) + np.log10(inputs.std())
    np.testing.assert_allclose(found["log10_activation_spread"][0], spread, atol=1e-3)
    gradient = (depth - 1) * np.log10(scale) + np.log10(np.linalg.norm(error.T @ inputs))
    np.testing.assert_allclose(found["log10_gradient_norm"][0], np.full(depth, gradient), atol=1e-3)
    code = "GRD001" if scale < 1 else "GRD002"
    (finding,) = diagnose_gradients(GradientEvidence(found))
    assert finding.code == code and f"{depth} layers" in finding.message
    assert np.isfinite(finding.evidence["log10_backward_norm"]).all()


def test_orthogonal_layers_do_neither() -> None:
    """Thirty layers of 1·I keep every norm and have no finding."""
    found, _, error = linear(1.0, 30)
    np.testing.assert_allclose(found["log10_backward_norm"][0], np.log10(np.linalg.norm(error)), atol=1e-5)
    assert diagnose_gradients(GradientEvidence(found)) == []
