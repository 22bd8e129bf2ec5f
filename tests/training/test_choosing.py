"""What networks are compared by on the device, against scikit-learn's metrics in float64."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.networks.metrics import METRICS
from caviar.training.choosing import COMPUTED, compared, evidence

OF_CLASSES = [metric for metric in COMPUTED if metric != "mae"]
ROWS = 24


def on_device(
    metric: str, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray, padding: int = 0, bad: float = 0.0
) -> float:
    """The value of some outputs, beside columns that are padding."""
    classes = outputs.shape[1]
    wide = jnp.asarray(np.pad(outputs, ((0, 0), (0, padding)), constant_values=bad), jnp.float32)
    wrong = jnp.asarray(outputs.argmax(axis=1) != targets, jnp.float32)
    shown = evidence(metric, wide, classes if padding else None)
    told = jnp.asarray(targets), jnp.asarray(weights, jnp.float32)
    return float(compared(metric, wrong, shown, *told, classes, outputs=classes + padding))


def expected(metric: str, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> float:
    """The same from the probabilities, by the metrics that a saved model is evaluated with."""
    looked_at = weights > 0
    scores = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    scores /= scores.sum(axis=1, keepdims=True)
    found = METRICS["classification"][metric](targets[looked_at], scores[looked_at], weights[looked_at])
    return 1.0 - found if metric in ("f1", "auc") else found


@settings(max_examples=40, deadline=None)
@given(
    metric=st.sampled_from(OF_CLASSES),
    classes=st.integers(2, 4),
    seed=st.integers(0, 10_000),
    weighted=st.booleans(),
    ties=st.booleans(),
    padding=st.sampled_from([0, 3]),
)
def test_the_device_agrees_with_scikit_learn(
    metric: str, classes: int, seed: int, weighted: bool, ties: bool, padding: int
) -> None:
    """Balanced error, 1 − F1 and 1 − AUC, weighted or not, with equal scores, with classes missing, beside padding."""
    generator = np.random.default_rng(seed)
    # With two columns of whole numbers in steps of a half many rows have the very same probability.
    outputs = generator.integers(-3, 4, (ROWS, classes)) / 2.0 if ties else generator.normal(size=(ROWS, classes))
    if ties and classes > 2:
        outputs[:, 1:] = 0.0  # so that equal probabilities are equal in either precision
        outputs += np.arange(classes) * 1e-3
    targets = generator.integers(0, classes, ROWS)
    weights = generator.choice([0.0, 1.0, 2.5], ROWS) if weighted else np.ones(ROWS)
    if len(np.unique(targets[weights > 0])) < 2:
        return  # the metrics give no AUC then; what the device gives is a test of its own
    found = on_device(metric, outputs, targets, weights, padding, bad=9.0)
    assert found == pytest.approx(expected(metric, outputs, targets, weights), abs=2e-6)


def test_certain_networks_are_still_told_apart() -> None:
    """Where float32 rounds every probability to 0 or 1, the order of the rows is that of their logits."""
    logits = np.array([40.0, 60.0, 80.0, 100.0])
    outputs = np.stack([np.zeros(4), logits], axis=1)
    assert on_device("auc", outputs, np.array([0, 0, 1, 1]), np.ones(4)) == 0.0
    assert on_device("auc", outputs, np.array([1, 1, 0, 0]), np.ones(4)) == 1.0
    three = np.stack([np.zeros(4), logits, np.full(4, -5.0)], axis=1)
    assert on_device("auc", three, np.array([0, 0, 1, 1]), np.ones(4)) == 0.0


def test_one_class_alone_leaves_the_choice_to_the_cost() -> None:
    """AUC is no number then; every network has a half."""
    outputs = np.random.default_rng(0).normal(size=(6, 3))
    assert on_device("auc", outputs, np.full(6, 2), np.ones(6)) == 0.5


def test_the_mean_absolute_error() -> None:
    """It is that of the residuals whose squares the loss gives."""
    generator = np.random.default_rng(1)
    residuals, weights = generator.normal(size=ROWS), generator.random(ROWS)
    told: Any = [jnp.asarray(part, jnp.float32) for part in (np.zeros(ROWS), weights)]
    found = compared("mae", jnp.asarray(residuals**2, jnp.float32), None, *told, 1, outputs=1)
    assert float(found) == pytest.approx(np.average(np.abs(residuals), weights=weights), rel=1e-6)
