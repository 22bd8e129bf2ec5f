"""What a resumed study does with the log and with checkpoints that are whole, old, damaged, or missing."""

import errno
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caviar.records import checkpoints, history, tensors
from caviar.records.history import Block
from caviar.study import campaigns
from caviar.study.study import Study
from caviar.training import device
from study.making import Death, checkpoint_always, content, dies_after, differences, study

TRIALS, EPOCHS = 40, 6


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment is an epoch, and a checkpoint comes after each."""
    monkeypatch.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
    checkpoint_always(monkeypatch)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The content of a search that was never stopped."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
        return content(study(tmp_path_factory.mktemp("whole") / "study").search(trials=TRIALS, epochs=EPOCHS))


@pytest.fixture(scope="module")
def dead(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the same search, which died at its seventh segment."""
    folder = tmp_path_factory.mktemp("dead") / "study"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(campaigns, "EPOCHS_PER_SEGMENT", 1)
        checkpoint_always(patched)
        begun = study(folder, watch=dies_after(7))
        with pytest.raises(Death):
            begun.search(trials=TRIALS, epochs=EPOCHS)
        begun.store.close()
    return folder


@pytest.fixture
def copy(dead: Path, tmp_path: Path) -> Path:
    """A copy of the dead study, to be maltreated."""
    return Path(shutil.copytree(dead, tmp_path / "study"))


def resume(folder: Path) -> tuple[Study, list[bool]]:
    """Go on, and say of every segment whether it was a replay."""
    replayed: list[bool] = []
    resumed = Study(folder, watch=lambda look: replayed.append(look.replaying)).resume()
    return resumed, replayed


def files(folder: Path) -> list[Path]:
    """The checkpoints' files, the newest first."""
    artefacts = Study(folder).store.artefacts("checkpoint")
    return [folder / a.path for a in sorted(artefacts, key=lambda a: -a.about["tick"])]


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_two_checkpoints_are_kept(copy: Path) -> None:
    """The newest two checkpoints are on the disk, and no other file is beside them."""
    assert len(files(copy)) == 2
    assert set(files(copy)) == set((copy / "checkpoints").iterdir())


def test_from_the_newest_checkpoint_little_is_trained_again(copy: Path, whole: dict[str, Any]) -> None:
    """At most one interval between checkpoints is replayed."""
    resumed, replayed = resume(copy)
    assert differences(whole, content(resumed)) == []
    assert sum(replayed) <= 1
    assert len(replayed) >= 2  # there was something to go on with


