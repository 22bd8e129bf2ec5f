"""Encodings: the formulas, finiteness for any input, and that no row outside of train is ever looked at."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from caviar.data.dataset import Column, Dataset, Schema
from caviar.data.encoding import Encoder, fit_encoder
from caviar.data.read import read, read_like
from caviar.data.scaling import ENCODINGS, apply_numbers, fit_numbers
from caviar.errors import DataError

from .tables import people, write


def mixed(rows: int = 200, seed: int = 0) -> Dataset:
    """Numbers with and without gaps, categories with a rare one, booleans and dates, with a numeric target."""
    random = np.random.default_rng(seed)
    words = np.array(["red", "green", "blue", None], dtype=object)[random.integers(0, 4, rows)]
    words[0] = "rare"
    gaps = random.normal(size=rows)
    gaps[::7] = np.nan
    columns = {
        "plain": random.normal(50, 9, rows),
        "gaps": gaps,
        "heavy": random.standard_cauchy(rows) * 1e6,
        "same": np.full(rows, 3.5),
        "flag": random.integers(0, 2, rows).astype(float),
        "day": 18_000 + random.integers(0, 8000, rows) / 16,
        "colour": words,
    }
    kinds = ("number", "number", "number", "number", "boolean", "date", "category")
    schema = Schema(tuple(Column(n, k) for n, k in zip(columns, kinds, strict=True)), "y", "regression")
    return Dataset("mixed", schema, columns, targets=random.normal(1000, 30, rows))


def bits(encoder: Encoder) -> tuple[dict[str, bytes], dict[str, object]]:
    """All that an encoder learnt, so that two can be compared to the bit."""
    arrays, plain = encoder.to_arrays()
    return {name: values.tobytes() for name, values in arrays.items()}, plain


def test_standard_is_the_textbooks_formula() -> None:
    """(x − μ)/σ with the mean and the population deviation of the train rows; a constant is divided by 1."""
    data, rows = mixed(), np.arange(0, 200, 2)
    encoder = fit_encoder(data, rows)
    inputs = dict(zip(encoder.names, encoder.transform(data).T, strict=True))
    for name in ("plain", "flag"):
        values = data.columns[name]
        np.testing.assert_allclose(inputs[name], (values - values[rows].mean()) / values[rows].std(), atol=2e-6)
    assert (inputs["same"] == 0).all()


def test_robust_is_realmlps_formula() -> None:
    """Median and quartiles, then the smooth clip x/√(1 + (x/3)²) that keeps everything within ±3."""
    data, rows = mixed(), np.arange(150)
    encoder = fit_encoder(data, rows, "robust")
    inputs = dict(zip(encoder.names, encoder.transform(data).T, strict=True))
    values = data.columns["heavy"]
    first, median, third = np.quantile(values[rows], [0.25, 0.5, 0.75])
    z = (values - median) / (third - first)
    np.testing.assert_allclose(inputs["heavy"], z / np.sqrt(1 + (z / 3) ** 2), atol=1e-5)
    assert np.abs(inputs["heavy"]).max() <= 3


def test_quantile_makes_a_normal() -> None:
    """Train values become normal scores whatever their distribution, in the same order, as scikit-learn's do."""
    from sklearn.preprocessing import QuantileTransformer

    values = np.exp(np.random.default_rng(0).normal(size=500) * 3)
    found = apply_numbers(values, "quantile", fit_numbers(values, "quantile"))[:, 0]
    assert abs(found.mean()) < 1e-6 and abs(found.std() - 1) < 0.02
    np.testing.assert_array_equal(np.argsort(found), np.argsort(values))
    peer = QuantileTransformer(n_quantiles=500, output_distribution="normal").fit_transform(values[:, None])[:, 0]
    inner = np.abs(peer) < 2
    np.testing.assert_allclose(found[inner], peer[inner], atol=0.02)


def test_quantile_gives_ties_one_score() -> None:
    """Equal values have the score of their middle rank; values beyond the train range have that of its end."""
    learnt = fit_numbers(np.array([0.0] * 5 + [1.0] * 5), "quantile")
    found = apply_numbers(np.array([0.0, 1.0, -9.0, 9.0]), "quantile", learnt)[:, 0]
    np.testing.assert_allclose(found, [-0.6744898, 0.6744898, -0.6744898, 0.6744898], atol=1e-6)


