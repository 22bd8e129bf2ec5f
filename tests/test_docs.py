"""What the documents say is what the code does."""

import ast
import dataclasses
import inspect
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from caviar.search.hyperparameters import HYPERPARAMETERS
from write_hyperparameters_page import PATH as HYPERPARAMETERS_PAGE
from write_hyperparameters_page import page as hyperparameters_page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "caviar"
ROOMS = sorted((DOCS / "rooms").glob("*.md"))
CODE = re.compile(r"[A-Z]{3}\d{3}")
WIDEST = 140  # characters of a line of prose


def text(path: Path) -> str:
    """A document."""
    return path.read_text(encoding="utf-8")


def trees() -> list[ast.Module]:
    """Every module of the package, parsed."""
    return [ast.parse(text(path)) for path in sorted(SOURCE.rglob("*.py"))]


def emitted_codes() -> set[str]:
    """The codes of findings that stand as a string of their own somewhere in the package."""
    strings = [node.value for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {value for value in strings if isinstance(value, str) and CODE.fullmatch(value)}


# ---- findings ---------------------------------------------------------------------------------------------------


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    """The pages under docs/findings/ are those of the codes that the package emits, no more and no fewer."""
    codes = emitted_codes()
    assert {"DAT001", "FIT001"} <= codes
    assert {path.stem for path in (DOCS / "findings").glob("*.md")} == codes


@pytest.mark.parametrize(
    "code", ["DAT001", "DAT002", "DAT003", "DAT004", "DAT005", *(f"GRD00{number}" for number in range(1, 8))]
)
def test_pages_show_what_the_code_says(code: str) -> None:
    """Each DAT or GRD page has the five headings, and its example gives the message that it shows."""
    page = text(DOCS / "findings" / f"{code}.md")
    assert page.startswith(f"# {code} ")
    headings = re.findall(r"^## (.+)$", page, flags=re.MULTILINE)
    assert headings == ["What it means", "Evidence", "Threshold", "Example", "What to do"]
    call, said = re.search(r"```python\n(.*?)```", page, re.DOTALL), re.search(r"```text\n(.*?)```", page, re.DOTALL)
    assert call and said
    names: dict[str, Any] = {}
    exec(call[1], names)
    plain = [finding if isinstance(finding, dict) else finding.to_dict() for finding in names["findings"]]
    found = {finding["code"]: finding for finding in plain}
    assert said[1].split() == found[code]["message"].split()
    evidence = page.partition("## Evidence")[2].partition("## Example")[0]
    told = set(re.findall(r"`(\w+)`", evidence))
    assert set(found[code]["evidence"]) <= told, "the page does not name all evidence"


# ---- hyperparameters ----------------------------------------------------------------------------------------------


def test_the_page_of_hyperparameters_is_the_table() -> None:
    """docs/hyperparameters.md is what the table gives; python -m tests.write_hyperparameters_page writes it anew."""
    assert text(HYPERPARAMETERS_PAGE) == hyperparameters_page(), "run python -m tests.write_hyperparameters_page"
    for name, row in HYPERPARAMETERS.items():
        assert f"| `{name}` | {row.meaning}".replace("|w|", "\\|w\\|") in text(HYPERPARAMETERS_PAGE)


# ---- commands -----------------------------------------------------------------------------------------------------


def commands() -> dict[str, Any]:
    """The commands of the command line by name."""
    import typer.main

    from caviar.cli import app

    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def command_sections() -> dict[str, str]:
    """The sections of docs/commands.md, by the command in their heading."""
    parts = re.split(r"^## (.+)$", text(DOCS / "commands.md"), flags=re.MULTILINE)[1:]
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    return {name.removeprefix("caviar "): body for name, body in sections.items() if name.startswith("caviar ")}


def test_every_command_and_option_is_documented() -> None:
    """docs/commands.md has a section for each command; it names each of its options, and no other."""
    sections = command_sections()
    assert set(sections) == set(commands())
    for name, command in commands().items():
        there = {option for one in command.params for option in one.opts if option.startswith("--")} - {"--help"}
        # Only the first column of its table: the others say what an option does.
        cells = [line.split("|")[1] for line in sections[name].splitlines() if line.startswith("|")]
        told = set(re.findall(r"--[a-z][a-z-]*", " ".join(cells))) - {"--help"}
        if name == "search":
            told -= {"--vary", "--set"} - there
        assert told == there, f"{name}: {told ^ there}"


def test_options_without_a_command_are_documented() -> None:
    """The beginning of docs/commands.md names every option that caviar takes without a command."""
    import typer.main

    from caviar.cli import app

    beginning = text(DOCS / "commands.md").partition("\n## ")[0]
    whole = typer.main.get_command(app)
    for option in ["--help", *(option for one in whole.params for option in one.opts)]:
        assert f"`caviar {option}`" in beginning, option


def test_the_defaults_of_search_are_as_documented() -> None:
    """The numbers and words in the column of defaults are the command's own."""
    defaults = {option: one.default for one in commands()["search"].params for option in one.opts}
    rows = re.findall(r"^\| `(--[a-z-]+)` \| (\w+) \|", command_sections()["search"], flags=re.MULTILINE)
    assert {"--trials", "--epochs", "--seed", "--stopping"} <= {name for name, _ in rows}
    for name, told in rows:
        assert str(defaults[name] if defaults[name] is not None else {"--metric": "error"}.get(name, told)) == told


def documented_keys() -> set[str]:
    """The keys in the table of what --json prints."""
    table = text(DOCS / "commands.md").partition("## What --json prints")[2].partition("## Examples")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE))


