"""How long does one network take with scikit-learn's MLPClassifier?

It has no dropout, so it does less work than the other contestants, who keep theirs. `fit` with as many iterations as
epochs is its fastest way; it cannot measure at an epoch's end, so the two measurements are timed apart and added once
per epoch. `--variant partial_fit` goes epoch by epoch and measures in between, which costs a few per cent more.
"""

import time
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from benchmarks.protocol import Answer, Options, answer, fastest
from benchmarks.tasks import Task


def network(task: Task, epochs: int, seed: int) -> MLPClassifier:
    """The task's network, made to train for exactly so many epochs."""
    return MLPClassifier(
        hidden_layer_sizes=task.hidden,
        batch_size=task.batch_size,
        learning_rate_init=task.learning_rate,
        alpha=0.0,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs + 1,
        random_state=seed,
    )


def fit(task: Task, epochs: int, seed: int) -> tuple[float, float, float]:
    """Seconds, and the error on the train sample and on dev."""
    material = task.material
    inputs, targets = material.inputs[material.rows], material.targets[material.rows]
    model = network(task, epochs, seed)
    begin = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # that the epochs ran out is what was asked for
        model.fit(inputs, targets)
    fitted = time.perf_counter()
    train_error, dev_error = measure(task, model)
    return fitted - begin + epochs * (time.perf_counter() - fitted), train_error, dev_error


def partial_fit(task: Task, epochs: int, seed: int) -> tuple[float, float, float]:
    """The same, epoch by epoch."""
    material = task.material
    inputs, targets = material.inputs[material.rows], material.targets[material.rows]
    model = network(task, epochs, seed)
    begin = time.perf_counter()
    for _ in range(epochs):
        model.partial_fit(inputs, targets, classes=range(material.classes))
        train_error, dev_error = measure(task, model)
    return time.perf_counter() - begin, train_error, dev_error


def measure(task: Task, model: MLPClassifier) -> tuple[float, float]:
    """Error on the train sample and on dev."""
    material = task.material
    wrong = [
        float((model.predict(material.inputs[rows]) != material.targets[rows]).mean())
        for rows in (material.sample, material.dev)
    ]
    return wrong[0], wrong[1]


WAYS = {"fit": fit, "partial_fit": partial_fit}


def run(task: Task, options: Options) -> Answer:
    """Train one network and say how long it took, on as many threads as are fastest."""
    way = WAYS[options.variant or "fit"]

    def timed(threads: int | None) -> float:
        with threadpool_limits(limits=threads):
            return way(task, 1, options.seed)[0]

    begin = time.perf_counter()
    chosen, tried = fastest({"1": lambda: timed(1), "all": lambda: timed(None)})
    prepared = time.perf_counter() - begin
    with threadpool_limits(limits=1 if chosen == "1" else None):
        seconds, train_error, dev_error = way(task, task.epochs, options.seed)
    return {
        "seconds": seconds,
        "model_epochs": task.epochs,
        "dev_error": dev_error,
        "train_error": train_error,
        "compile_seconds": prepared,
        "chosen": f"{options.variant or 'fit'}, {chosen} threads",
        "tried": tried,
    }


if __name__ == "__main__":
    answer(run)
