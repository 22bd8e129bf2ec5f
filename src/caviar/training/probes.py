"""What a mini-batch looks like from inside: gradients, activations and updates of every layer of ONE perceptron.

Compiling is what probes cost most. On a CPU XLA hands a reduction of plain arithmetic to a library that reads its
operands where they are and compiles nothing, so that each number here is one such sum; logarithms, shares and what is
said of single units are the host's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caviar.networks.activations import NAMES
from caviar.networks.mlp import Layers, Perceptron
from caviar.records.probes import PROBES
from caviar.training.by_layer import by_layer, of_unit
from caviar.training.features import Features
from caviar.training.passes import at_outputs, downwards, upwards
from caviar.training.step import Batch

# Beyond it the slope of tanh is below 5 % of its largest: |tanh z| > √0.95; of σ at twice as much.
SATURATED = {"tanh": float(np.arctanh(np.sqrt(0.95))), "sigmoid": 2.0 * float(np.arctanh(np.sqrt(0.95)))}
# Within it tanh z = z to 5 %; σ(z) = ½ + ½ tanh(z/2), so twice as far.
LINEAR = {"tanh": 0.4, "sigmoid": 0.8}


def ends_of(counts: np.ndarray, start: int, stops: np.ndarray, look: bool) -> np.ndarray:
    """Where the parts of each epoch end for `around` [groups, E, 4].

    What is looked at is an epoch's last mini-batch, or the one before where less than half of it is rows: few rows say
    little of units.

    Args:
        counts: real rows of each mini-batch [groups, E, U].
        start: the first update.
        stops: one past the last, of each group.
        look: whether the end of the epoch is reached.

    >>> ends_of(np.array([[[64, 64, 20]]]), 0, np.array([3]), True).tolist()
    [[[0, 1, 2, 3]]]
    """
    stop = np.broadcast_to(stops[:, None], counts.shape[:2])
    last = np.take_along_axis(counts, np.maximum(stop - 1, 0)[..., None], axis=2)[..., 0]
    place = np.where(look, np.maximum(stop - 1 - (2 * last < counts[..., 0]), 0), stop)
    place = np.maximum(start, place)
    return np.stack([np.full_like(stop, start), place, np.minimum(place + 1, stop), stop], axis=-1).astype(np.int32)


def around(ends: Array, update: Any, carry: Any, look: Any, seen: Array) -> tuple[Any, Array]:
    """The loop over an epoch's updates, and a look at one of them.

    Parts (before, at, after the update looked at) of one loop that is compiled once. Each copies the parameters that it
    begins with; empty ones at the end are not begun.

    Args:
        ends: the first update, the one looked at, the one after it, and one past the last [4]; one past the last in
            place of the two in the middle where none is looked at.
        update: (index, carry) -> carry, of which the state of training comes first.
        look: (parameters before, parameters after, seen) -> seen, with what the update shows.
        seen: where that goes.

    Returns:
        What is carried at the end, and what was seen.
    """

    def part(number: Array, whole: Any) -> Any:
        carry, seen = whole
        before = carry[0].parameters
        carry = jax.lax.fori_loop(ends[number], ends[number + 1], update, carry)
        seen = jax.lax.cond(number == 1, look, lambda _, __, seen: seen, before, carry[0].parameters, seen)
        return carry, seen

    parts = 1 + jnp.sum(ends[1:3] < ends[3])
    whole: tuple[Any, Array] = jax.lax.fori_loop(0, parts, part, (carry, seen))
    return whole


def measure(
    before: Layers, after: Layers, batch: Batch, hyperparameters: Mapping[str, Array], features: Features, loss: str
) -> Float[Array, " M"]:
    """What is summed for the probes of one network at one update.

    Args:
        before, after: the parameters before and after the update.
        batch: its mini-batch.
        hyperparameters: of the slot.

    Returns:
        Layer after layer OF_LAYER and, for each of OF_UNIT, its units; `by_layer` makes the probes of it on the host.
    """
    traces = upwards(before, batch, hyperparameters, features.network)
    errors = downwards(before, traces, at_outputs(traces[-1].above, batch, hyperparameters, features, loss))
    rows, told = jnp.sum(batch.present), []
    for layer, (trace, error) in enumerate(zip(traces, errors, strict=True)):
        weights, moved = before.weights[layer], after.weights[layer]
        gradient = error.value @ trace.below.value.T
        first = trace.above.value[:, :1]
        from_first = (trace.above.value - first) * batch.present[None, :]
        sums = [
            jnp.sum(gradient * gradient),
            jnp.sum(weights * weights),
            jnp.sum(jnp.square(moved - weights)),
            jnp.sum(jnp.abs(jnp.sign(moved))),
            jnp.sum(error.value * error.value),
            jnp.sum(from_first * from_first),
            trace.below.log,
            trace.above.log,
            error.log,
            rows,
        ]
        told += [jnp.asarray(one, rows.dtype)[None] for one in sums]
        by_unit = [first[:, 0], jnp.sum(from_first, axis=1), jnp.sum(jnp.square(weights - weights[:1]), axis=1)]
        measured = of_unit(layer, len(traces), features.network.activations)
        if "flat" in measured:
            by_unit += _of_curve(jnp.abs(trace.z.plain), batch.present, hyperparameters["activation"])
        told += by_unit[: len(measured)]
    return jnp.concatenate(told)


def _of_curve(size: Array, present: Array, activation: Array) -> list[Float[Array, " H"]]:
    """Of each unit, how many pre-activations of this size [H, B] lie in the flat and in the linear part of a curve."""
    far, near = (
        jnp.asarray([table.get(name, 0.0) for name in NAMES], size.dtype)[activation] for table in (SATURATED, LINEAR)
    )
    return [jnp.sum(reached * present[None, :], axis=1) for reached in (_reaches(size, far), _reaches(near, size))]


def _reaches(value: Array, bound: Array) -> Array:
    """1 where value ≥ bound, else 0, in arithmetic: XLA's library of reductions takes it whole, but no comparisons."""
    return 1.0 - jnp.maximum(jnp.sign(bound - value), 0.0)


