"""What L2 does: a large λ keeps tanh units in their linear part, and straightens what the network computes."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from conformance.engine import Engine


@pytest.mark.usefixtures("wide")
def test_the_linear_region_grows_with_the_penalty() -> None:
    """From λ = 0 to 10 the share of pre-activations within ±0.5 rises, and the outputs come nearer to a plane."""
    generator = np.random.default_rng(5)
    x = 2.0 * generator.standard_normal((80, 2))
    y = np.where(x[:, 0] * x[:, 1] + 0.5 * x[:, 0] > 0, 1, 0)
    shares, bends = [], []
    for penalty in (0.0, 1.0, 5.0, 10.0):
        c = {"hidden": [8], "activation": "tanh", "optimiser": "momentum", "learning_rate": 0.5, "l2": penalty}
        network = Engine({**c, "initialisation": "lecun"}, x, y, "logistic")
        network.descend(400)
        # By NumPy from the weights alone: the engine's own measure is not asked.
        z = x @ network.weights[0] + network.biases[0]
        outputs = np.tanh(z) @ network.weights[1] + network.biases[1]
        np.testing.assert_allclose(outputs, network.outputs(), rtol=1e-10, atol=1e-12)
        shares.append(float(np.mean(np.abs(z) < 0.5)))
        plane = LinearRegression().fit(x, outputs).predict(x)
        bends.append(float(np.std(outputs - plane) / max(np.std(outputs), 1e-12)))
    assert shares == sorted(shares) and shares[0] < 0.2 and shares[-1] > 0.95, shares
    assert bends == sorted(bends, reverse=True) and bends[0] > 0.9 and bends[-1] < 0.05, bends
