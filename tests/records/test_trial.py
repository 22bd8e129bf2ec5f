"""A trial's record is one row of the store and back."""

import dataclasses
import json
import math

import numpy as np
import pytest

from caviar.records.status import Status
from caviar.records.store_schema import trial as table
from caviar.records.trial import Trial, from_row, to_row

from .making import make_trial


def test_fields_are_the_columns():
    """Every field of a trial but its history is a column of the table, and every column a field."""
    assert {f.name for f in dataclasses.fields(Trial)} - {"history"} == set(table.columns.keys())


def test_round_trip_through_a_row():
    """A record comes back equal from its row; what was not measured stays NaN."""
    one = make_trial(3, dev_error=0.25, epochs=7, exempt=True, reason="rung 2", parent=1, status=Status.STOPPED)
    row = {name: None if value != value else value for name, value in to_row(one).items()}  # SQLite's NULL for NaN
    again = from_row(row, one.configuration, {})
    assert again == one
    assert math.isnan(again.judge_error)


def test_numpy_scalars_become_pythons():
    """Numbers that come out of arrays are stored as numbers, not as bytes."""
    one = make_trial(np.int64(3), dev_error=np.float32(0.5), best_epoch=np.int32(2), exempt=np.bool_(True))
    row = to_row(one)
    assert [type(row[n]) for n in ("number", "dev_error", "best_epoch", "exempt")] == [int, float, int, bool]


@pytest.mark.parametrize("fields", [{"epochs": 1.5}, {"seed": 2**64}, {"status": "lost"}, {"dev_error": "much"}])
def test_wrong_fields_are_refused(fields):
    """A field that does not hold what its type says is refused before anything is written."""
    with pytest.raises((ValueError, TypeError)):
        to_row(make_trial(0, **fields))


def test_a_record_cannot_be_changed():
    """A record is frozen: what the page shows cannot drift from what was stored."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        make_trial(0).epochs = 3


def test_plain_dictionary():
    """`to_dict` gives everything but the history, ready for JSON."""
    found = make_trial(2, dev_error=0.5).to_dict()
    assert found["status"] == "running"
    assert found["configuration"]["hidden"] == [64, 32]
    assert "history" not in found
    assert (
        json.loads(json.dumps({k: v for k, v in found.items() if v == v and k != "configuration"}))["dev_error"] == 0.5
    )


def test_status_says_whether_a_trial_ended():
    """A finished, stopped or diverged trial has ended; an interrupted one goes on."""
    assert {s for s in Status if s.ended} == {Status.FINISHED, Status.STOPPED, Status.DIVERGED}
