"""Figures as data."""

import json
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import figures
from caviar.report.draw import draw, dress
from caviar.report.figure import Axis
from caviar.report.figures import CURVE_POINTS
from caviar.report.looks import LOOKS
from caviar.report.page_data import Estimate, PageData
from caviar.report.palette import DARK, LIGHT, contrast
from caviar.report.panels import PANEL_TRIALS, panels
from caviar.report.places import Places

from .sample_page import regression_metric, sample_page, sample_trials


def all_figures(page: PageData) -> list[figures.Figure]:
    """Every figure of a page that there is something to show for."""
    single = (figures.split_bar(page), figures.curves(page), figures.bias_variance(page), figures.stopping(page))
    return [figure for figure in single if figure is not None] + panels(page)


def series_of(figure: figures.Figure, role: str) -> figures.Series:
    """The first series of a role."""
    return next(series for series in figure.series if series.role == role)


def test_the_curves_show_every_epoch_of_every_trial() -> None:
    """Together the curves hold each measured epoch once, a gap after each trial, and the best trial apart."""
    page = sample_page(60)
    figure = figures.curves(page)
    assert figure is not None
    lines = [series for series in figure.series if series.mark == "line"]
    drawn = sum(value is not None for series in lines for value in series.x)
    assert drawn == sum(trial.epochs for trial in page.trials)
    best = page.best_trial
    assert best is not None
    lit = next(series for series in lines if series.role == "best")
    assert np.allclose(lit.y, best.history["dev_error"], rtol=1e-4)
    stopped = sum(trial.status is Status.STOPPED for trial in page.trials)
    assert sum(value is None for value in series_of(figure, "stopped").x) == stopped


def test_the_epochs_drawn_are_those_of_the_history() -> None:
    """A history that begins late, as a forked trial's does, is drawn at its own epochs."""
    history = {"epoch": np.array([4, 5, 6]), "dev_error": np.array([0.3, 0.2, 0.25], np.float32)}
    trial = Trial(0, Status.FINISHED, {}, dev_error=0.2, best_epoch=5, epochs=6, history=history)
    figure = figures.curves(sample_page(trials=[trial], best=0))
    assert figure is not None
    assert series_of(figure, "best").x == [4, 5, 6]
    assert "20.0 % in epoch 5" in figure.description


def test_many_curves_are_thinned_but_keep_their_ends() -> None:
    """Thousands of long curves stay within the number of points a page can bear, and the note says so."""
    trials = sample_trials(1500, 100)
    figure = figures.curves(sample_page(trials=trials, best=trials[0].number))
    assert figure is not None and "every" in figure.note
    drawn = sum(value is not None for series in figure.series for value in series.x)
    assert drawn < CURVE_POINTS + 2 * len(trials) + 200
    finished = [trial for trial in trials if trial.status is Status.FINISHED and trial.number != trials[0].number]
    ends = series_of(figure, "finished").x
    assert sum(end == 100 for end in ends) == len(finished)


def test_what_is_not_finite_interrupts_a_curve() -> None:
    """NaN and infinity in a history become gaps, so that the page's JSON is strict."""
    history = {"dev_error": np.array([0.5, np.nan, np.inf, 0.4], np.float32)}
    trial = Trial(7, Status.DIVERGED, {}, epochs=4, history=history)
    figure = figures.curves(sample_page(trials=[trial], best=None))
    assert figure is not None
    assert series_of(figure, "diverged").y == [0.5, None, None, 0.4, None]


@given(
    st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4),
    st.booleans(),
)
def test_the_bars_of_bias_and_variance_add_up(errors: list[float], tested: bool) -> None:
    """Whatever the order of the errors, the parts of each bar are not negative and add up to its error."""
    base, train, dev, test = (Estimate(value) for value in errors)
    page = sample_page(1, 1, base=base, train=train, dev=dev, test=test if tested else None)
    figure = figures.bias_variance(page)
    assert figure is not None
    totals = dict.fromkeys(range(3 + tested), 0.0)
    for series in figure.series:
        if series.mark == "bars":
            assert all(part >= 0.0 for part in series.x)
            for row, part in zip(series.y, series.x, strict=True):
                totals[row] += part
    assert list(totals.values()) == pytest.approx(errors[: 3 + tested])


