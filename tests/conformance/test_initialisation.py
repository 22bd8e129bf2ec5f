"""Initialisation: the variance of the first weights, and why they must not be zero."""

import numpy as np
import pytest

from caviar.diagnosis.gradients import GradientEvidence, diagnose_gradients
from caviar.networks.initialisers import draw
from caviar.search.hyperparameters import INITIALISATIONS
from caviar.training.probes import probe
from conformance.engine import Engine

WIDTHS = (300, 200, 100)


@pytest.mark.parametrize(
    ("kind", "variance"),
    [("lecun", lambda n, _: 1 / n), ("he", lambda n, _: 2 / n), ("glorot", lambda n, o: 2 / (n + o))],
)
def test_variances(kind: str, variance) -> None:
    """LeCun 1/n, He 2/n, Glorot and Bengio 2/(n + n′) (the sum, not the product), mean 0, on every layer."""
    for layer, weights in enumerate(draw(kind, 1.0, WIDTHS, seed=1)):
        wanted = variance(WIDTHS[layer], WIDTHS[layer + 1])
        # 20 000 draws or more: the variance is known to 1 %, three standard errors are 3 %.
        assert weights.var() == pytest.approx(wanted, rel=0.04)
        assert abs(weights.mean()) < 3 * np.sqrt(wanted / weights.size)


@pytest.mark.parametrize(("kind", "theirs"), [("he", "kaiming_normal_"), ("glorot", "xavier_normal_")])
def test_as_pytorch_has_them(kind: str, theirs: str) -> None:
    """Spread and shape of the distribution are those of torch.nn.init: their sorted weights agree as draws do."""
    torch = pytest.importorskip("torch", reason="needs PyTorch (the extra 'bench')")
    from scipy.stats import ks_2samp

    torch.manual_seed(0)
    other = getattr(torch.nn.init, theirs)(torch.empty(WIDTHS[1], WIDTHS[0])).numpy()
    assert ks_2samp(draw(kind, 1.0, WIDTHS, seed=2)[0].ravel(), other.ravel()).pvalue > 0.01


def test_a_multiplier() -> None:
    """`initialisation_scale` multiplies the same draws."""
    for one, three in zip(draw("he", 1.0, WIDTHS, 4), draw("he", 3.0, WIDTHS, 4), strict=True):
        np.testing.assert_allclose(three, 3.0 * one, rtol=1e-15)


@pytest.mark.usefixtures("wide")
def test_zeros_do_not_break_symmetry() -> None:
    """From zeros the units of a layer stay equal to one another however long they train; from He they do not."""
    assert "zeros" in INITIALISATIONS
    generator = np.random.default_rng(8)
    x, y = generator.standard_normal((30, 3)), generator.standard_normal(30) + 1.0
    apart = {}
    for kind in ("zeros", "he"):
        network = Engine({"hidden": [5], "activation": "sigmoid", "initialisation": kind, "learning_rate": 0.5}, x, y)
        network.descend(60)
        first = network.weights[0]
        apart[kind] = float(np.abs(first - first[:, :1]).max())
        assert np.abs(first).max() > 1e-3  # it did train
    assert apart["zeros"] == 0.0 < 0.1 < apart["he"]


def test_zeros_are_named() -> None:
    """That symmetry was not broken is a finding: GRD007 for zeros, nothing for He."""
    generator = np.random.default_rng(8)
    x, y = generator.standard_normal((32, 3)), generator.standard_normal(32) + 1.0
    for kind, codes in (("zeros", ["GRD007"]), ("he", [])):
        layers = [(w, np.zeros(w.shape[1])) for w in draw(kind, 1.0, (3, 5, 1), seed=0)]
        found = diagnose_gradients(GradientEvidence(probe(layers, x, y, activation="sigmoid", loss="squared")))
        assert [finding.code for finding in found] == codes
