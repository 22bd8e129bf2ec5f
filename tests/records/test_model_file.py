"""A model file is read as it was saved, or refused in a sentence; nothing in it is executed."""

import hashlib
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save as save_with_library

from caviar.errors import ModelError
from caviar.records import checkpoints, model_file

from .making import repeatable

ARRAYS = {"weights.0": np.linspace(-1, 1, 12, dtype=np.float32).reshape(4, 3), "mask": np.array([True, False])}
PLAIN = {
    "classes": ["ja", "nein"],
    "network": {"hidden": [], "clip_norm": float("inf")},
    "history": {"cost": [0.5, 0.25]},
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return model_file.save(tmp_path_factory.mktemp("model") / "adult.caviar", ARRAYS, PLAIN)


def test_round_trip(saved):
    """Arrays come back bit for bit, plain values equal."""
    arrays, plain = model_file.load(saved)
    assert plain == PLAIN
    assert {name: array.tolist() for name, array in arrays.items()} == {n: a.tolist() for n, a in ARRAYS.items()}
    assert arrays["weights.0"].dtype == np.float32


def test_saving_replaces_whole_files(tmp_path):
    """Saving again replaces the file in one step and leaves nothing beside it; a missing suffix is added."""
    first = model_file.save(tmp_path / "adult", ARRAYS, PLAIN)
    assert first == tmp_path / "adult.caviar"
    model_file.save(first, ARRAYS, {"classes": []})
    assert model_file.load(str(first))[1] == {"classes": []}
    assert list(tmp_path.iterdir()) == [first]


def test_equal_models_are_equal_files(tmp_path, saved):
    """The same model gives the same bytes, so that two runs can be compared by their files."""
    again = model_file.save(tmp_path / "again.caviar", dict(reversed(ARRAYS.items())), dict(reversed(PLAIN.items())))
    assert again.read_bytes() == saved.read_bytes()


@repeatable
@given(st.data())
def test_damage_anywhere_is_refused(saved, data):
    """A model file cut anywhere, or with any one byte changed, is refused; it never predicts with other numbers."""
    whole = saved.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    copy = saved.with_name("damaged.caviar")
    for damaged in (whole[:place], bytes(changed), whole + b"more"):
        copy.write_bytes(damaged)
        try:
            arrays, plain = model_file.load(copy)
        except ModelError as error:
            assert "damaged.caviar" in str(error) and "\n" not in str(error)
        else:  # JSON has room for bytes that mean the same, such as the blanks that fill up the header
            assert plain == PLAIN and arrays["weights.0"].tobytes() == ARRAYS["weights.0"].tobytes()


def with_about(about):
    """A whole safetensors file whose text is this one."""
    return save_with_library({"x": np.zeros(3, np.float32)}, {"caviar": about})


def header(length, text=b"{}"):
    """A safetensors file that claims a header of some length."""
    return length.to_bytes(8, "little") + text


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", "is not a model"),
        (b"age,income\n39,<=50K\n" * 100, "is not a model"),
        (b"PK\x03\x04" + bytes(100), "is not a model"),
        (pickle.dumps({"weights": [1.0] * 100}), "is not a model"),
        (header(2**63), "is not a model"),
        (header(90_000_000), "is not a model"),
        (header(2), "holds arrays, but nothing that Caviar wrote"),
        (header(2, b"[]"), "is not a model"),
        (save_with_library({"x": np.zeros(3, np.float32)}), "nothing that Caviar wrote"),
        (with_about("no JSON"), "is not a model"),
        (with_about("[" * 200_000), "nested too deeply"),
        (with_about('{"kind":' + "1" * 10_000 + "}"), "is not a model"),
        (with_about('{"kind":"model","version":2,"plain":{}}'), "version 2; this Caviar reads version 1. Upgrade"),
        (with_about('{"kind":"model","version":1,"plain":[]}'), "damaged"),
        (with_about('{"kind":"model","version":1,"plain":{},"sha256":"00"}'), "damaged"),
        (with_about('{"kind":"checkpoint","version":1}'), "it is a checkpoint, not a model"),
    ],
)
def test_other_files_are_refused(tmp_path, content, match):
    """Whatever is not a model of this version is refused in one sentence that names the file."""
    path = tmp_path / "adult.caviar"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=match) as raised:
        model_file.load(path)
    assert "adult.caviar" in str(raised.value) and len(str(raised.value)) < 400


def test_places_that_hold_no_model(tmp_path):
    """A path that does not exist, or is a folder, is a sentence for reading and for writing."""
    with pytest.raises(ModelError, match="There is no model"):
        model_file.load(tmp_path / "no.caviar")
    with pytest.raises(ModelError, match="is a folder"):
        model_file.load(tmp_path)
    folder = tmp_path / "folder.caviar"
    folder.mkdir()
    for path in (folder, ".", tmp_path / "no" / "model.caviar"):
        with pytest.raises(ModelError, match="cannot be written"):
            model_file.save(path, ARRAYS, PLAIN)
    assert list(tmp_path.iterdir()) == [folder]


def test_a_checkpoint_is_no_model(tmp_path):
    """A checkpoint is refused as a model, by its kind."""
    name = checkpoints.save(tmp_path, ARRAYS, {})
    with pytest.raises(ModelError, match="it is a checkpoint"):
        model_file.load(checkpoints.file_of(tmp_path, name))


def test_plain_values_are_readable_json(saved):
    """Any tool can read what a model holds: the metadata is strict JSON, and the arrays' hash stands in it."""
    content = saved.read_bytes()
    about = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["caviar"]
    found = json.loads(about)
    assert (found["kind"], found["version"]) == ("model", 1)
    assert found["plain"]["network"]["clip_norm"] == {"$number": "Infinity"}
    assert len(bytes.fromhex(found["sha256"])) == hashlib.sha256().digest_size
