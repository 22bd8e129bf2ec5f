# %% [markdown]
# # Vanishing and exploding, by depth and by initialisation
#
# What passes through L layers is multiplied L times. A linear network whose layers are all 1.5·I gives 1.5^L, one of
# 0.5·I gives 0.5^L; the gradient on its way back is multiplied alike. Random weights do the same, unless their
# variance fits the layer: 2/n for ReLU (He), 1/n for tanh (LeCun), where n is the number of inputs of the layer.

# %%
import os
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from caviar.networks.initialisers import draw
from caviar.report.figure import Axis, Figure, Panels, Series
from caviar.report.looks import ORDER

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
DEPTH, WIDTH = 50, 64

# %% [markdown]
# ## Linear networks of 150 layers
#
# The norm of the activations, layer by layer, computed in float64. In float32 0.5^150 is 0, and the *square* of
# 1.5^150 infinity: norms are better kept as logarithms.

# %%
depths = np.arange(1, 151)
linear = {1.5: np.cumprod(np.full(150, 1.5)), 0.5: np.cumprod(np.full(150, 0.5)), 1.0: np.ones(150)}
with np.errstate(over="ignore"):
    in_float32 = float(np.float32(0.5) ** np.float32(150)), float(np.square(np.float32(linear[1.5][-1])))

# %% [markdown]
# ## Real rows through 50 random layers
#
# Handwritten digits go forward; a gradient of length 1 goes backward from the last layer. The figure shows how long
# it still is at each layer on its way to the first.

# %%
images = load_digits().data[:256]
inputs = (images - images.mean()) / images.std()


def gradient_norms(kind: str, scale: float, activation: str) -> np.ndarray:
    """The norm of the gradient with respect to the activations before each layer, [DEPTH], relative to the last's."""
    weights = draw(kind, scale, (WIDTH,) * (DEPTH + 1), seed=0)
    active, slopes = inputs, []
    for weight in weights:
        z = active @ weight
        active = np.maximum(z, 0.0) if activation == "relu" else np.tanh(z)
        slopes.append(z > 0.0 if activation == "relu" else 1.0 - active**2)
    back = np.random.default_rng(0).normal(size=active.shape)
    whole, norms = np.linalg.norm(back), []
    for weight, slope in zip(reversed(weights), reversed(slopes), strict=True):
        back = (back * slope) @ weight.T
        norms.append(np.linalg.norm(back) / whole)
    return np.array(norms[::-1])


networks = {
    "ReLU, He 2/n": ("he", 1.0, "relu"),
    "ReLU, He, three times as large": ("he", 3.0, "relu"),
    "ReLU, a third as large": ("he", 1.0 / 3.0, "relu"),
    "ReLU, LeCun 1/n": ("lecun", 1.0, "relu"),
    "tanh, LeCun 1/n": ("lecun", 1.0, "tanh"),
}
found = {name: gradient_norms(*how) for name, how in networks.items()}

# %%
powers = tuple(
    Series(f"layers of {factor:g}·I", "line", role, depths.tolist(), values.tolist())
    for (factor, values), role in zip(linear.items(), ORDER, strict=False)
)
layers = list(range(1, DEPTH + 1))
lines = tuple(
    Series(name, "line", role, layers, norms.tolist())
    for (name, norms), role in zip(found.items(), ORDER, strict=False)
)
figure = Panels(
    "vanishing_and_exploding",
    "Activations and gradients vanish or explode with depth, unless the first weights fit the layer",
    (
        Figure(
            "linear",
            "Linear networks: activations by depth",
            f"After 150 layers 1.5·I gives {linear[1.5][-1]:.1e} and 0.5·I {linear[0.5][-1]:.1e}.",
            Axis("layer"),
            Axis("norm, relative to the inputs", scale="log"),
            powers,
            height=340,
        ),
        Figure(
            "random",
            "Random networks: the gradient by layer",
            "; ".join(f"{name}: {norms[0]:.1e} at the first layer" for name, norms in found.items()) + ".",
            Axis("layer (the gradient comes from the right)"),
            Axis("norm, relative to the output", scale="log"),
            lines,
            height=340,
        ),
    ),
    columns=2,
)
figure.save(FIGURES / "vanishing_and_exploding.png")
figure

# %% [markdown]
# ## What is seen
#
# He's variance keeps ReLU's gradient within a factor of ten or so over 50 layers; 1/n, right for tanh, halves its
# square at each ReLU. tanh saturates a little at each layer, so its gradient still fades, though slowly.

# %%
first = {name: float(norms[0]) for name, norms in found.items()}
halved = (first["ReLU, LeCun 1/n"] / first["ReLU, He 2/n"]) ** (2 / DEPTH)
seen = {
    f"150 layers of 1.5·I multiply by {linear[1.5][-1]:.1e}, of 0.5·I by {linear[0.5][-1]:.1e}": (
        np.isclose(np.log(linear[1.5][-1]), 150 * np.log(1.5)) and np.isclose(np.log2(linear[0.5][-1]), -150)
    ),
    f"in float32 the one is {in_float32[0]:g} and the square of the other {in_float32[1]:g}": (
        in_float32 == (0.0, np.inf)
    ),
    f"with He's variance the gradient at the first of {DEPTH} ReLU layers is {first['ReLU, He 2/n']:.2g} of the last": (
        0.03 < first["ReLU, He 2/n"] < 30
    ),
    f"a third as large it is {first['ReLU, a third as large']:.0e}, three times as large "
    f"{first['ReLU, He, three times as large']:.0e}": (
        first["ReLU, a third as large"] < 1e-20 and first["ReLU, He, three times as large"] > 1e20
    ),
    f"1/n instead of 2/n multiplies the squared gradient of ReLU by {halved:.2f} a layer": abs(halved - 0.5) < 0.01,
    f"tanh with 1/n fades to {first['tanh, LeCun 1/n']:.1e}, more slowly than ReLU with 1/n": (
        first["ReLU, LeCun 1/n"] < first["tanh, LeCun 1/n"] < 1.0
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
