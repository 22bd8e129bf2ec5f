"""Tables become data sets: the target, the task, the roles, and what is left out."""

from pathlib import Path

import numpy as np
import pytest

from caviar.data.read import read
from caviar.errors import DataError

from .tables import people, write


def frame(**columns: object) -> dict[str, object]:
    """Columns beside an ordinary input."""
    rows = len(next(iter(columns.values())))  # type: ignore[arg-type]
    return {"size": np.random.default_rng(0).normal(size=rows), **columns}


def test_types_are_found_and_said(tmp_path: Path) -> None:
    """Numbers, categories and yes/no columns are told apart, and a note counts them and their gaps."""
    data = read(write(tmp_path, people().replace("red", "?")), "grade")
    assert [(column.name, column.kind) for column in data.schema.columns] == [
        ("height", "number"),
        ("colour", "category"),
        ("smokes", "boolean"),
    ]
    assert data.schema.classes == ("high", "low")
    missing = sum(value is None for value in data.columns["colour"])
    assert f"Inputs: 1 number, 1 category, 1 boolean; values are missing in colour ({missing})." in data.notes


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    """An identifier, a constant, an empty column and one to be ignored are left out, each with its reason."""
    lines = people(40).splitlines()
    text = "id,same,gone," + lines[0] + "\n" + "\n".join(f"{at * 3},7,?,{line}" for at, line in enumerate(lines[1:]))
    data = read(write(tmp_path, text), "grade", ignore=("colour",))
    assert {column.name for column in data.schema.inputs} == {"height", "smokes"}
    said = " ".join(data.notes)
    for name in ("id", "same", "gone", "colour"):
        assert f"'{name}' is left out: " in said


@pytest.mark.parametrize("names", [("label",), ("Class",), ("y",), ("target",), ("label", "target")])
def test_the_usual_target_is_found(names: tuple[str, ...]) -> None:
    """Without a name given, the last column called target, label, class or y is the target."""
    data = read(frame(**{name: [at, 1 - at] * 10 for at, name in enumerate(names)}))
    assert data.schema.target == names[-1]


def test_no_usual_target_is_asked_for() -> None:
    """Where no column is called so, the columns are listed."""
    with pytest.raises(DataError, match=r"Which column .* is the target\? .*there are: size, grade"):
        read(frame(grade=["a", "b"] * 10))


def test_a_target_by_number() -> None:
    """A target can be given by its place, from the end too."""
    assert read(frame(a=[1, 2] * 10, b=["p", "q"] * 10), -1).schema.target == "b"
    assert read(frame(a=[1, 2] * 10, b=["p", "q"] * 10), 1).schema.target == "a"
    with pytest.raises(DataError, match="no column number 7"):
        read(frame(a=[1, 2] * 10), 7)


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ([3, 5] * 20, "classification", ("3", "5")),
        ([3.0, 5.0] * 20, "classification", ("3", "5")),
        ([10, 9, 8, 2] * 10, "classification", ("2", "8", "9", "10")),
        ([True, False] * 20, "classification", ("False", "True")),
        (["no", "yes"] * 20, "classification", ("no", "yes")),
        (["none", "mild"] * 20, "classification", ("mild", "none")),
        (["3", "5"] * 20, "classification", ("3", "5")),
        (list(range(40)), "regression", ()),
        ([0.5, 1.5] * 20, "regression", ()),
        ([*range(15), 3], "regression", ()),
        (list(range(25)) * 4, "regression", ()),
    ],
)
def test_the_task_is_found(values: list[object], task: str, classes: tuple[str, ...]) -> None:
    """Words, booleans and few whole numbers are classes; many numbers and fractions are a regression."""
    schema = read(frame(target=values)).schema
    assert (schema.task, schema.classes) == (task, classes)


def test_the_task_can_be_given() -> None:
    """Few whole numbers can be a regression, and fractions can be classes."""
    assert read(frame(target=[3, 4] * 20), task="regression").schema.task == "regression"
    assert read(frame(target=[0.5, 1.5] * 20), task="classification").schema.classes == ("0.5", "1.5")


def test_tasks_that_do_not_fit_are_refused() -> None:
    """Words are no numbers, and a value in every row is no class."""
    with pytest.raises(DataError, match="'a' is no number"):
        read(frame(target=["a", "b"] * 20), task="regression")
    with pytest.raises(DataError, match="40 different values in 40 rows, too many for classes"):
        read(frame(target=np.arange(40.0)), task="classification")
    with pytest.raises(DataError, match="must be one of auto, classification, regression"):
        read(frame(target=["a", "b"] * 20), task="guess")


