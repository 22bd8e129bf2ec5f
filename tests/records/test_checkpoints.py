"""A checkpoint is what its name says, or it is refused."""

import errno
import hashlib
import os
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load as load_with_library

from caviar.errors import StudyError
from caviar.records import checkpoints, model_file

from .making import repeatable

TYPES = ["bool", "uint8", "int32", "int64", "float32", "float64", "uint32", "float16"]
any_array = st.sampled_from(TYPES).flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0)))
some_arrays = st.dictionaries(st.text(min_size=1, max_size=8), any_array, max_size=5)
ARRAYS = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "tick": np.int64(7), "mask": np.array([True, False])}


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


@repeatable
@given(arrays=some_arrays)
def test_round_trip(shared_folder, arrays):
    """Arrays of every type and shape come back bit for bit and writable, the plain values equal."""
    plain = {"tick": 3, "clip_norm": float("inf")}
    found, told = checkpoints.load(shared_folder, checkpoints.save(shared_folder, arrays, plain))
    assert told == plain
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)
        assert found[name].tobytes() == array.tobytes()
        assert found[name].flags.writeable


@repeatable
@given(arrays=some_arrays, random=st.randoms())
def test_equal_content_has_one_name(shared_folder, arrays, random):
    """The name depends on the content alone: not on the order of the arrays, nor on how they lie in memory."""
    items = [(name, np.array(array, order="F")) for name, array in arrays.items()]
    random.shuffle(items)
    name = checkpoints.save(shared_folder, arrays, {"a": 1, "b": 2})
    assert checkpoints.save(shared_folder, dict(items), {"b": 2, "a": 1}) == name
    assert checkpoints.save(shared_folder, arrays, {"a": 1, "b": 3}) != name


def test_memory_order_and_byte_order_are_kept_apart(tmp_path):
    """Transposed, strided and big-endian arrays are stored by value."""
    table = np.arange(12, dtype=np.int32).reshape(3, 4)
    arrays = {"transposed": table.T, "strided": table[:, ::2], "big": table.astype(">i4")}
    found, _ = checkpoints.load(tmp_path, checkpoints.save(tmp_path, arrays, {}))
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_file_is_safetensors_and_its_name_its_hash(tmp_path):
    """The file's name is the SHA-256 of its bytes, and the safetensors library reads it without us."""
    name = checkpoints.save(tmp_path, ARRAYS, {})
    [path] = tmp_path.iterdir()
    content = path.read_bytes()
    assert path.name == f"{name}.safetensors" == f"{hashlib.sha256(content).hexdigest()}.safetensors"
    np.testing.assert_array_equal(load_with_library(content)["weights"], ARRAYS["weights"])


def test_bytes_do_not_depend_on_versions(tmp_path):
    """The bytes of this content are fixed: a new library or Python gives old checkpoints no new names."""
    name = checkpoints.save(tmp_path, ARRAYS, {"tick": 7, "clip_norm": float("inf")})
    assert name == "8f27dc6d8cd7d054b3f8adb53ce9d17c3c0c3949ed62588cae58b8a2b706460c"


def test_an_existing_file_is_kept(tmp_path):
    """Saving the same content again leaves the file untouched; one that was cut since is put right."""
    name = checkpoints.save(tmp_path, ARRAYS, {})
    path = checkpoints.file_of(tmp_path, name)
    before = path.stat()
    assert checkpoints.save(tmp_path, ARRAYS, {}) == name
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    path.write_bytes(path.read_bytes()[:20])
    checkpoints.save(tmp_path, ARRAYS, {})
    assert checkpoints.load(tmp_path, name)[0]["tick"] == 7
    assert list(tmp_path.iterdir()) == [path]


@repeatable
@given(st.data())
def test_damage_is_named(shared_folder, data):
    """A checkpoint cut anywhere, or with one changed byte, is refused with the file's name."""
    name = checkpoints.save(shared_folder, ARRAYS, {"tick": 7})
    path = checkpoints.file_of(shared_folder, name)
    whole = path.read_bytes()
    changed = bytearray(whole)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed[place] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(changed), whole[:place]):
        path.write_bytes(damaged)
        with pytest.raises(StudyError, match=f"{name}.safetensors' is damaged"):
            checkpoints.load(shared_folder, name)
    path.write_bytes(whole)


def test_a_missing_checkpoint_and_a_wrong_name(tmp_path):
    """A checkpoint that is not there is a sentence, and a name that is none leads to no path outside the folder."""
    with pytest.raises(StudyError, match="is missing"):
        checkpoints.load(tmp_path, "0" * 64)
    for name in ("../../etc/passwd", "", "A" * 64):
        with pytest.raises(StudyError, match="64 hexadecimal digits"):
            checkpoints.load(tmp_path, name)


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, call, code):
    """When the disk is full, or the folder refuses, the error is a sentence and the folder is as it was."""
    kept = checkpoints.save(tmp_path, ARRAYS, {})

    def fail(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(*((os, "fsync") if call == "fsync" else ("pathlib.Path.replace",)), fail)
    with pytest.raises(StudyError, match="too full for a checkpoint" if code == errno.ENOSPC else "Permission denied"):
        checkpoints.save(tmp_path, {"other": np.zeros(3)}, {})
    assert [path.stem for path in tmp_path.iterdir()] == [kept]
    assert checkpoints.load(tmp_path, kept)[0]["tick"] == 7


def test_an_array_that_cannot_be_stored(tmp_path):
    """Objects and text are no arrays of numbers: refused by name, and nothing is written."""
    for array in (np.array([object()]), np.array(["a"]), np.array([1j])):
        with pytest.raises(TypeError, match="Array 'x'"):
            checkpoints.save(tmp_path, {"x": array}, {})
    assert list(tmp_path.iterdir()) == []


def test_other_files_of_the_format(tmp_path):
    """A model under a checkpoint's name is refused, though its bytes are whole."""
    path = model_file.save(tmp_path / "model.caviar", ARRAYS, {})
    name = hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(tmp_path / f"{name}.safetensors")
    with pytest.raises(StudyError, match="it is a model, not a checkpoint"):
        checkpoints.load(tmp_path, name)


def test_prune(tmp_path):
    """Pruning deletes the checkpoints that are not kept and what was left half written, and nothing else."""
    keep, drop = (checkpoints.save(tmp_path, {"x": np.full(3, n)}, {}) for n in range(2))
    fresh, old, foreign = (tmp_path / name for name in (".a.part", ".b.part", "notes.safetensors"))
    for path in (fresh, old, foreign):
        path.write_bytes(b"12345")
    os.utime(old, (time.time() - 7200,) * 2)
    size = checkpoints.file_of(tmp_path, drop).stat().st_size
    assert checkpoints.prune(tmp_path, [keep]) == size + 5
    assert sorted(tmp_path.iterdir()) == sorted([checkpoints.file_of(tmp_path, keep), fresh, foreign])
    assert checkpoints.prune(tmp_path / "nowhere", []) == 0
