"""First weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.networks.architecture import Architecture
from caviar.networks.initialisers import VARIANCES, draw
from caviar.networks.mlp import first_layers
from caviar.search.hyperparameters import INITIALISATIONS

WIDTHS = st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple)
# Variances as the papers give them; the notes' product in Glorot's is a slip for the sum.
WANTED = {"he": 2 / 300, "lecun": 1 / 300, "glorot": 2 / (300 + 500), "zeros": 0.0}


def test_kinds_are_those_of_the_table():
    """Every initialisation of the table of hyperparameters can be drawn, and no other."""
    assert set(VARIANCES) == set(INITIALISATIONS) == set(WANTED)


@pytest.mark.parametrize("kind", WANTED)
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_variance(kind, scale):
    """A layer of 300 by 500 has mean 0 and the variance of its kind times the scale squared, within sampling error."""
    weights = draw(kind, scale, (300, 500), seed=5)[0]
    variance = WANTED[kind] * scale**2
    # The standard error of a variance from n normal draws is σ² √(2/n); of a mean σ / √n. Five of each.
    assert weights.var() == pytest.approx(variance, abs=5 * variance * np.sqrt(2 / weights.size))
    assert abs(weights.mean()) <= 5 * np.sqrt(variance / weights.size)


def test_weights_are_normal():
    """Shares within one, two and three deviations are those of the normal distribution."""
    weights = draw("lecun", 1.0, (400, 400), seed=1)[0] * 20
    for deviations, share in ((1, 0.6827), (2, 0.9545), (3, 0.9973)):
        assert (np.abs(weights) < deviations).mean() == pytest.approx(share, abs=0.005)


@settings(max_examples=30)
@given(widths=WIDTHS, room=st.integers(0, 4), seed=st.integers(0, 2**63 - 1))
def test_padded_draws_equal_exact_draws(widths, room, seed):
    """A network padded into a larger architecture has the weights that it has at its exact size, and 0 elsewhere."""
    exact = draw("he", 1.0, widths, seed)
    shapes = Architecture(widths[0] + room, tuple(w + room for w in widths[1:-1]), widths[-1] + room, dtype="float64")
    layers, averages = first_layers(shapes, widths, kind="he", scale=1.0, seed=seed)
    for weights, own in zip(layers.weights, exact, strict=True):
        assert (weights[: own.shape[1], : own.shape[0]] == own.T).all()
        assert np.count_nonzero(weights) == np.count_nonzero(own)
    assert not any(biases.any() for biases in layers.biases)
    for gammas, width in zip(layers.gammas, widths[1:], strict=True):
        assert (gammas == (np.arange(len(gammas)) < width)).all()
    assert not any(betas.any() for betas in layers.betas)
    assert int(averages.count) == 0 and not any(kept.any() for kept in averages.means + averages.variances)


def test_seed_and_layer_make_the_weights():
    """Weights depend on seed and layer: the same again for the same, others for another seed or layer."""
    first, again, other = (draw("he", 1.0, (6, 6, 6), seed) for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert (first[0] != other[0]).all() and (first[0] != first[1]).all()


def test_a_deeper_network_begins_alike():
    """A layer's weights do not depend on the layers after it."""
    shallow, deep = draw("he", 1.0, (5, 4, 3), 9), draw("he", 1.0, (5, 4, 3, 2), 9)
    assert all((a == b).all() for a, b in zip(shallow, deep, strict=False))


def test_too_wide_is_refused():
    """A network wider than the architecture is an error rather than a cut network."""
    with pytest.raises(AssertionError):
        first_layers(Architecture(4, (3,), 2), (4, 5, 2), kind="he", scale=1.0, seed=0)
