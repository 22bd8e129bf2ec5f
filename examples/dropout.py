# %% [markdown]
# # What dropout does
#
# At each step dropout switches units off at random and divides the others by the share kept, so that no unit can rely
# on one input. Where a network overfits, train and dev error come closer: the train error rises, the dev error, if
# all goes well, falls. The data are real: 442 diabetes patients, ten measurements, how far the disease went in a
# year. Half of them train ten networks of 256 units, five with dropout and five without, side by side as slots of one
# program.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series
from caviar.study.becoming import model_of

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
EPOCHS = 50 if os.environ.get("CAVIAR_QUICK") else 100
KEEP = (1.0, 0.5)

# %% [markdown]
# ## Ten networks
#
# The scale of the first weights is varied a little, so that the five of a kind are five different networks.

# %%
splits = caviar.split(caviar.read("diabetes"), seed=0, dev=0.5, test=0)
space = caviar.Space().fix(hidden=[256], learning_rate=0.003, batch_size=32)
space = space.choose("keep_probability", *KEEP).choose("initialisation_scale", 0.8, 0.9, 1.0, 1.1, 1.2)
study = caviar.Study(tempfile.mkdtemp(), splits, space=space, seed=0)
study.search(trials=10, epochs=EPOCHS, stopping=None, sampler="grid")

# %%
curves: dict[tuple[float, str], np.ndarray] = {}
norms: dict[float, list[float]] = {}
for keep in KEEP:
    group = [trial for trial in study.trials if np.all(trial.configuration["keep_probability"] == keep)]
    for part in ("train", "dev"):
        curves[keep, part] = np.array([trial.history[f"{part}_error"] for trial in group], dtype=float)
    weights = [[a for a in model_of(study, trial).arrays.values() if np.ndim(a) == 2] for trial in group]
    norms[keep] = [float(np.sqrt(sum(np.sum(np.square(w)) for w in layers))) for layers in weights]
end = {key: float(np.median(found[:, -1])) for key, found in curves.items()}
gap = {keep: end[keep, "dev"] - end[keep, "train"] for keep in KEEP}

# %%
epochs = list(range(1, EPOCHS + 1))
top = 1.6 * end[1.0, "dev"]


def panel(keep: float, title: str) -> Figure:
    """Median and range of five networks' errors, on train and on dev."""
    series = []
    for part in ("train", "dev"):
        found = np.minimum(curves[keep, part], top)
        series.append(Series("", "band", part, epochs, [], found.min(0).tolist(), found.max(0).tolist()))
        series.append(Series(part, "line", part, epochs, np.median(found, 0).tolist()))
    said = f"At the end the train error is {end[keep, 'train']:.1f}, the dev error {end[keep, 'dev']:.1f}."
    return Figure("error", title, said, Axis("epoch"), Axis("error (RMSE)", top=top), tuple(series), height=340)


lower = "falls" if end[0.5, "dev"] < end[1.0, "dev"] else "does not fall"
figure = Panels(
    "dropout",
    f"With dropout the gap between train and dev narrows, and the dev error {lower} (median and range of five)",
    (panel(1.0, "Without dropout"), panel(0.5, "Half the units kept")),
    columns=2,
)
figure.save(FIGURES / "dropout.png")
figure

# %% [markdown]
# ## What is seen
#
# The notes say that dropout shrinks ‖W‖, as L2 does. Whether it does here is printed as measured: the weights are
# those of each network's best epoch, which is later with dropout, and weights grow as long as they are trained.

# %%
size = {keep: float(np.median(values)) for keep, values in norms.items()}
shrinks = "smaller" if size[0.5] < size[1.0] else "not smaller"
seen = {
    f"the gap between dev and train at the end is {gap[1.0]:.1f} without dropout and {gap[0.5]:.1f} with it": (
        gap[0.5] < 0.7 * gap[1.0]
    ),
    f"the train error rises from {end[1.0, 'train']:.1f} to {end[0.5, 'train']:.1f}": (
        end[0.5, "train"] > end[1.0, "train"]
    ),
    f"the dev error falls from {end[1.0, 'dev']:.1f} to {end[0.5, 'dev']:.1f}": end[0.5, "dev"] < end[1.0, "dev"],
}
print(f"measured: ‖W‖ is {shrinks} with dropout: {size[0.5]:.1f} against {size[1.0]:.1f} without")
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
