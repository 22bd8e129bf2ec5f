"""What a set of predictions is worth."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from caviar.networks.metrics import METRICS

LABELS = np.array([0, 1, 2, 2, 1, 0, 2, 1])
SCORES = np.random.default_rng(0).dirichlet(np.ones(3), 8)
WEIGHTS = np.array([1.0, 2.0, 0.5, 1.0, 1.5, 1.0, 0.0, 1.0])
NUMBERS, GUESSES = np.random.default_rng(1).standard_normal((2, 8))


def test_classes_against_scikit_learn():
    """Error, log loss, balanced error, F1 and AUC of three weighted classes equal scikit-learn's."""
    found = {name: metric(LABELS, SCORES, WEIGHTS) for name, metric in METRICS["classification"].items()}
    answers = SCORES.argmax(axis=1)
    weigh = {"sample_weight": WEIGHTS}
    wanted = {
        "error": 1 - sklearn_metrics.accuracy_score(LABELS, answers, **weigh),
        "log_loss": sklearn_metrics.log_loss(LABELS, SCORES, **weigh),
        "balanced_error": 1 - sklearn_metrics.balanced_accuracy_score(LABELS, answers, **weigh),
        "f1": sklearn_metrics.f1_score(LABELS, answers, average="macro", **weigh),
        "auc": sklearn_metrics.roc_auc_score(LABELS, SCORES, multi_class="ovr", **weigh),
    }
    assert found == pytest.approx(wanted, rel=1e-12)


def test_two_classes_are_read_from_the_second():
    """With two classes F1 and AUC are those of the second class."""
    labels, scores, ones = np.minimum(LABELS, 1), SCORES[:, :2], np.ones(8)
    assert METRICS["classification"]["f1"](labels, scores, ones) == sklearn_metrics.f1_score(
        labels, scores.argmax(axis=1)
    )
    assert METRICS["classification"]["auc"](labels, scores, ones) == sklearn_metrics.roc_auc_score(labels, scores[:, 1])


def test_numbers_against_scikit_learn():
    """RMSE, MAE and R² of weighted numbers equal scikit-learn's."""
    found = {name: metric(NUMBERS, GUESSES, WEIGHTS) for name, metric in METRICS["regression"].items()}
    weigh = {"sample_weight": WEIGHTS}
    wanted = {
        "rmse": sklearn_metrics.root_mean_squared_error(NUMBERS, GUESSES, **weigh),
        "mae": sklearn_metrics.mean_absolute_error(NUMBERS, GUESSES, **weigh),
        "r2": sklearn_metrics.r2_score(NUMBERS, GUESSES, **weigh),
    }
    assert found == pytest.approx(wanted, rel=1e-12)


def test_what_cannot_be_told_is_nan():
    """AUC of a single class and R² of equal targets are NaN rather than a number."""
    assert np.isnan(METRICS["classification"]["auc"](np.zeros(8, int), SCORES[:, :2], np.ones(8)))
    assert np.isnan(METRICS["regression"]["r2"](np.ones(8), GUESSES, np.ones(8)))


def test_certain_and_wrong_costs_much_but_not_infinitely():
    """A probability of 0 for the right class costs −log 1e-15."""
    scores = np.array([[1.0, 0.0]])
    assert METRICS["classification"]["log_loss"](np.array([1]), scores, np.ones(1)) == pytest.approx(34.54, abs=0.01)
