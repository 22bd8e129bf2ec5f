"""Figures as pictures: one drawing for the page, notebooks and files."""

import io
import json
import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from caviar.errors import StudyError
from caviar.report.draw import draw, draw_titled, dress
from caviar.report.figure import Axis, Field, Figure, Panels, Series
from caviar.report.looks import LOOKS, ORDER
from caviar.report.palette import DARK, LIGHT, contrast
from caviar.report.saving import picture

from .sample_page import sample_page
from .test_figures import all_figures

GRID = np.linspace(-2.0, 2.0, 21).tolist()
BOWL = Field("contours", GRID, GRID, [[x * x + 4.0 * y * y for x in GRID] for y in GRID])
SIDES = Field("regions", GRID, GRID, [[float(x > 0.3) + float(x + y > 1.0) for x in GRID] for y in GRID])


def figure(*series: Series, y: Axis | None = None, field: Field | None = None) -> Figure:
    """A figure of these series."""
    return Figure("one", "A title that says it", "Words.", Axis("time", "s"), y or Axis("cost"), series, field=field)


def line(role: str, mark: str = "line", name: str = "") -> Series:
    """A falling series."""
    return Series(name, mark, role, [1.0, 2.0, 3.0, 4.0, 5.0], [2.0, 1.2, 0.6, 0.3, 0.1])


def kinds() -> dict[str, Figure | Panels]:
    """One figure of every kind that can be drawn."""
    band = Series("spread", "band", "first", [1, 2, 3], [], low=[0.1, 0.2, 0.1], high=[1.0, 0.9, 0.8])
    rows = Axis("", scale="category", categories=("up", "down"))
    bars = tuple(Series(role, "bars", role, [1.0, 2.0], [0, 1]) for role in ORDER[:3])
    made: dict[str, Figure | Panels] = {
        "line": figure(line("first", name="a"), line("second", name="b")),
        "path": figure(line("first", "path", "a"), line("second", "path", "b")),
        "points": figure(line("first", "points", "a"), line("second", "points", "b")),
        "band": figure(band, line("second", name="b")),
        "bars": Figure("bars", "Bars", "Words.", Axis("count"), rows, bars),
        "stacked": Figure("stacked", "Bars", "Words.", Axis("count"), rows, bars, stacked=True),
        "logarithm": figure(line("first"), y=Axis("cost", scale="log")),
        "contours": figure(line("first", "path", "a"), field=BOWL),
        "regions": figure(line("first", "points", "a"), field=SIDES),
    }
    single = [one for one in made.values() if isinstance(one, Figure)]
    return made | {"panels": Panels("all", "All of them", tuple(single[:5]), columns=3)}


def pixels(shown: Figure | Panels, palette: dict[str, str] | None = None) -> np.ndarray:
    """The picture in grey, [height, width]."""
    from PIL import Image

    from caviar.report.paint import paint

    content = io.BytesIO()
    paint(shown, content, "png", palette or LIGHT)
    return np.asarray(Image.open(content).convert("L"), dtype=np.int16)


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_becomes_every_file(kind: str, tmp_path: Path) -> None:
    """Each kind of figure is written as PNG, SVG and HTML; the title, the unit and the names stand in them as text."""
    shown = kinds()[kind]
    for ending in (".png", ".svg", ".html"):
        assert shown.save(tmp_path / "new" / f"{kind}{ending}").stat().st_size > 2_000
    assert pixels(shown).min() < 100, "nothing is drawn"
    for ending in (".svg", ".html"):
        content = (tmp_path / "new" / f"{kind}{ending}").read_text(encoding="utf-8")
        assert shown.title in content
        if kind not in ("bars", "stacked"):
            assert "time (s)" in content
    assert len(list((tmp_path / "new").iterdir())) == 3


