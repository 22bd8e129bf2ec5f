"""Early stopping: where patience ends a training, what is kept, and its twins with L2 alone."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.errors import StudyError
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import html
from caviar.report.page import page_of
from caviar.search.patience import Both, Patience
from caviar.search.rule import Report, exempt
from caviar.search.stopping import NoStopping, SuccessiveHalving, stopping_rule
from caviar.study import campaigns, early_stopping, ranking, verdict, work
from caviar.study.study import Study
from study import making

EPOCHS, PATIENCE = 30, 4
OWN = {"learning_rate": 0.05, "hidden": [8], "batch_size": 32, "encoding": "standard"}


def end_by_hand(values: list[float], patience: int) -> int | None:
    """The first epoch, from 1, that lies `patience` epochs after the earliest lowest one up to it."""
    for epoch in range(1, len(values) + 1):
        if epoch - (int(np.argmin(values[:epoch])) + 1) >= patience:
            return epoch
    return None


@settings(deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=30), st.integers(1, 8))
def test_a_trial_ends_so_many_epochs_after_its_best(values: list[int], patience: int) -> None:
    """Of any series of errors the rule ends at the epoch found by hand, and looks only where it may have to end."""
    rule, best, ended, look = Patience(patience), 0, None, 1
    for epoch in range(1, len(values) + 1):
        best = epoch if best == 0 or values[epoch - 1] < values[best - 1] else best
        keep = rule.decide([Report(0, epoch, values[epoch - 1], best_epoch=best)])[0].keep
        assert keep or epoch == look, "it would have been missed"
        look = rule.next_look(epoch, best)
        if not keep:
            ended = epoch
            break
    assert ended == end_by_hand(list(map(float, values)), patience)


def test_both_rules_act() -> None:
    """With halving and patience a trial goes on where both let it; what they remember is restored."""
    rule = stopping_rule("halving", 9, 2)
    assert isinstance(rule, Both)
    reports = [Report(trial, 3, trial / 10, best_epoch=0 if trial == 0 else 3) for trial in range(3)]
    kept = {decision.trial: decision for decision in rule.decide(reports)}
    assert [kept[trial].keep for trial in range(3)] == [False, False, False]
    assert "without a better one" in kept[0].reason and "place 2 of 3" in kept[1].reason
    again = stopping_rule("halving", 9, 2)
    again.restore(rule.state())
    assert again.state() == rule.state()
    with pytest.raises(StudyError, match="Resume with the rule of the study"):
        stopping_rule("halving", 9, 3).restore(rule.state())


def test_names_give_rules() -> None:
    """Patience alone, beside halving, and neither; without its number it is refused with the way out."""
    assert isinstance(stopping_rule("patience", 9, 2), Patience)
    assert isinstance(stopping_rule(None, 9, 2), Patience)
    assert isinstance(stopping_rule("halving", 9), SuccessiveHalving)
    assert isinstance(stopping_rule(None, 9), NoStopping)
    with pytest.raises(StudyError, match="patience=5"):
        stopping_rule("patience", 9)
    for wrong in (0, -1, 2.5, True):
        with pytest.raises(StudyError, match="whole and from 1"):
            stopping_rule(None, 9, wrong)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study of one training that patience ended."""
    return (
        making.study(tmp_path_factory.mktemp("stopped") / "study").train(OWN, epochs=EPOCHS, patience=PATIENCE).finish()
    )


