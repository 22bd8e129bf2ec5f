"""The reference agrees with PyTorch wherever the formulas are the same."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from reference.activations import ACTIVATIONS
from reference.network import EPSILON, MEMORY, Network
from reference.train import PLAIN, Batch, Data, first_network, steps, train

ROWS, BATCH, EPOCHS = 30, 10, 5


@pytest.fixture(scope="module")
def torch() -> Any:
    """PyTorch, or a skipped test; imported when the first test asks for it."""
    return pytest.importorskip("torch", reason="needs PyTorch, which the bench extra installs")


def problem(hidden: tuple[int, ...], configuration: dict[str, Any]) -> tuple[Network, Data, list[list[Batch]]]:
    """A network, 30 rows of three classes, and 5 epochs of 3 mini-batches."""
    generator = np.random.default_rng(1)
    widths = (4, *hidden, 3)
    weights = [generator.normal(size=shape) / np.sqrt(shape[0]) for shape in pairwise(widths)]
    data = Data(generator.normal(size=(ROWS, 4)), generator.integers(0, 3, ROWS), ROWS)
    batches = [[Batch(rows) for rows in np.split(generator.permutation(ROWS), ROWS // BATCH)] for _ in range(EPOCHS)]
    return first_network(weights, configuration), data, batches


class Twin:
    """The same network written with PyTorch's own functions."""

    def __init__(self, torch: Any, network: Network) -> None:
        self.torch, self.network = torch, network
        self.parameters = {
            name: torch.tensor(network.parameters[name], requires_grad=True) for name in network.learnt()
        }
        self.running: dict[int, tuple[Any, Any]] = {}
        for layer in range(network.layers - 1):
            width = network.parameters[f"weights.{layer}"].shape[1]
            self.running[layer] = tuple(torch.zeros(width, dtype=torch.float64) for _ in range(2))

    def activate(self, z: Any) -> Any:
        """The hidden layers' nonlinearity."""
        functional = self.torch.nn.functional
        return {
            "relu": functional.relu, "leaky_relu": functional.leaky_relu, "tanh": self.torch.tanh,
            "sigmoid": self.torch.sigmoid, "silu": functional.silu, "identity": lambda a: a,
            "gelu": lambda a: functional.gelu(a, approximate="tanh"),
        }[self.network.activation](z)  # fmt: skip

    def outputs(self, inputs: Any) -> Any:
        """Logits in training."""
        p, a = self.parameters, inputs
        for layer in range(self.network.layers - 1):
            z = a @ p[f"weights.{layer}"]
            if self.network.batch_norm:
                z = self.torch.nn.functional.batch_norm(
                    z, *self.running[layer], p[f"gamma.{layer}"], p[f"beta.{layer}"],
                    training=True, momentum=1 - MEMORY, eps=EPSILON,
                )  # fmt: skip
            else:
                z = z + p[f"biases.{layer}"]
            a = self.activate(z)
        last = self.network.layers - 1
        return a @ p[f"weights.{last}"] + p[f"biases.{last}"]

    def train(self, optimiser: Any, data: Data, batches: list[list[Batch]], smoothing: float = 0.0) -> None:
        """All mini-batches once."""
        for batch in (batch for epoch in batches for batch in epoch):
            optimiser.zero_grad()
            outputs = self.outputs(self.torch.tensor(data.inputs[batch.rows]))
            targets = self.torch.tensor(data.targets[batch.rows])
            self.torch.nn.functional.cross_entropy(outputs, targets, label_smoothing=smoothing).backward()
            optimiser.step()

    def differs(self, arrays: dict[str, np.ndarray]) -> float:
        """The largest difference between a parameter here and there."""
        return max(float(np.abs(arrays[name] - p.detach().numpy()).max()) for name, p in self.parameters.items())


def of_pytorch(torch: Any, name: str, twin: Twin, c: dict[str, Any]) -> Any:
    """PyTorch's optimiser whose path is the same.

    Its momentum is v ← βv + g: the same path as v ← βv + (1−β)g with α scaled by 1−β.
    """
    own, rate = list(twin.parameters.values()), c["learning_rate"]
    scaled = rate * (1 - c["momentum"])
    return {
        "gradient_descent": lambda: torch.optim.SGD(own, rate),
        "momentum": lambda: torch.optim.SGD(own, scaled, momentum=c["momentum"]),
        "nesterov": lambda: torch.optim.SGD(own, scaled, momentum=c["momentum"], nesterov=True),
        "rmsprop": lambda: torch.optim.RMSprop(own, rate, alpha=c["beta_2"], eps=c["epsilon"]),
        "adam": lambda: torch.optim.Adam(own, rate, betas=(c["beta_1"], c["beta_2"]), eps=c["epsilon"]),
    }[name]()


