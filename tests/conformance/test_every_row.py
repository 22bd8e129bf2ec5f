"""docs/techniques.md lists every technique with its names and its test, and all of them are there."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from caviar.search.hyperparameters import HYPERPARAMETERS, look_up
from caviar.search.parsing import parse_set, parse_vary
from test_docs import commands, resolve

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PAGE = ROOT / "docs" / "techniques.md"
LATER = "to come"
# What the folder holds beside the rows' own files.
BESIDE = {"__init__", "conftest", "engine", "descents", "test_every_row", "test_extremes"}


class Row(NamedTuple):
    """One line of a table: a section's number, the technique, and four cells."""

    section: int
    technique: str
    python: str
    command: str
    figure: str
    test: str


def rows_of(text: str) -> list[list[str]]:
    """The cells of every table under a numbered heading, with the heading's number first."""
    found, section = [], ""
    for line in text.splitlines():
        if heading := re.match(r"## (\d) ", line):
            section = heading[1]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if section and cells and cells[0] not in ("technique", "program") and not set(cells[0]) <= {"-"}:
            found.append([section, *cells])
    return found


ROWS = [Row(int(cells[0]), *cells[1:]) for cells in rows_of(PAGE.read_text(encoding="utf-8"))]
every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.technique.replace(" ", "-"))


def quoted(cell: str) -> list[str]:
    """What stands in a cell as code."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_rows_are_those_of_the_techniques(shared: Path) -> None:
    """The page has the rows of the list of techniques that lies beside the repository, section by section."""
    listed = rows_of((shared / "TECHNIQUES.md").read_text(encoding="utf-8"))
    assert [(int(cells[0]), cells[1]) for cells in listed] == [(row.section, row.technique) for row in ROWS]


def test_there_are_rows() -> None:
    """Six sections, each technique once."""
    assert {row.section for row in ROWS} == set(range(1, 7))
    assert len({row.technique for row in ROWS}) == len(ROWS) >= 41


@every_row
def test_a_row_has_its_test(row: Row) -> None:
    """The files that a row links exist, each with tests that state facts."""
    if row.test == LATER:
        pytest.skip(f"'{row.technique}' has no conformance test yet")
    links = re.findall(r"\]\(([^)]+)\)", row.test)
    assert links
    for link in links:
        tree = ast.parse((PAGE.parent / link).read_text(encoding="utf-8"))
        tests = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")]
        assert tests, link
        assert all(ast.get_docstring(one) for one in tests), link


def test_a_test_has_its_row() -> None:
    """Every file of this folder is linked by a row."""
    linked = {Path(link).stem for row in ROWS for link in re.findall(r"\]\(([^)]+)\)", row.test)}
    assert {path.stem for path in HERE.glob("*.py")} - BESIDE <= linked


@every_row
def test_a_row_s_python_names_exist(row: Row) -> None:
    """Each name in the columns of Python and figures is a hyperparameter, a name of the package, or an example."""
    for name in quoted(row.python) + quoted(row.figure):
        if name.startswith("caviar."):
            assert callable(resolve(name)), name
        elif "/" in name:
            assert (ROOT / name).is_file(), name
        else:
            assert name in HYPERPARAMETERS, name
    if not quoted(row.python):
        assert row.python in (LATER, "–")


@every_row
def test_a_row_s_commands_exist(row: Row) -> None:
    """Each command with its options exists, and each --set and --vary is understood."""
    for written in quoted(row.command):
        words = written.split()
        if words[0] == "--set":
            name, _ = parse_set(words[1])
            assert look_up(name)
            continue
        if words[0] == "--vary":
            assert parse_vary(words[1])
            continue
        assert words[0] == "caviar", written
        command = commands()[words[1]]
        options = {option for one in command.params for option in one.opts}
        assert {word for word in words[2:] if word.startswith("--")} <= options, written