def test_rows_without_a_target_are_left_out() -> None:
    """Rows whose target is missing teach nothing; how many is said."""
    data = read(frame(target=["a", None, "b", "?"] * 10))
    assert data.rows == 20
    assert any("20 rows without a target are left out" in note for note in data.notes)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"] * 20, "the same class"),
        ([1.0] * 20, "the same target"),
        ([None] * 20, "is missing"),
        ([np.nan] * 20, "is missing"),
        ([np.inf] * 20, "is missing"),
        ([1.0] + [None] * 19, "the same target"),
    ],
)
def test_targets_that_teach_nothing_are_refused(values: list[object], message: str) -> None:
    """One class, one number or no value at all cannot be learnt."""
    with pytest.raises(DataError, match=message):
        read(frame(target=values), task="regression" if message.endswith("target") else "auto")


def test_a_wrong_name_gets_the_near_ones() -> None:
    """A misspelt column is answered with those that come near."""
    with pytest.raises(DataError, match=r"no column 'incme' for target. Did you mean income\?"):
        read(frame(income=[1, 2] * 10), "incme")
    with pytest.raises(DataError, match=r"no column 'Size' for group. Did you mean size\?"):
        read(frame(target=[1, 2] * 10), group="Size")


def test_roles_are_no_inputs() -> None:
    """The columns of groups, times, weights and sets are kept apart from the inputs."""
    data = read(
        frame(
            target=[1, 2] * 10,
            person=[f"p{at // 2}" for at in range(20)],
            day=[f"2020-01-{at + 1:02d}" for at in range(20)],
            count=np.arange(20) + 1.0,
            part=["train"] * 12 + ["val"] * 4 + ["TEST"] * 4,
        ),
        group="person",
        time="day",
        weight="count",
        split="part",
    )
    assert list(data.columns) == ["size"]
    assert data.groups is not None and data.groups[3] == "p1"
    assert data.times is not None and data.times[1] - data.times[0] == 1
    assert data.weights is not None and data.weights[4] == 5
    assert data.parts is not None and data.parts.tolist() == [0] * 12 + [1] * 4 + [2] * 4


def test_roles_can_be_arrays() -> None:
    """What is no column can be given as an array beside the data."""
    random = np.random.default_rng(0)
    data = read((random.normal(size=(20, 2)), [0, 1] * 10), group=[1, 2] * 10, weight=np.ones(20), time=np.arange(20.0))
    assert data.groups is not None and data.weights is not None and data.times is not None
    assert list(data.columns) == ["x0", "x1"]
    with pytest.raises(DataError, match="has 20 rows but 'weight"):
        read((random.normal(size=(20, 2)), [0, 1] * 10), weight=np.ones(3))


@pytest.mark.parametrize(
    ("role", "values", "message"),
    [
        ("weight", [-1.0] + [1.0] * 19, "numbers from 0 up"),
        ("weight", [np.nan] + [1.0] * 19, "numbers from 0 up"),
        ("weight", [0.0] * 20, "not all 0"),
        ("time", ["soon", "late"] * 10, "cannot order the rows by time"),
        ("split", ["train", "rest"] * 10, "names the set 'rest'"),
        ("split", ["test", "dev"] * 10, "no row into the train set"),
    ],
)
def test_roles_that_do_not_fit_are_refused(role: str, values: list[object], message: str) -> None:
    """Negative weights, times without order and unknown sets are refused with a sentence."""
    with pytest.raises(DataError, match=message):
        read(frame(target=[1, 2] * 10, other=values), **{role: "other"})  # type: ignore[arg-type]


def test_the_target_has_no_second_role() -> None:
    """One column cannot be the target and the groups."""
    with pytest.raises(DataError, match="cannot be both"):
        read(frame(target=[1, 2] * 10), group="target")


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows: int) -> None:
    """Nothing can be learnt from one row."""
    with pytest.raises(DataError, match="at least two rows"):
        read({"a": np.zeros(rows), "target": np.zeros(rows)})


def test_no_inputs_are_refused() -> None:
    """A target alone, or beside constants alone, cannot be predicted from anything."""
    with pytest.raises(DataError, match=r"No column .* is left as an input"):
        read({"target": [1, 2] * 10})
    with pytest.raises(DataError, match="'same': every row has the same value"):
        read({"same": [3.0] * 20, "target": [1, 2] * 10})


def test_a_lonely_counter_stays(tmp_path: Path) -> None:
    """A column that counts the rows is kept where nothing else is left: it may be the x of a toy problem."""
    text = "x,y\n" + "\n".join(f"{at},{at * at / 7:.3f}" for at in range(50))
    assert list(read(write(tmp_path, text)).columns) == ["x"]
