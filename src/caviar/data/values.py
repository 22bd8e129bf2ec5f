"""Texts become values: missing marks, numbers as people write them, booleans, dates."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

# "unknown" is not among them: it is an answer people give, and stays a category of its own.
MISSING_MARKS = ("", "?", "na", "n/a", "#n/a", "nan", "null", "none", "-")
# In a target, "none" and "-" may well be classes; a row must not vanish for them.
TARGET_MARKS = ("", "?", "na", "n/a", "#n/a", "nan", "null")
TRUE_WORDS, FALSE_WORDS = ("true", "yes", "t", "y"), ("false", "no", "f", "n")

_PLAIN = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(inf|infinity)", re.IGNORECASE)
_COMMA_THOUSANDS = r"^[-+]?\d{1,3}(,\d{3})*(\.\d+)?$"
_COMMA_DECIMALS = r"^[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?$"
_WITH_UNIT = r"^[$€£]?\s*[-+]?\d[\d,]*(\.\d+)?\s*[%$€£]?$"
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")

_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y")
_CLOCKS = ("", " %H:%M:%S%.f", " %H:%M")
DATE_FORMATS = tuple(day + clock for day in _DAYS for clock in _CLOCKS)
_MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Numbers:
    """What a column of texts says when read as numbers.

    Args:
        values: float64 [N], NaN where missing or no number.
        failed: the distinct texts that are no numbers, at most five.
        share: the share of the present texts that are numbers.
        style: how they are written, in words; empty for plain numbers.
    """

    values: np.ndarray
    failed: tuple[str, ...]
    share: float
    style: str


def looks_like_value(cell: str) -> bool:
    """Whether a cell is a number, a date or a mark of a missing value rather than a word.

    >>> [looks_like_value(cell) for cell in ("3.5", "1e5", "2011-01-01", "?", "1,5", "age")]
    [True, True, True, True, True, False]
    """
    text = cell.strip()
    if text.lower() in MISSING_MARKS or _PLAIN.fullmatch(text) or _DATE.fullmatch(text):
        return True
    return bool(re.match(_COMMA_DECIMALS, text) or re.match(_COMMA_THOUSANDS, text))


def cleaned(texts: Any, marks: tuple[str, ...] = MISSING_MARKS) -> Any:
    """The texts without blanks around them, and null where they mark a missing value.

    Args:
        texts: polars series of strings.
        marks: lower-case marks of missing values.

    Returns:
        a polars series of strings.
    """
    import polars

    bare = texts.cast(polars.String).str.strip_chars()
    missing = bare.str.to_lowercase().is_in(list(marks))
    return polars.select(polars.when(~missing).then(bare)).to_series().rename(texts.name)


def parse_numbers(texts: Any, separator: str = ",") -> Numbers:
    """Read cleaned texts as numbers: plain, with thousands separators, decimal commas, or a currency or percent sign.

    A style other than plain counts only if the whole column is written in it. Infinities are taken as missing.

    Args:
        texts: cleaned polars series of strings.
        separator: what stood between the fields of the file; beside semicolons, commas are decimal commas.
    """
    import polars

    plain = texts.cast(polars.Float64, strict=False)
    best, style = plain, ""
    present = int(texts.is_not_null().sum())
    if int(plain.is_not_null().sum()) < present:
        for name, pattern, bare in _styles(texts, separator):
            if texts.str.contains(pattern).all():
                best, style = bare.cast(polars.Float64, strict=False), name
                break
    failed = texts.filter(best.is_null() & texts.is_not_null())
    values = np.array(best.fill_null(np.nan).to_numpy(), dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    share = 1.0 - len(failed) / present if present else 0.0
    return Numbers(values, tuple(failed.unique(maintain_order=True).head(5).to_list()), share, style)


def _styles(texts: Any, separator: str) -> list[tuple[str, str, Any]]:
    thousands = ("thousands separators", _COMMA_THOUSANDS, texts.str.replace_all(",", ""))
    decimals = (
        "decimal commas",
        _COMMA_DECIMALS,
        texts.str.replace_all(".", "", literal=True).str.replace_all(",", ".", literal=True),
    )
    unit = ("a unit sign", _WITH_UNIT, texts.str.replace_all(r"[$€£%,\s]", ""))
    return [decimals, thousands, unit] if separator == ";" else [thousands, decimals, unit]


def parse_booleans(texts: Any) -> tuple[np.ndarray, bool]:
    """Read cleaned texts as true/false or yes/no.

    Returns:
        float64 [N] of 1, 0 and NaN (missing or no such word); whether every present text was such a word.
    """
    import polars

    lower = texts.str.to_lowercase()
    value = polars.when(lower.is_in(list(TRUE_WORDS))).then(1.0).when(lower.is_in(list(FALSE_WORDS))).then(0.0)
    values = polars.select(value).to_series().cast(polars.Float64)
    whole = int(values.is_not_null().sum()) == int(texts.is_not_null().sum())
    return np.array(values.fill_null(np.nan).to_numpy(), dtype=np.float64), whole


def parse_dates(texts: Any, format: str = "") -> tuple[np.ndarray, str]:
    """Read cleaned texts as dates.

    Args:
        texts: cleaned polars series of strings.
        format: how they are written, if it is known; otherwise the first of DATE_FORMATS that fits all of them
            (a day before a month, where both fit).

    Returns:
        float64 [N], days since 1970-01-01 with parts of days, NaN where missing or no date; the format, empty if none
        fits.
    """
    present = texts.drop_nulls()
    if not len(present) or (not format and not _DATE.fullmatch(present[0])):
        return np.full(len(texts), np.nan), ""
    # ISO 8601 may write a T before the clock and a Z after it.
    bare = texts.str.replace(r"^(\S+)T(\S+)$", "${1} ${2}").str.replace(r"Z$", "")
    for candidate in (format,) if format else DATE_FORMATS:
        moments = bare.str.to_datetime(candidate, time_unit="us", strict=False)
        if format or int(moments.is_not_null().sum()) == len(present):
            return days(moments), candidate
    return np.full(len(texts), np.nan), ""


def days(moments: Any) -> np.ndarray:
    """Days since 1970-01-01 of a polars series of dates or datetimes; NaN where missing.

    Returns:
        float64 [N].
    """
    import polars

    micro = moments.cast(polars.Datetime("us")).to_physical().cast(polars.Float64).fill_null(np.nan).to_numpy()
    return np.array(micro, dtype=np.float64) / _MICROSECONDS_A_DAY


def number_text(value: float) -> str:
    """A number as the text of a class: without a point where it is whole.

    >>> number_text(3.0), number_text(0.5)
    ('3', '0.5')
    """
    return str(int(value)) if np.isfinite(value) and value == int(value) else repr(float(value))
