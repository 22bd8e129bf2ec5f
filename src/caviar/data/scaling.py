"""Four ways in which a number becomes inputs: standard, robust, quantile, piecewise linear.

Each is a pair: `fit_numbers` learns from train values alone, `apply_numbers` uses what was learnt. What is learnt is a
few float64 arrays by name, so that it travels in a model file.
"""

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np

from caviar.errors import DataError

ENCODINGS = ("standard", "robust", "quantile", "piecewise_linear")
# Squares of what lies beyond would overflow float64, and inverses of what lies below; no measurement does either.
_HUGE, _TINY = 1e150, 1e-150
# Standardised values beyond this are as good as infinite, and finite in float32.
_FAR = 1e6
_MOST_BINS = 32
_MOST_QUANTILES = 1000


def bounded(values: np.ndarray) -> np.ndarray:
    """Numbers with infinities as missing, the absurdly large within ±1e150 and the absurdly small as 0.

    Args:
        values: float64 [n].

    Returns:
        float64 [n], a copy; NaN = missing.
    """
    plain = np.array(values, dtype=np.float64)
    plain[~np.isfinite(plain)] = np.nan
    plain[np.abs(plain) < _TINY] = 0.0
    return np.clip(plain, -_HUGE, _HUGE)


def mean_and_scale(values: np.ndarray) -> tuple[float, float]:
    """Mean and population standard deviation; 1 in its place where the values are all one (but for rounding).

    Args:
        values: float64 [n] without NaN, n ≥ 1.

    >>> mean_and_scale(np.array([1.0, 3.0])), mean_and_scale(np.array([0.1, 0.1, 0.1]))[1]
    ((2.0, 1.0), 1.0)
    """
    mean = float(values.mean())
    deviation = float(np.sqrt(np.mean((values - mean) ** 2)))
    constant = values.min() == values.max() or deviation <= 8 * np.finfo(np.float64).eps * np.abs(values).max()
    return mean, 1.0 if constant else deviation


def fit_numbers(values: np.ndarray, encoding: str) -> dict[str, np.ndarray]:
    """What an encoding learns from the train values of one column.

    Args:
        values: float64 [n], NaN = missing; all missing counts as all 0.
        encoding: one of ENCODINGS.

    Returns:
        float64 arrays by name; among them `fill`, the value that stands for a missing one (the mean under "standard",
        else the median).

    Raises:
        DataError: there is no such encoding.
    """
    if encoding not in ENCODINGS:
        raise DataError(f"'encoding' must be one of {', '.join(ENCODINGS)}. Got {encoding!r}.")
    plain = bounded(values)
    present = plain[~np.isnan(plain)]
    if not len(present):
        present = np.zeros(1)
    # Gaps near the smallest numbers overflow when divided by; the bounds below then hold.
    with np.errstate(over="ignore", under="ignore"):
        return _FITS[encoding](present)


def _fit_standard(present: np.ndarray) -> dict[str, np.ndarray]:
    mean, scale = mean_and_scale(present)
    return {"fill": np.array([mean]), "shift": np.array([mean]), "scale": np.array([1.0 / scale])}


def _fit_robust(present: np.ndarray) -> dict[str, np.ndarray]:
    """Median and quartiles, with RealMLP's fall-backs: the range where the quartiles agree, 0 where all do.

    Source: Holzmüller, Grinsztajn and Steinwart, "Better by default" (2024), section 3, robust scaling.
    """
    low, first, median, third, high = np.quantile(present, [0.0, 0.25, 0.5, 0.75, 1.0])
    scale = 1.0 / (third - first) if third > first else 2.0 / (high - low) if high > low else 0.0
    scale = scale if np.isfinite(scale) else 0.0
    return {"fill": np.array([median]), "shift": np.array([median]), "scale": np.array([scale])}


def _fit_quantile(present: np.ndarray) -> dict[str, np.ndarray]:
    """Values and the normal scores of their middle ranks; equal values share the score of their mean rank."""
    ordered = np.sort(present)
    points, first, counts = np.unique(ordered, return_index=True, return_counts=True)
    share = (first + 0.5 * counts) / len(ordered)
    if len(points) > _MOST_QUANTILES:
        kept = np.unique(np.searchsorted(share, np.linspace(share[0], share[-1], _MOST_QUANTILES)))
        points, share = points[kept], share[kept]
    normal = NormalDist()
    scores = np.array([normal.inv_cdf(float(part)) for part in share])
    return {"fill": np.array([np.median(present)]), "points": points, "scores": scores}


def _fit_piecewise(present: np.ndarray) -> dict[str, np.ndarray]:
    """Edges of at most 32 bins at the quantiles, at least about 20 train values in each."""
    bins = int(np.clip(len(present) // 20, 4, _MOST_BINS))
    edges = np.unique(np.quantile(present, np.linspace(0.0, 1.0, bins + 1)))
    return {"fill": np.array([np.median(present)]), "edges": edges}


def apply_numbers(values: np.ndarray, encoding: str, learnt: Mapping[str, np.ndarray]) -> np.ndarray:
    """The inputs that the values of one column become.

    - standard: (x − μ)/σ
    - robust: z = (x − median)/(q₃ − q₁), then z/√(1 + (z/3)²), which stays within ±3
    - quantile: the normal score of the value's rank among the train values, linear between them
    - piecewise_linear: one input per bin [b, b′): 0 below it, (x − b)/(b′ − b) inside, 1 above

    Args:
        values: float64 [n], NaN = missing.
        encoding: one of ENCODINGS.
        learnt: what `fit_numbers` gave.

    Returns:
        float64 [n, inputs], finite.

    Source: Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep learning" (2022),
    section 3.2, for the piecewise-linear encoding (here bounded at both ends); Holzmüller et al. (2024) for the robust.

    >>> learnt = fit_numbers(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), "piecewise_linear")
    >>> apply_numbers(np.array([1.5]), "piecewise_linear", learnt).tolist()
    [[1.0, 0.5, 0.0, 0.0]]
    """
    plain = bounded(values)
    plain[np.isnan(plain)] = learnt["fill"][0]
    if encoding == "quantile":
        return np.interp(plain, learnt["points"], learnt["scores"])[:, None]
    if encoding == "piecewise_linear":
        edges = learnt["edges"]
        if len(edges) < 2:
            return np.zeros((len(plain), 1))
        low, high = edges[:-1], edges[1:]
        with np.errstate(over="ignore", under="ignore"):
            return np.clip((plain[:, None] - low) / (high - low), 0.0, 1.0)
    with np.errstate(over="ignore", under="ignore"):
        z = np.clip((plain - learnt["shift"][0]) * learnt["scale"][0], -_FAR, _FAR)[:, None]
    return z / np.sqrt(1.0 + (z / 3.0) ** 2) if encoding == "robust" else z


def inputs_of(encoding: str, learnt: Mapping[str, np.ndarray]) -> int:
    """How many inputs one number becomes."""
    return max(1, len(learnt["edges"]) - 1) if encoding == "piecewise_linear" else 1


_FITS = {
    "standard": _fit_standard,
    "robust": _fit_robust,
    "quantile": _fit_quantile,
    "piecewise_linear": _fit_piecewise,
}
