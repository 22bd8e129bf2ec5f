"""The results of `benchmarks.learning_rate` as tables of docs/learning-rate.md."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t

PAGE = Path(__file__).resolve().parents[1] / "docs" / "learning-rate.md"
RULES = {"valley": "valley", "steep": "steep"}
OPTIMISERS = {"adam": "Adam", "gradient_descent": "gradient descent"}


def write_tables(known: Sequence[Mapping[str, Any]]) -> None:
    """Put the tables into the page, between its marks."""
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition("<!-- results -->")
    tail = rest.partition("<!-- end -->")[2]
    PAGE.write_text(f"{head}<!-- results -->\n{tables(known)}\n<!-- end -->{tail}", encoding="utf-8")


def tables(known: Sequence[Mapping[str, Any]]) -> str:
    """The counts first, then each data set, those that chose the rule last."""
    parts = [_counts(known)]
    for held_out, title in ((True, "Held-out sets"), (False, "Sets that chose the rule")):
        rows = [row for cell in _cells(known, held_out) for row in _rows(cell)]
        if rows:
            parts.append("\n".join([f"{title}:", "", *_HEAD, *rows]))
    return "\n\n".join(parts)


_HEAD = [
    "| data, optimiser | rule | rates suggested | spread | cost | error | its cost / Caviar's | its error / Caviar's "
    "| failures | seconds |",
    "|---|---|---|---|---|---|---|---|---|---|",
]


def _cells(known: Sequence[Mapping[str, Any]], held_out: bool) -> list[list[Mapping[str, Any]]]:
    """The repeats of each data set and optimiser."""
    cells: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in known:
        if one["held_out"] == held_out:
            cells.setdefault((one["data"], one["optimiser"]), []).append(one)
    return list(cells.values())


def _rows(cell: Sequence[Mapping[str, Any]]) -> list[str]:
    """Caviar's row and those of the ramp's rules."""
    rows = []
    for rule in ("caviar", *RULES):
        rates = [one["rates"][rule] for one in cell]
        costs, errors = _log(cell, rule, "costs"), _log(cell, rule, "errors")
        ours = rule == "caviar"
        seconds = np.mean([one["seconds"]["caviar" if ours else "ramp"] for one in cell])
        words = [
            f"{cell[0]['data']}, {OPTIMISERS[cell[0]['optimiser']]}" if ours else "",
            "Caviar" if ours else RULES[rule],
            ", ".join(f"{rate:.2g}" for rate in rates),
            f"×{max(rates) / min(rates):.2g}",
            f"{np.exp(costs.mean()):.4f}",
            f"{np.exp(errors.mean()):.4f}",
            "" if ours else _ratio(cell, rule, "costs"),
            "" if ours else _ratio(cell, rule, "errors"),
            str(failures(cell, rule)),
            f"{seconds:.0f}",
        ]
        rows.append(f"| {' | '.join(words)} |")
    return rows


def _log(cell: Sequence[Mapping[str, Any]], rule: str, what: str) -> np.ndarray:
    """Logarithms of costs or errors [repeats, seeds]; of a failure that of a constant prediction."""
    constant = cell[0]["constant"][0 if what == "costs" else 1]
    found = [[math.inf if value is None else value for value in one[what][rule]] for one in cell]
    failed = _failed(cell, rule)
    return np.asarray(np.log(np.where(failed, constant, np.clip(found, 1e-6, 1e30))))


def _failed(cell: Sequence[Mapping[str, Any]], rule: str) -> np.ndarray:
    """Trainings that diverged or ended no better than a constant prediction. [repeats, seeds]"""
    costs = [[math.inf if value is None else value for value in one["costs"][rule]] for one in cell]
    return np.asarray(np.array(costs) >= cell[0]["constant"][0])


def failures(cell: Sequence[Mapping[str, Any]], rule: str) -> int:
    """How many trainings failed."""
    return int(_failed(cell, rule).sum())


def interval(cell: Sequence[Mapping[str, Any]], rule: str, what: str) -> tuple[float, float, float]:
    """Mean of the ramp's logarithm less Caviar's, and the ends of its 95 % interval over repeats."""
    apart = (_log(cell, rule, what) - _log(cell, "caviar", what)).mean(axis=1)
    mean = float(apart.mean())
    if len(apart) < 2:
        return mean, -math.inf, math.inf
    half = float(t.ppf(0.975, len(apart) - 1) * apart.std(ddof=1) / math.sqrt(len(apart)))
    return mean, mean - half, mean + half


def _ratio(cell: Sequence[Mapping[str, Any]], rule: str, what: str) -> str:
    """The ratio with its interval, and who wins."""
    mean, low, high = interval(cell, rule, what)
    text = f"{math.exp(mean):.3f} ({math.exp(low):.3g} to {math.exp(high):.3g})"
    return f"**{text}**" if low > 0 else f"*{text}*" if high < 0 else text


def _counts(known: Sequence[Mapping[str, Any]]) -> str:
    """Wins, ties and losses of Caviar over the held-out sets, and the ratio over all of them."""
    lines = [
        "| held-out sets | against | cost: wins, ties, losses | error: wins, ties, losses | mean ratio of costs "
        "| of errors | failures, its and Caviar's | median spread, its and Caviar's |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for optimiser, label in OPTIMISERS.items():
        cells = [cell for cell in _cells(known, True) if cell[0]["optimiser"] == optimiser]
        for rule in RULES if cells else ():
            words = [label, RULES[rule]]
            for what in ("costs", "errors"):
                found = [interval(cell, rule, what) for cell in cells]
                wins, losses = sum(low > 0 for _, low, _ in found), sum(high < 0 for _, _, high in found)
                words.append(f"{wins}, {len(found) - wins - losses}, {losses}")
            for what in ("costs", "errors"):
                words.append(f"{math.exp(np.mean([interval(cell, rule, what)[0] for cell in cells])):.3f}")
            trained = sum(_failed(cell, rule).size for cell in cells)
            lost = [sum(failures(cell, one) for cell in cells) for one in (rule, "caviar")]
            words.append(f"{lost[0]} and {lost[1]} of {trained}")
            words.append(
                " and ".join(f"×{np.median([_spread(c, one) for c in cells]):.2g}" for one in (rule, "caviar"))
            )
            lines.append(f"| {' | '.join(words)} |")
    return "\n".join(lines)


def _spread(cell: Sequence[Mapping[str, Any]], rule: str) -> float:
    """The largest suggested rate over the smallest."""
    rates = [one["rates"][rule] for one in cell]
    return float(max(rates) / min(rates))