def test_piecewise_linear_is_gorishniys_formula() -> None:
    """One input per quantile bin: 1 above the bin, 0 below it, the share inside; compared bin by bin."""
    values = np.random.default_rng(0).normal(size=400)
    learnt = fit_numbers(values, "piecewise_linear")
    edges = learnt["edges"]
    np.testing.assert_allclose(edges, np.quantile(values, np.linspace(0, 1, 21)))
    found = apply_numbers(values, "piecewise_linear", learnt)
    for row, x in zip(found, values, strict=True):
        for bin, (low, high) in enumerate(pairwise(edges)):
            expected = 0.0 if x <= low else 1.0 if x >= high else (x - low) / (high - low)
            assert row[bin] == pytest.approx(expected, abs=1e-12)


def test_piecewise_linear_has_at_most_32_bins() -> None:
    """More rows do not make more than 32 bins, and ties make fewer."""
    random = np.random.default_rng(0)
    assert len(fit_numbers(random.normal(size=50_000), "piecewise_linear")["edges"]) == 33
    assert len(fit_numbers(random.integers(0, 3, 50_000).astype(float), "piecewise_linear")["edges"]) == 3


def test_gaps_in_training_get_an_indicator() -> None:
    """A gap becomes the mean (standard) or the median, and one more input says that it was one."""
    data = mixed()
    encoder = fit_encoder(data, np.arange(200))
    inputs = dict(zip(encoder.names, encoder.transform(data).T, strict=True))
    np.testing.assert_array_equal(inputs["gaps is missing"], np.isnan(data.columns["gaps"]).astype(np.float32))
    assert (inputs["gaps"][np.isnan(data.columns["gaps"])] == 0).all()
    assert "plain is missing" not in inputs


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_gap_that_training_never_saw_is_filled_silently(encoding: str) -> None:
    """A missing number where training had none becomes the input of the value that stands for it."""
    data = mixed()
    encoder = fit_encoder(data, np.arange(200), encoding)
    fill = data.columns["plain"].mean() if encoding == "standard" else np.median(data.columns["plain"])
    changed, filled = dict(data.columns), dict(data.columns)
    for columns, value in ((changed, np.nan), (filled, fill)):
        columns["plain"] = columns["plain"].copy()
        columns["plain"][3] = value
    first = encoder.transform(Dataset("gap", data.schema, changed), np.array([3]))
    second = encoder.transform(Dataset("filled", data.schema, filled), np.array([3]))
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_categories_are_one_hot() -> None:
    """Each frequent category and the missing one have an input; rare ones and unseen ones share "other"."""
    data = mixed()
    encoder = fit_encoder(data, np.arange(200))
    names = [name for name in encoder.names if name.startswith("colour")]
    assert names == ["colour = blue", "colour = green", "colour = red", "colour = missing", "colour = other"]
    new = {name: values[:5].copy() for name, values in data.columns.items()}
    new["colour"][:] = ["blue", None, "rare", "violet", "red"]
    hot = encoder.transform(Dataset("new", data.schema, new))[:, -5:]
    np.testing.assert_array_equal(hot.argmax(axis=1), [0, 3, 4, 4, 2])
    assert (hot.sum(axis=1) == 1).all()


def test_an_unseen_category_where_training_had_no_others() -> None:
    """Without rare categories in training there is no "other" to learn, so an unseen value is none of the known."""
    data = read({"colour": ["red", "blue"] * 20, "y": [0, 1] * 20})
    encoder = fit_encoder(data, np.arange(40))
    new = read_like({"colour": ["violet", None, "red"]}, data.schema)
    np.testing.assert_array_equal(encoder.transform(new), [[0, 0], [0, 0], [0, 1]])


def test_many_categories_are_bounded() -> None:
    """A column with thousands of categories becomes at most 256 inputs, the most frequent ones first."""
    words = [f"w{at % 900}" for at in range(3000)] + ["often"] * 50
    data = read({"word": words, "a": np.random.default_rng(0).normal(size=3050), "y": [0, 1] * 1525})
    encoder = fit_encoder(data, np.arange(3050))
    assert sum(name.startswith("word") for name in encoder.names) == 256
    assert "word = often" in encoder.names


