"""Delimited text: separators, quotes, line ends, headers, and files that are no tables."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caviar.data.delimited import find_separator, has_header, read_text
from caviar.errors import DataError

from .tables import write

ROWS = [["a", "b", "c"], ["1", "x", "2.5"], ["2", "y", "3.5"], ["3", "z", "4.5"]]


def joined(separator: str, end: str = "\n") -> str:
    return end.join(separator.join(row) for row in ROWS) + end


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separator_and_line_end_are_found(tmp_path: Path, separator: str, end: str) -> None:
    """Commas, semicolons, tabs and bars are told apart, with the line ends of Unix, Windows and the old Mac."""
    text = read_text(write(tmp_path, joined(separator, end)))
    assert text.separator == separator
    assert [list(row) for row in text.frame.rows()] == ROWS[1:]


def test_columns_set_apart_by_blanks(tmp_path: Path) -> None:
    """Numbers set apart by any number of blanks are a table, as in old UCI files."""
    text = read_text(write(tmp_path, " 1.0   2.0  3\n 4.0  5.0    6\n"))
    assert text.frame.rows() == [("1.0", "2.0", "3"), ("4.0", "5.0", "6")]


def test_gzip_and_byte_order_mark(tmp_path: Path) -> None:
    """A gzipped file with a byte order mark has the names that people see."""
    path = write(tmp_path, gzip.compress(b"\xef\xbb\xbf" + joined(",").encode()), "table.csv.gz")
    assert read_text(path).frame.columns == ["a", "b", "c"]


def test_gzip_is_found_by_content(tmp_path: Path) -> None:
    """A gzipped file without .gz in its name is read, and so is a plain one with it."""
    assert read_text(write(tmp_path, gzip.compress(joined(",").encode()), "packed.csv")).frame.height == 3
    assert read_text(write(tmp_path, joined(","), "plain.csv.gz")).frame.height == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """UTF-8, UTF-16 with its mark, and Latin-1 give the same letters."""
    path = write(tmp_path, "name,value\nGröße,1\nWeite,2\n".encode(encoding))
    assert read_text(path).frame["name"].to_list() == ["Größe", "Weite"]


def test_quotes_hold_separators_line_ends_and_quotes(tmp_path: Path) -> None:
    """A quoted field may hold separators, line ends and doubled quotes."""
    text = read_text(write(tmp_path, 'a,b\n"x, y",1\n"line\nbreak",2\n"say ""no""",3\n'))
    assert text.frame["a"].to_list() == ["x, y", "line\nbreak", 'say "no"']


def test_a_stray_quote_is_taken_literally(tmp_path: Path) -> None:
    """Inches are no quotes if the rows are even without them."""
    assert read_text(write(tmp_path, 'pipe,price\n5" steel,3\n6 inch,4\n')).frame["pipe"].to_list() == [
        '5" steel',
        "6 inch",
    ]


def test_empty_lines_are_passed_over(tmp_path: Path) -> None:
    """Empty lines at the start, between rows and at the end are no rows."""
    assert read_text(write(tmp_path, "\n\na,b\n1,2\n\n3,4\n   \n\n")).frame.rows() == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([["age", "sex"], ["3", "m"], ["4", "f"]], True),
        ([["3", "m"], ["4", "f"]], False),
        ([["p", "x"], ["p", "y"], ["e", "x"]], False),
        ([["kind", "colour"], ["p", "y"], ["e", "x"]], True),
        ([["0", "1", "2"], ["5.1", "3", "1"]], True),
        ([["", "a"], ["0", "3"], ["1", "4"]], True),
        ([["?", "4"], ["3", "5"]], False),
        ([["2011-01-01", "4"], ["2011-01-02", "5"]], False),
        ([["x"]], True),
    ],
)
def test_header_is_told_from_values(records: list[list[str]], expected: bool) -> None:
    """A first line is a header if its cells are names rather than values."""
    assert has_header(records) is expected


def test_an_expected_name_makes_a_header() -> None:
    """A first line with the target's name is a header even if the file looks as if it had none."""
    records = [["p", "x"], ["p", "x"], ["e", "x"]]
    assert not has_header(records)
    assert has_header(records, ["x"])


def test_files_without_header_get_made_up_names(tmp_path: Path) -> None:
    """Columns without names are called column_1, column_2, …"""
    text = read_text(write(tmp_path, "1,2,a\n3,4,b\n"))
    assert not text.header
    assert text.frame.columns == ["column_1", "column_2", "column_3"]


