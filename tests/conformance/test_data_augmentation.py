"""Data augmentation, against SciPy's and NumPy's computation of the same changes in double precision."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, stats

from caviar.networks.draws import normals, tick_keys, uniforms
from caviar.search.hyperparameters import complete
from caviar.training.augmentation import Augmentation, Scaling, augmentation_of, augmented, draw, strengths_of
from caviar.training.mixing import partners, shares

SHAPES = ((9, 7, 1), (6, 8, 3))
ROWS = 5
GEOMETRY = {
    "flip_horizontal": 0.5, "flip_vertical": 0.4, "crop": 2, "shift": 1.5, "rotation": 40.0, "zoom": 0.3,
    "elastic": 1.2, "elastic_smoothness": 2.5,
}  # fmt: skip


@pytest.fixture(autouse=True)
def wide() -> Any:
    """Double precision for every test of this file."""
    with jax.enable_x64(True):
        yield


def pictures(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Pixels of noise [ROWS, H, W, C], on which a wrong place shows at once."""
    return np.random.default_rng(seed).integers(0, 256, (ROWS, *shape), dtype=np.uint8)


def key_of(tick: int = 0, seed: int = 3) -> Any:
    """The key of one update of a stream."""
    return jax.random.wrap_key_data(jnp.asarray(tick_keys(seed, 0, np.array([tick]))[0]))


def shown(rows: np.ndarray, *slots: dict[str, float], tick: int = 0, mixture: Any = None, **scaling: Any) -> np.ndarray:
    """What slots of these strengths are shown of pictures or of rows of a table, [G, B, ...], unscaled if not told."""
    shape = rows.shape[1:] if rows.dtype == np.uint8 else None
    flat = rows.reshape(len(rows), -1)
    whole = [complete(slot) for slot in slots]
    kinds = Augmentation()
    for one in whole:
        kinds = kinds.union(augmentation_of(one, shape))
    columns = flat.shape[1]
    scales = Scaling(
        jnp.full(columns, scaling.get("shift", 0.0)),
        jnp.full(columns, scaling.get("scale", 1.0)),
        jnp.asarray(scaling.get("spread", np.ones(columns))),
    )
    strengths = jnp.asarray([strengths_of(one) for one in whole])
    found = compiled(jnp.asarray(flat), strengths, mixture, scales, key_of(tick), kinds)
    return np.asarray(found).reshape(len(slots), *rows.shape)


compiled = jax.jit(augmented, static_argnums=5)


def numbers_of(shape: tuple[int, int, int], tick: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The engine's draws of an update: one of ten numbers a picture [10, B], and the field's ±√3 [H, W, 2, B]."""
    kinds = Augmentation(elastic=True, image_shape=shape)
    drawn = jax.jit(draw, static_argnums=(1, 2, 3, 4))(key_of(tick), kinds, int(np.prod(shape)), ROWS, "float64")
    return np.asarray(drawn.picture), np.asarray(drawn.field)


# ---- geometry -----------------------------------------------------------------------------------------------------


def matrix_of(slot: dict[str, float], drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The map of places of one picture as SciPy takes it (old = matrix · new about the centre + moved), by hand."""
    left, up, crop_down, crop_along, down, along, angle, zoom, _, _ = drawn
    theta = np.deg2rad(slot.get("rotation", 0.0)) * (2 * angle - 1)
    turn = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    mirror = np.diag(
        [
            -1.0 if up < slot.get("flip_vertical", 0.0) else 1.0,
            -1.0 if left < slot.get("flip_horizontal", 0.0) else 1.0,
        ]
    )
    factor = (1 + slot.get("zoom", 0.0)) ** (2 * zoom - 1)
    margin = int(slot.get("crop", 0))
    moved = np.array([int(u * (2 * margin + 1)) - margin for u in (crop_down, crop_along)], np.float64)
    moved += slot.get("shift", 0.0) * (2 * np.array([down, along]) - 1)
    return turn @ mirror / factor, moved


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ["flip_horizontal", "flip_vertical", "crop", "shift", "rotation", "zoom", "all"])
def test_geometry_is_an_affine_map_read_bilinearly(name: str, shape: tuple[int, int, int]) -> None:
    """Flips, crop, shift, rotation, zoom, and all at once, equal scipy.ndimage.affine_transform of order 1 to 1e-10."""
    without = {kind: value for kind, value in GEOMETRY.items() if not kind.startswith("elastic")}
    slot = without if name == "all" else {name: GEOMETRY[name]}
    old = pictures(shape)
    found = shown(old, slot)[0]
    drawn, _ = numbers_of(shape)
    centre = (np.array(shape[:2]) - 1) / 2
    expected = np.empty(old.shape)
    for row in range(ROWS):
        matrix, moved = matrix_of(slot, drawn[:, row])
        for channel in range(shape[2]):
            expected[row, :, :, channel] = ndimage.affine_transform(
                old[row, :, :, channel].astype(np.float64), matrix, centre + moved - matrix @ centre, order=1,
                mode="nearest",
            )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert (found != old).any()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("more", [{}, {"rotation": 30.0, "zoom": 0.2, "flip_horizontal": 0.5}])
