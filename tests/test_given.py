"""Whatever a person gives of a plainly wrong type gets one sentence at every public door, and nothing is written."""

from collections.abc import Callable
from inspect import unwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import caviar
from caviar import given
from caviar.data.splits import Splits
from caviar.errors import CaviarError, StudyError
from caviar.study import panda, work
from caviar.study.model import Model
from caviar.study.study import Study
from study.making import data, splits, study

WRONG: dict[str, Any] = {
    "whole": 3, "negative": -1, "enormous": 2**70, "fraction": 2.5, "NaN": float("nan"), "truth": True, "None": None,
    "text": "x", "bytes": b"x", "list": [1], "dict": {1: 2}, "object": object(), "array": np.array([1, 2]),
    "NUL": "a\0b", "endless": "y" * 5000,
}  # fmt: skip
NUMBERS = ("whole", "negative", "enormous", "fraction", "NaN")
TEXTS = ("text", "NUL", "endless")


class Doors:
    """What the doors lead to: data, splits, a study of nothing yet, a model."""

    def __init__(self, folder: Path) -> None:
        self.data = data(60)
        self.splits: Splits = caviar.split(self.data)
        self.study: Study = study(folder / "study", splits=self.splits)
        self.model: Model | None = None
        self.new = folder / "new"


def cost(x: Any) -> Any:
    """A cost to minimise."""
    return (x**2).sum()


