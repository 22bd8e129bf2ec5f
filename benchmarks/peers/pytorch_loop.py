"""How long does one network take with the usual PyTorch loop, as fast as that loop can be made?

At its best means here: tensors in memory, no DataLoader; one gather an epoch by a random permutation, then slices of
it; gradients set to None; both errors under inference mode, one number each read back. What remains open is tried
before the clock starts, and the fastest is taken (`chosen`):

- how the network is written: `modules` (nn.Sequential with nn.Dropout, what everybody writes) or `functions` (plain
  functions, dropout by comparing torch.rand, which draws a mask 2.7 times as fast as PyTorch's own dropout here);
- Adam's implementation: `fused`, `foreach` or one tensor after the other (`single`);
- one thread or one thread per core.

torch.compile on the modules alone is slower than none (19 to 24 ms a model-epoch against 13 on two cores), since calls
into compiled code cost more than these small products; compiled as a whole, optimiser and all, it is faster, but not
the usual loop any more: pytorch_compiled.py measures it beside. The seconds of all variants tried stand in the answer.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.protocol import Answer, Options, answer, fastest
from benchmarks.tasks import Task

ADAMS: dict[str, dict[str, bool]] = {
    "fused": {"fused": True},
    "foreach": {"foreach": True},
    "single": {"foreach": False},
}
# Updates that a variant is timed on before one is chosen.
TRIED_UPDATES = 40


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Tensors:
    """The task's data as tensors: train rows, sample and dev."""

    inputs: Tensor  # [m, D]
    targets: Tensor  # [m]
    sample: tuple[Tensor, Tensor]
    dev: tuple[Tensor, Tensor]

    @classmethod
    def of(cls, task: Task) -> "Tensors":
        """The material of the task."""
        material = task.material
        inputs, targets = torch.from_numpy(material.inputs), torch.from_numpy(material.targets)
        rows, sample, dev = (torch.from_numpy(r) for r in (material.rows, material.sample, material.dev))
        return cls(inputs[rows], targets[rows], (inputs[sample], targets[sample]), (inputs[dev], targets[dev]))

    def batches(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of mini-batches in a new order, the short last one too."""
        order = torch.randperm(len(self.targets))
        yield from zip(
            torch.split(self.inputs[order], batch_size), torch.split(self.targets[order], batch_size), strict=True
        )


@dataclass(frozen=True)
class Settings:
    """What the search draws, at the values of a fixed task unless given."""

    hidden: tuple[int, ...]
    learning_rate: float
    keep_probability: float
    l2: float = 0.0  # λ of (λ/2m)·Σw²
    activation: str = "relu"


class Functions(nn.Module):
    """The network as plain functions, with dropout masks from torch.rand."""

    def __init__(self, layers: nn.Sequential, settings: Settings) -> None:
        super().__init__()
        self.layers = layers
        self.linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
        self.keep = settings.keep_probability
        self.activation = {"relu": torch.relu, "tanh": torch.tanh}[settings.activation]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits."""
        above = inputs
        for layer in self.linear[:-1]:
            above = self.activation(functional.linear(above, layer.weight, layer.bias))
            if self.training and self.keep < 1.0:
                above = above * (torch.rand(above.shape) < self.keep) * (1.0 / self.keep)
        return functional.linear(above, self.linear[-1].weight, self.linear[-1].bias)


def build(inputs: int, classes: int, settings: Settings, written: str = "modules") -> nn.Module:
    """A network of linear layers, activations and dropout with He's weights and zero biases."""
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[settings.activation]
    layers: list[nn.Module] = []
    below = inputs
    for width in settings.hidden:
        layers += [nn.Linear(below, width), activation()]
        if settings.keep_probability < 1.0:
            layers.append(nn.Dropout(1.0 - settings.keep_probability))
        below = width
    network = nn.Sequential(*layers, nn.Linear(below, classes))
    for layer in network:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network if written == "modules" else Functions(network, settings)


def optimiser(network: nn.Module, settings: Settings, rows: int, adam: str) -> torch.optim.Adam:
    """Adam, with L2 on the weights alone."""
    weights = [p for p in network.parameters() if p.ndim == 2]
    rest = [p for p in network.parameters() if p.ndim != 2]
    groups: list[dict[str, Any]] = [{"params": weights + rest}]
    if settings.l2 > 0:
        groups = [{"params": weights, "weight_decay": settings.l2 / rows}, {"params": rest}]
    return torch.optim.Adam(groups, lr=settings.learning_rate, **ADAMS[adam])  # type: ignore[arg-type]


def update(network: nn.Module, adam: torch.optim.Optimizer, inputs: Tensor, targets: Tensor) -> None:
    """One step."""
    adam.zero_grad(set_to_none=True)
    torch.autograd.backward(functional.cross_entropy(network(inputs), targets))
    adam.step()


def epoch(network: nn.Module, adam: torch.optim.Optimizer, data: Tensors, batch_size: int) -> tuple[float, float]:
    """One epoch of training, then the error on the train sample and on dev."""
    network.train()
    for inputs, targets in data.batches(batch_size):
        update(network, adam, inputs, targets)
    return measure(network, data)


def measure(network: nn.Module, data: Tensors) -> tuple[float, float]:
    """Error on the train sample and on dev, dropout off."""
    network.eval()
    with torch.inference_mode():
        wrong = [(network(x).argmax(1) != y).float().mean().item() for x, y in (data.sample, data.dev)]
    return wrong[0], wrong[1]


def choose(task: Task, data: Tensors, settings: Settings, threads: tuple[int, ...]) -> tuple[str, dict[str, float]]:
    """The fastest variant on this machine, "threads written adam", and the seconds that each took."""

    def timed(count: int, written: str, adam: str) -> Callable[[], float]:
        def trial() -> float:
            torch.set_num_threads(count)
            network = build(data.inputs.shape[1], task.material.classes, settings, written)
            network.train()
            rule = optimiser(network, settings, len(data.targets), adam)
            inputs, targets = data.inputs[: task.batch_size], data.targets[: task.batch_size]
            for _ in range(5):
                update(network, rule, inputs, targets)
            begin = time.perf_counter()
            for _ in range(TRIED_UPDATES):
                update(network, rule, inputs, targets)
            return time.perf_counter() - begin

        return trial

    trials = {
        f"{count} {written} {adam}": timed(count, written, adam)
        for count in threads
        for written in ("modules", "functions")
        for adam in ADAMS
    }
    return fastest(trials)


def run(task: Task, options: Options) -> Answer:
    """Train one network and say how long it took.

    Args:
        options: variant "" for the fastest, or one by its name, such as "1 modules fused".
    """
    torch.manual_seed(options.seed)
    data = Tensors.of(task)
    settings = Settings(task.hidden, task.learning_rate, task.keep_probability)
    begin = time.perf_counter()
    threads = tuple(sorted({1, cores()}))
    chosen, tried = (options.variant, {}) if options.variant else choose(task, data, settings, threads)
    count, written, adam = chosen.split()
    torch.set_num_threads(int(count))
    network = build(data.inputs.shape[1], task.material.classes, settings, written)
    rule = optimiser(network, settings, len(data.targets), adam)
    trained = time.perf_counter()
    for _ in range(task.epochs):
        train_error, dev_error = epoch(network, rule, data, task.batch_size)
    return {
        "seconds": time.perf_counter() - trained,
        "model_epochs": task.epochs,
        "dev_error": dev_error,
        "train_error": train_error,
        "compile_seconds": trained - begin,
        "chosen": chosen,
        "tried": tried,
    }


if __name__ == "__main__":
    answer(run)
