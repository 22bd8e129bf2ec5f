"""scikit-learn's embedded sets by name."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from caviar.data import samples


def test_the_digits_are_those_of_the_loader() -> None:
    """Read from scikit-learn's file or by its loader, the digits have the same pixels and the same labels."""
    found, wanted = samples.read_sample("digits"), load_digits()
    assert found.pixels.dtype == np.uint8 and np.array_equal(found.pixels[..., 0], wanted.images)
    assert np.array_equal(found.labels.values, wanted.target)


def test_without_the_file_the_loader_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file is not where it is today, scikit-learn's own loader gives the same."""
    direct = samples.read_sample("digits")
    monkeypatch.setattr(samples, "find_spec", lambda name: None)
    found = samples.read_sample("digits")
    assert np.array_equal(found.pixels, direct.pixels) and np.array_equal(found.labels.values, direct.labels.values)
    assert found.labels.values.dtype == direct.labels.values.dtype
