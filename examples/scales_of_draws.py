# %% [markdown]
# # Which scale to draw a hyperparameter on
#
# Uniform draws of a learning rate between 0.0001 and 1 put nine of ten above 0.1, and hardly any where most good ones
# lie. On a logarithmic scale, r = U(log₁₀ a, log₁₀ b) and α = 10^r, each decade gets as many.
#
# β of an average over the last 1/(1 − β) values is drawn by its distance from 1: from 0.9 to 0.9005 hardly anything
# changes (10 values to 10.05), from 0.999 to 0.9995 everything does (1 000 values to 2 000).

# %%
import os
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
DRAWS = 2000


def draws(name: str, low: float, high: float, scale: str) -> np.ndarray:
    """Values that a space gives one hyperparameter, [DRAWS]."""
    space = caviar.Space().fix(optimiser="adam", hidden=[32]).vary(name, low, high, scale=scale)
    structure = space.structures(seed=0)[0]
    generator = np.random.default_rng(0)
    return np.array([space.draw(generator, structure)[name] for _ in range(DRAWS)])


def shares(values: np.ndarray, edges: list[float]) -> list[float]:
    """The share of the draws between each two edges."""
    return (np.histogram(values, edges)[0] / len(values)).tolist()


# %% [markdown]
# ## The share of the draws in each decade

# %%
decades = [1e-4, 1e-3, 1e-2, 1e-1, 1.0]
rates = {scale: shares(draws("learning_rate", 1e-4, 1.0, scale), decades) for scale in ("linear", "log")}
steps = [0.9, 0.99, 0.999]
betas = {scale: shares(draws("beta_1", 0.9, 0.999, scale), steps) for scale in ("linear", "one_minus_log")}

# %%
NAMES = {"linear": "uniform", "log": "uniform in the logarithm", "one_minus_log": "uniform in the logarithm"}


def bars(title: str, found: dict[str, list[float]], rows: tuple[str, ...]) -> Figure:
    """The shares of two ways to draw, side by side."""
    series = tuple(
        Series(NAMES[scale], "bars", role, values, list(range(len(rows))))
        for (scale, values), role in zip(found.items(), ("first", "second"), strict=True)
    )
    said = "; ".join(f"{NAMES[scale]}: {', '.join(f'{v:.0%}' for v in values)}" for scale, values in found.items())
    axes = Axis("share of the draws", "share", top=1.0), Axis("", scale="category", categories=rows)
    return Figure("draws", title, said, *axes, series, height=330)


figure = Panels(
    "scales_of_draws",
    "Drawn uniformly, nearly all values lie in the last decade; in the logarithm, each decade gets its share",
    (
        bars("α from 0.0001 to 1", rates, ("0.0001 to 0.001", "0.001 to 0.01", "0.01 to 0.1", "0.1 to 1")),
        bars("β from 0.9 to 0.999", betas, ("0.9 to 0.99", "0.99 to 0.999")),
    ),
    columns=2,
)
figure.save(FIGURES / "scales_of_draws.png")
figure

# %% [markdown]
# ## What is seen

# %%
above = betas["linear"][1], betas["one_minus_log"][1]
even = max(abs(share - 0.25) for share in rates["log"])
seen = {
    f"{rates['linear'][-1]:.0%} of the uniform draws of α lie above 0.1": abs(rates["linear"][-1] - 0.9) < 0.03,
    f"on the logarithmic scale each decade gets a quarter, within {even:.1%}": even < 0.04,
    f"uniform draws put {above[0]:.0%} of β above 0.99, draws of log(1 − β) {above[1]:.0%}": (
        above[0] < 0.12 and abs(above[1] - 0.5) < 0.04
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
