"""Does training at the learning rate that Caviar suggests beat training at fastai's suggestion from a ramp?

Both look at the same network (the default one), data and mini-batches. Caviar trains at many constant rates; fastai's
`lr_find` trains once while the rate grows from 1e-7 to 10 over 100 batches, and reads the smoothed cost: `valley` takes
the middle of the middle third of the longest stretch over which it falls, `steep` the steepest fall (docs.fast.ai,
callback.schedule; written anew here from that description, its numbers as published). Then the network is trained for
some epochs at each suggestion, several seeds; its best epoch is kept by the half of dev that chooses, and judged on the
half that no search has looked at. The test sets stay sealed. Writes benchmarks/results/learning_rate.jsonl and the
table in docs/learning-rate.md.

    python -m benchmarks.learning_rate [--repeats 3] [--seeds 4] [--optimiser adam] [--only adult]
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

import caviar
from benchmarks.environment import environment
from caviar.study import rate_finder
from caviar.study.arguments import check_rates
from caviar.study.learning_rates import Trainings
from caviar.study.material import Material, own_widths
from caviar.study.spec import StreamSpec

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data" / "tabular"
RESULTS = HERE / "results" / "learning_rate.jsonl"
PAGE = HERE.parent / "docs" / "learning-rate.md"
# name: (file, target, epochs of the trainings that are compared)
SETS = {
    "covertype": ("covertype_10k.csv.gz", "Cover_Type", 20),
    "california": ("california_housing.csv.gz", "median_house_value", 20),
    "adult": ("adult_train.csv.gz", "income", 10),
}
START, END, STEPS, BETA = 1e-7, 10.0, 100, 0.98  # fastai's, as published


def ramp(material: Material, configuration: dict[str, Any], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rates and smoothed costs of one training while the rate grows, until the cost is four times the lowest."""
    import jax

    from caviar.data.streams import batches
    from caviar.networks.mlp import first_layers
    from caviar.study.campaigns import structure_of
    from caviar.training.features import features_of
    from caviar.training.optimisers import Moments
    from caviar.training.step import Batch, TrainState, step
    from caviar.training.values import Assignment, schedule, slot_values

    prepared = material.prepare(StreamSpec(seed, 7_000 + seed), configuration["encoding"])
    architecture = material.architecture(structure_of(configuration), prepared.encoder.features)
    widths = own_widths(prepared.encoder.features, configuration, material.outputs)
    whole = {**configuration, "learning_rate": 1.0, "decay": "constant", "warmup": 0.0}
    own = Assignment(0, whole, seed, widths, len(prepared.stream.rows), STEPS, 1, 1)
    layers, averages = first_layers(
        architecture, widths, kind=whole["initialisation"], scale=whole["initialisation_scale"], seed=seed
    )
    zeros = jax.tree.map(np.zeros_like, layers)
    state = TrainState(layers, averages, Moments(zeros, zeros), *[np.float32(0)] * 3)
    numbers = {name: value[0] for name, value in slot_values([own], architecture).items()}
    features = features_of([whole], padded_outputs=architecture.outputs > material.outputs)
    update = jax.jit(lambda state, batch, h: step(state, batch, h, features=features, loss=architecture.loss))
    inputs = np.zeros((len(prepared.version.inputs), architecture.features), np.float32)
    inputs[:, : prepared.version.inputs.shape[1]] = prepared.version.inputs
    kind = np.int32 if material.task == "classification" else np.float32
    targets, size = prepared.version.targets.astype(kind), architecture.batch_size
    rates = START * (END / START) ** (np.arange(STEPS) / STEPS)
    corrections = schedule([own], [np.arange(1, STEPS + 1)])[0, :, 1:].astype(np.float32)
    costs: list[float] = []
    at, epoch = 0, 0
    while at < STEPS:
        for rows, present in zip(*batches(prepared.stream, epoch, size), strict=True):
            key = jax.random.key(1_000 * seed + at)
            batch = Batch(inputs[rows], targets[rows], present, present, key)
            first, second = corrections[at]
            rate = np.float32(rates[at])
            state, cost = update(state, batch, {**numbers, "rate": rate, "correction_1": first, "correction_2": second})
            costs.append(float(cost))
            at += 1
            smooth = caviar.exponentially_weighted_average(costs, BETA)
            if at == STEPS or not math.isfinite(costs[-1]) or smooth[-1] > 4 * smooth.min():
                kept = slice(STEPS // 10, len(smooth) - 5)  # the first tenth and the last five are left out
                fine = np.isfinite(smooth[kept])
                return rates[: len(smooth)][kept][fine], smooth[kept][fine]
        epoch += 1
    raise AssertionError


def valley(rates: np.ndarray, costs: np.ndarray) -> float:
    """The rate half-way through the middle third of the longest chain of falling costs."""
    chain = np.ones(len(costs), int)
    for later in range(1, len(costs)):
        below = costs[:later] > costs[later]
        if below.any():
            chain[later] = chain[:later][below].max() + 1
    end = int(np.argmax(chain))
    start = max(0, end - int(chain[end]))
    third = (end - start) / 3
    return float(rates[start + int(third) + int(third / 2)])


def steep(rates: np.ndarray, costs: np.ndarray) -> float:
    """The rate at which the cost falls fastest along the logarithm of the rate."""
    return float(rates[np.argmin(np.diff(costs) / np.diff(np.log(rates)))])


def run(name: str, optimiser: str, repeats: int, seeds: int) -> list[dict[str, Any]]:
    """Every repeat of one data set: three suggestions, each trained with several seeds."""
    from caviar.training import device

    devices = device.start()
    file, target, epochs = SETS[name]
    splits = caviar.split(caviar.read(str(DATA / file), target=target), seed=0)
    assert not splits.choose.all(), "the half of dev that judges must be one that no search has seen"
    material = Material(splits)
    configuration = caviar.Space.default(splits.dataset).fix(optimiser=optimiser).default_configuration()
    streams = [material.stream(StreamSpec(number, 9_000 + number)) for number in range(seeds)]
    found = []
    for repeat in range(repeats):
        began = time.perf_counter()
        trainings = Trainings(check_rates(1e-6, 10.0, 64, 4, 300), 4, 300, 100 + repeat)
        ours = rate_finder.find(material, configuration, trainings, devices)
        seconds = time.perf_counter() - began
        swept = ramp(material, configuration, repeat)
        suggested = {"caviar": ours.suggested, "valley": valley(*swept), "steep": steep(*swept)}
        runs = [
            (seed, {**configuration, "learning_rate": rate}) for seed in range(seeds) for rate in suggested.values()
        ]
        fields = rate_finder.train(material, streams, runs, epochs=epochs, seed=repeat, devices=devices)
        best = np.argmin(np.nan_to_num(fields["dev_cost"], nan=np.inf), axis=1)  # the epoch that a study would keep
        fields = {name: values[np.arange(len(runs)), best] for name, values in fields.items()}
        for place, (method, rate) in enumerate(suggested.items()):
            one = {
                "question": "learning_rate", "data": name, "optimiser": optimiser, "method": method, "repeat": repeat,
                "rate": rate, "epochs": epochs, "seconds_to_suggest": round(seconds, 1) if method == "caviar" else None,
                "errors": fields["judge_error"].reshape(seeds, 3)[:, place].tolist(),
                "costs": fields["judge_cost"].reshape(seeds, 3)[:, place].tolist(),
                "interval": ours.interval if method == "caviar" else None,
                "range": [ours.low, ours.high, ours.largest_stable] if method == "caviar" else None,
                **environment(),
            }  # fmt: skip
            found.append(one)
            print(
                name, repeat, method, f"{rate:.3g}", np.round(one["costs"], 4), np.round(one["errors"], 4), flush=True
            )
    return found


def table() -> str:
    """The results as rows of a page."""
    known = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    lines = [
        "| data | optimiser | rule | rates suggested | dev cost | dev error | against Caviar's cost |",
        "|---|---|---|---|---|---|---|",
    ]
    groups = {(one["data"], one["optimiser"]): None for one in known}
    for data, optimiser in groups:
        own = {m: [o for o in known if (o["data"], o["optimiser"], o["method"]) == (data, optimiser, m)]
               for m in ("caviar", "valley", "steep")}  # fmt: skip
        ours = np.array([o["costs"] for o in own["caviar"]])
        for method, rows in own.items():
            costs, errors = np.array([o["costs"] for o in rows]), np.array([o["errors"] for o in rows])
            rates = ", ".join(f"{o['rate']:.2g}" for o in rows)
            label = {"caviar": "Caviar", "valley": "ramp, valley", "steep": "ramp, steep"}[method]
            apart = "" if method == "caviar" else _difference(costs, ours)
            lines.append(
                f"| {data} | {optimiser} | {label} | {rates} | {costs.mean():.4f} | {errors.mean():.4f} | {apart} |"
            )
    return "\n".join(lines)


def _difference(costs: np.ndarray, ours: np.ndarray) -> str:
    """How much larger the cost is, with the interval over repeats; the seeds of both began alike."""
    from scipy.stats import t

    with np.errstate(invalid="ignore"):
        apart = (costs - ours).mean(axis=1)
    if not np.isfinite(apart).all():
        return "diverged"
    half = t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / math.sqrt(len(apart)) if len(apart) > 1 else math.nan
    return f"{apart.mean():+.4f} ± {half:.4f}"


def main() -> None:
    """Run, append, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--optimiser", default="adam")
    parser.add_argument("--only", default=",".join(SETS))
    asked = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    for name in asked.only.split(","):
        found = run(name, asked.optimiser, asked.repeats, asked.seeds)
        before = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
        kept = [one for one in before if (one["data"], one["optimiser"]) != (name, asked.optimiser)]
        RESULTS.write_text("".join(json.dumps(one) + "\n" for one in kept + found), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition("<!-- results -->")
    PAGE.write_text(
        f"{head}<!-- results -->\n{table()}\n<!-- end -->{rest.partition('<!-- end -->')[2]}", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
