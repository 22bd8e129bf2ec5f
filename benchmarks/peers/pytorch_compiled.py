"""What does torch.compile gain, with forward pass, gradient and Adam compiled as one function?

This is PyTorch written as one would write JAX: no module, no `backward()`, no optimiser object. It is not the usual
loop, but it is how fast one small network can go with PyTorch on a CPU, so it is measured beside. Two shapes are
compiled, the full batch and the short last one; their compilation is not part of `seconds`.
"""

import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.peers.pytorch_loop import Settings, Tensors, build, cores, measure
from benchmarks.protocol import Answer, Options, answer
from benchmarks.tasks import Task

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


def make_step(settings: Settings) -> Callable[..., None]:
    """One update of all parameters in place, as one function of tensors."""

    def cost(parameters: list[Tensor], inputs: Tensor, targets: Tensor) -> Tensor:
        above = inputs
        for layer in range(0, len(parameters) - 2, 2):
            above = torch.relu(functional.linear(above, parameters[layer], parameters[layer + 1]))
            above = functional.dropout(above, 1.0 - settings.keep_probability)
        return functional.cross_entropy(functional.linear(above, parameters[-2], parameters[-1]), targets)

    def step(
        parameters: list[Tensor], moments: tuple[list[Tensor], list[Tensor]], t: Tensor, inputs: Tensor, targets: Tensor
    ) -> None:
        gradients = torch.func.grad(cost)(parameters, inputs, targets)
        for w, v, s, g in zip(parameters, *moments, gradients, strict=True):
            v.mul_(BETA_1).add_(g, alpha=1 - BETA_1)
            s.mul_(BETA_2).addcmul_(g, g, value=1 - BETA_2)
            ahead, spread = v / (1 - BETA_1**t), s / (1 - BETA_2**t)
            w.sub_(settings.learning_rate * ahead / (spread.sqrt() + EPSILON))

    return torch.compile(step, dynamic=False)


def run(task: Task, options: Options) -> Answer:
    """Train one network by the compiled step on all cores, or on as many threads as the variant says."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(int(options.variant or cores()))
    data = Tensors.of(task)
    settings = Settings(task.hidden, task.learning_rate, task.keep_probability)
    network = build(data.inputs.shape[1], task.material.classes, settings)
    parameters = [p.detach().clone() for p in network.parameters()]
    moments = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
    step, t = make_step(settings), torch.zeros(())

    def epoch() -> tuple[float, float]:
        with torch.no_grad():
            for inputs, targets in data.batches(task.batch_size):
                step(parameters, moments, t.add_(1), inputs, targets)
            for own, trained in zip(network.parameters(), parameters, strict=True):
                own.copy_(trained)
        return measure(network, data)

    begin = time.perf_counter()
    with torch.no_grad():  # a rehearsal on the two shapes, on copies, so that only compilation is left out of the clock
        for rows in {task.batch_size, len(data.targets) % task.batch_size or task.batch_size}:
            copies = [p.clone() for p in parameters]
            spare = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
            step(copies, spare, torch.ones(()), data.inputs[:rows], data.targets[:rows])
    trained = time.perf_counter()
    for _ in range(task.epochs):
        train_error, dev_error = epoch()
    return {
        "seconds": time.perf_counter() - trained,
        "model_epochs": task.epochs,
        "dev_error": dev_error,
        "train_error": train_error,
        "compile_seconds": trained - begin,
        "chosen": f"{torch.get_num_threads()} compiled",
    }


if __name__ == "__main__":
    answer(run)
