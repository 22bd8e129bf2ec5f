# %% [markdown]
# # Batch norm makes a search easier
#
# Batch norm gives each hidden unit's input a mean and a variance that are learnt, whatever the layers before it do.
# So a deep network learns over a much wider range of learning rates and first weights, and more of the trials of a
# search are good ones. Both searches draw the same 32 configurations of a network with four hidden layers; one of
# them has batch norm.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Series

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
TRIALS = 32
GOOD = 0.10  # a trial whose dev error is at most this is a good one

# %%
splits = caviar.split(caviar.read("digits"), seed=0)
space = caviar.Space().fix(hidden=[32, 32, 32, 32], batch_size=64, optimiser="momentum")
space = space.vary("learning_rate", 1e-3, 10.0, scale="log").vary("initialisation_scale", 0.1, 10.0, scale="log")
errors = {}
for batch_norm in (False, True):
    study = caviar.Study(tempfile.mkdtemp(), splits, space=space.fix(batch_norm=batch_norm), seed=0)
    study.search(trials=TRIALS, epochs=8, stopping=None)
    found = np.array([trial.dev_error for trial in study.trials], dtype=float)
    errors[batch_norm] = np.sort(np.nan_to_num(found, nan=1.0))  # a trial that diverged has learnt nothing

# %%
share = {batch_norm: float(np.mean(found <= GOOD)) for batch_norm, found in errors.items()}
places = ((np.arange(TRIALS) + 1) / TRIALS).tolist()
figure = Figure(
    "batch_norm_search",
    f"With batch norm {share[True]:.0%} of the trials are good, without {share[False]:.0%}",
    f"Dev errors of {TRIALS} trials each, sorted: {share[True]:.0%} and {share[False]:.0%} of them at most {GOOD:.0%}.",
    Axis("trials, the best first", "share", top=1.0),
    Axis("dev error", "share", top=1.0),
    (
        Series("without batch norm", "path", "first", places, errors[False].tolist()),
        Series("with batch norm", "path", "second", places, errors[True].tolist()),
        Series(f"good: at most {GOOD:.0%}", "line", "limit", [0.0, 1.0], [GOOD, GOOD]),
    ),
    height=360,
)
figure.save(FIGURES / "batch_norm_search.png")
figure

# %% [markdown]
# ## What is seen

# %%
medians = {batch_norm: float(np.median(found)) for batch_norm, found in errors.items()}
seen = {
    f"{share[True]:.0%} of {TRIALS} trials are good with batch norm, {share[False]:.0%} without": (
        share[True] > share[False] + 0.1
    ),
    f"the median dev error is {medians[True]:.1%} with it and {medians[False]:.1%} without": (
        medians[True] < medians[False]
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
