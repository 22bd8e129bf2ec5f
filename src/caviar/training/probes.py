"""What a mini-batch looks like from inside: gradients, activations and updates of every layer of ONE perceptron.

Compiling is what probes cost most. All sums over rows or inputs of a layer are therefore one product with a vector, all
layers are put together before their units are summed, and logarithms and shares are the host's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caviar.networks.activations import NAMES
from caviar.networks.architecture import Architecture
from caviar.networks.mlp import Layers, Perceptron
from caviar.records.probes import PROBES
from caviar.training.features import Features
from caviar.training.passes import Trace, at_outputs, downwards, upwards
from caviar.training.scaled import Scaled
from caviar.training.step import Batch

# A unit is saturated where its slope is below 5 % of its largest on 95 % of the rows: |tanh z| > √0.95.
SATURATED = {"tanh": float(np.arctanh(np.sqrt(0.95))), "sigmoid": 2.0 * float(np.arctanh(np.sqrt(0.95)))}
SATURATED_ROWS = 0.95
# Within it tanh z = z to 5 %; σ(z) = ½ + ½ tanh(z/2), so twice as far.
LINEAR = {"tanh": 0.4, "sigmoid": 0.8}
# Units whose incoming weights differ by less than this share of their length are twins: equal units stay equal but for
# the rounding of their sums.
TWINS = 1e-4
# What the program sums for each layer, and the scales of what the layer was given, of its activations and its errors.
RAW = (
    "gradient",  # Σ g²
    "weights",  # Σ w²
    "moved",  # Σ Δw²
    "nonzero",  # weights
    "twins",  # units with the first unit's incoming weights, itself among them
    "means",  # Σ over units of their mean activation over the rows, from that of the first unit
    "means_squared",
    "within",  # Σ of squared distances from the units' own means
    "errors",  # Σ (dJ/dz)²
    "dead",  # units
    "saturated",  # units
    "linear",  # pre-activations
    "first_mean",  # of the first unit
    "log_below",
    "log_above",
    "log_error",
    "rows",
)


def count(architecture: Architecture) -> int:
    """Numbers that a network's probes are."""
    return (len(architecture.hidden) + 1) * len(RAW)


def probed_batch(counts: Array, stop: Array) -> Array:
    """The epoch's last mini-batch, or the one before where less than half of it is rows: few rows say little of units.

    Args:
        counts: real rows of each mini-batch of the epoch [U].
        stop: mini-batches of the epoch.
    """
    short = 2 * counts[stop - 1] < counts[0]
    return jnp.maximum(jnp.where(short, stop - 2, stop - 1), 0)


def around(start: Array, place: Array, stop: Array, update: Any, carry: Any) -> tuple[Any, tuple[Any, Any]]:
    """The loop over an epoch's updates, and the parameters before and after the one at `place`.

    Three parts (before, at, after `place`) of one loop that is compiled once; parameters are copied once a part.

    Returns:
        What is carried at the end (the state of training first), and the two parameters.
    """

    def part(number: Array, whole: Any) -> Any:
        carry, _, previous = whole
        ends = jnp.stack([jnp.maximum(start, place), jnp.maximum(start, place + 1), stop])
        first = jnp.where(number == 0, start, ends[number - 1])
        return jax.lax.fori_loop(first, ends[number], update, carry), previous, carry[0].parameters

    now = carry[0].parameters
    carry, before, after = jax.lax.fori_loop(0, 3, part, (carry, now, now))
    return carry, (before, after)


def measure(
    before: Layers, after: Layers, batch: Batch, hyperparameters: Mapping[str, Array], features: Features, loss: str
) -> Float[Array, "L R"]:
    """What is summed for the probes of one network at one update.

    Args:
        before, after: the parameters before and after the update.
        batch: its mini-batch.
        hyperparameters: of the slot.

    Returns:
        A row a layer in the order of RAW, of which `by_layer` makes the probes on the host.
    """
    traces = upwards(before, batch, hyperparameters, features.network)
    errors = downwards(before, traces, at_outputs(traces[-1].above, batch, hyperparameters, features, loss))
    of_weights, of_rows = [], []
    for layer, (trace, error) in enumerate(zip(traces, errors, strict=True)):
        of_weights.append(_weight_sums(before.weights[layer], after.weights[layer], error.value @ trace.below.value.T))
        of_rows.append(_row_sums(trace, error, batch.present, hyperparameters, features.network.activations))
    units = jnp.stack([*hyperparameters["units"], hyperparameters["classes"]])
    rows = jnp.sum(batch.present)
    sums = _sums(_level([jnp.concatenate(parts) for parts in zip(of_weights, of_rows, strict=True)]), units, rows)
    logs = [jnp.stack([t.below.log, t.above.log, e.log, rows]) for t, e in zip(traces, errors, strict=True)]
    return jnp.concatenate([sums, jnp.stack(logs).astype(sums.dtype)], axis=1)


def _weight_sums(before: Array, after: Array, gradient: Array) -> Float[Array, "5 H"]:
    """Of each unit's incoming weights: Σ g², Σ w², Σ Δ², how many are not 0, Σ (w − the first unit's)²."""
    moved, apart = after - before, before - before[:1]
    terms = [gradient * gradient, before * before, moved * moved, (after != 0).astype(before.dtype), apart * apart]
    return jnp.stack(terms) @ jnp.ones(before.shape[1], before.dtype)


