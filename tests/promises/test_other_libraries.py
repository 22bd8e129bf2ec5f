"""Promise 9: the optimisers agree with PyTorch's and Optax's where the formulas are the same."""

from functools import partial

import jax
import numpy as np
import pytest

from caviar.search.hyperparameters import complete
from caviar.training.decay import bias_corrections
from caviar.training.optimisers import Moments, UpdateRule
from promises import grid

STEPS = 1000
ROWS = (np.random.default_rng(4).standard_normal((60, 5)), np.random.default_rng(5).standard_normal((60, 3)))
# Rates under which 1000 steps neither end at once nor run away.
CASES = {
    "gradient descent": {"optimiser": "gradient_descent", "learning_rate": 0.05},
    "gradient descent with L2": {"optimiser": "gradient_descent", "learning_rate": 0.05, "l2": 0.3},
    "momentum": {"optimiser": "momentum", "learning_rate": 0.05, "momentum": 0.95},
    "Nesterov": {"optimiser": "nesterov", "learning_rate": 0.05, "momentum": 0.95},
    "RMSprop": {"optimiser": "rmsprop", "learning_rate": 0.002, "beta_2": 0.97},
    "Adam": {"optimiser": "adam", "learning_rate": 0.01, "beta_1": 0.85, "beta_2": 0.995, "epsilon": 1e-6},
    "Adam with L2": {"optimiser": "adam", "learning_rate": 0.01, "l2": 0.3},
    "AdamW": {"optimiser": "adam", "learning_rate": 0.01, "weight_decay": 0.05},
    "Adam near 1": {"optimiser": "adam", "learning_rate": 0.01, "beta_2": 0.999999},
    "Adam, clipped": {"optimiser": "adam", "learning_rate": 0.01, "clip_norm": 0.2},
}


def first():
    """A matrix and a vector to begin with; penalties act on the matrix alone."""
    generator = np.random.default_rng(3)
    return {"w": generator.standard_normal((5, 3)), "b": generator.standard_normal(3)}


def gradient(theta, t):
    """The gradient of a smooth cost on the rows of step t: mean of log cosh(tanh(x w + b) − y), written out.

    The rows change from step to step, as mini-batches do: near the minimum of one fixed cost RMSprop's steps, which do
    not shrink with the gradient, would jump about in a way that makes any rounding grow.
    """
    x, y = ROWS[0][t % 5 :: 5], ROWS[1][t % 5 :: 5]
    a = np.tanh(x @ theta["w"] + theta["b"])
    dz = np.tanh(a - y) * (1 - a**2) / len(x)
    return {"w": x.T @ dz, "b": dz.sum(axis=0)}


def ours(configuration):
    """The path of 1000 steps by the engine's update rule."""
    c = complete(configuration)
    rule = UpdateRule((c["optimiser"],), l2=c["l2"] > 0, weight_decay=c["weight_decay"] > 0, clip=c["clip_norm"] < 1e9)
    beta = {"adam": c["beta_1"], "rmsprop": 0.0, "gradient_descent": 0.0}.get(c["optimiser"], c["momentum"])
    steps = np.arange(1, STEPS + 1)
    adam = c["optimiser"] == "adam"
    corrections = [bias_corrections(1 - b, steps) if adam else np.ones(STEPS) for b in (c["beta_1"], c["beta_2"])]
    fixed = {
        "rate": c["learning_rate"], "one_minus_beta_1": 1 - beta, "one_minus_beta_2": 1 - c["beta_2"],
        "epsilon": c["epsilon"], "l2": c["l2"], "weight_decay": c["weight_decay"], "clip_norm": c["clip_norm"],
    }  # fmt: skip
    update = jax.jit(partial(rule.apply, penalised={"w": True, "b": False}))
    theta = first()
    zeros = jax.tree.map(np.zeros_like, theta)
    moments = Moments(zeros, zeros)
    path = []
    for t in range(STEPS):
        numbers = {**fixed, "correction_1": corrections[0][t], "correction_2": corrections[1][t]}
        theta, moments = update(theta, moments, gradient(theta, t), hyperparameters=numbers)
        theta = jax.tree.map(np.asarray, theta)
        path.append(theta)
    return path


