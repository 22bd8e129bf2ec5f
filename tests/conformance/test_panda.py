"""Panda: one network is changed while it trains, and taken back; a log of each intervention stays."""

from pathlib import Path

import numpy as np
import pytest

from caviar.errors import SpaceError, StudyError
from study.making import study

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
