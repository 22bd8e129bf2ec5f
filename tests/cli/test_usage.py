"""What is written wrongly on the command line gets the program's own sentence, in any terminal."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import caviar
from caviar import cli
from cli.running import apart, invoke, sentence

ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "TERM": "dumb", "COLUMNS": "40"}
MISTAKES = {
    "a word for a number": ("search iris --trials x", "'--trials' must be a whole number of at least 1. Got 'x'."),
    "after an equals sign": ("search iris --trials=x", "'--trials' must be a whole number of at least 1. Got 'x'."),
    "a fraction": ("search iris --epochs 2.5", "'--epochs' must be a whole number of at least 1. Got '2.5'."),
    "too small": ("search iris --epochs 0", "'--epochs' must be a whole number of at least 1. Got '0'."),
    "a negative seed": ("train iris --seed -1", "'--seed' must be a whole number of at least 0. Got '-1'."),
    "no number": ("search iris --minutes soon", "'--minutes' must be a number. Got 'soon'."),
    "the last counts": ("search iris --trials 3 --trials y", "Got 'y'."),
    "no value": ("search iris --trials", "'--trials' needs a value: configurations to try"),
    "unlike option": ("search iris --tials 3", "search has no option '--tials'. Did you mean --trials"),
    "another program's option": ("search iris --max_epochs 3", "Did you mean --epochs?"),
    "no such option": ("status RUN --qqqqqq", "status has no option '--qqqqqq'. See 'caviar status --help'."),
    "a switch with a value": ("demo --json=3", "Option '--json' does not take a value. See 'caviar demo --help'."),
    "no data": ("search", "search needs DATA: CSV,"),
    "no second argument": ("predict best.caviar", "predict needs DATA: "),
    "one word too many": ("search iris wine", "search does not know what to do with 'wine'."),
    "unlike command": ("serch iris", "There is no command 'serch'. Did you mean search"),
    "underscores": ("find_learning_rate iris", "Did you mean find-learning-rate?"),
    "no such command": ("zzz", "There is no command 'zzz'. See 'caviar --help'."),
    "no such option at all": ("-x", "caviar has no option '-x'. See 'caviar --help'."),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_in_use_gets_a_sentence(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2, one line on standard error that says what, which value, which rule, which way out; nothing else."""
    monkeypatch.chdir(tmp_path)
    words, expected = MISTAKES[kind]
    assert expected in sentence(invoke(*words.split()))
    assert list(tmp_path.iterdir()) == []


NOTHING = {
    "a rate for the search for rates": ("find-learning-rate iris --set learning_rate=0.1", "Leave it out of --set"),
    "no twins of a search": ("search iris --no-twins", "nothing has patience"),
    "no twins of a training": ("train iris --no-twins", "nothing has patience"),
    "a column of what is read": ("train saved --target petal_width", "'iris' is a data set, whose columns are settled"),
    "a task of what is read": ("train saved --task regression", "leave 'task' out"),
    "a column of it left out": ("search saved --ignore petal_width", "leave 'ignore' out"),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOTHING)
def test_an_option_that_would_do_nothing_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is accepted has an effect: an option without one gets a sentence, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    caviar.read("iris").save(tmp_path / "saved")
    before = sorted(tmp_path.rglob("*"))
    words, expected = NOTHING[kind]
    assert expected in sentence(invoke(*words.split()))
    assert sorted(tmp_path.rglob("*")) == before


def test_no_words_at_all_show_the_help() -> None:
    """`caviar` alone lists the commands, and ends with 2 as before."""
    found = invoke()
    assert found.exit_code == 2 and "find-learning-rate" in found.stdout and found.stderr == ""


def test_every_help_is_shown_in_a_terminal_that_knows_ascii_alone() -> None:
    """Forty columns, no Unicode, a dumb terminal: `--help` of the program and of each command is plain ASCII."""
    names = [command.callback.__name__.replace("_", "-") for command in cli.app.registered_commands if command.callback]
    code = (
        "import sys\nfrom caviar.cli import main\n"
        f"for words in [[], *([name] for name in {names!r})]:\n"
        "    sys.argv = ['caviar', *words, '--help']\n"
        "    try: main()\n"
        "    except SystemExit as end: assert end.code == 0, (words, end.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, env={**os.environ, **ASCII})
    assert done.returncode == 0, done.stderr
    shown = done.stdout.decode("ascii")
    assert shown.count("Usage:") == len(names) + 1 and "..." in shown and done.stderr == b""


def test_a_sentence_is_said_in_ascii_too(tmp_path: Path) -> None:
    """Letters that a terminal does not know become plain ones or escapes; a traceback is never the answer."""
    done = apart(["search", "é…csv"], tmp_path, env={**os.environ, **ASCII, "PYTHONUTF8": "0"})
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("caviar: ") and done.stderr.isascii() and "Traceback" not in done.stderr
