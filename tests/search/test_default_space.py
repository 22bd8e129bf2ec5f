"""The default space depends on the data and is lean."""

from types import SimpleNamespace

import numpy as np
import pytest

from caviar.search.hyperparameters import HYPERPARAMETERS
from caviar.search.space import Space


def data(
    rows: int, numbers: int = 0, categories: int = 0, classes: int = 2, image: tuple | None = None
) -> SimpleNamespace:
    """What the default space looks at in a dataset."""
    kinds = ["number"] * numbers + ["category"] * categories + ["left_out"] * 50
    columns = tuple(SimpleNamespace(kind=kind) for kind in kinds)
    task = "classification" if classes else "regression"
    schema = SimpleNamespace(columns=columns, classes=("c",) * classes, image_shape=image, task=task)
    return SimpleNamespace(rows=rows, schema=schema)


SETS = {
    "iris": data(150, numbers=4, classes=3),
    "diabetes": data(442, numbers=10, classes=0),
    "titanic": data(891, numbers=5, categories=5),
    "digits": data(1797, numbers=64, classes=10),
    "mushrooms": data(8124, categories=22),
    "california": data(20640, numbers=8, categories=1, classes=0),
    "adult": data(48842, numbers=6, categories=8),
    "mnist": data(70000, classes=10, image=(28, 28, 1)),
    "covertype": data(581012, numbers=54, classes=7),
    "cats": data(209, classes=2, image=(64, 64, 3)),
    "one row": data(1, numbers=1, classes=2),
}


@pytest.mark.parametrize("name", SETS)
def test_default_space_is_lean(name: str) -> None:
    """Only Adam, ReLU and no batch norm; the learning rate, the schedule, two regularisers and the structure vary."""
    space = Space.default(SETS[name])
    assert set(space.varied) <= {
        *("learning_rate", "decay", "decay_base", "weight_decay", "keep_probability"),
        *("hidden", "batch_size", "encoding"),
    }
    structures = space.structures(0, 4)
    assert 2 <= len(structures) <= 4
    assert {1, 2, 3} == {len(structure["hidden"]) for structure in space.structures(0, 3)}
    for index in range(50):
        configuration = space.draw(np.random.default_rng(index), structures[index % len(structures)])
        assert space.contains(configuration)
        assert (configuration["optimiser"], configuration["activation"]) == ("adam", "relu")
        assert not configuration["batch_norm"]


@pytest.mark.parametrize("name", SETS)
def test_trial_0_is_a_strong_default(name: str) -> None:
    """Trial 0 is Adam at a few thousandths under cosine decay, two layers, no regulariser, standardised inputs."""
    space = Space.default(SETS[name])
    first = space.default_configuration()
    assert 1e-3 <= first["learning_rate"] <= 1e-2 and first["decay"] == "cosine"
    assert (first["weight_decay"], first["keep_probability"], first["encoding"]) == (0.0, 1.0, "standard")
    structure = {key: first[key] for key in ("hidden", "batch_size", "encoding")}
    assert space.structures(5, 1) == [structure] and len(first["hidden"]) == 2


def test_larger_data_get_larger_networks_and_batches() -> None:
    """Widths and batches grow with the rows, and batches leave small data tens of updates an epoch."""
    firsts = [Space.default(SETS[name]).default_configuration() for name in ("iris", "titanic", "adult", "covertype")]
    widths, batches = ([first[key] for first in firsts] for key in ("hidden", "batch_size"))
    assert widths == sorted(widths) and widths[0][0] < widths[-1][0]
    assert batches == sorted(batches) and batches[0] == 32
    assert 20 < 1797 / Space.default(SETS["digits"]).default_configuration()["batch_size"] < 100


def test_bins_are_tried_on_numbers_only() -> None:
    """The piecewise-linear encoding is a second structure for tables with numbers, and for nothing else."""
    for name, tried in [("adult", True), ("mnist", False), ("mushrooms", False), ("iris", False)]:
        encodings = {structure["encoding"] for structure in Space.default(SETS[name]).structures(0, 2)}
        assert encodings == ({"standard", "piecewise_linear"} if tried else {"standard"})


def test_default_learning_rate_follows_the_optimiser() -> None:
    """A learning rate that nobody gave suits the optimiser that somebody fixed; a given one is left as it is."""
    space = Space.default(SETS["digits"])
    adam = space.default_configuration()["learning_rate"]
    plain = space.fix(optimiser="gradient_descent")
    assert plain.default_configuration()["learning_rate"] == pytest.approx(20 * adam)
    drawn = plain.draw(np.random.default_rng(0), plain.structures(0, 1)[0])
    assert plain.contains(drawn) and drawn["learning_rate"] >= 20 * adam / 5
    given = plain.vary("learning_rate", 1e-4, 1e-3)
    assert given.draw(np.random.default_rng(0), {})["learning_rate"] <= 1e-3
    assert plain.fix(learning_rate=0.5).default_configuration()["learning_rate"] == 0.5
    mixed = space.choose("optimiser", "adam", "momentum")
    for index in range(40):
        assert mixed.contains(mixed.draw(np.random.default_rng(index), {}))


def test_fixing_the_schedule_quietly_drops_its_numbers() -> None:
    """What the default space varies beside a schedule falls away with it, without an error."""
    space = Space.default(SETS["digits"]).fix(decay="cosine", hidden=[]).check()
    drawn = space.draw(np.random.default_rng(0), space.structures(0, 1)[0])
    assert drawn["decay_base"] == HYPERPARAMETERS["decay_base"].default and drawn["keep_probability"] == 1.0