@pytest.mark.parametrize("kind", kinds())
def test_notebooks_get_what_plotly_accepts(kind: str) -> None:
    """The bundle of a notebook holds strict JSON that plotly's own validation passes, and words."""
    objects = pytest.importorskip("plotly.graph_objects")
    shown = kinds()[kind]
    forms = shown._repr_mimebundle_()
    drawn = forms["application/vnd.plotly.v1+json"]
    assert '"@' not in json.dumps(drawn, allow_nan=False)
    assert shown.title in objects.Figure(drawn).layout.title.text
    assert forms["image/png"].startswith(b"\x89PNG")
    assert forms["text/plain"].startswith(shown.title)


def test_every_figure_of_a_page_can_be_a_file(tmp_path: Path) -> None:
    """What the page shows is painted too, the curves of hundreds of networks among it."""
    for shown in all_figures(sample_page(60))[:8]:
        assert len(picture(shown, "png")) > 5_000, shown.key


def test_roles_stay_apart_without_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one single grey, any two roles of an order are told apart by dashes, by markers and by hatches."""
    monkeypatch.setattr("caviar.report.paint.SHARPNESS", 140)
    grey = dict.fromkeys(LIGHT, "#555555") | {"card": "#ffffff"}
    for mark in ("line", "points"):
        drawn = {role: pixels(figure(line(role, mark)), grey) for role in ORDER}
        for one, other in combinations(ORDER, 2):
            assert (np.abs(drawn[one] - drawn[other]) > 60).sum() > 40, (mark, one, other)
    bars = Series("", "bars", "first", [4.0, 3.0], [0, 1])
    axis = Axis("", scale="category", categories=("a", "b"))
    drawn = {role: pixels(figure(replace(bars, role=role), y=axis), grey) for role in ORDER}
    for one, other in combinations(ORDER, 2):
        assert (np.abs(drawn[one] - drawn[other]) > 60).sum() > 400, (one, other)


def test_train_dev_and_test_stay_apart_without_colour() -> None:
    """The roles that stand side by side on a page differ in dash, symbol or pattern, not in colour alone."""
    groups = (ORDER, ("train", "train_dev", "dev", "test"), ("best", "finished", "diverged"), ("raw", "limit", "start"))
    for group in groups:
        for one, other in combinations(group, 2):
            first, second = LOOKS[one], LOOKS[other]
            shapes = [(look.dash, look.symbol, look.pattern, look.width) for look in (first, second)]
            assert shapes[0] != shapes[1], (one, other)


def test_regions_and_levels_differ_in_lightness() -> None:
    """Neighbouring regions differ in grey, lines stand between them, and a bowl darkens outwards."""
    for palette in (LIGHT, DARK):
        for one, other in combinations(range(4), 2):
            assert contrast(palette[f"region_{one}"], palette[f"region_{other}"]) > 1.02, (one, other)
        for role in (*ORDER, "ink"):
            assert contrast(palette[LOOKS[role].colour if role in LOOKS else role], palette["card"]) >= 3.0, role
    seen = pixels(replace(figure(field=BOWL), title=""))
    middle, corner = seen[seen.shape[0] // 2 - 20, seen.shape[1] // 2], seen[60, seen.shape[1] - 60]
    assert middle > corner + 30
    lines = [trace for trace in draw(figure(field=SIDES))["data"] if trace["type"] == "contour"]
    assert len(lines) == 3


def test_both_backends_show_the_same_axes() -> None:
    """The painted picture has the ranges and the ticks of the drawing, in both directions and on logarithms."""
    from matplotlib.figure import Figure as Sheet

    from caviar.report.paint import _panel

    for shown in all_figures(sample_page(40)):
        drawn = dress(draw(shown))
        axes = Sheet().add_subplot()
        _panel(axes, drawn, LIGHT)
        for name, limits in (("xaxis", axes.get_xlim()), ("yaxis", axes.get_ylim())):
            told = drawn["layout"][name]
            if "range" in told:
                ends = np.log10(limits) if told.get("type") == "log" else limits
                assert np.allclose(ends, told["range"]), (shown.key, name)
            if "tickvals" in told:
                assert np.allclose(getattr(axes, name).get_ticklocs(), told["tickvals"]), (shown.key, name)


def test_values_of_zero_stay_on_a_logarithmic_axis() -> None:
    """A cost of 0 is painted at the floor of the axis and does not end the line."""
    shown = figure(Series("", "line", "first", [0, 1, 2], [1.0, 0.0, 0.5]), y=Axis("cost", scale="log"))
    assert draw(shown)["layout"]["meta"]["floor"] == 0.25
    assert len(picture(shown, "png")) > 5_000


def test_negative_values_are_inside_the_axis() -> None:
    """An axis of numbers on both sides of 0 reaches from below the lowest to above the highest."""
    low, high = draw(figure(Series("", "line", "first", [0, 1], [-3.0, 2.0])))["layout"]["yaxis"]["range"]
    assert low < -3.0 and high > 2.0


def test_panels_share_one_legend() -> None:
    """A name that several panels have stands in the legend once, and each panel has axes of its own."""
    one = figure(line("first", name="a"), line("second", name="b"))
    drawn = draw_titled(Panels("row", "Both", (one, one), columns=2))
    assert [trace["name"] for trace in drawn["data"] if trace["showlegend"]] == ["a", "b"]
    assert {trace["xaxis"] for trace in drawn["data"]} == {"x", "x2"}
    left, right = drawn["layout"]["xaxis"]["domain"], drawn["layout"]["xaxis2"]["domain"]
    assert left[1] < right[0]


def test_texts_are_shown_as_they_are(tmp_path: Path) -> None:
    """Marks of HTML in titles and names are text in every file."""
    evil = "<b>&amp;</script>"
    shown = replace(figure(line("first", name=evil), line("second", name="b")), title=evil)
    page = shown.save(tmp_path / "evil.html").read_text(encoding="utf-8")
    assert evil not in page and "&lt;b&gt;" in page
    assert "&lt;b&gt;&amp;amp;&lt;/script&gt;" in shown.save(tmp_path / "evil.svg").read_text(encoding="utf-8")


def test_the_same_figure_is_the_same_file() -> None:
    """An SVG holds no date and no random name, so that a file changes only where its figure does."""
    shown = kinds()["panels"]
    assert picture(shown, "svg") == picture(shown, "svg")


def test_other_endings_are_refused(tmp_path: Path) -> None:
    """A figure asked for as .pdf names the endings there are, and a place that cannot be written is said."""
    with pytest.raises(StudyError, match=r"\.png, \.svg, \.html.*'x\.pdf'"):
        figure(line("first")).save(tmp_path / "x.pdf")
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"figure .* cannot be written"):
        figure(line("first")).save(tmp_path / "file" / "x.html")


def test_without_matplotlib_pages_are_still_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where matplotlib is missing, PNG is refused with the way out, HTML is written, and notebooks show plotly's."""
    monkeypatch.setattr("caviar.report.saving.find_spec", lambda name: None)
    with pytest.raises(StudyError, match=r"pip install 'caviar\[figures\]'"):
        figure(line("first")).save(tmp_path / "x.png")
    assert figure(line("first")).save(tmp_path / "x.html").exists()
    assert "image/png" not in figure(line("first"))._repr_mimebundle_()


def test_figures_load_no_plotting(tmp_path: Path) -> None:
    """Making figures and writing their page loads neither plotly nor matplotlib nor JAX."""
    code = (
        "import sys, caviar.report.html, caviar.report.saving, caviar.report.paint\n"
        "from caviar.report.figure import Axis, Figure, Series\n"
        "Figure('a', 'b', 'c', Axis('d'), Axis('e'), (Series('', 'line', 'first', [1], [2]),)).save('x.html')\n"
        "print(sorted({'plotly', 'matplotlib', 'jax'} & set(sys.modules)))"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr
