"""The forward pass of a saved network in NumPy, so that predicting needs no JAX."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from caviar.errors import ModelError

_ELEMENTS = 1 << 21  # values of the widest layer held at a time: 8 MB in float32, which stays near the caches


def forward(
    arrays: Mapping[str, np.ndarray], plain: Mapping[str, Any], inputs: np.ndarray, dtype: Any = np.float32
) -> np.ndarray:
    """The outputs of a multilayer perceptron in test mode.

    For every hidden layer z = x·W + b, or with batch normalisation z = γ·(x·W − μ)/√(σ² + ε) + β with the moments kept
    from training; then the activation. Normalised after the activation, a = γ·(g(x·W + b) − μ)/√(σ² + ε) + β. The
    output layer is x·W + b, or normalised like a hidden one without its activation.

    Args:
        arrays: "weights.i" [H_i, H_i+1], "biases.i" [H_i+1], where a layer is normalised "gamma.i", "beta.i", "mean.i"
            and "variance.i" [H_i+1], before the activation instead of its biases; i = 0 … L−1 hidden layers, L the
            output layer.
        plain: "network" with "activation", "batch_norm", "batch_norm_place" ("before" where it is not said),
            "batch_norm_output" (False), "epsilon", "hidden" (list of widths), "outputs".
        inputs: [n, D].
        dtype: float32 or float64, of the computation and the result.

    Returns:
        Logits, or a regression's standardised outputs, [n, C].

    Raises:
        ModelError: an array is missing or does not fit, or the inputs have another number of features.

    >>> network = {"activation": "relu", "batch_norm": False, "hidden": [2], "outputs": 1}
    >>> arrays = {"weights.0": np.eye(2), "biases.0": np.zeros(2), "weights.1": np.ones((2, 1)), "biases.1": np.ones(1)}
    >>> forward(arrays, {"network": network}, np.array([[1.0, -2.0]])).tolist()
    [[2.0]]
    """
    network = _network(plain)
    layers = _layers(arrays, network, np.dtype(dtype))
    inputs = np.asarray(inputs)
    features = layers[0].weights.shape[0]
    if inputs.ndim != 2 or inputs.shape[1] != features:
        raise ModelError(f"This model takes inputs [n, {features}]. Got {list(inputs.shape)}.")
    outputs = np.empty((len(inputs), layers[-1].weights.shape[1]), dtype)
    rows = max(1, _ELEMENTS // max(max(layer.weights.shape) for layer in layers))
    # A weight or an input that overflows gives infinity, as on the device; a warning would add nothing.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for start in range(0, len(inputs), rows):
            x = inputs[start : start + rows].astype(dtype, copy=False)
            for layer in layers:
                x = layer.apply(x, batch=False)
            outputs[start : start + rows] = x
    return outputs


def forward_in_batches(
    arrays: Mapping[str, np.ndarray],
    plain: Mapping[str, Any],
    inputs: np.ndarray,
    batches: Sequence[np.ndarray],
    dtype: Any = np.float64,
) -> np.ndarray:
    """The outputs in train mode without dropout: batch norm by the moments of each mini-batch.

    Args:
        arrays, plain, inputs: see `forward`.
        batches: row numbers of each mini-batch; every row is in one of them.

    Returns:
        [n, C], in the order of the inputs.

    >>> network = {"activation": "identity", "batch_norm": True, "hidden": [1], "outputs": 1}
    >>> one, none = np.ones(1), np.zeros(1)
    >>> arrays = {"weights.0": np.eye(1), "gamma.0": one, "beta.0": none, "mean.0": none, "variance.0": one}
    >>> arrays |= {"weights.1": np.eye(1), "biases.1": none}
    >>> inputs = np.array([[0.0], [10.0], [2.0], [4.0]])
    >>> forward_in_batches(arrays, {"network": network}, inputs, np.array([[0, 1], [2, 3]])).round(2).tolist()
    [[-1.0], [1.0], [-1.0], [1.0]]
    """
    network = _network(plain)
    layers = _layers(arrays, network, np.dtype(dtype))
    outputs = np.empty((len(inputs), layers[-1].weights.shape[1]), dtype)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for rows in batches:
            x = np.asarray(inputs)[rows].astype(dtype, copy=False)
            for layer in layers:
                x = layer.apply(x, batch=True)
            outputs[rows] = x
    return outputs


def with_moments_of(
    arrays: Mapping[str, np.ndarray],
    plain: Mapping[str, Any],
    inputs: np.ndarray,
    batches: Sequence[np.ndarray],
) -> dict[str, np.ndarray]:
    """The arrays with batch norm's kept moments replaced by those of a pass over these rows.

    Each mini-batch is normalised by itself, as in training without dropout; the moments are taken over all rows.

    Args:
        arrays, plain, inputs, batches: see `forward_in_batches`.
    """
    layers = _layers(arrays, _network(plain), np.dtype(np.float64))
    seen: dict[int, list[np.ndarray]] = {i: [] for i, layer in enumerate(layers) if layer.norm is not None}
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for rows in batches:
            x = np.asarray(inputs)[rows].astype(np.float64, copy=False)
            for i, layer in enumerate(layers):
                if layer.norm is not None:
                    seen[i].append(layer.normalised(x))
                x = layer.apply(x, batch=True)
    found = dict(arrays)
    for i, parts in seen.items():
        whole = np.concatenate(parts)
        found |= {f"mean.{i}": whole.mean(axis=0), f"variance.{i}": whole.var(axis=0)}
    return found


def _network(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    network = plain.get("network")
    if not isinstance(network, Mapping):
        raise ModelError("This model holds no network. Save it anew.")
    for name in ("hidden", "activation"):
        if name not in network:
            raise ModelError(f"This model's network does not say its '{name}'. Save it anew.")
    widths = network["hidden"]
    if not isinstance(widths, list | tuple) or not all(isinstance(width, int) for width in widths):
        raise ModelError(f"This model's 'hidden' must list the layers' widths. Got {widths!r:.80}. Save it anew.")
    if not isinstance(network["activation"], str) or network["activation"] not in ACTIVATIONS:
        known = ", ".join(ACTIVATIONS)
        raise ModelError(
            f"This model's activation is {network['activation']!r}; this Caviar knows {known}. Upgrade Caviar."
        )
    return network


@dataclass(frozen=True)
class _Norm:
    """One layer's batch normalisation, each array [H]."""

    epsilon: float
    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    def apply(self, z: np.ndarray, batch: bool) -> np.ndarray:
        """By the kept moments, or by those of these rows."""
        mean, variance = (z.mean(axis=0), z.var(axis=0)) if batch else (self.mean, self.variance)
        z -= mean  # before the factor: the other way round loses digits where the mean is large
        z *= self.gamma / np.sqrt(variance + variance.dtype.type(self.epsilon))
        z += self.beta
        return z


