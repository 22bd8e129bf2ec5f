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


def entries(folder):
    """The kept programs, the largest first."""
    found = [path for path in Path(folder).rglob("*-cache") if path.is_file()]
    return sorted(found, key=lambda path: -path.stat().st_size)


def cut(content):
    """The first half alone."""
    return content[: len(content) // 2]


def flipped(content):
    """The same length, with a bit turned in the middle and half-way to either end."""
    changed = bytearray(content)
    for place in (len(content) // 4, len(content) // 2, 3 * len(content) // 4):
        changed[place] ^= 1 << (place % 8)
    return bytes(changed)


def test_a_damaged_cache_costs_no_run(tmp_path):
    """Compiled programs are kept between processes; torn, empty and altered entries are compiled again, with the same
    result."""
    first = run(tmp_path)
    assert first.returncode == 0, first.stderr
    kept = {path: path.read_bytes() for path in entries(tmp_path)}
    assert kept
    for damages in ((cut, lambda content: b""), (flipped,)):
        for number, (path, content) in enumerate(kept.items()):
            path.write_bytes(damages[number % len(damages)](content))
        again = run(tmp_path)
        assert again.returncode == 0, again.stderr
        assert again.stdout == first.stdout


INTEL = """processor\t: 0
cpu family\t: 6
model\t\t: {model}
model name\t: Intel(R) Xeon(R) Processor
cpu MHz\t\t: {speed}
flags\t\t: {flags}

processor\t: 1
model name\t: another one
"""
ARM = "processor\t: 0\nFeatures\t: fp asimd {flags}\nCPU implementer\t: 0x41\nCPU part\t: {part}\n\nprocessor\t: 1\n"


def told(monkeypatch, text):
    """(what is said of a processor, the folder of its programs) where Linux tells this."""
    read = Path.read_text

    def read_text(path, *arguments, **options):
        if str(path) != "/proc/cpuinfo":
            return read(path, *arguments, **options)
        if text is None:
            raise FileNotFoundError(path)
        return text

    monkeypatch.setattr(Path, "read_text", read_text)
    return device.processor(), device._made_for()


def test_processors_of_other_instructions_are_told_apart(monkeypatch):
    """AVX2 against AVX-512, another model and another ARM core have another name and folder; speed and order do not."""
    usual = told(monkeypatch, INTEL.format(model=143, speed=2700.0, flags="sse4_2 avx2 avx512f"))
    assert usual[0].startswith("Intel(R) Xeon(R) Processor ") and "another one" not in usual[0]
    assert told(monkeypatch, INTEL.format(model=143, speed=1200.0, flags="avx512f avx2 sse4_2")) == usual
    others = [
        usual,
        told(monkeypatch, INTEL.format(model=143, speed=2700.0, flags="sse4_2 avx2")),
        told(monkeypatch, INTEL.format(model=85, speed=2700.0, flags="sse4_2 avx2 avx512f")),
        told(monkeypatch, ARM.format(flags="sve", part="0xd0c")),
        told(monkeypatch, ARM.format(flags="", part="0xd0c")),
        told(monkeypatch, ARM.format(flags="", part="0xd40")),
    ]
    assert len({name for name, _ in others}) == len({folder for _, folder in others}) == len(others)


def test_elsewhere_the_system_names_the_processor(monkeypatch):
    """Where there is no /proc/cpuinfo, as on macOS, the platform is asked; at worst the machine's kind is said."""
    monkeypatch.setattr(device.platform, "processor", lambda: "arm")
    assert told(monkeypatch, None)[0] == "arm"
    monkeypatch.setattr(device.platform, "processor", lambda: "")
    assert told(monkeypatch, None)[0] == device.platform.machine() != ""


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
    assert set(found) == {"platform", "device", "processor", "devices", "jax", "jaxlib", "flags", "caviar"}
    assert found["devices"] == 2 and all(value != "" for name, value in found.items() if name != "flags")
