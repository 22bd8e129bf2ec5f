"""Starting point: the default space follows the data, and panda or caviar the cost of one training."""

from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.errors import StudyError
from caviar.search.space import Space
from caviar.study.approach import of_study, suggestion
from data.tables import blobs, table_of
from study.making import study


def test_the_default_space_depends_on_the_data() -> None:
    """More rows mean wider networks, larger batches and smaller steps; more classes never fewer units than classes."""
    few, many = Space.default(blobs(200)), Space.default(blobs(30_000))
    first, second = few.default_configuration(), many.default_configuration()
    assert first["hidden"][0] < second["hidden"][0]
    assert first["batch_size"] < second["batch_size"]
    assert first["learning_rate"] > second["learning_rate"]
    wide = Space.default(table_of(np.random.default_rng(0).normal(size=(400, 2)), np.arange(400) % 30, classes=30))
    assert min(min(bucket["hidden"]) for bucket in wide.structures(0, 4)) >= 16


def test_it_depends_on_d_and_the_task() -> None:
    """Many inputs on many rows mean a wide first layer; images have no choice of encodings, tables with numbers do."""
    rows = np.random.default_rng(1)
    broad = table_of(rows.normal(size=(10_000, 500)), np.arange(10_000) % 2)
    assert Space.default(broad).default_configuration()["hidden"][0] == 256
    assert "encoding" in Space.default(blobs(300)).varied
    pixels = caviar.read((rows.integers(0, 256, (300, 6, 6, 1)).astype(np.uint8), np.arange(300) % 2))
    assert "encoding" not in Space.default(pixels).varied


@pytest.mark.parametrize(
    ("seconds", "minutes", "way"),
    [(1.0, 10, "caviar"), (59.0, 10, "caviar"), (61.0, 10, "panda"), (3600.0, 60, "panda")],
)
def test_panda_or_caviar(seconds: float, minutes: float, way: str) -> None:
    """Ten whole trainings within the budget are caviar's, fewer panda's; the sentence has the numbers."""
    said = suggestion(seconds, minutes)
    assert f"({way})" in said and f" {int(minutes * 60 / seconds)} fit" in said
    with pytest.raises(StudyError, match="some time"):
        suggestion(0.0)


def test_a_study_knows_what_one_training_costs(tmp_path: Path) -> None:
    """After a search the suggestion rests on what its trainings took: epochs over epochs a second."""
    run = study(tmp_path / "run")
    assert of_study(run) is None
    run.search(trials=3, epochs=2, stopping=None)
    statistics = run.results["statistics"]
    seconds = 2 * statistics["seconds"] / statistics["model_epochs"]
    assert of_study(run, 5) == suggestion(seconds, 5)
