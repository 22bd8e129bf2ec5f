"""Errors by class and by column: what a study's model makes of the rows in each part."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import caviar
from caviar.errors import StudyError
from caviar.report.page import page_of
from caviar.report.sections import where_it_errs
from caviar.study.study import Study
from study.making import space, study

ROWS = 6000


def planted(folder: Path, **options: object) -> Study:
    """A study of a table whose labels are drawn by lot where `place` is "harbour", and follow `a` elsewhere."""
    generator = np.random.default_rng(5)
    a, b = generator.normal(size=(2, ROWS))
    place = generator.choice(["harbour", "hill", "town"], ROWS, p=[0.2, 0.4, 0.4])
    lot = generator.random(ROWS) < 0.5
    label = np.where(place == "harbour", lot, a > 0)
    frame = pl.DataFrame({"a": a, "b": b, "place": place, "y": np.where(label, "yes", "no")})
    splits = caviar.split(caviar.read(frame, target="y"), seed=0, dev=2400)
    run = study(folder, splits=splits, space=space(learning_rate=0.02))
    run.train(epochs=4)
    run.finish()
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The planted study, trained once."""
    return planted(tmp_path_factory.mktemp("slices") / "run")


def test_errors_by_class_are_those_of_the_predictions(run: Study) -> None:
    """Each class's errors are the shares of its rows that the saved model misclassifies, on the judge half of dev."""
    splits, model = run.splits, run.best_model()
    judge = splits.dev[~splits.choose]
    assert 0 < len(judge) < len(splits.dev)
    found = {one.name: one for one in run.by_slice()}
    assert set(found) == {"no", "yes"}
    for rows, error, count in ((judge, "dev_error", "dev_rows"), (splits.train, "train_error", "train_rows")):
        predicted = model.predict(run.dataset, rows)
        truth = np.array(run.dataset.schema.classes)[run.dataset.targets[rows]]
        for name, one in found.items():
            mine = truth == name
            assert getattr(one, count) == mine.sum()
            assert getattr(one, error) == pytest.approx(np.mean(predicted[mine] != name), abs=1e-12)


def test_the_part_that_is_hard_is_named(run: Study) -> None:
    """Where labels are drawn by lot the bias is high and elsewhere it is not; the page names that column alone."""
    found = {one.name: one for one in run.by_slice("place")}
    assert found["harbour"].code in ("FIT002", "FIT003") and found["harbour"].dev_error > 0.4
    assert all(found[name].dev_error < 0.1 for name in ("hill", "town"))
    assert next(iter(run.by_slice("place"))).name == "harbour"
    page = page_of(run)
    assert [one.by for one in page.slices] == ["", "place"]
    section = where_it_errs(page)
    assert section is not None and "harbour" in section.body and "had no part in choosing" in section.body
    assert len(section.figures) == 2 and "harbour" in section.figures[1].description
    assert "harbour" in str(run.by_slice("place")) and len(run.by_slice("b", bins=3)) == 3


def test_what_is_no_column_is_refused(run: Study) -> None:
    """A column that is not there, or one part only, is refused with the columns that there are."""
    with pytest.raises(StudyError, match=r"no column that the network sees\. There are: a, b, place"):
        run.by_slice("c")
    with pytest.raises(StudyError, match="at least 2"):
        run.by_slice("a", bins=1)


def test_numbers_have_parts_of_the_target(tmp_path: Path) -> None:
    """A regression's errors are root mean squares in the target's unit, by parts of the target; small dev is said."""
    from study.making import splits as small

    run = study(tmp_path / "run", splits=small(task="regression"))
    run.train(epochs=3)
    found = run.by_slice(bins=2)
    model, dev = run.best_model(), run.splits.dev
    residuals = model.predict(run.dataset, dev) - run.dataset.targets[dev]
    squared = sum(one.dev_rows * one.dev_error**2 for one in found)
    assert sum(one.dev_rows for one in found) == len(dev)
    assert squared == pytest.approx(np.sum(residuals**2), rel=1e-5)
    assert not found.judged and "also chose" in str(found)
