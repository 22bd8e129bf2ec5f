"""The device at hand: one host device per core on a CPU, the compilation cache, and the signature of a run.

Everything here must happen before JAX starts its backend; where a program has started it already, one device is used.
"""

import hashlib
import os
import platform
import warnings
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from caviar.errors import StudyError

MOST_HOST_DEVICES = 8
# One thread per host device: the slots are the parallelism, and threads inside a product would fight over the cores
# (64-128-64-10, 32 slots a group: 2.5 ms per model-epoch with XLA's threads, 1.15 without).
_CPU_FLAGS = ("--xla_cpu_multi_thread_eigen=false",)


@dataclass(frozen=True)
class Signature:
    """What a study's bits depend on beside its seed and its events."""

    platform: str
    device: str
    processor: str
    devices: int
    jax: str
    jaxlib: str
    flags: str
    caviar: str

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's model, and a short hash of what it can do: a compiler writes other instructions for another one.

    "cpu x86_64" alone is one processor with AVX2 and another with AVX-512, whose sums differ in their last bits, and a
    program that was kept for the second would not run on the first.
    """
    told = _first_processor()
    machine = platform.machine()
    if not told:  # not Linux
        return platform.processor() or machine
    name = told.get("model name") or " ".join([machine, *(told[part] for part in _ARM_PARTS if part in told)])
    abilities = sorted((told.get("flags") or told.get("Features") or "").split())
    kinds = [told.get(part, "") for part in ("cpu family", "model")]
    return f"{name} {_short(' '.join([machine, *kinds, *abilities]), 8)}"


# What an ARM processor says of itself in place of a model's name.
_ARM_PARTS = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part")


def _first_processor() -> dict[str, str]:
    """What Linux tells of the first processor; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _short(text: str, letters: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:letters]


def cache_folder() -> Path:
    """Where compiled programs are kept: CAVIAR_CACHE, or the user's cache folder."""
    base = os.environ.get("CAVIAR_CACHE") or os.environ.get("XDG_CACHE_HOME")
    return Path(base, "caviar" if not os.environ.get("CAVIAR_CACHE") else "") if base else Path.home() / ".cache/caviar"


_started: list[int] = []


def start(*, quiet: bool = False) -> int:
    """Set JAX up for training and say how many devices there are; later calls answer at once.

    Args:
        quiet: for what uses one device alone: where JAX had started before, it is left to a later call to say so.
    """
    if _started:
        return _started[0]
    wanted = _wanted()
    flags = os.environ.get("XLA_FLAGS", "")
    extra = [flag for flag in _CPU_FLAGS if flag.split("=")[0] not in flags]
    os.environ["XLA_FLAGS"] = " ".join([flags, *extra]).strip()
    import jax

    try:
        jax.config.update("jax_num_cpu_devices", wanted)
    except RuntimeError:
        if quiet:
            return len(jax.devices())
        warnings.warn(
            "JAX had started before Caviar, so Caviar uses the devices that it has. "
            "To use every core, import caviar and open the study first.",
            stacklevel=2,
        )
    jax.config.update("jax_default_matmul_precision", "highest")  # TF32 and bf16 are choices, never surprises
    _use_cache(jax)
    _started.append(len(jax.devices()))
    return _started[0]


def _wanted() -> int:
    """How many host devices: CAVIAR_DEVICES, or one per core, at most eight.

    Raises:
        StudyError: CAVIAR_DEVICES is no such number.
    """
    given = os.environ.get("CAVIAR_DEVICES", "").strip()
    if not given:
        return min(cores(), MOST_HOST_DEVICES)
    if not given.isdigit() or not 1 <= int(given) <= 256:
        raise StudyError(
            f"CAVIAR_DEVICES must be a whole number from 1 to 256. Got {given!r}. Correct it, or unset it."
        )
    return int(given)


def on_cpu() -> bool:
    """Whether the devices are this machine's own cores."""
    import jax

    start()
    return bool(jax.default_backend() == "cpu")


def _use_cache(jax: Any) -> None:
    """Keep compiled programs between runs. A damaged entry costs a compilation, never a run."""
    folder = cache_folder() / "programs" / _made_for()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_raise_persistent_cache_errors", False)


def _made_for() -> str:
    """The name of the folder for programs of this compiler, for this processor, under these flags."""
    return _short(f"{version('jaxlib')} {platform.machine()} {processor()} {os.environ.get('XLA_FLAGS', '')}", 16)


def signature(devices: int) -> Signature:
    """The signature of this process."""
    import jax

    from caviar.version import __version__

    first = jax.devices()[0]
    return Signature(
        platform=first.platform,
        device=f"{first.device_kind} {platform.machine()}",
        processor=processor(),
        devices=devices,
        jax=jax.__version__,
        jaxlib=version("jaxlib"),
        flags=os.environ.get("XLA_FLAGS", ""),
        caviar=__version__,
    )