DAMAGES: dict[str, Callable[[list[Path]], None]] = {
    "newest damaged": lambda found: flip(found[0]),
    "newest cut short": lambda found: found[0].write_bytes(found[0].read_bytes()[:1000]),
    "newest gone": lambda found: found[0].unlink(),
    "both damaged": lambda found: [flip(path) for path in found] and None,
    "folder gone": lambda found: shutil.rmtree(found[0].parent),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lost_checkpoint_costs_time_alone(copy: Path, whole: dict[str, Any], damage: str) -> None:
    """Without its newest checkpoint a study replays from the one before, without any from its beginning."""
    DAMAGES[damage](files(copy))
    resumed, replayed = resume(copy)
    assert differences(whole, content(resumed)) == []
    assert resumed.store.setting("to_rounding") is None
    assert sum(replayed) >= (6 if damage in ("both damaged", "folder gone") else 1)


def test_a_checkpoint_that_was_written_but_not_noted_is_no_harm(copy: Path, whole: dict[str, Any]) -> None:
    """Killed between the file and its row, a study goes on from the checkpoint before."""
    opened = Study(copy)
    newest = max(opened.store.artefacts("checkpoint"), key=lambda a: a.about["tick"])
    opened.store.remove_artefact(newest.sha256, "checkpoint")
    resumed, replayed = resume(copy)
    assert differences(whole, content(resumed)) == []
    assert sum(replayed) >= 1


def test_a_checkpoint_noted_before_its_file_is_no_harm(copy: Path, whole: dict[str, Any]) -> None:
    """A row that names a file which is not there is passed over."""
    Study(copy).store.add_artefact("0" * 64, "checkpoint", "checkpoints/none", 1, {"tick": 99, "campaign": 0})
    assert differences(whole, content(resume(copy)[0])) == []


def test_a_checkpoint_ahead_of_the_log_is_not_used(copy: Path, whole: dict[str, Any]) -> None:
    """After a power cut the log may end before the newest checkpoint; the one that fits the log is taken."""
    opened = Study(copy)
    newest = max(opened.store.artefacts("checkpoint"), key=lambda a: a.about["tick"])
    arrays, plain = checkpoints.load(copy / "checkpoints", newest.sha256)
    sha = checkpoints.save(copy / "checkpoints", arrays, {**plain, "tick": plain["tick"] + 100})
    about = {"lane": 0, "tick": plain["tick"] + 100, "campaign": 0}
    opened.store.add_artefact(sha, "checkpoint", f"checkpoints/{sha}.safetensors", 1, about)
    assert differences(whole, content(resume(copy)[0])) == []


def edit_block(folder: Path, tick: int, edit: Callable[[Block], Block]) -> None:
    """Change a stored segment as if it had been measured on another machine."""
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        where = "FROM measurement WHERE lane = 0 AND tick = ?"
        (packed,) = connection.execute(f"SELECT block {where}", (tick,)).fetchone()
        changed = history.pack(edit(history.unpack(packed)))
        connection.execute("UPDATE measurement SET block = ? WHERE lane = 0 AND tick = ?", (changed, tick))


def test_other_bits_are_said_and_the_stored_decisions_stand(copy: Path, whole: dict[str, Any]) -> None:
    """Where a replayed segment measures other bits than the stored one, the tick is named and the log is followed."""

    def other(block: Block) -> Block:
        values = block.values.copy()
        values[0, 0] = np.nextafter(values[0, 0], np.float32(9))
        return replace(block, values=values)

    shutil.rmtree(copy / "checkpoints")
    edit_block(copy, 3, other)
    resumed, _ = resume(copy)
    assert resumed.store.setting("to_rounding") == [3]
    assert differences(whole, content(resumed)) == ["histories", "blocks"]  # the edited number itself


def test_another_signature_is_said_even_where_nothing_is_replayed(
    copy: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going on under another version or device is noted with the tick from which bits may differ."""
    device.start()
    now = device.signature(2)
    monkeypatch.setattr(device, "signature", lambda devices: replace(now, devices=devices, jaxlib="9.9.9"))
    tick = Study(copy).store.tick(0)
    resumed, _ = resume(copy)
    assert resumed.store.setting("to_rounding") == [tick + 1]
    assert [found["tick"] for found in resumed.store.setting("signatures")] == [-1, tick]
    assert differences(whole, content(resumed)) == []


def test_a_study_of_an_older_signature_goes_on_to_rounding(copy: Path, whole: dict[str, Any]) -> None:
    """Before signatures named the processor it may have been any: from there bits are not claimed, and it is said."""
    opened = Study(copy)
    (first,) = opened.store.setting("signatures")
    assert first["signature"].pop("processor") == device.processor()
    opened.store.set_setting("signatures", [first])
    tick = opened.store.tick(0)
    resumed, _ = resume(copy)
    assert resumed.store.setting("to_rounding") == [tick + 1]
    before, after = resumed.store.setting("signatures")
    assert before == first and after["signature"] == {**first["signature"], "processor": device.processor()}
    assert differences(whole, content(resumed)) == []


def test_a_checkpoint_that_cannot_be_written_costs_a_replay_alone(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk training goes on, the loss is noted, and a study that dies then comes to the same from its log."""

    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    begun = study(tmp_path / "study", watch=dies_after(4))
    with monkeypatch.context() as patched:
        patched.setattr(tensors, "write_whole", full)
        with pytest.raises(Death):
            begun.search(trials=TRIALS, epochs=EPOCHS)
    assert begun.store.artefacts("checkpoint") == []
    assert "disk" in begun.store.setting("lost_checkpoint")
    begun.store.close()
    resumed, _ = resume(tmp_path / "study")
    assert differences(whole, content(resumed)) == []
    assert resumed.store.setting("lost_checkpoint") == ""
