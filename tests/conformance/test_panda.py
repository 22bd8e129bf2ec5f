"""Panda: one network is changed while it trains, and taken back; a log of each intervention stays."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.errors import SpaceError, StudyError
from caviar.records.trial import Trial
from caviar.report.by_hand import curves
from caviar.study.by_hand import by_hand
from study.making import Death, study


def dies(*_: Any, **__: Any) -> None:
    """Ends the process where training would begin."""
    raise Death


START = {"learning_rate": 0.02, "optimiser": "adam", "keep_probability": 0.9}


def test_what_a_change_does(tmp_path: Path) -> None:
    """A network whose α falls by hand at epoch 3 has the history of one whose staircase falls there, bit for bit."""
    by_hand = study(tmp_path / "hand").babysit({"learning_rate": 0.02})
    by_hand.run(3)
    by_hand.set(learning_rate=0.01)
    trial = by_hand.run(3)
    stairs = {"learning_rate": 0.02, "decay": "staircase", "decay_base": 0.5, "decay_steps": 3}
    other = study(tmp_path / "stairs").train(stairs, epochs=6).trials[0]
    for name in ("cost", "train_error", "dev_error", "dev_cost", "learning_rate"):
        np.testing.assert_array_equal(trial.history[name], other.history[name], name)
    np.testing.assert_allclose(trial.history["learning_rate"], [0.02] * 3 + [0.01] * 3, rtol=1e-6)


def test_undo_restores_bit_for_bit(tmp_path: Path) -> None:
    """After a change that ruins it and an undo, it trains on as if nothing had been; every line stays in the log."""
    run = study(tmp_path / "run")
    panda = run.babysit(START, epochs=8)
    panda.run(2)
    panda.set(optimiser="gradient_descent", learning_rate=500.0)
    panda.run(2)
    panda.undo()
    assert panda.epoch == 2 and panda.configuration["optimiser"] == "adam"
    panda.set(keep_probability=1.0, l2=0.5)
    trial = panda.run(4)

    calm = study(tmp_path / "calm").babysit(START, epochs=8)
    calm.run(2)
    calm.set(keep_probability=1.0, l2=0.5)
    other = calm.run(4)
    for name in ("epoch", "cost", "dev_error", "dev_cost"):
        np.testing.assert_array_equal(trial.history[name], other.history[name], name)
    assert [(one.action, one.epoch, one.undone) for one in panda.log] == [
        ("set", 2, True),
        ("undo", 2, False),
        ("set", 2, False),
    ]
    assert "optimiser adam → gradient_descent" in str(panda.log[0]) and "(undone)" in str(panda.log[0])
    panda.undo()
    with pytest.raises(StudyError, match="no intervention to undo"):
        panda.undo()


MEASURED = ("epoch", "cost", "train_error", "dev_error", "dev_cost", "learning_rate")


def same(one: Trial, other: Trial, since: int = 0) -> None:
    """Two trainings have the same history after an epoch, bit for bit."""
    for name in MEASURED:
        np.testing.assert_array_equal(one.history[name][since:], other.history[name], name)


def test_any_earlier_epoch_comes_back_bit_for_bit(tmp_path: Path) -> None:
    """Gone back to an epoch between two changes, it trains on as one to which nothing was done after that epoch."""
    panda = study(tmp_path / "run").babysit(START, epochs=8)
    panda.run(2)
    panda.set(keep_probability=1.0)
    panda.run(3)
    panda.set(optimiser="gradient_descent", learning_rate=100.0)
    panda.run(1)
    panda.back_to(4, note="it had gone well until there")
    assert (
        panda.epoch == 4
        and panda.configuration["optimiser"] == "adam"
        and panda.configuration["keep_probability"] == 1.0
    )
    trial = panda.run(3)
    calm = study(tmp_path / "calm").babysit(START, epochs=8)
    calm.run(2)
    calm.set(keep_probability=1.0)
    same(trial, calm.run(5))
    assert [(one.action, one.epoch, one.undone) for one in panda.log] == [
        ("set", 2, False), ("set", 5, True), ("back", 4, False)
    ]  # fmt: skip
    assert str(panda.log[-1]) == "back to epoch 4 – it had gone well until there"
    panda.back_to(0)
    assert panda.configuration["keep_probability"] == 0.9 and panda.log[0].undone
    np.testing.assert_array_equal(panda.run(2).history["cost"], calm.trial.history["cost"][:2])
    with pytest.raises(StudyError, match="can go back to 0 to 2"):
        panda.back_to(3)


def test_a_branch_leaves_the_network_as_it_is(tmp_path: Path) -> None:
    """A branch trains on with the bits of its source, in a trial of its own; the source knows nothing of it."""
    run = study(tmp_path / "run")
    panda = run.babysit(START, epochs=8)
    panda.run(2)
    panda.set(learning_rate=0.005)
    panda.run(2)
    now, before = panda.branch(), panda.branch(3)
    assert (now.epoch, before.epoch, now.trial.number, before.trial.number) == (4, 3, 1, 2)
    other = study(tmp_path / "calm").babysit(START, epochs=8)
    other.run(2)
    other.set(learning_rate=0.005)
    whole = other.run(5)
    same(whole, now.run(3), since=4)
    found = before.run(4)
    np.testing.assert_array_equal(found.history["epoch"], [3, 4, 5, 6, 7])  # from the checkpoint before the change
    same(whole, found, since=2)
    before.set(learning_rate=1.0)
    before.run(1)
    assert panda.epoch == 4 and len(panda.log) == 1
    same(whole, panda.run(3))
    with pytest.raises(StudyError, match="branches off trial 0"):
        now.back_to(3)
    assert now.back_to(4).epoch == 4


def test_a_state_gone_back_to_survives_a_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the event and the training that it needs, it is found at the epoch that was asked for."""
    from caviar.study.babysit import Babysitter
    from caviar.study.study import Study

    run = study(tmp_path / "run")
    panda = run.babysit(START, epochs=8)
    panda.run(4)
    with monkeypatch.context() as patched, pytest.raises(Death):
        patched.setattr(Babysitter, "_train", dies)
        panda.back_to(3)
    run.store.close()
    again = Study(tmp_path / "run").babysit(trial=0)
    assert again.epoch == 3 and len(again.log) == 1
    other = study(tmp_path / "calm").babysit(START, epochs=8)
    same(again.run(2), other.run(5))


