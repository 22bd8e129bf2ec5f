# %% [markdown]
# # Exponentially weighted averages
#
# v_t = β v_{t−1} + (1 − β) θ_t averages about the last 1/(1 − β) values: 2 for β = 0.5, 10 for 0.9, 50 for 0.98. The
# larger β, the smoother the curve, and the later it follows. v begins at 0, so that the first averages are much too
# small; divided by 1 − β^t they are right from the first value on. Momentum, RMSprop and Adam are such averages of
# gradients.
#
# The series is made up, as the notes' is: a year of daily temperatures, a wave with noise.

# %%
import os
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series
from caviar.report.looks import ORDER

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
BETAS = (0.5, 0.9, 0.98)
days = np.arange(1, 366)
wave = 55.0 - 17.0 * np.cos(2.0 * np.pi * (days - 20) / 365.0)
temperatures = wave + np.random.default_rng(0).normal(0.0, 5.0, 365)

# %%
average = caviar.exponentially_weighted_average
smooth = {beta: average(temperatures, beta) for beta in BETAS}
raw = average(temperatures, 0.98, corrected=False)

# %%
points = Series("a day's temperature", "points", "raw", days.tolist(), temperatures.tolist())
lines = tuple(
    Series(f"β = {beta:g}: the last {1 / (1 - beta):.0f}", "line", role, days.tolist(), values.tolist())
    for (beta, values), role in zip(smooth.items(), ORDER, strict=False)
)
uncorrected = Series("β = 0.98, not corrected", "line", "fourth", days.tolist(), raw.tolist())
low, top = 0.0, float(temperatures.max()) + 1.0
degrees = Axis("temperature", "°F", low=low, top=top)


def first(series: Series, count: int) -> Series:
    """The beginning of a series."""
    return Series(series.name, series.mark, series.role, series.x[:count], series.y[:count])


figure = Panels(
    "weighted_averages",
    "The larger β, the smoother and the later; without correction the beginning is too low",
    (
        Figure(
            "year",
            "Three β over a year",
            "Averages over 2, 10 and 50 days follow the wave ever more smoothly and later.",
            Axis("day"),
            degrees,
            (points, *lines),
            height=360,
        ),
        Figure(
            "beginning",
            "The first 60 days, corrected and not",
            f"On day 1 the corrected average is {smooth[0.98][0]:.1f} °F, the uncorrected one {raw[0]:.1f} °F.",
            Axis("day"),
            degrees,
            tuple(first(series, 60) for series in (points, lines[2], uncorrected)),
            height=360,
        ),
    ),
    columns=2,
)
figure.save(FIGURES / "weighted_averages.png")
figure

# %% [markdown]
# ## What is seen

# %%
rough = {beta: float(np.abs(np.diff(values)).mean()) for beta, values in smooth.items()}
delay = {beta: int(values[180:].argmax() + 180 - wave.argmax()) for beta, values in smooth.items()}
small = average([40, 49], 0.9, corrected=False), average([40, 49], 0.9)
seen = {
    f"from day to day the averages move by {rough[0.5]:.2f}, {rough[0.9]:.2f} and {rough[0.98]:.2f} °F": (
        rough[0.5] > 2 * rough[0.9] > 4 * rough[0.98]
    ),
    f"their summit comes {delay[0.98]} days after the wave's with β = 0.98": delay[0.98] > 20,
    f"uncorrected, day 1 reads {raw[0]:.2f} °F, (1 − β) of the {temperatures[0]:.1f} °F measured": (
        np.isclose(raw[0], 0.02 * temperatures[0]) and np.isclose(smooth[0.98][0], temperatures[0])
    ),
    f"θ = 40, 49 with β = 0.9: v = {small[0][0]:.1f}, {small[0][1]:.1f}; "
    f"corrected {small[1][0]:.0f}, {small[1][1]:.2f}": (
        np.allclose(small[0], [4.0, 8.5]) and np.allclose(small[1], [40.0, 44.7368], atol=1e-4)
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
