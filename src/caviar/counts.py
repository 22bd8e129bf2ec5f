"""Whole numbers as a person reads them: their thousands apart, by a blank at which no line is broken."""

_BLANK = "\N{NO-BREAK SPACE}"


def count(value: float) -> str:
    """A whole number with its thousands apart; another is rounded to one.

    >>> count(12800), count(-3.6)
    ('12\\xa0800', '-4')
    """
    return f"{round(value):,}".replace(",", _BLANK)
