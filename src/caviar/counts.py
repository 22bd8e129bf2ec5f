"""Whole numbers as a person reads them: their thousands apart, by a blank at which no line is broken."""

import math

_BLANK = "\N{NO-BREAK SPACE}"


def count(value: float) -> str:
    """A whole number with its thousands apart; another is rounded to one, infinity is "inf".

    >>> count(12800), count(-3.6)
    ('12\\xa0800', '-4')
    """
    if not math.isfinite(value):
        return f"{value:g}"
    return f"{round(value):,}".replace(",", _BLANK)
