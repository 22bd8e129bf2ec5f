# %% [markdown]
# # Saddle points and plateaus
#
# In a space of many dimensions a point without slope is hardly ever a minimum in every direction: it is a saddle,
# uphill one way and downhill another. Local minima are not the trouble; slow progress is: near a saddle and on a
# plateau the gradient is tiny, and gradient descent's steps are as tiny. RMSprop and Adam divide by the size of the
# gradient, so that their steps are not.

# %%
import os
from pathlib import Path

import jax.numpy as jnp
import numpy as np

import caviar
from caviar.report.figure import Axis, Field, Figure, Panels, Series
from caviar.report.looks import ORDER

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
STEPS = 2000
OPTIMISERS = ["gradient_descent", "momentum", "rmsprop", "adam"]
RATES = [0.05, 0.05, 0.02, 0.02]


def saddle(w):
    """Uphill along w₁, downhill along w₂ to two minima of −1/4 at w₂ = ±1."""
    return w[0] ** 2 / 2.0 - w[1] ** 2 / 2.0 + w[1] ** 4 / 4.0


def plateau(w):
    """A hollow of width 1 around 0 in a plain: four widths away the slope is about a thousandth."""
    return 1.0 - jnp.exp(-(w**2) / 2.0)


# %% [markdown]
# ## Four optimisers from the same start, at once

# %%
START = [-1.5, 1e-6]
crossing = caviar.minimise(saddle, START, optimiser=OPTIMISERS, learning_rate=RATES, steps=STEPS)
falling = caviar.minimise(plateau, 4.0, optimiser=OPTIMISERS, learning_rate=RATES, steps=STEPS)


def steps_until(costs: np.ndarray, level: float) -> int:
    """The first step with a cost below a level; the last one where there is none."""
    below = np.flatnonzero(costs < level)
    return int(below[0]) if len(below) else STEPS


left = {name: steps_until(crossing[slot].costs, -0.125) for slot, name in enumerate(OPTIMISERS)}
down = {name: steps_until(falling[slot].costs, 0.5) for slot, name in enumerate(OPTIMISERS)}

# %%
across, up = np.linspace(-1.8, 1.0, 121), np.linspace(-0.5, 1.5, 121)
x, y = np.meshgrid(across, up)
values = x**2 / 2.0 - y**2 / 2.0 + y**4 / 4.0
field = Field(
    "contours", across.tolist(), up.tolist(), values.tolist(), (-0.24, -0.2, -0.125, -0.05, 0.0, 0.1, 0.3, 0.7)
)
named = ["gradient descent", "momentum", "RMSprop", "Adam"]
paths = tuple(
    Series(name, "line", role, *np.asarray(crossing[slot].path).T.tolist())
    for slot, (name, role) in enumerate(zip(named, ORDER, strict=False))
)
marks = Series("", "points", "start", [START[0]], [START[1]]), Series("", "points", "optimum", [0.0], [1.0])


def costs(title: str, descent, last: int, label: str) -> Figure:
    """The cost of each optimiser by step."""
    steps = list(range(last + 1))
    lines = tuple(
        Series(name, "line", role, steps, descent[slot].costs[: last + 1].tolist())
        for slot, (name, role) in enumerate(zip(named, ORDER, strict=False))
    )
    return Figure("cost", title, label, Axis("step"), Axis("cost"), lines, height=360)


figure = Panels(
    "saddle_and_plateau",
    "At a saddle and on a plateau gradient descent hardly moves; steps divided by the gradient's size do",
    (
        Figure(
            "paths",
            "A saddle at (0, 0): the paths",
            "All four come down to the saddle; those that divide by the gradient's size turn off early.",
            Axis("w₁"),
            Axis("w₂"),
            paths + marks,
            field=field,
            height=360,
        ),
        costs("The cost on the way past the saddle", crossing, 600, f"Steps to leave it: {left}."),
        costs("The cost on a plateau, four widths from a hollow", falling, STEPS, f"Steps to half the depth: {down}."),
    ),
)
figure.save(FIGURES / "saddle_and_plateau.png")
figure

# %% [markdown]
# ## What is seen
#
# The start lies a millionth beside the ridge. From exactly on it no optimiser would ever leave: there the gradient
# has no part along w₂ to divide.

# %%
saddles = ", ".join(f"{name} {left[key]}" for name, key in zip(named, OPTIMISERS, strict=True))
plains = ", ".join(f"{name} {down[key]}" for name, key in zip(named, OPTIMISERS, strict=True))
seen = {
    f"steps until the saddle is left: {saddles}": (
        max(left["rmsprop"], left["adam"]) * 2 < min(left["gradient_descent"], left["momentum"])
    ),
    f"steps on the plateau to half the depth, {STEPS} at most: {plains}": (
        max(down["rmsprop"], down["adam"]) * 2 < min(down["gradient_descent"], down["momentum"])
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
