"""Data frames, astropy tables and dicts on their way into Arrow.

``pyarrow``, and whichever library a table comes from, is imported only when a table is there.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves.arrays import (
    NOT_NUMBERS,
    as_flat_numbers,
    dimensions,
    offsets_of,
)
from sklearn_astromer.light_curves.astropy_columns import is_astropy_table, plain_column
from sklearn_astromer.light_curves.table_columns import usually_called

__all__ = [
    "arrow_column",
    "arrow_schema",
    "as_arrow",
    "column_names",
    "holds_lists",
    "import_pyarrow",
    "is_missing",
    "is_polars",
    "plain_columns",
    "refuse_column_types",
    "unpacked",
]


# How the names of types begin in pandas and polars, and what numpy calls these types.
KINDS = {
    "bool": "b",
    "date": "M",
    "timestamp": "M",
    "timedelta": "m",
    "duration": "m",
    "str": "U",
}


def import_pyarrow() -> Any:
    """Return pyarrow, or say how to install it."""
    try:
        import pyarrow as pa
    except ImportError as missing:
        raise ImportError(
            "reading tables needs pyarrow; install it with\n"
            '    pip install "sklearn-astromer[tables]"'
        ) from missing
    return pa


def _is_a(X: Any, library: str, name: str) -> bool:
    # What a library made is here only if the library was imported.
    module = sys.modules.get(library)
    return module is not None and isinstance(X, getattr(module, name, ()))


def is_pandas(X: Any) -> bool:
    """Tell whether `X` is a data frame of pandas (or of nested-pandas)."""
    return _is_a(X, "pandas", "DataFrame")


def is_polars(X: Any) -> bool:
    """Tell whether `X` is a data frame of polars."""
    return _is_a(X, "polars", "DataFrame")


def column_names(frame: Any) -> list[str]:
    """Return the names of the columns of a data frame or astropy table as strings."""
    return [str(name) for name in frame.columns]


def refuse_column_types(frame: Any) -> None:
    """Raise a TypeError if a column of a data frame would become numbers that mean something else.

    scikit-learn makes numbers of booleans and dates, and numpy makes objects of whole frames.
    """
    if not (is_pandas(frame) or is_polars(frame)):
        return
    for name, dtype in zip(column_names(frame), frame.dtypes, strict=True):
        for begins, kind in KINDS.items():
            if str(dtype).lower().startswith(begins):
                raise TypeError(f"column {name!r}: holds {NOT_NUMBERS[kind]}.")


def unpacked(X: Any) -> Any:
    """Make a table, or an array of light curves, of a single column; return all else as it is.

    A ``ColumnTransformer`` hands over a column that is named alone (``"lightcurve"`` rather than
    ``["lightcurve"]``) as a series; Arrow tables give their columns as arrays, chunked or not.
    """
    if (_is_a(X, "pyarrow", "ChunkedArray") or _is_a(X, "pyarrow", "Array")) and X.type.num_fields:
        return import_pyarrow().table({"light curve": X})
    if _is_a(X, "polars", "Series") and X.dtype.is_nested():
        return X.to_frame()
    if _is_a(X, "pandas", "Series") and any(_lists_in_pandas(X.to_frame())):
        X = X.to_frame()
    if is_pandas(X) and X.shape[1] == 1:
        dtype, cells = X.dtypes.iloc[0], X.iloc[:, 0].array
        # Whole light curves, of shape (L, 2) or (L, 3), in the cells.
        objects = isinstance(dtype, np.dtype) and dtype.kind == "O"
        if objects and any(dimensions(cell) >= 2 for cell in cells):
            return np.asarray(cells)
    return X


def arrow_schema(X: Any) -> Any:
    """Return the schema of anything that speaks Arrow, or None."""
    # Tables of pyarrow know their schema, others tell it without giving away a row.
    pa = import_pyarrow()
    schema = getattr(X, "schema", None)
    if isinstance(schema, pa.Schema):
        return schema
    return pa.schema(X) if hasattr(X, "__arrow_c_schema__") else None


def holds_lists(frame: Any) -> bool | None:
    """Tell whether a data frame of pandas or polars, or an astropy table, has columns of lists.

    Returns
    -------
    bool or None
        None where `frame` is none of these.
    """
    if is_pandas(frame):
        return any(_lists_in_pandas(frame))
    if is_polars(frame):
        return any(kind.is_nested() for kind in frame.dtypes)
    if is_astropy_table(frame):
        return any(_lists_in_astropy(frame))
    return None


def _first_is_list(cells: Any) -> bool:
    return dimensions(next((cell for cell in cells if not is_missing(cell)), None)) > 0


def _lists_in_pandas(frame: Any) -> Iterator[bool]:
    # For each column whether it holds lists or structs, whatever its type is called.
    for position, dtype in enumerate(frame.dtypes):
        arrow_type = getattr(dtype, "pyarrow_dtype", None)
        if arrow_type is not None:
            yield arrow_type.num_fields > 0
        elif dtype.kind == "O" and isinstance(dtype, np.dtype):
            yield _first_is_list(frame.iloc[:, position].array)
        else:
            yield False


def _lists_in_astropy(table: Any) -> Iterator[bool]:
    for column in table.itercols():
        objects = getattr(getattr(column, "dtype", None), "kind", "") == "O"
        yield getattr(column, "ndim", 1) == 2 or (objects and _first_is_list(column))


def as_arrow(
    table: Any, given: Collection[str | None] = (), roles: Collection[str] = ("id",)
) -> Any:
    """Convert a table with one row per light curve.

    Parameters
    ----------
    table : data frame, astropy table, Arrow table or dict of columns
    given : collection of str or None, default=()
        Names of columns that are needed besides those of lists.
    roles : collection of str, default=("id",)
        Roles of further columns that are needed if they have a usual name.

    Returns
    -------
    pyarrow.Table
        Columns that are not needed may be null in it.
    """
    pa = import_pyarrow()
    if isinstance(table, pa.Table):
        arrow = table
    elif isinstance(table, pa.RecordBatch):
        arrow = pa.Table.from_batches([table])
    elif is_pandas(table):
        lists = list(_lists_in_pandas(_with_named_index(table)))
        arrow = _arrow_of_columns(plain_columns(table), lists, given, roles)
    elif is_polars(table):
        arrow = table.to_arrow()
    elif is_astropy_table(table):
        lists = list(_lists_in_astropy(table))
        arrow = _arrow_of_columns(plain_columns(table), lists, given, roles)
    elif isinstance(table, Mapping):
        arrow = pa.table({str(name): arrow_column(table[name], str(name)) for name in table})
    elif hasattr(table, "__arrow_c_stream__"):
        arrow = pa.table(table)
    else:
        raise TypeError(
            f"a {type(table).__name__} is not a table; give a data frame of pandas, nested-pandas "
            "or polars (a LazyFrame after collect()), an astropy table, or an Arrow table."
        )
    if len(set(arrow.column_names)) < len(arrow.column_names):
        raise LightCurveError(
            f"column names must differ; they are {arrow.column_names}. Rename some."
        )
    return arrow


def plain_columns(table: Any) -> list[tuple[str, Any]]:
    """Return names and columns of a data frame of pandas (its index too), astropy table or dict."""
    if is_pandas(table):
        frame = _with_named_index(table)
        return [(name, frame.iloc[:, at]) for at, name in enumerate(column_names(frame))]
    if is_astropy_table(table):
        return [(name, table[name]) for name in table.colnames]
    return [(str(name), table[name]) for name in table]


def _arrow_of_columns(
    columns: list[tuple[str, Any]],
    lists: list[bool],
    given: Collection[str | None],
    roles: Collection[str],
) -> Any:
    # Only what is needed is converted: other columns may hold what Arrow does not know.
    pa = import_pyarrow()
    arrays = [
        arrow_column(column, name)
        if of_lists or name in given or any(usually_called(role, [name]) for role in roles)
        else pa.chunked_array([pa.nulls(len(column))])
        for (name, column), of_lists in zip(columns, lists, strict=True)
    ]
    return pa.Table.from_arrays(arrays, names=[name for name, _ in columns])


def _with_named_index(frame: Any) -> Any:
    # An index with a name is a column that the user set aside: the ids, mostly.
    levels = [name for name in frame.index.names if name is not None and name not in frame.columns]
    return frame.reset_index(levels) if levels else frame


def arrow_column(values: Any, name: str) -> Any:
    """Return a column of a data frame, astropy table or dict as a chunked Arrow array."""
    pa = import_pyarrow()
    values = plain_column(values)
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
    pa = import_pyarrow()
    known = next((cell for cell in cells if not is_missing(cell)), None)
    filled = next((cell for cell in cells if dimensions(cell) and len(cell)), [0.0])
    value = next((value for value in filled if value is not None), 0.0)
    if not dimensions(known) or isinstance(value, dict | str | bytes):
        # An empty array of another type would not fit among arrays of strings.
        cells = [cell.tolist() if isinstance(cell, np.ndarray) else cell for cell in cells]
        return pa.array(cells, from_pandas=True)
    arrays = [_cell(cell, f"light curve {row}, column {name!r}") for row, cell in enumerate(cells)]
    lengths = np.fromiter(map(len, arrays), np.int64, len(arrays))
    return pa.LargeListArray.from_arrays(offsets_of(lengths), np.concatenate(arrays))


def is_missing(cell: Any) -> bool:
    """Tell whether a cell or label is None, NaN or the NA of pandas."""
    if cell is None or type(cell).__name__ == "NAType":
        return True
    return isinstance(cell, float) and bool(np.isnan(cell))


def _cell(cell: Any, where: str) -> npt.NDArray[Any]:
    if type(cell) is np.ndarray and cell.ndim == 1 and cell.dtype.kind in "iuf":
        return cell
    if dimensions(cell) >= 2:
        raise LightCurveError(
            f"{where}: holds a whole light curve, where a column holds the times, say, of each. "
            "Give this column alone, as a frame of one column."
        )
    if not dimensions(cell):
        if is_missing(cell):
            return np.empty(0, np.float32)
        raise TypeError(f"{where}: is a {type(cell).__name__}; expected a list of numbers.")
    if isinstance(cell, list | tuple):
        cell = [np.nan if value is None else value for value in cell]
    return as_flat_numbers(cell, np.float64, where)
