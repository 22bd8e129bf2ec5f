"""What a terminal sees while a study runs, and what a pipe does not."""

import io
import os
import select
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from caviar.commands import speaking
from caviar.report.progress import Progress
from caviar.study.tally import Look
from cli.running import QUICK, SMALL, told
from study.making import table

LOOK = Look("search", 12, {"stopped": 30, "diverged": 2}, 212, 4000, 10.0, 0.0345, 17, 0.25, False, True)


def drawn(progress: Progress, look: Look, now: float = 0.0) -> str:
    """The live lines as plain text."""
    shown = io.StringIO()
    Console(file=shown, width=100).print(progress._drawn(look, now))
    return shown.getvalue()


def test_the_live_lines_say_what_a_person_asks() -> None:
    """Networks by what became of them, the best so far, speed and share done."""
    text = drawn(Progress(), LOOK)
    for part in ("searching", "25 %", "12 training, 212 waiting, 2 diverged, 30 stopped", "3.45 % (trial 17)", "400 "):
        assert part in text


def test_before_anything_is_known_nothing_is_made_up() -> None:
    """No best, none ended, no time left."""
    text = drawn(Progress(), replace(LOOK, best=float("inf"), best_trial=-1, ended={}, share_done=0.0, seconds=0.0))
    assert "none ended yet" in text
    assert "inf" not in text and "left" not in text and "—" in text


def test_the_time_left_comes_from_the_pace_since_the_campaign_began() -> None:
    """Half done after 30 s: about 30 s left; a new campaign counts anew."""
    progress = Progress()
    progress._first_share, progress._began = (0.0, 100.0), 100.0
    assert "about 30 s left" in drawn(progress, replace(LOOK, share_done=0.5), now=130.0)


def test_replaying_the_log_is_called_by_its_name() -> None:
    """After a kill a person sees why nothing new happens yet."""
    text = drawn(Progress(), replace(LOOK, replaying=True))
    assert "replaying" in text and "networks        12 training" in text


def test_in_the_confirmation_no_best_is_shown() -> None:
    """The lowest of several folds is nobody's error, so nothing of the kind is told."""
    text = drawn(Progress(), replace(LOOK, campaign="confirm"))
    assert "confirming" in text and "the best again: 12 training" in text
    assert "best dev error" not in text


def test_an_error_in_units_is_no_share() -> None:
    """A regression's error and a log loss are shown as numbers."""
    assert "2.5 (trial 17)" in drawn(Progress(), replace(LOOK, best=2.5, in_percent=False))


def test_the_lines_fit_a_narrow_terminal() -> None:
    """On 80 columns no line is broken."""
    shown = io.StringIO()
    Console(file=shown, width=80).print(Progress()._drawn(LOOK, 0.0))
    assert len(shown.getvalue().splitlines()) == 4


def test_without_a_terminal_there_is_no_progress(capfd: pytest.CaptureFixture[str]) -> None:
    """Standard error that is no terminal gets nothing at all."""
    with Progress() as progress:
        progress(LOOK)
    assert capfd.readouterr() == ("", "")


def test_no_line_is_wider_than_the_terminal() -> None:
    """Sentences are broken between words and lose none; rows of a table are cut."""
    sentence = "FIT002 problem: High bias: " + "train error 13.3 % (7.9 to 18.7 %), dev error 14.5 %. " * 5
    row = "4      finished  12.9 %     15.2 %       3       " + "learning_rate 0.002868, " * 5
    text = speaking.fitted(f"short\n\n{row}\n{sentence.strip()}", 60)
    lines = text.split("\n")
    assert max(map(len, lines)) <= 60
    assert lines[:3] == ["short", "", row[:59] + "…"]
    assert " ".join(line.strip() for line in lines[3:]) == sentence.strip()
    assert speaking.fitted(row, 500) == row


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a table."""
    monkeypatch.chdir(tmp_path)
    table().write_csv("table.csv")
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_on_a_terminal_progress_is_live_and_leaves_nothing_behind(here: Path) -> None:
    """Standard error on a terminal shows the networks while they train; standard output holds the outcome alone."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "caviar.cli", "search", "table.csv", "--target", "y", *SMALL, "--trials", "8"]
    command += ["--epochs", "400"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True, env=environment) as child:
        os.close(theirs)
        seen = b""
        while select.select([ours], [], [], 120)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end was closed
                break
            if not part:
                break
            seen += part
        shown = child.stdout.read() if child.stdout else ""
    os.close(ours)
    text = seen.decode()
    assert child.returncode == 0, text
    assert "Getting ready" in text
    assert "searching" in text and "networks" in text and "best dev error" in text and "model-epochs a second" in text
    assert text.rstrip().endswith(("\x1b[?25h", "\x1b[2K")) or "\x1b[?25h" in text  # the cursor is back
    assert "has a dev error of" in shown
    assert "\x1b" not in shown and "Getting ready" not in shown


def test_a_pipe_that_closes_early_gives_no_traceback(here: Path) -> None:
    """`caviar predict … | head -1`: the reader has what it wanted, and nobody complains."""
    told("search", "table.csv", "--target", "y", *QUICK, "--run", "run")
    table(30000).write_csv("many.csv")
    for data in ("many.csv", "table.csv"):  # more than a pipe holds, and less
        command = [sys.executable, "-m", "caviar.cli", "predict", "run/best.caviar", data]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None and child.stderr is not None
            if data == "many.csv":
                assert child.stdout.readline() == "prediction\n"
            child.stdout.close()
            assert child.stderr.read() == ""
            assert child.wait(60) == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_gets_a_sentence(here: Path) -> None:
    """Output that cannot be written ends with code 2 and says why."""
    told("search", "table.csv", "--target", "y", *QUICK, "--run", "run")
    command = [sys.executable, "-m", "caviar.cli", "predict", "run/best.caviar", "table.csv"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
