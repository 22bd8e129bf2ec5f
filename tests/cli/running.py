"""Commands run in this process, which is quick, or in one of their own, which is true."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from caviar import cli

# One small program for all tests that search a table.
SMALL = ("--set", "hidden=8", "--set", "batch_size=32", "--set", "encoding=standard")
QUICK = (*SMALL, "--trials", "8", "--epochs", "6")


def invoke(*words: Any) -> Any:
    """A command in this process: .exit_code, .stdout, .stderr."""
    found = CliRunner().invoke(cli.app, [str(word) for word in words])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found


def told(*words: Any) -> dict[str, Any]:
    """The object that a command prints with --json, once it was the only thing there and the command succeeded."""
    found = invoke(*words, "--json")
    assert found.exit_code == 0, found.stderr
    assert found.stderr == ""
    return strict(found.stdout)


def strict(text: str) -> dict[str, Any]:
    """One object of strict JSON: no NaN, no Infinity, nothing before or after."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    found = json.loads(text, parse_constant=refuse)
    assert isinstance(found, dict)
    return found


def sentence(found: Any) -> str:
    """What a refused command says: exit code 2, one line on standard error, nothing on standard output."""
    assert found.exit_code == 2, (found.exit_code, found.stderr)
    assert found.stdout == ""
    lines = found.stderr.splitlines()
    assert len(lines) == 1, found.stderr
    assert lines[0].startswith("caviar: ") and lines[0].endswith((".", "?", ")"))
    return str(lines[0])


def apart(words: Sequence[Any], folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, as a person starts it, in a folder."""
    command = [sys.executable, "-m", "caviar.cli", *map(str, words)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240, **options)
