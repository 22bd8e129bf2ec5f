"""The standard error of any metric by the bootstrap of rows, against scikit-learn and against known variances."""

import math

import numpy as np
import pytest

from caviar.diagnosis.resampling import Predicted, interval_of, values_of

metrics = pytest.importorskip("sklearn.metrics")


def predicted(classes: int, rows: int = 200, seed: int = 0, noise: float = 1.0) -> Predicted:
    """Probabilities of classes, or numbers where there is one, that are often right; some rows tie."""
    generator = np.random.default_rng(seed)
    weights = generator.uniform(0.5, 2.0, rows)
    if classes == 1:
        targets = 10.0 + 3.0 * generator.normal(size=rows)
        return Predicted(np.arange(rows), targets, targets + noise * generator.normal(size=rows), weights)
    targets = generator.integers(classes, size=rows)
    logits = np.round(2.0 * np.eye(classes)[targets] + noise * 1.5 * generator.normal(size=(rows, classes)), 1)
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predicted(np.arange(rows), targets, scores, weights)


def of_scikit_learn(metric: str, one: Predicted, weights: np.ndarray) -> float:
    """The same metric by scikit-learn, the lower the better."""
    classes = one.scores.shape[1] if one.scores.ndim == 2 else 1
    most = one.scores.argmax(axis=1) if classes > 1 else one.scores
    match metric:
        case "log_loss":
            return metrics.log_loss(one.targets, one.scores, sample_weight=weights)
        case "balanced_error":
            return 1.0 - metrics.balanced_accuracy_score(one.targets, most, sample_weight=weights)
        case "f1":
            average = "binary" if classes == 2 else "macro"
            return 1.0 - metrics.f1_score(one.targets, most, average=average, sample_weight=weights)
        case "auc" if classes == 2:
            return 1.0 - metrics.roc_auc_score(one.targets, one.scores[:, 1], sample_weight=weights)
        case "auc":
            each = [
                metrics.roc_auc_score(one.targets == c, s, sample_weight=weights) for c, s in enumerate(one.scores.T)
            ]
            return 1.0 - float(np.mean(each))
        case "mae":
            return metrics.mean_absolute_error(one.targets, most, sample_weight=weights)
    return 1.0 - metrics.r2_score(one.targets, most, sample_weight=weights)


@pytest.mark.parametrize(
    ("metric", "classes"),
    [(name, c) for name in ("log_loss", "balanced_error", "f1", "auc") for c in (2, 4)] + [("mae", 1), ("r2", 1)],
)
def test_every_metric_is_scikit_learns_under_any_weights(metric: str, classes: int) -> None:
    """Under each row of drawn weights the value is scikit-learn's with those weights."""
    one = predicted(classes)
    drawn = np.random.default_rng(1).multinomial(200, np.full(200, 1 / 200), size=5)
    expected = [of_scikit_learn(metric, one, row * one.weights) for row in drawn]
    assert values_of(metric, one, drawn) == pytest.approx(expected, rel=1e-9)
    assert interval_of(metric, [one]).estimate == pytest.approx(of_scikit_learn(metric, one, one.weights), rel=1e-9)


def test_the_interval_of_an_auc_has_the_width_of_delongs() -> None:
    """Over 400 rows the bootstrap's standard error is that of DeLong's formula to the chance of 200 draws."""
    one = predicted(2, rows=400)
    scores = one.scores[:, 1]
    up, down = scores[one.targets == 1], scores[one.targets == 0]
    wins = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    error = math.sqrt(wins.mean(axis=1).var(ddof=1) / len(up) + wins.mean(axis=0).var(ddof=1) / len(down))
    flat = Predicted(one.rows, one.targets, one.scores, np.ones(400))
    found = interval_of("auc", [flat])
    assert found.estimate == pytest.approx(1.0 - wins.mean(), rel=1e-9)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(error, rel=0.2)


def test_the_interval_of_a_mean_is_the_usual_one() -> None:
    """An MAE's standard error is the spread of the residuals over the root of the rows."""
    one = predicted(1, rows=400)
    flat = Predicted(one.rows, one.targets, one.scores, np.ones(400))
    found = interval_of("mae", [flat])
    expected = np.abs(one.scores - one.targets).std() / math.sqrt(400)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("metric", ["auc", "f1", "balanced_error"])
def test_a_perfect_network_is_not_perfectly_sure(metric: str) -> None:
    """Where no row is wrong the interval has a width, which shrinks as rows are added."""
    widths = []
    for rows in (40, 400):
        targets = np.arange(rows) % 2
        scores = np.stack([1.0 - targets, targets], axis=1) * 0.8 + 0.1
        found = interval_of(metric, [Predicted(np.arange(rows), targets, scores, np.ones(rows))])
        assert found.low == found.estimate == 0.0
        widths.append(found.high)
    assert 0.02 < widths[0] < 0.2
    assert 0.0 < widths[1] < widths[0] / 5


def test_a_row_that_several_networks_saw_is_drawn_for_all_at_once() -> None:
    """Two networks that predict the same of the same rows are no surer than one; of other rows they are."""
    one = predicted(1, rows=100)
    apart = Predicted(one.rows + 100, one.targets, one.scores, one.weights)
    width = interval_of("mae", [one]).above
    assert interval_of("mae", [one, one]).above == pytest.approx(width, rel=1e-9)
    assert interval_of("mae", [one, apart]).above == pytest.approx(width / math.sqrt(2), rel=0.2)
