"""Idea → code → experiment: every experiment is recorded, and can be read afterwards as a lab notebook."""

from pathlib import Path

import pytest

from caviar.errors import StudyError
from caviar.study.study import Study
from study.making import study


def test_a_notebook(tmp_path: Path) -> None:
    """Idea, configuration, result and conclusion of each experiment, in order, agree with the trials themselves."""
    run = study(tmp_path / "run")
    run.note(idea="A small network should do.")
    run.train({"learning_rate": 0.02}, epochs=2)
    run.note(conclusion="It learns, slowly.")
    run.search(trials=4, epochs=2, stopping=None)
    run.note(idea="Regularise what won.")

    one, two, planned = Study(tmp_path / "run").notebook  # as another process reads it
    assert (one.number, one.kind, one.idea) == (1, "train", "A small network should do.")
    assert one.configuration == {"epochs": 2, "learning_rate": 0.02}
    assert one.conclusion == "It learns, slowly."
    assert one.result["best trial"] == 0 and one.result["dev error"] == run.trials[0].dev_error

    assert (two.kind, two.trials) == ("search", (1, 4))
    assert two.configuration["trials"] == 4 and two.configuration["varied"] == ["learning_rate"]
    assert two.idea == "which hyperparameters serve this data"  # nobody said why, so the work itself does
    best = min(run.trials[1:], key=lambda trial: (trial.dev_error, trial.dev_cost, trial.number))
    assert (two.result["best trial"], two.result["dev error"]) == (best.number, best.dev_error)
    better = (best.dev_error, best.dev_cost) < (run.trials[0].dev_error, run.trials[0].dev_cost)
    assert two.conclusion.startswith(f"Trial {best.number} is better" if better else "No trial is better")
    assert (planned.kind, planned.idea, planned.result) == ("planned", "Regularise what won.", {})
    assert "conclusion: It learns, slowly." in str(one)


def test_the_loop_runs_by_itself_and_says_what_it_found(tmp_path: Path) -> None:
    """A job that runs to its end leaves a notebook without a person's word: the search, and what held on new seeds."""
    run = study(tmp_path / "run").search(trials=3, epochs=2, stopping=None).finish()
    kinds = [one.kind for one in run.notebook]
    assert kinds == ["search", "confirm"]
    last = run.notebook[-1]
    assert last.conclusion.startswith(f"Trial {run.best_trial.number} is declared the best")
    assert all(one.idea and one.conclusion and one.result for one in run.notebook)


def test_notes_without_words_are_refused(tmp_path: Path) -> None:
    """A note needs words, and a conclusion something to conclude from."""
    run = study(tmp_path / "run")
    with pytest.raises(StudyError, match="an idea"):
        run.note()
    with pytest.raises(StudyError, match="Nothing was trained yet"):
        run.note(conclusion="It works.")
    assert run.notebook == []


def test_networks_side_by_side_and_by_hand(tmp_path: Path) -> None:
    """Several named networks are one experiment; of one trained by hand every intervention stands in the result."""
    run = study(tmp_path / "run").train([{"l2": 1.0, "learning_rate": 0.02}, {"learning_rate": 0.02}], epochs=1)
    panda = run.babysit({"learning_rate": 0.02})
    panda.run(1)
    panda.set(learning_rate=0.01)
    one, two = run.notebook
    assert one.configuration["configurations"] == [{"l2": 1.0, "learning_rate": 0.02}, {"learning_rate": 0.02}]
    assert "l2=1 learning_rate=0.02; learning_rate=0.02" in " ".join(str(one).split())
    assert two.result["by hand"] == "after epoch 1: learning_rate 0.02 → 0.01"
