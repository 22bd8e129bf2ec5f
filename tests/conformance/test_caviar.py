"""Caviar: many networks trained at once, their curves side by side, the best kept."""

from pathlib import Path

import numpy as np

from caviar.records.forward import probabilities
from study.making import study


def test_many_at_once_and_the_best_kept(tmp_path: Path) -> None:
    """Twelve trials ride in one program side by side; the best by NumPy's own look at the curves is the one kept."""
    run = study(tmp_path / "run").search(trials=12, epochs=3, stopping=None)
    (campaign,) = run.campaigns
    assert len(campaign.cohorts) == 1 and campaign.cohorts[0].slots == 12
    curves = np.array([trial.history["dev_error"] for trial in run.trials])
    costs = np.array([trial.history["dev_cost"] for trial in run.trials])
    assert curves.shape == (12, 3)
    order = np.lexsort((costs.ravel(), curves.ravel()))
    trial, epoch = divmod(int(order[0]), 3)
    best = run.best_trial
    assert (best.number, best.best_epoch) == (trial, epoch + 1)
    assert best.dev_error == curves[trial, epoch]


def test_the_kept_network_is_the_one_that_was_measured(tmp_path: Path) -> None:
    """Its weights, taken through a forward pass in NumPy, give the dev error of its curve's lowest point."""
    run = study(tmp_path / "run").search(trials=4, epochs=3, stopping=None)
    model = run.best_model()
    data, dev = run.dataset, run.splits.dev
    train = run.splits.train
    raw = np.column_stack([data.columns[name] for name in "abcd"])
    a = (raw[dev] - raw[train].mean(axis=0)) / raw[train].std(axis=0)
    a = np.maximum(a @ model.arrays["weights.0"] + model.arrays["biases.0"], 0.0)
    z = a @ model.arrays["weights.1"] + model.arrays["biases.1"]
    found = probabilities(z.astype(np.float32), model.about["network"]["output"]).argmax(axis=1)
    assert np.mean(found != data.targets[dev]) == np.float32(run.best_trial.dev_error)
