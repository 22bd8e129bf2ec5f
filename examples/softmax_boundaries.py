# %% [markdown]
# # Softmax regression cuts the plane by straight lines
#
# Softmax without a hidden layer, `hidden=[]`, is logistic regression for several classes. Between two classes the
# boundary lies where z_i = z_j, and both are linear in x: every boundary is a straight line. Hidden units bend it.
#
# The data are Fisher's irises, by the length and the width of their petals.

# %%
import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

import caviar
from caviar.report.figure import Axis, Field, Figure, Panels, Series
from caviar.report.looks import ORDER

FIGURES = Path(os.environ.get("CAVIAR_FIGURES", "figures"))  # where the picture goes
iris = load_iris()
X, y = iris.data[:, 2:], np.array(["setosa", "versicolor", "virginica"])[iris.target]
splits = caviar.split(caviar.read((X, y)), seed=0)


models = {}
for name, hidden in {"no hidden layer": [], "16 hidden tanh units": [16]}.items():
    space = caviar.Space().fix(hidden=hidden, learning_rate=0.05, batch_size=32, activation="tanh")
    study = caviar.Study(tempfile.mkdtemp(), splits, space=space, seed=0, metric="log_loss")
    models[name] = study.train(epochs=150).best_model()

# %%
across, up = np.linspace(0.5, 7.5, 240), np.linspace(-0.1, 2.8, 200)
grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
classes = list(models["no hidden layer"].classes)
points = tuple(
    Series(name, "points", role, X[y == name, 0].tolist(), X[y == name, 1].tolist())
    for name, role in zip(classes, ORDER, strict=False)
)
panels = []
errors, bends = {}, {}
for name, model in models.items():
    z = model.outputs(grid).astype(np.float64).reshape(len(up), len(across), -1)
    decided = z.argmax(axis=-1)
    # A plane has no second differences; rounding in float32 leaves some.
    bends[name] = float(np.abs(np.diff(z, 2, axis=1)).max() / np.abs(np.diff(z, axis=1)).max())
    errors[name] = float(np.mean(model.predict(X, rows=splits.dev) != y[splits.dev]))
    field = Field("regions", across.tolist(), up.tolist(), decided.tolist())
    axes = Axis("petal length", "cm"), Axis("petal width", "cm")
    said = f"Regions of three classes; dev error {errors[name]:.1%}."
    panels.append(Figure(name.replace(" ", "_"), name, said, *axes, points, field=field, height=320))
figure = Panels(
    "softmax_boundaries",
    "Without a hidden layer the boundaries between classes are straight; hidden units bend them",
    tuple(panels),
    columns=2,
)
figure.save(FIGURES / "softmax_boundaries.png")
figure

# %% [markdown]
# ## What is seen

# %%
straight, bent = bends.values()
without, with_units = errors.values()
seen = {
    f"without a hidden layer z bends by {straight:.0e} of its slope from step to step: it is linear": straight < 1e-2,
    f"with 16 tanh units by {bent:.2f}, {bent / straight:,.0f} times as much": bent > 10 * straight,
    f"dev error {without:.1%} and {with_units:.1%}: straight lines nearly suffice": without <= with_units + 0.1,
}
for sentence, holds in seen.items():
    print("seen:" if holds else "not seen:", sentence)
