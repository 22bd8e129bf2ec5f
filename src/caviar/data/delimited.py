"""Delimited text becomes a table of texts; separator (comma, semicolon, tab, bar), quotes and header are found."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.values import looks_like_value
from caviar.errors import DataError

SEPARATORS = (",", ";", "\t", "|")
_LONGEST_LINE = 16 * 2**20
_CHUNK = 2**20
_LOOKED_AT = 200
_MADE_UP = re.compile(r"column_\d+")


@dataclass(frozen=True)
class Text:
    """A table of texts as it stands in the file.

    Args:
        frame: polars frame of strings, one column a field.
        separator: what stands between fields.
        header: whether the file named its columns.
    """

    frame: Any
    separator: str
    header: bool


def read_text(path: Path, expected: Collection[str] = ()) -> Text:
    """The table in a delimited text file, gzipped or not.

    Args:
        path: the file.
        expected: names of columns that are known to be there; a first line that holds one of them is a header.

    Raises:
        DataError: the file is not a table; the sentence says which line.
    """
    content = _decoded(_limited(path), path).replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n")
    if not content.strip():
        raise DataError(f"'{path}' is empty. Give a file with a header and at least two rows.")
    separator = find_separator(content, path)
    if separator == " ":
        content, separator = _tabbed(content), "\t"
    layout = _even(content, separator, path)
    frame = _parsed(layout, separator, path)
    head = [[(cell or "").strip() for cell in record] for record in frame.head(_LOOKED_AT).rows()]
    header = has_header(head, expected)
    if header and frame.height == 1:
        raise DataError(f"'{path}' holds a header and no rows. Give at least two rows.")
    frame.columns = _names(head[0], path) if header else [f"column_{at + 1}" for at in range(frame.width)]
    return Text(frame.slice(1) if header else frame, separator, header)


def _limited(path: Path) -> bytes:
    """The bytes of the file; a line without end is refused before it fills the memory."""
    pieces: list[bytes] = []
    since, line = 0, 1
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file: Any = gzip.GzipFile(fileobj=raw) if packed else raw
            while piece := file.read(_CHUNK):
                breaks = piece.count(b"\n") or piece.count(b"\r")
                since = len(piece) - max(piece.rfind(b"\n"), piece.rfind(b"\r")) if breaks else since + len(piece)
                line += breaks
                if since > _LONGEST_LINE:
                    raise DataError(
                        f"Line {line} of '{path}' is longer than {_LONGEST_LINE // 2**20} MB. "
                        "A table has one line a row: check that the file is text with line ends."
                    )
                pieces.append(piece)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' cannot be read ({error}).") from None
    return b"".join(pieces)


def _decoded(content: bytes, path: Path) -> bytes:
    """The content as UTF-8 without byte order mark."""
    if content.startswith(codecs.BOM_UTF8):
        return content[len(codecs.BOM_UTF8) :]
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return content.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise DataError(f"'{path}' begins as UTF-16 text but is none. Save it as UTF-8.") from None
    if b"\0" in content:
        line = content[: content.index(b"\0")].count(b"\n") + 1
        raise DataError(
            f"Line {line} of '{path}' holds a zero byte, so it is no text. Save the data as CSV or Parquet."
        )
    try:
        content.decode("utf-8")
        return content
    except UnicodeDecodeError:
        # Every byte has a meaning in Windows' Western code page or Latin-1: the usual other encoding of CSV files.
        return content.decode("latin-1").encode()


def find_separator(content: bytes, path: Path) -> str:
    """The separator that cuts the first lines most evenly; a blank where columns are set apart by blanks.

    A separator counts by the share of records that have as many fields as the first.

    >>> find_separator(b"a;b\\n1,5;2,5\\n", Path("x.csv"))
    ';'
    """
    text = content[: 64 * 1024].decode("utf-8", "ignore")
    lines = text.split("\n")[:_LOOKED_AT]
    if len(content) > 64 * 1024 and len(lines) > 2:
        lines = lines[:-1]
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        try:
            counts = [len(record) for record in csv.reader(lines, delimiter=separator) if record]
        except csv.Error:
            continue
        if counts and counts[0] > 1:
            even = sum(count == counts[0] for count in counts) / len(counts)
            # A tenth of the lines may be ragged and is reported later; below that the separator is not this one.
            score = (1.0 if even >= 0.9 else even, counts[0])
            best, best_score = (separator, score) if score > best_score else (best, best_score)
    blanks = {len(line.split()) for line in lines if line.strip()}
    if best_score[1] < 2 and len(blanks) == 1 and blanks.pop() > 1 and '"' not in text:
        return " "
    return best


def _tabbed(content: bytes) -> bytes:
    return b"\n".join(b"\t".join(line.split()) for line in content.split(b"\n"))


@dataclass(frozen=True)
class _Layout:
    """Where the records of a text lie.

    Args:
        content: the text.
        fields: int64 [n], the number of fields of each record.
        starts, stops: int64 [n], where each record begins and the next one does.
        quotes: whether quotes mean anything.
    """

    content: bytes
    fields: np.ndarray
    starts: np.ndarray
    stops: np.ndarray
    quotes: bool

    @property
    def even(self) -> bool:
        return bool(self.fields.min() == self.fields.max())

    def without_empty_lines(self) -> bytes:
        if int((self.stops - self.starts).sum()) == len(self.content):
            return self.content
        spans = zip(self.starts.tolist(), self.stops.tolist(), strict=True)
        return b"".join(self.content[start:stop] for start, stop in spans)


def _even(content: bytes, separator: str, path: Path) -> _Layout:
    """The layout without empty lines, in which every record has as many fields.

    Quotes are taken literally where the records are even only so: a stray quote (5" pipes) shifts all that follows.
    """
    quoted = _layout(content, separator, quotes=True)
    if quoted is not None and quoted.even:
        return quoted
    plain = _layout(content, separator, quotes=False)
    if plain is not None and plain.even:
        return plain
    if quoted is None:
        line = content[: content.rindex(b'"')].count(b"\n") + 1
        raise DataError(
            f"A quote that opens in '{path}' is never closed; the last one stands on line {line}. Close it."
        )
    bad = int(np.argmax(quoted.fields != quoted.fields[0]))
    line = content[: int(quoted.starts[bad])].count(b"\n") + 1
    raise DataError(
        f"Line {line} of '{path}' has {quoted.fields[bad]} fields where the first line has {quoted.fields[0]} "
        f"(separator {separator!r}). Quote fields that contain the separator, or repair the line."
    )


def _layout(content: bytes, separator: str, quotes: bool) -> _Layout | None:
    """The records that hold anything; None where a quote stays open."""
    data = np.frombuffer(content, dtype=np.uint8)
    ends, cuts = data == ord("\n"), data == ord(separator)
    if quotes and b'"' in content:
        # Parity of the quotes so far; a doubled quote inside a field toggles twice and changes nothing.
        inside = np.cumsum(data == ord('"'), dtype=np.uint8) & 1
        if inside[-1]:
            return None
        ends, cuts = ends & (inside == 0), cuts & (inside == 0)
    starts = np.concatenate([[0], np.flatnonzero(ends) + 1])
    stops = np.append(starts[1:], len(data))
    fields = np.diff(np.searchsorted(np.flatnonzero(cuts), np.append(starts, len(data)))) + 1
    blank = np.zeros(len(starts), dtype=bool)
    for at in np.flatnonzero(fields == 1):
        blank[at] = not content[starts[at] : stops[at]].strip()
    return _Layout(content, fields[~blank], starts[~blank], stops[~blank], quotes)


def has_header(records: list[list[str]], expected: Collection[str] = ()) -> bool:
    """Whether the first record names the columns rather than holding values.

    It does if it holds an expected name, if it counts 0, 1, 2, …, or if none of its cells is a value (a number, a
    date, a mark of a missing value) and its cells do not occur again below, each in its own column. Where it mixes
    both, a word above a column of numbers makes it a header. It does not if the expected names are all made up.

    >>> [has_header([first, ["3", "m"]]) for first in (["age", "sex"], ["1", "m"])]
    [True, False]
    """
    first, below = records[0], records[1:]
    if set(first) & set(expected):
        return True
    if expected and all(_MADE_UP.fullmatch(name) for name in expected):
        return False
    if len(first) > 1 and first == [str(at) for at in range(len(first))]:
        return True
    values = [looks_like_value(cell) for cell in first]
    columns = [[record[at] for record in below if at < len(record)] for at in range(len(first))]
    numeric = [bool(cells) and all(looks_like_value(cell) for cell in cells) for cells in columns]
    if any(is_numeric and not is_value for is_numeric, is_value in zip(numeric, values, strict=True)):
        return True
    if any(value and cell for value, cell in zip(values, first, strict=True)):
        return False
    again = sum(cell in column for cell, column in zip(first, columns, strict=True))
    return 2 * again < len(first) or not below


def _names(cells: list[str], path: Path) -> list[str]:
    # A name over several lines is one line in every list and report.
    names = [" ".join(cell.split()) or f"column_{at + 1}" for at, cell in enumerate(cells)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"The header of '{path}' names {', '.join(repr(name) for name in twice[:3])} more than once. "
            "Give every column a name of its own."
        )
    return names


def _parsed(layout: _Layout, separator: str, path: Path) -> Any:
    """The records as a polars frame of strings, checked against the layout."""
    import polars

    content = layout.without_empty_lines()
    for quotes in (True, False) if layout.quotes else (False,):
        try:
            frame = polars.read_csv(
                io.BytesIO(content),
                separator=separator,
                has_header=False,
                quote_char='"' if quotes else None,
                infer_schema=False,
            )
        except polars.exceptions.PolarsError:
            continue
        if frame.shape == (len(layout.fields), layout.fields[0]):
            return frame
    raise DataError(f"'{path}' cannot be read as a table: its quotes open or close inside fields. Repair its quotes.")
