"""Folders and archives with one folder of images per class become pixels of one size."""

import io
import tarfile
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from caviar.data.formats import IMAGE_SUFFIXES, PART_WORDS
from caviar.data.frames import Pixels
from caviar.data.table import Cells
from caviar.errors import DataError

# A perceptron sees every pixel as an input: larger images are made smaller.
_LARGEST_SIDE = 128


@dataclass(frozen=True)
class Picture:
    """One image before it is opened.

    Args:
        place: the folders and the name below the root.
        content: gives its bytes.
    """

    place: tuple[str, ...]
    content: Callable[[], bytes]


def read_image_folder(folder: Path, shape: tuple[int, int, int] | None = None) -> Pixels:
    """Images from a folder with one folder per class, also below train/val/test.

    Args:
        folder: the folder.
        shape: height, width, channels that a model wants; None: the size that most images have.

    Raises:
        DataError: there are no images, or one cannot be read.
    """
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()]
    pictures = [Picture(path.relative_to(folder).parts, path.read_bytes) for path in found]
    return _pixels(folder.name, [one for one in pictures if not _hidden(one.place)], shape)


def read_image_archive(path: Path, shape: tuple[int, int, int] | None = None) -> Pixels:
    """Images from a .tar or .tar.gz with one folder per class; nothing is written to the disk.

    Raises:
        DataError: the archive is damaged or holds no images, or one cannot be read.
    """
    try:
        with tarfile.open(path) as archive:
            pictures = sorted(_members(archive), key=lambda picture: picture.place)
            return _pixels(path.name, pictures, shape)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"'{path}' is a damaged archive ({error}). Copy it again.") from None


def _members(archive: tarfile.TarFile) -> Iterator[Picture]:
    for member in archive.getmembers():
        place = tuple(part for part in PurePosixPath(member.name).parts if part not in (".", "/"))
        if member.isfile() and PurePosixPath(member.name).suffix.lower() in IMAGE_SUFFIXES and not _hidden(place):
            content = archive.extractfile(member)
            if content is not None:
                # Bound now: the archive is read once, in its own order.
                yield Picture(place, io.BytesIO(content.read()).getvalue)


def _hidden(place: tuple[str, ...]) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in place)


def _pixels(name: str, pictures: Sequence[Picture], shape: tuple[int, int, int] | None) -> Pixels:
    if not pictures:
        raise DataError(
            f"'{name}' holds no images ({', '.join(IMAGE_SUFFIXES)}). Put one folder of images per class in it."
        )
    places = _below_common(pictures)
    words = [place[0].lower() if len(place) > 2 else "" for place in places]
    in_parts = all(word in PART_WORDS for word in words) and "train" in {w.replace("ing", "") for w in words}
    classes = [place[1] if in_parts else place[0] if len(place) > 1 else None for place in places]
    images, notes = _opened(pictures, shape)
    if any(label is None for label in classes):
        if shape is None:
            raise DataError(
                f"'{name}' holds images outside of folders, so their class is unknown. Make a folder per class."
            )
        return Pixels(name, images, None, None, notes)
    labels = np.empty(len(classes), dtype=object)
    labels[:] = classes
    parts = np.array([PART_WORDS[word] for word in words], dtype=np.int8) if in_parts else None
    return Pixels(name, images, Cells("category", labels), parts, notes)


def _below_common(pictures: Sequence[Picture]) -> list[tuple[str, ...]]:
    """The places without the folders that all images share, but with at least the class's folder."""
    places = [picture.place for picture in pictures]
    while all(len(place) > 2 for place in places) and len({place[0] for place in places}) == 1:
        places = [place[1:] for place in places]
    return places


def _opened(pictures: Sequence[Picture], shape: tuple[int, int, int] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """The images as uint8 [N, height, width, channels], all of one size."""
    sizes: Counter[tuple[int, int]] = Counter()
    grey = True
    for picture in pictures:
        with _image(picture) as image:
            sizes[image.size] += 1
            grey = grey and image.mode in ("1", "L", "I;16", "I", "LA")
    if shape is None:
        width, height = _common_size(sizes)
        shape = (height, width, 1 if grey else 3)
    height, width, channels = shape
    out = np.empty((len(pictures), *shape), dtype=np.uint8)
    for at, picture in enumerate(pictures):
        out[at] = _array(picture, (width, height), channels).reshape(shape)
    resized = len(pictures) - sizes[(width, height)]
    if not resized:
        return out, ()
    return out, (f"{resized} of {len(pictures)} images are resized to {width} × {height} pixels.",)


def _common_size(sizes: Counter[tuple[int, int]]) -> tuple[int, int]:
    """Width and height that most images have, or their medians where they all differ, at most 128 a side."""
    (width, height), count = min(sizes.items(), key=lambda item: (-item[1], item[0]))
    total = sum(sizes.values())
    if 2 * count <= total:
        width = int(np.median(np.repeat([size[0] for size in sizes], list(sizes.values()))))
        height = int(np.median(np.repeat([size[1] for size in sizes], list(sizes.values()))))
    shrink = min(1.0, _LARGEST_SIDE / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def _image(picture: Picture):  # type: ignore[no-untyped-def]
    """The image, opened but not decoded. Pillow's limit against decompression bombs stays on, as an error."""
    from PIL import Image

    place = "/".join(picture.place)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(io.BytesIO(picture.content()))
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise DataError(
            f"The image '{place}' is too large to be opened safely. Make it smaller or take it out."
        ) from None
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"'{place}' is no image that can be read ({error}). Repair it or take it out.") from None


def _array(picture: Picture, size: tuple[int, int], channels: int) -> np.ndarray:
    from PIL import Image, ImageOps

    with _image(picture) as image:
        try:
            upright = ImageOps.exif_transpose(image) if image.format in ("JPEG", "TIFF", "WEBP") else image
            if upright.mode in ("I;16", "I"):
                # 16-bit grey: Pillow's own conversion clips at 255 instead of scaling.
                upright = Image.fromarray((np.asarray(upright, dtype=np.uint32) >> 8).astype(np.uint8))
            plain = upright.convert({1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels])
            plain = plain if plain.size == size else plain.resize(size, Image.Resampling.LANCZOS)
        except (OSError, ValueError, SyntaxError) as error:
            raise DataError(f"The image '{'/'.join(picture.place)}' is damaged ({error}). Take it out.") from None
        return np.asarray(plain, dtype=np.uint8)


def resized(pixels: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Images brought to the size and channels that a model wants.

    Args:
        pixels: uint8 [N, height, width, channels].
        shape: the wanted height, width, channels.

    Returns:
        uint8 [N, *shape].

    >>> resized(np.zeros((2, 4, 4, 1), dtype=np.uint8), (2, 2, 3)).shape
    (2, 2, 2, 3)
    """
    from PIL import Image

    if pixels.shape[1:] == shape:
        return pixels
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    out = np.empty((len(pixels), *shape), dtype=np.uint8)
    for at, one in enumerate(pixels):
        image = Image.fromarray(one[..., 0] if one.shape[-1] == 1 else one, modes[one.shape[-1]])
        out[at] = np.asarray(image.convert(modes[shape[2]]).resize((shape[1], shape[0])), dtype=np.uint8).reshape(shape)
    return out
