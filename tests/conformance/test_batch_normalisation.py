"""Batch normalisation: before the activation, after it, on the output layer; what test mode and a saved model use."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.errors import SpaceError
from caviar.networks.mlp import cut
from caviar.networks.normalisation import Moments, Pooled, pool
from caviar.records.forward import forward, forward_in_batches
from caviar.search.hyperparameters import complete
from caviar.search.space import Space
from conformance.engine import Engine

GENERATOR = np.random.default_rng(9)
X, Y = GENERATOR.standard_normal((24, 3)) * [1.0, 30.0, 0.1] + [0.0, 5.0, -2.0], GENERATOR.integers(0, 3, 24)
NORMED = {"hidden": [5, 4], "activation": "tanh", "batch_norm": True, "learning_rate": 0.05, "epsilon": 1e-4}
PLACES = [
    {},
    {"batch_norm_place": "after"},
    {"batch_norm_output": True},
    {"batch_norm_place": "after", "batch_norm_output": True},
]
EPSILON = 1e-5


def network(**configuration: Any) -> Engine:
    """A network with batch norm on 24 rows of three classes."""
    return Engine({**NORMED, **configuration}, X, Y, "softmax")


def set_scales(own: Engine, gammas: list[np.ndarray], betas: list[np.ndarray]) -> None:
    """Give the network these γ and β, layer by layer."""
    layers = own.state.parameters._replace(gammas=tuple(gammas), betas=tuple(betas))
    own.state = own.state._replace(parameters=layers)


def normal(z: np.ndarray, gamma: Any, beta: Any) -> np.ndarray:
    """γ (z − μ)/√(σ² + ε) + β by the rows themselves."""
    return gamma * (z - z.mean(axis=0)) / np.sqrt(((z - z.mean(axis=0)) ** 2).mean(axis=0) + EPSILON) + beta


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_the_formula(place: dict[str, Any]) -> None:
    """With any γ and β the outputs in training are those of the formula; before the activation b is dropped."""
    own = network(**place)
    draws = np.random.default_rng(1)
    gammas, betas = ([draws.standard_normal(n) for n in (5, 4, 3)] for _ in range(2))
    set_scales(own, gammas, betas)
    biases = [draws.standard_normal(n) for n in (5, 4, 3)]
    own.state = own.state._replace(parameters=own.state.parameters._replace(biases=tuple(biases)))
    a = X
    for layer in range(2):
        z = a @ own.weights[layer]
        if "batch_norm_place" in place:
            a = normal(np.tanh(z + biases[layer]), gammas[layer], betas[layer])
        else:
            a = np.tanh(normal(z, gammas[layer], betas[layer]))
    z = a @ own.weights[2]
    wanted = normal(z, gammas[2], betas[2]) if "batch_norm_output" in place else z + biases[2]
    np.testing.assert_allclose(own.outputs(training=True), wanted, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_it_can_be_the_identity(place: dict[str, Any]) -> None:
    """With γ = √(σ² + ε) and β = μ in every layer the network gives what it gives without batch norm."""
    own, plain = network(**place), network(batch_norm=False)
    a, gammas, betas = X, [], []
    for layer in range(3):
        z = a @ own.weights[layer]
        a = np.tanh(z) if layer < 2 else z
        kept = a if layer < 2 and "batch_norm_place" in place else z
        gammas.append(np.sqrt(kept.var(axis=0) + EPSILON))
        betas.append(kept.mean(axis=0))
    set_scales(own, gammas, betas)
    np.testing.assert_allclose(own.outputs(training=True), plain.outputs(training=True), rtol=1e-9, atol=1e-12)


def pytorchs(torch: Any, own: Engine, after: bool, output: bool) -> Any:
    """The same network of torch.nn.Linear and BatchNorm1d, in double precision, begun with the same weights."""
    nn, layers, widths = torch.nn, [], (3, 5, 4, 3)
    for layer in range(3):
        last = layer == 2
        normed = not last or output
        linear = nn.Linear(widths[layer], widths[layer + 1], bias=not normed or (after and not last))
        linear.weight.data = torch.tensor(own.weights[layer].T.copy())
        if linear.bias is not None:
            linear.bias.data = torch.zeros(widths[layer + 1])
        norm = [nn.BatchNorm1d(widths[layer + 1], eps=EPSILON, momentum=0.1)] if normed else []
        activation = [] if last else [nn.Tanh()]
        layers += [linear, *(activation + norm if after else norm + activation)]
    return nn.Sequential(*layers).double()


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("optimiser", ["gradient_descent", "momentum", "rmsprop", "adam"])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_training_is_pytorchs(place: dict[str, Any], optimiser: str) -> None:
    """After 40 mini-batches outputs in training are those of torch.nn.BatchNorm1d to 1e-8, γ and β learnt by the rule.

    Momentum's rate is scaled by 1 − β, since PyTorch's velocity is v ← βv + g.
    """
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra 'bench')")
    own = network(**place, optimiser=optimiser)
    twin = pytorchs(torch, own, "batch_norm_place" in place, "batch_norm_output" in place)
    rule = {
        "gradient_descent": lambda p: torch.optim.SGD(p, 0.05),
        "momentum": lambda p: torch.optim.SGD(p, 0.05 * (1 - 0.9), momentum=0.9),
        "rmsprop": lambda p: torch.optim.RMSprop(p, 0.05, alpha=0.9, eps=1e-4),
        "adam": lambda p: torch.optim.Adam(p, 0.05, eps=1e-4),
    }[optimiser](twin.parameters())
    x, y = torch.tensor(X), torch.tensor(Y)
    for update in range(40):
        rows = np.random.default_rng(update).permutation(24)[:12]
        own.update(rows)
        rule.zero_grad()
        torch.nn.functional.cross_entropy(twin(x[rows]), y[rows]).backward()
        rule.step()
    np.testing.assert_allclose(own.outputs(training=True), twin(x).detach().numpy(), atol=1e-8)


@pytest.mark.usefixtures("wide")
def test_test_mode_reads_the_weighted_mean_of_the_batches() -> None:
    """After t batches test mode uses Σ 0.9^(t−i) μᵢ / Σ 0.9^(t−i), which from the first batch on is an average."""
    own = network(hidden=[5], activation="identity", learning_rate=0.0)
    means, variances = [], []
    for update in range(4):
        rows = np.arange(update * 6, update * 6 + 6)
        own.update(rows)
        z = X[rows] @ own.weights[0]
        means.append(z.mean(axis=0))
        variances.append(z.var(axis=0))
        share = 0.9 ** np.arange(update, -1, -1)
        mean, variance = (np.average(kept, axis=0, weights=share) for kept in (means, variances))
        wanted = (X @ own.weights[0] - mean) / np.sqrt(variance + EPSILON) @ own.weights[1]
        np.testing.assert_allclose(own.outputs(), wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_saved_model_follows_every_place(place: dict[str, Any]) -> None:
    """The NumPy forward pass of what is saved gives the engine's outputs, in test mode and batch by batch."""
    own = network(**place)
    own.descend(5)
    c = own.configuration
    kept = cut(*own.state[:2], own.own.widths, True, c["batch_norm_place"], c["batch_norm_output"])
    names = ("activation", "batch_norm", "batch_norm_place", "batch_norm_output", "hidden")
    plain = {"network": {**{name: c[name] for name in names}, "outputs": 3, "epsilon": EPSILON}}
    np.testing.assert_allclose(forward(kept, plain, X, np.float64), own.outputs(), rtol=1e-10, atol=1e-12)
    halves = [np.arange(0, 24, 2), np.arange(1, 24, 2)]
    batched = forward_in_batches(kept, plain, X, halves)
    for rows in halves:
        np.testing.assert_allclose(batched[rows], own.outputs(X[rows], training=True), rtol=1e-10, atol=1e-12)


