"""The perceptron: dropout, batch normalisation, padding, and the arrays of a saved model."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from caviar.networks.architecture import Architecture
from caviar.networks.constants import BATCH_NORM_EPSILON, BATCH_NORM_MEMORY
from caviar.networks.draws import tick_keys, uniforms
from caviar.networks.mlp import Averages, Layers, Perceptron, cut, first_layers
from caviar.training import device

device.start()

RELU = {"activation": jnp.int32(0)}


@partial(jax.jit, static_argnames=("network", "training"))
def applied(network, parameters, averages, inputs, hyperparameters, *, key=None, training=True, present=None):
    """One application of a network as a compiled function: outputs and averages."""
    return network.apply(
        parameters, averages, inputs, key=key, hyperparameters=hyperparameters, training=training, present=present
    )


def key(tick=0):
    """The key of a stream's update."""
    return jax.random.wrap_key_data(jnp.asarray(tick_keys(1, 2, np.asarray(tick))))


def arrays(tree):
    """NumPy leaves as JAX arrays."""
    return jax.tree.map(jnp.asarray, tree)


def made(widths, seed=0, **features):
    """A network of a program with some features, with its first parameters and averages."""
    shapes = Architecture(widths[0], tuple(widths[1:-1]), widths[-1])
    parameters, averages = first_layers(shapes, tuple(widths), kind="he", scale=1.0, seed=seed)
    return Perceptron(**features), arrays(parameters), arrays(averages)


def rows(count, columns, seed=0):
    """Random inputs."""
    return jnp.asarray(np.random.default_rng(seed).standard_normal((count, columns)), jnp.float32)


def test_no_hidden_layer_is_a_linear_model():
    """With `hidden=[]` the outputs are x·W + b."""
    network, parameters, averages = made((4, 3))
    x = rows(5, 4)
    outputs, _ = applied(network, parameters, averages, x, {}, training=True)
    np.testing.assert_allclose(outputs, np.asarray(x) @ np.asarray(parameters.weights[0]).T, rtol=1e-5, atol=1e-6)


def test_init_is_the_protocol():
    """`init` gives parameters and state of the architecture's own widths, which `apply` takes."""
    network, shapes = Perceptron(), Architecture(4, (3,), 2)
    parameters, averages = arrays(network.init(7, shapes))
    outputs, _ = applied(network, parameters, averages, rows(6, 4), RELU, training=False)
    assert outputs.shape == (6, 2) and bool(jnp.abs(outputs).sum() > 0)


# ---- dropout --------------------------------------------------------------------------------------------------------


def linear_layer(units, keep, tick, count=64):
    """What dropout leaves of `units` hidden units that are all 1 [rows, units]: a network that copies them out."""
    weights = (np.zeros((units, 1), np.float32), np.eye(units, dtype=np.float32))
    biases = (np.ones(units, np.float32), np.zeros(units, np.float32))
    parameters = arrays(Layers(weights, biases, (np.ones(units, np.float32),), (np.zeros(units, np.float32),)))
    averages = arrays(Averages((np.zeros(units, np.float32),), (np.zeros(units, np.float32),), np.int32(0)))
    hyperparameters = {**RELU, "keep_probability": jnp.asarray([keep], jnp.float32)}
    outputs, _ = applied(
        Perceptron(dropout=True),
        parameters,
        averages,
        jnp.zeros((count, 1)),
        hyperparameters,
        key=key(tick),
        training=True,
    )
    return np.asarray(outputs)


def test_fifty_units_at_point_eight_lose_ten():
    """Of 50 units kept with 0.8 ten are lost on average, the others are divided by 0.8, and the mean stays."""
    left = np.concatenate([linear_layer(50, 0.8, tick) for tick in range(20)])
    assert set(np.unique(left)) == {0.0, np.float32(1.25)}
    assert (left == 0).sum(axis=1).mean() == pytest.approx(10, abs=0.3)  # standard error 0.08
    assert left.mean() == pytest.approx(1.0, abs=0.01)


def test_every_example_and_step_has_its_own_mask():
    """Masks differ between rows of a batch and between updates, and are the same again for the same update."""
    one, again, other = linear_layer(50, 0.5, 3), linear_layer(50, 0.5, 3), linear_layer(50, 0.5, 4)
    assert (one == again).all() and (one != other).any()
    assert len({row.tobytes() for row in one}) == len(one)


