"""Texts as values: missing marks, numbers as people write them, booleans, dates."""

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.table import Cells, Typed, reason_left_out, typed, typed_like
from caviar.data.values import cleaned, parse_booleans, parse_dates, parse_numbers


def column(*texts: str | None, separator: str = ",") -> Typed:
    """The type found for a column of these texts."""
    return typed("column", Cells("text", polars.Series(list(texts), dtype=polars.String)), separator)


@pytest.mark.parametrize("mark", ["", "?", "NA", "N/A", "n/a", "nan", "NaN", "null", "None", "-", " ? ", "\tNA "])
def test_marks_of_missing_values(mark: str) -> None:
    """Each usual mark, with blanks around it, is a missing value in a column of numbers and in one of words."""
    assert np.isnan(column("1", mark, "2.5").values[1])
    assert column("red", mark, "green", "red").values[1] is None


def test_unknown_is_a_category() -> None:
    """ "unknown" is an answer and stays a category of its own."""
    assert column("yes", "no", "unknown", "yes").values.tolist() == ["yes", "no", "unknown", "yes"]


@pytest.mark.parametrize(
    ("texts", "separator", "values"),
    [
        (("1", "2.5", "-3e2", "+4", ".5"), ",", [1, 2.5, -300, 4, 0.5]),
        (("1,000", "2,500.5", "7"), ",", [1000, 2500.5, 7]),
        (("1.234,5", "2,25", "7"), ";", [1234.5, 2.25, 7]),
        (("1,5", "2,25", "12"), ";", [1.5, 2.25, 12]),
        (("3,1", "2,25", "12"), "\t", [3.1, 2.25, 12]),
        (("1,234", "2,500"), ";", [1.234, 2.5]),
        (("1,234", "2,500"), ",", [1234, 2500]),
        (("12%", "3.5 %"), ",", [12, 3.5]),
        (("$1,200", "$3"), ",", [1200, 3]),
        (("  7 ", " 8"), ",", [7, 8]),
    ],
)
def test_numbers_as_people_write_them(texts: tuple[str, ...], separator: str, values: list[float]) -> None:
    """Thousands separators, decimal commas, percent and currency signs are read if the whole column has them."""
    found = column(*texts, separator=separator)
    assert found.kind == "number"
    np.testing.assert_allclose(found.values, values)


def test_infinities_are_missing() -> None:
    """An infinite number is no measurement."""
    assert np.isnan(column("1", "inf", "-inf", "2").values[1:3]).all()


def test_a_few_words_among_numbers_are_missing_and_said() -> None:
    """A column nine tenths of which are numbers is one of numbers; the note names the words that were not."""
    found = column(*[str(at / 10) for at in range(30)], "broken")
    assert found.kind == "number"
    assert np.isnan(found.values[-1])
    assert "'broken'" in found.note


@pytest.mark.parametrize("words", [("yes", "no"), ("TRUE", "false"), ("t", "f"), ("Y", "N"), ("1", "0")])
def test_booleans(words: tuple[str, str]) -> None:
    """Yes/no, true/false and their first letters are booleans, and so are numbers that are all 0 or 1."""
    found = column(words[0], words[1], "", words[0])
    assert found.kind == "boolean"
    np.testing.assert_array_equal(found.values, [1, 0, np.nan, 1])


@pytest.mark.parametrize(
    ("texts", "days"),
    [
        (("1970-01-02", "1969-12-31"), [1, -1]),
        (("1970-01-02 12:00:00", "1970-01-03 00:00:00.5"), [1.5, 2 + 0.5 / 86400]),
        (("1970-01-02T12:00:00Z", "1970-01-03T00:00:00Z"), [1.5, 2]),
        (("1970-01-02T06:00", "1970-01-03T00:00"), [1.25, 2]),
        (("02.01.1970", "31.12.1969"), [1, -1]),
        (("01/31/1970", "02/01/1970"), [30, 31]),
        (("31/01/1970", "01/02/1970"), [30, 31]),
        (("1970/01/02", None), [1, np.nan]),
    ],
)
def test_dates(texts: tuple[str, ...], days: list[float]) -> None:
    """Dates are days since 1970; a column that fits month-first alone is read so."""
    found = column(*texts)
    assert found.kind == "date"
    np.testing.assert_allclose(found.values, days)


