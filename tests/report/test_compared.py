"""A page whose trials were compared by another metric than the error speaks of that metric."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from caviar.diagnosis.finding import Finding
from caviar.records.trial import Trial
from caviar.report import by_hand, early_stopping, figures, html, text
from caviar.report.draw import draw
from caviar.report.figure import Axis
from caviar.report.page_data import Compared, Estimate, Metric, PageData
from caviar.report.panels import panels
from caviar.report.places import Places
from caviar.report.progress import Progress
from caviar.study.by_hand import ByHand, Mark
from caviar.study.interventions import Intervention
from caviar.study.tally import Look
from caviar.study.yardstick import Yardstick

from .sample_page import sample_page


def compared_page(metric: str, **changed: object) -> PageData:
    """The sample page with its curves taken for another metric's, 1 − AUC where AUC is meant."""
    field = {"log_loss": "dev_cost", "r2": "dev_error"}.get(metric, "dev_value")
    page = sample_page(64, 20)
    trials = [replace(t, history={**t.history, field: t.history["dev_error"]}) for t in page.trials]
    values = {t.number: float(t.dev_error) for t in trials}
    spread = float(np.nanmax([t.history["dev_error"][0] for t in trials]))
    stick = Yardstick(metric, spread)
    compared = Compared(stick, values, Estimate(0.91, 0.9, 0.93), Estimate(0.92, 0.88, 0.95))
    unit = Metric("rmse", "") if metric in ("mae", "r2") else Metric()
    return replace(page, trials=trials, compared=compared, metric=unit, **changed)  # type: ignore[arg-type]


def lit(page: PageData) -> tuple[list[float], list[float], float, float]:
    """The lit curve's epochs and heights, and where the star is."""
    figure = figures.curves(page)
    assert figure is not None
    line, star = [series for series in figure.series if series.role == "best"]
    return list(line.x), list(line.y), star.x[0], star.y[0]


@pytest.mark.parametrize("metric", ["auc", "f1", "r2", "log_loss", "mae", "balanced_error"])
def test_the_lit_curve_is_the_metrics_and_its_star_the_best_that_is_seen(metric: str) -> None:
    """The curve is the metric by epoch as it is known; the star lies on its highest or lowest point."""
    page = compared_page(metric)
    epochs, heights, x, y = lit(page)
    best = page.best_trial
    assert best is not None and page.compared is not None
    stored = np.asarray(best.history["dev_error"], np.float64)
    spread = page.compared.stick.spread
    expected = {"auc": 1 - stored, "f1": 1 - stored, "r2": 1 - (stored / spread) ** 2}.get(metric, stored)
    assert heights == pytest.approx(expected, rel=1e-4)
    assert y == (max(heights) if metric in ("auc", "f1", "r2") else min(heights))
    assert heights[epochs.index(x)] == y


def test_of_equal_epochs_the_star_marks_the_one_that_was_kept() -> None:
    """AUC is 1 at several epochs; the network was kept at the third of them, where its cost was lowest."""
    history = {"epoch": np.arange(1, 5), "dev_value": np.array([0.1, 0.0, 0.0, 0.0], np.float32)}
    page = sample_page(3, 3)
    trial = replace(page.trials[0], best_epoch=4, history=history)
    page = replace(page, trials=[trial], best=trial.number, compared=Compared(Yardstick("auc"), {trial.number: 0.0}))
    assert lit(page)[2:] == (4, 1.0)


@pytest.mark.parametrize(
    ("metric", "label"), [("auc", "dev AUC, higher is better"), ("mae", "dev MAE (target's unit),")]
)
def test_the_axis_says_name_unit_and_direction(metric: str, label: str) -> None:
    """The axis of the curves; a logarithm is offered where lower is better alone."""
    figure = figures.curves(compared_page(metric))
    assert figure is not None and figure.y.label.startswith(label)
    assert figure.y.switch is (metric != "auc")
    assert ("Logarithmic" in html.render(compared_page(metric))) is (metric != "auc")


def test_the_best_curve_lies_within_the_axis() -> None:
    """From its usual values up nothing of the best network's AUC is cut off, and 1 is not far above it."""
    page = compared_page("auc")
    figure = figures.curves(page)
    assert figure is not None
    start, end = draw(figure)["layout"]["yaxis"]["range"]
    _, heights, _, star = lit(page)
    assert start < float(np.median(heights)) < star <= end <= 1.1
    assert start >= 0.0


def test_panels_show_the_metric_and_put_what_diverged_at_its_worse_end() -> None:
    """Each point stands at the trial's AUC; a trial that diverged at the bottom, and the legend says so."""
    page = compared_page("auc")
    made = panels(page)
    assert made and page.compared is not None
    values = page.compared.values
    for panel in made:
        assert panel.y.label == "dev AUC" and panel.y.low is not None
        for series in panel.series:
            for label, height in zip(series.labels, series.y, strict=True):
                if "diverged" in label:
                    assert height == pytest.approx(panel.y.low, rel=1e-4)
                elif found := re.match(r"trial (\d+):.*AUC ([\d.]+),", label):
                    assert height == pytest.approx(max(1 - values[int(found[1])], panel.y.low), rel=1e-3)
                    assert float(found[2]) == pytest.approx(1 - values[int(found[1])], abs=1e-4)
    rendered = html.render(page)
    assert "drawn at the bottom" in rendered and "drawn at the top" not in rendered