START = np.array([1.0, 2.0])
# A door, and the values that are right for it. The engine is unwrapped, as it is outside the tests.
DOORS: dict[str, tuple[Callable[[Doors, Any], Any], tuple[str, ...]]] = {
    "read ignore": (lambda d, v: caviar.read("iris", ignore=v), ("None",)),
    "read task": (lambda d, v: caviar.read("iris", task=v), ()),
    "split": (lambda d, v: caviar.split(v), ()),
    "split seed": (lambda d, v: caviar.split(d.data, seed=v), ("whole",)),
    "split dev": (lambda d, v: caviar.split(d.data, dev=v), ("whole", "None")),
    "split test": (lambda d, v: caviar.split(d.data, test=v), ("whole", "None")),
    "split train_dev": (lambda d, v: caviar.split(d.data, train_dev=v), ("whole", "None")),
    "split halves": (lambda d, v: caviar.split(d.data, halves=v), ("truth",)),
    "split group": (lambda d, v: caviar.split(d.data, group=v), ("None",)),
    "load": (lambda d, v: caviar.load(v), ()),
    "Study": (lambda d, v: caviar.Study(v), ()),
    "Study splits": (lambda d, v: caviar.Study(d.new, v), ()),
    "Study space": (lambda d, v: caviar.Study(d.new, d.splits, space=v), ("None",)),
    "Study seed": (lambda d, v: caviar.Study(d.new, d.splits, seed=v), ("whole", "None")),
    "Study metric": (lambda d, v: caviar.Study(d.new, d.splits, metric=v), ("None",)),
    "Study metric, open": (lambda d, v: caviar.Study(d.study.folder, metric=v), ("None",)),
    "Study base_error": (lambda d, v: caviar.Study(d.new, d.splits, base_error=v), ("None",)),
    "Study watch": (lambda d, v: caviar.Study(d.new, d.splits, watch=v), ("None",)),
    "Study job": (lambda d, v: caviar.Study(d.new, d.splits, job=v), ("None",)),
    "average beta": (lambda d, v: caviar.exponentially_weighted_average([1.0], v), ()),
    "average corrected": (lambda d, v: caviar.exponentially_weighted_average([1.0], 0.9, corrected=v), ("truth",)),
    "gradients entries": (lambda d, v: unwrap(caviar.check_gradients)(cost, START, entries=v), ("whole",)),
    "gradients seed": (lambda d, v: unwrap(caviar.check_gradients)(cost, START, seed=v), ("whole",)),
    "minimise": (lambda d, v: unwrap(caviar.minimise)(v, START), ()),
    "minimise steps": (lambda d, v: unwrap(caviar.minimise)(cost, START, steps=v), ("whole",)),
    "minimise every": (lambda d, v: unwrap(caviar.minimise)(cost, START, every=v), ("whole",)),
    "minimise dtype": (lambda d, v: unwrap(caviar.minimise)(cost, START, dtype=v), ()),
    "Space": (lambda d, v: caviar.Space(v), ()),
    "Space axes": (lambda d, v: caviar.Space(axes=v), ()),
    "default": (lambda d, v: caviar.Space.default(v), ()),
    "from_dict": (lambda d, v: caviar.Space.from_dict(v), ()),
    "fix": (lambda d, v: caviar.Space().fix(optimiser=v), ()),
    "vary": (lambda d, v: caviar.Space().vary(v), ()),
    "vary scale": (lambda d, v: caviar.Space().vary("l2", scale=v), ("None",)),
    "vary off": (lambda d, v: caviar.Space().vary("l2", off=v), ()),
    "choose": (lambda d, v: caviar.Space().choose(v, 1, 2), ()),
    "widths smallest": (lambda d, v: caviar.Space().widths([8], smallest=v), ("truth",)),
    "put": (lambda d, v: caviar.Space().put(v), ()),
    "with_options": (lambda d, v: caviar.Space().with_options(v), ()),
    "structures": (lambda d, v: caviar.Space().structures(v), ("whole",)),
    "structures count": (lambda d, v: caviar.Space().structures(0, v), ("whole",)),
    "draw": (lambda d, v: caviar.Space().draw(v, {}), ()),
    "draw structure": (lambda d, v: caviar.Space().draw(np.random.default_rng(0), v), ()),
    "assemble": (lambda d, v: caviar.Space().assemble(v, {}), ()),
    "contains": (lambda d, v: caviar.Space().contains(v), ()),
    "note idea": (lambda d, v: d.study.note(idea=v), (*TEXTS,)),
    "note conclusion": (lambda d, v: d.study.note(conclusion=v), ()),
    "change_space": (lambda d, v: d.study.change_space(v), ()),
    "search trials": (lambda d, v: d.study.search(trials=v), ("whole",)),
    "search epochs": (lambda d, v: d.study.search(epochs=v), ("whole",)),
    "search stopping": (lambda d, v: d.study.search(stopping=v), ("None",)),
    "search patience": (lambda d, v: d.study.search(patience=v), ("whole", "enormous", "None")),
    "search twins": (lambda d, v: d.study.search(twins=v), ("truth",)),
    "search minutes": (lambda d, v: d.study.search(minutes=v), ("whole", "enormous", "fraction", "None")),
    "search sampler": (lambda d, v: d.study.search(sampler=v), ()),
    "search start_from": (lambda d, v: d.study.search(start_from=v), ("None",)),
    "search probes": (lambda d, v: d.study.search(probes=v), ("truth",)),
    "train": (lambda d, v: d.study.train(v), ("None",)),
    "train epochs": (lambda d, v: d.study.train(epochs=v), ("whole",)),
    "find_learning_rate": (lambda d, v: d.study.find_learning_rate(v), ("None",)),
    "find_learning_rate seeds": (lambda d, v: d.study.find_learning_rate(seeds=v), ("whole",)),
    "babysit": (lambda d, v: d.study.babysit(v), ("None",)),
    "babysit epochs": (lambda d, v: d.study.babysit(epochs=v), ("whole",)),
    "babysit trial": (lambda d, v: d.study.babysit(trial=v), ("None",)),
    "resume": (lambda d, v: d.study.resume(v), ("whole", "enormous", "fraction", "None")),
    "snapshot": (lambda d, v: d.study.snapshot(v), ()),
    "by_slice": (lambda d, v: d.study.by_slice(v), ("None",)),
    "by_slice bins": (lambda d, v: d.study.by_slice(bins=v), ("whole",)),
    "trial gradients": (lambda d, v: d.study.check_gradients(v), ("None",)),
    "trial gradients seed": (lambda d, v: d.study.check_gradients(seed=v), ("whole",)),
    "descent": (lambda d, v: d.study.check_descent(v), ("None",)),
    "descent steps": (lambda d, v: d.study.check_descent(steps=v), ("whole",)),
}  # fmt: skip


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Doors:
    """One study for all doors: nothing may change it."""
    return Doors(tmp_path_factory.mktemp("doors"))


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_wrong_types_in_a_sentence(
    doors: Doors, door: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole numbers, fractions, NaN, truth values, texts, lists, objects: what is not right for a door is refused."""

    def trained(*_: Any, **__: Any) -> None:
        raise AssertionError("it would have been trained")

    for name in ("run", "search", "train", "find_learning_rate"):
        monkeypatch.setattr(work, name, trained)
    monkeypatch.setattr(panda, "begin", trained)
    monkeypatch.chdir(tmp_path)
    open_door, right = DOORS[door]
    for kind, value in WRONG.items():
        if kind in right:
            continue
        with pytest.raises(CaviarError) as refused:
            open_door(doors, value)
        said = str(refused.value)
        assert said.endswith((".", "?", ")")) and "\n" not in said and len(said) > 20, (kind, said)
        assert kind != "endless" or door in ("read ignore", "split group") or len(said) < 800, said
    assert not doors.new.exists() and list(tmp_path.iterdir()) == []
    assert doors.study.campaigns == []


@pytest.mark.parametrize("kind", [kind for kind in WRONG if kind not in ("None", "list", "array", "dict")])
def test_rows_of_a_model_are_numbers_of_rows(doors: Doors, kind: str) -> None:
    """Rows that are no list of row numbers are refused; a list, an array and a mask name the same rows."""
    if doors.model is None:
        doors.model = study(doors.study.folder.parent / "trained", splits=doors.splits).train(epochs=1).best_model()
    model, rows = doors.model, [0, 5]
    for ask in (model.predict, model.predict_probabilities, model.evaluate, model.outputs):
        with pytest.raises(CaviarError, match=r"'rows' lists numbers of rows, from 0 to 59"):
            ask(doors.data, WRONG[kind])
    with pytest.raises(CaviarError, match=r"'rows' lists numbers of rows"):
        model.predict(doors.data, [60])
    if kind not in TEXTS:
        with pytest.raises(CaviarError, match="A model is named by a path"):
            model.save(WRONG[kind])
    mask = np.isin(np.arange(60), rows)
    expected = model.outputs(doors.data)[rows]
    for same in (rows, np.array(rows), mask, tuple(rows)):
        np.testing.assert_array_equal(model.outputs(doors.data, same), expected)
        assert model.evaluate(doors.data, same)["examples"] == 2


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    """NumPy's whole numbers, floats and truth values do what Python's do."""
    begun = study(tmp_path / "study", seed=np.int64(3), base_error=np.float32(0.25))
    begun.search(trials=np.int64(2), epochs=np.int32(2), twins=np.True_, patience=np.int64(2))  # type: ignore[arg-type]
    same = study(tmp_path / "same", seed=3, base_error=0.25).search(trials=2, epochs=2, patience=2)
    assert [trial.dev_cost for trial in begun.trials] == [trial.dev_cost for trial in same.trials]
    assert begun.seed == 3 and type(begun.seed) is int and begun.base_error == 0.25
    assert splits().summary() == caviar.split(data(), seed=np.int64(0)).summary()  # type: ignore[arg-type]


def test_a_whole_number_lies_between_its_ends() -> None:
    """The ends themselves are allowed, what lies beyond them is not, and the sentence says which end."""
    assert [given.whole("n", n, StudyError, 2, 4) for n in (2, 3, 4)] == [2, 3, 4]
    for beyond in (1, 5):
        with pytest.raises(StudyError, match=f"'n' must be a whole number from 2 to 4. Got {beyond}."):
            given.whole("n", beyond, StudyError, 2, 4)
    with pytest.raises(StudyError, match="of at most 1000000000"):
        given.whole("n", given.MOST + 1, StudyError)
    with pytest.raises(StudyError, match="of at least 1"):
        given.whole("n", 0, StudyError)


def test_a_path_is_one_that_the_system_takes(tmp_path: Path) -> None:
    """Whatever lies there or not, also below a file: looking is another matter; a name beyond the system's is not."""
    (tmp_path / "file").write_text("")
    for fine in (tmp_path, tmp_path / "none" / "deeper", tmp_path / "file" / "below", str(tmp_path)):
        assert given.path("A place", fine, StudyError) == Path(fine)
    for wrong in ("", "a\0b", tmp_path / ("y" * 300), b"x", 3):
        with pytest.raises(StudyError, match=r"^A place (is named by a path|cannot be at)"):
            given.path("A place", wrong, StudyError)
