"""Images: idx files, folders and archives with a folder per class, HDF5; and what can be wrong with them."""

import gzip
import io
import shutil
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from caviar.data.dataset import Dataset
from caviar.data.read import read, read_like
from caviar.errors import DataError


def picture(path: Path, value: int, size: tuple[int, int] = (6, 4), mode: str = "RGB") -> None:
    """An image of one grey value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value if mode == "L" else (value,) * 3).save(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Cats and dogs below train, val and test; the grey value tells one image from the others."""
    for at, part in enumerate(("train", "val", "test")):
        for number in range(4 - at):
            picture(tmp_path / "pets" / part / "cat" / f"{number}.png", 10 * at + number)
            picture(tmp_path / "pets" / part / "dog" / f"{number}.png", 100 + 10 * at + number)
    return tmp_path / "pets"


def shades(data: Dataset) -> list[int]:
    """The first byte of every image."""
    assert data.pixels is not None
    return data.pixels[:, 0, 0, 0].tolist()


def test_a_folder_per_class_below_sets(folder: Path) -> None:
    """The folders are the classes, train/val/test above them are the sets, and every image has its own label."""
    data = read(folder)
    assert data.schema.classes == ("cat", "dog")
    assert data.schema.image_shape == (4, 6, 3)
    assert data.parts is not None and np.bincount(data.parts).tolist() == [8, 6, 4]
    for shade, target, part in zip(shades(data), data.targets, data.parts, strict=True):
        assert (target == 1) == (shade >= 100)
        assert part == shade % 100 // 10


def test_a_folder_per_class_without_sets(folder: Path) -> None:
    """Class folders alone have no ready-made sets; files that are no images are passed over."""
    (folder / "train" / "cat" / "notes.txt").write_text("no image")
    (folder / "train" / ".hidden.png").write_text("no image")
    data = read(folder / "train")
    assert data.parts is None and data.rows == 8 and data.schema.classes == ("cat", "dog")


def test_an_archive_is_read_as_its_folder(folder: Path, tmp_path: Path) -> None:
    """A .tar.gz gives what its folder gives, in one order, and nothing is written to the disk."""
    archive = tmp_path / "pets.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, "pets")
    before = sorted(tmp_path.rglob("*"))
    first, second = read(folder), read(archive)
    assert first.fingerprint == second.fingerprint
    assert sorted(tmp_path.rglob("*")) == before


def test_sizes_become_one(tmp_path: Path) -> None:
    """Most images' size is everybody's size; how many were resized is said; large ones are made smaller."""
    for number in range(5):
        picture(tmp_path / "few" / "ab"[number % 2] / f"{number}.png", 100, (8, 8) if number else (16, 4))
        picture(tmp_path / "large" / "ab"[number % 2] / f"{number}.png", 100, (400, 200))
    few, large = read(tmp_path / "few"), read(tmp_path / "large")
    assert few.schema.image_shape == (8, 8, 3)
    assert any("1 of 5 images are resized to 8 × 8" in note for note in few.notes)
    assert large.schema.image_shape == (64, 128, 3)
    assert set(shades(large)) == {100}


def test_grey_images_keep_one_channel(tmp_path: Path) -> None:
    """Images that are all grey have one channel; one colour image gives all of them three."""
    for number in range(4):
        picture(tmp_path / "ab"[number % 2] / f"{number}.png", number, mode="L")
    assert read(tmp_path).schema.image_shape == (4, 6, 1)
    picture(tmp_path / "a" / "colour.png", 9)
    assert read(tmp_path).schema.image_shape == (4, 6, 3)


def test_sixteen_bit_grey_is_scaled(tmp_path: Path) -> None:
    """A 16-bit image keeps its upper eight bits instead of being clipped to white."""
    for number in range(4):
        path = tmp_path / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((3, 3), 256 * 40 * (number + 1), dtype=np.uint16)).save(path)
    assert sorted(shades(read(tmp_path))) == [40, 80, 120, 160]


def test_images_of_a_new_folder_fit_the_model(folder: Path, tmp_path: Path) -> None:
    """New images take the model's size; without class folders they have no targets, in the order of their names."""
    schema = read(folder).schema
    for name, shade in (("b.png", 7), ("a.png", 5)):
        picture(tmp_path / "new" / name, shade, (12, 8), "L")
    data = read_like(tmp_path / "new", schema)
    assert data.targets is None and shades(data) == [5, 7]
    assert data.pixels is not None and data.pixels.shape == (2, 4, 6, 3)


def test_an_unknown_class_never_fails(folder: Path) -> None:
    """A folder of a class that the model does not know is read, with unknown targets."""
    schema = read(folder).schema
    picture(folder / "test" / "bird" / "0.png", 222)
    data = read_like(folder / "test", schema)
    assert data.targets is not None and sorted(set(data.targets.tolist())) == [-1, 0, 1]


def test_image_arrays_fit_the_model() -> None:
    """An array of other size is resized to the model's."""
    schema = read("digits").schema
    data = read_like(np.zeros((3, 16, 16), dtype=np.uint8), schema)
    assert data.pixels is not None and data.pixels.shape == (3, 8, 8, 1)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    """An empty folder, or one with other files, is said to hold no images."""
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(DataError, match="holds no images"):
        read(tmp_path)


def test_images_without_classes_are_refused(tmp_path: Path) -> None:
    """Images in no folder of a class cannot be learnt from."""
    picture(tmp_path / "a.png", 1)
    picture(tmp_path / "b.png", 2)
    with pytest.raises(DataError, match="Make a folder per class"):
        read(tmp_path)