def test_a_model_of_an_earlier_layout_is_read() -> None:
    """A model that does not say where its batch norm stands has it before the activation of hidden layers."""
    one, none = np.ones(2), np.zeros(2)
    arrays = {"weights.0": np.eye(2), "gamma.0": 3 * one, "beta.0": one, "mean.0": 2 * one, "variance.0": one - EPSILON}
    arrays |= {"weights.1": np.eye(2), "biases.1": none}
    plain = {"network": {"activation": "relu", "batch_norm": True, "hidden": [2], "epsilon": EPSILON}}
    assert forward(arrays, plain, np.array([[3.0, 0.0]]), np.float64).round(9).tolist() == [[4.0, 0.0]]


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.floats(0, 1e6), st.integers(0, 99))
def test_pooled_moments_are_those_of_all_rows(sizes: list[int], offset: float, seed: int) -> None:
    """However rows are cut into batches, and however far from 0 they lie, the moments are those of all together."""
    parts = [np.random.default_rng([seed, n]).standard_normal((size, 2)) + offset for n, size in enumerate(sizes)]
    pooled = Pooled(0.0, (np.zeros(2),), (np.zeros(2),))
    for part in parts:
        pooled = pool(pooled, (Moments(part.mean(axis=0), part.var(axis=0)),), len(part))
    whole = np.concatenate(parts)
    np.testing.assert_allclose(pooled.means[0], whole.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(pooled.variances[0], whole.var(axis=0), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2])
def test_batches_of_one_row_are_refused(size: int) -> None:
    """Mini-batches that are, or may leave over, a single row are refused with a sentence, alone and in a space."""
    with pytest.raises(SpaceError, match=f"'batch_norm' needs 'batch_size' 3 or more.*Got {size}"):
        complete({"batch_norm": True, "batch_size": size})
    space = Space().choose("batch_norm", False, True).choose("batch_size", 64, size)
    with pytest.raises(SpaceError, match="no variance to divide by"):
        space.check()
    assert complete({"batch_norm": True, "batch_size": size, "hidden": []})["batch_size"] == size
