# %% [markdown]
# # Underfitting, right, overfitting, and L2 moving between them
#
# A straight line underfits (high bias); a network with many units bends around single points (high variance). The L2
# penalty (λ/2m) Σ‖W‖² keeps weights small, and a larger λ straightens the boundary: from overfitting to right, and
# further on to underfitting.
#
# The data are real: irises by the length and the width of their sepals; one kind lies between the two others.

# %%
import os
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_iris

import caviar
from caviar.report.figure import Axis, Field, Figure, Panels, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
STEPS = 1500 if os.environ.get("CAVIAR_QUICK") else 3000
PENALTIES = [0.0, 0.01, 0.1, 0.3, 1.0, 10.0, 100.0]
UNITS = (2, 24, 24, 1)

iris = load_iris()
sepals, labels = iris.data[:, :2], (iris.target == 1).astype(float)
splits = caviar.split(caviar.read((sepals, labels.astype(str))), seed=1, dev=0.4, test=0)
mean, deviation = sepals[splits.train].mean(axis=0), sepals[splits.train].std(axis=0)
inputs = (sepals - mean) / deviation
X, Y = inputs[splits.train], labels[splits.train]

# %% [markdown]
# ## All λ at once
#
# The cost is written out as in the notes. λ rides along as a parameter whose gradient is stopped, so that each slot
# of one program has its own.


# %%
def outputs(layers, rows):
    """The network before the sigmoid: tanh units, linear at the end."""
    active = rows
    for weight, bias in layers[:-1]:
        active = jnp.tanh(active @ weight + bias)
    weight, bias = layers[-1]
    return (active @ weight + bias)[:, 0]


def cost(parameters, data):
    """J = (1/m) Σ L + (λ/2m) Σ ‖W‖²."""
    rows, targets = data
    z = outputs(parameters["layers"], rows)
    penalty = jax.lax.stop_gradient(parameters["lambda"])
    squares = sum(jnp.sum(weight**2) for weight, _ in parameters["layers"])
    return jnp.mean(jnp.logaddexp(0.0, z) - targets * z) + penalty / (2 * len(rows)) * squares


def start(widths, penalty):
    """First weights of variance 1/n, and a λ."""
    generator = np.random.default_rng(0)
    layers = [(generator.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)) for n, m in pairwise(widths)]
    return {"layers": layers, "lambda": np.array(penalty)}


networks = caviar.minimise(
    cost, starts=[start(UNITS, p) for p in PENALTIES], data=(X, Y), learning_rate=0.01, steps=STEPS, every=STEPS
)
line = caviar.minimise(cost, start((2, 1), 0.0), data=(X, Y), learning_rate=0.01, steps=STEPS, every=STEPS)
learnt = {f"λ = {p:g}": networks[slot].parameters["layers"] for slot, p in enumerate(PENALTIES)}
learnt["a line"] = line.parameters["layers"]

# %%
errors = {}
for name, layers in learnt.items():
    wrong = (np.asarray(outputs(layers, inputs)) > 0.0) != (labels > 0.5)
    errors[name] = float(wrong[splits.train].mean()), float(wrong[splits.dev].mean())
right = min((f"λ = {p:g}" for p in PENALTIES[1:-1]), key=lambda name: errors[name][1])

# %%
across, up = np.linspace(-2.3, 2.8, 220), np.linspace(-2.7, 3.4, 220)
grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
points = tuple(
    Series(name, "points", role, X[value == Y, 0].tolist(), X[value == Y, 1].tolist())
    for name, role, value in (("versicolor", "first", 1.0), ("setosa or virginica", "second", 0.0))
)


def panel(title: str, name: str) -> Figure:
    """The train rows on what a network decides."""
    decided = (np.asarray(outputs(learnt[name], grid)) <= 0.0).astype(float).reshape(len(up), len(across))
    train, dev = errors[name]
    field = Field("regions", across.tolist(), up.tolist(), decided.tolist())
    axes = Axis("sepal length", "in σ"), Axis("sepal width", "in σ")
    said = f"train error {train:.1%}, dev error {dev:.1%}."
    return Figure(
        "boundary", f"{title}: train {train:.1%}, dev {dev:.1%}", said, *axes, points, field=field, height=340
    )


figure = Panels(
    "under_and_overfitting",
    "A line underfits, a large network without penalty overfits, and a growing λ straightens its boundary",
    (
        panel("A line", "a line"),
        panel("Network, λ = 0", "λ = 0"),
        panel(f"Network, {right}", right),
        panel("Network, λ = 100", "λ = 100"),
    ),
    columns=2,
)
figure.save(FIGURES / "under_and_overfitting.png")
figure

# %% [markdown]
# ## What is seen

# %%
size = {p: float(np.sqrt(sum(np.sum(w**2) for w, _ in learnt[f"λ = {p:g}"]))) for p in PENALTIES}
over, best, under, straight = errors["λ = 0"], errors[right], errors["λ = 100"], errors["a line"]
seen = {
    f"a line: train error {straight[0]:.1%}, dev error {straight[1]:.1%}: bias": straight[0] > best[0] + 0.05,
    f"without penalty: train error {over[0]:.1%}, dev error {over[1]:.1%}: variance": over[1] - over[0] > 0.08,
    f"with {right}: {best[0]:.1%} and {best[1]:.1%}: the gap is smaller, and the dev error too": (
        best[1] < over[1] and best[1] - best[0] < over[1] - over[0]
    ),
    f"with λ = 100: {under[0]:.1%} and {under[1]:.1%}: bias": under[0] > best[0] + 0.02 and under[1] > best[1],
    f"‖W‖ falls with λ from {size[0.0]:.1f} to {size[100.0]:.2f}": (
        sorted(size.values(), reverse=True) == list(size.values())
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
