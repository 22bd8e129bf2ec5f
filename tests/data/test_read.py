"""Sources: files, frames, arrays, folders, samples; and reading them again."""

import json
from pathlib import Path

import numpy as np
import pytest

from caviar.data.dataset import Dataset
from caviar.data.read import read, read_again, read_like
from caviar.errors import CaviarWarning, DataError

from .tables import people, write


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A file of sixty people."""
    return write(tmp_path, people())


def same(first: Dataset, second: Dataset) -> bool:
    """Whether two data sets have the same content and schema."""
    return first.fingerprint == second.fingerprint and first.schema.to_dict() == second.schema.to_dict()


def test_frames_of_any_library_are_alike(csv: Path) -> None:
    """pandas, polars, pyarrow, a dictionary of columns and the CSV itself give the same data set."""
    import pandas
    import polars

    frame = polars.read_csv(csv)
    expected = read(csv, "grade")
    sources = (frame, frame.lazy(), frame.to_arrow(), pandas.read_csv(csv), frame.to_dict(as_series=False))
    for source in sources:
        found = read(source, "grade")
        assert found.fingerprint == expected.fingerprint
        assert found.schema.classes == expected.schema.classes


def test_parquet(csv: Path, tmp_path: Path) -> None:
    """A Parquet file is read as the table it was made from."""
    import polars

    polars.read_csv(csv).write_parquet(tmp_path / "people.parquet")
    assert read(tmp_path / "people.parquet", "grade").fingerprint == read(csv, "grade").fingerprint


def test_types_of_frames_are_kept() -> None:
    """Categoricals, booleans, dates and numbers with gaps of a pandas frame keep their types."""
    import pandas

    frame = pandas.DataFrame(
        {
            "kind": pandas.Categorical([1, 2, 1, 2] * 5),
            "flag": pandas.array([True, None, False, True] * 5, dtype="boolean"),
            "count": pandas.array([1, 2, None, 4] * 5, dtype="Int64"),
            "day": pandas.to_datetime(["2020-01-01", None, "2020-01-03 12:00", "2020-01-04"] * 5, format="ISO8601"),
            "y": [0.1, 0.2, 0.3, 0.4] * 5,
        }
    )
    data = read(frame)
    kinds = {column.name: column.kind for column in data.schema.columns}
    assert kinds == {"kind": "category", "flag": "boolean", "count": "number", "day": "date"}
    assert data.columns["kind"].tolist()[:2] == ["1", "2"]
    np.testing.assert_array_equal(data.columns["flag"][:4], [1, np.nan, 0, 1])
    np.testing.assert_array_equal(data.columns["count"][:4], [1, 2, np.nan, 4])
    assert data.columns["day"][2] - data.columns["day"][0] == 2.5


def test_odd_frames_and_lists() -> None:
    """Columns named by numbers or pairs, masked cells, durations, and lists of rows or of dictionaries are read."""
    import pandas

    random = np.random.default_rng(0)
    frame = pandas.DataFrame(random.normal(size=(20, 2)))
    assert list(read((frame, [0, 1] * 10)).columns) == ["0", "1"]
    frame.columns = pandas.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
    assert len(read((frame, [0, 1] * 10)).columns) == 2
    masked = np.ma.masked_greater(random.normal(size=(20, 2)), 0)
    assert np.array_equal(np.isnan(read((masked, [0, 1] * 10)).columns["x0"]), masked.mask[:, 0])
    waits = pandas.to_timedelta([1, 2, 4, 8] * 5, unit="s")
    assert read({"wait": waits, "y": [0, 1] * 10}).columns["wait"][:4].tolist() == [1, 2, 4, 8]
    rows = [[at**0.5, at % 2] for at in range(20)]
    assert read(rows, target=1).rows == 20
    assert list(read([{"a": a, "y": y} for a, y in rows]).columns) == ["a"]


def test_a_pair_of_arrays() -> None:
    """(X, y), and X with target=y, are tables with made-up names."""
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(30, 4)), random.integers(0, 3, 30)
    first, second = read((inputs, targets)), read(inputs, target=targets)
    assert list(first.columns) == ["x0", "x1", "x2", "x3"]
    assert first.fingerprint == second.fingerprint
    np.testing.assert_array_equal(first.targets, targets)


def test_a_frame_and_a_series() -> None:
    """The name of a series becomes the target's."""
    import pandas

    data = read((pandas.DataFrame({"a": np.arange(20) ** 0.5}), pandas.Series([0, 1] * 10, name="sick")))
    assert data.schema.target == "sick"
    other = read((pandas.DataFrame({"a": np.arange(20) ** 0.5, "y": [3, 4] * 10}), [0, 1] * 10))
    assert other.schema.target == "target" and "y" in other.columns