def test_the_rungs_say_what_was_saved() -> None:
    """Two trials stopped after 3 of 10 epochs saved 14; a trial's own last epoch counts before the study's."""
    trials = [
        Trial(0, Status.STOPPED, {}, epochs=3, stop_at=10),
        Trial(1, Status.STOPPED, {}, epochs=3),
        Trial(2, Status.STOPPED, {}, epochs=6, stop_at=8),
        Trial(3, Status.FINISHED, {}, epochs=10, stop_at=10),
    ]
    page = sample_page(trials=trials, epochs=10)
    assert figures.rungs_of(page) == {3: (2, 14), 6: (1, 2)}
    figure = figures.stopping(page)
    assert figure is not None and list(figure.series[0].x) == [14, 2]


def test_only_what_varied_has_a_panel_and_the_telling_one_is_first() -> None:
    """Hyperparameters with one value get no panel; the learning rate, which decides here, comes first."""
    made = panels(sample_page())
    names = [panel.title for panel in made]
    assert names[0] == "learning_rate"
    assert {"decay", "epsilon", "l1"}.isdisjoint(names)
    assert {"hidden", "batch_norm", "l2", "clip_norm"} <= set(names)


def test_a_hyperparameter_that_means_nothing_explains_nothing() -> None:
    """The share explained is corrected for chance: over many draws of pure noise it is near 0."""
    generator = np.random.default_rng(3)
    shares = []
    for _ in range(40):
        trials = [
            Trial(n, Status.FINISHED, {"learning_rate": float(10 ** generator.uniform(-4, -1))}, dev_error=float(error))
            for n, error in enumerate(generator.random(64))
        ]
        note = panels(sample_page(1, 1, trials=trials, best=0))[0].note
        shares.append(float(note.split()[1]) if "%" in note else 0.0)
    assert np.mean(shares) < 8.0


def test_few_trials_state_no_share() -> None:
    """With fewer than a dozen trials no share of the order is stated, since it would be chance."""
    assert not any("explains" in panel.note for panel in panels(sample_page(8)))


def test_every_trial_is_a_point_of_the_panel() -> None:
    """Off values (0, infinity) and diverged trials have their points; a panel has all the trials it matters to."""
    page = sample_page()
    for panel in panels(page):
        points = sum(len(series.x) for series in panel.series if series.mark == "points")
        told = f"{points} networks" in panel.note
        assert told or points == len(page.trials), panel.title
        drawn = draw(panel)
        for trace in drawn["data"]:
            if trace["mode"] == "markers":
                assert None not in trace["x"] and None not in trace["y"], panel.title


def test_off_values_have_their_own_place_and_name() -> None:
    """0 lies left of every other l2 and says "0"; infinity lies right of every other clip_norm and says "∞"."""
    by_name = {panel.title: draw(panel) for panel in panels(sample_page())}
    for name, sign, side in (("l2", "0", min), ("clip_norm", "∞", max)):
        axis = by_name[name]["layout"]["xaxis"]
        place = axis["tickvals"][axis["ticktext"].index(sign)]
        xs = [x for trace in by_name[name]["data"] if trace["mode"] == "markers" for x in trace["x"]]
        assert place == side(xs) == side(axis["tickvals"])
        assert axis["type"] == "log"


def test_beta_is_drawn_by_its_distance_from_one() -> None:
    """β rises to the right on a reversed logarithmic axis of 1 − β, and its ticks say β."""
    panel = next(panel for panel in panels(sample_page()) if panel.title == "beta_1")
    axis = draw(panel)["layout"]["xaxis"]
    assert axis["range"][0] > axis["range"][1]
    assert axis["ticktext"][[round(place, 6) for place in axis["tickvals"]].index(0.1)] == "0.9"


