"""MNIST with dropout: 784-1024-512-256-10, ReLU, softmax, a line per epoch, the model saved at each new best.

    python examples/mnist_dropout.py [FOLDER] [--epochs 27] [--seeds 1] [--search 0] [--run runs/mnist-dropout]

FOLDER holds MNIST's four idx files (.gz or not); without one scikit-learn's 8 × 8 digits stand in, so that the program
runs anywhere. Its lines are those of the notes' program:

    11:17:16 epoch:07 is_save:1 acc_max:97.50% acc_val:97.50% acc_train:96.29%

`acc_train` is counted in training mode, while units are dropped and the weights move; `acc_val` is not. Beside the
network its twin without dropout trains, from the same first weights and on the same mini-batches: two slots of one
program. `--search 16` then searches the same network over learning rate, dropout, batch norm and label smoothing under
a falling learning rate, and opens the test set once.
"""

# %% What is trained
import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import caviar

HIDDEN = [1024, 512, 256]
NETWORK: dict[str, Any] = {"hidden": HIDDEN, "batch_size": 128, "optimiser": "adam", "learning_rate": 1e-3}
# The published run does not say how many units it keeps.
KEEP_PROBABILITY = 0.8
VALIDATION_IMAGES = 5000
DIGITS = {"hidden": [64, 32], "batch_size": 32}  # where there are no MNIST files


def splits(folder: str | None, seed: int) -> Any:
    """55 000 train and 5 000 validation images, all of which choose the epoch that is saved, as in the notes."""
    data = caviar.read(folder or "digits")
    dev = VALIDATION_IMAGES if data.rows >= 60_000 else None
    return caviar.split(data, seed=seed, dev=dev, halves=False)


# %% A line per epoch, and the model at each new best
class Lines:
    """Prints a line for each epoch of trial 0, and saves its model wherever validation improved strictly.

    Args:
        path: of the saved model.
    """

    def __init__(self, path: Path) -> None:
        self.study: caviar.Study | None = None
        self.path = path
        self.told = 0

    def __call__(self, look: Any) -> None:
        """Called by the study after every segment."""
        if self.study is None or not self.study.trials:
            return
        history = self.study.trials[0].history
        validation = [1.0 - float(error) for error in history["dev_error"]]
        training = [1.0 - float(error) for error in history["running_error"]]
        for epoch in range(self.told + 1, len(validation) + 1):
            best = max(validation[:epoch])
            better = epoch == 1 or best > max(validation[: epoch - 1])
            print(
                f"{time.strftime('%H:%M:%S')} epoch:{epoch:02d} is_save:{int(better)} acc_max:{best:.2%} "
                f"acc_val:{validation[epoch - 1]:.2%} acc_train:{training[epoch - 1]:.2%}",
                flush=True,
            )
            if better:
                self.study.snapshot(0).save(self.path)
        self.told = len(validation)


def train(folder: str | None, run: Path, epochs: int, seed: int) -> dict[str, list[float]]:
    """Validation accuracy after each epoch, with dropout and without."""
    lines = Lines(run / f"dropout-{seed}.caviar")
    network = NETWORK if folder else {**NETWORK, **DIGITS}
    study = caviar.Study(run / f"seed-{seed}", splits(folder, seed), seed=seed, watch=lines)
    lines.study = study
    if not study.trials:
        study.train([{**network, "keep_probability": KEEP_PROBABILITY}, network], epochs=epochs)
    names = ("dropout", "no dropout")
    return {
        name: [1.0 - float(error) for error in trial.history["dev_error"]]
        for name, trial in zip(names, study.trials, strict=True)
    }


def told(name: str, curves: list[list[float]], at: tuple[int, ...]) -> None:
    """The median over the seeds of the best accuracy so far, at some epochs and at the last."""
    last = len(curves[0])
    found = [
        f"{statistics.median(max(curve[:epoch]) for curve in curves):.2%} by epoch {epoch}"
        for epoch in (*(epoch for epoch in at if epoch < last), last)
    ]
    seeds = "one seed" if len(curves) == 1 else f"median of {len(curves)} seeds"
    print(f"{name}: {', '.join(found)} ({seeds})")


# %% The same network, searched
def search(folder: str | None, run: Path, trials: int, epochs: int) -> None:
    """Search the network's other hyperparameters, train the best again on fresh seeds, and open the test set."""
    network = {**NETWORK, **({} if folder else DIGITS)}
    del network["learning_rate"]
    space = (
        caviar.Space()
        .fix(**network, decay="cosine")
        .vary("learning_rate", 5e-4, 5e-3, scale="log")
        .vary("keep_probability", 0.4, 0.9)
        .vary("input_keep_probability", 0.8, 1.0)
        .vary("label_smoothing", 0.0, 0.15)
        .choose("batch_norm", True, False)
    )
    study = caviar.Study(run / "search", splits(folder, 0), space=space, seed=0)
    study.search(trials=trials, epochs=epochs).finish()
    best, again = study.best_trial, study.results["winner"]["errors"]
    print(f"search: trial {best.number} reached {1.0 - best.dev_error:.2%} on validation at epoch {best.best_epoch}")
    print(f"        trained again on {len(again)} fresh seeds or folds: {1.0 - statistics.mean(again):.2%} on average")
    print(f"        test images, opened once: {1.0 - study.results['test']['error']:.2%}")


# %% Run
def main() -> None:
    """Read the command line, train seed by seed, and search where asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", nargs="?", help="with MNIST's four idx files")
    parser.add_argument("--epochs", type=int, default=27)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--search", type=int, default=0, metavar="TRIALS")
    parser.add_argument("--run", type=Path, default=Path("runs/mnist-dropout"))
    given = parser.parse_args()
    curves = [train(given.folder, given.run, given.epochs, seed) for seed in range(given.seeds)]
    for name in ("dropout", "no dropout"):
        told(name, [found[name] for found in curves], (7, 20, 27))
    if given.search:
        search(given.folder, given.run, given.search, given.epochs)


if __name__ == "__main__":
    main()