def test_the_mask_is_that_of_the_uniforms():
    """A unit is kept where its uniform lies below its layer's keep probability."""
    drawn = np.asarray(uniforms(key(5), 0, 50, 64))
    assert ((linear_layer(50, 0.7, 5) > 0) == (np.float32(0.7) > drawn.T)).all()


def test_dropout_is_for_training_only():
    """At test time nothing is dropped, neither units nor inputs."""
    network, parameters, averages = made((6, 5, 4, 3), dropout=True, input_dropout=True)
    plain, _, _ = made((6, 5, 4, 3))
    numbers = {**RELU, "keep_probability": jnp.asarray([0.5, 0.5]), "input_keep_probability": jnp.float32(0.5)}
    x = rows(8, 6)
    tested, _ = applied(network, parameters, averages, x, numbers, training=False)
    trained, _ = applied(network, parameters, averages, x, numbers, key=key(), training=True)
    without, _ = applied(plain, parameters, averages, x, RELU, training=False)
    assert (tested == without).all() and (trained != without).any()


def test_dropped_inputs_get_no_gradient():
    """The mask of the forward pass is that of the backward pass: weights from dropped inputs get no gradient."""
    network, parameters, averages = made((40, 3), input_dropout=True)
    numbers = {"input_keep_probability": jnp.float32(0.5)}

    def total(weights):
        moved = parameters._replace(weights=(weights,))
        outputs, _ = applied(network, moved, averages, jnp.ones((1, 40)), numbers, key=key(1), training=True)
        return outputs.sum()

    slopes = np.asarray(jax.grad(total)(parameters.weights[0]))
    kept = np.asarray(uniforms(key(1), 1, 40, 1))[:, 0] < 0.5
    assert (slopes[:, kept] == 2.0).all() and not slopes[:, ~kept].any()
    assert 10 < kept.sum() < 30


# ---- batch normalisation --------------------------------------------------------------------------------------------


def normalising(x, gamma=None, beta=None, present=None):
    """The hidden layer of an identity network with batch norm, read from the outputs, and the averages after it."""
    units = x.shape[1]
    parameters = Layers(
        (np.eye(units, dtype=np.float32), np.eye(units, dtype=np.float32)),
        (np.full(units, 99.0, np.float32), np.zeros(units, np.float32)),  # a bias that batch norm must ignore
        (np.ones(units, np.float32) if gamma is None else gamma.astype(np.float32),),
        (np.zeros(units, np.float32) if beta is None else beta.astype(np.float32),),
    )
    zeros = (np.zeros(units, np.float32),)
    network = Perceptron(activations=("identity",), batch_norm="all")
    present = None if present is None else jnp.asarray(present, jnp.float32)
    averages = arrays(Averages(zeros, zeros, np.int32(0)))
    numbers = {"activation": jnp.int32(6)}
    return applied(network, arrays(parameters), averages, jnp.asarray(x, jnp.float32), numbers, present=present)


def test_batch_norm_normalises_every_unit():
    """After batch norm every unit has mean 0 and variance σ²/(σ² + ε) over the batch, and the bias is dropped."""
    x = np.random.default_rng(0).standard_normal((64, 3)) * [0.01, 1.0, 100.0] + [5.0, -2.0, 300.0]
    normal, _ = normalising(x)
    np.testing.assert_allclose(np.mean(normal, axis=0), 0.0, atol=2e-4)
    np.testing.assert_allclose(np.var(normal, axis=0), x.var(axis=0) / (x.var(axis=0) + BATCH_NORM_EPSILON), rtol=1e-3)


def test_batch_norm_can_be_the_identity():
    """With γ = √(σ² + ε) and β = μ batch norm gives back what it was given."""
    x = np.random.default_rng(1).standard_normal((32, 4)) * 3 + 1
    same, _ = normalising(x, gamma=np.sqrt(x.var(axis=0) + BATCH_NORM_EPSILON), beta=x.mean(axis=0))
    np.testing.assert_allclose(same, x, rtol=1e-5, atol=1e-5)