@dataclass(frozen=True)
class _Layer:
    """One layer: weights, then bias or normalisation, the activation, and perhaps a normalisation after it."""

    weights: np.ndarray
    biases: np.ndarray | None
    before: _Norm | None
    activation: Callable[[np.ndarray], np.ndarray]
    after: _Norm | None

    @property
    def norm(self) -> _Norm | None:
        """Its normalisation, wherever it stands."""
        return self.before or self.after

    def _affine(self, x: np.ndarray) -> np.ndarray:
        z = x @ self.weights
        if self.biases is not None:
            z += self.biases
        return z

    def normalised(self, x: np.ndarray) -> np.ndarray:
        """What its normalisation is applied to."""
        z = self._affine(x)
        return self.activation(z) if self.after is not None else z

    def apply(self, x: np.ndarray, batch: bool) -> np.ndarray:
        """What the layer gives; normalised by the kept moments, or by those of these rows."""
        z = self._affine(x)
        if self.before is not None:
            z = self.before.apply(z, batch)
        a = self.activation(z)
        return a if self.after is None else self.after.apply(a, batch)


def _layers(arrays: Mapping[str, np.ndarray], network: Mapping[str, Any], dtype: np.dtype) -> list[_Layer]:
    """Every layer in the type of the computation, shapes checked."""
    hidden = list(network["hidden"])
    widths = [*hidden, network["outputs"]] if "outputs" in network else hidden
    layers = []
    width = np.shape(arrays.get("weights.0", ()))[:1]
    for i in range(len(hidden) + 1):
        last = i == len(hidden)
        normed = bool(network.get("batch_norm")) and (not last or bool(network.get("batch_norm_output")))
        after = normed and not last and network.get("batch_norm_place", "before") == "after"
        of_norm = ("gamma", "beta", "mean", "variance") if normed else ()
        rest = of_norm if normed and not after else ("biases", *of_norm)
        layer = {name: _array(arrays, f"{name}.{i}", dtype) for name in ("weights", *rest)}
        units = tuple(widths[i : i + 1]) or layer["weights"].shape[1:]
        _fit(layer, i, (*width, *units))
        width = units
        activation = _identity if last else ACTIVATIONS[network["activation"]]
        epsilon = float(network.get("epsilon", 1e-5))
        norm = _Norm(epsilon, **{name: layer[name] for name in of_norm}) if normed else None
        before, behind = (None, norm) if after else (norm, None)
        layers.append(_Layer(layer["weights"], layer.get("biases"), before, activation, behind))
    return layers