def test_elastic_distortion_is_a_smooth_field_added_to_the_places(shape: tuple[int, int, int], more: Any) -> None:
    """Elastic distortion equals map_coordinates of order 1 at places moved by Gaussian-filtered numbers, to 1e-9."""
    slot = {"elastic": 1.2, "elastic_smoothness": 2.0, **more}
    old = pictures(shape)
    found = shown(old, slot)[0]
    drawn, field = numbers_of(shape)
    height, width, channels = shape
    centre = (np.array([height, width]) - 1) / 2
    places = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1) - centre

    def spread(size: int) -> np.ndarray:
        """What filtering leaves of the deviation of independent numbers of variance 1 along an axis."""
        filtered = ndimage.gaussian_filter1d(np.eye(size), 2.0, axis=0, mode="constant", truncate=20.0)
        return np.sqrt((filtered**2).sum(axis=1))

    for row in range(ROWS):
        matrix, moved = matrix_of(slot, drawn[:, row])
        bent = np.stack(
            [
                ndimage.gaussian_filter(field[:, :, axis, row], 2.0, mode="constant", truncate=20.0)
                / np.outer(spread(height), spread(width))
                for axis in (0, 1)
            ]
        )
        at = np.moveaxis(places @ matrix.T + centre + moved, -1, 0) + 1.2 * bent
        for channel in range(channels):
            expected = ndimage.map_coordinates(old[row, :, :, channel].astype(float), at, order=1, mode="nearest")
            np.testing.assert_allclose(found[row, :, :, channel], expected, rtol=0, atol=1e-8)


def test_elastic_distortion_moves_pixels_as_far_as_it_says() -> None:
    """Every pixel, at the edge too, moves by `elastic` pixels an axis in root mean square over many pictures."""
    from caviar.training.warp import smoothed

    kinds = Augmentation(elastic=True, image_shape=(8, 8, 1))
    drawn = jax.jit(draw, static_argnums=(1, 2, 3, 4))(key_of(), kinds, 64, 20_000, "float64")
    assert drawn.field is not None
    moved = np.asarray(jax.jit(smoothed)(drawn.field, jnp.asarray(3.0)))
    np.testing.assert_allclose(np.sqrt((moved**2).mean(axis=-1)), 1.0, atol=0.03)
    together = np.corrcoef(moved[3, 3, 0], moved[3, 4, 0])[0, 1]
    np.testing.assert_allclose(together, np.exp(-1 / (4 * 9.0)), atol=0.02)  # of a Gaussian filter, away from edges