def probe(
    layers: Sequence[tuple[Any, Any]],
    inputs: Any,
    targets: Any,
    *,
    activation: str = "relu",
    loss: str = "softmax",
    after: Sequence[tuple[Any, Any]] | None = None,
) -> dict[str, Float[np.ndarray, "1 L"]]:
    """The probes of given weights on given rows, as a history of one epoch; of any depth, as nothing is compiled whole.

    Args:
        layers: weights [n, H] and biases [H] of each layer, from the inputs on.
        inputs: [B, D].
        targets: [B] class indices, or numbers.
        activation: of the hidden layers.
        loss: "softmax", "logistic" or "squared".
        after: the layers after an update, for "update_ratio" and "zero_share"; by default they have not moved.

    Returns:
        By each name of `records.probes.PROBES` an array [1, L].

    >>> half = [(0.5 * np.eye(2), np.zeros(2))] * 150
    >>> found = probe(half, np.eye(2), np.arange(2), activation="identity")
    >>> bool(abs(found["log10_activation_spread"][0, -1] - 150 * np.log10(0.5)) < 1)
    True
    """
    widths = (len(layers[0][0]), *(len(biases) for _, biases in layers))
    rows = len(targets)
    kind = np.float32 if loss == "squared" else np.int32
    ones = jnp.ones(rows, jnp.float32)
    batch = Batch(jnp.asarray(inputs, jnp.float32), jnp.asarray(targets, kind), ones, ones, jax.random.key(0))
    features = Features(Perceptron((activation,)), padded_outputs=False)
    hidden = np.asarray(widths[1:-1], np.int32)
    numbers = {
        "units": jnp.asarray(hidden),
        "classes": jnp.asarray(widths[-1]),
        "activation": jnp.asarray(NAMES.index(activation)),
    }
    first, then = (_unit_major(given) for given in (layers, after or layers))
    raw = measure(first, then, batch, numbers, features, loss)
    found = by_layer(np.asarray(raw)[None], widths, [activation], [widths], [activation])
    return {name: found[:, :, place] for place, name in enumerate(PROBES)}


def _unit_major(layers: Sequence[tuple[Any, Any]]) -> Layers:
    """Weights as the program has them, [H, n]."""
    weights = tuple(jnp.asarray(np.asarray(given).T, jnp.float32) for given, _ in layers)
    return Layers(weights, tuple(jnp.asarray(biases, jnp.float32) for _, biases in layers), (), ())