def test_dates_of_new_rows_are_written_as_in_training() -> None:
    """A new file whose dates could be read both ways is read as the training file was."""
    cells = Cells("text", polars.Series(["02/01/1970", "03/01/1970"]))
    np.testing.assert_allclose(typed_like(cells, "date", "%m/%d/%Y", ","), [31, 59])
    np.testing.assert_allclose(typed_like(cells, "date", "%d/%m/%Y", ","), [1, 2])


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_numbers_written_by_python_come_back_exactly(values: list[float]) -> None:
    """The shortest text of any finite number is read as that number, to the bit."""
    texts = polars.Series([repr(value) for value in values])
    np.testing.assert_array_equal(parse_numbers(cleaned(texts)).values, values)


@given(st.lists(st.none() | st.text(max_size=6), max_size=12))
def test_no_text_fails(texts: list[str | None]) -> None:
    """Any texts get a type, and can be read as any type, without an error."""
    series = polars.Series(texts, dtype=polars.String)
    assert len(typed("column", Cells("text", series), ",").values) == len(texts)
    for kind in ("number", "boolean", "date", "category"):
        assert len(typed_like(Cells("text", series), kind, "%Y-%m-%d", ",")) == len(texts)
    assert parse_booleans(cleaned(series))[0].shape == parse_dates(cleaned(series))[0].shape == (len(texts),)


ROWS = 40


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("age", np.full(ROWS, np.nan), "every value is missing"),
        ("age", np.full(ROWS, 3.0), "every row has the same value"),
        ("age", np.where(np.arange(ROWS) < 5, np.nan, 3.0), ""),
        ("PassengerId", np.random.default_rng(0).permutation(ROWS) * 7.0, "identifier"),
        ("instant", np.arange(ROWS) + 1.0, "counts the rows"),
        ("number", np.random.default_rng(0).permutation(ROWS) + 1.0, "without gaps"),
        ("income", np.random.default_rng(0).permutation(ROWS) * 7.0, ""),
        ("width", np.arange(ROWS) + 0.5, ""),
        ("id", np.arange(ROWS) % 4 + 0.0, ""),
    ],
)
def test_numbers_that_are_left_out(name: str, values: np.ndarray, reason: str) -> None:
    """Constant and empty columns and identifiers are left out; a number with gaps, or with a value each, is not."""
    found = reason_left_out(name, Typed("number", values))
    assert (reason in found) if reason else not found


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        ([f"{at:05x}" for at in range(ROWS)], "identifier"),
        ([f"passenger number {at}, a long name" for at in range(ROWS)], "free text"),
        ([f"T{at % 25}" for at in range(ROWS)], "nearly every row"),
        ([f"C{at % 9}" for at in range(ROWS)], ""),
        ([f"C{at}" if at < 12 else None for at in range(ROWS)], ""),
        (["only"] * ROWS, "same value"),
    ],
)
def test_texts_that_are_left_out(texts: list[str | None], reason: str) -> None:
    """Texts with a value in (nearly) every row are left out; a rare mark such as a cabin is a category."""
    values = np.empty(len(texts), dtype=object)
    values[:] = texts
    found = reason_left_out("column", Typed("category", values))
    assert (reason in found) if reason else not found


def test_columns_of_arrays_are_no_identifiers() -> None:
    """Where names were made up, numbers that count up stay: they may be the x of a toy problem."""
    assert not reason_left_out("x0", Typed("number", np.arange(100.0)), named=False)
