"""How soon does Optuna with PyTorch find a network of a given dev error, its pruner working?

What a careful person writes: random sampling, the study in memory, one trial after the other, an error reported every
epoch, and `SuccessiveHalvingPruner(min_resource, reduction_factor=3)` with its rungs given. (At its defaults that
pruner, like MedianPruner, stops hardly anything: shared/research has the counts.) The network is the usual loop of
pytorch_loop.py at its fastest.

Every improvement of the best dev error is noted with its time, in the middle of a trial too. Cold: the harness adds
what passes before `run` (interpreter, imports). Warm: one short trial is trained first.
"""

import time
from dataclasses import dataclass, field

import optuna
import torch

from benchmarks.peers.pytorch_loop import Settings, Tensors, build, epoch, optimiser
from benchmarks.protocol import Answer, Options, Unavailable, answer
from benchmarks.tasks import Search, Task

# The usual loop's fastest variant for networks of this size on two cores; choosing it anew would cost a cold start.
WRITTEN, ADAM, THREADS = "modules", "fused", 1


@dataclass
class Race:
    """What has been reached, and when."""

    begin: float
    curve: list[tuple[float, float, int]] = field(default_factory=list)
    model_epochs: int = 0
    pruned: int = 0

    def note(self, dev_error: float) -> None:
        """One network has trained one epoch."""
        self.model_epochs += 1
        if not self.curve or dev_error < self.curve[-1][1]:
            self.curve.append((time.perf_counter() - self.begin, dev_error, self.model_epochs))


def draw(trial: optuna.Trial, search: Search) -> Settings:
    """One configuration."""
    names = ["-".join(map(str, widths)) for widths in search.hidden]
    hidden = trial.suggest_categorical("hidden", names)
    return Settings(
        hidden=tuple(int(width) for width in hidden.split("-")),
        learning_rate=trial.suggest_float("learning_rate", *search.learning_rate, log=True),
        keep_probability=trial.suggest_float("keep_probability", *search.keep_probability),
        l2=trial.suggest_float("l2", *search.l2, log=True),
        activation=trial.suggest_categorical("activation", search.activation),
    )


def train(trial: optuna.Trial, task: Task, data: Tensors, race: Race) -> float:
    """One trial to its end, or until it is pruned.

    Raises:
        optuna.TrialPruned: the pruner stops it.
    """
    assert task.search is not None
    settings = draw(trial, task.search)
    network = build(data.inputs.shape[1], task.material.classes, settings, WRITTEN)
    rule = optimiser(network, settings, len(data.targets), ADAM)
    best = 1.0
    for number in range(1, task.epochs + 1):
        _, dev_error = epoch(network, rule, data, task.batch_size)
        race.note(dev_error)
        best = min(best, dev_error)
        trial.report(dev_error, number)
        if number < task.epochs and trial.should_prune():
            race.pruned += 1
            raise optuna.TrialPruned
    return best


def run(task: Task, options: Options) -> Answer:
    """The whole search.

    Raises:
        Unavailable: the task is no search.
    """
    if task.search is None:
        raise Unavailable(f"the task {task.name} is no search")
    race = Race(time.perf_counter())
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.manual_seed(options.seed)
    torch.set_num_threads(THREADS)
    data = Tensors.of(task)
    if options.warm:
        settings = Settings(task.hidden, task.learning_rate, task.keep_probability)
        network = build(data.inputs.shape[1], task.material.classes, settings, WRITTEN)
        epoch(network, optimiser(network, settings, len(data.targets), ADAM), data, task.batch_size)
        race = Race(time.perf_counter())
    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(seed=options.seed),
        pruner=optuna.pruners.SuccessiveHalvingPruner(
            min_resource=task.search.first_rung, reduction_factor=task.search.reduction
        ),
    )
    study.optimize(lambda trial: train(trial, task, data, race), n_trials=task.search.trials)
    return {
        "seconds": time.perf_counter() - race.begin,
        "model_epochs": race.model_epochs,
        "trials": task.search.trials,
        "pruned": race.pruned,
        "dev_error": race.curve[-1][1],
        "train_error": None,
        "compile_seconds": 0.0,
        "chosen": f"{THREADS} {WRITTEN} {ADAM}",
        "curve": race.curve,
    }


if __name__ == "__main__":
    answer(run)
