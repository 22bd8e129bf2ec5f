"""What is in memory becomes a table or pixels: data frames, arrays, dictionaries of columns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from caviar.data.table import Cells, Table
from caviar.data.values import days
from caviar.errors import DataError


@dataclass(frozen=True)
class Pixels:
    """Images in memory with what belongs to them.

    Args:
        name: for people.
        pixels: uint8 [N, height, width, channels].
        labels: the targets, None where there are none.
        parts: int8 [N], None where no set is given.
        notes: sentences.
    """

    name: str
    pixels: np.ndarray
    labels: Cells | None = None
    parts: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def from_memory(source: Any, name: str = "data") -> Table | Pixels:
    """A table or images from a pair (X, y), an array, a data frame, or a dictionary of columns.

    Raises:
        DataError: the source is none of these, or its parts do not fit together.
    """
    if isinstance(source, tuple) and len(source) == 2:
        inputs = from_memory(source[0], name)
        return inputs if source[1] is None else with_target(inputs, source[1])
    if isinstance(source, Mapping):
        return columns_of(source, name)
    if isinstance(source, list):
        source = _from_list(source)
    if not isinstance(source, np.ndarray) and hasattr(source, "toarray"):
        raise DataError("A sparse matrix is not read as it is. Give X.toarray().")
    if isinstance(source, np.ndarray):
        return from_array(source, name)
    frame = _as_frame(source)
    if frame is not None:
        return from_frame(frame, name)
    if hasattr(source, "__array__"):
        return from_array(np.asarray(source), name)
    raise DataError(
        f"A {type(source).__name__} cannot be read. Give a path, a data frame, an array, or a pair (X, y) of arrays."
    )


def _from_list(source: list[Any]) -> Any:
    """A list of rows: as an array, or as a frame where each row is a dictionary."""
    import polars

    try:
        if source and all(isinstance(row, Mapping) for row in source):
            return polars.DataFrame(source, infer_schema_length=None)
        return np.asarray(source)
    except (TypeError, ValueError, polars.exceptions.PolarsError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"The list cannot be read as rows ({reason}). Give rows of one length.") from None


def _as_frame(source: Any) -> Any:
    import narwhals

    try:
        frame = narwhals.from_native(source)
    except TypeError:
        return None
    except ValueError as error:
        if "unique" in str(error) or "duplicate" in str(error).lower():
            raise DataError(
                "The data frame names a column more than once. Give every column a name of its own."
            ) from None
        raise DataError(f"The data frame cannot be read ({str(error).splitlines()[0]}).") from None
    return frame.collect() if isinstance(frame, narwhals.LazyFrame) else frame


def from_frame(frame: Any, name: str) -> Table:
    """A table from a narwhals data frame.

    Raises:
        DataError: two columns have one name, or a column holds what is no value.
    """
    try:
        names = [str(column) for column in frame.columns]
        if len(set(names)) < len(names):
            twice = next(column for column in names if names.count(column) > 1)
            raise DataError(f"'{name}' names {twice!r} more than once. Give every column a name of its own.")
        # By position: the labels of a pandas frame may be numbers or pairs, which mean something else in brackets.
        return Table(name, dict(zip(names, map(from_series, frame.iter_columns()), strict=True)))
    except (TypeError, ValueError) as error:
        raise DataError(f"'{name}' cannot be read ({str(error).splitlines()[0]}).") from None


def from_series(series: Any) -> Cells:
    """A column from a narwhals series."""
    import narwhals
    import polars

    kind = series.dtype
    if kind.is_numeric():
        return Cells("number", _finite(series.cast(narwhals.Float64).fill_null(float("nan")).to_numpy()))
    if kind == narwhals.Boolean:
        return Cells("boolean", _finite(series.cast(narwhals.Float64).fill_null(float("nan")).to_numpy()))
    gaps = series.is_null().to_list()
    values = [None if gap else value for gap, value in zip(gaps, series.to_list(), strict=True)]
    if isinstance(kind, narwhals.Date | narwhals.Datetime):
        return Cells("date", days(polars.Series(values, dtype=polars.Datetime("us"))))
    if kind == narwhals.Duration:
        return Cells("number", _floats([None if value is None else value.total_seconds() for value in values]))
    if isinstance(kind, narwhals.Categorical | narwhals.Enum):
        words = np.empty(len(values), dtype=object)
        words[:] = [None if value is None else str(value) for value in values]
        return Cells("category", words)
    return from_objects(values)


def _floats(values: list[Any]) -> np.ndarray:
    plain = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    plain[~np.isfinite(plain)] = np.nan
    return plain


def from_objects(values: list[Any]) -> Cells:
    """A column from Python values: all booleans, all numbers, or texts that are typed later.

    Raises:
        DataError: a value is a list or another container.
    """
    import polars

    present = [value for value in values if value is not None and value == value]
    if present and all(isinstance(value, bool | np.bool_) for value in present):
        return Cells("boolean", _floats([value if value is not None and value == value else None for value in values]))
    if present and all(isinstance(value, int | float | np.number) for value in present):
        return Cells("number", _floats(values))
    odd = next((value for value in present if isinstance(value, list | tuple | dict | set | np.ndarray)), None)
    if odd is not None:
        raise DataError(
            f"A cell holds a {type(odd).__name__}, which is no single value. Give one number or text a cell."
        )
    texts = [None if value is None or value != value else str(value) for value in values]
    return Cells("text", polars.Series(texts, dtype=polars.String))


def from_array(values: np.ndarray, name: str) -> Table | Pixels:
    """A table [N, D] or images (uint8 [N, height, width] or [N, height, width, channels]).

    Other arrays with more than two axes are laid flat.

    Raises:
        DataError: the array has fewer than two axes or no rows.
    """
    if values.dtype.names:
        return Table(name, {str(field): column_of(values[field]) for field in values.dtype.names})
    if values.ndim < 2:
        raise DataError(
            f"X has shape {values.shape}, but must have rows and columns. Use X.reshape(-1, 1) for one column."
        )
    if not values.size:
        raise DataError(f"X has shape {values.shape}, so it holds nothing. Give at least two rows and one column.")
    if values.dtype == np.uint8 and values.ndim in (3, 4):
        return Pixels(name, np.ascontiguousarray(values if values.ndim == 4 else values[..., None]))
    flat = _unmasked(values).reshape(len(values), -1)
    return Table(name, {f"x{at}": column_of(flat[:, at]) for at in range(flat.shape[1])}, header=False)


def column_of(values: Any) -> Cells:
    """A column from a one-dimensional array, list or series.

    Raises:
        DataError: it has more than one axis or holds complex numbers.
    """
    import narwhals

    series = narwhals.from_native(values, series_only=True, pass_through=True)
    if isinstance(series, narwhals.Series):
        return from_series(series)
    plain = np.asarray(_unmasked(values))
    if plain.ndim == 2 and plain.shape[1] == 1:
        plain = plain[:, 0]
    if plain.ndim != 1:
        raise DataError(f"A column must have one value a row. Got an array of shape {plain.shape}.")
    if plain.dtype.kind == "c":
        raise DataError("Complex numbers are not read. Give real and imaginary part as two columns.")
    if plain.dtype.kind == "b":
        return Cells("boolean", plain.astype(np.float64))
    if plain.dtype.kind in "iuf":
        return Cells("number", _finite(plain))
    if plain.dtype.kind == "m":
        return Cells("number", _finite(plain / np.timedelta64(1, "s")))
    if plain.dtype.kind == "M":
        import polars

        return Cells("date", days(polars.Series(plain.astype("datetime64[us]"))))
    if plain.dtype.kind == "S":
        plain = np.char.decode(plain, "utf-8", "replace")
    return from_objects(plain.tolist())


def _unmasked(values: Any) -> Any:
    """Masked cells as NaN."""
    if not isinstance(values, np.ma.MaskedArray):
        return values
    floats: Any = values.astype(np.float64)
    return floats.filled(np.nan)


def _finite(values: np.ndarray) -> np.ndarray:
    plain = np.array(values, dtype=np.float64)
    plain[~np.isfinite(plain)] = np.nan
    return plain


def with_target(inputs: Table | Pixels, target: Any) -> Table | Pixels:
    """The inputs with an array of targets beside them.

    Raises:
        DataError: the two have different lengths.
    """
    cells = column_of(target)
    rows = len(inputs.pixels) if isinstance(inputs, Pixels) else inputs.rows
    if len(cells) != rows:
        raise DataError(f"X has {rows} rows but the target has {len(cells)}. Give one target a row.")
    if isinstance(inputs, Pixels):
        return replace(inputs, labels=cells)
    table, name = attached(inputs, str(getattr(target, "name", None) or "target"), cells)
    return replace(table, target=name)


def attached(table: Table, name: str, values: Any) -> tuple[Table, str]:
    """The table with one column more, and the name it got (a free one).

    Raises:
        DataError: it has another length.
    """
    cells = values if isinstance(values, Cells) else column_of(values)
    if len(cells) != table.rows:
        raise DataError(f"'{table.name}' has {table.rows} rows but '{name}' has {len(cells)}. Give one value a row.")
    while name in table.cells:
        name += "_"
    return replace(table, cells={**table.cells, name: cells}), name


def columns_of(source: Mapping[Any, Any], name: str) -> Table:
    """A table from named arrays or lists.

    Raises:
        DataError: there are none, or they differ in length.
    """
    if not source:
        raise DataError(f"'{name}' holds no columns. Give at least one input and a target.")
    table = Table(name, {str(key): column_of(values) for key, values in source.items()})
    lengths = {key: len(cells) for key, cells in table.cells.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key}: {length}" for key, length in list(lengths.items())[:5])
        raise DataError(f"The columns of '{name}' differ in length ({listed}). Give one value a row in each.")
    return table
