"""What a study's trials are compared by where that is not the error, and how a person reads it.

What is stored is the lower the better (`ranking.value`). A person knows AUC and not 1 − AUC, and R² although an RMSE
decides: everything that is shown goes through here.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from caviar.networks.naming import NAMES
from caviar.records.store import Store
from caviar.records.trial import Trial
from caviar.study import ranking


@dataclass(frozen=True)
class Yardstick:
    """A metric that is not the error.

    Args:
        metric: "log_loss", "auc" …
        spread: for R²: the standard deviation of the target over the rows that choose, in its unit.

    >>> stick = Yardstick("auc")
    >>> stick.name, stick.higher, stick.text(0.0123)
    ('AUC', True, '0.9877')
    >>> Yardstick("balanced_error").text(0.0123), Yardstick("log_loss").text(0.0123)
    ('1.23 %', '0.0123 nats')
    """

    metric: str
    spread: float = math.nan

    @property
    def name(self) -> str:
        """As it is called in a sentence."""
        return NAMES[self.metric].name

    @property
    def higher(self) -> bool:
        """Whether a higher one is better."""
        return NAMES[self.metric].higher

    @property
    def unit(self) -> str:
        """ "share", "nats", or "" where there is none or it is the target's."""
        return NAMES[self.metric].unit

    @property
    def axis(self) -> str:
        """What an axis says of it; a share's unit is said by its ticks.

        >>> Yardstick("auc").axis, Yardstick("mae").axis, Yardstick("log_loss").axis
        ('dev AUC', "dev MAE (target's unit)", 'dev log loss (nats)')
        """
        unit = "target's unit" if NAMES[self.metric].of_target else "" if self.unit == "share" else self.unit
        return f"dev {self.name}" + (f" ({unit})" if unit else "")

    @property
    def direction(self) -> str:
        """Which way it is better."""
        return "higher is better" if self.higher else "lower is better"

    def known(self, value: Any) -> Any:
        """The metric itself of what is stored; of one value or of an array.

        >>> Yardstick("f1").known(0.25), Yardstick("r2", spread=2.0).known(1.0), Yardstick("mae").known(3.0)
        (0.75, 0.75, 3.0)
        """
        if self.metric == "r2":
            return 1.0 - (value / self.spread) ** 2
        return ranking.in_words(value, self.metric)

    def write(self, known: float) -> str:
        """A value as it is known, with its unit; a dash where there is none."""
        if not math.isfinite(known):
            return "–"
        if self.unit == "share":
            return f"{100.0 * known:.{1 if abs(known) >= 0.1 else 2}f} %"
        if self.higher:
            return f"{known:.4f}"
        return f"{known:.4g} {self.unit}".rstrip()

    def text(self, value: float) -> str:
        """A stored value as a person reads it."""
        return self.write(self.known(value)) if math.isfinite(value) else "–"

    def curve(self, trial: Trial) -> tuple[np.ndarray, np.ndarray]:
        """The own epochs of one trial and the metric on the rows that choose after each, both [E]; NaN: none."""
        values = np.asarray(trial.history.get(ranking.compared_by(self.metric), ()), dtype=np.float64)
        return np.asarray(trial.history.get("epoch", np.arange(1, len(values) + 1))), self.known(values)

    def best(self, values: np.ndarray) -> int:
        """The place of the best of values as they are known; of equal ones the earliest."""
        usable = np.where(np.isfinite(values), values, np.nan)
        return int(np.nanargmax(usable) if self.higher else np.nanargmin(usable))


class Compares(Protocol):
    """What has a metric and the record of a study."""

    metric: str
    store: Store


def yardstick_of(study: Compares) -> Yardstick | None:
    """What a study's trials are compared by; None where that is the error."""
    if study.metric == "error":
        return None
    spread = study.store.setting("study").get("choose_spread")
    if study.metric == "r2" and not spread:
        return None  # begun by an earlier version, or a target without any spread: the RMSE, which orders trials alike
    return Yardstick(study.metric, math.nan if spread is None else float(spread))
