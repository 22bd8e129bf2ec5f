"""Does training at the learning rate that Caviar suggests beat training at fastai's suggestion from a ramp?

The protocol, fixed before the results were seen:

- *Data.* The nine sets of `HELD_OUT`; this search was not tuned on them. It was tuned on those of `DEVELOPMENT` (and on
  scikit-learn's digits), which are reported apart. At most 10 000 rows of each; images are averaged over squares of
  2 x 2 pixels. Test sets stay sealed. Half of dev (0.3 of the rows, in small sets too) is Caviar's to look at and
  chooses the best epoch of every training; the costs and errors reported are those of the other half, which no search
  has seen.
- *Network.* The default configuration (cosine decay) with hidden layers of 64 and 32 units; Adam, and gradient descent.
- *Rules.* Caviar: its default search, told how many epochs the training to come has. fastai 2.8's `lr_find`: one
  training while the rate grows from 1e-7 to 10 over 100 batches, its cost smoothed; `valley` and `steep` read it
  (`benchmarks.ramp`). Both see the same network and mini-batches of the same rows.
- *Repeats.* Each rule suggests `REPEATS` times, with first weights and order of rows anew; at each suggestion the
  network is trained `SEEDS` times, on weights and orders that the rules of a repeat share.
- *What is compared.* The logarithm of the cost (of the error), a ramp's less Caviar's, averaged over the trainings of a
  repeat; its mean over repeats, with Student's 95 % interval over repeats. A win or a loss is an interval that leaves
  out zero; the rest are ties. A training that diverges, or ends no better than a constant prediction, is a failure and
  counts with the cost (the error) of that prediction.

Writes benchmarks/results/learning_rate.jsonl and the tables in docs/learning-rate.md.

    python -m benchmarks.learning_rate [--only pima,mnist] [--optimisers adam] [--repeats 4]
    python -m benchmarks.learning_rate --only covertype,california,adult --repeats 2    # those that chose the rule
    python -m benchmarks.learning_rate --tables    # write them anew from the results that there are
"""

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import caviar
from benchmarks.environment import environment
from benchmarks.learning_rate_tables import write_tables
from benchmarks.ramp import ramp, steep, valley
from caviar.data.idx import read_array
from caviar.data.splits import Splits
from caviar.study import rate_finder
from caviar.study.arguments import check_rates
from caviar.study.learning_rates import Trainings
from caviar.study.material import Material
from caviar.study.spec import StreamSpec

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data"
RESULTS = HERE / "results" / "learning_rate.jsonl"
MOST_ROWS = 10_000
DEV = 0.3
_PARTS = ("images-idx3", "labels-idx1")
HIDDEN = [64, 32]
REPEATS, SEEDS = 4, 2


@dataclass(frozen=True)
class Task:
    """A data set, what is predicted, and for how many epochs a training lasts."""

    file: str
    target: str | None
    epochs: int
    task: str = "auto"
    ignore: tuple[str, ...] = ()


DEVELOPMENT = {
    "covertype": Task("tabular/covertype_10k.csv.gz", "Cover_Type", 15),
    "california": Task("tabular/california_housing.csv.gz", "median_house_value", 15),
    "adult": Task("tabular/adult_train.csv.gz", "income", 10),
}
HELD_OUT = {
    "bank": Task("tabular/bank_marketing.csv.gz", "y", 10, ignore=("duration",)),
    "bike": Task(
        "tabular/bike_sharing_hour.csv.gz", "cnt", 15, "regression", ("instant", "dteday", "casual", "registered")
    ),
    "white wine": Task("tabular/wine_quality_white.csv.gz", "quality", 20, "classification"),
    "white wine as number": Task("tabular/wine_quality_white.csv.gz", "quality", 20, "regression"),
    "red wine": Task("tabular/wine_quality_red.csv.gz", "quality", 30, "classification"),
    "titanic": Task("tabular/titanic.csv", "Survived", 30, ignore=("PassengerId", "Name", "Ticket")),
    "pima": Task("tabular/pima_diabetes.csv", "outcome", 30),
    "mnist": Task("mnist", None, 10),
    "fashion": Task("fashion-mnist", None, 10),
}
TASKS = {**DEVELOPMENT, **HELD_OUT}


def splits_of(task: Task) -> Splits:
    """At most so many rows, cut into sets; of dev one half chooses and the other judges, however small it is."""
    generator = np.random.default_rng(0)
    if task.target is None:
        images, labels = (read_array(DATA / task.file / f"train-{part}-ubyte.gz") for part in _PARTS)
        rows = generator.permutation(len(images))[:MOST_ROWS]
        small = images[rows].reshape(len(rows), 14, 2, 14, 2).mean(axis=(2, 4)).round().astype(np.uint8)
        dataset = caviar.read((small, labels[rows].astype(int)), task="classification")
    else:
        dataset = caviar.read(str(DATA / task.file), target=task.target, task=task.task, ignore=task.ignore)
        dataset = dataset.take(np.sort(generator.permutation(dataset.rows)[:MOST_ROWS]))
    splits = caviar.split(dataset, seed=0, dev=DEV, test=0.1)
    order = np.argsort(dataset.hashes[splits.dev], kind="stable")
    choose = np.zeros(len(order), bool)
    choose[order[::2]] = True
    return replace(splits, choose=choose)


