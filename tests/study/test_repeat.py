"""Promise 12: same seed, same signature, budget in epochs: the same study, bit for bit."""

from pathlib import Path
from typing import Any

import pytest

import caviar
from caviar.study.study import Study
from study.making import content, data, differences, space, splits, study


def finished(folder: Path, **options: Any) -> Study:
    """A small study from the search to the test set."""
    return study(folder, **options).search(trials=8, epochs=6).finish()


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came out the first time."""
    return content(finished(tmp_path_factory.mktemp("once") / "study"))


def test_the_same_seed_gives_the_same_study(tmp_path: Path, once: dict[str, Any]) -> None:
    """Trials, histories, blocks, events, weights, per-row records, findings, test error and model file are equal."""
    again = content(finished(tmp_path / "study"))
    assert differences(once, again) == []
    assert once["histories"] and once["weights"] and once["model"] and once["results"]["test"]


def test_another_seed_gives_another_study(tmp_path: Path, once: dict[str, Any]) -> None:
    """Another seed draws other configurations, other first weights, and another order of the rows."""
    other = content(finished(tmp_path / "study", seed=1))
    first, second = once["trials"][1], other["trials"][1]
    assert first["configuration"]["learning_rate"] != second["configuration"]["learning_rate"]
    assert first["seed"] != second["seed"]
    # Trial 0 is the same configuration: its numbers differ by weights and order alone.
    assert once["trials"][0]["configuration"] == other["trials"][0]["configuration"]
    assert once["histories"][0] != other["histories"][0]


def test_trials_of_one_study_differ_by_their_seeds(tmp_path: Path) -> None:
    """The same configuration twice in one study starts from other weights."""
    fixed = study(tmp_path / "study", space=space(learning_rate=0.01)).search(trials=8, epochs=2)
    first, second = fixed.trials[:2]
    assert first.configuration == second.configuration
    assert first.seed != second.seed
    assert first.history["cost"].tolist() != second.history["cost"].tolist()


def test_a_search_in_two_parts_repeats_as_well(tmp_path: Path) -> None:
    """A second search of one study goes on with trial numbers, and both together repeat bit for bit."""

    def twice(folder: Path) -> Study:
        return study(folder).search(trials=8, epochs=3).search(trials=8, epochs=3)

    first, second = twice(tmp_path / "first"), twice(tmp_path / "second")
    assert [trial.number for trial in first.trials] == list(range(16))
    assert differences(content(first), content(second)) == []
    rates = [trial.configuration["learning_rate"] for trial in first.trials]
    assert len(set(rates)) >= 15, "the second search repeats the first"


def test_the_folder_and_the_way_of_reading_change_nothing(tmp_path: Path, once: dict[str, Any]) -> None:
    """A study of arrays in memory, opened again before it is trained, is the same study."""
    study(tmp_path / "elsewhere")
    opened = Study(tmp_path / "elsewhere").search(trials=8, epochs=6).finish()
    assert differences(once, content(opened)) == []


def test_how_rows_are_ordered_in_the_file_moves_none_to_another_set() -> None:
    """The split follows the rows' content, so the same rows in another order give the same sets."""
    one, whole = splits(), data()
    turned = caviar.split(caviar.read(whole_table().reverse(), target="y"), seed=0)
    for name in ("train", "dev", "test"):
        first = {int(whole.hashes[row]) for row in getattr(one, name)}
        assert first == {int(turned.dataset.hashes[row]) for row in getattr(turned, name)}


def whole_table() -> Any:
    """The table that the small studies train on."""
    from study.making import table

    return table()