def test_what_json_prints_is_as_documented(tmp_path: Path) -> None:
    """The keys of the summary of a real study, and of its best trial and its test, are those on the page."""
    from caviar.study.summary import summary
    from study.making import study

    found = summary(study(tmp_path / "run").train(epochs=1).finish())
    assert set(found) == documented_keys()
    page = text(DOCS / "commands.md")
    for inner in (*found["best"], "low", "high", "seen", *found["findings"][0]):
        assert f"`{inner}`" in page, inner
    for name in set(found["test"]) - {"low", "high", "seen"}:
        assert f"`{name}`" in page.partition("## caviar evaluate")[2].partition("## Exit codes")[0], name


# ---- rooms --------------------------------------------------------------------------------------------------------


def resolve(name: str) -> Any:
    """What a dotted name of the package stands for."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        path = SOURCE.parent.joinpath(*parts[:length])
        if path.is_dir() or path.with_suffix(".py").is_file():
            found: Any = import_module(".".join(parts[:length]))
            for part in parts[length:]:
                found = inspect.getattr_static(found, part) if inspect.isclass(found) else getattr(found, part)
            return found.__func__ if isinstance(found, staticmethod | classmethod) else found
    raise AssertionError(name)


def names_and_defaults(signature: inspect.Signature) -> list[tuple[str, Any, Any]]:
    """(name, kind, default) of each argument but self."""
    own = [one for one in signature.parameters.values() if one.name not in ("self", "cls")]
    return [(one.name, one.kind, _default(one.default)) for one in own]


def _default(value: Any) -> Any:
    # A dataclass shows a placeholder for a default that is made anew each time.
    return {} if isinstance(value, type(dataclasses._HAS_DEFAULT_FACTORY)) else value  # type: ignore[attr-defined]


def documented_signatures(page: str) -> Iterator[tuple[str, str]]:
    """The dotted names in a page's block of main names, each with its arguments as written."""
    block = re.search(r"## Main names\n\n```text\n(.*?)```", page, re.DOTALL)
    assert block
    for line in block[1].splitlines():
        if not line.startswith("#"):
            name, _, arguments = line.partition("(")
            yield name, arguments.removesuffix(")")


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.stem)
def test_signatures_on_the_pages_of_rooms_are_the_codes(path: Path) -> None:
    """Each main name on a room's page exists and takes the arguments, with the defaults, that the page gives it."""
    told = list(documented_signatures(text(path)))
    assert told
    for name, arguments in told:
        found = resolve(name)
        module = sys.modules[getattr(found, "__module__", "builtins")]
        made: dict[str, Any] = {}
        exec(f"def documented({arguments}): ...", dict(vars(module)), made)
        documented = names_and_defaults(inspect.signature(made["documented"]))
        assert names_and_defaults(inspect.signature(found)) == documented, name


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: path.stem)
def test_numbers_on_the_pages_of_rooms_are_the_codes(path: Path) -> None:
    """Each constant on a room's page has the value that the page gives it."""
    rows = re.findall(r"^\| `(caviar[\w.]+)` \| ([^|]+) \|", text(path), flags=re.MULTILINE)
    assert rows, "a page says where its room's numbers come from"
    for name, value in rows:
        assert math.isclose(float(resolve(name)), float(value), rel_tol=1e-12), name


def test_every_room_has_a_page() -> None:
    """A folder of the package with code in it has a page, and so does the command line."""
    rooms = {path.parent.name for path in SOURCE.glob("*/*.py") if path.name != "__init__.py"}
    assert {path.stem for path in ROOMS} == rooms
    for path in ROOMS:
        headings = re.findall(r"^## (.+)$", text(path), flags=re.MULTILINE)
        assert [one for one in headings if one != "The folder"] == [
            "Main names",
            "What it promises",
            "Where its numbers come from",
        ]


# ---- troubleshooting, decisions -----------------------------------------------------------------------------------


