"""The content of a row as one 64-bit number, the same on every machine and in every run.

Splits are cut by these numbers, so that duplicates stay together and adding rows moves nobody.
"""

import hashlib
from collections.abc import Mapping

import numpy as np

_MISSING = np.uint64(0x9E3779B97F4A7C15)


def mix(values: np.ndarray) -> np.ndarray:
    """Scramble 64-bit numbers so that near ones land far apart (a bijection).

    Args:
        values: uint64 [N].

    Returns:
        uint64 [N].

    Source: the finaliser of SplitMix64, Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014).

    >>> int(mix(np.array([1], dtype=np.uint64))[0]) == 0x5692161D100B05E5
    True
    """
    z = np.atleast_1d(values).astype(np.uint64)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def hash_text(text: str) -> int:
    """The 64-bit BLAKE2b hash of a text.

    >>> hash_text("a") == hash_text("a"), hash_text("a") == hash_text("b")
    (True, False)
    """
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def hash_texts(values: np.ndarray) -> np.ndarray:
    """The hash of each text; None (missing) has a hash of its own.

    Args:
        values: object [N], texts or None.

    Returns:
        uint64 [N].
    """
    table = {value: hash_text(value) for value in set(values.tolist()) if value is not None}
    table[None] = int(_MISSING)
    return np.array([table[value] for value in values.tolist()], dtype=np.uint64)


def hash_numbers(values: np.ndarray) -> np.ndarray:
    """The hash of each number; every NaN is alike, and so are 0 and -0.

    Args:
        values: float64 [N].

    Returns:
        uint64 [N].
    """
    plain = np.ascontiguousarray(values, dtype=np.float64) + 0.0
    bits = mix(plain.view(np.uint64))
    bits[np.isnan(plain)] = _MISSING
    return bits


def hash_columns(columns: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    """The hash of each row of named columns; their order does not matter.

    Args:
        columns: name -> float64 [N] or object [N].
        rows: N, needed where there is no column.

    Returns:
        uint64 [N].
    """
    total = np.zeros(rows, dtype=np.uint64)
    for name, values in columns.items():
        cells = hash_texts(values) if values.dtype == object else hash_numbers(values)
        total += mix(cells ^ np.uint64(hash_text(name)))
    return mix(total)


def hash_pixels(pixels: np.ndarray) -> np.ndarray:
    """The hash of each image.

    Args:
        pixels: uint8 [N, height, width, channels].

    Returns:
        uint64 [N].
    """
    size = int(np.prod(pixels.shape[1:]))
    flat = np.ascontiguousarray(pixels).reshape(-1).data
    digests = [hashlib.blake2b(flat[at : at + size], digest_size=8).digest() for at in range(0, len(flat), size)]
    return np.frombuffer(b"".join(digests), dtype=np.uint64).copy()


def seeded(hashes: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """Keys that order rows anew for each seed and purpose; equal rows keep equal keys.

    Args:
        hashes: uint64 [N].
        seed: any whole number.
        purpose: what the order is for, such as "choose"; two purposes give unrelated orders.

    Returns:
        uint64 [N].
    """
    return mix(hashes ^ np.uint64(hash_text(f"{purpose}:{seed}")))