def test_flips_are_numpys() -> None:
    """With probability 1 a flip is NumPy's reversal bit for bit, of one axis or both; colours stay with their pixel."""
    for shape in SHAPES:
        old = pictures(shape)
        across, down, both = shown(
            old, {"flip_horizontal": 1.0}, {"flip_vertical": 1.0}, {"flip_horizontal": 1.0, "flip_vertical": 1.0}
        )
        assert (across == old[:, :, ::-1]).all() and (down == old[:, ::-1]).all()
        assert (both == old[:, ::-1, ::-1]).all()


def test_a_crop_is_a_window_of_the_padded_picture() -> None:
    """A crop is a window of NumPy's edge-padded picture bit for bit, and over many updates every window comes."""
    old = pictures((5, 6, 1))
    padded = np.pad(old, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="edge")
    windows = {(i, j): padded[:, i : i + 5, j : j + 6] for i in range(5) for j in range(5)}
    seen = set()
    for tick in range(40):
        found = shown(old, {"crop": 2}, tick=tick)[0]
        for row in range(ROWS):
            at = [place for place, window in windows.items() if (window[row] == found[row]).all()]
            assert len(at) == 1
            seen.update(at)
    assert len(seen) == 25


def test_a_cut_out_is_a_square_of_the_mean() -> None:
    """Cut-out sets a square (or what of it lies in the picture) to the scaled mean 0, and nothing else."""
    old = pictures((9, 7, 1))
    plain = (old - 100.0) * 0.02
    found = shown(old, {"cut_out": 4}, shift=100.0, scale=0.02)[0]
    drawn, _ = numbers_of((9, 7, 1))
    for row in range(ROWS):
        down, along = drawn[8, row] * 9, drawn[9, row] * 7
        inside = (np.abs(np.arange(9) + 0.5 - down) < 2)[:, None] & (np.abs(np.arange(7) + 0.5 - along) < 2)
        np.testing.assert_array_equal(found[row, :, :, 0][inside], 0.0)
        np.testing.assert_allclose(found[row, :, :, 0][~inside], plain[row, :, :, 0][~inside], rtol=1e-15)
    whole = shown(np.ones((ROWS, 30, 30, 1), np.uint8), {"cut_out": 6}, shift=0.0, scale=1.0)[0] == 0
    assert 0 < whole.sum(axis=(1, 2, 3)).max() <= 36


def test_draws_of_a_picture_are_even() -> None:
    """The numbers behind every change (a cut-out's middle among them) are uniform, and no two of them move together."""
    drawn = np.concatenate([numbers_of((9, 7, 1), tick=tick)[0] for tick in range(80)], axis=1)
    assert all(stats.kstest(one, "uniform").pvalue > 1e-3 for one in drawn)
    assert np.abs(np.corrcoef(drawn) - np.eye(len(drawn))).max() < 0.2  # four standard errors of 400 draws


# ---- noise, mixup -------------------------------------------------------------------------------------------------


def test_noise_is_normal_and_scaled_by_each_input() -> None:
    """Noise is strength × the input's spread × a standard normal number (Kolmogorov–Smirnov), independent by input."""
    rows = np.zeros((400, 50))
    spread = np.linspace(0.0, 2.0, 50)
    half, whole = shown(rows, {"noise": 0.5}, {"noise": 1.0}, spread=spread)
    np.testing.assert_allclose(2 * half, whole, rtol=1e-12)
    assert (whole[:, 0] == 0).all()
    standard = whole[:, 1:] / spread[1:]
    assert stats.kstest(standard.reshape(-1), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(standard.T) - np.eye(49)).max() < 0.25
    expected = stats.norm.ppf((np.asarray(uniforms(key_of(), 7, 3, 4), np.float64) * 2**24 + 0.5) / 2**24)
    np.testing.assert_allclose(normals(key_of(), 7, 3, 4), expected, rtol=1e-5, atol=1e-6)


@given(st.integers(1, 40), st.integers(0, 500))
@settings(max_examples=40, deadline=None)
def test_partners_are_a_permutation_of_the_real_rows(count: int, tick: int) -> None:
    """Every real row has another real row as its partner, and is the partner of one; a single row has itself."""
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(partners, static_argnums=2)(key_of(tick), jnp.int32(count), 40))[:count]
    assert sorted(found) == list(range(count))
    assert count == 1 or (found != np.arange(count)).all()


