"""The compiled program holds what its features say, and nothing else."""

import jax
import numpy as np
import pytest

from caviar.networks.activations import NAMES
from caviar.networks.architecture import Architecture
from caviar.networks.mlp import Perceptron, first_layers
from caviar.search.hyperparameters import OPTIMISERS
from caviar.training import device
from caviar.training.carried import ProgramKey
from caviar.training.compiling import ADMIT_AT_ONCE, _compiled_admit, _copy, _shapes, empty_state, request
from caviar.training.features import Features
from caviar.training.optimisers import UpdateRule
from caviar.training.program import build, split_over

device.start()

SHAPES = Architecture(6, (8, 6), 4, "softmax", 16)
SMALLEST = Features(Perceptron(("relu",)), UpdateRule(("gradient_descent",)))
# A constant of the hash that draws dropout's uniforms.
DRAWING = str(0xED5AD4BB)


def key(features, slots=4, devices=2):
    """The key of a small program."""
    return ProgramKey(SHAPES, features, slots, slots // devices, devices, 2, 4, 256, 64, 1, False)


def text(features):
    """What XLA is given to compile."""
    return build(key(features)).lower(*_shapes(key(features))).as_text()


def changed(network=None, rule=None, **features):
    """The smallest features with some more."""
    return Features(
        Perceptron(**{"activations": ("relu",), **(network or {})}),
        UpdateRule(**{"optimisers": ("gradient_descent",), **(rule or {})}),
        **features,
    )


@pytest.fixture(scope="module")
def smallest():
    """The text of the program for gradient descent on ReLU units."""
    return text(SMALLEST)


@pytest.mark.parametrize(
    ("features", "mark"),
    [
        (changed(network={"dropout": True}), DRAWING),
        (changed(network={"input_dropout": True}), DRAWING),
        (changed(network={"activations": ("tanh",)}), "tanh"),
        (changed(network={"batch_norm": "some"}), "stablehlo.sqrt"),
        (changed(rule={"optimisers": ("rmsprop",)}), "stablehlo.sqrt"),
        (changed(rule={"l1": True}), "stablehlo.sign"),
        (changed(rule={"clip": True}), "stablehlo.sqrt"),
    ],
    ids=["dropout", "input dropout", "tanh", "batch norm", "RMSprop", "L1", "clipping"],
)
def test_what_nobody_uses_is_not_there(smallest, features, mark):
    """The mark of each feature is in a program that has it and not in one for plain gradient descent on ReLU units."""
    assert mark not in smallest and mark in text(features)


def test_what_leaves_no_mark_is_not_there_either(smallest):
    """Values of L2, weight decay, smoothing and weights are arguments of any program, computed with only if used."""
    sizes = {name: len(text(changed(rule={name: True})).splitlines()) for name in ("l2", "weight_decay")}
    sizes["smoothing"] = len(text(changed(smoothing=True)).splitlines())
    sizes["sigmoid"] = len(text(changed(network={"activations": ("relu", "sigmoid")})).splitlines())
    sizes["weighted"] = len(text(changed(weighted=True)).splitlines())
    assert all(size > len(smallest.splitlines()) for size in sizes.values()), sizes


def test_devices_do_not_wait_for_each_other():
    """The program for two devices has no collective in it: slots are sharded, and no number crosses over."""
    everything = Features(
        Perceptron(NAMES, True, True, "some", True), UpdateRule(OPTIMISERS, True, True, True, True), True, True
    )
    lowered = text(everything)
    for collective in ("all_reduce", "all_gather", "all_to_all", "collective_permute", "reduce_scatter"):
        assert collective not in lowered
    assert "sharding" in lowered  # it is the program of two devices that was read


def admission(features: Features, devices: int):
    """The key of a program, its compiled `admit`, the first layers of a network, and as many of it as fit at once."""
    own = key(features, devices=devices)
    one = first_layers(SHAPES, SHAPES.widths, kind="he", scale=1.0, seed=1)
    many = jax.tree.map(lambda leaf: np.stack([leaf] * ADMIT_AT_ONCE), one)
    return own, _compiled_admit(own, _shapes(own)[0], False), one, many


@pytest.mark.parametrize("devices", [1, 2])
def test_admission_drops_minus_one(devices: int):
    """A slot number of −1 writes nothing, not even into the last slot; another one writes on its own device alone."""
    normed = Features(Perceptron(batch_norm="some", batch_norm_output="some"))
    own, admit, one, fresh = admission(normed, devices)
    numbers = np.full(ADMIT_AT_ONCE, -1, np.int32)

    def sevens():
        whole = jax.tree.map(lambda leaf: np.ones_like(np.asarray(leaf)) * 7, empty_state(own, 4))
        return jax.device_put(whole, split_over(devices))  # anew each time, as the program takes it over

    same = admit(sevens(), numbers, fresh)
    assert all((np.asarray(leaf) == 7).all() for leaf in jax.tree.leaves(same))
    numbers[3] = 2
    found = admit(sevens(), numbers, fresh)
    assert all((np.asarray(leaf)[[0, 1, 3]] == 7).all() for leaf in jax.tree.leaves(found))
    wanted = jax.tree.leaves(one)
    for tree in (found.train, found.best):
        held = jax.tree.leaves((tree.parameters, tree.averages))
        assert all((np.asarray(a)[2] == b).all() for a, b in zip(held, wanted, strict=True))
    zeros = (found.train.moments, found.train.cost_sum, found.best.epoch, found.best.row_costs)
    assert not any(np.asarray(leaf)[2].any() for leaf in jax.tree.leaves(zeros))
    assert np.isinf(found.best.value[2]) and np.isinf(found.best.cost[2])


def test_admission_where_nothing_is_normalised():
    """Without batch norm its moments and averages stay 0, which is what they begin as; γ and β are written."""
    own, admit, one, fresh = admission(SMALLEST, 1)
    numbers = np.array([2] + [-1] * (ADMIT_AT_ONCE - 1), np.int32)
    found = admit(jax.device_put(empty_state(own, 4), split_over(1)), numbers, fresh)
    for tree in (found.train, found.best):
        held = jax.tree.leaves((tree.parameters, tree.averages))
        assert all((np.asarray(a)[2] == b).all() for a, b in zip(held, jax.tree.leaves(one), strict=True))
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(found.train.moments))


def test_copies_are_made_at_once():
    """Slots that change places do so at once: no slot reads what another has just been overwritten with."""
    state = jax.tree.map(
        lambda leaf: np.stack([np.full_like(leaf[0], n) for n in range(4)]), empty_state(key(SMALLEST), 4)
    )
    found = jax.jit(_copy)(state, np.array([1, 0, 0, 3], np.int32))
    for leaf in jax.tree.leaves(found):
        flat = np.asarray(leaf).reshape(4, -1)
        assert (flat == np.array([1, 0, 0, 3])[:, None]).all()


def test_a_program_is_compiled_once():
    """Asking again for a program gives the one that is there or on its way."""
    first = request(key(SMALLEST))
    assert request(key(SMALLEST)) is first
    assert first.result().seconds > 0 and first.result().memory >= 0