def test_panels_bear_many_trials() -> None:
    """Thousands of trials are thinned evenly by rank, and the best stays."""
    page = sample_page(4000, 5)
    best = page.best
    panel = panels(page)[0]
    assert sum(len(series.x) for series in panel.series if series.mark == "points") <= PANEL_TRIALS + 1
    assert len(series_of(panel, "best").x) == 1 and str(best) in series_of(panel, "best").labels[0]


@settings(max_examples=40)
@given(st.data())
def test_any_trials_can_be_drawn(data: st.DataObject) -> None:
    """Whatever trials a study holds, every figure is strict JSON and its description has no "nan"."""
    errors = st.one_of(st.floats(0.0, 1.0), st.just(math.nan), st.floats(0.0, 1e12))
    rate = st.floats(0.0, 1e3)
    trials = [
        Trial(
            number,
            data.draw(st.sampled_from(Status)),
            {
                "learning_rate": data.draw(rate),
                "beta_2": data.draw(st.floats(0.0, 1.0 - 1e-9)),
                "clip_norm": data.draw(st.sampled_from([math.inf, 0.1, 10.0])),
                "hidden": data.draw(st.lists(st.integers(1, 512), max_size=3)),
                "keep_probability": data.draw(st.one_of(st.floats(1e-3, 1.0), st.just([0.5, 0.8]), st.just([]))),
                "activation": data.draw(st.sampled_from(["relu", "tanh"])),
            },
            dev_error=data.draw(errors),
            epochs=length,
            history={"dev_error": np.array([data.draw(errors) for _ in range(length)], np.float32)},
        )
        for number, length in enumerate(data.draw(st.lists(st.integers(0, 4), max_size=6)))
    ]
    best = data.draw(st.sampled_from([None, *range(len(trials))]))
    for figure in all_figures(sample_page(1, 1, trials=trials, best=best, metric=regression_metric())):
        json.dumps(draw(figure), allow_nan=False)
        assert "nan" not in figure.description


def test_drawing_gives_every_role_a_look_and_a_colour() -> None:
    """Every role has a colour in light and in dark, and dressing leaves no token behind."""
    assert set(LIGHT) == set(DARK)
    for look in LOOKS.values():
        assert look.colour in LIGHT
    for figure in all_figures(sample_page(40)):
        assert {series.role for series in figure.series} <= set(LOOKS)
        for palette in (LIGHT, DARK):
            assert '"@' not in json.dumps(dress(draw(figure), palette))


def test_a_drawing_is_a_figure_of_plotly() -> None:
    """What is drawn passes plotly's own validation, so that notebooks can show it."""
    objects = pytest.importorskip("plotly.graph_objects")
    for figure in all_figures(sample_page(40)):
        drawn = dress(draw(figure))
        assert len(objects.Figure(drawn).data) == len(figure.series)


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_texts_can_be_read(palette: dict[str, str]) -> None:
    """Every colour of text has a contrast of at least 4.5 against what it stands on, and lines one of 3."""
    for name in ("ink", "muted", "good", "note", "warning", "problem", "unclear"):
        assert contrast(palette[name], palette["card"]) >= 4.5, name
    for name in ("ink", "muted", "best"):
        assert contrast(palette[name], palette["paper"]) >= 4.5, name
    for name in ("best", "diverged", "median", "variance", "gap", "train", "saved"):
        assert contrast(palette[name], palette["card"]) >= 3.0, name


def test_a_large_study_is_drawn_quickly() -> None:
    """256 curves of 50 epochs and their panels take well under a second (about 0.1 s on one core)."""
    page = sample_page()
    start = time.perf_counter()
    for figure in all_figures(page):
        draw(figure)
    assert time.perf_counter() - start < 2.0


@pytest.mark.parametrize("values", [[0.0, 5e-324, 1e308], [math.inf, 5e-324, 1.0], [0.0, math.inf, 1e-300]])
def test_the_smallest_and_largest_numbers_have_places(values: list[float]) -> None:
    """Logarithmic axes hold every positive number there is, with places for 0 and infinity beside them."""
    ticks = Places(Axis("x", scale="log"), values).ticks
    assert all(0.0 < place < math.inf for place in ticks["tickvals"])
