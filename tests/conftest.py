"""What all tests share: JAX on two host devices and in 32 bits, shapes checked while tracing, and the real data."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# Read by JAX when it is first imported, so that tests that do without it never load it; two devices exercise the
# sharding over devices on any machine. setdefault: a person may ask for other numbers.
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")
# An axis that nobody wrote is an error: shapes of different rank never meet by broadcasting.
os.environ.setdefault("JAX_NUMPY_RANK_PROMOTION", "raise")

# The shapes in the signatures are checked where arrays are traced. The other rooms take plain data from people, and
# have their own messages for what is wrong with it.
install_import_hook(["caviar.networks", "caviar.training"], "beartype.beartype")


# The same examples in every run, so that a failure can be repeated; no deadline, since other work may share the cores.
settings.register_profile("caviar", derandomize=True, deadline=None)
settings.load_profile("caviar")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real data sets that lies beside the repository, or a skipped test."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("needs the folder 'shared' with real data sets beside the repository")
    return folder


@pytest.fixture(autouse=True)
def _single_precision_stays() -> Iterator[None]:
    """Fails a test that leaves JAX's 64-bit mode on, which would change every test after it."""
    yield
    jax = sys.modules.get("jax")
    if jax is not None:
        assert not jax.config.jax_enable_x64, "the test left jax_enable_x64 on; use `with jax.enable_x64(True):`"
