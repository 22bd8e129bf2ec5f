"""Is what a search finds sensible? The test error of `caviar search` beside a logistic or linear regression's.

Both see the same rows: the study's own split. The linear model is scikit-learn's (LogisticRegression, or RidgeCV for
numbers) on the same standardised inputs, fitted on train and dev together, which is its advantage; the search gives its
test error once, at the end. Writes benchmarks/results/quality.jsonl and docs/quality.md.

    python -m benchmarks.quality [--trials 64] [--epochs 30] [--only adult,wine]
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.environment import environment

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / "shared" / "data"

# name: (path below the data folder, target, trials, epochs); larger data gets fewer, so that the whole takes minutes
SETS: dict[str, tuple[str, str | None, int, int]] = {
    "adult": ("tabular/adult_train.csv.gz", "income", 64, 20),
    "california": ("tabular/california_housing.csv.gz", "median_house_value", 64, 40),
    "bank": ("tabular/bank_marketing.csv.gz", "y", 64, 15),
    "wine": ("tabular/wine_quality_white.csv.gz", "quality", 64, 40),
    "titanic": ("tabular/titanic.csv", "Survived", 64, 40),
    "covertype": ("tabular/covertype_10k.csv.gz", "Cover_Type", 64, 40),
    "pima": ("tabular/pima_diabetes.csv", "outcome", 64, 40),
    "breast cancer": ("tabular/breast_cancer_wdbc.csv.gz", "target", 64, 40),
    "MNIST": ("mnist", None, 16, 10),
}


def run(name: str) -> dict[str, Any]:
    """Search one data set, and fit the linear model on the same rows."""
    import caviar

    path, target, trials, epochs = SETS[name]
    dataset = caviar.read(str(DATA / path), target=target)
    splits = caviar.split(dataset, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        study = caviar.Study(Path(folder, "run"), splits, seed=0)
        study.search(trials=trials, epochs=epochs)
        study.finish()
        seconds = time.perf_counter() - began
        test = study.results["test"]
    linear = _linear(dataset, splits)
    return {
        "question": "quality", "data": name, "trials": trials, "epochs": epochs, "seconds": round(seconds, 1),
        "task": dataset.schema.task, "rows": dataset.rows, "test_rows": len(splits.test), "error": test["error"],
        "low": test["low"], "high": test["high"], "linear_error": linear, "sensible": test["low"] <= linear,
        **environment(),
    }  # fmt: skip


def _linear(dataset: Any, splits: Any) -> float:
    from sklearn.linear_model import LogisticRegression, RidgeCV

    from caviar.data.encoding import fit_encoder

    rows = np.concatenate([splits.train, splits.dev])
    if len(rows) > 20_000 and dataset.pixels is not None:
        rows = rows[:: len(rows) // 20_000]  # logistic regression on all of MNIST takes a quarter of an hour
    encoder = fit_encoder(dataset, rows, "standard")
    fit, test = encoder.transform(dataset, rows), encoder.transform(dataset, splits.test)
    truth = dataset.targets[splits.test]
    if dataset.schema.task == "classification":
        model = LogisticRegression(max_iter=1000 if dataset.pixels is None else 60)
        model.fit(fit, dataset.targets[rows])
        return float(np.mean(model.predict(test) != truth))
    model = RidgeCV(alphas=np.logspace(-3, 3, 13)).fit(fit, dataset.targets[rows])
    return float(np.sqrt(np.mean((model.predict(test) - truth) ** 2)))


def page(found: list[dict[str, Any]]) -> str:
    """docs/quality.md."""
    lines = [
        "# What a search finds, beside a linear model",
        "",
        "Made by `python -m benchmarks.quality`; every figure is of the test set, opened once, with seed 0. The linear",
        "model (scikit-learn's LogisticRegression or RidgeCV) was fitted on train and dev together. Errors are shares",
        "misclassified in percent, or root mean squared errors in the target's unit; the interval is of 95 %.",
        "",
        "| data | rows | trials × epochs | error | interval | linear model | not above it beyond its interval |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in found:
        show = (lambda v: f"{100 * v:.2f} %") if row["task"] == "classification" else (lambda v: f"{v:,.0f}")
        lines.append(
            f"| {row['data']} | {row['rows']:,} | {row['trials']} × {row['epochs']} | **{show(row['error'])}** | "
            f"{show(row['low'])} to {show(row['high'])} | {show(row['linear_error'])} | "
            f"{'yes' if row['sensible'] else 'NO'} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    """Run all sets, or some."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(SETS))
    given = parser.parse_args()
    kept = HERE / "results" / "quality.jsonl"
    kept.parent.mkdir(exist_ok=True)
    old = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    found = {row["data"]: row for row in old}
    for name in given.only.split(","):
        found[name] = run(name)
        print(json.dumps(found[name]), flush=True)
        rows = [found[each] for each in SETS if each in found]
        kept.write_text("".join(json.dumps(row) + "\n" for row in rows))
        (HERE.parent / "docs" / "quality.md").write_text(page(rows))


if __name__ == "__main__":
    main()
