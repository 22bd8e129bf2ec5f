"""The page: one file, offline, harmless, drawn."""

import itertools
import json
import math
import re
import shutil
import subprocess
import threading
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from caviar.diagnosis.finding import Finding
from caviar.errors import StudyError
from caviar.records.status import Status
from caviar.records.trial import Trial
from caviar.report import html
from caviar.report.markup import Markup, element
from caviar.report.page_data import Metric, PageData

from .sample_page import sample_page

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'`\u2028]]>{{7*7}}"
VOID = {"meta", "br", "link", "img", "input"}


class Outline(HTMLParser):
    """The elements of a page, that they are closed in order, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of one kind."""
        return [attributes for name, attributes in self.elements if name == tag]


def without_plotly(page: str) -> str:
    """The page without the big script, which is not ours and slows every search in it."""
    return page.replace(html._plotly(), "")


@pytest.fixture(scope="module")
def rendered() -> str:
    """The page of the made-up study."""
    return html.render(sample_page())


def test_the_page_needs_nothing_else(rendered: str) -> None:
    """No element names another file or address, links lead to the page's own sections, a policy forbids the rest."""
    outline = Outline(without_plotly(rendered))
    for tag, attributes in outline.elements:
        for name in ("src", "href", "data", "action", "srcset", "poster"):
            target = attributes.get(name)
            assert target is None or target.startswith("#"), (tag, target)
    ids = [attributes["id"] for _, attributes in outline.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for link in outline.all("a"):
        assert (link["href"] or "")[1:] in ids
    assert "url(" not in html._own("page.css") and "@import" not in html._own("page.css")
    policy = next(
        meta["content"] for meta in outline.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None and policy.startswith("default-src 'none'")
    assert "unsafe" not in policy.partition("script-src")[2] and "connect-src" not in policy


def test_the_page_says_what_was_found(rendered: str) -> None:
    """The verdict, both errors with their intervals, the findings, the commands, the versions: all are in the page."""
    page = sample_page()
    texts = " ".join(text for _, text in Outline(without_plotly(rendered)).texts)
    for said in (
        "The best of 256 networks has a dev error of 2.78 %: high variance holds it back.",
        "1.51 to 5.06 %; 1.39 % when selected",
        "1.72 to 5.41 %; seen 1 time",
        "train: 1\N{NO-BREAK SPACE}078 (60.0 %)",
        "1.67 % (0.20 to 3.98 %)",
        "pixel_3_7",
        page.command,
        "slot-epochs used",
        "94.3 %",
        "0.10.2",
        f"Trial {page.best}, at its best",
        *(finding.code for finding in page.findings),
        *(finding.message for finding in page.findings),
    ):
        assert said in texts, said


def test_the_page_can_be_heard(rendered: str) -> None:
    """One h1, no level skipped, every figure named and described in words, every table column headed."""
    outline = Outline(without_plotly(rendered))
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    places = [attributes for _, attributes in outline.elements if "data-figure" in attributes]
    assert len(places) >= 10
    assert all(place["role"] == "img" and len(place["aria-label"] or "") > 20 for place in places)
    assert all(cell.get("scope") == "col" for cell in outline.all("th"))
    assert outline.all("html")[0]["lang"] == "en"


def test_a_hostile_study_is_harmless() -> None:
    """Markup in any text of a study stays text: the page has the same elements as with harmless texts."""

    def page(word: str) -> PageData:
        finding = Finding(word, "problem", word, {word: word, "list": [word]}, {word: 0.1})
        trial = Trial(
            0, Status.FINISHED, {"learning_rate": 0.1, "activation": word}, dev_error=0.1, epochs=2, reason=word
        )
        other = Trial(1, Status.FINISHED, {"learning_rate": 0.2, "activation": "relu"}, dev_error=0.2, epochs=2)
        return sample_page(
            trials=[trial, other],
            best=0,
            name=word,
            created=word,
            command=word,
            python=word,
            data={
                "name": word,
                "task": word,
                "columns": {word: word},
                "left_out": {word: word},
                "classes": {word: 0.6, "b": 0.4},
                "notes": (word,),
            },
            splits={"rows": {"train": 5, word: 5}, "method": word},
            metric=Metric(word, word),
            findings=[finding],
            statistics={word: word},
            signature={word: word},
        )

    evil, kind = html.render(page(EVIL)), html.render(page("word"))
    assert "alert(1)>" not in without_plotly(evil).replace("alert(1)&gt;", "")
    parsed, expected = Outline(without_plotly(evil)), Outline(without_plotly(kind))
    assert [tag for tag, _ in parsed.elements] == [tag for tag, _ in expected.elements]
    assert not any(name.startswith("on") for _, attributes in parsed.elements for name in attributes)
    assert EVIL in [text for tag, text in parsed.texts if tag == "h1"]
    written = next(text for tag, text in parsed.texts if tag == "script" and text.startswith("{"))
    panels = json.loads(written)["figures"]
    assert "<img" not in json.dumps(panels), "plotly reads tags in texts, so they are escaped inside the JSON too"


def test_attributes_and_children_are_escaped() -> None:
    """Only what passed through `element` is markup; quotes cannot leave an attribute."""
    made = element("p", "<b>", Markup("<i></i>"), None, title='"><script>', hidden=True, lang=None)
    assert made == '<p title="&quot;&gt;&lt;script&gt;" hidden>&lt;b&gt;<i></i></p>'


@pytest.mark.parametrize(
    "page",
    [
        sample_page(trials=[], best=None, retrained=(), train=None, dev=None, test=None, findings=[], statistics={}),
        sample_page(trials=[Trial(0, Status.DIVERGED, {"learning_rate": 0.1})], best=None),
        sample_page(trials=[Trial(0, Status.RUNNING, {}, dev_error=math.nan)], best=None, dev=None, test=None),
        sample_page(trials=[Trial(3, Status.FINISHED, {}, dev_error=0.0, epochs=1)], best=3, metric=Metric("rmse", "")),
        sample_page(1),
        sample_page(2, 1),
        sample_page(data={}, splits={}, signature={}, created="", command="", python=""),
        sample_page(best=10_000),
    ],
    ids=["nothing", "diverged", "running", "zero", "one", "two", "unsaid", "unknown best"],
)
def test_any_stage_of_a_study_has_a_page(page: PageData) -> None:
    """A study with no trial, one trial, only diverged ones, or little known about it still gives a whole page."""
    rendered = without_plotly(html.render(page))
    Outline(rendered)
    body = re.sub(r"<(script|style).*?</\1>", "", rendered, flags=re.DOTALL)
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", body)


def test_zero_error_is_drawn_on_a_logarithmic_axis() -> None:
    """A dev error of exactly 0 has a place on the logarithmic axis: below the smallest other one."""
    history = {"dev_error": np.array([0.5, 0.01, 0.0], np.float32)}
    trial = Trial(0, Status.FINISHED, {}, dev_error=0.0, best_epoch=3, epochs=3, history=history)
    rendered = html.render(sample_page(trials=[trial], best=0))
    curves = json.loads(re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', rendered, re.DOTALL)[0])
    assert curves["figures"]["curves"]["layout"]["meta"]["floor"] == pytest.approx(0.005)


def test_writing_replaces_the_page_at_once(tmp_path: Path) -> None:
    """A reader sees whole pages only, whenever it looks; the folder is made; nothing is left beside the page."""
    path = tmp_path / "new" / "report.html"
    page = sample_page(4, 3)
    assert html.write(page, path) == path
    seen: list[bool] = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            seen.append(path.read_text(encoding="utf-8").endswith("</html>\n"))

    reader = threading.Thread(target=look)
    reader.start()
    for _ in range(5):
        html.write(page, path)
    done.set()
    reader.join()
    assert seen and all(seen)
    assert [one.name for one in path.parent.iterdir()] == ["report.html"]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_page_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """A path below a file, or one that is a folder, gives one sentence with the way out and leaves nothing behind."""
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "report.html", tmp_path):
        with pytest.raises(StudyError, match=r"cannot be written: .*Choose another place"):
            html.write(sample_page(2, 2), path)
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_the_page_stays_small_and_quick(rendered: str) -> None:
    """Beside plotly's script the page of 256 trials of 50 epochs is under 0.7 MB."""
    assert len(without_plotly(rendered)) < 700_000


def browse(page: Path, tmp_path: Path, *options: str) -> str:
    """What Chromium makes of a page: its elements after the scripts ran, and what the scripts complained of."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
        *("--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--v=0"),
        f"--user-data-dir={tmp_path / 'browser'}",
        "--virtual-time-budget=10000",
        *options,
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    complaints = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert not complaints, complaints
    return done.stdout


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to see the page as a browser does")
def test_a_browser_draws_every_figure(tmp_path: Path) -> None:
    """Chromium draws every figure, in light colours as in dark, and its console stays empty."""
    page = sample_page()
    path = html.write(page, tmp_path / "report.html")
    places = html.render(page).count("data-figure=")
    for scheme, colour in (("1", "rgb(255, 255, 255)"), ("0", "rgb(24, 28, 34)")):
        seen = browse(path, tmp_path, f"--blink-settings=preferredColorScheme={scheme}")
        assert len(re.findall(r'class="plot [^"]*drawn', seen)) == places
        assert seen.count('class="main-svg" xmlns') >= places
        assert colour in seen


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium to see the page as a browser does")
def test_a_phone_needs_no_sideways_scrolling(tmp_path: Path) -> None:
    """At 390 pixels nothing of the page is wider than the page, even with long names."""
    long = "a" * 300
    page = sample_page(40, 10, name=long, command=f"caviar search {long}", signature={long: long}, data={"name": long})
    content = html.render(page)
    content = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", content)
    probe = """<script>addEventListener("load", () => setTimeout(() => {
        const root = document.documentElement;
        parent.postMessage("width " + innerWidth + " scroll " + root.scrollWidth, "*"); }, 500));</script></body>"""
    (tmp_path / "page.html").write_text(content.replace("</body>", probe), encoding="utf-8")
    frame = """<!DOCTYPE html><title>-</title>
        <script>addEventListener("message", (event) => document.title = event.data)</script>
        <iframe src="page.html" style="width: 390px; height: 900px; border: 0"></iframe>"""
    (tmp_path / "frame.html").write_text(frame, encoding="utf-8")
    title = re.search(r"<title>width (\d+) scroll (\d+)</title>", browse(tmp_path / "frame.html", tmp_path))
    assert title, "the page in the frame did not answer"
    assert title[1] == "390" and int(title[2]) <= 390
