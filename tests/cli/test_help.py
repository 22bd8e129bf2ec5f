"""`--help`: quick, complete, and without JAX."""

import subprocess
import sys

import pytest

import caviar
from caviar import cli
from cli.running import invoke

WORDS = {
    "demo": ["--run", "--seed", "--json"],
    "search": [
        "DATA", "--target", "--trials", "--epochs", "--minutes", "--set", "--vary", "--metric", "--base-error",
        "--seed", "--run", "--json", "NAME=VALUE", "LOW..HIGH",
    ],
    "train": ["DATA", "--target", "--set", "--epochs", "--seed", "--run", "--json"],
    "babysit": ["DATA|RUN", "--set", "--note", "--epochs", "--undo", "--back-to", "--branch", "--finish", "--json"],
    "resume": ["RUN", "--json"],
    "status": ["RUN", "--json"],
    "report": ["RUN", "--json"],
    "predict": ["MODEL", "DATA", "--output", "FILE.csv", "--probabilities"],
    "evaluate": ["MODEL", "DATA", "--json"],
}  # fmt: skip


@pytest.mark.parametrize("command", WORDS)
def test_the_help_of_a_command_names_its_arguments(command: str) -> None:
    """Every argument and option of the contract is in the command's help."""
    found = invoke(command, "--help")
    assert found.exit_code == 0
    missing = [word for word in WORDS[command] if word not in found.stdout]
    assert not missing


def test_the_help_lists_every_command() -> None:
    """`caviar --help` shows each command with what it does."""
    shown = invoke("--help").stdout
    assert {command.callback.__name__ for command in cli.app.registered_commands if command.callback} >= set(WORDS)
    for command in WORDS:
        assert command in shown


def test_the_version_is_told() -> None:
    """`caviar --version` prints the package's own."""
    assert invoke("--version").stdout == f"caviar {caviar.__version__}\n"


def test_the_package_runs_as_a_module() -> None:
    """`python -m caviar` is the command line: it tells the version, and a mistake ends with code 2."""
    command = [sys.executable, "-m", "caviar"]
    told = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"caviar {caviar.__version__}\n"
    mistaken = subprocess.run([*command, "status", "nowhere"], capture_output=True, text=True, check=False)
    assert mistaken.returncode == 2 and mistaken.stderr.startswith("caviar: ")


def test_every_option_says_what_it_does() -> None:
    """No option stands in the help without a word about it."""
    for command in cli.app.registered_commands:
        assert command.callback is not None and command.callback.__doc__
        for name, hint in command.callback.__annotations__.items():
            if name != "return":
                (told,) = hint.__metadata__
                assert told.help, f"{command.callback.__name__} {name}"


@pytest.mark.parametrize("words", [["--help"], ["search", "--help"], ["predict", "--help"]], ids=" ".join)
def test_help_loads_neither_jax_nor_numpy(words: list[str]) -> None:
    """Help needs nothing heavy, so it is there at once."""
    code = (
        "import sys\nfrom caviar.cli import app\n"
        f"try: app({words!r})\nexcept SystemExit: pass\n"
        "print([name for name in ('jax', 'numpy', 'polars', 'sqlalchemy') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
