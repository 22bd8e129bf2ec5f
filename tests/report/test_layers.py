"""Figures of what was probed: legible from 0.5¹⁵⁰ to 1.5³⁰⁰, and nothing where nothing was probed."""

import json
from dataclasses import replace

import numpy as np

from caviar.records.probes import PROBES
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import html, layers
from caviar.report.draw import draw

from .sample_page import sample_page

EPOCHS, LAYERS = 5, 9


def probed(activation="relu", **given):
    """A trial of nine layers whose probes are as in a healthy training, but for what is given."""
    usual = {"dead_share": 0.1} if activation == "relu" else {"saturated_share": 0.2, "linear_share": 0.6}
    probes = {name: np.full((EPOCHS, LAYERS), np.nan, np.float32) for name in PROBES}
    for name in ("log10_gradient_norm", "log10_backward_norm", "log10_activation_spread"):
        probes[name][:] = -1.0
    probes["update_ratio"][:], probes["weight_norm"][:] = 1e-3, 4.0
    for name, value in (usual | given).items():
        probes[name][:] = value
    for name in ("dead_share", "saturated_share", "linear_share"):
        probes[name][:, -1] = np.nan
    history = {"epoch": np.arange(1, EPOCHS + 1), **probes}
    return Trial(7, Status.FINISHED, {"activation": activation}, epochs=EPOCHS, history=history)


def test_all_of_a_healthy_training():
    """ReLU has dead units, tanh saturated ones and a linear part; each figure is drawn once."""
    keys = [figure.key for figure in layers.probe_figures(probed())]
    assert keys == ["signal_depth", "gradient_depth", "activation_depth", "update_ratio", "units", "weight_norm"]
    curved = layers.probe_figures(probed("tanh"))
    assert "linear" in [figure.key for figure in curved] and len({figure.key for figure in curved}) == len(curved)


def test_depth_has_three_epochs_and_every_layer():
    """The first, a middle and the last epoch, with a point for each layer, on a logarithmic axis."""
    figure = layers.gradient_by_depth(probed(log10_gradient_norm=np.linspace(-4, 0, LAYERS)))
    assert [series.name for series in figure.series] == ["epoch 1", "epoch 3", "epoch 5"]
    assert figure.y.scale == "log" and figure.x.label == "layer"
    assert list(figure.series[0].x) == list(range(1, LAYERS + 1))
    np.testing.assert_allclose(figure.series[0].y, 10.0 ** np.linspace(-4, 0, LAYERS), rtol=1e-4)


def test_updates_lie_beside_the_usual_band():
    """The band from 1e-4 to 1e-2 is drawn behind the lines; of nine layers six are shown, first and last among them."""
    figure = layers.updates_over_epochs(probed())
    band, *lines = figure.series
    assert (band.mark, set(band.low), set(band.high)) == ("band", {1e-4}, {1e-2})
    assert len(lines) == 6 and lines[0].name == "layer 1" and lines[-1].name == "layer 9"


def test_what_no_axis_can_show_is_a_gap():
    """Gradients of exactly 0, infinite ones and NaN interrupt a line; 10^-45 and 10^53 are drawn."""
    logs = np.array([-np.inf, -45.0, 0.0, 53.0, np.nan, np.inf, 0.0, 0.0, 0.0])
    figure = layers.gradient_by_depth(probed(log10_gradient_norm=logs))
    first = figure.series[0].y
    assert first[0] in (None, 0.0) and first[4] is None and first[5] is None
    np.testing.assert_allclose(first[1:4], [1e-45, 1.0, 1e53], rtol=1e-4)
    json.dumps(draw(figure), allow_nan=False)


def test_nothing_probed_nothing_drawn():
    """A trial without probes, or with none that is finite, has no figures, and its page no section."""
    assert layers.probe_figures(replace(probed(), history={"epoch": np.arange(3)})) == []
    broken = probed()
    for name in PROBES:
        broken.history[name][:] = np.nan
    assert layers.probe_figures(broken) == []
    assert 'id="gradients"' not in html.render(sample_page(8))


def test_the_page_shows_them():
    """The section names the trial and holds a place for each figure."""
    page = html.render(sample_page(8, probed=probed(), weights_at_zero=0.25))
    assert 'id="gradients"' in page and "trial 7" in page
    for key in ("signal_depth", "gradient_depth", "activation_depth", "update_ratio", "units", "weight_norm"):
        assert f'data-figure="{key}"' in page
