"""What one row costs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from caviar.networks.losses import LOSSES, softmax, squared
from caviar.training import device
from reference.losses import LOSSES as REFERENCE

device.start()

LOGITS = arrays(np.float64, (6, 3), elements=st.floats(-50, 50, allow_subnormal=False))
LABELS = arrays(np.int32, (6,), elements=st.integers(0, 2))
SHARES = st.floats(0.0, 0.9)


def _row_by_row(loss):
    """(logits, labels, smoothing, classes) -> costs, errors, gradient of the summed cost."""

    def total(z, targets, share, classes):
        costs, errors = LOSSES[loss](z, targets, smoothing=share, classes=classes)
        return costs.sum(), (costs, errors)

    def found(z, targets, share, classes):
        slopes, (costs, errors) = jax.grad(total, has_aux=True)(z, targets, share, classes)
        return costs, errors, slopes

    return jax.jit(found)


ROW_BY_ROW = {loss: _row_by_row(loss) for loss in LOSSES}


def test_worked_number():
    """Softmax: ŷ = (.3, .2, .1, .4) costs 1.609 where the second class is right."""
    logits = jnp.log(jnp.array([[0.3, 0.2, 0.1, 0.4]]))
    cost, wrong = softmax(logits, jnp.array([1]), smoothing=0.0, classes=4)
    assert float(cost[0]) == pytest.approx(1.609, abs=5e-4)
    assert float(wrong[0]) == 1.0


@settings(max_examples=40, deadline=None)
@given(logits=LOGITS, labels=LABELS, share=SHARES)
@pytest.mark.parametrize("loss", LOSSES)
def test_cost_and_gradient(loss, logits, labels, share):
    """Cost and gradient of every row equal those written out in NumPy, with smoothed labels too."""
    if loss == "logistic":
        labels = np.minimum(labels, 1)
    targets = labels.astype(np.float64) if loss == "squared" else labels
    logits = logits if loss == "softmax" else logits[:, :1]
    with jax.enable_x64(True):
        costs, _, slopes = ROW_BY_ROW[loss](logits, targets, share, 3)
    np.testing.assert_allclose(costs, REFERENCE[loss].value(logits, targets, share), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(slopes, REFERENCE[loss].slope(logits, targets, share), rtol=1e-10, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(logits=LOGITS, labels=LABELS, share=SHARES)
def test_two_classes_are_logistic_regression(logits, labels, share):
    """Softmax of two logits costs what the logistic loss of their difference costs, and errs on the same rows."""
    labels = np.minimum(labels, 1)
    with jax.enable_x64(True):
        two, wrong_two, _ = ROW_BY_ROW["softmax"](logits[:, :2], labels, share, 2)
        one, wrong_one, _ = ROW_BY_ROW["logistic"](logits[:, 1:2] - logits[:, :1], labels, share, 1)
    np.testing.assert_allclose(two, one, rtol=1e-12, atol=1e-12)
    assert (np.asarray(wrong_two) == np.asarray(wrong_one)).all()


@settings(max_examples=40, deadline=None)
@given(logits=LOGITS, labels=LABELS, share=SHARES, padding=st.floats(-1e6, 1e6))
def test_padded_classes_do_not_count(logits, labels, share, padding):
    """Outputs beyond the real classes change neither cost nor error, and get no gradient, whatever they hold."""
    wide = np.concatenate([logits, np.full((6, 2), padding)], axis=1)
    with jax.enable_x64(True):
        costs, wrong, slopes = ROW_BY_ROW["softmax"](wide, labels, share, 3)
        costs_exact, wrong_exact, exact = ROW_BY_ROW["softmax"](logits, labels, share, 3)
    np.testing.assert_allclose(costs, costs_exact, rtol=1e-13, atol=1e-14)
    assert (np.asarray(wrong) == np.asarray(wrong_exact)).all()
    np.testing.assert_allclose(slopes[:, :3], exact, rtol=1e-13, atol=1e-15)
    assert not np.asarray(slopes)[:, 3:].any()


@settings(max_examples=20, deadline=None)
@given(logits=LOGITS, labels=LABELS, share=SHARES)
def test_no_padded_class_needs_no_mask(logits, labels, share):
    """Where no output is padding, a program that does not look for padding gives the same costs and gradients."""
    with jax.enable_x64(True):
        told = ROW_BY_ROW["softmax"](logits, labels, share, 3)
        unmasked = ROW_BY_ROW["softmax"](logits, labels, share, None)
    for one, other in zip(told, unmasked, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("size", [1e4, 1e30])
@pytest.mark.parametrize("share", [0.0, 0.1])
@pytest.mark.parametrize("label", [0, 1])
def test_large_logits(loss, size, share, label):
    """Costs and gradients stay finite for logits of ±1e4 and ±1e30, and are what the labels make of them."""
    logits = np.array([[size, -size, 0.0]] if loss == "softmax" else [[-size]], np.float32)
    (cost,), wrong, slopes = ROW_BY_ROW[loss](logits, np.array([label]), np.float32(share), 3)
    assert np.isfinite(cost) and np.isfinite(slopes).all()
    assert float(wrong[0]) == label
    if share == 0.0:
        largest = 2 * size if loss == "softmax" else size
        assert float(cost) == pytest.approx(largest if label else 0.0, rel=1e-6)
        assert np.abs(slopes).max() == pytest.approx(float(label))


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nothing_is_right_by_chance(loss, bad):
    """A row whose cost is not a number counts as wrong, never as right."""
    logits = np.full((2, 3 if loss == "softmax" else 1), bad, np.float32)
    cost, wrong = LOSSES[loss](jnp.asarray(logits), jnp.array([0, 1]), smoothing=0.0, classes=3)
    assert (np.asarray(wrong)[~np.isfinite(cost)] == 1.0).all()
    assert not np.isfinite(cost).all()


def test_the_first_of_equals_wins():
    """Of equal logits the first counts as the answer, as in NumPy's argmax: no row is right twice."""
    logits = jnp.zeros((3, 3))
    _, wrong = softmax(logits, jnp.arange(3), smoothing=0.0, classes=3)
    assert wrong.tolist() == [0.0, 1.0, 1.0]


def test_squared_is_half_in_the_cost_and_whole_in_the_error():
    """The squared loss costs half the squared residual; the error is the squared residual."""
    cost, wrong = squared(jnp.array([[3.0, 99.0]]), jnp.array([1.0]), smoothing=0.0, classes=1)
    assert float(cost[0]) == 2.0 and float(wrong[0]) == 4.0
