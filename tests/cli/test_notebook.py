"""The notebook, samplers by name and searches that start from an earlier one, on the command line."""

from pathlib import Path

from cli.running import QUICK, invoke, sentence, told
from study.making import table


def test_search_again_on_new_data_and_read_the_notebook(tmp_path: Path) -> None:
    """A search zooms in, a second one on new data begins with its best, and the notebook tells what was concluded."""
    for name, seed in (("old.csv", 0), ("new.csv", 1)):
        table(seed=seed).write_csv(tmp_path / name)
    words = ["--target", "y", *QUICK]
    told("search", tmp_path / "old.csv", *words, "--sampler", "coarse_to_fine", "--run", tmp_path / "old")
    found = told("search", tmp_path / "new.csv", *words, "--start-from", tmp_path / "old", "--run", tmp_path / "new")
    assert found["state"] == "finished"
    done = invoke("notebook", tmp_path / "new", "--conclusion", "The old best still serve.")
    assert "The old best still serve." in done.stdout and "(search)" in done.stdout
    listed = told("notebook", tmp_path / "new")["experiments"]
    assert listed[0]["kind"] == "search" and listed[-1]["conclusion"] == "The old best still serve."


def test_where_the_errors_are(tmp_path: Path) -> None:
    """`caviar slices` gives the errors of each class or part of a column, as text and as an object."""
    table().write_csv(tmp_path / "table.csv")
    told("train", tmp_path / "table.csv", "--target", "y", *QUICK[:6], "--epochs", "2", "--run", tmp_path / "run")
    found = told("slices", tmp_path / "run")
    assert {one["name"] for one in found["parts"]} == {"yes", "no"} and found["unit"] == "share"
    shown = invoke("slices", tmp_path / "run", "--by", "a", "--bins", "2").stdout
    assert "Errors by a" in shown and "at most" in shown and "above" in shown
    assert "no column" in sentence(invoke("slices", tmp_path / "run", "--by", "nothing"))


def test_mistakes_write_nothing(tmp_path: Path) -> None:
    """A sampler that is none, or an earlier study that is none, ends with a sentence and code 2."""
    table().write_csv(tmp_path / "table.csv")
    for more, said in (
        (["--sampler", "tea"], "must be one of random, grid, coarse_to_fine"),
        (["--start-from", tmp_path / "none"], "There is no study"),
    ):
        done = invoke("search", tmp_path / "table.csv", "--target", "y", *QUICK, "--run", tmp_path / "run", *more)
        assert said in sentence(done)
        assert not (tmp_path / "run").exists()