def test_byte_arrays_with_axes_are_images() -> None:
    """uint8 [N, h, w] and [N, h, w, c] stay bytes; other arrays with more axes are laid flat."""
    random = np.random.default_rng(0)
    grey = random.integers(0, 256, (12, 5, 4), dtype=np.uint8)
    data = read((grey, [0, 1, 2] * 4))
    assert data.schema.image_shape == (5, 4, 1) and data.pixels is not None and data.pixels.dtype == np.uint8
    assert read((np.stack([grey] * 3, axis=3), ["a", "b"] * 6)).schema.image_shape == (5, 4, 3)
    assert len(read((grey / 255.0, [0, 1, 2] * 4)).columns) == 20


def test_npz_with_and_without_sets(tmp_path: Path) -> None:
    """x and y are read by name; x_train, x_test … become ready-made sets; other arrays are columns."""
    random = np.random.default_rng(0)
    x, y = random.normal(size=(30, 3)), random.integers(0, 2, 30)
    np.savez(tmp_path / "plain.npz", x=x, y=y)
    np.savez(tmp_path / "sets.npz", x_train=x[:20], y_train=y[:20], x_test=x[20:], y_test=y[20:])
    np.savez_compressed(tmp_path / "columns.npz", a=x[:, 0], b=x[:, 1], c=x[:, 2], y=y)
    assert read(tmp_path / "plain.npz").parts is None
    sets = read(tmp_path / "sets.npz")
    assert sets.parts is not None and np.bincount(sets.parts).tolist() == [20, 0, 10]
    assert list(sets.columns) == ["x0", "x1", "x2"]
    assert list(read(tmp_path / "columns.npz").columns) == ["a", "b", "c"]


def test_npz_with_images(tmp_path: Path) -> None:
    """Keras' mnist.npz form is read as images with its own test set."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (30, 4, 4), dtype=np.uint8), np.arange(30) % 3
    np.savez(tmp_path / "m.npz", x_train=images[:20], y_train=labels[:20], x_test=images[20:], y_test=labels[20:])
    data = read(tmp_path / "m.npz")
    assert data.schema.image_shape == (4, 4, 1)
    assert data.parts is not None and np.bincount(data.parts).tolist() == [20, 0, 10]


def test_objects_in_npz_are_never_loaded(tmp_path: Path) -> None:
    """An array of Python objects would have to be unpickled, which could run any code: it is refused."""
    np.savez(tmp_path / "objects.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(DataError, match="never loaded"):
        read(tmp_path / "objects.npz")


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "wine", "diabetes", "iris"])
def test_samples_by_name(name: str) -> None:
    """scikit-learn's embedded sets are read by name, whole, with its numbers."""
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    data = read(name)
    assert data.rows == len(bunch.target)
    if name == "digits":
        assert data.pixels is not None and data.schema.image_shape == (8, 8, 1)
        np.testing.assert_array_equal(data.pixels[..., 0], bunch.images)
    else:
        np.testing.assert_array_equal(np.stack(list(data.columns.values()), axis=1), bunch.data)
    if name == "diabetes":
        np.testing.assert_array_equal(data.targets, bunch.target)
    else:
        assert [data.schema.classes[at] for at in data.targets] == [str(bunch.target_names[at]) for at in bunch.target]


def test_given_files_are_the_sets(tmp_path: Path) -> None:
    """Files given as train and test, or found in a folder by these names, stay the train and the test set."""
    train, test = write(tmp_path, people(50, 1), "train.csv"), write(tmp_path, people(20, 2), "test.csv")
    by_hand, by_folder = read({"train": train, "test": test}, "grade"), read(tmp_path, "grade")
    assert same(by_hand, by_folder)
    assert by_hand.parts is not None and np.bincount(by_hand.parts).tolist() == [50, 0, 20]


