"""The nonlinearities of hidden units."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.networks.activations import ACTIVATIONS, NAMES, select
from caviar.search import hyperparameters
from caviar.training import device
from reference import activations as reference

device.start()

NUMBERS = st.floats(-30, 30, allow_subnormal=False)
WITH_SLOPES = {name: jax.jit(jax.value_and_grad(function)) for name, function in ACTIVATIONS.items()}


def test_names_are_those_of_the_table():
    """The engine's index of an activation is its place in the table of hyperparameters."""
    assert NAMES == hyperparameters.ACTIVATIONS == tuple(reference.ACTIVATIONS)


@pytest.mark.parametrize("name", NAMES)
@given(number=NUMBERS)
def test_value_and_slope(name, number):
    """Value and derivative equal those written out in NumPy, to 1e-12 in double precision."""
    with jax.enable_x64(True):
        value, slope = WITH_SLOPES[name](np.float64(number))
    wanted = reference.ACTIVATIONS[name]
    assert float(value) == pytest.approx(float(wanted.value(np.float64(number))), rel=1e-12, abs=1e-14)
    if number != 0.0:  # the kinks
        assert float(slope) == pytest.approx(float(wanted.slope(np.float64(number))), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_gives_nothing(name):
    """Each maps 0 to 0 exactly, so that padded units stay silent; sigmoid alone maps it to a half."""
    assert float(ACTIVATIONS[name](jnp.float32(0))) == (0.5 if name == "sigmoid" else 0.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("number", [-1e30, -1e4, 1e4, 1e30])
def test_no_number_is_too_large(name, number):
    """Values stay finite for finite inputs in single precision."""
    assert np.isfinite(float(ACTIVATIONS[name](jnp.float32(number))))


@pytest.mark.parametrize("used", [NAMES, NAMES[::-1], NAMES[2:5]])
def test_select_by_slot(used):
    """Slots with different indices get their own activation, whatever others their program holds and in what order."""
    z = np.linspace(-3, 3, 7, dtype=np.float32)
    index = np.array([NAMES.index(name) for name in used], np.int32)
    found = jax.vmap(lambda own: select(jnp.asarray(z), own, used))(index)
    for name, own in zip(used, found, strict=True):
        np.testing.assert_allclose(own, reference.ACTIVATIONS[name].value(z), rtol=1e-5, atol=1e-7)


def test_one_activation_needs_no_index():
    """A program whose slots all use one activation computes no other, whatever the index says."""
    lowered = jax.jit(lambda z, i: select(z, i, ("tanh",))).lower(np.zeros(3, np.float32), np.int32(5)).as_text()
    assert "tanh" in lowered and "select" not in lowered
