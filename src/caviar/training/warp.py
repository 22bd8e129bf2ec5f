"""Pictures bent on the device: all geometry is one map of positions, and each picture is read once through it.

Arrays are unit-major as in the network: positions first, the rows of the mini-batch last, so that what is one number
a picture is broadcast over neighbouring numbers in memory.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

Shape = tuple[int, int, int]  # height, width, channels


def affine(mirrored: Float[Array, "2 B"], angle: Float[Array, " B"], factor: Float[Array, " B"]) -> Float[Array, "4 B"]:
    """The matrix [[a, b], [c, d]] = R(angle)·diag(mirrored)/factor by which a new pixel's place is turned into an old.

    Args:
        mirrored: −1 where a picture is flipped, along its height and its width; else 1.
        angle: in radians.
        factor: above 1 enlarges.
    """
    sine, cosine = jnp.sin(angle) / factor, jnp.cos(angle) / factor
    down, along = mirrored
    return jnp.stack([cosine * down, -sine * along, sine * down, cosine * along])


def sources(
    matrix: Float[Array, "4 B"], moved: Float[Array, "2 B"], field: Float[Array, "H W 2 B"] | None, shape: Shape
) -> tuple[Float[Array, "P B"], Float[Array, "P B"]]:
    """The row and column of the old picture at which each pixel p of the new one is read: c + A(p − c) + moved + field.

    c is the centre of the picture. Places outside are brought to the nearest edge, so that the background goes on:
    black stays black, and a photograph gets no frame.

    Args:
        matrix: A, from `affine`.
        moved: pixels along height and width.
        field: a displacement for each pixel, in pixels.
        shape: of the pictures.

    Returns:
        Rows and columns, within the picture, P = H·W.
    """
    height, width, _ = shape
    kind, batch = matrix.dtype, matrix.shape[-1]
    middle = ((height - 1) / 2, (width - 1) / 2)
    down = (jnp.arange(height, dtype=kind) - middle[0])[:, None, None]
    along = (jnp.arange(width, dtype=kind) - middle[1])[None, :, None]
    a, b, c, d = matrix[:, None, None, :]
    lower, further = moved[:, None, None, :]
    row = middle[0] + (a * down + b * along) + lower
    column = middle[1] + (c * down + d * along) + further
    if field is not None:
        row, column = row + field[:, :, 0], column + field[:, :, 1]
    return jnp.clip(row, 0, height - 1).reshape(-1, batch), jnp.clip(column, 0, width - 1).reshape(-1, batch)


def packed(pixels: Shaped[Array, "D B"], shape: Shape) -> Shaped[Array, "P C B"]:
    """Each pixel of 8 bits with its right, lower and diagonal neighbour as one number of 32.

    Four reads at scattered places become one (docs/log.md).
    """
    height, width, channels = shape
    whole = pixels.reshape(height, width, channels, -1).astype(jnp.uint32)
    pair = whole | jnp.concatenate([whole[:, 1:], whole[:, -1:]], axis=1) << 8
    four = pair | jnp.concatenate([pair[1:], pair[-1:]], axis=0) << 16
    return four.reshape(height * width, channels, -1)


def resampled(
    four: Shaped[Array, "P C B"], places: tuple[Float[Array, "P B"], Float[Array, "P B"]], width: int, *, smooth: bool
) -> Float[Array, "P C B"]:
    """The pictures read at other places, bilinear between the four pixels around each.

    Args:
        four: what `packed` gave.
        places: rows and columns, within the picture.
        width: of a picture, in pixels.
        smooth: False where all places are whole numbers, which need no weights.
    """
    (row, column), (_, channels, batch) = places, four.shape
    kind = row.dtype
    top, left = jnp.floor(row), jnp.floor(column)
    pixel = (top.astype(jnp.int32) * width + left.astype(jnp.int32))[:, None, :]
    at = (pixel * channels + jnp.arange(channels)[None, :, None]) * batch + jnp.arange(batch)[None, None, :]
    read = four.reshape(-1).at[at].get(mode="promise_in_bounds")
    here = (read & 255).astype(kind)
    if not smooth:
        return here
    lower, further = (row - top)[:, None], (column - left)[:, None]
    right, below, across = ((read >> shift & 255).astype(kind) for shift in (8, 16, 24))
    upper = here + further * (right - here)
    under = below + further * (across - below)
    return upper + lower * (under - upper)


def smoothed(field: Float[Array, "H W 2 B"], smoothness: Float[Array, ""]) -> Float[Array, "H W 2 B"]:
    """Independent numbers of variance 1 become a field in which neighbours agree, of variance 1 again."""
    down, along = smoothing(field.shape[0], smoothness), smoothing(field.shape[1], smoothness)
    half = jnp.einsum("hi,iwab->hwab", down, field)
    return jnp.einsum("wj,hjab->hwab", along, half)


def smoothing(size: int, smoothness: Float[Array, ""]) -> Float[Array, "S S"]:
    """exp(−(i − k)²/2σ²), each row divided by the root of its sum of squares, so that variances stay, at edges too.

    Args:
        size: of the axis.
        smoothness: σ in pixels.
    """
    apart = np.subtract.outer(np.arange(size), np.arange(size)) ** 2
    weights = jnp.exp(-apart.astype(smoothness.dtype) / (2 * smoothness**2))
    return weights / jnp.sqrt(jnp.sum(weights**2, axis=1, keepdims=True))
