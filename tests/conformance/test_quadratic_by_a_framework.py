"""The quadratic by a framework: w² − 10w + 25 from w = 0 at α 0.01, and its coefficients fed as data."""

import numpy as np
import pytest

import caviar

HOW = {"optimiser": "gradient_descent", "learning_rate": 0.01, "steps": 1001}


def quadratic(w):
    """(w − 5)², as the notes write it."""
    return w**2 - 10 * w + 25


def with_coefficients(w, x):
    """The same with its coefficients fed in, a column of three as the notes have it."""
    return x[0][0] * w**2 + x[1][0] * w + x[2][0]


def test_one_step_and_a_thousand_more() -> None:
    """w is 0.1 after one step; after 1 000 more it is 4.99999999 in double precision."""
    found = caviar.minimise(quadratic, 0.0, **HOW)
    assert found.path[0] == 0.0
    assert found.path[1] == pytest.approx(0.1, abs=1e-15)
    assert abs(found.parameters - 5) < 1.2e-5
    # w_t = 5 − 5·0.98^t exactly.
    assert np.allclose(found.path, 5 - 5 * 0.98 ** np.arange(1002), rtol=0, atol=1e-12)
    assert f"{found.parameters:.8f}" == "4.99999999"


def test_in_single_precision() -> None:
    """In single precision it stops at 4.99999 (4.9999886 in the notes), within 1.2e-5 of 5."""
    found = caviar.minimise(quadratic, 0.0, dtype="float32", **HOW)
    assert found.path.dtype == np.float32
    assert abs(found.path[1] - 0.1) < 1e-8
    assert 1e-6 < abs(found.parameters - 5) < 1.2e-5


@pytest.mark.parametrize("coefficients", [(1.0, -10.0, 25.0), (1.0, -20.0, 100.0)])
def test_coefficients_fed_as_data(coefficients: tuple[float, ...]) -> None:
    """With the coefficients fed as data the same cost ends at 5, and another's at 10, without a change of the cost."""
    found = caviar.minimise(with_coefficients, 0.0, np.array(coefficients)[:, None], **HOW)
    towards = -coefficients[1] / 2
    assert found.path[1] == pytest.approx(0.01 * 2 * towards, abs=1e-15)
    assert abs(found.parameters - towards) < 2.4e-5