@pytest.mark.parametrize("strength", [0.1, 0.4, 1.0, 8.0])
def test_shares_follow_the_beta_distribution(strength: float) -> None:
    """λ of many updates is the quantile of SciPy's Beta(a, a) at even numbers that slots of all strengths share."""
    keys = tick_keys(5, 1, np.arange(4000))
    found = shares(strength, keys)
    quantiles = stats.beta(strength, strength).cdf(found)
    apart = 1 - found > 1e-12  # closer to 1 the share itself has no more digits
    assert apart.mean() > 0.9
    assert stats.kstest(shares(1.0, keys), "uniform").pvalue > 1e-3  # Beta(1, 1) is even
    np.testing.assert_allclose(quantiles[apart], shares(1.0, keys)[apart], atol=1e-3)


def test_mixup_mixes_inputs() -> None:
    """An input of mixup is λ·x + (1 − λ)·x of the partner; a share of 1 leaves rows as they are, bit for bit."""
    rows = np.random.default_rng(1).normal(size=(6, 4))
    partner = jnp.asarray([1, 2, 3, 4, 5, 0])
    kept = jnp.asarray([0.3, 1.0])
    found = shown(rows, {"mixup": 1.0}, {}, mixture=(kept, partner))
    np.testing.assert_allclose(found[0], 0.3 * rows + 0.7 * np.roll(rows, -1, axis=0), rtol=0, atol=1e-14)
    assert (found[1] == rows).all()


# ---- what must not happen -----------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.sampled_from(SHAPES), st.booleans())
@settings(max_examples=15, deadline=None)
def test_strength_0_changes_no_bit(seed: int, shape: tuple[int, int, int], single: bool) -> None:
    """Beside slots that use everything, a slot whose strengths are 0 sees each row as it is, bit for bit."""
    everything = {**GEOMETRY, "noise": 0.3, "cut_out": 3}
    with jax.enable_x64(not single):
        old = pictures(shape, seed)
        bent, same = shown(old, everything, {}, tick=seed)
        assert (same == old).all() and same.dtype == (np.float32 if single else np.float64)
        assert (bent != old).any()


@given(st.tuples(*(st.floats(0, most) for most in (1, 60, 180, 9, 60)), st.integers(0, 4)))
@settings(max_examples=20, deadline=None)
def test_pixels_stay_within_what_the_picture_has(strengths: tuple[float, ...]) -> None:
    """However strong a change of geometry is, no pixel leaves the range of its picture: nothing is made up at edges."""
    names = ("flip_vertical", "shift", "rotation", "zoom", "elastic", "crop")
    with jax.enable_x64(True):
        old = pictures((6, 5, 1))
        strong = dict(zip(names, strengths, strict=True))
        # Beside a slot that uses all, so that one program serves every example.
        found = shown(old, strong, {**dict.fromkeys(names, 1.0)})[0]
    flat = old.reshape(ROWS, -1)
    assert (found.reshape(ROWS, -1) >= flat.min(axis=1, keepdims=True) - 1e-9).all()
    assert (found.reshape(ROWS, -1) <= flat.max(axis=1, keepdims=True) + 1e-9).all()


def test_draws_differ_by_update_and_not_by_slot() -> None:
    """Two updates draw anew; two slots of one strength see the same, and the same again when asked again."""
    old = pictures((9, 7, 1))
    one, other = shown(old, GEOMETRY, GEOMETRY)
    assert (one == other).all() and (one == shown(old, GEOMETRY, GEOMETRY)[0]).all()
    later = shown(old, GEOMETRY, tick=1)[0]
    assert all((one[row] != later[row]).any() for row in range(ROWS))
    assert all((one[row] != one[row + 1]).any() for row in range(ROWS - 1))
