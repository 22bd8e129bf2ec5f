# %% [markdown]
# # Batch, mini-batch and stochastic descent
#
# Batch descent takes one step after looking at all m rows: with a small enough α its cost falls at every step.
# Mini-batch descent takes a step after every 64 rows: the cost of its batches goes up and down, since some batches
# are harder, but its trend falls, and it has taken many steps before batch descent has taken one. Stochastic descent
# (batches of one row) is noisier still, and loses what makes computing on many rows at once quick.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series
from caviar.report.looks import ORDER

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
EPOCHS = 6 if os.environ.get("CAVIAR_QUICK") else 12
RATE, SHOWN = 0.05, 150

# %% [markdown]
# ## Update by update
#
# Softmax regression on handwritten digits, written out: dZ = (A − Y)/m.

# %%
X, y = load_digits(return_X_y=True)
X = np.c_[(X - X.mean()) / X.std(), np.ones(len(X))]
Y = np.eye(10)[y]


def batch_costs(size: int) -> np.ndarray:
    """The cost of each of the first batches, before the step that it leads to."""
    generator = np.random.default_rng(0)
    weights, costs, order = np.zeros((65, 10)), [], np.empty(0, dtype=int)
    while len(costs) < SHOWN:
        order = generator.permutation(len(X)) if len(order) < size else order
        rows, order = order[:size], order[size:]
        z = X[rows] @ weights
        probabilities = np.exp(z - z.max(axis=1, keepdims=True))
        probabilities /= probabilities.sum(axis=1, keepdims=True)
        costs.append(-np.mean(np.log(probabilities[np.arange(len(rows)), y[rows]] + 1e-12)))
        weights -= RATE * X[rows].T @ (probabilities - Y[rows]) / len(rows)
    return np.array(costs)


by_update = {"batch": batch_costs(len(X)), "mini-batches of 64": batch_costs(64), "one row at a time": batch_costs(1)}

# %% [markdown]
# ## Epoch by epoch
#
# The same three, by the engine, on a network with 32 hidden units.

# %%
splits = caviar.split(caviar.read("digits"), seed=0)
sizes = dict(zip(by_update, (len(splits.train), 64, 1), strict=True))
space = caviar.Space().fix(hidden=[32], optimiser="gradient_descent", learning_rate=0.02)
study = caviar.Study(tempfile.mkdtemp(), splits, space=space, seed=0)
for size in sizes.values():
    study.train({"batch_size": size}, epochs=EPOCHS)
by_epoch = dict(zip(sizes, (np.asarray(t.history["train_cost"], dtype=float) for t in study.trials), strict=True))


# %%
def lines(found: dict[str, np.ndarray]) -> tuple[Series, ...]:
    """The noisiest first, so that it lies behind."""
    roles = dict(zip(found, ORDER, strict=False))
    return tuple(
        Series(name, "line", roles[name], list(range(1, len(values) + 1)), values.tolist())
        for name, values in reversed(found.items())
    )


figure = Panels(
    "batch_and_mini_batch",
    "Batch descent falls at every step; mini-batch descent goes up and down, and is ahead after each epoch",
    (
        Figure(
            "updates",
            "The cost of each batch, by update",
            "Smooth for the whole batch, noisy for batches of 64, wild for single rows.",
            Axis("update"),
            Axis("cost of the batch", top=5.0, low=0.0),
            lines(by_update),
            height=350,
        ),
        Figure(
            "epochs",
            "The cost on train rows, by epoch",
            "; ".join(f"{name}: {values[-1]:.2f} after {EPOCHS} epochs" for name, values in by_epoch.items()) + ".",
            Axis("epoch"),
            Axis("train cost"),
            lines(by_epoch),
            height=350,
        ),
    ),
    columns=2,
)
figure.save(FIGURES / "batch_and_mini_batch.png")
figure

# %% [markdown]
# ## What is seen

# %%
rises = {name: int((np.diff(values) > 0.0).sum()) for name, values in by_update.items()}
once = {name: values[0] for name, values in by_epoch.items()}
updates = {name: int(np.ceil(len(splits.train) / size)) for name, size in sizes.items()}
steps = f"{updates['batch']}, {updates['mini-batches of 64']} and {updates['one row at a time']}"
small = by_update["mini-batches of 64"]
seen = {
    f"in {SHOWN} updates the cost rises {rises['batch']} times by batch, {rises['mini-batches of 64']} times by "
    f"mini-batches, {rises['one row at a time']} times row by row": 0 == rises["batch"] < rises["mini-batches of 64"],
    f"the trend of the mini-batches falls: {small[:20].mean():.2f} at first, {small[-20:].mean():.2f} at the end": (
        small[-20:].mean() < small[:20].mean()
    ),
    f"after one epoch, of {steps} updates, "
    f"the train cost is {once['batch']:.2f}, {once['mini-batches of 64']:.2f} and {once['one row at a time']:.2f}": (
        once["one row at a time"] < once["mini-batches of 64"] < once["batch"]
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
