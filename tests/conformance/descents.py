"""One cost followed down for a thousand steps by Caviar, by PyTorch, by Optax and by the textbook's formulas.

The cost is a softmax regression on classes that planes can part: it falls for ever, so that no step count is too many.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import caviar
from reference import optimisers as textbook
from reference.decay import learning_rate
from reference.optimisers import forget

STEPS, STEPS_PER_EPOCH = 1000, 25
HORIZON = STEPS // STEPS_PER_EPOCH
PLAIN = {
    "momentum": 0.9, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8, "decay": "constant", "decay_rate": 1.0,
    "decay_base": 0.95, "decay_steps": 10, "warmup": 0.0, "clip_norm": np.inf, "weight_decay": 0.0, "l1": 0.0,
    "l2": 0.0, "examples": 1,
}  # fmt: skip
# Unlike the defaults, so that a number that is not read would be seen. RMSprop's ε is large: with a small one its steps
# keep their length where a slope changes its sign, and two correct programs part by their rounding.
OPTIMISERS: dict[str, dict[str, Any]] = {
    "gradient_descent": {"learning_rate": 0.3},
    "momentum": {"learning_rate": 0.3, "momentum": 0.95},
    "nesterov": {"learning_rate": 0.3, "momentum": 0.85},
    "rmsprop": {"learning_rate": 0.002, "beta_2": 0.97, "epsilon": 1e-2},
    "adam": {"learning_rate": 0.004, "beta_1": 0.85, "beta_2": 0.995, "epsilon": 1e-6},
}
DECAYS: dict[str, dict[str, Any]] = {
    "constant": {},
    "inverse_time": {"decay_rate": 0.3},
    "exponential": {"decay_base": 0.93},
    "sqrt_epoch": {},
    "sqrt_step": {},
    "staircase": {"decay_base": 0.5, "decay_steps": 7},
    "cosine": {},
}


@cache
def rows() -> tuple[np.ndarray, np.ndarray]:
    """Sixty rows of five features, and one-hot classes that a plane parts."""
    generator = np.random.default_rng(4)
    x = generator.standard_normal((60, 5))
    classes = (x @ generator.standard_normal((5, 3))).argmax(axis=1)
    return x, np.eye(3)[classes]


def start() -> dict[str, np.ndarray]:
    """A matrix, called weights, and a vector."""
    generator = np.random.default_rng(3)
    return {"weights": generator.standard_normal((5, 3)), "bias": generator.standard_normal(3)}


def cost(theta: Mapping[str, Any], data: Any) -> Any:
    """The mean cross-entropy, as a person writes it."""
    x, y = data
    scores = x @ theta["weights"] + theta["bias"][None, :]
    return jnp.mean(jax.nn.logsumexp(scores, axis=1) - jnp.sum(y * scores, axis=1))


def slopes(theta: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The gradient of the cost, written out: Xᵀ(A − Y)/m and the mean of A − Y."""
    x, y = rows()
    scores = x @ theta["weights"] + theta["bias"]
    a = np.exp(scores - scores.max(axis=1, keepdims=True))
    dz = (a / a.sum(axis=1, keepdims=True) - y) / len(x)
    return {"weights": x.T @ dz, "bias": dz.sum(axis=0)}


