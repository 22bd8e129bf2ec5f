"""A page as a real search gives it, made up: 256 trials of 50 epochs with halving, some diverged, seeded."""

import math
from typing import Any

import numpy as np

from caviar.diagnosis.finding import Finding
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report.page_data import Estimate, Metric, PageData, Retrained
from caviar.search.hyperparameters import complete

RUNGS = (3, 9, 27)


def sample_trials(count: int = 256, epochs: int = 50, seed: int = 0) -> list[Trial]:
    """Trials whose error depends on the learning rate most, and on the optimiser and the widths a little."""
    generator = np.random.default_rng(seed)
    return [_trial(number, epochs, generator) for number in range(count)]


def sample_page(count: int = 256, epochs: int = 50, **changed: Any) -> PageData:
    """A whole page; every field may be changed."""
    trials = sample_trials(count, epochs)
    usable = [trial for trial in trials if math.isfinite(trial.dev_error)]
    fields: dict[str, Any] = {
        "name": "runs/digits",
        "created": "2026-03-14 09:26 UTC",
        "seconds": 41.7,
        "epochs": epochs,
        "command": f"caviar search digits --trials {count} --epochs {epochs} --seed 0 --run runs/digits",
        "python": "import caviar\n\nsplits = caviar.split(caviar.read('digits'), seed=0)\n"
        f"study = caviar.Study('runs/digits', splits, seed=0)\nstudy.search(trials={count}, epochs={epochs})",
        "data": {
            "name": "digits",
            "task": "classification",
            "rows": 1797,
            "columns": {f"pixel_{index // 8}_{index % 8}": "number" for index in range(61)},
            "left_out": {"pixel_0_0": "it is constant", "pixel_4_0": "it is constant", "pixel_3_7": "it is constant"},
            "classes": {str(digit): share for digit, share in enumerate(np.full(10, 0.1).tolist())},
            "notes": ("3 columns are constant and were left out.", "2 rows appear twice; both fall on the same side."),
        },
        "splits": {
            "method": "by content, stratified by class",
            "rows": {"train": 1078, "dev": 360, "test": 359, "train_dev": 0},
            "choose": 360,
            "judge": 360,
        },
        "trials": trials,
        "best": min(usable, key=lambda trial: trial.dev_error).number if usable else None,
        "retrained": [Retrained(1, 0.0251, 0.0011), Retrained(2, 0.0306, 0.0009), Retrained(3, 0.0278, 0.0014)],
        "base": Estimate(0.005),
        "train": Estimate(0.0111, 0.0062, 0.0199),
        "dev": Estimate(0.0278, 0.0151, 0.0506),
        "test": Estimate(0.0306, 0.0172, 0.0541),
        "test_opened": 1,
        "findings": sample_findings(),
        "statistics": {
            "slot_use": 0.943,
            "useful_arithmetic": 0.712,
            "compile_seconds": 5.4,
            "model_epochs": sum(trial.epochs for trial in trials),
            "epochs_per_second": 151.3,
            "programs": 3,
        },
        "signature": {"caviar": "0.1.0", "jax": "0.10.2", "numpy": "2.4.6", "device": "cpu", "devices": 2, "K": 64},
    }
    return PageData(**(fields | changed))


def sample_findings() -> list[Finding]:
    """One finding of every severity."""
    return [
        Finding(
            "FIT001",
            "problem",
            "High variance: train error 1.11 % (0.62 to 1.99 %), dev error 2.78 % (1.51 to 5.06 %). The variance is "
            "1.67 points (0.20 to 3.98), above 1 point. Try first more data, augmentation, weight decay or L2, "
            "dropout, earlier stopping, then another architecture. Which of these helps here has to be measured.",
            {
                "metric": "error",
                "seeds": 3,
                "base_error": 0.005,
                "base_error_given": True,
                "train_error": 0.0111,
                "train_rows": 1078,
                "train_interval": [0.0062, 0.0199],
                "dev_error": 0.0278,
                "dev_rows": 360,
                "dev_interval": [0.0151, 0.0506],
                "variance": 0.0167,
                "variance_interval": [0.002, 0.0398],
            },
            {"margin": 0.01, "confidence": 0.95},
        ),
        Finding("GRD004", "good", "No layer has vanishing or exploding gradients.", {"layers": 3}),
        Finding(
            "CUR003", "note", "The best epoch is the last for 12 networks: they might go on learning.", {"networks": 12}
        ),
        Finding(
            "HYP001", "warning", "The best learning rate lies at the edge of its range.", {"learning_rate": 0.0973}
        ),
        Finding("DAT004", "unclear", "Whether dev and test are alike cannot be told from so few rows.", {"p": 0.21}),
    ]


