"""The way in: any source becomes a data set (`read`), or is read as a model's own data were (`read_like`)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from caviar.data.dataset import PARTS, Dataset, Schema
from caviar.data.delimited import read_text
from caviar.data.formats import PART_WORDS, existing, kind_of, part_of
from caviar.data.frames import Pixels, attached, from_memory, with_target
from caviar.data.hdf5 import read_hdf5
from caviar.data.idx import looks_like_idx, read_idx
from caviar.data.images import read_image_archive, read_image_folder
from caviar.data.infer import Roles, conform, infer, role_arrays
from caviar.data.numpy_files import SET_COLUMN, read_npz, read_parquet
from caviar.data.pictures import conform_pictures, given_only, infer_pictures
from caviar.data.samples import SAMPLES, read_sample
from caviar.data.table import Cells, Table
from caviar.errors import DataError
from caviar.given import shown

_TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".data", ".parquet")


def read(
    source: Any,
    target: Any = None,
    task: str = "auto",
    *,
    group: Any = None,
    time: Any = None,
    weight: Any = None,
    split: Any = None,
    ignore: str | Iterable[str] | None = (),
) -> Dataset:
    """Read data and find the type of every column.

    Args:
        source: a path (CSV and other delimited text, Parquet, NPZ, idx, .h5, a folder or .tar.gz of images), the name
            of a sample (digits, breast_cancer, wine, diabetes, iris), a pair (X, y), an array, a data frame, a
            dictionary of columns, or a dictionary of ready-made sets: {"train": …, "test": …}.
        target: the column to predict, by name or number, or an array; None: the last one called target, label, class
            or y (images: the folder, the label).
        task: "auto", "classification" or "regression".
        group: column (or array) whose equal values stay in one set.
        time: column (or array) by which rows are ordered for a split by time.
        weight: column (or array) that says how much each row counts.
        split: column (or array) that holds train, dev or test.
        ignore: columns to leave out.

    Raises:
        DataError: the data cannot be used; one sentence says why and what to do.

    >>> read("iris").rows
    150
    """
    roles = Roles(target, task, group, time, weight, split, _ignored(ignore))
    if isinstance(source, Dataset):
        return _settled(source, roles)
    if isinstance(source, Mapping) and _names_sets(source):
        return _sets(source, roles)
    if not isinstance(source, str | Path):
        return _built(from_memory(source), roles)
    found = _opened(source, roles)
    if isinstance(found, Dataset):
        return found
    return replace(_built(found, roles), source=_origin(source, roles))


def _settled(dataset: Dataset, roles: Roles) -> Dataset:
    """A data set as it is: what its columns are was said when it was read.

    Raises:
        DataError: something else is said of them.
    """
    usual = asdict(Roles(target=dataset.schema.target, task=dataset.schema.task))
    said = [name for name, value in asdict(roles).items() if not _is_either(value, getattr(Roles(), name), usual[name])]
    if said:
        raise DataError(
            f"'{dataset.name}' is a data set, whose columns are settled: leave '{said[0]}' out, "
            "or read the file that it came from with it."
        )
    return dataset


def _is_either(value: Any, default: Any, usual: Any) -> bool:
    """Whether a role is not said, or said as it is."""
    return value is None or (isinstance(value, str | tuple) and value in (default, usual))


def _ignored(given: Any) -> tuple[str, ...]:
    """The columns to leave out: one by its name, several, or None."""
    if given is None or isinstance(given, str):
        return () if given is None else (given,)
    if isinstance(given, Iterable) and all(isinstance(name, str) for name in given):
        return tuple(given)
    raise DataError(f"'ignore' names columns to leave out, as in ignore=['id', 'name']. Got {shown(given)}.")


def read_again(source: Mapping[str, Any]) -> Dataset:
    """The data set that a `Dataset.source` tells of, read anew.

    Raises:
        DataError: it came from memory, so there is nothing to read.
    """
    if source.get("kind") not in ("file", "sample", "sets"):
        raise DataError("These data came from memory, so they cannot be read again. Give them once more, or save them.")
    return read(source["path"], **{name: value for name, value in source.items() if name not in ("kind", "path")})


def read_like(source: Any, schema: Schema) -> Dataset:
    """Read new data with a model's schema: the target may be missing, and values never seen before never fail.

    Args:
        source: as for `read`.
        schema: the schema of the data that the model was trained on.

    Raises:
        DataError: the source cannot be read, or lacks a column that the model needs.
    """
    if isinstance(source, Dataset):
        return source
    if isinstance(source, str | Path):
        expected = [column.name for column in schema.columns] + ([schema.target] if schema.target else [])
        found = _opened(source, Roles(), expected, schema.image_shape)
        if isinstance(found, Dataset):
            return found
    elif isinstance(source, tuple) and len(source) == 2 and source[1] is not None:
        found = from_memory(source[0])
        if isinstance(found, Table):
            found = attached(found, schema.target or "target", source[1])[0]
        else:
            found = with_target(found, source[1])
    else:
        found = from_memory(source)
    like = conform_pictures(found, schema) if isinstance(found, Pixels) else conform(found, schema)
    return replace(like, source=_origin(source, Roles()) if isinstance(source, str | Path) else like.source)


def _origin(source: str | Path, roles: Roles) -> dict[str, Any]:
    options = asdict(roles) | {"ignore": list(roles.ignore)}
    if any(not isinstance(value, str | int | list | None) for value in options.values()):
        return {"kind": "memory"}
    if str(source) in SAMPLES:
        return {"kind": "sample", "path": str(source), **options}
    return {"kind": "file", "path": str(Path(source).expanduser().resolve()), **options}


def _opened(
    source: str | Path, roles: Roles, expected: list[str] | None = None, shape: tuple[int, int, int] | None = None
) -> Table | Pixels | Dataset:
    """What a path or the name of a sample holds."""
    if str(source) in SAMPLES:
        return read_sample(str(source))
    if isinstance(source, str) and not source.strip():
        raise DataError(f"The path is empty. Give a file, a folder, or one of the samples {', '.join(SAMPLES)}.")
    path = existing(source)
    if path.is_dir():
        return _opened_folder(path, roles, shape)
    kind = kind_of(path)
    if kind == "text":
        asked = (roles.target, roles.group, roles.time, roles.weight, roles.split, *roles.ignore)
        text = read_text(path, expected or [name for name in asked if isinstance(name, str)])
        cells = {name: Cells("text", text.frame[name]) for name in text.frame.columns}
        return Table(path.name, cells, text.header, text.separator)
    if kind == "parquet":
        return read_parquet(path)
    if kind in ("npz", "npy"):
        return read_npz(path, roles.target if isinstance(roles.target, str) else None)
    if kind == "idx":
        return read_idx(path)
    if kind == "tar":
        return read_image_archive(path, shape)
    if kind == "h5":
        return read_hdf5(path)
    raise DataError(f"'{path}' is a single image. Give a folder with one folder of images per class.")


def _opened_folder(path: Path, roles: Roles, shape: tuple[int, int, int] | None) -> Table | Pixels | Dataset:
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise DataError(f"The folder '{path}' cannot be opened ({error}). Ask for the right to read it.") from None
    if (path / "dataset.json").is_file():
        return _settled(Dataset.load(path), roles)
    if any(looks_like_idx(entry) for entry in entries):
        return read_idx(path)
    if any(entry.suffix in (".h5", ".hdf5") for entry in entries):
        return read_hdf5(path)
    tables = [entry for entry in entries if _is_table(entry)]
    sets = {PARTS[part_of(entry.name)]: entry for entry in tables if part_of(entry.name) >= 0}
    if "train" in sets and len(sets) == len(tables):
        return _sets({word: sets[word] for word in PARTS if word in sets}, roles)
    if tables and not any(entry.is_dir() for entry in entries):
        names = ", ".join(entry.name for entry in tables[:3])
        raise DataError(f"'{path}' is a folder with tables ({names}). Give one of the files.")
    return read_image_folder(path, shape)


def _is_table(entry: Path) -> bool:
    suffixes = [suffix.lower() for suffix in entry.suffixes if suffix.lower() != ".gz"]
    return entry.is_file() and bool(suffixes) and suffixes[-1] in _TABLE_SUFFIXES


def _built(found: Table | Pixels, roles: Roles) -> Dataset:
    """The data set of a table or of images, with the roles that were given as arrays beside it."""
    if isinstance(found, Pixels):
        return infer_pictures(found, roles)
    names: dict[str, Any] = {}
    for role in ("target", "group", "time", "weight", "split"):
        value = getattr(roles, role)
        if value is not None and not isinstance(value, str | int | np.integer):
            found, names[role] = attached(found, str(getattr(value, "name", None) or f"{role} (given)"), value)
    if roles.split is None and SET_COLUMN in found.cells:
        names["split"] = SET_COLUMN
    return infer(found, replace(roles, **names))


def _names_sets(source: Mapping[Any, Any]) -> bool:
    """Whether a dictionary holds ready-made sets rather than columns."""
    if "train" not in source or not all(str(key) in PART_WORDS for key in source):
        return False
    values = source.values()
    return all(isinstance(v, str | Path | tuple | Mapping) or getattr(v, "ndim", 2) >= 2 for v in values) and not any(
        isinstance(value, list) for value in values
    )


def _sets(source: Mapping[str, Any], roles: Roles) -> Dataset:
    """One data set of several sources that are the train, dev and test set; types are found in the train set."""
    if roles.split is not None:
        raise DataError("The sets are given already. Leave 'split' out.")
    for role in ("target", "group", "time", "weight"):
        if not isinstance(getattr(roles, role), str | int | None):
            raise DataError(f"'{role}' cannot be one array for several sets. Give the name of a column they all have.")
    train = read(source["train"], **asdict(roles))
    found: list[tuple[int, Dataset]] = [(0, train)]
    notes = list(train.notes)
    for word, one in source.items():
        part = PART_WORDS[word]
        if part == 0:
            continue
        other = _with_roles(one, roles, train.schema)
        if other.targets is None:
            notes.append(f"The {word} set has no targets and is left aside.")
            continue
        known = other.targets >= 0 if train.schema.task == "classification" else np.isfinite(other.targets)
        found.append((part, other if known.all() else other.take(np.flatnonzero(known))))
        notes += [note for note in other.notes if note not in notes]
    whole = _joined(found)
    paths = {word: str(Path(one).expanduser().resolve()) for word, one in source.items() if isinstance(one, str | Path)}
    origin = {"kind": "sets", "path": paths, **asdict(roles), "ignore": list(roles.ignore)}
    return replace(whole, notes=tuple(notes), source=origin if len(paths) == len(source) else {"kind": "memory"})


def _with_roles(source: Any, roles: Roles, schema: Schema) -> Dataset:
    """New rows as the train set's, with their own groups, times and weights."""
    like = read_like(source, schema)
    named = [role for role in ("group", "time", "weight") if isinstance(getattr(roles, role), str)]
    if not named or schema.image_shape is not None:
        return like
    table = _opened(source, roles) if isinstance(source, str | Path) else from_memory(source)
    assert isinstance(table, Table)
    return replace(like, **given_only(role_arrays(table, Roles(**{role: getattr(roles, role) for role in named}))))


def _joined(found: list[tuple[int, Dataset]]) -> Dataset:
    first = found[0][1]

    def all_rows(name: str) -> Any:
        arrays = [getattr(one, name) for _, one in found]
        return None if any(values is None for values in arrays) else np.concatenate(arrays)

    columns = {name: np.concatenate([one.columns[name] for _, one in found]) for name in first.columns}
    parts = np.repeat(np.array([part for part, _ in found], dtype=np.int8), [one.rows for _, one in found])
    names = ("pixels", "targets", "weights", "groups", "times")
    return replace(first, columns=columns, parts=parts, **{name: all_rows(name) for name in names})
