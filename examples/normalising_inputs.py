# %% [markdown]
# # Normalising inputs
#
# With x₁ between 1 and 1000 and x₂ between 0 and 1 the cost is a long, thin bowl: gradient descent must take steps
# that the steep direction bears, and crawls along the other. Subtracting the mean μ centres the data; dividing by σ
# (not by σ²) gives every feature the same width. The same μ and σ, of the train rows, go to dev, to test and into the
# saved model.
#
# The largest stable α of gradient descent on a quadratic cost is 2 / (the largest eigenvalue of its Hessian).

# %%
import os
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
generator = np.random.default_rng(0)
X = np.stack([generator.uniform(1.0, 1000.0, 200), generator.uniform(0.0, 1.0, 200)], axis=1)
y = 0.004 * X[:, 0] + 3.0 * X[:, 1] + 1.0 + generator.normal(0.0, 0.1, 200)
mean, deviation = X.mean(axis=0), np.sqrt(((X - X.mean(axis=0)) ** 2).mean(axis=0))
versions = {"X": X, "X − μ": X - mean, "(X − μ) / σ": (X - mean) / deviation}

# %% [markdown]
# ## The largest stable learning rate
#
# Linear regression, J = (1/2m) Σ (w·x + b − y)², in each of the three versions. The bound is checked by descending
# just below and just above it.

# %%


def cost(w, data):
    """Half the mean squared error of a linear model; the last weight is b."""
    inputs, targets = data
    return ((inputs @ w - targets) ** 2).mean() / 2.0


bounds, widths, ends = {}, {}, {}
for name, inputs in versions.items():
    rows = np.c_[inputs, np.ones(len(inputs))]
    eigenvalues = np.linalg.eigvalsh(rows.T @ rows / len(rows))
    bounds[name], widths[name] = 2.0 / eigenvalues[-1], eigenvalues[-1] / eigenvalues[0]
    rates = [0.98 * bounds[name], 1.02 * bounds[name], 0.5 * bounds[name]]
    start = np.full(3, 1.0)
    down = caviar.minimise(cost, start, data=(rows, y), optimiser="gradient_descent", learning_rate=rates, steps=300)
    ends[name] = [float(value) for value in down.costs[-1]], float(down.costs[0, 0])

# %%
panels = []
for name, inputs in versions.items():
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    half = 0.55 * float((high - low).max())  # both axes alike, so that the shape is seen
    middle = (low + high) / 2.0
    sides = [(float(middle[axis]) - half, float(middle[axis]) + half) for axis in (0, 1)]
    across, up = (Axis(f"x{sign}", low=side[0], top=side[1]) for sign, side in zip("₁₂", sides, strict=True))
    points = Series("", "points", "first", inputs[:, 0].tolist(), inputs[:, 1].tolist())
    said = f"200 rows; the largest stable learning rate is {bounds[name]:.2g}."
    panels.append(Figure("version", f"{name}: α up to {bounds[name]:.2g}", said, across, up, (points,), height=380))
gain = bounds["(X − μ) / σ"] / bounds["X"]
figure = Panels(
    "normalising_inputs",
    f"Centred and scaled, the data are round, and a learning rate {float(f'{gain:.2g}'):,.0f} times as large is stable",
    tuple(panels),
)
figure.save(FIGURES / "normalising_inputs.png")
figure

# %% [markdown]
# ## What is seen

# %%
scaled = versions["(X − μ) / σ"]
stable = all(below <= first and above > first for (below, above, _), first in ends.values())
raw, best = ends["X"][0][2], ends["(X − μ) / σ"][0][2]
seen = {
    f"the largest stable α is {bounds['X']:.1e} before, {bounds['X − μ']:.1e} centred and "
    f"{bounds['(X − μ) / σ']:.2f} scaled": gain > 1e4,
    f"2 % below each bound the cost falls, 2 % above it grows without end, in all {len(ends)} versions": stable,
    f"the bowl is {widths['X']:.0e} times as steep one way as the other before, "
    f"{widths['(X − μ) / σ']:.1f} times after": (widths["X"] > 1e5 and widths["(X − μ) / σ"] < 3),
    f"300 steps at half the bound end at a cost of {raw:.2f} before and {best:.4f} after (noise alone: 0.005)": (
        best < 0.01 < raw
    ),
    f"the scaled features have means {np.abs(scaled.mean(axis=0)).max():.0e} and variances "
    f"{scaled.var(axis=0)[0]:.3f}, {scaled.var(axis=0)[1]:.3f}": np.allclose(scaled.var(axis=0), 1.0),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
