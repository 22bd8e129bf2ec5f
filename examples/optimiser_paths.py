# %% [markdown]
# # Gradient descent, momentum, RMSprop and Adam in a long bowl
#
# Where one direction is much steeper than the other, gradient descent jumps from side to side across the valley while
# it creeps along it: its learning rate is bounded by the steep direction. Momentum averages the gradients: across the
# valley they cancel, along it they add up. RMSprop divides each direction by the size of its own gradients, Adam does
# both. Normalising the inputs makes the bowl round, and then plain gradient descent goes straight to the middle.

# %%
import os
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Field, Figure, Panels, Series
from caviar.report.looks import ORDER

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
STEPS, SHOWN = 1000, 40
START = [-9.0, 0.8]
NAMES = {"gradient_descent": "gradient descent", "momentum": "momentum", "rmsprop": "RMSprop", "adam": "Adam"}
# Each optimiser by name, with a learning rate that suits it in the long bowl.
LONG = {"gradient_descent": 0.0095, "momentum": 0.05, "rmsprop": 0.1, "adam": 0.6}
ROUND = {"gradient_descent": 0.5, "momentum": 0.5, "rmsprop": 0.1, "adam": 0.6}


def bowl(steepness: float, rates: dict[str, float]):
    """All four optimisers at once, as slots of one program, on J(w) = (w₁² + steepness · w₂²) / 2."""

    def cost(w, a):
        return (w[0] ** 2 + a * w[1] ** 2) / 2.0

    names = list(rates)
    return caviar.minimise(
        cost, START, data=steepness, optimiser=names, learning_rate=[rates[n] for n in names], steps=STEPS
    )


# %%
bowls = {"A long bowl: w₂ is 200 times as steep": (200.0, LONG), "The same, normalised": (1.0, ROUND)}
found = {title: bowl(*how) for title, how in bowls.items()}

# %%
across = np.linspace(-10.0, 3.0, 131)


def panel(title: str, steepness: float, descent) -> Figure:
    """The paths on the contours of their cost."""
    # The round bowl is shown round: as high as wide.
    up = np.linspace(-1.1, 1.1, 111) if steepness > 1.0 else np.linspace(-6.5, 6.5, 131)
    levels = (0.1, 0.5, 2.0, 6.0, 15.0, 30.0, 60.0)
    values = (across[None, :] ** 2 + steepness * up[:, None] ** 2) / 2.0
    field = Field("contours", across.tolist(), up.tolist(), values.tolist(), levels)
    paths = tuple(
        Series(NAMES[name], "path", role, *np.asarray(descent[slot].path)[:SHOWN].T.tolist())
        for slot, (name, role) in enumerate(zip(LONG, ORDER, strict=False))
    )
    ends = (Series("", "points", "optimum", [0.0], [0.0]),)
    said = f"The first {SHOWN} points of four paths from ({START[0]:g}, {START[1]:g}) to the middle."
    return Figure("bowl", title, said, Axis("w₁"), Axis("w₂"), paths + ends, field=field, height=360)


figure = Panels(
    "optimiser_paths",
    "In a long bowl gradient descent jumps across the valley at every step; in a round one it goes straight",
    tuple(panel(title, bowls[title][0], descent) for title, descent in found.items()),
    columns=2,
)
figure.save(FIGURES / "optimiser_paths.png")
figure

# %% [markdown]
# ## What is seen

# %%
long, even = found.values()


def steps_needed(descent, slot: int) -> int:
    """Steps until the cost stays below a hundredth of the first."""
    above = np.flatnonzero(descent[slot].costs > 0.01 * descent[slot].costs[0])
    return int(above[-1]) + 1


turns = {
    name: int((np.diff(np.sign(np.asarray(long[slot].path)[:SHOWN, 1])) != 0).sum()) for slot, name in enumerate(LONG)
}
needed = {name: (steps_needed(long, slot), steps_needed(even, slot)) for slot, name in enumerate(LONG)}
seen = {
    f"gradient descent crosses the valley {turns['gradient_descent']} times in {SHOWN} steps, momentum "
    f"{turns['momentum']}, RMSprop {turns['rmsprop']}, Adam {turns['adam']}": (
        turns["gradient_descent"] > 2 * max(turns["momentum"], turns["adam"])
    ),
    f"to a hundredth of the cost it takes {needed['gradient_descent'][0]} steps; momentum {needed['momentum'][0]}, "
    f"RMSprop {needed['rmsprop'][0]}, Adam {needed['adam'][0]}": (
        needed["gradient_descent"][0] > 2 * max(needed["momentum"][0], needed["rmsprop"][0], needed["adam"][0])
    ),
    f"in the round bowl gradient descent takes {needed['gradient_descent'][1]} steps, a "
    f"{needed['gradient_descent'][0] / needed['gradient_descent'][1]:.0f}th of that": (
        needed["gradient_descent"][0] > 5 * needed["gradient_descent"][1]
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