def whole(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """With the defaults that the textbook's formulas read."""
    return {**PLAIN, **configuration}


def rates(configuration: Mapping[str, Any]) -> list[float]:
    """α at each step, by the formulas alone."""
    c = whole(configuration)
    return [learning_rate(c, t, STEPS_PER_EPOCH, HORIZON) for t in range(1, STEPS + 1)]


def ours(configurations: list[dict[str, Any]]) -> list[dict[str, np.ndarray]]:
    """The paths of all configurations, each a slot of one program."""
    names = {name for configuration in configurations for name in configuration}
    columns = {name: [whole(configuration)[name] for configuration in configurations] for name in names}
    found = caviar.minimise(cost, start(), rows(), steps=STEPS, steps_per_epoch=STEPS_PER_EPOCH, **columns)
    return [slot.path for slot in found]


def by_textbook(configuration: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The path by NumPy loops over the formulas."""
    c = whole(configuration)
    theta, path = start(), [start()]
    memories = forget(theta)
    for t, rate in enumerate(rates(configuration), start=1):
        theta, memories = textbook.update(theta, slopes(theta), memories, t, rate, {**c, "weight_decay": 0.0})
        if c["weight_decay"]:  # on every parameter here, the vector too
            before = path[-1]
            theta = {name: w - rate * c["weight_decay"] * before[name] for name, w in theta.items()}
        path.append(theta)
    return {name: np.stack([point[name] for point in path]) for name in theta}


def by_pytorch(configuration: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The path by PyTorch's optimisers and its own derivative; momentum's rate is scaled by 1 − β."""
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra 'bench')")
    c = whole(configuration)
    theta = {name: torch.tensor(value, requires_grad=True) for name, value in start().items()}
    x, y = map(torch.tensor, rows())
    kind = "adamw" if c["weight_decay"] else c["optimiser"]
    scale = 1 - c["momentum"] if kind in ("momentum", "nesterov") else 1.0
    moments = {"betas": (c["beta_1"], c["beta_2"]), "eps": c["epsilon"]}
    make = {
        "gradient_descent": lambda leaves: torch.optim.SGD(leaves, 1.0),
        "momentum": lambda leaves: torch.optim.SGD(leaves, 1.0, momentum=c["momentum"]),
        "nesterov": lambda leaves: torch.optim.SGD(leaves, 1.0, momentum=c["momentum"], nesterov=True),
        "rmsprop": lambda leaves: torch.optim.RMSprop(leaves, 1.0, alpha=c["beta_2"], eps=c["epsilon"]),
        "adam": lambda leaves: torch.optim.Adam(leaves, 1.0, **moments),
        "adamw": lambda leaves: torch.optim.AdamW(leaves, 1.0, **moments, weight_decay=c["weight_decay"]),
    }
    optimiser = make[kind](list(theta.values()))
    path = [start()]
    for rate in rates(configuration):
        optimiser.param_groups[0]["lr"] = rate * scale
        optimiser.zero_grad()
        scores = x @ theta["weights"] + theta["bias"]
        torch.mean(torch.logsumexp(scores, 1) - torch.sum(y * scores, 1)).backward()
        _clip(theta, c["clip_norm"])
        optimiser.step()
        path.append({name: value.detach().numpy().copy() for name, value in theta.items()})
    return {name: np.stack([point[name] for point in path]) for name in theta}


def _clip(theta: Mapping[str, Any], most: float) -> None:
    """By hand: PyTorch's own adds 1e-6 to the norm."""
    norm = sum(float((value.grad**2).sum()) for value in theta.values()) ** 0.5
    for value in theta.values():
        value.grad *= min(1.0, most / norm)


def by_optax(configuration: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The path by Optax's transformations; RMSprop's ε outside the root."""
    pytest.importorskip("optax", reason="needs Optax (the extra 'dev')")
    c = whole(configuration)
    read = ("optimiser", "momentum", "beta_1", "beta_2", "epsilon", "clip_norm", "weight_decay")
    with jax.enable_x64(True):
        theta = jax.tree.map(jnp.asarray, start())
        last, path = _optax_walk(tuple((name, c[name]) for name in read))(theta, jnp.asarray(rates(configuration)))
        return {name: np.concatenate([path[name], last[name][None]]) for name in path}


@cache
def _optax_walk(configuration: tuple[tuple[str, Any], ...]) -> Any:
    """(start, rates) -> (last parameters, path before it), compiled once for all decays of an optimiser."""
    import optax

    c = dict(configuration)
    carried = c["momentum"]
    rule = optax.chain(
        optax.clip_by_global_norm(c["clip_norm"]) if np.isfinite(c["clip_norm"]) else optax.identity(),
        {
            "gradient_descent": optax.identity,
            "momentum": lambda: optax.chain(optax.trace(carried), optax.scale(1 - carried)),
            "nesterov": lambda: optax.chain(optax.trace(carried, nesterov=True), optax.scale(1 - carried)),
            "rmsprop": lambda: optax.scale_by_rms(c["beta_2"], eps=c["epsilon"], eps_in_sqrt=False),
            "adam": lambda: optax.scale_by_adam(b1=c["beta_1"], b2=c["beta_2"], eps=c["epsilon"]),
        }[c["optimiser"]](),
        optax.add_decayed_weights(c["weight_decay"]),
    )

    def one(carry: Any, rate: Any) -> Any:
        theta, state = carry
        steps, state = rule.update(jax.grad(cost)(theta, rows()), state, theta)
        return (jax.tree.map(lambda w, step: w - rate * step, theta, steps), state), theta

    @jax.jit
    def walk(theta: Any, rates: Any) -> Any:
        (last, _), path = jax.lax.scan(one, (theta, rule.init(theta)), rates)
        return last, path

    return walk


def apart(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> float:
    """The largest difference at any point of two paths, relative to the path's largest value."""
    assert all(one[name].shape == other[name].shape for name in other)
    return max(float(np.abs(one[name] - other[name]).max() / np.abs(other[name]).max()) for name in other)


@cache
def grid() -> tuple[list[dict[str, Any]], list[dict[str, np.ndarray]]]:
    """Every optimiser under every decay, and our paths, walked at once."""
    every = [
        {"optimiser": optimiser, **numbers, "decay": decay, **own}
        for optimiser, numbers in OPTIMISERS.items()
        for decay, own in DECAYS.items()
    ]
    return every, ours(every)


def walked(optimiser: str, decay: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """One configuration of the grid and our path."""
    configurations, paths = grid()
    at = next(n for n, c in enumerate(configurations) if (c["optimiser"], c["decay"]) == (optimiser, decay))
    return configurations[at], paths[at]


LIBRARIES = {"the textbook": by_textbook, "PyTorch": by_pytorch, "Optax": by_optax}
