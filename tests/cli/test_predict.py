"""`caviar predict` on new files: to a file and to standard output, for classes and numbers."""

import csv
import io
import os
from pathlib import Path

import polars as pl
import pytest

import caviar
from caviar.errors import CaviarError
from caviar.report.saving import write_whole
from cli.running import QUICK, apart, invoke, sentence, told
from study.making import mixed_table


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of a mixed table, and new rows."""
    folder = tmp_path_factory.mktemp("predict")
    mixed_table().write_csv(folder / "mixed.csv")
    told("search", folder / "mixed.csv", "--target", "y", *QUICK, "--run", folder / "run")
    (folder / "run" / "best.caviar").rename(folder / "m.caviar")
    mixed_table(40, seed=9).write_csv(folder / "new.csv")
    return folder


def table_of(text: str) -> list[dict[str, str]]:
    """Printed CSV as rows."""
    return list(csv.DictReader(io.StringIO(text)))


def predictions(place: Path, table: pl.DataFrame, *options: str) -> list[dict[str, str]]:
    """What is predicted for a table."""
    table.write_csv(place / "asked.csv")
    found = invoke("predict", place / "m.caviar", place / "asked.csv", *options)
    assert found.exit_code == 0, found.stderr
    assert found.stderr == ""
    rows = table_of(found.stdout)
    assert len(rows) == len(table)
    return rows


def test_classes_are_printed_row_by_row(place: Path) -> None:
    """One prediction a row, in the order of the file, as the model gives them in Python."""
    rows = predictions(place, mixed_table(40, seed=9))
    assert [row["prediction"] for row in rows] == caviar.load(place / "m.caviar").predict(place / "new.csv").tolist()
    assert {row["prediction"] for row in rows} == {"no", "yes"}


def test_probabilities_are_columns_that_sum_to_one(place: Path) -> None:
    """--probabilities adds a column for each class; the predicted class has the highest."""
    for row in predictions(place, mixed_table(40, seed=9), "--probabilities"):
        shares = {name: float(row[f"probability of {name}"]) for name in ("no", "yes")}
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-6)
        assert row["prediction"] == max(shares, key=lambda name: shares[name])


def test_a_file_gets_what_would_be_printed(place: Path) -> None:
    """--output writes the same bytes, prints nothing, and leaves no other file."""
    printed = invoke("predict", place / "m.caviar", place / "new.csv").stdout
    before = {path.name for path in place.iterdir()}
    found = invoke("predict", place / "m.caviar", place / "new.csv", "--output", place / "out.csv")
    assert (found.exit_code, found.stdout, found.stderr) == (0, "", "")
    assert (place / "out.csv").read_text() == printed
    assert {path.name for path in place.iterdir()} - before == {"out.csv"}


def test_shuffled_and_extra_columns_and_a_missing_target_change_nothing(place: Path) -> None:
    """Columns are found by their names."""
    table = mixed_table(40, seed=9)
    expected = predictions(place, table)
    assert predictions(place, table.select(sorted(table.columns, reverse=True))) == expected
    assert predictions(place, table.with_columns(note=pl.lit("hello, world"))) == expected
    assert predictions(place, table.drop("y")) == expected


def test_strange_cells_are_predicted(place: Path) -> None:
    """Categories never seen, gaps, marks of missing values and words among numbers each get a prediction."""
    table = mixed_table(40, seed=9).with_columns(pl.col("a").cast(pl.String), pl.col("kind"))
    strange = table.with_columns(
        a=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("?")).otherwise(pl.col("a")),
        kind=pl.lit("ultraviolet"),
        size=pl.lit(None, pl.Float64),
    )
    assert {row["prediction"] for row in predictions(place, strange, "--probabilities")} <= {"no", "yes"}


def test_one_row_and_another_format(place: Path) -> None:
    """A single row is predicted, and Parquet as CSV."""
    table = mixed_table(40, seed=9)
    expected = predictions(place, table)
    assert predictions(place, table[3:4]) == expected[3:4]
    table.write_parquet(place / "new.parquet")
    assert table_of(invoke("predict", place / "m.caviar", place / "new.parquet").stdout) == expected


def test_predicting_and_evaluating_never_load_jax(place: Path) -> None:
    """Somebody who only predicts needs no JAX: it is not even looked for."""
    (place / "jax").mkdir(exist_ok=True)
    (place / "jax" / "__init__.py").write_text("raise SystemExit('JAX was loaded')")
    for words in (["predict", "m.caviar", "new.csv"], ["evaluate", "m.caviar", "new.csv"]):
        found = apart(words, place)  # python -m puts the folder with the booby trap first
        assert found.returncode == 0, found.stderr
        assert found.stderr == ""
    assert found.stdout
    trap = apart(["search", "mixed.csv", "--target", "y", "--run", "trapped"], place)
    assert "JAX was loaded" in trap.stderr  # the trap works


def test_a_model_that_was_moved_alone_is_enough(place: Path, tmp_path: Path) -> None:
    """The model file alone, without its run and its data, predicts the same."""
    expected = invoke("predict", place / "m.caviar", place / "new.csv").stdout
    (tmp_path / "taken.caviar").write_bytes((place / "m.caviar").read_bytes())
    assert invoke("predict", tmp_path / "taken.caviar", place / "new.csv").stdout == expected


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_what_is_no_ordinary_file_is_never_replaced(place: Path, tmp_path: Path) -> None:
    """Predictions flow into a pipe, and a model or a page does not take its place: it is a pipe afterwards."""
    pipe = tmp_path / "pipe.caviar"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        found = invoke("predict", place / "m.caviar", place / "new.csv", "--output", pipe)
        assert found.exit_code == 0 and found.stdout == ""
        printed = invoke("predict", place / "m.caviar", place / "new.csv").stdout
        assert os.read(reader, 1 << 16).decode() == printed
        with pytest.raises(CaviarError, match="it is no ordinary file"):
            caviar.load(place / "m.caviar").save(pipe)
        with pytest.raises(CaviarError, match="it is no ordinary file"):
            write_whole(pipe, b"page", "report")
    finally:
        os.close(reader)
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("output", ["none/p.csv", "file/p.csv", ".", "y" * 300, "a\0b"], ids=repr)
def test_predictions_that_have_no_place_get_a_sentence(place: Path, tmp_path: Path, output: str) -> None:
    """A missing folder, a file in the way, a folder, a name that no system takes: one sentence, nothing written."""
    (tmp_path / "file").write_text("")
    said = sentence(invoke("predict", place / "m.caviar", place / "new.csv", "--output", f"{tmp_path}/{output}"))
    assert "predictions" in said and len(said) < 500
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("command", ["status", "report", "resume", "notebook", "slices", "babysit"])
def test_a_run_whose_name_no_system_takes_gets_a_sentence(command: str) -> None:
    """A name beyond what the system takes is said to be so, shortened."""
    said = sentence(invoke(command, "y" * 300))
    assert "ame too long" in said and len(said) < 400
