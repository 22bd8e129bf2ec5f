"""How many networks does PyTorch train as one population, by batched products?

The expert's way: parameters are [members, inputs, units], layers are `baddbmm`, every member has its own learning rate
and keep probability, mini-batches and dropout uniforms are shared by the members. The gradient is written by hand (no
autograd, no optimiser object); what remains open is tried before the clock starts, and the fastest is taken:

- `compiled`: the whole update, gradient and Adam, by torch.compile (some seven seconds a shape); `eager`: the same
  function, one operation after the other;
- one thread or one thread per core.

On two cores, 64 members of 64-128-64-10: about 1.4 ms a model-epoch compiled, 3 to 4 eager. What it cannot do: another
optimiser, activation or width by member, stopping one member and starting another. Writing the first layer as one
wide product of the shared batch made the compiled program 20 times as slow, so that layer is batched as well.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.peers.pytorch_loop import Tensors, cores
from benchmarks.protocol import Answer, Options, answer, fastest
from benchmarks.tasks import Task

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8
TRIED_UPDATES = 20


@dataclass(frozen=True)
class Population:
    """The members' parameters and Adam's averages, layer by layer: weights [P, n, n'], biases [P, 1, n'].

    Args:
        rates, keeps: [P, 1, 1], each member's learning rate and keep probability.
    """

    parameters: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    rates: Tensor
    keeps: Tensor

    @classmethod
    def of(cls, task: Task) -> "Population":
        """He's weights; rates over two decades around the task's, keep probabilities from the task's to 1."""
        widths, members = task.widths(), task.members
        parameters = []
        for fan_in, units in pairwise(widths):
            parameters += [torch.randn(members, fan_in, units) * (2 / fan_in) ** 0.5, torch.zeros(members, 1, units)]
        zeros = [torch.zeros_like(p) for p in parameters]
        rates = task.learning_rate * torch.logspace(-1, 1, members).view(-1, 1, 1)
        keeps = torch.linspace(task.keep_probability, 1.0, members).view(-1, 1, 1)
        return cls(parameters, zeros, [z.clone() for z in zeros], rates, keeps)


def forward(parameters: list[Tensor], inputs: Tensor) -> Tensor:
    """Logits [P, B, C] without dropout."""
    above = inputs.expand(parameters[0].shape[0], -1, -1)
    for layer in range(0, len(parameters) - 2, 2):
        above = torch.relu(torch.baddbmm(parameters[layer + 1], above, parameters[layer]))
    return torch.baddbmm(parameters[-1], above, parameters[-2])


def gradients(population: Population, inputs: Tensor, targets: Tensor, uniforms: list[Tensor]) -> list[Tensor]:
    """Of the mean cross-entropy of every member, by hand.

    Args:
        inputs: [B, D]; targets: [B, C] one-hot; uniforms: [B, n] of each hidden layer.
    """
    parameters = population.parameters
    below = [inputs.expand(parameters[0].shape[0], -1, -1)]
    masks = [torch.where(u < population.keeps, 1.0 / population.keeps, 0.0) for u in uniforms]
    for number, mask in enumerate(masks):
        z = torch.baddbmm(parameters[2 * number + 1], below[-1], parameters[2 * number])
        below.append(torch.relu(z) * mask)
    logits = torch.baddbmm(parameters[-1], below[-1], parameters[-2])
    error = (torch.softmax(logits, 2) - targets) / len(targets)
    found: list[Tensor] = []
    for number in reversed(range(len(below))):
        found = [torch.bmm(below[number].mT, error), error.sum(1, keepdim=True), *found]
        if number > 0:
            back = torch.bmm(error, parameters[2 * number].mT) * masks[number - 1]
            error = torch.where(below[number] > 0, back, 0.0)
    return found


def step(population: Population, t: Tensor, inputs: Tensor, targets: Tensor, uniforms: list[Tensor]) -> None:
    """One update of all members, in place, by Adam."""
    found = gradients(population, inputs, targets, uniforms)
    for w, v, s, g in zip(population.parameters, population.first, population.second, found, strict=True):
        v.mul_(BETA_1).add_(g, alpha=1 - BETA_1)
        s.mul_(BETA_2).addcmul_(g, g, value=1 - BETA_2)
        ahead, spread = v / (1 - BETA_1**t), s / (1 - BETA_2**t)
        w.sub_(population.rates * ahead / (spread.sqrt() + EPSILON))


Step = Callable[[Population, Tensor, Tensor, Tensor, list[Tensor]], None]


def epoch(
    task: Task, update: Step, population: Population, data: Tensors, t: Tensor
) -> tuple[list[float], list[float]]:
    """One epoch of all members, then every member's error on the train sample and on dev."""
    for inputs, targets in data.batches(task.batch_size):
        uniforms = [torch.rand(len(targets), width) for width in task.hidden]
        hot = functional.one_hot(targets, task.material.classes).float()
        update(population, t.add_(1), inputs, hot, uniforms)
    wrong = [
        (forward(population.parameters, x).argmax(2) != y).float().mean(1).tolist() for x, y in (data.sample, data.dev)
    ]
    return wrong[0], wrong[1]


def choose(task: Task, data: Tensors) -> tuple[str, dict[str, float]]:
    """The fastest variant on this machine, "threads way", and the seconds that each took."""

    def timed(threads: int, way: str) -> Callable[[], float]:
        torch.set_num_threads(threads)
        update, population, t = WAYS[way](), Population.of(task), torch.ones(())
        inputs = data.inputs[: task.batch_size]
        hot = functional.one_hot(data.targets[: task.batch_size], task.material.classes).float()
        uniforms = [torch.rand(len(inputs), width) for width in task.hidden]

        def trial() -> float:
            torch.set_num_threads(threads)
            update(population, t, inputs, hot, uniforms)
            begin = time.perf_counter()
            for _ in range(TRIED_UPDATES):
                update(population, t, inputs, hot, uniforms)
            return time.perf_counter() - begin

        return trial

    return fastest({f"{n} {way}": timed(n, way) for n in sorted({1, cores()}) for way in WAYS})


# Compiled code is made for the number of threads set at the time: each variant compiles its own.
WAYS: dict[str, Callable[[], Step]] = {
    "eager": lambda: step,
    "compiled": lambda: torch.compile(step, dynamic=False),
}


@torch.no_grad()
def run(task: Task, options: Options) -> Answer:
    """Train `members` networks and say how long they took.

    Args:
        options: variant "" for the fastest, or one by its name, such as "2 compiled".
    """
    torch.manual_seed(options.seed)
    data = Tensors.of(task)
    begin = time.perf_counter()
    chosen, tried = (options.variant, {}) if options.variant else choose(task, data)
    threads, way = chosen.split()
    torch.set_num_threads(int(threads))
    update = WAYS[way]()
    epoch(task, update, Population.of(task), data, torch.zeros(()))  # compiles, and the short last batch too
    population, t = Population.of(task), torch.zeros(())
    trained = time.perf_counter()
    for _ in range(task.epochs):
        train_errors, dev_errors = epoch(task, update, population, data, t)
    seconds = time.perf_counter() - trained
    best = min(range(task.members), key=lambda member: dev_errors[member])
    return {
        "seconds": seconds,
        "model_epochs": task.epochs * task.members,
        "dev_error": dev_errors[best],
        "train_error": train_errors[best],
        "compile_seconds": trained - begin,
        "chosen": f"{task.members} members, {chosen}",
        "tried": tried,
    }


if __name__ == "__main__":
    answer(run)