def sentences() -> str:
    """Every text of the package, … in the place of what is filled in."""

    def written(node: ast.expr) -> str:
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else ""
        if isinstance(node, ast.JoinedStr):
            return "".join("…" if isinstance(part, ast.FormattedValue) else written(part) for part in node.values)
        return ""

    kinds = (ast.Constant, ast.JoinedStr)
    return "\n".join(written(node) for tree in trees() for node in ast.walk(tree) if isinstance(node, kinds))


def test_quoted_sentences_are_the_codes() -> None:
    """Every sentence that docs/troubleshooting.md quotes is one that the package can say."""
    quoted = re.findall(r"^> (.+)$", text(DOCS / "troubleshooting.md"), flags=re.MULTILINE)
    assert len(quoted) > 15
    said = sentences().replace(".{SUFFIX}", ".caviar").replace("best…", "best.caviar").splitlines()
    for sentence in quoted:
        parts = [part for part in sentence.split("…") if part]
        assert any(_in_order(parts, line) for line in said), sentence


def _in_order(parts: list[str], line: str) -> bool:
    """Whether the parts stand in a line, one after the other."""
    at = 0
    for part in parts:
        at = line.find(part, at) + len(part)
        if at < len(part):
            return False
    return True


def test_decisions_are_numbered_and_say_why() -> None:
    """Decisions are numbered without a gap, and each says its context, what was decided, and why."""
    pages = sorted((DOCS / "decisions").glob("*.md"))
    assert [int(path.name[:4]) for path in pages] == list(range(1, len(pages) + 1))
    for path in pages[1:]:
        assert text(path).startswith(f"# {path.name[:4]} ")
        headings = re.findall(r"^## (.+)$", text(path), flags=re.MULTILINE)
        assert headings[:3] == ["Context", "Decision", "Why"], path.name
        assert "What would change our mind" in headings, path.name


def test_lines_of_documents_can_be_read() -> None:
    """No line of prose is wider than a screen; tables, quotations and signatures may be."""
    for path in DOCS.rglob("*.md"):
        for number, line in enumerate(text(path).splitlines(), start=1):
            wide = len(line) > WIDEST and not line.startswith(("|", ">", "caviar."))
            assert not wide or path.name.startswith("0001"), f"{path.relative_to(ROOT)}:{number}"


# ---- what runs ----------------------------------------------------------------------------------------------------


def run_blocks(path: Path, folder: Path) -> None:
    """Run a document's sh and python blocks one after the other in a folder, as a reader would."""
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    blocks = re.findall(r"```(sh|python)\n(.*?)```", text(path), re.DOTALL)
    assert blocks
    for language, block in blocks:
        command = ["sh", "-e", "-c", block] if language == "sh" else [sys.executable, "-W", "error", "-c", block]
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "PATH": tools},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{block}\n{done.stderr[-3000:]}"


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the examples are written for a POSIX shell")
def test_the_tour_runs(tmp_path: Path) -> None:
    """Every command and the program of the tour run as they stand, one after the other, in an empty folder."""
    run_blocks(DOCS / "index" / "tour.md", tmp_path)
    for run in ("first", "second", "one", "tumours", "short", "python"):
        assert (tmp_path / "runs" / run / "best.caviar").is_file()
    assert len(text(tmp_path / "predictions.csv").splitlines()) == 70


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the examples are written for a POSIX shell")
def test_the_examples_of_the_commands_run(tmp_path: Path) -> None:
    """The worked examples of docs/commands.md run as they stand, and leave what they say."""
    run_blocks(DOCS / "commands.md", tmp_path)
    assert set(json.loads(text(tmp_path / "summary.json"))) == documented_keys()
    assert "'id' is left out" in text(tmp_path / "runs" / "houses" / "report.html").replace("&#x27;", "'").replace(
        "&#39;", "'"
    )
    assert text(tmp_path / "probabilities.csv").startswith("prediction,probability of setosa")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["status", "no-such-run"], 2), (["train", "iris", "--epochs", "0"], 2), (["no-such-command"], 2)],
)
def test_mistakes_have_the_exit_code_of_the_page(arguments: list[str], code: int, tmp_path: Path) -> None:
    """A mistake ends with 2 and a sentence on standard error, without a traceback, as docs/commands.md says."""
    command = [sys.executable, "-c", "from caviar.cli import main; main()", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code and not done.stdout
    assert done.stderr and "Traceback" not in done.stderr
    assert f"| {code} |" in text(DOCS / "commands.md")


def test_environment_variables_are_documented() -> None:
    """Every variable of ours that the package reads is on the page of troubles."""
    read: Callable[[str], list[str]] = re.compile(r"CAVIAR_[A-Z]+").findall
    found = {name for path in SOURCE.rglob("*.py") for name in read(text(path))}
    assert found and found == set(read(text(DOCS / "troubleshooting.md")))