def test_a_test_file_without_targets_is_left_aside(tmp_path: Path) -> None:
    """A test file whose answers are kept back (as in a competition) is left aside and said."""
    write(tmp_path, people(50, 1), "train.csv")
    blind = "\n".join(line.rsplit(",", 1)[0] for line in people(20, 2).splitlines())
    write(tmp_path, blind, "test.csv")
    data = read(tmp_path, "grade")
    assert data.rows == 50
    assert any("test set has no targets" in note for note in data.notes)


def test_what_came_from_files_can_be_read_again(csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source survives JSON and another working folder, and gives the same data."""
    monkeypatch.chdir(csv.parent)
    data = read(csv.name, "grade", ignore=("smokes",))
    monkeypatch.chdir("/")
    assert same(read_again(json.loads(json.dumps(data.source))), data)
    assert same(read_again(read("iris").source), read("iris"))
    sets = read({"train": csv, "test": csv}, "grade")
    assert same(read_again(json.loads(json.dumps(sets.source))), sets)


def test_what_came_from_memory_cannot_be_read_again() -> None:
    """Arrays leave no path behind; the way out is to save them."""
    with pytest.raises(DataError, match="came from memory"):
        read_again(read(({"a": np.arange(20) ** 0.5}, [0, 1] * 10)).source)


def test_read_like_takes_the_schema(csv: Path, tmp_path: Path) -> None:
    """New rows are read with the model's types; the target may be missing, columns may be more and in any order."""
    schema = read(csv, "grade").schema
    data = read_like(
        write(tmp_path, "extra,smokes,height,colour\n1,maybe,tall,violet\n2,yes,180,\n", "new.csv"), schema
    )
    assert data.targets is None
    np.testing.assert_array_equal(data.columns["height"], [np.nan, 180])
    np.testing.assert_array_equal(data.columns["smokes"], [np.nan, 1])
    assert data.columns["colour"].tolist() == ["violet", None]


def test_read_like_reads_one_row(csv: Path, tmp_path: Path) -> None:
    """One row is enough to predict."""
    schema = read(csv, "grade").schema
    assert read_like(write(tmp_path, "height,colour,smokes\n170,red,no\n", "one.csv"), schema).rows == 1
    assert read_like({"height": [170], "colour": ["red"], "smokes": [False]}, schema).rows == 1


def test_read_like_says_what_is_missing(csv: Path) -> None:
    """A column that the model needs and the file lacks is named, with those that come near."""
    schema = read(csv, "grade").schema
    with pytest.raises(DataError, match=r"no column 'colour' .*Did you mean color\?"):
        read_like({"height": [170.0], "color": ["red"], "smokes": [True]}, schema)


def test_read_like_knows_classes_written_otherwise() -> None:
    """A full stop after a label, or 1.0 for 1, are the same class; others are unknown."""
    text = read({"a": np.arange(20) ** 0.5, "y": ["<=50K", ">50K"] * 10}).schema
    found = read_like({"a": [1.0, 2.0, 3.0], "y": [" <=50K.", ">50K.", "rich"]}, text)
    assert found.targets is not None and found.targets.tolist() == [0, 1, -1]
    number = read({"a": np.arange(20) ** 0.5, "y": [1, 2] * 10}).schema
    found = read_like({"a": [1.0, 2.0, 3.0], "y": ["1.0", "2", "?"]}, number)
    assert found.targets is not None and found.targets.tolist() == [0, 1, -1]


def test_read_like_matches_by_place_where_names_were_made_up(tmp_path: Path) -> None:
    """A file without header is matched column by column, with the target or without it."""
    random = np.random.default_rng(0)
    rows = [f"{random.integers(2)},{random.normal():.4f},{random.normal():.4f}" for _ in range(30)]
    schema = read(write(tmp_path, "\n".join(rows)), target=0).schema
    whole = read_like(write(tmp_path, "\n".join(rows[:5]), "whole.csv"), schema)
    blind = read_like(write(tmp_path, "\n".join(row[2:] for row in rows[:5]), "blind.csv"), schema)
    array = read_like(np.stack([whole.columns[name] for name in whole.columns], axis=1), schema)
    for found in (blind, array):
        assert all((found.columns[name] == whole.columns[name]).all() for name in whole.columns)
    assert whole.targets is not None and blind.targets is None


def test_read_like_with_a_target_beside(csv: Path) -> None:
    """(X, y) at evaluation: y takes the name of the model's target."""
    data = read(csv, "grade")
    words = [data.schema.classes[at] for at in data.targets]
    found = read_like((dict(data.columns), words), data.schema)
    np.testing.assert_array_equal(found.targets, data.targets)


def test_tables_and_images_are_not_exchanged(csv: Path) -> None:
    """A model of images refuses a table, and the other way round."""
    digits, table = read("digits").schema, read(csv, "grade").schema
    with pytest.raises(DataError, match="wants images"):
        read_like(csv, digits)
    with pytest.raises(DataError, match="wants a table"):
        read_like("digits", table)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "path is empty"),
        ("nowhere.csv", "no file or folder 'nowhere.csv'"),
        (3, "int cannot be read"),
        (None, "NoneType cannot be read"),
        (np.arange(3), "must have rows and columns"),
        (np.zeros((0, 3)), "holds nothing"),
        ((np.zeros((4, 2)), [1, 2]), "X has 4 rows but the target has 2"),
        ((np.zeros((4, 2)), np.zeros((4, 2))), "one value a row"),
        ((np.zeros((4, 2), dtype=complex), [0, 1, 0, 1]), "Complex"),
        ({}, "no columns"),
        ({"a": [1, 2], "y": [1]}, "differ in length"),
        ({"a": [[1, 2], [3, 4]], "y": [0, 1]}, "one value a row"),
        ({"a": [{1}, {2}], "y": [0, 1]}, "holds a set"),
        ("/dev/null", "neither a file nor a folder"),
        ("a\0b", "no file or folder"),
        ("https://example.com/table.csv", "Download the file first"),
        ([[1, 2], [3]], "rows of one length"),
    ],
)
def test_sources_that_cannot_be_read(source: object, message: str) -> None:
    """What is no data gets a sentence, not a traceback from a library."""
    with pytest.raises(DataError, match=message):
        read(source)


