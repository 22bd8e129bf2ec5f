"""The protocol by which any network enters the engine; the built-in perceptron enters by it too."""

from collections.abc import Mapping
from typing import Any, Protocol

from jaxtyping import Array, Float

from caviar.networks.architecture import Architecture

Parameters = Any  # a pytree of arrays
State = Any  # a pytree of arrays that training changes without gradients, e.g. batch norm's averages


class Network(Protocol):
    """One network as a pair of pure functions: what is carried is not what is reported.

    The engine maps `apply` over the slots: parameters, state and hyperparameters have a slot axis, inputs and key do
    not, so that slots on one stream see the same rows and the same draws.
    """

    def init(self, key: int, architecture: Architecture) -> tuple[Parameters, State]:
        """The first parameters and state from a seed."""
        ...

    def apply(
        self,
        parameters: Parameters,
        state: State,
        inputs: Float[Array, "B D"],
        *,
        key: Array | None,
        hyperparameters: Mapping[str, Array],
        training: bool,
        present: Float[Array, " B"] | None = None,
    ) -> tuple[Float[Array, "B C"], State]:
        """Outputs for a batch and the state after it. `present` is 0 for rows that only pad the batch."""
        ...
