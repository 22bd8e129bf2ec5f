"""Augmentation on the device: other examples at every epoch, made from those of the mini-batch, in training only.

The random numbers of an update are drawn once for all slots of its stream, and each slot's own strengths scale them.
For pictures the order is: one change of geometry (flips, crop, shift, rotation, zoom, elastic distortion together, one
bilinear reading) among pixels of 0 to 255, then the scaling of inputs, then noise, cut-out, mixup. What a strength of 0
leaves, it leaves bit for bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from caviar.networks.draws import normals, uniforms
from caviar.networks.once import once
from caviar.training.warp import Shape, affine, packed, resampled, smoothed, sources

# What a slot's row of strengths holds, in this order.
STRENGTHS = (
    "flip_horizontal",
    "flip_vertical",
    "crop",
    "shift",
    "rotation",
    "zoom",
    "elastic",
    "elastic_smoothness",
    "noise",
    "cut_out",
)
# Numbers of the draws, beside which dropout's layers count from 0.
_PICTURE, _FIELD, _NOISE, PARTNER = range(1 << 20, (1 << 20) + 4)
# One number a picture for each of these.
_DRAWN = ("left", "up", "cropped_down", "cropped_along", "down", "along", "angle", "zoom", "cut_down", "cut_along")


@dataclass(frozen=True)
class Augmentation:
    """The kinds that some slot uses; a program holds no other.

    Args:
        image_shape: height, width and channels, where pictures are changed as pictures.
    """

    flips: bool = False
    crop: bool = False
    shift: bool = False
    rotation: bool = False
    zoom: bool = False
    elastic: bool = False
    noise: bool = False
    cut_out: bool = False
    mixup: bool = False
    image_shape: Shape | None = None

    @property
    def bends(self) -> bool:
        """Whether pixels change their places."""
        return self.flips or self.crop or self.smooth

    @property
    def smooth(self) -> bool:
        """Whether they may come to lie between the old ones."""
        return self.shift or self.rotation or self.zoom or self.elastic

    @property
    def inputs(self) -> bool:
        """Whether inputs are changed, so that slots that share rows no longer share inputs."""
        return self.bends or self.noise or self.cut_out or self.mixup

    def union(self, other: "Augmentation") -> "Augmentation":
        """What either uses."""
        return Augmentation(*(getattr(self, one.name) or getattr(other, one.name) for one in fields(self)))


def augmentation_of(configuration: Mapping[str, Any], image_shape: Sequence[int] | None) -> Augmentation:
    """The kinds that a complete configuration uses.

    Args:
        image_shape: height, width and channels of the data; None for tables, which have noise and mixup alone.
    """
    used = {name: configuration[name] > 0 for name in STRENGTHS if name != "elastic_smoothness"}
    flips = used.pop("flip_horizontal") | used.pop("flip_vertical")
    pictured = flips or any(value for name, value in used.items() if name != "noise")
    assert not pictured or image_shape is not None, "search.augmentations refuses pictures' changes of a table"
    shape = tuple(int(size) for size in image_shape) if pictured and image_shape is not None else None
    return Augmentation(flips=flips, mixup=configuration["mixup"] > 0, image_shape=shape, **used)  # type: ignore[arg-type]


def unaugmented(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with every kind off, for what looks at rows as they are.

    >>> unaugmented({"l2": 1.0, "rotation": 10.0})
    {'l2': 1.0, 'rotation': 0.0}
    """
    kinds = {*STRENGTHS, "mixup"} - {"elastic_smoothness"}
    return {name: 0.0 if name in kinds else value for name, value in configuration.items()}


def strengths_of(configuration: Mapping[str, Any]) -> list[float]:
    """A slot's row of strengths: angles in radians, the zoom as the logarithm of its largest factor."""
    row = {name: float(configuration[name]) for name in STRENGTHS}
    row["rotation"] = float(np.deg2rad(row["rotation"]))
    row["zoom"] = float(np.log1p(row["zoom"]))
    return [row[name] for name in STRENGTHS]


# Of an empty slot: nothing is changed, nothing divided by 0.
IDLE = [1.0 if name == "elastic_smoothness" else 0.0 for name in STRENGTHS]


class Scaling(NamedTuple):
    """How inputs lie on the device, by column."""

    shift: Float[Array, " D"]  # of pixels: x = (pixel − shift) · scale
    scale: Float[Array, " D"]
    spread: Float[Array, " D"]  # what one standard deviation of noise is; 0 where there is none


class Draws(NamedTuple):
    """The random numbers of one update of a stream, shared by its slots."""

    picture: Float[Array, "10 B"]  # in [0, 1), one row for each of _DRAWN
    field: Float[Array, "H W 2 B"] | None  # independent, of variance 1
    noise: Float[Array, "D B"] | None  # standard normal


def draw(key: Array, augmentation: Augmentation, inputs: int, rows: int, kind: Any) -> Draws:
    """What an update draws: keyed by stream and tick, unit by unit, so that padding changes none of it."""
    field = noise = None
    if augmentation.elastic and augmentation.image_shape is not None:
        height, width, _ = augmentation.image_shape
        even = uniforms(key, _FIELD, height * width * 2, rows).astype(kind)
        # Uniform between ±√3, of variance 1.
        field = ((2 * even - 1) * np.dtype(kind).type(np.sqrt(3.0))).reshape(height, width, 2, rows)
    if augmentation.noise:
        noise = normals(key, _NOISE, inputs, rows).astype(kind)
    return Draws(uniforms(key, _PICTURE, len(_DRAWN), rows).astype(kind), field, noise)


