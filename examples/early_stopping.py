# %% [markdown]
# # Error against epoch, and where to stop
#
# The cost on train rows falls on and on; on dev rows it falls, and from some epoch on it rises again. Early stopping
# keeps the weights of the lowest dev cost: small weights grow as they are trained, so that stopping half-way acts
# like a penalty. It needs one training only. It also couples two jobs that are easier apart (orthogonalisation): to
# fit the train rows, and not to overfit them. L2 leaves training to its end and needs its λ found instead: here both
# stand side by side, as slots of one program.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
EPOCHS = 60
PENALTIES = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)

# %% [markdown]
# ## A network that can overfit
#
# Real measurements of tumours, few rows to train on, 128 hidden units.

# %%
splits = caviar.split(caviar.read("breast_cancer"), seed=0, dev=0.6, test=0)
space = caviar.Space().fix(hidden=[128], learning_rate=0.003, batch_size=32).choose("l2", *PENALTIES)
study = caviar.Study(tempfile.mkdtemp(), splits, space=space, seed=0, metric="log_loss")
study.search(trials=len(PENALTIES), epochs=EPOCHS, stopping=None, sampler="grid")
trials = {trial.configuration["l2"]: trial for trial in study.trials}

# %%
plain = trials[0.0]
train, dev = (np.asarray(plain.history[name], dtype=float) for name in ("train_cost", "dev_cost"))
stop = int(dev.argmin()) + 1
best_penalty = min(PENALTIES[1:], key=lambda penalty: float(trials[penalty].history["dev_cost"][-1]))
penalised = np.asarray(trials[best_penalty].history["dev_cost"], dtype=float)
epochs = list(range(1, EPOCHS + 1))
top = 1.15 * max(float(dev[1:].max()), float(penalised[1:].max()))
figure = Figure(
    "early_stopping",
    f"The dev cost is lowest after epoch {stop} and rises again, while the train cost goes on falling",
    f"Dev cost {dev[stop - 1]:.3f} at epoch {stop}, {dev[-1]:.3f} at the end; with L2, {penalised[-1]:.3f} at the end.",
    Axis("epoch"),
    Axis("cost (log loss)", top=top),
    (
        Series("train", "line", "train", epochs, train.tolist()),
        Series("dev", "line", "dev", epochs, dev.tolist()),
        Series(f"dev with L2 alone, λ = {best_penalty:g}", "line", "third", epochs, penalised.tolist()),
        Series(f"stop here: epoch {stop}", "line", "limit", [stop, stop], [0.0, top]),
        Series("", "points", "best", [stop], [float(dev[stop - 1])]),
    ),
    height=380,
)
figure.save(FIGURES / "early_stopping.png")
figure

# %% [markdown]
# ## What is seen

# %%
seen = {
    f"from epoch {stop} to {EPOCHS} the train cost falls from {train[stop - 1]:.4f} to {train[-1]:.4f}": (
        train[-1] < train[stop - 1]
    ),
    f"and the dev cost rises from {dev[stop - 1]:.3f} to {dev[-1]:.3f}": stop < EPOCHS
    and dev[-1] > 1.1 * dev[stop - 1],
    f"the trial's best epoch is the stopping point: {plain.best_epoch}": plain.best_epoch == stop,
    f"L2 with λ = {best_penalty:g} ends at {penalised[-1]:.3f} without stopping": penalised[-1] < dev[-1],
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