def test_ragged_rows_name_their_line(tmp_path: Path) -> None:
    """A row with a field too many or too few is refused, and the sentence says on which line of the file it stands."""
    with pytest.raises(DataError, match=r"Line 3 of .* has 3 fields where the first line has 2"):
        read_text(write(tmp_path, "a,b\n1,2\n3,4,5\n6,7\n"))
    with pytest.raises(DataError, match=r"Line 5 of .* has 1 fields where the first line has 2"):
        read_text(write(tmp_path, 'a,b\n"two\nlines",2\n3,4\n6\n'))


def test_an_open_quote_is_named(tmp_path: Path) -> None:
    """A quote that is never closed is refused with the line of the last quote."""
    with pytest.raises(DataError, match=r"never closed; the last one stands on line 3"):
        read_text(write(tmp_path, 'a,b\n1,2\n"3, x,4\n5,6\n'))


def test_duplicate_names_are_refused(tmp_path: Path) -> None:
    """Two columns of one name cannot be told apart."""
    with pytest.raises(DataError, match=r"names 'a' more than once"):
        read_text(write(tmp_path, "a,b,a\n1,2,3\n4,5,6\n"))


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"   \n"])
def test_empty_files_are_refused(tmp_path: Path, content: bytes) -> None:
    """A file without any text is said to be empty."""
    with pytest.raises(DataError, match="is empty"):
        read_text(write(tmp_path, content))


def test_a_header_alone_is_refused(tmp_path: Path) -> None:
    """A header without rows is no data."""
    with pytest.raises(DataError, match="a header and no rows"):
        read_text(write(tmp_path, "a,b,c\n"))


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """Seventeen megabytes without a line end are refused, with the line's number, and a gzip bomb of them too."""
    endless = b"a,b\n1,2\n" + b"x" * (17 * 2**20)
    with pytest.raises(DataError, match=r"Line 3 of .* longer than 16 MB"):
        read_text(write(tmp_path, endless))
    bomb = gzip.compress(b"x" * (64 * 2**20), compresslevel=1)
    with pytest.raises(DataError, match=r"Line 1 of .* longer than 16 MB"):
        read_text(write(tmp_path, bomb, "bomb.csv.gz"))


def test_a_zero_byte_late_in_the_file_is_refused(tmp_path: Path) -> None:
    """Binary content after a page of text is found."""
    with pytest.raises(DataError, match=r"Line 2001 of .* zero byte"):
        read_text(write(tmp_path, b"1,2\n" * 2000 + b"\0\1\2"))


@pytest.mark.parametrize("cut", [4, 12])
def test_damaged_gzip_is_refused(tmp_path: Path, cut: int) -> None:
    """A gzip file that ends early is said to be unreadable."""
    packed = gzip.compress(joined(",").encode())
    with pytest.raises(DataError, match="cannot be read"):
        read_text(write(tmp_path, packed[:-cut], "cut.csv.gz"))


def test_line_numbers_count_empty_lines(tmp_path: Path) -> None:
    """The line that is named is the one that an editor shows, empty lines counted."""
    with pytest.raises(DataError, match=r"Line 6 of"):
        read_text(write(tmp_path, "\n\na,b\n1,2\n\n3,4,5\n"))


def test_quotes_that_open_inside_fields_are_refused(tmp_path: Path) -> None:
    """Where quotes fit no reading of the file, it is refused rather than shifted."""
    with pytest.raises(DataError, match="Repair its quotes"):
        read_text(write(tmp_path, 'a,b\nx"y,z"w,2\n3,4\n'))


def test_a_name_over_two_lines_is_one(tmp_path: Path) -> None:
    """A quoted name with a line end is written with a blank."""
    assert read_text(write(tmp_path, '"size\n(cm)",b\n1,2\n3,4\n')).frame.columns == ["size (cm)", "b"]


_FIELD = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "Cc", "Z"]), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(_FIELD, st.integers(-999, 999), _FIELD), min_size=2, max_size=12),
    separator=st.sampled_from([",", ";", "\t", "|"]),
)
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, str]], separator: str
) -> None:
    """Any table of three columns that Python's csv module writes comes back cell by cell."""
    import csv

    path = tmp_path_factory.mktemp("csv") / "table.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["first column", "second column", "third column"])
        writer.writerows(rows)
    text = read_text(path, expected=["first column"])
    assert text.separator == separator
    assert [(a or "", int(b), c or "") for a, b, c in text.frame.rows()] == rows


def test_a_decimal_comma_is_no_separator() -> None:
    """In a file with semicolons the commas stand inside numbers."""
    assert find_separator(b"a;b;c\n1,5;2,5;x\n3,5;4,5;y\n", Path("x.csv")) == ";"
