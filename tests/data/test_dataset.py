"""Data sets: hashes of their content, saving and loading, and that this room starts light."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caviar.data.dataset import Dataset, Schema
from caviar.data.hashing import hash_columns, hash_numbers, hash_texts
from caviar.data.read import read
from caviar.errors import DataError

from .tables import blobs, people, write


@pytest.fixture
def mixed(tmp_path: Path) -> Dataset:
    """A table with all that a data set can hold."""
    data = read(write(tmp_path, people().replace("red", "?")), "grade")
    count = data.rows
    groups = np.array(["a", "b", None] * (count // 3), dtype=object)
    parts = np.zeros(count, dtype=np.int8)
    return replace(data, weights=np.arange(count) + 0.5, parts=parts, groups=groups, times=np.arange(float(count)))


def test_equal_rows_have_equal_hashes_wherever_they_are() -> None:
    """A row's hash depends on its content alone: not on its place, the columns' order, or other rows."""
    data = blobs(50)
    order = np.random.default_rng(0).permutation(50)
    assert np.array_equal(data.take(order).hashes, data.hashes[order])
    turned = replace(data, columns=dict(reversed(data.columns.items())))
    assert np.array_equal(turned.hashes, data.hashes)
    assert len(np.unique(data.hashes)) == 50


def test_every_cell_counts() -> None:
    """Changing a number, a word, the target, or swapping two cells changes the hash."""
    columns = {"a": np.array([1.0, 2.0]), "b": np.array([2.0, 1.0]), "c": np.array(["x", None], dtype=object)}
    plain = hash_columns(columns, 2)
    assert plain[0] != plain[1]
    for name, value in (("a", 1.5), ("a", np.nan), ("c", "y"), ("c", None)):
        changed = {key: values.copy() for key, values in columns.items()}
        changed[name][0] = value
        found = hash_columns(changed, 2)
        assert found[0] != plain[0] and found[1] == plain[1]
    data = blobs(10)
    assert (replace(data, targets=1 - data.targets).hashes != data.hashes).all()
    pixels = np.zeros((2, 3, 3, 1), dtype=np.uint8)
    pixels[1, 2, 2, 0] = 1
    assert len(np.unique(Dataset("i", Schema((), None, "classification"), pixels=pixels).hashes)) == 2


def test_zero_and_nan_have_one_hash() -> None:
    """0 and −0 are one number, and all NaN are one gap."""
    odd = np.frombuffer(np.uint64(0x7FF8000000000001).tobytes(), dtype=np.float64)[0]
    found = hash_numbers(np.array([0.0, -0.0, np.nan, odd]))
    assert found[0] == found[1] and found[2] == found[3] and found[0] != found[2]


def test_hashes_are_pinned() -> None:
    """Hashes decide who is in the test set for good, so they may not change with a version or a machine."""
    columns = {"a": np.array([1.5]), "b": np.array(["red"], dtype=object)}
    assert int(hash_columns(columns, 1)[0]) == 12711607611365130761


@given(st.lists(st.text(max_size=5), max_size=20, unique=True))
def test_different_texts_have_different_hashes(texts: list[str]) -> None:
    """No two of some texts collide, and none with a missing value."""
    values = np.array([*texts, None], dtype=object)
    assert len(np.unique(hash_texts(values))) == len(values)


def test_the_fingerprint_is_of_all_rows_in_order() -> None:
    """Another order, another row or another target is another fingerprint; reading again gives the same."""
    data = blobs(20)
    assert data.fingerprint == blobs(20).fingerprint
    assert data.fingerprint != data.take(np.arange(20)[::-1]).fingerprint
    assert data.fingerprint != data.take(np.arange(19)).fingerprint
    assert len(data.fingerprint) == 32


def test_saved_and_loaded_is_the_same(mixed: Dataset, tmp_path: Path) -> None:
    """A table with every field comes back to the bit, with its schema, notes and fingerprint."""
    mixed.save(tmp_path / "saved")
    again = Dataset.load(tmp_path / "saved")
    assert again.fingerprint == mixed.fingerprint
    assert again.schema == mixed.schema and again.notes == mixed.notes and again.source == mixed.source
    for name in ("targets", "weights", "parts", "groups", "times"):
        found, expected = getattr(again, name), getattr(mixed, name)
        assert found.dtype == expected.dtype and found.tolist() == expected.tolist()
    for name, values in mixed.columns.items():
        np.testing.assert_array_equal(again.columns[name], values)
    assert read(tmp_path / "saved").fingerprint == mixed.fingerprint


def test_saved_images_come_back(tmp_path: Path) -> None:
    """Images come back as bytes, with the schema of images."""
    digits = read("digits")
    digits.save(tmp_path)
    again = Dataset.load(tmp_path)
    assert again.fingerprint == digits.fingerprint and again.schema == digits.schema
    assert again.pixels is not None and again.pixels.dtype == np.uint8


def test_saving_twice_replaces(mixed: Dataset, tmp_path: Path) -> None:
    """A folder that held a data set holds the new one afterwards."""
    mixed.save(tmp_path)
    blobs(7).save(tmp_path)
    assert Dataset.load(tmp_path).rows == 7


@pytest.mark.parametrize("damage", ["empty", "no arrays", "cut arrays", "cut json"])
def test_damaged_folders_are_refused(damage: str, tmp_path: Path) -> None:
    """A folder without a data set, or with half of one, gets a sentence."""
    if damage != "empty":
        blobs(7).save(tmp_path)
    arrays, plain = tmp_path / "dataset.safetensors", tmp_path / "dataset.json"
    if damage == "no arrays":
        arrays.unlink()
    elif damage == "cut arrays":
        arrays.write_bytes(arrays.read_bytes()[:-5])
    elif damage == "cut json":
        plain.write_text(plain.read_text()[:-5])
    with pytest.raises(DataError, match="holds no data set that can be loaded"):
        Dataset.load(tmp_path)


def test_this_room_starts_light() -> None:
    """Importing every module of this room loads NumPy, and neither JAX nor polars, pandas, scikit-learn or Pillow."""
    code = (
        "import importlib, pkgutil, sys, caviar.data\n"
        "for found in pkgutil.iter_modules(caviar.data.__path__, 'caviar.data.'): importlib.import_module(found.name)\n"
        "heavy = {'jax', 'polars', 'pandas', 'narwhals', 'sklearn', 'scipy', 'PIL', 'h5py', 'pyarrow', 'safetensors'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_reading_never_loads_jax(tmp_path: Path) -> None:
    """Reading, splitting and encoding need no JAX."""
    path = write(tmp_path, people())
    code = (
        "import sys\n"
        "from caviar.data.read import read\nfrom caviar.data.splits import split\n"
        "from caviar.data.encoding import fit_encoder\n"
        f"splits = split(read({str(path)!r}, 'grade'))\n"
        "fit_encoder(splits.dataset, splits.train).transform(splits.dataset)\n"
        "print('jax' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
