"""How fast is the engine on an accelerator, how many slots are useful, how near is it to what the device can do?

One call, under eight minutes, JSON lines on standard output and in the folder OUT where that is set:

    PYTHONPATH=src python -m benchmarks.gpu [--minutes 7]

- networks trained per second against a plain PyTorch loop on the same device, and against the same program with
  one slot;
- the largest useful K: throughput while K doubles, until it is flat or memory ends;
- the share of the bound: Adam moves 40 bytes a weight and update (weights twice read, gradient written and read,
  both moments read and written), so updates a second are at most bandwidth / (40 · weights).

It imports the engine's rooms alone (networks, training, search, data.streams), so it runs where only JAX, NumPy,
PyTorch and jaxtyping are installed.
"""

import argparse
import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

# Bytes a second that the device's memory can move; measured here by a large copy rather than taken from a data sheet.
_COPY_BYTES = 1 << 30

SHAPES: dict[str, tuple[tuple[int, ...], int, int]] = {
    # name: (widths, batch size, rows)
    "digits 64-128-64-10": ((64, 128, 64, 10), 64, 1437),
    "mnist 784-1024-512-256-10": ((784, 1024, 512, 256, 10), 128, 55_000),
    "wide 784-1024-1024-10": ((784, 1024, 1024, 10), 128, 55_000),
}


def data(widths: tuple[int, ...], rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs and labels: speed does not depend on what they say."""
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((rows, widths[0]), dtype=np.float32)
    return inputs, generator.integers(0, widths[-1], rows).astype(np.int32)


def bandwidth() -> float:
    """Bytes a second of a device-to-device copy, reads and writes counted."""
    import jax
    import jax.numpy as jnp

    array = jnp.zeros(_COPY_BYTES // 4, jnp.float32)
    copy = jax.jit(lambda a: a + 1.0)
    copy(array).block_until_ready()
    began = time.perf_counter()
    for _ in range(20):
        array = copy(array)
    array.block_until_ready()
    return 20 * 2 * _COPY_BYTES / (time.perf_counter() - began)


def ours(widths: tuple[int, ...], batch: int, rows: int, slots: int, seconds: float) -> dict[str, Any]:
    """Model-epochs and updates a second with so many slots in one group."""
    from caviar.data.streams import Stream
    from caviar.networks.architecture import Architecture
    from caviar.search.hyperparameters import complete
    from caviar.training import device
    from caviar.training.batches import GroupStream, Version
    from caviar.training.cohort import Cohort
    from caviar.training.features import features_of
    from caviar.training.layout import Layout
    from caviar.training.values import Assignment

    device.start()
    inputs, targets = data(widths, rows)
    train, dev = np.arange(rows, dtype=np.int32), np.arange(min(rows, 1024), dtype=np.int32)
    stream = Stream(0, 0, train, dev, dev, np.ones(len(dev), bool))
    own = complete({"hidden": list(widths[1:-1]), "keep_probability": 0.8, "batch_size": batch})
    cohort = Cohort(
        Architecture(widths[0], widths[1:-1], widths[-1], batch_size=batch),
        features_of([own], padded_outputs=False),
        Layout(slots, slots, 1, 1),
        [Version(inputs, targets, np.ones(rows))],
        [GroupStream(stream)],
    )
    began = time.perf_counter()
    cohort.ready()
    compile_seconds = time.perf_counter() - began
    cohort.admit({s: Assignment(s, own, s, widths, rows, cohort.updates, 1000, 1000) for s in range(slots)})
    many = min(cohort.updates, 64)
    cohort.run(1, many if many < cohort.updates else None)
    began, updates = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        before = cohort.partway
        cohort.run(1, many if many < cohort.updates else None)
        updates += (cohort.partway or cohort.updates) - before
    took = time.perf_counter() - began
    return {
        "slots": slots, "updates_per_second": slots * updates / took,
        "model_epochs_per_second": slots * updates / cohort.updates / took, "compile_seconds": compile_seconds,
    }  # fmt: skip


def torch_loop(widths: tuple[int, ...], batch: int, rows: int, seconds: float) -> dict[str, Any] | None:
    """The usual loop on the same device: tensors resident, fused Adam, no data loader."""
    try:
        import torch
    except ImportError:
        return None
    where = "cuda" if torch.cuda.is_available() else "cpu"
    inputs, targets = (torch.from_numpy(array).to(where) for array in data(widths, rows))
    targets = targets.long()
    layers: list[Any] = []
    for before, after in pairwise(widths[:-1]):
        layers += [torch.nn.Linear(before, after), torch.nn.ReLU(), torch.nn.Dropout(0.2)]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(widths[-2], widths[-1])).to(where)
    adam = torch.optim.Adam(network.parameters(), fused=True)
    updates, began = 0, time.perf_counter()
    warm = False
    while True:
        order = torch.randperm(rows, device=where)
        for first in range(0, rows, batch):
            chosen = order[first : first + batch]
            adam.zero_grad(set_to_none=True)
            torch.nn.functional.cross_entropy(network(inputs[chosen]), targets[chosen]).backward()
            adam.step()
            updates += 1
            if updates == 50 and not warm:
                if where == "cuda":
                    torch.cuda.synchronize()
                updates, began, warm = 0, time.perf_counter(), True
            if warm and updates % 20 == 0 and time.perf_counter() - began > seconds:
                if where == "cuda":
                    torch.cuda.synchronize()
                took = time.perf_counter() - began
                return {"updates_per_second": updates / took, "model_epochs_per_second": updates * batch / rows / took}


def main() -> None:
    """Measure until the time is spent."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=7.0)
    given = parser.parse_args()
    os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.7")
    from caviar.training import device

    device.start()
    import jax

    ends = time.monotonic() + 60 * given.minutes
    folder = os.environ.get("OUT")
    lines: list[str] = []

    def say(record: dict[str, Any]) -> None:
        first = jax.devices()[0]
        lines.append(json.dumps({"device": first.device_kind, "jax": jax.__version__, **record}))
        print(lines[-1], flush=True)
        if folder:
            Path(folder, "gpu.jsonl").write_text("\n".join(lines) + "\n")

    moved = bandwidth()
    say({"what": "bandwidth", "bytes_per_second": moved})
    for name, (widths, batch, rows) in SHAPES.items():
        weights = sum(a * b + b for a, b in pairwise(widths))
        bound = moved / (40 * weights)
        peer = torch_loop(widths, batch, rows, 4.0)
        say({"what": "pytorch", "shape": name, **(peer or {"unavailable": "PyTorch is not installed"})})
        best, slots, single = 0.0, 1, 0.0
        while time.monotonic() < ends - 30:
            try:
                found = ours(widths, batch, rows, slots, 3.0)
            except Exception as error:  # out of memory: the last K was the largest
                say({"what": "ours", "shape": name, "slots": slots, "failed": str(error)[:200]})
                break
            rate = found["updates_per_second"]
            single = single or rate
            ratio = rate / peer["updates_per_second"] if peer else None
            say({"what": "ours", "shape": name, **found, "against_pytorch": ratio, "against_one_slot": rate / single,
                 "share_of_bound": rate / bound})  # fmt: skip
            if rate < 1.05 * best:
                break
            best, slots = max(best, rate), slots * 4
    say({"what": "done", "seconds_left": ends - time.monotonic()})


if __name__ == "__main__":
    main()