def test_the_headline_tells_the_metric_on_rows_that_chose_nothing() -> None:
    """The verdict and both tiles name AUC with its interval; the error is beside it by its name."""
    page = compared_page("auc")
    assert text.verdict(page).startswith("The best of 64 networks has a dev AUC of 0.9100: high variance holds it back")
    rendered = html.render(page)
    for said in ("dev AUC of the best", "0.9000 to 0.9300", "test AUC", "0.8800 to 0.9500", "its error is 2.78 %"):
        assert said in rendered, said
    assert "dev error of the best" not in rendered and "test error" not in rendered


def test_the_part_on_bias_and_variance_says_that_it_is_told_in_the_error() -> None:
    """One plain sentence, there and nowhere on a page whose trials were compared by the error."""
    said = "Trials were compared by AUC; this part is told in the error, the share misclassified."
    assert said in html.render(compared_page("auc"))
    assert "compared by" not in html.render(sample_page(20, 5))


def test_the_table_of_those_trained_again_has_the_metric() -> None:
    """Each training's AUC stands before its errors, where it is known."""
    page = compared_page("auc")
    known = [replace(one, compared=0.9876) for one in page.retrained]
    assert "0.9876" in html.render(replace(page, retrained=known))
    assert '<th scope="col">dev AUC</th><th scope="col">dev error</th>' in html.render(replace(page, retrained=known))
    assert "The best of many values of AUC is partly luck" in html.render(page)


def test_the_evidence_of_a_finding_is_written_in_its_own_metric() -> None:
    """An optimism of AUC is a number, not percent, and its interval stands beside it once."""
    evidence = {"metric": "auc", "chosen_value": 0.99, "chosen_interval": [0.98, 0.995], "optimism": 0.012}
    page = compared_page("auc", findings=[Finding("FIT007", "note", "Optimistic.", evidence, {"margin": 0.02})])
    rendered = html.render(page)
    assert "0.99 (0.98 to 0.995)" in rendered and "<dd>0.012</dd>" in rendered
    assert "chosen interval" not in rendered and "1.20 %" not in rendered


def test_the_terminal_names_the_metric() -> None:
    """The summary's test line tells the metric first."""
    told = text.summary(compared_page("auc"))
    assert "Test AUC: 0.9200 (0.8800 to 0.9500); test error: 3.06 % (1.72 to 5.41 %), seen 1 time." in told
    assert text.ranked(compared_page("auc"))[0] == min(compared_page("auc").trials, key=_error)


def test_networks_trained_by_hand_are_drawn_in_the_metric() -> None:
    """The dev AUC by epoch with its marks, no error beside it, the axis saying which way is better."""
    page = compared_page("auc")
    best = page.best_trial
    assert best is not None and page.compared is not None
    mark = Mark(Intervention(2, "set", {"learning_rate": 0.1}, {"learning_rate": 0.2}), 0.7)
    one = ByHand(best.number, None, 0, (mark,), (((3, 0.6), (4, 0.5)),))
    figure = by_hand.curve(one, best, page.metric, page.compared.stick)
    assert figure is not None and figure.y.label == "dev AUC, higher is better"
    assert "error" not in f"{figure.title} {figure.description} {[series.name for series in figure.series]}"
    drawn = next(series for series in figure.series if series.name == "dev AUC")
    assert drawn.y == pytest.approx(1 - np.asarray(best.history["dev_value"], np.float64), rel=1e-4)
    assert f"its best dev AUC is {max(drawn.y):.4f}" in figure.description


def test_what_early_stopping_did_is_drawn_in_the_metric() -> None:
    """The curves of the twins are of AUC, the table has a column of it, and L2 is chosen by the highest."""
    page = compared_page("auc")
    one, other = [trial for trial in page.trials if trial.epochs >= 9][:2]
    told = {"l2": 0.1, "epoch": 5, "train_error": 0.1, "choose_error": 0.1, "dev_error": 0.1, "choose_value": 0.03}
    found = {"stopped": told | {"trial": one.number}, "not_stopped": told | {"trial": other.number}, "l2": None}
    found |= {"trial": one.number, "patience": 2, "best_epoch": 3, "stopped_at": 5, "epochs": 20, "tried": [0.1]}
    page = replace(page, early_stopping=found, twins={one.number: one, other.number: other})
    figure = early_stopping.curves(page)
    assert figure is not None and figure.title.startswith("Dev AUC of the stopped") and "higher" in figure.y.label
    marked = next(series for series in figure.series if series.name == "best epoch: epoch 3")
    assert marked.y[0] == pytest.approx(1.0 - float(one.history["dev_value"][2]), rel=1e-4)
    shown = html.render(page)
    assert "dev AUC, choose half" in shown and "0.9700" in shown and "the one with the highest AUC on the" in shown


def test_the_live_line_names_the_metric() -> None:
    """The best so far is an AUC with four digits, not a share."""
    look = Look("search", 1, {}, 2, 10, 1.0, 0.98765, 17, 0.2, False, False, "auc", Yardstick("auc"))
    shown = io.StringIO()
    Console(file=shown, width=100).print(Progress()._drawn(look, 0.0))
    assert re.search(r"best dev AUC +0.9877 \(trial 17\)", shown.getvalue())


def test_values_too_near_for_a_logarithmic_axis_still_have_ticks() -> None:
    """Three values within three per cent: the ends are named, and the page is written."""
    ticks = Places(Axis("clip_norm", scale="log"), [0.6313, 0.6515, 0.6443, float("inf")]).ticks
    assert ticks["ticktext"] == ["0.6313", "0.6515", "∞"]


def _error(trial: Trial) -> float:
    return trial.dev_error if np.isfinite(trial.dev_error) else np.inf