def test_moments_are_those_of_real_rows():
    """Rows that pad a batch change neither the normalised rows nor the averages, whatever they hold."""
    x = np.random.default_rng(2).standard_normal((10, 3))
    padded = np.concatenate([x, np.full((6, 3), 1e3)])
    exact, averages = normalising(x)
    found, averages_padded = normalising(padded, present=np.arange(16) < 10)
    np.testing.assert_allclose(np.asarray(found)[:10], exact, rtol=1e-5, atol=1e-5)
    for one, other in zip(jax.tree.leaves(averages_padded), jax.tree.leaves(averages), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_averages_are_carried_uncorrected():
    """After one batch the averages hold a tenth of its mean and of its biased variance, and their count is 1."""
    x = np.random.default_rng(3).standard_normal((20, 3)) + 4
    _, averages = normalising(x)
    np.testing.assert_allclose(averages.means[0], 0.1 * x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(averages.variances[0], 0.1 * x.var(axis=0), rtol=1e-4)
    assert int(averages.count) == 1 and BATCH_NORM_MEMORY == 0.9


@pytest.mark.parametrize("batch_norm", ["all", "some"])
def test_at_test_time_the_corrected_averages_are_used(batch_norm):
    """At test time a unit is normalised by the corrected averages, not by the batch it comes in; they do not move."""
    network, parameters, averages = made((3, 4, 2), batch_norm=batch_norm)
    numbers = {**RELU, "batch_norm": jnp.bool_(True)}
    x, seen = rows(16, 3), averages
    for _ in range(3):
        _, seen = applied(network, parameters, seen, x, numbers, training=True)
    together, after = applied(network, parameters, seen, x, numbers, training=False)
    alone = [applied(network, parameters, seen, x[i : i + 1], numbers, training=False)[0] for i in range(16)]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-4, atol=1e-5)
    assert all((a == b).all() for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(seen), strict=True))
    # Three times the same batch: the corrected averages are its own moments, so that training gives the same.
    trained, _ = applied(network, parameters, seen, x, numbers, training=True)
    np.testing.assert_allclose(together, trained, rtol=1e-4, atol=1e-5)


def test_before_the_first_update_batch_norm_is_silent():
    """An untrained network can be measured: with no averages yet, batch norm at test time is nearly the identity."""
    network, parameters, averages = made((3, 4, 2), batch_norm="all")
    plain, _, _ = made((3, 4, 2))
    x = rows(8, 3)
    found, _ = applied(network, parameters, averages, x, RELU, training=False)
    wanted, _ = applied(plain, parameters, averages, x, RELU, training=False)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_a_program_without_batch_norm_keeps_no_averages():
    """Where no slot has batch norm, averages and their count stay as they are, so that it may be switched on later."""
    network, parameters, averages = made((3, 4, 2))
    _, after = applied(network, parameters, averages, rows(8, 3), RELU, training=True)
    assert int(after.count) == 0 and not np.asarray(after.means[0]).any()


# ---- saved models ---------------------------------------------------------------------------------------------------


def test_cut_leaves_nothing_of_the_padding():
    """A saved model has the network's own sizes, weights as [inputs, units], and nothing that shares memory."""
    shapes = Architecture(8, (6, 5), 4)
    layers, averages = first_layers(shapes, (7, 5, 3, 2), kind="he", scale=1.0, seed=0)
    found = cut(layers, averages, (7, 5, 3, 2), batch_norm=False)
    assert {name: array.shape for name, array in found.items()} == {
        "weights.0": (7, 5), "weights.1": (5, 3), "weights.2": (3, 2),
        "biases.0": (5,), "biases.1": (3,), "biases.2": (2,),
    }  # fmt: skip
    assert (found["weights.1"] == layers.weights[1][:3, :5].T).all()
    assert not any(np.shares_memory(array, leaf) for array in found.values() for leaf in jax.tree.leaves(layers))


def test_cut_with_batch_norm_has_no_hidden_biases():
    """With batch norm a saved model holds γ, β and corrected averages instead of hidden biases; untrained: 0 and 1."""
    shapes = Architecture(3, (4,), 2)
    layers, averages = first_layers(shapes, (3, 4, 2), kind="he", scale=1.0, seed=0)
    found = cut(layers, averages, (3, 4, 2), batch_norm=True)
    assert set(found) == {"weights.0", "gamma.0", "beta.0", "mean.0", "variance.0", "weights.1", "biases.1"}
    assert not found["mean.0"].any() and (found["variance.0"] == 1).all()
    after = Averages((np.full(4, 0.19, np.float32),), (np.full(4, 0.38, np.float32),), np.int32(2))
    seen = cut(layers, after, (3, 4, 2), batch_norm=True)  # 1 − 0.9² = 0.19
    np.testing.assert_allclose(seen["mean.0"], 1.0, rtol=1e-6)
    np.testing.assert_allclose(seen["variance.0"], 2.0, rtol=1e-6)
