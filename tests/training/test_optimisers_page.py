"""The page on optimisers says what the code does."""

import re
from pathlib import Path

from caviar.search.hyperparameters import DECAYS, OPTIMISERS, complete

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "optimisers.md").read_text(encoding="utf-8")


def test_every_optimiser_and_decay_has_a_row() -> None:
    """docs/optimisers.md has a row for each optimiser and each decay, and no other."""
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == {*OPTIMISERS, *DECAYS}


def test_the_defaults_are_the_tables() -> None:
    """The numbers on the page are the defaults of the table of hyperparameters."""
    for name in OPTIMISERS:
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
        for hyperparameter, value in re.findall(r"`(\w+)` ([\d.e-]+)", row):
            assert complete({"optimiser": name})[hyperparameter] == float(value)


def test_the_examples_print_what_is_written(capsys) -> None:
    """The Python examples of the page run as they stand and print the numbers beside them."""
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "optimisers.md", "exec"), {})
    printed = capsys.readouterr().out
    for said in (
        "[0.  0.1]",
        "4.99999999",
        "(101, 4, 2)",
        "4 slots, 100 steps each; 0 diverged.",
        "44.73",
        "[4.  8.5]",
    ):
        assert said in printed, printed
