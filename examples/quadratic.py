# %% [markdown]
# # A cost that you write yourself
#
# A framework is given a cost and finds its own way down: J(w) = w² − 10w + 25 = (w − 5)², from w = 0 with α = 0.01. The
# coefficients can be fed in as data; then one program serves another quadratic, whose lowest point lies at 10.

# %%
import os
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
HOW = {"optimiser": "gradient_descent", "learning_rate": 0.01, "steps": 1001}


def fed(w, coefficients):
    """a·w² + b·w + c, with the coefficients as data."""
    a, b, c = coefficients
    return a * w**2 + b * w + c


# %% [markdown]
# ## Two quadratics, one cost

# %%
near = caviar.minimise(lambda w: w**2 - 10 * w + 25, 0.0, **HOW)
same = caviar.minimise(fed, 0.0, np.array([1.0, -10.0, 25.0]), **HOW)
far = caviar.minimise(fed, 0.0, np.array([1.0, -20.0, 100.0]), **HOW)

# %%
w = np.linspace(-1, 11, 121)
shown = slice(0, 1002, 20)
bowls = Figure(
    "bowls",
    "The way down, every twentieth step",
    "Steps shorten as the slope flattens: each way ends at the lowest point of its own quadratic.",
    Axis("w"),
    Axis("J(w)"),
    (
        Series("(w − 5)²", "line", "raw", w.tolist(), ((w - 5) ** 2).tolist()),
        Series("(w − 10)²", "line", "raw", w.tolist(), ((w - 10) ** 2).tolist()),
        Series("coefficients 1, −10, 25", "path", "first", near.path[shown].tolist(), near.costs[shown].tolist()),
        Series("coefficients 1, −20, 100", "path", "second", far.path[shown].tolist(), far.costs[shown].tolist()),
    ),
    height=360,
)
steps = list(range(1002))
distances = Figure(
    "distances",
    "The distance that is left",
    "A straight line on a logarithmic axis: every step leaves 98 % of the distance.",
    Axis("step"),
    Axis("distance from the lowest point", scale="log"),
    (
        Series("coefficients 1, −10, 25", "line", "first", steps, np.abs(near.path - 5).tolist()),
        Series("coefficients 1, −20, 100", "line", "second", steps, np.abs(far.path - 10).tolist()),
    ),
    height=360,
)
title = "Gradient descent finds 5, and with other coefficients 10, leaving 98 % of the way at each step"
figure = Panels("quadratic", title, (bowls, distances), columns=2)
figure.save(FIGURES / "quadratic.png")
figure

# %% [markdown]
# ## What is seen

# %%
left = abs(near.path[-1] - 5)
seen = {
    f"after one step w is {near.path[1]:.3g}, after 1000 more {near.path[-1]:.8f}": (
        abs(near.path[1] - 0.1) < 1e-12 and left < 1.2e-5
    ),
    f"with the coefficients fed as data the way is the same to {np.abs(same.path - near.path).max():.1g}": (
        np.allclose(same.path, near.path, rtol=0, atol=1e-12)
    ),
    f"fed (1, −20, 100) it comes to {far.path[-1]:.7f}": abs(far.path[-1] - 10) < 2.4e-5,
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
