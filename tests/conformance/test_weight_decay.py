"""Weight decay: L2 seen as shrinking, and decoupled decay named apart from it."""

import numpy as np
import pytest

from caviar.search.hyperparameters import OPTIMISERS, complete
from caviar.training.features import features_of
from conformance.engine import Engine

GENERATOR = np.random.default_rng(4)
X, Y = GENERATOR.standard_normal((40, 3)), GENERATOR.standard_normal(40)
SMALL = {"hidden": [4], "activation": "tanh", "learning_rate": 0.1}


def after(updates: int, **configuration: object) -> list[np.ndarray]:
    """The weights after some updates."""
    every = [complete({**SMALL, "optimiser": name, "l2": 1, "weight_decay": 1}) for name in OPTIMISERS]
    network = Engine({**SMALL, **configuration}, X, Y, within=features_of(every, padded_outputs=False))
    network.descend(updates)
    return network.weights


@pytest.mark.usefixtures("wide")
def test_l2_is_shrinking() -> None:
    """One update with L2 is W ← (1 − αλ/m) W − α dW, with dW the gradient of the cost without it."""
    plain, network = Engine(SMALL, X, Y), Engine({**SMALL, "l2": 8.0}, X, Y)
    before = plain.weights
    plain.update()
    network.update()
    for w, without, found in zip(before, plain.weights, network.weights, strict=True):
        step = w - without  # α dW
        np.testing.assert_allclose(found, (1 - 0.1 * 8.0 / 40) * w - step, rtol=1e-12)


@pytest.mark.usefixtures("wide")
def test_the_two_agree_for_plain_descent_only() -> None:
    """weight_decay = λ/m is L2 under gradient descent, step after step; under every other optimiser it is not."""
    for optimiser in OPTIMISERS:
        one, other = after(30, optimiser=optimiser, l2=8.0), after(30, optimiser=optimiser, weight_decay=8.0 / 40)
        apart = max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))
        assert apart < 1e-12 if optimiser == "gradient_descent" else apart > 1e-4, optimiser


@pytest.mark.usefixtures("wide")
def test_decoupled_decay_is_pytorchs_adamw() -> None:
    """100 updates of Adam with weight_decay on weights alone are those of torch.optim.AdamW."""
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra 'bench')")
    network = Engine({**SMALL, "optimiser": "adam", "learning_rate": 0.01, "weight_decay": 0.3}, X, Y)
    weights = [torch.tensor(w.copy(), requires_grad=True) for w in network.weights]
    biases = [torch.tensor(b.copy(), requires_grad=True) for b in network.biases]
    groups = [{"params": weights, "weight_decay": 0.3}, {"params": biases, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, 0.01, betas=(0.9, 0.999), eps=1e-8)
    x, y = torch.tensor(X), torch.tensor(Y)
    for _ in range(100):
        optimiser.zero_grad()
        out = torch.tanh(x @ weights[0] + biases[0]) @ weights[1] + biases[1]
        (0.5 * (out[:, 0] - y) ** 2).mean().backward()
        optimiser.step()
    network.descend(100)
    for ours, theirs in zip(network.weights + network.biases, weights + biases, strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-12)
