"""Augmentation as a person asks for it on the command line, from a folder of pictures to the report."""

import base64
import io
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

import caviar
import caviar.errors
from caviar.errors import StudyError
from caviar.report.reproduce import command, python
from caviar.study import work
from caviar.study.request import open_existing
from cli.running import SMALL, invoke, sentence, told

QUICK = ("--set", "hidden=8", "--set", "batch_size=32")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures of 9 × 8 pixels in colour: a bright bar that lies or stands."""
    generator = np.random.default_rng(0)
    whole = tmp_path_factory.mktemp("pictures")
    for name in ("lies", "stands"):
        (whole / name).mkdir()
        for number in range(30):
            pixels = generator.integers(0, 60, (9, 8, 3), dtype=np.uint8)
            at = int(generator.integers(2, 6))
            pixels[(at, slice(None)) if name == "lies" else (slice(None), at)] = (250, 200, 90)
            Image.fromarray(pixels).save(whole / name / f"{number}.png")
    return whole


def test_from_a_folder_of_pictures_to_the_report(folder: Path, tmp_path: Path) -> None:
    """A search over rotation and the rest ends in a report with 32 changed pictures, which stay in the folder."""
    run = tmp_path / "run"
    kinds = [f"--set={text}" for text in ("flip_horizontal=0.5", "elastic=0.5", "noise=0.05", "mixup=0.2")]
    found = told(
        "search", folder, "--vary", "rotation=1..20", *kinds, *QUICK, "--trials", 6, "--epochs", 3, "--run", run
    )
    assert 1 <= found["best"]["configuration"]["rotation"] <= 20
    assert not any(finding["code"] == "PIC001" for finding in found["findings"])
    page = (run / "report.html").read_text(encoding="utf-8")
    section = page[page.index('id="shown"') :].partition("</section>")[0]
    written = re.findall(r'src="data:image/png;base64,([^"]+)"', section)
    images = [Image.open(io.BytesIO(base64.b64decode(one))) for one in written]
    assert len(images) == 40 and {image.size for image in images} == {(8, 9)}
    first = [np.asarray(image.convert("RGB")) for image in images[:5]]
    assert all((first[0] != other).any() for other in first[1:])  # the picture, and four changes of it
    originals = {np.asarray(Image.open(path)).tobytes() for path in folder.rglob("*.png")}
    assert first[0].tobytes() in originals
    (run / "report.html").unlink()
    assert invoke("report", run).exit_code == 0
    assert "What the network was shown" in (run / "report.html").read_text(encoding="utf-8")


def test_a_table_shows_its_numbers(tmp_path: Path) -> None:
    """Noise and mixup are for tables too, and the report shows what they did to a few rows."""
    run = tmp_path / "run"
    told("train", "iris", "--set", "noise=0.2", "--set", "mixup=0.3", *SMALL, "--epochs", 2, "--run", run)
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "What the network was shown" in page and "petal width" in page[page.index("What the network was shown") :]
    shown = open_existing(run)
    assert shown.best_trial.configuration["mixup"] == 0.3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("train", "iris", "--set", "rotation=10"), "'rotation' changes pictures, and this data is a table"),
        (("search", "iris", "--vary", "elastic=0..2"), "'elastic' changes pictures"),
        (("train", "iris", "--set", "mixup=0.2", "--set", "batch_size=1"), "in pairs, and 'batch_size' is 1"),
        (("train", "iris", "--set", "rotation=200"), "must lie between 0 and 180"),
        (("train", "iris", "--set", "cutout=3"), "Did you mean cut_out?"),
    ],
)
def test_what_does_not_fit_is_refused(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Pictures' changes of a table, mixup without pairs, strengths out of range: one sentence, nothing written."""
    assert said in sentence(invoke(*words, "--run", tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_more_than_the_picture_is_refused(folder: Path, tmp_path: Path) -> None:
    """A shift by more pixels than the picture has is refused, with the picture's side."""
    found = invoke("train", folder, "--set", "shift=8", "--run", tmp_path / "run")
    assert "below the pictures' shorter side of 8. Got 8" in sentence(found)
    found = invoke("search", folder, "--vary", "elastic_smoothness=2..8", "--run", tmp_path / "run")
    assert "Let 'elastic' be above 0" in sentence(found)


def test_flipped_digits_are_warned_about(tmp_path: Path) -> None:
    """PIC001 is found where pictures named by single digits are mirrored, and not where they are only turned."""
    generator = np.random.default_rng(1)
    for name in "69":
        (tmp_path / "digits" / name).mkdir(parents=True)
        for number in range(20):
            Image.fromarray(generator.integers(0, 255, (6, 6), dtype=np.uint8)).save(
                tmp_path / "digits" / name / f"{number}.png"
            )
    for kind, warned in (("flip_vertical=0.5", True), ("rotation=10", False)):
        run = tmp_path / kind
        found = told("train", tmp_path / "digits", "--set", kind, *QUICK, "--epochs", 1, "--run", run)
        assert any(finding["code"] == "PIC001" for finding in found["findings"]) == warned


def test_flipped_digits_are_warned_of_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PIC001 is on standard error, and among the findings, before the first update; with --json the object holds it."""
    words = ("train", "digits", "--set", "flip_horizontal=0.5", "--epochs", 1)
    found = told(*words, *QUICK, "--run", tmp_path / "run")
    assert "PIC001" in {finding["code"] for finding in found["findings"]}

    def never(*_: object, **__: object) -> None:
        raise StudyError("Nothing was trained.")

    monkeypatch.setattr(work, "train", never)
    done = invoke(*words, *QUICK, "--run", tmp_path / "never")
    first, second = done.stderr.splitlines()
    assert (
        first.startswith("caviar: PIC001 warning: Pictures are mirrored") and second == "caviar: Nothing was trained."
    )
    assert "PIC001" in {finding.code for finding in open_existing(tmp_path / "never").findings}


def test_python_is_warned_as_well(tmp_path: Path) -> None:
    """A study of digits that are to be flipped warns when it is asked to train, also where only a range may flip."""
    splits = caviar.split(caviar.read("digits"))
    run = caviar.Study(tmp_path / "run", splits, space=caviar.Space().fix(hidden=[8], batch_size=32))
    with pytest.warns(caviar.errors.CaviarWarning, match="PIC001"):
        panda = run.babysit({"flip_vertical": 0.5})
    with pytest.warns(caviar.errors.CaviarWarning, match="flip_horizontal 0.3"):
        panda.set(flip_vertical=0.0, flip_horizontal=0.3)
    assert [finding.code for finding in run.findings].count("PIC001") == 1


def test_what_is_wrong_with_the_data_is_told_before_training(tmp_path: Path) -> None:
    """Too few rows of a class (DAT004) are on standard error when the study begins."""
    table = pl.DataFrame({"a": np.arange(60.0), "y": ["few"] * 6 + ["many"] * 54})
    table.write_csv(tmp_path / "table.csv")
    done = invoke("train", tmp_path / "table.csv", "--target", "y", *SMALL, "--epochs", 1, "--run", tmp_path / "run")
    assert done.exit_code == 0 and done.stderr.startswith("caviar: DAT004 warning: Too few rows")
    assert "--no-test" in invoke("train", "--help").stdout
    found = told(
        "train", tmp_path / "table.csv", "--target", "y", *SMALL, "--epochs", 1, "--no-test", "--run", tmp_path / "no"
    )
    assert found["test_error"] is None and "DAT006" in {one["code"] for one in found["findings"]}
    assert "test=0" in python(open_existing(tmp_path / "no")) and "--no-test" in command(open_existing(tmp_path / "no"))