def run(name: str, optimiser: str, repeats: int) -> list[dict[str, Any]]:
    """Every repeat of one data set and optimiser: three suggestions, each trained with several seeds."""
    from caviar.training import device

    devices, task, splits = device.start(), TASKS[name], splits_of(TASKS[name])
    material = Material(splits)
    space = caviar.Space.default(splits.dataset).fix(optimiser=optimiser, hidden=HIDDEN)
    configuration = space.default_configuration()
    suggested: list[dict[str, Any]] = []
    for repeat in range(repeats):
        began = time.perf_counter()
        trainings = Trainings(check_rates(1e-6, 10.0, 64), 4, 100, 3, task.epochs, 100 + repeat)
        ours = rate_finder.find(material, configuration, trainings, devices)
        between = time.perf_counter()
        rates, costs = ramp(material, configuration, repeat)
        seconds = {"caviar": between - began, "ramp": time.perf_counter() - between}
        suggested.append(
            {
                "rates": {"caviar": ours.suggested, "valley": valley(rates, costs), "steep": steep(rates, costs)},
                "seconds": {what: round(value, 1) for what, value in seconds.items()},
                "interval": ours.interval,
                "range": [ours.low, ours.high, ours.largest_stable],
            }
        )
    streams = [material.stream(StreamSpec(number, 9_000 + number)) for number in range(repeats * SEEDS)]
    runs = [
        (repeat * SEEDS + seed, {**configuration, "learning_rate": rate})
        for repeat, one in enumerate(suggested)
        for seed in range(SEEDS)
        for rate in one["rates"].values()
    ]
    fields = rate_finder.train(material, streams, runs, epochs=task.epochs, seed=77, devices=devices)
    best = np.argmin(np.nan_to_num(fields["dev_cost"], nan=np.inf), axis=1)  # the epoch that a study would keep
    lost = ~np.isfinite(fields["dev_cost"][:, -1])
    judged = {
        key: np.where(lost, np.nan, fields[key][np.arange(len(runs)), best]).reshape(repeats, SEEDS, 3)
        for key in ("judge_cost", "judge_error")
    }
    cost, error = constant(material)
    about = {
        "question": "learning_rate", "data": name, "held_out": name in HELD_OUT, "optimiser": optimiser,
        "epochs": task.epochs, "train_rows": len(splits.train), "constant": [cost, error], **environment(),
    }  # fmt: skip
    return [
        {
            **about,
            "repeat": repeat,
            **one,
            "costs": {rule: _plain(judged["judge_cost"][repeat, :, i]) for i, rule in enumerate(one["rates"])},
            "errors": {rule: _plain(judged["judge_error"][repeat, :, i]) for i, rule in enumerate(one["rates"])},
        }
        for repeat, one in enumerate(suggested)
    ]


def _plain(values: np.ndarray) -> list[float | None]:
    """Numbers for JSON; of a training that diverged None."""
    return [float(value) if np.isfinite(value) else None for value in values]


def constant(material: Material) -> tuple[float, float]:
    """Cost and error of the best constant prediction, on the dev rows that judge."""
    splits, targets = material.splits, material.targets
    rows = splits.dev[~splits.choose]
    cost = rate_finder.chance(material, rows)
    if material.task == "classification":
        commonest = np.bincount(targets[splits.train]).argmax()
        return cost, float(np.mean(targets[rows] != commonest))
    return cost, float(np.sqrt(2.0 * cost))  # in units of the target's spread, as the engine's errors are


def main() -> None:
    """Run, append, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(HELD_OUT))
    parser.add_argument("--optimisers", default="adam,gradient_descent")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--tables", action="store_true", help="write the tables from the results that there are")
    asked = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    for name in [] if asked.tables else asked.only.split(","):
        for optimiser in asked.optimisers.split(","):
            began = time.perf_counter()
            found = run(name, optimiser, asked.repeats)
            before = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
            kept = [one for one in before if (one["data"], one["optimiser"]) != (name, optimiser)]
            RESULTS.write_text("".join(json.dumps(one) + "\n" for one in kept + found), encoding="utf-8")
            for one in found:
                print(name, optimiser, one["rates"], one["costs"], flush=True)
            print(f"{time.perf_counter() - began:.0f} s", flush=True)
    write_tables([json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()])


if __name__ == "__main__":
    main()