def _row_sums(
    trace: Trace, error: Scaled, present: Array, hyperparameters: Mapping[str, Array], used: tuple[str, ...]
) -> Float[Array, "7 H"]:
    """Of each unit over the real rows: Σ (a − s), Σ (a − s)² with s its first row's a, s, Σ (dJ/dz)²,
    and how many a are not 0, how many z saturated and how many in the linear part."""
    above, first = trace.above.value, trace.above.value[:, :1]
    from_first, dtype = above - first, above.dtype
    bounds = [
        jnp.asarray([table.get(name, 0.0) for name in NAMES], dtype)[hyperparameters["activation"]]
        for table in (SATURATED, LINEAR)
    ]
    terms = [from_first, from_first * from_first, jnp.square(error.value), (above != 0).astype(dtype)]
    if trace.slope is not None and {"tanh", "sigmoid"} & set(used):
        size = jnp.abs(trace.z.plain)
        terms += [(size > bounds[0]).astype(dtype), (size < bounds[1]).astype(dtype)]
    sums = jnp.stack(terms) @ present
    return jnp.concatenate([sums, jnp.zeros((6 - len(sums), len(above)), dtype), first.T])


def _level(parts: Sequence[Array]) -> Array:
    """[n, H] of each layer as one array [L, n, widest H]."""
    widest = max(part.shape[1] for part in parts)
    return jnp.stack([jnp.pad(part, ((0, 0), (0, widest - part.shape[1]))) for part in parts])


def _sums(by_unit: Float[Array, "L n H"], units: Array, rows: Array) -> Float[Array, "L s"]:
    """Sums over the real units of every layer, in the order of RAW.

    Args:
        by_unit: what `_weight_sums` and `_row_sums` gave, 0 beyond a layer's units.
        units: [L] real units.
        rows: real rows.
    """
    gradient, weights, moved, nonzero, apart, shifted, squares, errors, lit, far, near, first = jnp.moveaxis(
        by_unit, 1, 0
    )
    own = first + shifted / rows
    from_first = own - own[:, :1]
    terms = [
        gradient,
        weights,
        moved,
        nonzero,
        apart <= TWINS**2 * jnp.maximum(weights, weights[:, :1]),
        from_first,
        from_first * from_first,
        squares - shifted * shifted / rows,
        errors,
        lit == 0,
        far >= SATURATED_ROWS * rows,
        near,
    ]
    real = (jnp.arange(by_unit.shape[2])[None, :] < units[:, None])[:, None]
    told = jnp.stack([term.astype(by_unit.dtype) for term in terms], axis=1)
    return jnp.concatenate([jnp.sum(jnp.where(real, told, 0.0), axis=2), own[:, :1]], axis=1)


def by_layer(raw: np.ndarray, widths: Sequence[Sequence[int]], used: Sequence[str]) -> Float[np.ndarray, "n L P"]:
    """The probes from what the program measured, in float64 on the host.

    Args:
        raw: [n, L·len(RAW)], a row a slot and epoch.
        widths: of each row's network, from input to output.
        used: each row's activation.

    Returns:
        float32 in the order of `records.probes.PROBES`; NaN where a share belongs to other activations, to hidden
        layers, or to layers of several units.
    """
    found = dict(zip(RAW, np.moveaxis(raw.reshape(len(raw), -1, len(RAW)).astype(np.float64), 2, 0), strict=True))
    sizes = np.asarray(widths, np.float64).reshape(len(raw), -1)
    below, units, rows = sizes[:, :-1], sizes[:, 1:], found["rows"]
    hidden = np.arange(units.shape[1]) < units.shape[1] - 1
    activation = np.asarray(used)[:, None]
    dead, curved = hidden & (activation == "relu"), hidden & np.isin(activation, ("tanh", "sigmoid"))
    with np.errstate(all="ignore"):  # what is 0, infinite or NaN says so
        from_first = found["means"] / units
        spread = (found["within"] / rows + found["means_squared"]) / units - from_first**2
        probes = {
            "log10_gradient_norm": found["log_below"] + found["log_error"] + 0.5 * np.log10(found["gradient"]),
            "log10_backward_norm": found["log_error"] + 0.5 * np.log10(found["errors"]),
            "weight_norm": np.sqrt(found["weights"]),
            "update_ratio": np.where(found["moved"] == 0, 0.0, np.sqrt(found["moved"] / found["weights"])),
            "activation_mean": (from_first + found["first_mean"]) * 10.0 ** found["log_above"],
            "log10_activation_spread": found["log_above"] + 0.5 * np.log10(np.maximum(spread, 0.0)),
            "dead_share": np.where(dead, found["dead"] / units, np.nan),
            "saturated_share": np.where(curved, found["saturated"] / units, np.nan),
            "linear_share": np.where(curved, found["linear"] / (units * rows), np.nan),
            "zero_share": 1.0 - found["nonzero"] / (below * units),
            "twin_share": np.where(hidden & (units > 1), (found["twins"] - 1) / (units - 1), np.nan),
        }
        return np.stack([probes[name] for name in PROBES], axis=2).astype(np.float32)


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
    found = by_layer(np.asarray(raw)[None].reshape(1, -1), [widths], [activation])
    return {name: found[:, :, place] for place, name in enumerate(PROBES)}


def _unit_major(layers: Sequence[tuple[Any, Any]]) -> Layers:
    """Weights as the program has them, [H, n]."""
    weights = tuple(jnp.asarray(np.asarray(given).T, jnp.float32) for given, _ in layers)
    return Layers(weights, tuple(jnp.asarray(biases, jnp.float32) for _, biases in layers), (), ())
