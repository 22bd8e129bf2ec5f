# %% [markdown]
# # What dropout does
#
# At each step dropout switches units off at random and divides the others by the share kept, so that no unit can rely
# on one input: weights spread out. Where a network overfits, train and dev error come closer: the train error rises,
# the dev error, if all goes well, falls. On measurements of tumours with few rows to train on, five networks with
# dropout and five without run side by side as slots of one program.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series
from caviar.study.verdict import model_of

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
EPOCHS = 30 if os.environ.get("CAVIAR_QUICK") else 60
KEEP = (1.0, 0.5)

# %% [markdown]
# ## Ten networks
#
# The scale of the first weights is varied a little, so that the five of a kind are five different networks.

# %%
splits = caviar.split(caviar.read("breast_cancer"), seed=0, dev=0.6, test=0)
space = caviar.Space().fix(hidden=[256], learning_rate=0.003, batch_size=32)
space = space.choose("keep_probability", *KEEP).choose("initialisation_scale", 0.8, 0.9, 1.0, 1.1, 1.2)
study = caviar.Study(tempfile.mkdtemp(), splits, space=space, seed=0)
study.search(trials=10, epochs=EPOCHS, stopping=None, sampler="grid")

# %%
curves: dict[tuple[float, str], np.ndarray] = {}
norms: dict[float, list[float]] = {}
for keep in KEEP:
    group = [trial for trial in study.trials if np.all(trial.configuration["keep_probability"] == keep)]
    for name in ("train_cost", "dev_cost", "train_error", "dev_error"):
        curves[keep, name] = np.array([trial.history[name] for trial in group], dtype=float)
    weights = [[a for a in model_of(study, trial).arrays.values() if np.ndim(a) == 2] for trial in group]
    norms[keep] = [float(np.sqrt(sum(np.sum(np.square(w)) for w in layers))) for layers in weights]

# %%
epochs = list(range(1, EPOCHS + 1))


def panel(title: str, kind: str, unit: str) -> Figure:
    """The median of five curves and their range, with dropout and without, on train and on dev."""
    series = []
    for keep, roles in ((1.0, ("first", "second")), (0.5, ("third", "fourth"))):
        for part, role in zip(("train", "dev"), roles, strict=True):
            found = curves[keep, f"{part}_{kind}"]
            series.append(Series("", "band", role, epochs, [], found.min(0).tolist(), found.max(0).tolist()))
            name = f"{part}, {'no dropout' if keep == 1.0 else 'half the units kept'}"
            series.append(Series(name, "line", role, epochs, np.median(found, 0).tolist()))
    said = f"At the end: {', '.join(f'{s.name} {s.y[-1]:.3f}' for s in series if s.name)}."
    top = 1.5 * float(np.median(curves[1.0, f"dev_{kind}"][:, 3]))
    axes = Axis("epoch"), Axis(title, unit, top=top)
    return Figure(kind, f"{title}, median and range of five", said, *axes, tuple(series), height=340)


gap = {keep: float(np.median(curves[keep, "dev_cost"][:, -1] - curves[keep, "train_cost"][:, -1])) for keep in KEEP}
end = {keep: float(np.median(curves[keep, "dev_error"][:, -1])) for keep in KEEP}
lower = "falls" if end[0.5] < end[1.0] else "does not fall"
figure = Panels(
    "dropout",
    f"With dropout the gap between train and dev narrows, and the dev error {lower}",
    (panel("cost (log loss)", "cost", ""), panel("error", "error", "share")),
    columns=2,
)
figure.save(FIGURES / "dropout.png")
figure

# %% [markdown]
# ## What is seen
#
# The notes say that dropout shrinks ‖W‖, as L2 does. Whether it does here is printed as measured: the weights are those
# of each network's best epoch, which is later with dropout, and weights grow as long as they are trained.

# %%
size = {keep: float(np.median(values)) for keep, values in norms.items()}
shrinks = "smaller" if size[0.5] < size[1.0] else "not smaller"
seen = {
    f"the gap in cost at the end is {gap[1.0]:.3f} without dropout and {gap[0.5]:.3f} with it": gap[0.5] < gap[1.0],
    f"the median dev error at the end is {end[1.0]:.2%} without and {end[0.5]:.2%} with it": end[0.5] < end[1.0],
}
print(f"measured: ‖W‖ is {shrinks} with dropout: {size[0.5]:.1f} against {size[1.0]:.1f} without")
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
