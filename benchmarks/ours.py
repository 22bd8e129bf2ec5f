"""The contestant of this repository: hundreds of slots of one compiled program.

Started like every peer, `python -m benchmarks.ours --task NAME [--seed S] [--variant V] [--warm]`, it prints one
line of JSON (benchmarks/protocol.py says what stands in it). What `run` promises, so that the ratios mean something:

- It trains on `task.material`: those inputs, those train rows, that sample, that dev set, by the engine's own programs;
  it splits nothing and standardises nothing anew.
- For a task without a search it trains as many networks as it likes at once, each for `task.epochs` epochs with
  `task.batch_size`, `task.keep_probability` and Adam at rates around `task.learning_rate`; with
  `task.every_hyperparameter` every traced hyperparameter of the table differs from slot to slot. Both errors of every
  slot are measured, and brought to the host, at each epoch's end. `model_epochs` is slots × epochs, and `seconds` runs
  from the first mini-batch to the last measurement on the host, without compilation, which is `compile_seconds`.
- `dev_error` and `train_error` are of the best network at its last epoch, so that a fast program that does not learn
  is seen.
- For a search it draws `task.search.trials` configurations from exactly `task.search`'s ranges, stops trials by its own
  rule, and notes (seconds since `run` began, best dev error, model-epochs) at each improvement, at the moment when the
  host knows it. Cold, all compilation counts, from an empty compilation cache; with `options.warm` a first search with
  another seed is run and left out.
- `chosen` says how many slots, devices and streams there were; `variant` is free to name a way of doing it.
"""

from benchmarks.protocol import Answer, Options, Unavailable, answer
from benchmarks.tasks import Task


def run(task: Task, options: Options) -> Answer:
    """Train the task's networks by the engine.

    Raises:
        Unavailable: the engine is not connected to the harness.
    """
    raise Unavailable(f"the engine is not connected to the harness yet, so {task.name} was not trained by it")


if __name__ == "__main__":
    answer(run)