def _array(arrays: Mapping[str, np.ndarray], name: str, dtype: np.dtype) -> np.ndarray:
    if name not in arrays:
        raise ModelError(f"This model lacks its array '{name}'. Save it anew.")
    return np.asarray(arrays[name]).astype(dtype, copy=False)


def _fit(layer: Mapping[str, np.ndarray], number: int, shape: tuple[int, ...]) -> None:
    for name, array in layer.items():
        wanted = shape if name == "weights" else shape[1:]
        if array.shape != wanted:
            raise ModelError(
                f"This model's array '{name}.{number}' must be {list(wanted)}. Got {list(array.shape)}. Save it anew."
            )


def _sigmoid(x: np.ndarray) -> np.ndarray:
    falling = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1, falling) / (1 + falling)


def _gelu(x: np.ndarray) -> np.ndarray:
    """0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), the form the engine uses (Hendrycks & Gimpel, arXiv 1606.08415)."""
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))


def _identity(x: np.ndarray) -> np.ndarray:
    return x


def probabilities(logits: np.ndarray, output: str) -> np.ndarray:
    """Class probabilities from logits, never NaN for finite logits of any size.

    Args:
        logits: [n, C] for "softmax", [n, 1] for "logistic".
        output: "softmax" or "logistic".

    Returns:
        [n, C]; two columns for "logistic": of the first class and of the second.

    Raises:
        ModelError: a regression has no probabilities, or the shape does not fit.

    >>> probabilities(np.array([[0.0], [1e30]]), "logistic").tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    logits = np.asarray(logits)
    if output not in ("softmax", "logistic"):
        raise ModelError(f"Only classifiers give probabilities. This model's output is {output!r}.")
    if logits.ndim != 2 or (output == "logistic" and logits.shape[1] != 1):
        columns = 1 if output == "logistic" else "C"
        raise ModelError(f"The logits of output {output!r} must be [n, {columns}]. Got {list(logits.shape)}.")
    with np.errstate(over="ignore", under="ignore"):
        if output == "logistic":
            return np.concatenate([_sigmoid(-logits), _sigmoid(logits)], axis=1)
        largest = np.finfo(logits.dtype).max if logits.dtype.kind == "f" else np.inf
        shifted = np.clip(logits, -largest, largest)  # an infinite logit wins or loses, rather than becoming NaN
        shifted = np.exp(shifted - shifted.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.01 * x),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "silu": lambda x: x * _sigmoid(x),
    "gelu": _gelu,
    "identity": _identity,
}
