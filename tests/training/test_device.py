"""The device at hand and the cache of compiled programs."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from caviar.training import device

# One small training, which prints what it measured.
TRAINING = """
import numpy as np
from caviar.training import device
device.start()
from caviar.data.streams import Stream
from caviar.networks.architecture import Architecture
from caviar.search.hyperparameters import complete
from caviar.training.batches import GroupStream, Version
from caviar.training.cohort import Cohort
from caviar.training.layout import Layout
from caviar.training.features import features_of
from caviar.training.values import Assignment
c = complete({"hidden": [], "optimiser": "gradient_descent", "batch_size": 8})
rows = np.arange(12, dtype=np.int32)
stream = Stream(0, 0, rows[:8], rows[:8], rows[8:], np.ones(4, bool))
inputs = np.random.default_rng(0).standard_normal((12, 3)).astype(np.float32)
version = Version(inputs, (inputs[:, 0] > 0).astype(np.int32), np.ones(12))
shapes, layout = Architecture(3, (), 2, batch_size=8), Layout(1, 1, 1, 1)
cohort = Cohort(shapes, features_of([c]), layout, [version], [GroupStream(stream)])
cohort.admit({0: Assignment(0, c, 1, (3, 2), 8, 1, 1, 1)})
print(cohort.run(1).fields.tobytes().hex())
"""


def run(folder, program=TRAINING, **environment):
    """A program in a process of its own, with its cache in a folder."""
    whole = {**os.environ, "CAVIAR_CACHE": str(folder), **environment}
    return subprocess.run([sys.executable, "-c", program], env=whole, capture_output=True, text=True, timeout=120)


def test_a_damaged_cache_costs_no_run(tmp_path):
    """Compiled programs are kept between processes; torn and empty entries are compiled again, with the same result."""
    first = run(tmp_path)
    assert first.returncode == 0, first.stderr
    entries = [path for path in Path(tmp_path).rglob("*-cache") if path.is_file()]
    assert entries
    for number, path in enumerate(entries):
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if number % 2 else b"")
    again = run(tmp_path)
    assert again.returncode == 0, again.stderr
    assert again.stdout == first.stdout


def test_a_cache_that_cannot_be_written_costs_no_run(monkeypatch, tmp_path):
    """Where the cache's folder cannot be made, JAX is left without one rather than the run being ended."""
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("CAVIAR_CACHE", str(tmp_path / "file" / "within"))
    told = []
    device._use_cache(SimpleNamespace(config=SimpleNamespace(update=lambda *option: told.append(option))))
    assert told == []
    monkeypatch.setenv("CAVIAR_CACHE", str(tmp_path / "folder"))
    device._use_cache(SimpleNamespace(config=SimpleNamespace(update=lambda *option: told.append(option))))
    assert dict(told)["jax_raise_persistent_cache_errors"] is False
    assert Path(dict(told)["jax_compilation_cache_dir"]).is_dir()


def test_jax_started_before_caviar_is_said():
    """Where a program has started JAX already, Caviar says so, in one sentence with the way out, and goes on."""
    program = "import jax; jax.devices(); from caviar.training import device; print(device.start())"
    found = run("unused", program, JAX_NUM_CPU_DEVICES="1", CAVIAR_DEVICES="2")
    assert found.returncode == 0, found.stderr
    assert found.stdout.strip() == "1"
    assert "JAX had started before Caviar" in found.stderr and "import caviar" in found.stderr


def test_start_answers_again():
    """Later calls give the number of devices at once."""
    assert device.start() == device.start() >= 1
    assert device.cores() >= 1


@pytest.mark.parametrize(
    ("environment", "wanted"),
    [
        ({"CAVIAR_CACHE": "/a"}, "/a"),
        ({"CAVIAR_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/caviar"),
        ({"HOME": "/users/somebody"}, "/users/somebody/.cache/caviar"),
    ],
)
def test_where_programs_are_kept(monkeypatch, environment, wanted):
    """CAVIAR_CACHE is the folder itself; otherwise a folder in the user's cache."""
    for name in ("CAVIAR_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert device.cache_folder() == Path(wanted)


def test_the_signature_names_what_bits_depend_on():
    """The signature is plain data: platform, device, their number, versions and flags."""
    found = device.signature(2).to_dict()
    assert set(found) == {"platform", "device", "devices", "jax", "jaxlib", "flags", "caviar"}
    assert found["devices"] == 2 and all(value != "" for name, value in found.items() if name != "flags")