def test_every_intervention_is_on_the_curve(tmp_path: Path) -> None:
    """Marks stand at the epoch and the error at which they were made, and what was taken back is drawn behind."""
    run = study(tmp_path / "run")
    panda = run.babysit(START, epochs=8)
    panda.run(2)
    panda.set(learning_rate=30.0, note="bold")
    wild = panda.run(2).history["dev_error"].tolist()
    panda.undo()
    panda.set(l2=0.1)
    errors = panda.run(2).history["dev_error"].tolist()
    (one,) = by_hand(run)
    assert [(mark.intervention.action, mark.error) for mark in one.marks] == [
        ("set", errors[1]), ("undo", errors[1]), ("set", errors[1])
    ]  # fmt: skip
    assert one.taken_back == (((2, errors[1]), (3, wild[2]), (4, wild[3])),)
    (figure,) = curves(run)
    drawn = {series.name: series for series in figure.series}
    np.testing.assert_allclose(drawn["dev error"].y, errors, rtol=1e-4)
    np.testing.assert_allclose(drawn["trained, then taken back"].y, [errors[1], *wild[2:]], rtol=1e-4)
    assert list(drawn["changed"].x) == list(drawn["changed, then taken back"].x) == [2]
    assert "learning_rate 0.02 → 30 – bold (undone)" in drawn["changed, then taken back"].labels[0]
    assert panda.trial.best_epoch and "bold" in run.notebook[0].result["by hand"]


def test_its_model_is_the_one_that_was_kept(tmp_path: Path) -> None:
    """Taken back and trained otherwise to the same epoch, the study's model is the later training's."""
    run = study(tmp_path / "run")
    panda = run.babysit(START, epochs=8)
    panda.run(1)
    first = run.best_model().evaluate(run.dataset, run.splits.dev)
    panda.back_to(0)
    panda.set(learning_rate=0.0001)
    trial = panda.run(1)
    found = run.best_model().evaluate(run.dataset, run.splits.dev)
    assert found["error"] == pytest.approx(trial.dev_error, abs=1e-6)
    assert found["log_loss"] != first["log_loss"]


def test_it_survives_a_restart(tmp_path: Path) -> None:
    """Opened again in the middle, also after a change that was not trained with yet, it goes on to the same bits."""
    from caviar.study.study import Study

    whole = study(tmp_path / "whole").babysit(START, epochs=6)
    whole.run(2)
    whole.set(learning_rate=0.005)
    expected = whole.run(2)

    first = study(tmp_path / "parts")
    first.babysit(START, epochs=6).run(2)
    first.store.close()
    second = Study(tmp_path / "parts")
    second.babysit(trial=0).set(learning_rate=0.005)
    second.store.close()
    third = Study(tmp_path / "parts").babysit(trial=0)
    assert third.epoch == 2 and third.configuration["learning_rate"] == 0.005 and len(third.log) == 1
    found = third.run(2)
    for name in ("cost", "dev_error", "learning_rate"):
        np.testing.assert_array_equal(found.history[name], expected.history[name], name)
    third.finish()
    with pytest.raises(StudyError, match="has been finished"):
        third.run()


def test_what_cannot_be_changed_is_refused(tmp_path: Path) -> None:
    """Shapes, first weights, unknown names and impossible values are refused with a way out, and leave no line."""
    panda = study(tmp_path / "run").babysit(START)
    for wrong, error, said in (
        ({"hidden": [9]}, StudyError, "shapes of arrays"),
        ({"initialisation": "zeros"}, StudyError, "first update"),
        ({"lr": 0.1}, SpaceError, "learning_rate"),
        ({"learning_rate": -1}, SpaceError, "between"),
        ({"rotation": 10.0}, SpaceError, "this data is a table"),
        ({}, StudyError, "Nothing to set"),
    ):
        with pytest.raises(error, match=said):
            panda.set(**wrong)
    assert panda.log == [] and panda.epoch == 0
    with pytest.raises(StudyError, match="at least 1"):
        panda.run(0)


def test_its_network_is_the_studys_model(tmp_path: Path) -> None:
    """What was babysat counts among the study's trials, and its best epoch can be taken away as a model."""
    run = study(tmp_path / "run")
    panda = run.babysit({"learning_rate": 0.02})
    panda.run(4)
    trial = panda.finish()
    assert run.best_trial.number == trial.number == 0
    found = run.best_model().evaluate(run.dataset, run.splits.dev)
    assert found["error"] == pytest.approx(trial.dev_error, abs=1e-6)
    run.search(trials=2, epochs=2, stopping=None)  # other work goes on beside it
    assert [one.number for one in run.trials] == [0, 1, 2]
