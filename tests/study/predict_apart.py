"""A stranger's process: evaluates saved models on a table, row by row, and says which modules that took.

python predict_apart.py TABLE.csv MODEL...        (prints one JSON object)
"""

import json
import sys

import numpy as np

import caviar


def main(table: str, *paths: str) -> None:
    """Print what each model predicts, its metrics and its row errors, and whether JAX was loaded."""
    found = {}
    for path in paths:
        model = caviar.load(path)
        told = model.evaluate(table)
        predicted = model.predict(table)
        found[path] = {
            "predicted": predicted.tolist(),
            "row_errors": np.asarray(told.pop("row_errors")).tolist(),
            "shares": model.predict_probabilities(table).tolist() if model.task == "classification" else None,
            "evaluated": told,
        }
    print(json.dumps({"models": found, "jax": "jax" in sys.modules}))


if __name__ == "__main__":
    main(*sys.argv[1:])
