"""One network of the engine, update by update, from a configuration as a person writes it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

import jax
import numpy as np

from caviar.networks.architecture import Architecture
from caviar.networks.mlp import Averages, Layers, first_layers
from caviar.search.hyperparameters import complete
from caviar.training import device
from caviar.training.features import Features, features_of
from caviar.training.optimisers import Moments
from caviar.training.step import Batch, TrainState, step
from caviar.training.values import Assignment, schedule, slot_values

device.start()

Weights = list[np.ndarray]


def wide() -> Any:
    """A context in which JAX computes in 64 bits."""
    return jax.enable_x64(True)


@cache
def compiled(features: Features, loss: str) -> Any:
    """The update of one network, compiled once for all that use the same."""
    return jax.jit(partial(step, features=features, loss=loss))


class Engine:
    """One network of a configuration on some rows, in double precision, without padding.

    Args:
        configuration: what differs from the defaults; `hidden` gives the layers.
        inputs: [m, D].
        targets: [m], class indices or numbers.
        loss: "softmax", "logistic" or "squared".
        examples: m of the stream, by which λ is divided; None: all rows.
        seed: of the first weights.
        updates: of an epoch, for decays.
        within: a program that holds more than the configuration uses, to be shared with others.
    """

    def __init__(
        self,
        configuration: Mapping[str, Any],
        inputs: np.ndarray,
        targets: np.ndarray,
        loss: str = "squared",
        *,
        examples: int | None = None,
        seed: int = 0,
        updates: int = 1,
        within: Features | None = None,
    ) -> None:
        self.configuration = complete({"hidden": [], "optimiser": "gradient_descent", **configuration})
        self.inputs, self.targets, self.loss = np.asarray(inputs, np.float64), np.asarray(targets), loss
        outputs = int(self.targets.max()) + 1 if loss == "softmax" else 1
        hidden = tuple(self.configuration["hidden"])
        self.architecture = Architecture(self.inputs.shape[1], hidden, outputs, loss, len(inputs), "float64")
        widths = self.architecture.widths
        self.own = Assignment(
            0, self.configuration, seed, widths, examples or len(inputs), updates, horizon=10**6, stop_at=10**6
        )
        self.features = within or features_of([self.configuration], padded_outputs=False)
        c = self.configuration
        layers, averages = first_layers(
            self.architecture, widths, kind=c["initialisation"], scale=c["initialisation_scale"], seed=seed
        )
        self.state = fresh(layers, averages)
        self.t = 0
        self._values = {name: value[0] for name, value in slot_values([self.own], self.architecture).items()}
        self._step = compiled(self.features, loss)

    def begin(self, weights: Sequence[np.ndarray], biases: Sequence[np.ndarray]) -> "Engine":
        """Go on from these weights [n[l-1], n[l]] and biases [n[l]], with nothing remembered."""
        layers = self.state.parameters._replace(
            weights=tuple(np.ascontiguousarray(np.asarray(w, np.float64).T) for w in weights),
            biases=tuple(np.asarray(b, np.float64) for b in biases),
        )
        self.state, self.t = fresh(layers, self.state.averages), 0
        return self

    def update(self, rows: np.ndarray | None = None) -> float:
        """One update on some rows, all by default; the cost of these rows before it, without penalties."""
        rows = np.arange(len(self.inputs)) if rows is None else rows
        self.t += 1
        table = schedule([self.own], [np.asarray([self.t])])[0, 0]
        numbers = dict(zip(("rate", "correction_1", "correction_2"), table, strict=True))
        key = jax.random.wrap_key_data(np.asarray([7, self.t], np.uint32))
        ones = np.ones(len(rows))
        batch = Batch(self.inputs[rows], self.targets[rows], ones, ones, key)
        self.state, cost = self._step(self.state, batch, {**self._values, **numbers})
        return float(cost)

    def descend(self, updates: int, rows: Iterator[np.ndarray] | None = None) -> list[float]:
        """Several updates; the costs before each."""
        return [self.update(None if rows is None else next(rows)) for _ in range(updates)]

    @property
    def weights(self) -> Weights:
        """W[l] as NumPy arrays [n[l-1], n[l]]."""
        return [np.asarray(w).T for w in self.state.parameters.weights]

    @property
    def biases(self) -> Weights:
        """b[l] as NumPy arrays [n[l]]."""
        return [np.asarray(b) for b in self.state.parameters.biases]

    def outputs(self, inputs: np.ndarray | None = None, *, training: bool = False, tick: int = 0) -> np.ndarray:
        """What the network gives before softmax or sigmoid, [n, C]."""
        rows = self.inputs if inputs is None else np.asarray(inputs, np.float64)
        key = jax.random.wrap_key_data(np.asarray([7, tick], np.uint32))
        found, _ = self.features.network.apply(
            self.state.parameters,
            self.state.averages,
            jax.numpy.asarray(rows),
            key=key if training else None,
            hyperparameters=jax.tree.map(jax.numpy.asarray, self._values),
            training=training,
        )
        return np.asarray(found)


def fresh(layers: Layers, averages: Averages) -> TrainState:
    """A state in which nothing is remembered."""
    zeros = jax.tree.map(np.zeros_like, layers)
    return TrainState(layers, averages, Moments(zeros, zeros), *[np.zeros(())] * 3)


def in_turn(order: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    """Mini-batches of rows, epoch after epoch in the same order, the last short one included."""
    while True:
        yield from (order[start : start + batch] for start in range(0, len(order), batch))
