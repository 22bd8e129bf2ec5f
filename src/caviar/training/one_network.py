"""One trial's network outside the slots, in double precision: its cost, its gradient and its steps are the engine's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from caviar.networks.architecture import Architecture
from caviar.networks.mlp import Layers, first_layers
from caviar.networks.normalisation import Averages
from caviar.training.augmentation import unaugmented
from caviar.training.batches import Version
from caviar.training.features import Features, features_of
from caviar.training.optimisers import Moments
from caviar.training.step import Batch, TrainState, batch_cost, penalised, step, used_part
from caviar.training.values import Assignment, slot_values


@dataclass(frozen=True)
class OneNetwork:
    """A network with one fixed mini-batch. Its functions are to be called inside `jax.enable_x64(True)`.

    Args:
        assignment: what it is to train.
        architecture: its own sizes, float64, the batch's rows.
        features: what it uses.
        batch: the fields of `step.Batch` as NumPy arrays; the key as the two words that dropout's masks are made of.
    """

    assignment: Assignment
    architecture: Architecture
    features: Features
    batch: Mapping[str, Any]

    @property
    def first(self) -> tuple[Layers, Averages]:
        """The trial's first parameters and averages."""
        c = self.assignment.configuration
        return first_layers(
            self.architecture,
            self.assignment.widths,
            kind=c["initialisation"],
            scale=c["initialisation_scale"],
            seed=self.assignment.seed,
        )

    def used(self, parameters: Layers) -> Any:
        """The parameters without what this network does not use (γ and β, or biases before batch norm stay 0)."""
        return used_part(self.features, parameters)

    def cost(self) -> Callable[[Any], Any]:
        """J of the parameters: the cost that `step` descends on this batch, and the penalties of L2 and L1."""

        def whole(parameters: Any) -> Any:
            batch, values, averages = self._placed()
            value, _ = batch_cost(parameters, averages, batch, values, features=self.features, loss=self._loss)
            return value + self.features.rule.penalty(parameters, self._penalised(parameters, values), values)

        return whole

    def gradient(self) -> Callable[[Any], Any]:
        """dJ of the parameters as the engine has it: the batch's gradient, with what the update rule adds to it."""

        @jax.jit
        def whole(parameters: Any) -> Any:
            batch, values, averages = self._placed()
            gradients, _ = jax.grad(batch_cost, has_aux=True)(
                parameters, averages, batch, values, features=self.features, loss=self._loss
            )
            return self.features.rule.subgradients(parameters, gradients, self._penalised(parameters, values), values)

        return whole

    def descent(self, steps: int) -> Callable[[Any, Any], Any]:
        """The costs J before the first and after every one of some steps of the engine at a constant rate.

        Returns:
            A function of parameters and rate; its result has shape [steps + 1].
        """
        cost = self.cost()

        @jax.jit
        def path(parameters: Any, rate: Any) -> Any:
            batch, values, averages = self._placed()
            numbers = values | {"rate": rate, "correction_1": jnp.ones_like(rate), "correction_2": jnp.ones_like(rate)}
            zeros = jax.tree.map(jnp.zeros_like, parameters)
            nothing = jnp.zeros((), rate.dtype)
            state = TrainState(parameters, averages, Moments(zeros, zeros), nothing, nothing, nothing)

            def one(state: TrainState, nothing_new: None) -> tuple[TrainState, Any]:
                after, _ = step(state, batch, numbers, features=self.features, loss=self._loss)
                # The averages are left as they were, so that every step sees the same function.
                return after._replace(averages=averages), cost(self.used(after.parameters))

            _, costs = jax.lax.scan(one, state, None, length=steps)
            return jnp.concatenate([cost(self.used(parameters))[None], costs])

        return path

    def _penalised(self, parameters: Any, values: Mapping[str, Any]) -> Any:
        return penalised(parameters, self.features, values)

    @property
    def _loss(self) -> str:
        return self.architecture.loss

    def _placed(self) -> tuple[Batch, dict[str, Any], Averages]:
        arrays: dict[str, Any] = {name: jnp.asarray(part) for name, part in self.batch.items()}
        batch = Batch(**(arrays | {"key": jax.random.wrap_key_data(arrays["key"])}))
        values = {
            name: jnp.asarray(array[0]) for name, array in slot_values([self.assignment], self.architecture).items()
        }
        return batch, values, jax.tree.map(jnp.asarray, self.first[1])


def one_network(
    assignment: Assignment, version: Version, rows: np.ndarray, key: np.ndarray, *, loss: str, weighted: bool = False
) -> OneNetwork:
    """A trial's network with some rows as its fixed mini-batch.

    Args:
        rows: positions in the version.
        key: the two words of the update whose dropout masks are used.
        weighted: rows weigh differently.
    """
    widths = assignment.widths
    architecture = Architecture(widths[0], widths[1:-1], widths[-1], loss, len(rows), "float64")
    # The batch is fixed, and so are its rows: as they are.
    features = features_of([unaugmented(assignment.configuration)], weighted=weighted, padded_outputs=False)
    inputs = version.inputs[rows].astype(np.float64)
    if version.scale is not None and version.shift is not None:
        inputs = (inputs - version.shift) * version.scale
    targets = version.targets[rows]
    targets = targets.astype(np.int32 if np.issubdtype(targets.dtype, np.integer) else np.float64)
    weights = version.weights[rows].astype(np.float64)
    batch = {"inputs": inputs, "targets": targets, "weights": weights, "present": np.ones(len(rows)), "key": key}
    return OneNetwork(assignment, architecture, features, batch)


def for_descent(assignment: Assignment) -> Assignment:
    """The same network under plain gradient descent: nothing is dropped or clipped, and every penalty is in J.

    Decoupled weight decay becomes the L2 with λ = decay · m, which it equals under plain gradient descent.
    """
    c = dict(assignment.configuration)
    c |= {"keep_probability": 1.0, "input_keep_probability": 1.0, "clip_norm": float("inf")}
    c |= {"optimiser": "gradient_descent", "l2": c["l2"] + c["weight_decay"] * assignment.examples, "weight_decay": 0.0}
    return replace(assignment, configuration=c)


def layers_of(arrays: Mapping[str, np.ndarray], depth: int) -> Layers:
    """The parameters of a saved model's arrays (what `mlp.cut` gives), in double precision.

    Args:
        depth: layers of weights.
    """
    weights = tuple(arrays[f"weights.{layer}"].T.astype(np.float64) for layer in range(depth))

    def row(name: str, layer: int, otherwise: float) -> np.ndarray:
        found = arrays.get(f"{name}.{layer}")
        return np.full(len(weights[layer]), otherwise) if found is None else found.astype(np.float64)

    every = range(depth)
    return Layers(
        weights,
        tuple(row("biases", layer, 0.0) for layer in every),
        tuple(row("gamma", layer, 1.0) for layer in every),
        tuple(row("beta", layer, 0.0) for layer in every),
    )
