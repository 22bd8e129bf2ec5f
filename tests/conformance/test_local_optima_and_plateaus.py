"""Local optima and plateaus: the optimisers seen on a saddle and on a plateau."""

import jax.numpy as jnp
import numpy as np

import caviar
from caviar.search.hyperparameters import OPTIMISERS


def saddle(w):
    """x² − y², which falls for ever along y; at the origin its slope is 0 and it is no minimum."""
    return w[0] ** 2 - w[1] ** 2


def plateau(w):
    """Almost flat far from 0, with a valley there: the slope at w = 6 is 2.5e-5."""
    return -jnp.exp(-0.35 * w**2)


def test_a_saddle_is_left() -> None:
    """From 1e-6 beside the ridge every optimiser leaves the saddle; descent's distance grows by (1 + 2α) a step."""
    found = caviar.minimise(saddle, [1.0, 1e-6], optimiser=list(OPTIMISERS), learning_rate=0.05, steps=300)
    assert (np.abs(found.parameters[:, 1]) > 1.0).all()
    assert (np.abs(found.parameters[:, 0]) < 0.1).all()
    descent = found[OPTIMISERS.index("gradient_descent")]
    assert np.allclose(descent.path[:, 1], 1e-6 * 1.1 ** np.arange(301), rtol=1e-12)
    # Steps that do not shrink with the slope leave at once: no slowing down around the saddle.
    away = dict(zip(OPTIMISERS, np.argmax(np.abs(found.path[:, :, 1]) > 0.5, axis=0), strict=True))
    assert max(away["rmsprop"], away["adam"]) < 20 < 100 < min(away["gradient_descent"], away["momentum"])


def test_on_the_ridge_itself_nothing_moves_it() -> None:
    """Exactly on the saddle's ridge every optimiser runs into the saddle and stays: its slope there is 0."""
    found = caviar.minimise(saddle, [1.0, 0.0], optimiser=list(OPTIMISERS), learning_rate=0.05, steps=400)
    assert (found.parameters[:, 1] == 0.0).all()
    assert (np.abs(found.parameters[:, 0]) < 0.1).all()


def test_a_plateau_takes_long() -> None:
    """On a plateau gradient descent hardly moves in 500 steps, while RMSprop and Adam cross it into the valley."""
    found = caviar.minimise(plateau, 6.0, optimiser=list(OPTIMISERS), learning_rate=0.05, steps=500)
    ends = dict(zip(OPTIMISERS, found.parameters, strict=True))
    for slow in ("gradient_descent", "momentum", "nesterov"):
        assert 5.98 < ends[slow] < 6.0
    for fast in ("rmsprop", "adam"):
        assert abs(ends[fast]) < 0.5


def test_the_start_decides_which_minimum() -> None:
    """Of two minima the nearer one is found: many starts at once show which start leads where."""
    starts = np.linspace(-2, 2, 41)[np.abs(np.linspace(-2, 2, 41)) > 1e-9]
    found = caviar.minimise(
        lambda w: (w**2 - 1) ** 2, starts=starts, optimiser="gradient_descent", learning_rate=0.02, steps=1500
    )
    assert np.allclose(found.parameters, np.sign(starts), atol=1e-6)
