"""Smoothing of curves, in Python and in the page's script."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import caviar
from caviar.errors import DataError
from caviar.report import figures, html, smooth
from caviar.report.draw import draw
from caviar.report.figure import Axis, Figure, Series
from report.sample_page import sample_page

SCRIPT = (Path(smooth.__file__).parent / "page.js").read_text(encoding="utf-8")
# Two curves in one series, the second with a gap.
LINES = Series("", "line", "finished", [1, 2, 3, None, 1, 2, 3, None], [40.0, 49.0, 41.0, None, 10.0, None, 30.0, None])
BOUND = Series("", "line", "limit", [1, 1], [0.0, 50.0])
POINTS = Series("", "points", "best", [2], [49.0])
FIGURE = Figure("f", "", "", Axis("epoch"), Axis("error"), (LINES, BOUND, POINTS), smooth=True)


def test_each_curve_is_averaged_for_itself() -> None:
    """Curves of one series do not run into each other, a gap is stepped over, and only curves are smoothed."""
    first, bound, points = smooth.smoothed(FIGURE, 0.9).series
    one = caviar.exponentially_weighted_average([40.0, 49.0, 41.0], 0.9)
    two = caviar.exponentially_weighted_average([10.0, 30.0], 0.9)
    assert np.allclose(first.y[:3], one, rtol=1e-4) and np.allclose([first.y[4], first.y[6]], two, rtol=1e-4)
    assert first.y[3] is first.y[5] is first.y[7] is None
    assert (bound.y, points.y) == (BOUND.y, POINTS.y)
    assert smooth.smoothed(FIGURE, 0.0).series[0].y == LINES.y
    with pytest.raises(DataError, match="beta"):
        smooth.smoothed(FIGURE, 1.0)


def test_the_curves_of_a_study_can_be_smoothed() -> None:
    """`curves(page, smooth=0.9)` has steadier curves than those measured, and says so; the best point stays."""
    page = sample_page(12)
    plain, soft = figures.curves(page), figures.curves(page, smooth=0.9)
    assert plain is not None and soft is not None
    best, was = (next(s for s in f.series if s.role == "best" and s.mark == "line") for f in (soft, plain))
    assert np.abs(np.diff(best.y)).sum() < np.abs(np.diff(was.y)).sum()
    assert "β 0.9" in soft.note and "β" not in plain.note
    points = [next(s for s in f.series if s.role == "best" and s.mark == "points") for f in (soft, plain)]
    assert points[0] == points[1]


def test_the_page_has_a_slider_for_curves_alone() -> None:
    """The figure of curves has a labelled slider whose places are the betas; figures of points have none."""
    page = html.render(sample_page(12))
    sliders = re.findall(r"<label[^>]*>Smoothing<input([^>]*)><output>off</output></label>", page)
    assert len(sliders) == 1 and 'data-smooth="curves"' in sliders[0]
    assert f'max="{len(smooth.BETAS) - 1}"' in sliders[0]
    assert draw(FIGURE)["layout"]["meta"]["curves"] == [True, False, False]


def test_the_page_smooths_as_python_does() -> None:
    """The page's own function gives the averages that Python gives, gaps and ends of curves included."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node.js, to run the page's script")
    function = re.search(r"function smoothed\(.*?\n  \}\n", SCRIPT, re.DOTALL)
    assert function
    trace = json.dumps({"x": LINES.x, "y": LINES.y})
    code = f"{function[0]}; console.log(JSON.stringify(smoothed({trace}, 0.9).y))"
    done = subprocess.run([node, "-e", code], capture_output=True, text=True, timeout=60, check=True)
    theirs, ours = json.loads(done.stdout), smooth.smoothed(FIGURE, 0.9).series[0].y
    assert [value is None for value in theirs] == [value is None for value in ours]
    assert np.allclose([v for v in theirs if v is not None], [v for v in ours if v is not None], rtol=1e-4)