@pytest.mark.parametrize("optimiser", ["gradient_descent", "momentum", "nesterov", "rmsprop", "adam"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_every_optimiser_walks_pytorchs_path(torch: Any, optimiser: str, batch_norm: bool) -> None:
    """After 15 mini-batches no parameter differs by 1e-10, with batch norm and without."""
    c = PLAIN | {"optimiser": optimiser, "batch_norm": batch_norm, "learning_rate": 0.01, "epsilon": 1e-6}
    network, data, batches = problem((6, 5), c)
    twin = Twin(torch, network)
    twin.train(of_pytorch(torch, optimiser, twin, c), data, batches)
    assert twin.differs(train(network, data, batches, c)[-1]) < 1e-10


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_is_pytorchs(torch: Any, activation: str) -> None:
    """After 15 mini-batches of gradient descent with label smoothing no parameter differs by 1e-12."""
    c = PLAIN | {"activation": activation, "label_smoothing": 0.1}
    network, data, batches = problem((6,), c)
    twin = Twin(torch, network)
    twin.train(of_pytorch(torch, "gradient_descent", twin, c), data, batches, smoothing=0.1)
    assert twin.differs(train(network, data, batches, c)[-1]) < 1e-12


def test_decoupled_weight_decay_is_adamw_on_the_weights(torch: Any) -> None:
    """W ← W − α·decay·W − step, biases left alone."""
    c = PLAIN | {"optimiser": "adam", "weight_decay": 0.3, "learning_rate": 0.01}
    network, data, batches = problem((6,), c)
    twin = Twin(torch, network)
    groups = [
        {"params": [p for name, p in twin.parameters.items() if name.startswith("weights")], "weight_decay": 0.3},
        {"params": [p for name, p in twin.parameters.items() if name.startswith("biases")], "weight_decay": 0.0},
    ]
    twin.train(torch.optim.AdamW(groups, 0.01, betas=(0.9, 0.999), eps=1e-8), data, batches)
    assert twin.differs(train(network, data, batches, c)[-1]) < 1e-10


def test_l2_under_adam_is_pytorchs_weight_decay_of_lambda_over_m(torch: Any) -> None:
    """PyTorch's Adam adds weight_decay · W to the gradient; here λ/m."""
    c = PLAIN | {"optimiser": "adam", "l2": 0.6, "learning_rate": 0.01, "epsilon": 1e-6}
    network, data, batches = problem((), c)
    twin = Twin(torch, network)
    groups = [
        {"params": [twin.parameters["weights.0"]], "weight_decay": 0.6 / ROWS},
        {"params": [twin.parameters["biases.0"]], "weight_decay": 0.0},
    ]
    twin.train(torch.optim.Adam(groups, 0.01, betas=(0.9, 0.999), eps=1e-6), data, batches)
    assert twin.differs(train(network, data, batches, c)[-1]) < 1e-10


def test_clipping_is_pytorchs_up_to_the_small_number_it_adds_to_the_norm(torch: Any) -> None:
    """PyTorch divides by ‖g‖ + 1e-6, we by ‖g‖."""
    c = PLAIN | {"clip_norm": 0.05}
    network, data, batches = problem((6,), c)
    twin = Twin(torch, network)
    first = [[batches[0][0]]]
    outputs = twin.outputs(torch.tensor(data.inputs[first[0][0].rows]))
    torch.nn.functional.cross_entropy(outputs, torch.tensor(data.targets[first[0][0].rows])).backward()
    norm = torch.nn.utils.clip_grad_norm_(list(twin.parameters.values()), 0.05)
    assert norm > 0.1  # so that there is something to clip
    torch.optim.SGD(list(twin.parameters.values()), PLAIN["learning_rate"]).step()
    assert twin.differs(train(network, data, first, c)[-1]) < 1e-7


def test_the_running_statistics_are_pytorchs_with_the_biased_variance(torch: Any) -> None:
    """PyTorch carries B/(B−1) of the batch's variance; begun at 0 and uncorrected, ours is (B−1)/B of it."""
    c = PLAIN | {"batch_norm": True}
    network, data, batches = problem((6, 5), c)
    twin = Twin(torch, network)
    twin.train(of_pytorch(torch, "gradient_descent", twin, c), data, batches)
    *_, (after, *_) = steps(network, data, batches, c)
    for layer, (mean, variance) in twin.running.items():
        assert np.allclose(after.averages[f"mean.{layer}"], mean.numpy(), rtol=1e-10)
        assert np.allclose(after.averages[f"variance.{layer}"], variance.numpy() * (BATCH - 1) / BATCH, rtol=1e-10)
