"""Several named networks train side by side, and a model can be taken while it trains."""

from pathlib import Path

import numpy as np
import pytest

import caviar

WIDTHS = {"hidden": [8], "batch_size": 32}


def splits(**given):
    """Iris, cut in the usual way."""
    return caviar.split(caviar.read("iris"), seed=0, **given)


def test_networks_side_by_side_equal_networks_alone(tmp_path: Path) -> None:
    """Each of two networks of one call has the history it has when it is trained alone: same draws, same batches."""
    both = caviar.Study(tmp_path / "both", splits(), seed=3)
    both.train([{**WIDTHS, "keep_probability": 0.7}, WIDTHS], epochs=6)
    dropped, twin = both.trials
    assert dropped.seed == twin.seed and dropped.configuration != twin.configuration
    for number, own in enumerate(({**WIDTHS, "keep_probability": 0.7}, WIDTHS)):
        alone = caviar.Study(tmp_path / f"alone{number}", splits(), seed=3).train(own, epochs=6)
        np.testing.assert_allclose(
            alone.trials[0].history["dev_cost"], both.trials[number].history["dev_cost"], rtol=1e-4
        )
    assert not np.array_equal(dropped.history["dev_cost"], twin.history["dev_cost"])


def test_networks_of_unlike_structure_are_refused(tmp_path: Path) -> None:
    """Networks that need two programs are not trained side by side, and the sentence says in what they differ."""
    study = caviar.Study(tmp_path / "run", splits())
    with pytest.raises(caviar.CaviarError, match="differ in hidden"):
        study.train([{"hidden": [8]}, {"hidden": [4]}], epochs=2)
    with pytest.raises(caviar.CaviarError, match="at least one"):
        study.train([], epochs=2)
    assert study.trials == []


def test_a_model_is_taken_while_it_trains(tmp_path: Path) -> None:
    """From `watch` a snapshot predicts as its record says, and taking it changes nothing in the training."""
    taken = []

    def watch(look) -> None:
        if look.running and study.trials[0].best_epoch:
            trial = study.trials[0]
            taken.append((trial.dev_error, study.snapshot(0), trial.best_epoch))

    study = caviar.Study(tmp_path / "watched", splits(), seed=1, watch=watch)
    study.train({**WIDTHS, "learning_rate": 0.02}, epochs=30)
    unwatched = caviar.Study(tmp_path / "unwatched", splits(), seed=1)
    unwatched.train({**WIDTHS, "learning_rate": 0.02}, epochs=30)
    assert len(taken) >= 2
    dataset, rows = study.dataset, study.splits.dev
    truth = np.asarray(dataset.schema.classes)[dataset.targets[rows]]
    for error, model, _ in taken:
        assert np.mean(model.predict(dataset, rows) != truth) == pytest.approx(error)
    assert taken[0][2] < taken[-1][2]
    assert study.trials[0].history["cost"].tobytes() == unwatched.trials[0].history["cost"].tobytes()


def test_without_halves_every_dev_row_chooses() -> None:
    """`halves=False` lets all rows of a large dev set choose; by default one half of them judges."""
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((4000, 3))
    data = caviar.read(inputs, (inputs[:, 0] > 0).astype(int))
    assert caviar.split(data, dev=1200, halves=False).choose.all()
    assert caviar.split(data, dev=1200).choose.sum() == 600
