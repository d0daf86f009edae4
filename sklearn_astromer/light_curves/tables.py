"""Light curves from data frames, Arrow, long tables and parquet files.

All of them pass through Arrow. ``pyarrow``, and whichever library a table comes from, is imported
only when a table is there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from sklearn_astromer.light_curves.arrays import as_flat_numbers, offsets_of
from sklearn_astromer.light_curves.container import LightCurves
from sklearn_astromer.light_curves.table_columns import (
    CurveColumns,
    choose_columns,
    close_match,
    flat_numbers,
    ids_of,
    list_column,
    looks_long,
    plain_values,
    refuse_missing_ids,
    usually_called,
)

__all__ = ["from_long", "from_table", "holds_table", "read_parquet"]


def holds_table(X: Any) -> bool:
    """Tell whether `X` is a table of light curves.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        True for a data frame or Arrow table with columns of lists or structs. True as well where
        the columns are plain but called like times and magnitudes: a long table that would
        otherwise pass for a grid of magnitudes. False for other tables, and for all else.
    """
    if isinstance(X, type):
        return False
    if _is_pandas(X):
        return any(_lists_in_pandas(X)) or looks_long(_names(X))
    if _is_polars(X):
        return any(kind.is_nested() for kind in X.dtypes) or looks_long(X.columns)
    if not hasattr(X, "__arrow_c_stream__"):
        return False
    schema = _arrow_schema(X)
    return schema is not None and (
        any(column.type.num_fields > 0 for column in schema) or looks_long(schema.names)
    )


def from_table(
    table: Any,
    time: str | None = None,
    magnitude: str | None = None,
    error: str | None = None,
    id: str | None = None,  # noqa: A002 - the column is called so by everybody
    nested: str | None = None,
) -> LightCurves:
    """Read a table with one row per light curve: see :meth:`LightCurves.from_table`."""
    arrow = _as_arrow(table, id)
    columns = choose_columns(arrow.schema, time, magnitude, error, id, nested)
    return _light_curves(arrow, columns)


def from_long(
    table: Any,
    id: str = "id",  # noqa: A002 - the column is called so by everybody
    time: str = "time",
    magnitude: str = "magnitude",
    error: str | None = None,
) -> LightCurves:
    """Group a table with one row per observation: see :meth:`LightCurves.from_long`."""
    names = [id, time, magnitude] + ([] if error is None else [error])
    columns = _long_columns(table, names)
    refuse_missing_ids(columns[id], id)
    # Numbers the ids in the order of their first appearance.
    values = plain_values(columns[id]).combine_chunks().dictionary_encode()
    curve_of_row = values.indices.to_numpy(zero_copy_only=False)
    n_curves = len(values.dictionary)
    flat = [
        flat_numbers(columns[name].chunks, np.float32 if position else np.float64, name)
        for position, name in enumerate(names[1:])
    ]
    if (np.diff(curve_of_row) < 0).any():
        order = _rows_by_curve(curve_of_row, n_curves)
        flat = [column[order] for column in flat]
    return LightCurves(
        *flat,
        offsets=offsets_of(np.bincount(curve_of_row, minlength=n_curves)),
        ids=values.dictionary.to_numpy(zero_copy_only=False),
    )


def _rows_by_curve(
    curve_of_row: npt.NDArray[np.integer[Any]], n_curves: int
) -> npt.NDArray[np.integer[Any]]:
    # A stable sort in linear time, several times faster than numpy's: going from columns to rows,
    # the sparse matrix with a one for each (curve, row) lists the rows of each curve in order.
    n_rows = len(curve_of_row)
    ones = np.ones(n_rows, np.bool_)
    marks = sparse.csc_array((ones, curve_of_row, np.arange(n_rows + 1)), shape=(n_curves, n_rows))
    return np.asarray(marks.tocsr().indices)


def read_parquet(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
    time: str | None = None,
    magnitude: str | None = None,
    error: str | None = None,
    id: str | None = None,  # noqa: A002 - the column is called so by everybody
    nested: str | None = None,
) -> LightCurves:
    """Read parquet files with one row per light curve: see :meth:`LightCurves.read_parquet`."""
    pa = _pyarrow()
    import pyarrow.parquet as pq

    parts = []
    for file in _parquet_files(path):
        try:
            with pq.ParquetFile(file) as reader:
                columns = choose_columns(reader.schema_arrow, time, magnitude, error, id, nested)
                arrow = reader.read(columns=_leaves(reader, columns))
            parts.append(_light_curves(arrow, columns))
        except (ValueError, TypeError, pa.ArrowException) as problem:
            kind = TypeError if isinstance(problem, TypeError) else ValueError
            raise kind(f"{file}: {problem}") from problem
    return parts[0] if len(parts) == 1 else LightCurves.concatenate(parts)


def _leaves(reader: Any, columns: CurveColumns) -> list[str]:
    # Parquet stores each field of a nested column on its own, so only those needed are read.
    wanted = set(columns.fields)
    if columns.nested is None:
        return [*wanted, *([] if columns.id is None else [columns.id])]
    leaves = [] if columns.id is None else [columns.id]
    for position in range(len(reader.schema)):
        path = reader.schema.column(position).path
        top, *inner = path.split(".")
        if top == columns.nested and wanted.intersection((inner[0], inner[-1])):
            leaves.append(path)
    return leaves


def _parquet_files(
    path: str | PathLike[str] | Sequence[str | PathLike[str]],
) -> list[Path]:
    if not isinstance(path, str | PathLike):
        return [file for part in path for file in _parquet_files(part)]
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"there is no file or folder {place}.")
    if place.is_file():
        return [place]
    files = sorted(
        file for file in place.rglob("*.parquet") if not file.name.startswith(("_", "."))
    )
    if not files:
        raise FileNotFoundError(f"the folder {place} holds no *.parquet files.")
    return files


def _light_curves(arrow: Any, columns: CurveColumns) -> LightCurves:
    source = columns.nested is not None
    lists = [
        list_column(arrow.column(columns.nested if source else name), name, source)
        for name in columns.fields
    ]
    first = lists[0]
    for other in lists[1:]:
        differ = first.lengths != other.lengths
        if differ.any():
            row = int(differ.argmax())
            raise ValueError(
                f"light curve {row} (row {row}): {first.name!r} has {first.lengths[row]} values "
                f"but {other.name!r} has {other.lengths[row]}; they must be of the same length."
            )
    flat = [
        flat_numbers(part.chunks, np.float32 if position else np.float64, part.name)
        for position, part in enumerate(lists)
    ]
    ids = None if columns.id is None else ids_of(arrow.column(columns.id), columns.id)
    return LightCurves(*flat, offsets=offsets_of(first.lengths), ids=ids)


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError as missing:
        raise ImportError(
            "reading tables needs pyarrow; install it with\n"
            '    pip install "sklearn-astromer[tables]"'
        ) from missing
    return pa


def _is_pandas(X: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame)


def _is_polars(X: Any) -> bool:
    polars = sys.modules.get("polars")
    return polars is not None and isinstance(X, polars.DataFrame)


def _names(frame: Any) -> list[str]:
    return [str(name) for name in frame.columns]


def _arrow_schema(X: Any) -> Any:
    # Tables of pyarrow know their schema, others tell it without giving away a row.
    pa = _pyarrow()
    schema = getattr(X, "schema", None)
    if isinstance(schema, pa.Schema):
        return schema
    return pa.schema(X) if hasattr(X, "__arrow_c_schema__") else None


def _is_list_like(value: Any) -> bool:
    return isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0


def _lists_in_pandas(frame: Any) -> Iterator[bool]:
    # For each column whether it holds lists or structs, whatever its type is called.
    for position, dtype in enumerate(frame.dtypes):
        arrow_type = getattr(dtype, "pyarrow_dtype", None)
        if arrow_type is not None:
            yield arrow_type.num_fields > 0
        elif dtype.kind == "O" and isinstance(dtype, np.dtype):
            cells = frame.iloc[:, position].array
            yield _is_list_like(next((cell for cell in cells if cell is not None), None))
        else:
            yield False


def _as_arrow(table: Any, id_column: str | None) -> Any:
    pa = _pyarrow()
    if isinstance(table, pa.Table):
        arrow = table
    elif isinstance(table, pa.RecordBatch):
        arrow = pa.Table.from_batches([table])
    elif _is_pandas(table):
        arrow = _arrow_of_pandas(table, id_column)
    elif _is_polars(table):
        arrow = table.to_arrow()
    elif isinstance(table, Mapping):
        arrow = pa.table({str(name): _arrow_column(table[name], str(name)) for name in table})
    elif hasattr(table, "__arrow_c_stream__"):
        arrow = pa.table(table)
    else:
        raise TypeError(
            f"a {type(table).__name__} is not a table; give a data frame of pandas, nested-pandas "
            "or polars (a LazyFrame after collect()), or an Arrow table."
        )
    if len(set(arrow.column_names)) < len(arrow.column_names):
        raise ValueError(f"column names must differ; they are {arrow.column_names}.")
    return arrow


def _arrow_of_pandas(frame: Any, id_column: str | None) -> Any:
    # Only lists and ids are converted: other columns may hold what Arrow does not know.
    pa = _pyarrow()
    frame = _with_named_index(frame)
    columns = []
    for position, (name, lists) in enumerate(
        zip(_names(frame), _lists_in_pandas(frame), strict=True)
    ):
        if lists or name == id_column or usually_called("id", [name]):
            columns.append(_arrow_column(frame.iloc[:, position], name))
        else:
            columns.append(pa.chunked_array([pa.nulls(len(frame))]))
    return pa.Table.from_arrays(columns, names=_names(frame))


def _with_named_index(frame: Any) -> Any:
    # An index with a name is a column that the user set aside: the ids, mostly.
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(levels) if levels else frame


def _arrow_column(values: Any, name: str) -> Any:
    """Return a column of a data frame or dict as a chunked Arrow array."""
    pa = _pyarrow()
    dtype = getattr(values, "dtype", None)
    numpy_dtype = dtype if isinstance(dtype, np.dtype) else None
    objects = isinstance(values, list | tuple) or (numpy_dtype and numpy_dtype.kind == "O")
    if objects or getattr(values, "ndim", 1) == 2:
        values = _arrow_cells(list(values), name)
    elif numpy_dtype and not numpy_dtype.isnative:
        # FITS files are big-endian, which Arrow does not read.
        values = np.asarray(values).astype(numpy_dtype.newbyteorder("="))
    if hasattr(values, "__arrow_c_stream__"):
        return pa.chunked_array(values)
    column = pa.array(values, from_pandas=True)
    return column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])


def _arrow_cells(cells: list[Any], name: str) -> Any:
    # numpy joins arrays several times faster than Arrow, and knows the row that does not fit.
    pa = _pyarrow()
    known = next((cell for cell in cells if not _is_missing(cell)), None)
    filled = next((cell for cell in cells if _is_list_like(cell) and len(cell)), [0.0])
    if not _is_list_like(known) or isinstance(next(iter(filled)), dict):
        return pa.array(cells, from_pandas=True)
    arrays = [_cell(cell, f"light curve {row}, column {name!r}") for row, cell in enumerate(cells)]
    lengths = np.fromiter(map(len, arrays), np.int64, len(arrays))
    return pa.LargeListArray.from_arrays(offsets_of(lengths), np.concatenate(arrays))


def _is_missing(cell: Any) -> bool:
    # pandas writes what is missing as None, NaN or its own NA.
    if cell is None or type(cell).__name__ == "NAType":
        return True
    return isinstance(cell, float) and bool(np.isnan(cell))


def _cell(cell: Any, where: str) -> npt.NDArray[Any]:
    if type(cell) is np.ndarray and cell.ndim == 1 and cell.dtype.kind in "iuf":
        return cell
    if not _is_list_like(cell):
        if _is_missing(cell):
            return np.empty(0, np.float32)
        raise TypeError(f"{where}: is a {type(cell).__name__}; expected a list of numbers.")
    if isinstance(cell, list | tuple):
        cell = [np.nan if value is None else value for value in cell]
    return as_flat_numbers(cell, np.float64, where)


def _long_columns(table: Any, names: Sequence[str]) -> dict[str, Any]:
    # Only the columns that are asked for are converted.
    if _is_pandas(table):
        frame = _with_named_index(table)
        known = {name: frame.iloc[:, position] for position, name in enumerate(_names(frame))}
    elif isinstance(table, Mapping):
        known = dict(table)
    else:
        arrow = _as_arrow(table, None)
        known = dict(zip(arrow.column_names, arrow.columns, strict=True))
    for name in names:
        if name not in known:
            raise ValueError(
                f"there is no column {name!r}.{close_match(name, list(known))} The columns are: "
                f"{', '.join(map(repr, known))}."
            )
    columns = {name: _arrow_column(known[name], name) for name in names}
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name!r}: {len(column)}" for name, column in columns.items())
        raise ValueError(f"the columns of a long table must be of the same length; got {lengths}.")
    return columns
