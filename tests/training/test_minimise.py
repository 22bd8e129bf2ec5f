"""Minimising a person's own cost: slots, memory, bad input, and that it leaves JAX as it was."""

import math
import os
import subprocess
import sys
from inspect import unwrap

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import caviar
from caviar.errors import CaviarError, CostError
from caviar.records.status import Status
from caviar.training import cost_arguments as room
from caviar.training import minimise as walking


def bowl(w):
    """A long bowl."""
    return w[0] ** 2 + 10 * w[1] ** 2


def test_a_slot_alone_is_the_slot_among_others() -> None:
    """A slot's path among many optimisers, rates and starts is its path alone, to rounding."""
    starts = [[1.0, 1.0], [2.0, -1.0], [0.5, 3.0]]
    optimisers, rates = ["adam", "gradient_descent", "rmsprop"], [0.1, 0.02, 0.01]
    many = caviar.minimise(bowl, starts=starts, optimiser=optimisers, learning_rate=rates, steps=300)
    assert many.path.shape == (301, 3, 2) and many.costs.shape == (301, 3)
    for slot, (start, optimiser, rate) in enumerate(zip(starts, optimisers, rates, strict=True)):
        alone = caviar.minimise(bowl, start, optimiser=optimiser, learning_rate=rate, steps=300)
        assert alone.path.shape == (301, 2)
        assert np.allclose(many[slot].path, alone.path, rtol=1e-9, atol=1e-12)
        assert many[slot].configurations == alone.configurations


def test_a_diverged_slot_is_marked_and_ends_no_other() -> None:
    """A rate that is too large diverges as data: the slot says when, its neighbours are as without it to the bit."""
    rates = [0.01, 5.0, 0.05]
    found = caviar.minimise(bowl, [1.0, 1.0], optimiser="gradient_descent", learning_rate=rates, steps=400)
    assert found.status == (Status.FINISHED, Status.DIVERGED, Status.FINISHED)
    at = found.diverged_at[1]
    assert np.isfinite(found.costs[at - 1, 1]) and not np.isfinite(found.costs[at, 1])
    calm = caviar.minimise(bowl, [1.0, 1.0], optimiser="gradient_descent", learning_rate=[0.01, 0.1, 0.05], steps=400)
    assert np.array_equal(found.path[:, [0, 2]], calm.path[:, [0, 2]])
    assert "1 diverged" in repr(found) and "Diverged at step" in repr(found[1])
    assert found.best == 2


def test_long_paths_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """`every` keeps each n-th point, the start and the last, whatever the number of points the device holds at once."""
    whole = caviar.minimise(bowl, [1.0, 1.0], learning_rate=0.1, steps=103)
    monkeypatch.setattr(walking, "_POINTS_AT_ONCE", 7)
    thin = caviar.minimise(bowl, [1.0, 1.0], learning_rate=0.1, steps=103, every=10)
    assert thin.steps.tolist() == [*range(0, 101, 10), 103]
    assert np.allclose(thin.path, whole.path[thin.steps], rtol=1e-13)
    with pytest.raises(CostError, match=r"every=\d+"):
        caviar.minimise(bowl, [1.0, 1.0], steps=10**9)


def test_a_path_that_is_refused_fits_as_advised() -> None:
    """The `every` that the sentence names is enough."""
    with pytest.raises(CostError) as refused:
        room.check_size({"w": np.zeros((1, 1000))}, 10**6, 1)
    room.check_size({"w": np.zeros((1, 1000))}, 10**6, int(str(refused.value).rpartition("=")[2].rstrip(".")))


def test_pytrees_keep_their_shape() -> None:
    """Parameters in dictionaries and tuples come back so, each array with the axis of points in front."""
    start = {"layers": [(np.ones((2, 3)), np.zeros(3))], "scale": 2.0}

    def cost(p):
        (w, b), scale = p["layers"][0], p["scale"]
        return jnp.sum((w + b[None, :]) ** 2) * scale**2

    found = caviar.minimise(cost, start, steps=5)
    w, b = found.path["layers"][0]
    assert (w.shape, b.shape, found.path["scale"].shape) == ((6, 2, 3), (6, 3), (6,))
    assert found.parameters["scale"] == found.path["scale"][-1] < 2.0


def test_a_changed_surrounding_is_seen() -> None:
    """A cost that reads a variable around it uses the variable's value at the time of the call."""
    around = {"centre": 1.0}

    def cost(w):
        return (w - around["centre"]) ** 2

    how = {"optimiser": "gradient_descent", "learning_rate": 0.5, "steps": 3}
    assert caviar.minimise(cost, 0.0, **how).parameters == 1.0
    around["centre"] = 7.0
    assert caviar.minimise(cost, 0.0, **how).parameters == 7.0


def test_decays_count_epochs() -> None:
    """With 4 steps an epoch, an inverse-time decay halves α at the fifth step."""
    found = caviar.minimise(
        lambda w: w, 0.0, optimiser="gradient_descent", learning_rate=1.0, decay="inverse_time", decay_rate=1.0,
        steps=9, steps_per_epoch=4,
    )  # fmt: skip
    assert np.allclose(-np.diff(found.path), [1] * 4 + [1 / 2] * 4 + [1 / 3])