@pytest.fixture(scope="module")
def unstopped(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The same training without patience."""
    return making.study(tmp_path_factory.mktemp("unstopped") / "study").train(OWN, epochs=EPOCHS)


def test_it_ends_where_the_whole_training_says(stopped: Study, unstopped: Study) -> None:
    """It is the beginning of the unstopped training bit for bit, up to `patience` epochs after its best."""
    short, whole = stopped.store.trial(0), unstopped.store.trial(0)
    pairs = list(zip(whole.history["dev_error"].tolist(), whole.history["dev_cost"].tolist(), strict=True))
    end = end_by_hand([float(sorted(pairs).index(pair)) for pair in pairs], PATIENCE)
    assert end is not None and end < EPOCHS
    assert (short.status, short.best_epoch, short.epochs) == (Status.STOPPED, end - PATIENCE, end)
    assert not short.exempt
    for name, values in short.history.items():
        np.testing.assert_array_equal(values, whole.history[name][: short.epochs])


def test_the_parameters_of_the_best_epoch_are_kept(stopped: Study) -> None:
    """The saved model makes on dev the error of the best epoch, not that of the epoch at which it ended."""
    trial = stopped.store.trial(0)
    assert trial.history["dev_error"][trial.best_epoch - 1] == np.float32(trial.dev_error)
    found = stopped.best_model().evaluate(stopped.dataset, stopped.splits.dev)
    assert found["error"] == pytest.approx(trial.dev_error, abs=1e-6)
    assert trial.history["dev_cost"][-1] > trial.dev_cost


def test_a_segment_of_any_length_ends_it_alike(stopped: Study, tmp_path: Path, monkeypatch: Any) -> None:
    """With segments of one epoch instead of eight the training ends at the same epoch with the same history."""
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    other = making.study(tmp_path / "study").train(OWN, epochs=EPOCHS, patience=PATIENCE).store.trial(0)
    trial = stopped.store.trial(0)
    assert (other.epochs, other.best_epoch, other.reason) == (trial.epochs, trial.best_epoch, trial.reason)
    for name, values in trial.history.items():
        np.testing.assert_allclose(other.history[name], values, rtol=1e-4, atol=1e-6)


def test_the_twins_differ_in_nothing_but_their_lambda(stopped: Study) -> None:
    """Five twins, unstopped and with four λ; the first goes on where the stopped one ended, from the same path."""
    trial, twins = stopped.store.trial(0), stopped.trials[1:]
    assert [twin.configuration["l2"] for twin in twins] == [0.0, *stopped.results["early_stopping"]["tried"]]
    m = len(stopped.splits.train)
    assert [twin.configuration["l2"] / m for twin in twins[1:]] == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1], rel=0.05)
    for twin in twins:
        assert {**twin.configuration, "l2": 0.0} == trial.configuration
        assert (twin.seed, twin.stream, twin.epochs, twin.status) == (trial.seed, trial.stream, EPOCHS, Status.FINISHED)
    costs = trial.history["cost"]
    np.testing.assert_allclose(twins[0].history["cost"][: len(costs)], costs, rtol=1e-3)
    assert not np.allclose(twins[3].history["cost"][: len(costs)], costs, rtol=1e-3)


def test_l2_alone_is_chosen_by_one_half_and_judged_by_the_other(stopped: Study) -> None:
    """Of the λ the one with the lowest choose error after the last epoch is told, with its train and judge errors."""
    found = stopped.results["early_stopping"]
    ends = [(t.history["dev_error"][-1], t.history["dev_cost"][-1], t.number) for t in stopped.trials[2:]]
    best = stopped.store.trial(min(ends)[2])
    assert found["l2"]["trial"] == best.number and found["l2"]["epoch"] == EPOCHS
    assert found["l2"]["dev_error"] == pytest.approx(float(best.history["judge_error"][-1]))
    assert found["l2"]["train_error"] == pytest.approx(float(best.history["train_error"][-1]))
    assert found["not_stopped"]["choose_error"] == pytest.approx(float(stopped.trials[1].history["dev_error"][-1]))
    assert (found["best_epoch"], found["stopped_at"]) == (stopped.trials[0].best_epoch, stopped.trials[0].epochs)
    assert stopped.results["winner"]["trial"] == 0  # twins are compared, never chosen


def test_the_report_shows_the_stop_and_what_l2_alone_did(stopped: Study) -> None:
    """The page marks the best epoch and the stop, tells the three trainings, and says what early stopping couples."""
    page = page_of(stopped)
    assert [trial.number for trial in page.trials] == [0]
    written = html.render(page)
    trial = stopped.trials[0]
    for said in (
        f"best epoch: epoch {trial.best_epoch}", f"stopped here: epoch {trial.epochs}", "not stopped", "L2 alone",
        "couples two things", "orthogonalisation",
    ):  # fmt: skip
        assert said in written, said
    assert "patience=4" in page.python and "study.train" in page.python


def test_where_nothing_was_stopped_there_is_nothing_to_compare(unstopped: Study, tmp_path: Path) -> None:
    """Without patience, or where it never ended a training, no twin is trained; nor where they were not asked for."""
    assert "early_stopping" not in unstopped.results
    patient = making.study(tmp_path / "patient").train(OWN, epochs=5, patience=5).finish()
    assert len(patient.trials) == 1 and patient.results.get("early_stopping") is None
    alone = making.study(tmp_path / "alone").train(OWN, epochs=EPOCHS, patience=PATIENCE, twins=False).finish()
    assert alone.trials[0].status is Status.STOPPED and len(alone.trials) == 1


def test_a_search_spares_its_exempt_trials(tmp_path: Path) -> None:
    """In a search patience ends trials beside halving; the sixteenth that no rule may stop trains to its end."""
    found = making.study(tmp_path / "study").search(trials=40, epochs=EPOCHS, patience=PATIENCE)
    assert any("without a better one" in trial.reason for trial in found.trials)
    assert any("place" in trial.reason for trial in found.trials if trial.status is Status.STOPPED)
    for trial in found.trials:
        assert trial.exempt == exempt(0, trial.number)
        if trial.exempt and math.isfinite(trial.dev_error):
            assert trial.status is Status.FINISHED and trial.epochs == EPOCHS
        elif "without a better one" in trial.reason:
            assert trial.epochs - trial.best_epoch == PATIENCE
        else:
            assert trial.epochs - trial.best_epoch < PATIENCE or trial.status is Status.DIVERGED


def test_dead_and_resumed_it_equals_one_that_was_never_stopped(stopped: Study, tmp_path: Path) -> None:
    """A study that died within the training, and then among the twins, ends as the whole one does, bit for bit."""
    wanted = making.content(stopped)
    for looks in (1, 4):
        folder = tmp_path / f"dead {looks}"
        begun = making.study(folder, watch=making.dies_after(looks))
        with pytest.raises(making.Death):
            begun.train(OWN, epochs=EPOCHS, patience=PATIENCE).finish()
        begun.store.close()
        resumed = Study(folder).resume().finish()
        assert making.differences(wanted, making.content(resumed)) == []
        assert resumed.results["early_stopping"] == stopped.results["early_stopping"]


def second(study: Study, ranked: list[Trial]) -> dict[str, Any]:
    """A declaration by which the confirmation has put another one first than the search had."""
    found = verdict.alone(ranked[0])
    other = next(t for t in ranked[1:] if early_stopping.stopped_by_patience(study, t) is not None)
    return {**found, "trial": other.number, "model": other.number, "retrained": [other.number]}


def test_the_twins_are_those_of_the_confirmed_best(tmp_path: Path, monkeypatch: Any) -> None:
    """Where the confirmation puts another trial first than the search had, its twins are trained, killed or not."""
    monkeypatch.setattr(verdict, "declare", second)
    options = {"trials": 12, "epochs": EPOCHS, "stopping": None, "patience": PATIENCE}
    whole = making.study(tmp_path / "whole").search(**options).finish()
    found, winner = whole.results["early_stopping"], whole.results["winner"]["trial"]
    assert found["trial"] == winner != ranking.ranked(whole)[0].number
    assert [campaign.kind for campaign in whole.campaigns] == ["search", "confirm", "twins"]
    assert {*whole.campaigns[2].about["of"].values()} == {winner}
    begun = making.study(tmp_path / "dead").search(**options)
    monkeypatch.setattr(work, "run", _dying(begun, work.run))
    with pytest.raises(making.Death):
        begun.finish()
    monkeypatch.undo()
    monkeypatch.setattr(verdict, "declare", second)
    begun.store.close()
    resumed = Study(tmp_path / "dead").resume().finish()
    assert making.differences(making.content(whole), making.content(resumed)) == []


def _dying(study: Study, run: Any) -> Any:
    """Running that dies where the twins were begun."""

    def dies(of: Study) -> None:
        if study.campaigns[-1].kind == "twins":
            raise making.Death
        run(of)

    return dies


def test_a_budget_that_has_ended_trains_no_twins(tmp_path: Path, monkeypatch: Any) -> None:
    """Where no time is left the twins are left out, and the study is finished all the same."""
    monkeypatch.setattr(early_stopping.budget, "left", lambda study, kind: 0.0 if kind == "twins" else None)
    study = making.study(tmp_path / "study").train(OWN, epochs=EPOCHS, patience=PATIENCE).finish()
    assert study.sealed and len(study.trials) == 1 and study.results.get("early_stopping") is None
