# %% [markdown]
# # Points of a grid against random points, and from coarse to fine
#
# One hyperparameter matters (the learning rate), another hardly (Adam's ε), and nobody knows beforehand which. A grid
# of 5 × 5 points then tries five values of the one that matters; 25 random points try 25. After this coarse pass one
# zooms into the region around the best points, and samples it more densely.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
TRIALS, EPOCHS = 25, 4
RATES, EPSILONS = (1e-4, 1.0), (1e-9, 1e-6)

splits = caviar.split(caviar.read("digits"), seed=0)
base = caviar.Space().fix(hidden=[32], batch_size=64)


def searched(space: caviar.Space, sampler: str) -> np.ndarray:
    """25 networks trained side by side: learning rate, ε and the lowest dev cost of each, [25, 3]."""
    study = caviar.Study(tempfile.mkdtemp(), splits, space=space, seed=1, metric="log_loss")
    study.search(trials=TRIALS, epochs=EPOCHS, stopping=None, sampler=sampler)
    names = "learning_rate", "epsilon"
    found = [[*(t.configuration[name] for name in names), min(t.dev_cost, 10.0)] for t in study.trials]
    return np.nan_to_num(np.array(found, dtype=float), nan=10.0)


# %%
grid_space = base.choose("learning_rate", *np.geomspace(*RATES, 5).tolist())
grid = searched(grid_space.choose("epsilon", *np.geomspace(*EPSILONS, 5).tolist()), "grid")
random_space = base.vary("learning_rate", *RATES, scale="log").vary("epsilon", *EPSILONS, scale="log")
random = searched(random_space, "random")

# %% [markdown]
# ## Zoom in
#
# The five best random points span the region that is sampled next.

# %%
best_five = random[np.argsort(random[:, 2])[:5], 0]
region = float(best_five.min()), float(best_five.max())
fine = searched(base.vary("learning_rate", *region, scale="log").vary("epsilon", *EPSILONS, scale="log"), "random")

# %%
GRID, RANDOM, FINE = "grid of 5 × 5", "25 random points", "25 points between the best five"


def points(name: str, role: str, found: np.ndarray, column: int) -> Series:
    """One point a network: its learning rate, and another column."""
    return Series(name, "points", role, found[:, 0].tolist(), found[:, column].tolist())


rate, cost = Axis("learning rate", scale="log"), Axis("lowest dev cost (log loss)", scale="log")
values = {name: len(np.unique(found[:, 0].round(12))) for name, found in ((GRID, grid), (RANDOM, random))}
figure = Panels(
    "grid_and_random",
    f"Of the learning rate, which matters, the grid tries {values[GRID]} values and random draws {values[RANDOM]}",
    (
        Figure(
            "where",
            "Where the points lie",
            "The grid's points share five learning rates; no two random points share one.",
            rate,
            Axis("ε of Adam", scale="log"),
            (points(GRID, "first", grid, 1), points(RANDOM, "second", random, 1)),
            height=330,
        ),
        Figure(
            "cost",
            "What they find",
            f"Lowest dev cost {grid[:, 2].min():.3f} by the grid, {random[:, 2].min():.3f} by random points.",
            rate,
            cost,
            (points(GRID, "first", grid, 2), points(RANDOM, "second", random, 2)),
            height=330,
        ),
        Figure(
            "fine",
            "From coarse to fine",
            f"Median dev cost {np.median(random[:, 2]):.3f} coarse, {np.median(fine[:, 2]):.3f} fine.",
            rate,
            cost,
            (points(RANDOM, "second", random, 2), points(FINE, "third", fine, 2)),
            height=330,
        ),
    ),
)
figure.save(FIGURES / "grid_and_random.png")
figure

# %% [markdown]
# ## What is seen
#
# On one run of 25 points chance decides whether the grid or the random points find the lowest cost. What is sure is
# how many values each tries, and that the zoomed region is a better one.

# %%
spread = {name: float(np.ptp(np.log10(grid[np.isclose(grid[:, k], v), 2])))
          for k, name, v in ((1, "α", grid[0, 1]), (0, "ε", grid[:, 0][grid[:, 2].argmin()]))}  # fmt: skip
ahead = "random points" if random[:, 2].min() < grid[:, 2].min() else "the grid"
print(
    f"measured: lowest dev cost {random[:, 2].min():.3f} at random, {grid[:, 2].min():.3f} on the grid: {ahead} ahead"
)
seen = {
    f"the grid tries {values[GRID]} learning rates, random draws {values[RANDOM]}": (
        values[GRID] == 5 and values[RANDOM] == TRIALS
    ),
    f"changing α alone changes the cost {10 ** spread['α']:.0f}-fold, ε alone {10 ** spread['ε']:.2f}-fold": (
        spread["α"] > 5 * spread["ε"]
    ),
    f"between the best five the median cost is {np.median(fine[:, 2]):.3f}, before {np.median(random[:, 2]):.3f}": (
        np.median(fine[:, 2]) < np.median(random[:, 2])
    ),
    f"and the lowest {fine[:, 2].min():.3f}, before {random[:, 2].min():.3f}": fine[:, 2].min() <= random[:, 2].min(),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