BAD = {
    "unknown optimiser": (lambda: caviar.minimise(bowl, [1.0, 1.0], optimiser="adamax"), "one of .*adam.*'adamax'"),
    "foreign name": (lambda: caviar.minimise(bowl, [1.0, 1.0], lr=0.1), "learning_rate"),
    "of a network": (lambda: caviar.minimise(bowl, [1.0, 1.0], hidden=[3]), "belongs to networks"),
    "a penalty": (lambda: caviar.minimise(bowl, [1.0, 1.0], l2=3.0), "into the cost"),
    "several numbers": (lambda: caviar.minimise(lambda w: w**2, [1.0, 1.0]), r"shape \(2,\).*mean"),
    "nothing": (lambda: caviar.minimise(lambda w: None, 1.0), "one number.*None"),
    "no function": (lambda: room.check_cost(3.0, 1.0, ()), "function"),
    "NaN": (lambda: caviar.minimise(bowl, [1.0, math.nan]), "finite.*nan"),
    "infinity": (lambda: caviar.minimise(bowl, starts=[[1.0, math.inf]]), "finite"),
    "integers": (lambda: caviar.minimise(bowl, np.array([1, 2])), "int64.*astype"),
    "text": (lambda: caviar.minimise(bowl, "0"), "str '0'"),
    "no start": (lambda: caviar.minimise(bowl), "'starts'"),
    "two starts": (lambda: caviar.minimise(bowl, [1.0, 1.0], starts=[[1.0, 1.0]]), "either"),
    "unlike starts": (lambda: caviar.minimise(bowl, starts=[[1.0, 1.0], [1.0, 1.0, 1.0]]), "same shape"),
    "an empty start": (lambda: caviar.minimise(bowl, []), "at least one number"),
    "no steps": (lambda: caviar.minimise(bowl, [1.0, 1.0], steps=0), "'steps'.*at least 1. Got 0"),
    "half a step": (lambda: unwrap(caviar.minimise)(bowl, [1.0, 1.0], steps=1.5), "'steps'"),
    "unlike lists": (lambda: caviar.minimise(bowl, [1.0, 1.0], momentum=[0.5, 0.9], learning_rate=[1]), "side by side"),
    "half precision": (lambda: caviar.minimise(bowl, [1.0, 1.0], dtype="float16"), "float64, float32"),
    "NumPy inside": (lambda: caviar.minimise(lambda w: np.exp(w), 1.0), "jax.numpy"),
    "math inside": (lambda: caviar.minimise(lambda w: math.exp(w), 1.0), "jnp.exp"),
    "a branch": (lambda: caviar.minimise(lambda w: w if w > 0 else -w, 1.0), "jnp.where"),
    "data missing": (lambda: caviar.minimise(lambda w, data: w, 1.0), "data="),
    "data too many": (lambda: caviar.minimise(lambda w: w, 1.0, 2.0), "Leave data out"),
    "data of text": (lambda: caviar.minimise(lambda w, data: w, 1.0, {"name": "x"}), "'data'.*'x'"),
    "whole costs": (lambda: caviar.minimise(lambda w: w.astype(int), 1.0), "real number"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_a_sentence(name: str) -> None:
    """Whatever cannot be minimised is refused in one sentence that says what and how to put it right."""
    act, said = BAD[name]
    with pytest.raises(CaviarError, match=said) as refused:
        act()
    assert "\n" not in str(refused.value)


def test_plain_whole_numbers_may_begin() -> None:
    """0 and [0, 1] are starts as 0.0 and [0.0, 1.0] are; of a pytree's other types none is changed."""
    assert caviar.minimise(lambda w: w**2, 2, steps=1).path.dtype == np.float64
    assert caviar.minimise(bowl, [0, 1], steps=1).path.shape == (2, 2)


def test_the_precision_of_jax_is_left_alone() -> None:
    """Double precision inside is not left on for the person's own JAX code, even where the cost fails."""
    caviar.minimise(bowl, [1.0, 1.0], steps=1)
    with pytest.raises(ZeroDivisionError):
        caviar.minimise(lambda w: 1 / 0, 1.0)
    assert jnp.ones(1).dtype == jnp.float32 and not jax.config.jax_enable_x64


def test_jax_may_have_started_before() -> None:
    """A person's own JAX program may call it without a warning; a study opened later still says what it uses."""
    code = """
import warnings
import jax.numpy as jnp
centre = jnp.ones(2)
import caviar
warnings.simplefilter("error")
found = caviar.minimise(lambda w: jnp.sum((w - centre) ** 2), jnp.zeros(2), learning_rate=0.1, steps=10)
assert str(found.path.dtype) == "float64"
from caviar.training import device
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    device.start()
assert any("JAX had started" in str(one.message) for one in said), said
"""
    apart = {name: value for name, value in os.environ.items() if name != "JAX_NUM_CPU_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False,
        env={**apart, "CAVIAR_DEVICES": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
