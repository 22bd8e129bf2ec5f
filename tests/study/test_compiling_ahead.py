"""Later programs compile while earlier ones train, so that a search waits for its first program alone."""

import threading
from pathlib import Path
from typing import Any

import pytest

from caviar.study import campaigns
from caviar.study.lane import Lane
from caviar.study.study import Study
from caviar.training import cohort, compiling
from study.making import Death, dies_after, space, study

FIRST, SECOND = "[8]", "[6, 4]"


class Diary:
    """What is done to the programs of two structures, in order; the second compiles until the first has trained."""

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.told: list[tuple[str, str]] = []
        self.trained = threading.Event()
        compile_it, train_it, ask = compiling._compile, Lane.run, compiling.request

        def asked(key: Any) -> Any:
            self.told.append(("asked", str(list(key.architecture.hidden))))
            return ask(key)

        def compiled(key: Any, wide: bool) -> Any:
            hidden = str(list(key.architecture.hidden))
            assert threading.current_thread() is not threading.main_thread()
            if hidden == SECOND and not self.trained.wait(timeout=60.0):
                self.told.append(("waited in vain", hidden))
            program = compile_it(key, wide)
            self.told.append(("compiled", hidden))
            return program

        def run(lane: Lane, *arguments: Any) -> Any:
            block = train_it(lane, *arguments)
            self.told.append(("trained", str(lane.spec.structure["hidden"])))
            self.trained.set()
            return block

        patched.setattr(compiling, "_programs", {})
        patched.setattr(compiling, "_compile", compiled)
        patched.setattr(cohort, "request", asked)
        patched.setattr(Lane, "run", run)

    def forget(self) -> None:
        """As in a process that has just begun."""
        self.trained.set()
        for program in compiling._programs.values():
            program.result()
        compiling._programs.clear()
        self.trained.clear()
        self.told.clear()

    def check(self, of: Study) -> None:
        """The second program was asked for before a segment of the first had run, and not waited for."""
        assert [str(spec.structure["hidden"]) for spec in of.campaigns[0].cohorts] == [FIRST, SECOND]
        place = {one: self.told.index(one) for one in set(self.told)}
        assert ("waited in vain", SECOND) not in place
        assert place["asked", FIRST] < place["asked", SECOND] < place["trained", FIRST]
        assert place["compiled", FIRST] < place["trained", FIRST] < place["compiled", SECOND]
        assert place["compiled", SECOND] < place["trained", SECOND]


def two_structures(folder: Path, **options: Any) -> Study:
    """A study whose search has two programs."""
    return study(folder, space=space().choose("hidden", [8], [6, 4]), **options)


def test_the_second_program_compiles_while_the_first_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a search of two structures, and where another process goes on with it from within the first."""
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    diary = Diary(monkeypatch)
    diary.check(two_structures(tmp_path / "whole").search(trials=8, epochs=3, stopping=None))
    diary.forget()
    with pytest.raises(Death):
        two_structures(tmp_path / "killed", watch=dies_after(2)).search(trials=8, epochs=3, stopping=None)
    diary.forget()
    diary.check(Study(tmp_path / "killed").resume())
