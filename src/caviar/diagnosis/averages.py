"""Exponentially weighted averages: a noisy series made smooth, as momentum, RMSprop and Adam do it to gradients."""

from typing import Any

import numpy as np

from caviar.errors import DataError
from caviar.given import shown, switch


def exponentially_weighted_average(values: Any, beta: float, corrected: bool = True) -> np.ndarray:
    """The running average v_t = β v_{t−1} + (1 − β) θ_t of a series, about its last 1/(1 − β) values.

    v begins at 0, so the first averages are too small; corrected, v_t / (1 − βᵗ) is read, while v itself is carried.
    NaN is a gap: it leaves v and t as they are, and stays NaN in the result. An infinite value stays in every later
    average, as arithmetic has it; make it NaN to leave it out.

    Args:
        values: θ, [T] or [T, ...], in the order of time; further axes are series of their own.
        beta: β, from 0 (no averaging) to below 1.
        corrected: correct for the beginning at 0.

    Returns:
        float64, shaped like the values.

    Raises:
        DataError: β is not such a number, or the values are no numbers.

    >>> exponentially_weighted_average([40, 49], 0.9, corrected=False).round(2).tolist()
    [4.0, 8.5]
    >>> exponentially_weighted_average([40, 49], 0.9).round(2).tolist()
    [40.0, 44.74]
    """
    share = _share(beta)
    corrected = switch("corrected", corrected, DataError)
    series = _series(values)
    v = np.zeros(series.shape[1:])
    seen = np.zeros(series.shape[1:])
    found = np.full(series.shape, np.nan)
    with np.errstate(invalid="ignore"):  # ∞ − ∞ is NaN, as it should be
        for t, value in enumerate(series):
            there = ~np.isnan(value)
            v = np.where(there, share * v + (1.0 - share) * value, v)
            seen = seen + there
            # 1 − βᵗ would lose its digits where β is near 1.
            weight = -np.expm1(seen * np.log(share)) if corrected and share > 0.0 else 1.0
            found[t] = np.divide(v, weight, out=np.full(v.shape, np.nan), where=there)
    return found


def _share(beta: Any) -> float:
    try:
        share = float(beta)
    except (TypeError, ValueError):
        share = float("nan")
    if not 0.0 <= share < 1.0:
        raise DataError(f"'beta' must be a number from 0 to below 1; 0.9 averages about ten values. Got {shown(beta)}.")
    return share


def _series(values: Any) -> np.ndarray:
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError("The values to average must be numbers, in the order of time; NaN marks a gap.") from None
    if series.ndim == 0:
        raise DataError(f"An average runs over a series of values. Got one number, {series}.")
    return series
