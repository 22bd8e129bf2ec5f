"""How many slots fit, by the compiled programs' own account: what a CPU's memory does not hold is halved beforehand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.study import fitting
from caviar.study.study import Study
from caviar.training import memory
from caviar.training.cohort import Cohort
from study.making import study

TRIALS, EPOCHS = 8, 2


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """(slots, bytes) of every program that is asked what it needs; all of them are, however small."""
    asked: list[tuple[int, int]] = []
    account = Cohort.bytes_needed

    def noted(cohort: Cohort) -> int:
        asked.append((cohort.layout.slots, account(cohort)))
        return asked[-1][1]

    monkeypatch.setattr(Cohort, "bytes_needed", noted)
    monkeypatch.setattr(fitting, "WORTH_LOOKING", 0.0)
    return asked


def search(folder: Path, monkeypatch: pytest.MonkeyPatch, free: int) -> Study:
    """A search on a machine with so many bytes to spare."""
    monkeypatch.setattr(memory, "available", lambda: free)
    return study(folder).search(trials=TRIALS, epochs=EPOCHS, stopping=None)


def slots(of: Study) -> int:
    """Of the search as it is stored, opened anew."""
    ((spec,),) = [campaign.cohorts for campaign in Study(of.folder).campaigns]
    return spec.slots


def test_slots_are_halved_where_a_program_needs_more_than_the_planned_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accounts: list[tuple[int, int]]
) -> None:
    """A byte decides: at the planned share the campaign has half the slots, below it all; the trials are the same."""
    whole = search(tmp_path / "plenty", monkeypatch, 1 << 40)
    ((wanted, needed),) = accounts
    assert slots(whole) == wanted >= 4
    assert needed > 2 * wanted * memory.slot_bytes(*_shape(whole))  # data, and the program's own buffers, count too
    found: dict[str, Study] = {}
    for name, free in (("fits", needed + 1), ("does not", needed)):
        del accounts[:]
        # The plan by the slots' own bytes allows all of them in both, so the program's account alone decides.
        found[name] = search(tmp_path / name, monkeypatch, int(free / memory.PLANNED_SHARE))
        assert accounts[0] == (wanted, needed)
    assert slots(found["fits"]) == wanted
    assert slots(found["does not"]) == wanted // 2 == accounts[-1][0]
    assert accounts[-1][1] < needed
    for other in found.values():
        _same_trials(whole, other)


def test_a_small_cohort_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accounts: list[tuple[int, int]]
) -> None:
    """Where the slots' own bytes are a small part of the memory, no program is asked before it runs."""
    monkeypatch.undo()
    monkeypatch.setattr(Cohort, "bytes_needed", lambda cohort: pytest.fail("asked"))
    assert slots(search(tmp_path / "study", monkeypatch, 1 << 40)) > 1
    assert accounts == []


def _shape(of: Study) -> tuple[Any, int]:
    """The architecture of a search's first cohort, and the rows on which it is measured."""
    spec = of.campaigns[0].cohorts[0]
    prepared = of.material.prepare(spec.streams[0], spec.structure["encoding"])
    rows = len(prepared.stream.sample) + len(prepared.stream.dev)
    return of.material.architecture(spec.structure, prepared.encoder.features), rows


def _same_trials(one: Study, other: Study) -> None:
    """All are drawn and trained alike; what begins at the same epoch of its group's stream also measures the same."""
    at_once = min(slots(one), slots(other))
    for first, second in zip(one.trials, other.trials, strict=True):
        told = [(t.number, t.configuration, t.seed, t.epochs, t.status) for t in (first, second)]
        assert told[0] == told[1]
        if first.number < at_once:
            np.testing.assert_allclose(first.history["dev_cost"], second.history["dev_cost"], rtol=1e-4)