def test_one_class_is_refused(tmp_path: Path) -> None:
    """One folder of a class teaches nothing."""
    picture(tmp_path / "cat" / "a.png", 1)
    picture(tmp_path / "cat" / "b.png", 2)
    with pytest.raises(DataError, match="the same class"):
        read(tmp_path)


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_damaged_image_is_named(folder: Path, damage: str) -> None:
    """An image that is none, or that ends early, is named."""
    random = np.random.default_rng(0)
    victim = folder / "train" / "dog" / "victim.png"
    Image.fromarray(random.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(victim)
    victim.write_bytes(b"no image" if damage == "text" else victim.read_bytes()[:-2000])
    with pytest.raises(DataError, match=r"train/dog/victim\.png"):
        read(folder)


def test_a_decompression_bomb_is_refused(folder: Path) -> None:
    """A small file that claims ninety million pixels is refused before they are made."""
    bomb = io.BytesIO()
    Image.new("1", (4, 4)).save(bomb, "PNG")
    content = bytearray(bomb.getvalue())
    content[16:24] = struct.pack(">II", 30_000, 30_000)
    import zlib

    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    (folder / "train" / "cat" / "bomb.png").write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"bomb\.png' is too large"):
        read(folder)


def test_a_damaged_archive_is_refused(tmp_path: Path, folder: Path) -> None:
    """An archive that ends early is said to be damaged."""
    archive = tmp_path / "pets.tar.gz"
    with tarfile.open(archive, "w:gz") as file:
        file.add(folder, "pets")
    archive.write_bytes(archive.read_bytes()[:-300])
    with pytest.raises(DataError, match="damaged archive"):
        read(archive)


def idx(values: np.ndarray, packed: bool = True) -> bytes:
    """The bytes of an idx file of uint8."""
    head = struct.pack(">HBB", 0, 8, values.ndim) + struct.pack(f">{values.ndim}I", *values.shape)
    content = head + values.astype(np.uint8).tobytes()
    return gzip.compress(content) if packed else content


def idx_folder(folder: Path, labels: int = 20, packed: bool = True) -> Path:
    """A folder like MNIST's, twenty train and ten test images; the first pixel is the image's number."""
    folder.mkdir()
    end = ".gz" if packed else ""
    images = np.zeros((30, 3, 2))
    images[:, 0, 0] = np.arange(30)
    for stem, rows, count in (("train", slice(0, 20), labels), ("t10k", slice(20, 30), 10)):
        (folder / f"{stem}-images-idx3-ubyte{end}").write_bytes(idx(images[rows], packed))
        (folder / f"{stem}-labels-idx1-ubyte{end}").write_bytes(idx(np.arange(count) % 10, packed))
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_idx_folders_keep_their_test_set(tmp_path: Path, packed: bool) -> None:
    """MNIST's four files, gzipped or not, are a train and a test set; images and labels stay together."""
    data = read(idx_folder(tmp_path / "mnist", packed=packed))
    assert data.schema.image_shape == (3, 2, 1)
    assert data.parts is not None and data.parts.tolist() == [0] * 20 + [2] * 10
    assert shades(data) == list(range(30))
    assert data.targets is not None and data.targets.tolist() == [at % 10 for at in range(30)]


def test_one_idx_pair_has_no_sets(tmp_path: Path) -> None:
    """A folder with the test files alone, or a file of images beside its labels, is a data set without sets."""
    folder = idx_folder(tmp_path / "mnist")
    single = read(folder / "train-images-idx3-ubyte.gz")
    assert single.rows == 20 and single.parts is None
    for path in folder.glob("train*"):
        path.unlink()
    assert read(folder).rows == 10 and read(folder).parts is None


def test_labels_that_do_not_match_are_refused(tmp_path: Path) -> None:
    """Another number of labels than of images is refused with both numbers."""
    with pytest.raises(DataError, match=r"holds 20 images but .* 19 labels"):
        read(idx_folder(tmp_path / "mnist", labels=19))


def test_a_cut_idx_file_is_refused(tmp_path: Path) -> None:
    """A file that is shorter than its head says is refused."""
    folder = idx_folder(tmp_path / "mnist", packed=False)
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="should hold 120 bytes"):
        read(folder)


def test_idx_images_without_labels(tmp_path: Path) -> None:
    """Images without labels can be predicted but not learnt from."""
    folder = idx_folder(tmp_path / "mnist")
    schema = read(folder).schema
    alone = tmp_path / "new-images-idx3-ubyte.gz"
    shutil.copy(folder / "train-images-idx3-ubyte.gz", alone)
    assert read_like(alone, schema).targets is None
    with pytest.raises(DataError, match="without labels"):
        read(alone)


def test_hdf5_with_and_without_sets(tmp_path: Path) -> None:
    """train_… and test_… files in a folder are the sets; the list of classes gives the names."""
    h5py = pytest.importorskip("h5py", reason="needs the extra hdf5")
    for part, rows in (("train", 6), ("test", 4)):
        with h5py.File(tmp_path / f"{part}_pets.h5", "w") as file:
            file[f"{part}_set_x"] = np.full((rows, 3, 3, 3), 7, dtype=np.uint8)
            file[f"{part}_set_y"] = np.arange(rows) % 2
            file["list_classes"] = np.array([b"other", b"cat"])
    data = read(tmp_path)
    assert data.schema.classes == ("cat", "other")
    assert data.parts is not None and data.parts.tolist() == [0] * 6 + [2] * 4
    assert [data.schema.classes[at] for at in data.targets][:2] == ["other", "cat"]
    assert read(tmp_path / "train_pets.h5").parts is None


def test_hdf5_without_images_is_refused(tmp_path: Path) -> None:
    """What an HDF5 file holds instead of images is listed."""
    h5py = pytest.importorskip("h5py", reason="needs the extra hdf5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["signal"] = np.zeros(5)
    with pytest.raises(DataError, match=r"holds no images .* it holds signal"):
        read(tmp_path / "other.h5")
