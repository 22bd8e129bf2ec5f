"""`caviar check-gradients` and `caviar check-descent`, as a person runs them."""

import re
from pathlib import Path
from typing import Any

import pytest

from cli.running import invoke, sentence, strict
from study.making import study

COSTS = """
import numpy as np

print("a line of the file's own")
ROWS = np.arange(6.0).reshape(3, 2)


def right():
    return lambda w: float(((ROWS @ w) ** 2).sum()), np.ones(2), lambda w: 2 * ROWS.T @ (ROWS @ w)


def wrong():
    cost, start, gradient = right()
    return cost, {"w": start}["w"], 1.1 * gradient(start)


def automatic(w=np.linspace(-1, 1, 3)):
    return (w**4).sum()


def by_hand(w=np.linspace(-1, 1, 3)):
    return float((w**4).sum())


def by_hand_gradient(w):
    return 4 * w**3


def needs(this):
    return this


def nothing():
    return 3


def breaks():
    return 1 / 0


def leaves():
    raise SystemExit(7)


def leaves_later(w=np.ones(2)):
    raise SystemExit("gone")


def words(w=np.ones(2)):
    return "much"


def turned(w=np.ones(2)):
    return 1j
"""


@pytest.fixture
def costs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of costs in the present folder."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "costs.py"
    path.write_text(COSTS, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["right", "automatic", "by_hand"])
def test_a_right_gradient_ends_with_zero(costs: Path, name: str) -> None:
    """A function that returns the problem, and costs with their start as default, pass with a sentence and code 0."""
    found = invoke("check-gradients", f"costs.py:{name}")
    assert found.exit_code == 0, found.stderr
    assert found.stdout.startswith("The gradient is right")
    assert "a line of the file's own" not in found.stdout


def test_a_wrong_gradient_ends_with_one(costs: Path) -> None:
    """A wrong gradient names its worst entries, prints one object with --json, and ends with code 1 both times."""
    found = invoke("check-gradients", "costs.py:wrong")
    assert found.exit_code == 1 and "is wrong" in found.stdout and "parameters[1]" in found.stdout
    again = invoke("check-gradients", "costs.py:wrong", "--json")
    assert again.exit_code == 1
    told: dict[str, Any] = strict(again.stdout)
    assert told["passed"] is False and told["verdict"] == "wrong"
    assert told["worst"][0]["parameter"] == "parameters" and told["worst"][0]["index"] == [1]


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("costs.py", "Which function"),
        ("costs.py:automtic", "Did you mean automatic"),
        ("costs.py:ROWS", "is no function"),
        ("costs.py:needs", "needs arguments"),
        ("costs.py:nothing", "returned a int"),
        ("costs.py:breaks", "line 38.*ZeroDivisionError"),
        ("costs.py:leaves", "fails with SystemExit: 7"),
        ("costs.py:leaves_later", "The cost fails .*SystemExit: gone"),
        ("costs.py:words", "one real number. Got a str: 'much'"),
        ("costs.py:turned", "one real number. Got a complex: 1j"),
        ("none.py:cost", "no file 'none.py'"),
        ("nothing", "no file 'nothing'"),
        (".", "no study"),
    ],
)
def test_what_cannot_be_checked_ends_with_two(costs: Path, what: str, says: str) -> None:
    """A file, a name or a function that will not do is one sentence and code 2."""
    found = invoke("check-gradients", what)
    assert found.exit_code == 2 and found.stdout == ""
    said = [line for line in found.stderr.splitlines() if line.startswith("caviar: ")]
    assert len(said) == 1 and re.search(says, said[0]), found.stderr


def test_a_file_with_a_mistake_names_its_line(costs: Path) -> None:
    """A file that cannot be run is named with its line."""
    costs.write_text("x = 1\ny = (\n", encoding="utf-8")
    assert "line 2, fails with SyntaxError" in sentence(invoke("check-gradients", "costs.py:cost"))


def test_a_trial_is_checked_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RUN and RUN:TRIAL check a trial's gradient; check-descent ends with 0 at a small rate, with 1 at a large one."""
    monkeypatch.chdir(tmp_path)
    study(tmp_path / "run", space=None).train({"hidden": [5], "batch_size": 32}, epochs=1).store.close()
    for what in ("run", "run:0"):
        found = invoke("check-gradients", what, "--entries", "20")
        assert found.exit_code == 0, found.stdout + found.stderr
        assert found.stdout.count("is right") == 2
    assert "trials 0 to 0" in sentence(invoke("check-gradients", "run:9"))
    assert "given by its number, as in run:0. Got 'best'" in sentence(invoke("check-gradients", "run:best"))
    assert "at most 1000" in sentence(invoke("check-descent", "run", "--learning-rate", "1e30"))
    small = invoke("check-descent", "run", "--steps", "10", "--trial", "0", "--learning-rate", "0.01", "--json")
    assert small.exit_code == 0
    told = strict(small.stdout)
    assert told["passed"] is True and len(told["costs"]) == 11 and told["first_rise"] is None
    large = invoke("check-descent", "run", "--steps", "10", "--learning-rate", "1000")
    assert large.exit_code == 1 and "rose at step" in large.stdout
    assert "must be above 0" in sentence(invoke("check-descent", "run", "--learning-rate", "0"))
