"""Ctrl-C: the best is kept, the text says how to go on, and going on gives what an uninterrupted run gives."""

import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import caviar
from caviar.errors import StudyError
from caviar.records.store import Store
from caviar.report.progress import Progress
from caviar.study import campaigns, request
from cli.running import QUICK, SMALL, invoke, strict, told
from study.making import content, differences, table

# Dozens of segments of a program that other tests use too, so that there is a time in which to press the keys.
LONG = (*SMALL, "--trials", "8", "--epochs", "400")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a table."""
    monkeypatch.chdir(tmp_path)
    table().write_csv("table.csv")
    return tmp_path


def tick_of(run: Path) -> int:
    """The last segment stored, −1 before the first."""
    try:
        with Store(run / "study.db", read_only=True) as store:
            return store.tick(0)
    except StudyError:
        return -1


def test_a_real_ctrl_c_and_a_resume_equal_a_run_without(here: Path) -> None:
    """SIGINT to a real process: code 130, model and page are there, `resume` ends in the very same study."""
    words = ["search", "table.csv", "--target", "y", *LONG]
    command = [sys.executable, "-m", "caviar.cli", *words, "--run", "stopped run"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        until = time.monotonic() + 120
        while child.poll() is None and tick_of(here / "stopped run") < 3:
            assert time.monotonic() < until, "nothing was trained"
            time.sleep(0.005)
        child.send_signal(signal.SIGINT)
        shown, said = child.communicate(timeout=60)
    assert child.returncode == 130, said
    assert said.splitlines() == ["Stopped (Ctrl-C); the best so far is kept. Go on with: caviar resume 'stopped run'"]
    assert "has a dev error of" in shown and "Report: stopped run/report.html" in shown
    run = here / "stopped run"
    assert len(caviar.load(run / "best.caviar").predict("table.csv")) == 240
    assert "<html" in (run / "report.html").read_text()
    stopped = caviar.Study(run)
    assert stopped.unfinished() == 0 and not stopped.sealed
    assert told("status", run)["state"] == "interrupted"

    resumed = invoke(*shlex.split(said.split("Go on with: caviar ")[1]))  # as the text says
    assert resumed.exit_code == 0, resumed.stderr
    assert invoke(*words, "--run", "whole").exit_code == 0
    assert differences(content(caviar.Study("whole")), content(caviar.Study(run))) == []
    assert caviar.Study(run).results["stopped"] is None


def press(monkeypatch: pytest.MonkeyPatch, look: int, times: int) -> None:
    """Press Ctrl-C at a look, once or twice."""
    left = iter(range(look - 1))

    def pressed(self: Progress, found: Any) -> None:
        if next(left, None) is None:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Progress, "__call__", pressed)


def test_with_json_the_object_is_printed_all_the_same(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interrupted command prints its object, with where it stopped, beside the sentence on standard error."""
    press(monkeypatch, look=2, times=1)
    found = invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "run", "--json")
    assert found.exit_code == 130
    told = strict(found.stdout)
    assert told["state"] == "interrupted"
    assert told["stopped"]["why"] == "Ctrl-C"
    assert told["test_error"] is None
    assert told["model"] == "run/best.caviar" and Path("run/best.caviar").exists()
    assert "caviar resume run" in found.stderr


def test_a_second_ctrl_c_ends_at_once(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pressed again while the first is being obeyed: no page, no table; what was committed is gone on with."""
    before = signal.getsignal(signal.SIGINT)  # ignored where the tests themselves run in the background
    with monkeypatch.context() as patched:
        press(patched, look=2, times=2)
        found = invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "run")
    assert found.exit_code == 130
    assert found.stdout == ""
    assert found.stderr == "Stopped at once; what was committed is kept. Go on with: caviar resume run\n"
    assert not Path("run/report.html").exists()
    assert signal.getsignal(signal.SIGINT) is before
    assert invoke("resume", "run").exit_code == 0
    assert invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "whole").exit_code == 0
    assert differences(content(caviar.Study("whole")), content(caviar.Study("run"))) == []


def test_stopped_again_and_again_and_in_the_confirmation(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `resume` may be stopped too; the sum of it is a run that was never stopped."""
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    with monkeypatch.context() as patched:
        press(patched, look=1, times=1)
        codes = [invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "run").exit_code]
        for _ in range(40):
            codes.append(invoke("resume", "run").exit_code)
            if codes[-1] == 0:
                break
            press(patched, look=1, times=1)
    assert codes[-1] == 0 and len(codes) >= 8
    assert set(codes[:-1]) == {130}
    assert invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "whole").exit_code == 0
    assert differences(content(caviar.Study("whole")), content(caviar.Study("run"))) == []


def test_ctrl_c_before_anything_was_begun(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the data is still being read there is nothing to go on with, and nothing is left behind."""

    def slow(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(request, "read", slow)
    found = invoke("search", "table.csv", "--target", "y", "--run", "run")
    assert (found.exit_code, found.stdout, found.stderr) == (130, "", "caviar: Stopped.\n")
    assert [path.name for path in here.iterdir()] == ["table.csv"]


def test_ctrl_c_while_the_programs_compile(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before the first segment, a run is begun again by `resume` from the job that it holds."""

    def slow(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("caviar.study.campaigns.search", slow)
        found = invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "run")
    assert found.exit_code == 130
    assert "caviar resume run" in found.stderr
    assert caviar.Study("run").campaigns == []
    assert told("resume", "run")["trials"] > 8
    assert invoke("search", "table.csv", "--target", "y", *QUICK, "--run", "whole").exit_code == 0
    assert differences(content(caviar.Study("whole")), content(caviar.Study("run"))) == []