def test_a_misspelt_path_gets_the_near_ones(csv: Path) -> None:
    """A path that comes near an existing one is answered with it."""
    with pytest.raises(DataError, match=r"Did you mean .*table\.csv"):
        read(csv.with_name("tabel.csv"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.4 ...", "a PDF"),
        (b"\x80\x04\x95\x00\x00", "a Python pickle"),
        (b"PK\x03\x04 not really", "damaged zip"),
        (b"PAR1 broken", "damaged Parquet"),
        (b"\x89HDF\r\n\x1a\n broken", "damaged HDF5"),
        (b"\x89PNG\r\n", "single image"),
        (b"\x93NUMPY broken", "cannot be read"),
        (bytes(range(256)) * 10, "binary file"),
        (b"\0\0\x08\x03\0\0\0\x05", "no whole idx file"),
        (b'[{"a": 1}]', "JSON"),
        (b"", "is empty"),
    ],
)
def test_files_of_other_kinds(tmp_path: Path, content: bytes, message: str) -> None:
    """What a file really holds is named, whatever its name says."""
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, content, "data.csv"), "y")


def test_a_folder_of_other_tables_is_refused(tmp_path: Path) -> None:
    """A folder whose tables are not all named as sets is answered with their names."""
    for name in ("people_train.csv", "people_test.csv", "cities.csv"):
        write(tmp_path, people(), name)
    with pytest.raises(DataError, match=r"folder with tables \(cities\.csv, "):
        read(tmp_path, "grade")


def test_an_excel_workbook_is_named(tmp_path: Path) -> None:
    """A workbook is answered with the way out."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(DataError, match=r"Excel workbook\. Save the sheet as CSV"):
        read(tmp_path / "book.xlsx")


def test_duplicate_names_in_a_frame() -> None:
    """A frame that names a column twice is refused."""
    import pandas

    with pytest.raises(DataError, match="more than once"):
        read(pandas.DataFrame(np.zeros((4, 2)), columns=["a", "a"]))


def test_a_column_of_numbers_that_holds_words_is_warned_of() -> None:
    """What a model reads as numbers and finds as words counts as missing, and is said; what is missing alone is not."""
    schema = read({"age": [1.5, 2.5, 3.0, 4.0] * 5, "y": ["a", "b"] * 10}, target="y").schema
    with pytest.warns(CaviarWarning, match=r"No value of 'age' can be read as a number: all count as missing\."):
        found = read_like({"age": ["old", "young"]}, schema)
    assert np.isnan(found.columns["age"]).all()
    assert len(read_like({"age": [None, None]}, schema).notes) == 1  # and no warning, which would fail the test
