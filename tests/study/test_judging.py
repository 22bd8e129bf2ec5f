"""What a study says of the metric that its trials are compared by, against scikit-learn on the model's predictions."""

import json
from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.report.page import page_of
from caviar.study import ranking
from caviar.study.study import Study
from caviar.study.summary import summary
from caviar.study.yardstick import Yardstick, yardstick_of
from study.making import data, splits, study

metrics = pytest.importorskip("sklearn.metrics")


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study compared by AUC whose dev set has two halves."""
    cut = caviar.split(data(2400), seed=0, dev=1200, test=200)
    assert not cut.choose.all()
    return study(tmp_path_factory.mktemp("auc") / "study", splits=cut, metric="auc").search(trials=6, epochs=5).finish()


def auc_of(found: Study, rows: np.ndarray) -> float:
    """The AUC of the study's model by scikit-learn."""
    model = found.best_model()
    scores = model.predict_probabilities(found.dataset, rows)[:, 1]
    return float(metrics.roc_auc_score(found.dataset.targets[rows], scores))


def test_the_metric_told_of_a_training_is_scikit_learns_on_the_judge_half(halved: Study) -> None:
    """Of the training that became the model it is the AUC on the dev rows that chose nothing; of all, their mean."""
    winner = halved.results["winner"]
    seeds = dict(zip(winner["retrained"], halved.results["judged_seeds"], strict=True))
    judge = halved.splits.dev[~halved.splits.choose]
    assert seeds[winner["model"]] == pytest.approx(auc_of(halved, judge), abs=1e-5)
    value, low, high = halved.results["judged"]
    assert value == pytest.approx(np.mean(list(seeds.values())))
    assert low < value < high <= 1.0


def test_the_test_set_is_told_in_the_metric_with_an_interval(halved: Study) -> None:
    """The AUC of the model on the test rows, within its interval, and the error beside it."""
    test = halved.results["test"]
    value, low, high = test["metric_interval"]
    assert value == pytest.approx(auc_of(halved, halved.splits.test), abs=1e-5)
    assert value == pytest.approx(test["auc"], abs=1e-5)
    assert low < value < high
    page = page_of(halved)
    assert page.compared is not None and page.compared.test is not None
    assert page.compared.test.value == value


def test_bias_and_variance_are_told_in_the_error_and_say_so(halved: Study) -> None:
    """FIT001 to FIT005 name the metric and the error; no error that selected nothing is called optimistic."""
    (fit,) = [found for found in halved.findings if found.code <= "FIT005" and found.code.startswith("FIT")]
    told = "Trials were compared by AUC; bias and variance are told in the error, the share misclassified."
    assert fit.message.endswith(told)
    assert fit.evidence["metric"] == "error" and "optimism" not in fit.evidence
    assert all(found.evidence["metric"] == "auc" for found in halved.findings if found.code == "FIT007")


def test_a_selection_that_flatters_is_found_in_the_metric(halved: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a value on the rows that chose far above that on the others, FIT007 speaks of AUC."""
    from caviar.diagnosis.resampling import Predicted
    from caviar.study import judging

    genuine, chosen = judging.predicted, halved.splits.dev[halved.splits.choose]

    def flattered(*given: object) -> Predicted:
        found = genuine(*given)
        if not np.array_equal(found.rows, chosen):
            return found
        return Predicted(found.rows, found.targets, np.eye(2)[found.targets], found.weights)

    monkeypatch.setattr(judging, "predicted", flattered)
    (found,) = judging.judge(halved)
    assert found.code == "FIT007" and "AUC 1.0000" in found.message and "error" not in found.message


def test_everything_that_is_printed_names_the_metric(halved: Study) -> None:
    """The summary, the notebook and the slices speak of AUC."""
    found = json.loads(json.dumps(summary(halved)))
    best = halved.best_trial
    assert found["best"]["metric_value"] == pytest.approx(1.0 - ranking.value(best, "auc"))
    assert found["best"]["confirmed_value"] == halved.results["judged"][0]
    told = "\n".join(map(str, halved.notebook))
    assert f"dev AUC {1.0 - ranking.value(best, 'auc'):.4g}" in told
    assert f"declared the best, AUC {halved.results['judged'][0]:.4f} on rows that chose nothing" in told
    assert "Trials were compared by AUC" in str(halved.by_slice())


def test_r2_is_told_although_an_rmse_decides(tmp_path: Path) -> None:
    """R² of the best network on the rows that choose is scikit-learn's, and its best epoch the highest R²."""
    found = study(tmp_path / "study", splits=splits(task="regression"), metric="r2").search(trials=3, epochs=6)
    stick = yardstick_of(found)
    assert stick is not None
    rows = found.splits.dev[found.splits.choose]
    predicted, targets = found.best_model().predict(found.dataset, rows), found.dataset.targets[rows]
    expected = metrics.r2_score(targets, predicted)
    best = found.best_trial
    assert stick.known(ranking.value(best, "r2")) == pytest.approx(expected, rel=1e-4)
    assert summary(found)["best"]["metric_value"] == pytest.approx(expected, rel=1e-4)
    epochs, values = stick.curve(best)
    assert epochs[stick.best(values)] == best.best_epoch


def test_a_study_compared_by_error_notes_nothing_more(tmp_path: Path) -> None:
    """Nothing is predicted again, and its findings say nothing of another metric."""
    found = study(tmp_path / "study").search(trials=4, epochs=3).finish()
    assert yardstick_of(found) is None and page_of(found).compared is None
    assert "judged" not in found.results and "metric_interval" not in found.results["test"]
    assert not any("compared by" in one.message for one in found.findings)


def test_a_study_of_an_earlier_version_that_chose_r2_speaks_of_its_rmse(tmp_path: Path) -> None:
    """Without the target's spread on the rows that choose, R² cannot be told of an RMSE, and nothing is made up."""
    found = study(tmp_path / "study", splits=splits(task="regression"), metric="r2").search(trials=2, epochs=2)
    about = found.store.setting("study")
    about.pop("choose_spread")
    found.store.set_setting("study", about)
    assert yardstick_of(found) is None
    assert page_of(found).measure == "dev error (target's unit)"
    assert summary(found)["best"]["metric_value"] is None


def test_the_best_of_values_is_the_one_a_reader_sees() -> None:
    """The highest AUC, the lowest log loss; what is no number is none, and of equal ones the earliest counts."""
    values = np.array([0.2, np.nan, 0.9, 0.9, np.inf])
    assert Yardstick("auc").best(values) == 2
    assert Yardstick("log_loss").best(values) == 0