def test_dates_become_days_and_cycles() -> None:
    """A date is its day plus month, weekday and hour on circles, each only where it varied in training."""
    days = np.arange("2020-01-01", "2020-12-31", dtype="datetime64[D]")
    frame = {"day": [str(day) for day in days], "y": np.arange(len(days)) % 2}
    data = read(frame)
    encoder = fit_encoder(data, np.arange(data.rows))
    circles = [f"day {cycle} {wave}" for cycle in ("month", "weekday") for wave in ("sine", "cosine")]
    assert encoder.names == ("day", *circles)
    inputs = dict(zip(encoder.names, encoder.transform(data).T, strict=True))
    month = (days.astype("datetime64[M]").astype(int) % 12) * 2 * np.pi / 12
    np.testing.assert_allclose(inputs["day month sine"], np.sin(month), atol=1e-6)
    # The first of January 2020 was a Wednesday; Monday is 0.
    weekday = (2 + np.arange(len(days))) % 7 * 2 * np.pi / 7
    np.testing.assert_allclose(inputs["day weekday cosine"], np.cos(weekday), atol=1e-6)
    hours = read({"t": [f"2020-01-01 {at % 24:02d}:00" for at in range(48)], "y": [0, 1] * 24})
    assert fit_encoder(hours, np.arange(48)).names == ("t", "t hour sine", "t hour cosine")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("source", ["mixed", "digits"])
def test_no_row_outside_of_train_is_looked_at(encoding: str, source: str) -> None:
    """Changing an excluded row (numbers, category, target) changes no bit of the encoder or of the other rows."""
    data = mixed() if source == "mixed" else read(source)
    rows, out = np.delete(np.arange(data.rows), 5), 5
    columns = {name: values.copy() for name, values in data.columns.items()}
    for values in columns.values():
        values[out] = "new" if values.dtype == object else 1e9
    pixels = None if data.pixels is None else data.pixels.copy()
    if pixels is not None:
        pixels[out] = 255
    targets = data.targets.copy()
    targets[out] = 3
    changed = Dataset("changed", data.schema, columns, pixels, targets)
    first, second = fit_encoder(data, rows, encoding), fit_encoder(changed, rows, encoding)
    assert bits(first) == bits(second)
    assert first.transform(data, rows).tobytes() == second.transform(changed, rows).tobytes()
    # ... and the test can fail: the same change inside the train rows does show.
    assert bits(fit_encoder(changed, np.arange(data.rows), encoding)) != bits(first)


def test_the_train_rows_alone_decide_which_categories_there_are() -> None:
    """A category that occurs outside of train alone gets no input."""
    data = mixed()
    names = fit_encoder(data, np.arange(1, 200)).names
    assert "colour = other" not in names and "colour = rare" not in names


_ANY = arrays(np.float64, st.integers(1, 30), elements=st.floats(width=64, allow_subnormal=True))


@settings(max_examples=150, deadline=None)
@given(train=_ANY, new=_ANY, encoding=st.sampled_from(ENCODINGS))
def test_inputs_are_finite_for_any_numbers(train: np.ndarray, new: np.ndarray, encoding: str) -> None:
    """Whatever float64 holds (infinities, NaN, 1e308, 5e-324), in training or at prediction, inputs are finite."""
    for kind in ("number", "date", "boolean"):
        schema = Schema((Column("x", kind),), "y", "regression")
        data = Dataset("train", schema, {"x": train}, targets=np.zeros(len(train)))
        encoder = fit_encoder(data, np.arange(len(train)), encoding)
        for values in (train, new):
            inputs = encoder.transform(Dataset("new", schema, {"x": values}))
            assert inputs.shape == (len(values), encoder.features) and inputs.dtype == np.float32
            assert np.isfinite(inputs).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("values", [[0.0, 1e-320, 0.0, 1e-320], [1e308, -1e308, 0.0, 5e-324], [1e-160, 2e-160, 0.0]])
