# %% [markdown]
# # Constant and decaying learning rates near an optimum
#
# A mini-batch's gradient is noisy. With a constant learning rate the weights end up wandering around the optimum, as
# far as one step carries them; with a learning rate that falls they wander ever closer to it. The data are real
# (diabetes patients, ten measurements, one number to predict), the network is linear, so that the optimum is known:
# it is the solution of least squares.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np

import caviar
from caviar.report.figure import Axis, Figure, Panels, Series
from caviar.report.looks import ORDER

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
EPOCHS = 40
DECAYS = {
    "constant": "constant",
    "inverse_time": "α₀ / (1 + rate · epoch)",
    "exponential": "α₀ · 0.8^epoch",
    "sqrt_epoch": "α₀ / √(epoch + 1)",
    "staircase": "α₀ · 0.8 every four epochs",
    "cosine": "cosine",
}

# %% [markdown]
# ## Six schedules at once

# %%
splits = caviar.split(caviar.read("diabetes"), seed=0, test=0)
space = caviar.Space().fix(hidden=[], optimiser="gradient_descent", learning_rate=0.08, batch_size=4)
space = space.fix(decay_rate=1.0, decay_base=0.8, decay_steps=4).choose("decay", *DECAYS)
study = caviar.Study(tempfile.mkdtemp(), splits, space=space, seed=0)
study.search(trials=len(DECAYS), epochs=EPOCHS, stopping=None, sampler="grid")
histories = {trial.configuration["decay"]: trial.history for trial in study.trials}

# %%
encoder = study.best_model().encoder
inputs = np.c_[encoder.transform(splits.dataset, splits.train), np.ones(len(splits.train))].astype(float)
targets = np.asarray(splits.dataset.targets, dtype=float)[splits.train]
best, *_ = np.linalg.lstsq(inputs, targets, rcond=None)
optimum = float(np.sqrt(np.mean((inputs @ best - targets) ** 2)))

# %%
epochs = list(range(1, EPOCHS + 1))
above = {name: np.asarray(history["train_error"], dtype=float) - optimum for name, history in histories.items()}
rates, costs = (
    tuple(
        Series(label, "line", role, epochs, np.asarray(of[name], dtype=float).tolist())
        for (name, label), role in zip(DECAYS.items(), ORDER, strict=True)
    )
    for of in ({name: history["learning_rate"] for name, history in histories.items()}, above)
)
end = {name: float(np.median(values[-10:])) for name, values in above.items()}
figure = Panels(
    "learning_rate_decay",
    f"With a constant α the error stays {end['constant']:.2f} above the optimum; falling ones come closer",
    (
        Figure(
            "rates",
            "The learning rates",
            "Six ways.",
            Axis("epoch"),
            Axis("learning rate α", scale="log", low=1e-5),
            rates,
            height=360,
        ),
        Figure(
            "errors",
            f"The train error above that of least squares ({optimum:.1f})",
            "; ".join(f"{DECAYS[name]}: {value:.3f} at the end" for name, value in end.items()) + ".",
            Axis("epoch"),
            Axis("train RMSE above the optimum", scale="log", low=1e-3),
            costs,
            height=360,
        ),
    ),
    columns=2,
)
figure.save(FIGURES / "learning_rate_decay.png")
figure

# %% [markdown]
# ## What is seen

# %%
nearest = min(end, key=lambda name: end[name])
closer = [name for name in DECAYS if end[name] < end["constant"]]
halved = [float(value) for value in histories["inverse_time"]["learning_rate"][:5]]
seen = {
    f"at the end a constant α stays {end['constant']:.3f} above the optimum, {nearest} {end[nearest]:.3f}": (
        end[nearest] < 0.3 * end["constant"]
    ),
    f"{len(closer)} of 5 falling schedules come closer than the constant one": len(closer) >= 4,
    f"inverse time with rate 1 gives {', '.join(f'{v:.4f}' for v in halved)}": (
        np.allclose(halved, 0.08 / np.arange(1, 6), rtol=1e-3)
    ),
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