def by_pytorch(configuration):
    """The path of 1000 steps by PyTorch; momentum's rate is scaled by 1 − β."""
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra 'bench')")
    c = complete(configuration)
    if c["clip_norm"] < 1e9:
        pytest.skip("PyTorch adds 1e-6 to the norm that it clips by")
    theta = {name: torch.tensor(value, requires_grad=True) for name, value in first().items()}
    # L2 and decoupled decay act on the matrix alone.
    decay = c["weight_decay"] or c["l2"]
    groups = [{"params": [theta["w"]], "weight_decay": decay}, {"params": [theta["b"]], "weight_decay": 0.0}]
    rate, carried = c["learning_rate"], c["momentum"]
    betas = (c["beta_1"], c["beta_2"])
    kind = "adamw" if c["weight_decay"] else c["optimiser"]
    optimiser = {
        "gradient_descent": lambda: torch.optim.SGD(groups, rate),
        "momentum": lambda: torch.optim.SGD(groups, rate * (1 - carried), momentum=carried),
        "nesterov": lambda: torch.optim.SGD(groups, rate * (1 - carried), momentum=carried, nesterov=True),
        "rmsprop": lambda: torch.optim.RMSprop(groups, rate, alpha=c["beta_2"], eps=c["epsilon"]),
        "adam": lambda: torch.optim.Adam(groups, rate, betas=betas, eps=c["epsilon"]),
        "adamw": lambda: torch.optim.AdamW(groups, rate, betas=betas, eps=c["epsilon"]),
    }[kind]()
    path = []
    for t in range(STEPS):
        slopes = gradient({name: value.detach().numpy() for name, value in theta.items()}, t)
        for name, value in theta.items():
            value.grad = torch.tensor(slopes[name])
        optimiser.step()
        path.append({name: value.detach().numpy().copy() for name, value in theta.items()})
    return path


def by_optax(configuration):
    """The path of 1000 steps by Optax; RMSprop's ε stands outside the root."""
    optax = pytest.importorskip("optax", reason="needs Optax (the extra 'dev')")
    c = complete(configuration)
    rate, carried = c["learning_rate"], c["momentum"]
    betas = {"b1": c["beta_1"], "b2": c["beta_2"], "eps": c["epsilon"]}
    weights = {"w": True, "b": False}
    kind = "adamw" if c["weight_decay"] else c["optimiser"]
    chain = [optax.add_decayed_weights(c["l2"], mask=weights)] if c["l2"] else []
    if c["clip_norm"] < 1e9:
        chain.append(optax.clip_by_global_norm(c["clip_norm"]))
    chain.append(
        {
            "gradient_descent": lambda: optax.sgd(rate),
            "momentum": lambda: optax.sgd(rate * (1 - carried), momentum=carried),
            "nesterov": lambda: optax.sgd(rate * (1 - carried), momentum=carried, nesterov=True),
            "rmsprop": lambda: optax.rmsprop(rate, decay=c["beta_2"], eps=c["epsilon"], eps_in_sqrt=False),
            "adam": lambda: optax.adam(rate, **betas),
            "adamw": lambda: optax.adamw(rate, **betas, weight_decay=c["weight_decay"], mask=weights),
        }[kind]()
    )
    optimiser = optax.chain(*chain)
    theta = first()
    state = optimiser.init(theta)
    update = jax.jit(optimiser.update)
    path = []
    for t in range(STEPS):
        steps, state = update(gradient(theta, t), state, theta)
        theta = jax.tree.map(lambda value, step: np.asarray(value + step), theta, steps)
        path.append(theta)
    return path


_paths = {}


def our_path(name):
    """Our path of a case, walked once."""
    if name not in _paths:
        _paths[name] = ours(CASES[name])
    return _paths[name]


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("library", [by_pytorch, by_optax])
@pytest.mark.parametrize("name", CASES)
def test_the_same_path(name, library):
    """Each of 1000 steps from the same place lands where the other library's does, to 1e-10 in double precision."""
    theirs = library(CASES[name])
    path = our_path(name)
    largest = max(grid.distance([a["w"], a["b"]], [b["w"], b["b"]]) for a, b in zip(path, theirs, strict=True))
    print(largest)
    assert largest < 1e-10
    assert grid.distance([path[-1]["w"]], [first()["w"]]) > 0.1  # it went somewhere
