"""How many networks does PyTorch train with one process per core, each on one thread?

What people do who have several cores and many small trials. The clock runs from the moment when all processes are
ready (imported, data read, warmed up) to the last one's end, so starting them costs nothing here.
"""

import multiprocessing
import time
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

import torch

from benchmarks.peers.pytorch_loop import Settings, Tensors, build, choose, cores, epoch, optimiser, update
from benchmarks.protocol import Answer, Options, answer
from benchmarks.tasks import TASKS, Task

# A process that has failed must not leave the others, and the harness, waiting.
PATIENCE = 600.0


def train(name: str, seed: int, variant: str, ready: Barrier, answers: "Queue[Any]") -> None:
    """One process: get ready, wait for the others, train."""
    task = TASKS[name]
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    data = Tensors.of(task)
    settings = Settings(task.hidden, task.learning_rate, task.keep_probability)
    _, written, adam = variant.split()
    for warming in (True, False):
        network = build(data.inputs.shape[1], task.material.classes, settings, written)
        rule = optimiser(network, settings, len(data.targets), adam)
        if warming:
            update(network, rule, data.inputs[: task.batch_size], data.targets[: task.batch_size])
    ready.wait(PATIENCE)
    for _ in range(task.epochs):
        train_error, dev_error = epoch(network, rule, data, task.batch_size)
    answers.put((train_error, dev_error))


def run(task: Task, options: Options) -> Answer:
    """One network in each of as many processes as there are cores."""
    data = Tensors.of(task)
    settings = Settings(task.hidden, task.learning_rate, task.keep_probability)
    variant = options.variant or choose(task, data, settings, (1,))[0]
    context = multiprocessing.get_context("spawn")
    count = cores()
    ready, answers = context.Barrier(count + 1), context.Queue()
    processes = [
        context.Process(target=train, args=(task.name, options.seed + number, variant, ready, answers), daemon=True)
        for number in range(count)
    ]
    for process in processes:
        process.start()
    ready.wait(PATIENCE)
    begin = time.perf_counter()
    errors = [answers.get(timeout=PATIENCE) for _ in processes]
    seconds = time.perf_counter() - begin
    for process in processes:
        process.join()
    train_error, dev_error = min(errors, key=lambda pair: pair[1])
    return {
        "seconds": seconds,
        "model_epochs": count * task.epochs,
        "dev_error": dev_error,
        "train_error": train_error,
        "compile_seconds": 0.0,
        "chosen": f"{count} processes of {variant}",
    }


if __name__ == "__main__":
    answer(run)
