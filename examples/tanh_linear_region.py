# %% [markdown]
# # How L2 makes tanh units linear
#
# tanh is nearly a straight line around 0. A large λ keeps the weights small, so that z = W·a + b stays in that part,
# and layers of linear units make one linear function: the network becomes simpler, and its boundary straightens.
# Here: the share of the z of all hidden units within ±0.5, where tanh differs from its own argument by less than 8 %,
# against λ.

# %%
import os
from itertools import pairwise
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_iris

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
STEPS = 1000 if os.environ.get("CAVIAR_QUICK") else 3000
PENALTIES = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]
WIDTHS = (2, 24, 24, 1)
EDGE = 0.5

iris = load_iris()
sepals, Y = iris.data[:, :2], (iris.target == 1).astype(float)
X = (sepals - sepals.mean(axis=0)) / sepals.std(axis=0)

# %% [markdown]
# ## One network a λ, all at once


# %%
def layers_of(layers, rows):
    """The z of each layer, the last one's before the sigmoid."""
    found, active = [], rows
    for weight, bias in layers:
        found.append(active @ weight + bias)
        active = jnp.tanh(found[-1])
    return found


def cost(parameters, data):
    """J = (1/m) Σ L + (λ/2m) Σ ‖W‖²; λ rides along as a parameter whose gradient is stopped."""
    rows, targets = data
    z = layers_of(parameters["layers"], rows)[-1][:, 0]
    penalty = jax.lax.stop_gradient(parameters["lambda"])
    squares = sum(jnp.sum(weight**2) for weight, _ in parameters["layers"])
    return jnp.mean(jnp.logaddexp(0.0, z) - targets * z) + penalty / (2 * len(rows)) * squares


generator = np.random.default_rng(0)
pairs = pairwise(WIDTHS)
first = [(generator.normal(size=(n, m)) / np.sqrt(n), np.zeros(m)) for n, m in pairs]
starts = [{"layers": first, "lambda": np.array(penalty)} for penalty in PENALTIES]
trained = caviar.minimise(cost, starts=starts, data=(X, Y), learning_rate=0.01, steps=STEPS, every=STEPS)

# %%
shares = []
for slot in range(len(PENALTIES)):
    layers = trained[slot].parameters["layers"]
    hidden = np.concatenate([np.asarray(z).ravel() for z in layers_of(layers, X)[:-1]])
    shares.append(float(np.mean(np.abs(hidden) < EDGE)))

# %%
rate = Axis("penalty λ", scale="log")
figure = Panels(
    "tanh_linear_region",
    "The larger λ, the more hidden units work in the linear part of tanh",
    (
        Figure(
            "share",
            "Hidden z in the linear part",
            f"From {shares[0]:.0%} without penalty to {shares[-1]:.0%} with λ = {PENALTIES[-1]:g}.",
            rate,
            Axis(f"share of z within ±{EDGE:g}", "share", top=1.0, low=0.0),
            (Series("", "path", "first", PENALTIES, shares),),
            height=320,
        ),
        Figure(
            "tanh",
            "tanh and its linear part",
            f"Within ±{EDGE:g} tanh is nearly the straight line.",
            Axis("z", low=-3.0, top=3.0),
            Axis("tanh z", low=-1.5, top=1.5),
            (
                Series("z itself", "line", "second", [-1.5, 1.5], [-1.5, 1.5]),
                Series(
                    "tanh z",
                    "line",
                    "first",
                    np.linspace(-3, 3, 121).tolist(),
                    np.tanh(np.linspace(-3, 3, 121)).tolist(),
                ),
                Series("±0.5", "line", "limit", [-EDGE, -EDGE, None, EDGE, EDGE], [-1.5, 1.5, None, -1.5, 1.5]),
            ),
            height=320,
        ),
    ),
    columns=2,
)
figure.save(FIGURES / "tanh_linear_region.png")
figure

# %% [markdown]
# ## What is seen

# %%
size = [float(np.sqrt(sum(np.sum(w**2) for w, _ in trained[slot].parameters["layers"]))) for slot in (0, -1)]
order = float(np.corrcoef(np.arange(len(shares)), shares)[0, 1])
seen = {
    f"the share of z in the linear part grows from {shares[0]:.0%} at λ = 0 to {shares[-1]:.0%} at λ = "
    f"{PENALTIES[-1]:g}": shares[-1] > shares[0] + 0.3,
    f"it rises with λ (correlation with the order of λ {order:.2f})": order > 0.8,
    f"‖W‖ falls from {size[0]:.1f} to {size[1]:.3f}": size[1] < size[0],
    f"tanh differs from its argument at ±{EDGE:g} by {1 - np.tanh(EDGE) / EDGE:.1%}": np.tanh(EDGE) / EDGE > 0.92,
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