def augmented(
    rows: Shaped[Array, "B D"],
    strengths: Float[Array, "G A"],
    mixture: tuple[Float[Array, " G"], Int[Array, " B"]] | None,
    scaling: Scaling,
    key: Array,
    augmentation: Augmentation,
) -> Float[Array, "G B D"]:
    """The inputs of one mini-batch as each slot sees them.

    Args:
        rows: as they lie on the device: pixels of 8 bits, or the inputs of a table.
        strengths: of every slot, in the order of STRENGTHS.
        mixture: each slot's share of the row itself and every row's partner, where some slot mixes.
        scaling: of the inputs.
        key: of the update.
        augmentation: the kinds in use.
    """
    kind = strengths.dtype
    batch, padded = rows.shape
    drawn = draw(key, augmentation, padded, batch, kind)
    pictures: Any = rows.T
    if augmentation.bends and augmentation.image_shape is not None:
        shape = augmentation.image_shape
        real = int(np.prod(shape))
        pictures = once(key, lambda: packed(rows.T[:real], shape))

    def one(own: Float[Array, " A"], share: Any) -> Float[Array, "B D"]:
        strength = dict(zip(STRENGTHS, own, strict=True))
        inputs = _bent(pictures, strength, drawn, key, augmentation) if augmentation.bends else pictures.astype(kind)
        if rows.dtype == jnp.uint8:
            inputs = jnp.pad(inputs, ((0, padded - len(inputs)), (0, 0)))
            inputs = (inputs - scaling.shift[:, None]) * scaling.scale[:, None]
        if drawn.noise is not None:
            inputs = inputs + strength["noise"] * scaling.spread[:, None] * drawn.noise
        if augmentation.cut_out:
            inputs = jnp.where(_cut(strength["cut_out"], drawn, augmentation, padded), 0.0, inputs)
        if mixture is not None:
            inputs = share * inputs + (1 - share) * inputs[:, mixture[1]]
        return inputs.T

    if mixture is None:
        return jax.vmap(lambda own: one(own, None))(strengths)
    return jax.vmap(one)(strengths, mixture[0])


def _bent(
    four: Shaped[Array, "P C B"],
    strength: Mapping[str, Array],
    drawn: Draws,
    key: Array,
    augmentation: Augmentation,
) -> Float[Array, "D B"]:
    """The pixels of every picture after one change of geometry, from 0 to 255."""
    assert augmentation.image_shape is not None
    at = dict(zip(_DRAWN, drawn.picture, strict=True))
    evenly = {name: 2 * number - 1 for name, number in at.items()}  # from −1 to 1

    def numbers() -> tuple[Array, Array]:
        """What is one number a picture: computed once, not once a pixel."""
        one = jnp.ones_like(at["left"])
        mirrored = jnp.stack(
            [
                jnp.where(at["up"] < strength["flip_vertical"], -one, one),
                jnp.where(at["left"] < strength["flip_horizontal"], -one, one),
            ]
        )
        moved = jnp.stack([jnp.zeros_like(one)] * 2)
        if augmentation.crop:
            places = 2 * strength["crop"] + 1
            whole = jnp.stack([jnp.floor(at[name] * places) for name in ("cropped_down", "cropped_along")])
            # Rounding may reach the place after the last.
            moved = moved + jnp.minimum(whole, places - 1) - strength["crop"]
        if augmentation.shift:
            moved = moved + strength["shift"] * jnp.stack([evenly["down"], evenly["along"]])
        factor = jnp.exp(strength["zoom"] * evenly["zoom"]) if augmentation.zoom else one
        angle = strength["rotation"] * evenly["angle"] if augmentation.rotation else 0 * one
        return affine(mirrored, angle, factor), moved

    matrix, moved = once(key, numbers)
    field = None
    if drawn.field is not None:
        field = strength["elastic"] * smoothed(drawn.field, strength["elastic_smoothness"])
    places = sources(matrix, moved, field, augmentation.image_shape)
    read = resampled(four, places, augmentation.image_shape[1], smooth=augmentation.smooth)
    return read.reshape(-1, read.shape[-1])


def _cut(side: Array, drawn: Draws, augmentation: Augmentation, padded: int) -> Shaped[Array, "D B"]:
    """Which inputs lie in each picture's square; its centre lies anywhere in the picture, so that edges cut it too.

    Source: DeVries and Taylor, "Improved regularization of convolutional neural networks with cutout" (2017).
    """
    assert augmentation.image_shape is not None
    height, width, channels = augmentation.image_shape
    at = dict(zip(_DRAWN, drawn.picture, strict=True))
    pixel = np.minimum(np.arange(padded) // channels, height * width - 1)  # padding is 0 whatever is cut
    row, column = (place.astype(side.dtype)[:, None] for place in (pixel // width, pixel % width))
    near = jnp.abs(row + 0.5 - at["cut_down"][None, :] * height) < side / 2
    return near & (jnp.abs(column + 0.5 - at["cut_along"][None, :] * width) < side / 2)