def test_inputs_are_finite_at_the_ends_of_float64(values: list[float], encoding: str) -> None:
    """Numbers whose squares overflow or whose inverses do give finite inputs."""
    numbers = np.array(values * 10)
    assert np.isfinite(apply_numbers(numbers, encoding, fit_numbers(numbers, encoding))).all()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_transforming_rows_one_by_one_is_the_same(encoding: str) -> None:
    """A row's inputs do not depend on the rows beside it, to the bit."""
    data = mixed()
    encoder = fit_encoder(data, np.arange(100), encoding)
    whole = encoder.transform(data)
    alone = np.concatenate([encoder.transform(data, np.array([row])) for row in range(20)])
    assert whole[:20].tobytes() == alone.tobytes()


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("source", ["mixed", "digits", "iris"])
def test_arrays_and_json_give_the_encoder_back(encoding: str, source: str) -> None:
    """An encoder survives safetensors and JSON to the bit."""
    import json

    from safetensors.numpy import load, save

    data = mixed() if source == "mixed" else read(source)
    encoder = fit_encoder(data, np.arange(0, data.rows, 2), encoding)
    arrays, plain = encoder.to_arrays()
    again = Encoder.from_arrays(load(save({**arrays, "network.weights": np.zeros(3)})), json.loads(json.dumps(plain)))
    assert again.names == encoder.names
    assert (again.target_mean, again.target_scale) == (encoder.target_mean, encoder.target_scale)
    assert again.transform(data).tobytes() == encoder.transform(data).tobytes()


def test_images_stay_bytes_on_the_device() -> None:
    """x = (pixel − shift) · scale with one mean and deviation of all train pixels; transform gives the same bits."""
    data = read("digits")
    rows = np.arange(1000)
    encoder = fit_encoder(data, rows)
    array, scale, shift = encoder.device_inputs(data)
    assert array.dtype == np.uint8 and array.shape == (1797, 64)
    assert scale is not None and shift is not None and scale.dtype == shift.dtype == np.float32
    assert len(set(scale.tolist())) == len(set(shift.tolist())) == 1
    train = data.pixels[rows].astype(float)
    assert shift[0] == pytest.approx(train.mean()) and scale[0] == pytest.approx(1 / train.std())
    assert ((array.astype(np.float32) - shift) * scale).tobytes() == encoder.transform(data).tobytes()


def test_tables_are_encoded_before_the_device() -> None:
    """For tables the device gets float32 inputs, without scale and shift."""
    data = mixed()
    encoder = fit_encoder(data, np.arange(200))
    array, scale, shift = encoder.device_inputs(data)
    assert scale is None and shift is None and array.tobytes() == encoder.transform(data).tobytes()


def test_regression_targets_are_standardised() -> None:
    """Mean and population deviation of the train targets; classes keep 0 and 1."""
    data, rows = mixed(), np.arange(120)
    encoder = fit_encoder(data, rows)
    standard = encoder.standard_targets(data.targets)
    assert abs(standard[rows].mean()) < 1e-12 and standard[rows].std() == pytest.approx(1)
    np.testing.assert_allclose(standard * encoder.target_scale + encoder.target_mean, data.targets)
    classes = fit_encoder(read("iris"), np.arange(150))
    assert (classes.target_mean, classes.target_scale) == (0.0, 1.0)


def test_encoders_refuse_what_they_cannot_know(tmp_path: Path) -> None:
    """No rows, an unknown encoding, a missing column and images of another shape get a sentence."""
    data = read(write(tmp_path, people()), "grade")
    with pytest.raises(DataError, match="no train rows"):
        fit_encoder(data, np.array([], dtype=np.int64))
    with pytest.raises(DataError, match="must be one of standard, robust"):
        fit_encoder(data, np.arange(5), "magic")
    encoder = fit_encoder(data, np.arange(60))
    with pytest.raises(DataError, match="lacks the column 'height'"):
        encoder.transform(Dataset("other", data.schema, {"colour": data.columns["colour"]}))
    images = fit_encoder(read("digits"), np.arange(100))
    with pytest.raises(DataError, match="wants images of shape"):
        images.transform(data)