def regression_metric() -> Metric:
    """Errors in the unit of a target."""
    return Metric("rmse", "dollars")


def _trial(number: int, epochs: int, generator: np.random.Generator) -> Trial:
    configuration = complete(_configuration(number, generator))
    rate = configuration["learning_rate"]
    badness = abs(math.log10(rate) + 2.3) + 0.9 * (configuration["optimiser"] == "gradient_descent")
    badness += 0.3 * generator.standard_normal() + (0.4 if sum(configuration["hidden"]) < 65 else 0.0)
    final = float(np.clip(0.02 * math.exp(0.9 * badness), 0.0165, 0.9))
    steps = np.arange(1, epochs + 1)
    speed = (0.15 + 0.6 * generator.random()) * min(1.0, 0.3 + rate * 60)
    curve = final + (0.88 - final) * np.exp(-steps * speed)
    curve = np.round(np.clip(curve + 0.15 * final * generator.standard_normal(epochs), 0.0139, 0.95) * 360) / 360
    exempt = number % 16 == 5
    status, length, reason = _fate(number, curve, epochs, rate, exempt)
    curve = curve[:length].astype(np.float32)
    if status is Status.DIVERGED:
        curve[-1] = np.nan
    best = int(np.nanargmin(curve)) if np.isfinite(curve).any() else 0
    return Trial(
        number=number,
        status=status,
        configuration=configuration,
        seed=number,
        dev_error=math.nan if status is Status.DIVERGED else float(curve[best]),
        train_error=math.nan if status is Status.DIVERGED else 0.6 * float(curve[best]),
        best_epoch=best + 1,
        epochs=length,
        exempt=exempt,
        reason=reason,
        horizon=epochs,
        stop_at=epochs,
        history={"epoch": np.arange(1, length + 1), "dev_error": curve, "cost": curve},
    )


def _configuration(number: int, generator: np.random.Generator) -> dict[str, Any]:
    if number == 0:
        return {}
    return {
        "learning_rate": float(10 ** generator.uniform(-4, -1)),
        "optimiser": str(generator.choice(["adam", "momentum", "rmsprop", "gradient_descent"])),
        "beta_1": float(1 - 10 ** generator.uniform(-2, -0.7)),
        "l2": float(10 ** generator.uniform(-3, 1)) if generator.random() < 0.6 else 0.0,
        "keep_probability": float(generator.uniform(0.5, 1.0)),
        "clip_norm": float(10 ** generator.uniform(-1, 1)) if generator.random() < 0.3 else math.inf,
        "activation": str(generator.choice(["relu", "tanh", "silu", "gelu"])),
        "batch_norm": bool(generator.random() < 0.5),
        "hidden": [[128, 64], [64], [32, 32], [256, 128]][int(generator.integers(4))],
        "batch_size": int(generator.choice([32, 64, 128])),
    }


def _fate(number: int, curve: np.ndarray, epochs: int, rate: float, exempt: bool) -> tuple[Status, int, str]:
    """How a trial ends: the wild ones diverge, the weaker ones stop at a rung, the rest train to the end."""
    if rate > 0.06 and number % 3 == 0:
        return Status.DIVERGED, min(epochs, 2 + number % 5), "its cost became NaN"
    for rung, limit in zip(RUNGS, (0.5, 0.16, 0.055), strict=True):
        if rung < epochs and curve[rung - 1] > limit and not exempt:
            return Status.STOPPED, rung, f"among the weaker ones after {rung} epochs"
    return Status.FINISHED, epochs, "trained to its last epoch"
