"""Light curves from tables and parquet files with one row per light curve, and such tables.

All of them pass through Arrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves.arrays import offsets_of
from sklearn_astromer.light_curves.band_columns import Bands, only_band, refuse_unknown_bands
from sklearn_astromer.light_curves.container import LightCurves
from sklearn_astromer.light_curves.frames import (
    arrow_schema,
    as_arrow,
    column_names,
    holds_lists,
    import_pyarrow,
    unpacked,
)
from sklearn_astromer.light_curves.table_columns import (
    CurveColumns,
    GivenNames,
    choose_columns,
    flat_numbers,
    ids_of,
    list_column,
    looks_long,
)

__all__ = ["from_table", "holds_table", "read_parquet", "split_table", "to_arrow"]


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
    lists = holds_lists(X)
    if lists is not None:
        return lists or looks_long(column_names(X))
    if not hasattr(X, "__arrow_c_stream__"):
        return False
    schema = arrow_schema(X)
    return schema is not None and (
        any(column.type.num_fields > 0 for column in schema) or looks_long(schema.names)
    )


def from_table(table: Any, given: GivenNames, band: Any) -> LightCurves:
    """Read a table with one row per light curve: see :meth:`LightCurves.from_table`."""
    return only_band(*_read_table(table, given, band_needed=band is not None), band)


def split_table(
    table: Any,
    bands: Sequence[Any],
    *,
    time: str | None = None,
    magnitude: str | None = None,
    error: str | None = None,
    nested: str | None = None,
    band_column: str | None = None,
    some_needed: bool = True,
) -> dict[Any, LightCurves]:
    """Read a table with one row per light curve, each band by itself.

    Parameters
    ----------
    table : data frame, astropy table, Arrow table or dict of columns
    bands : sequence
        Names of the bands.
    time, magnitude, error, nested, band_column : str, default=None
        As in :meth:`LightCurves.from_table`.
    some_needed : bool, default=True
        Whether it is an error that the table has none of these bands.

    Returns
    -------
    curves : dict of LightCurves
        For each band as many as the table has rows; without an observation in the band they are
        empty.
    """
    given = GivenNames(time, magnitude, error, nested=nested, band=band_column)
    curves, found = _read_table(table, given, band_needed=True)
    assert found is not None
    split = {band: found.select(curves, band) for band in bands}
    if some_needed and len(curves) and not any(len(part.time) for part in split.values()):
        refuse_unknown_bands(bands, found.present())
    return split


def _read_table(
    table: Any, given: GivenNames, *, band_needed: bool
) -> tuple[LightCurves, Bands | None]:
    roles = ("id", "band") if band_needed else ("id",)
    arrow = as_arrow(unpacked(table), given=(given.id, given.band), roles=roles)
    return _read(arrow, choose_columns(arrow.schema, given, band_needed=band_needed))


def read_parquet(
    path: str | PathLike[str] | Sequence[str | PathLike[str]], given: GivenNames, band: Any
) -> LightCurves:
    """Read parquet files with one row per light curve: see :meth:`LightCurves.read_parquet`."""
    pa = import_pyarrow()
    import pyarrow.parquet as pq

    parts: list[LightCurves] = []
    present: list[Any] = []
    for file in _parquet_files(path):
        try:
            with pq.ParquetFile(file) as reader:
                columns = choose_columns(reader.schema_arrow, given, band_needed=band is not None)
                curves, bands = _read(reader.read(columns=leaf_columns(reader, columns)), columns)
            if band is None or bands is None:
                parts.append(only_band(curves, bands, None))
            else:
                # A file may have nothing of the band as long as another one has.
                parts.append(bands.select(curves, band))
                present += [band] if len(parts[-1].time) else bands.present()
        except (ValueError, TypeError, pa.ArrowException) as problem:
            kind = TypeError if isinstance(problem, TypeError) else LightCurveError
            raise kind(f"{file}: {problem}") from problem
    if band is not None:
        refuse_unknown_bands([band], present)
    return parts[0] if len(parts) == 1 else LightCurves.concatenate(parts)


def leaf_columns(reader: Any, columns: CurveColumns) -> list[str]:
    """Name what has to be read of a Parquet file, which stores each field of a column on its own.

    Parameters
    ----------
    reader : pyarrow.parquet.ParquetFile
        The file.
    columns : CurveColumns
        What is needed.

    Returns
    -------
    names : list of str
        Columns, or paths of fields of the nested one.
    """
    plain = [name for name in (columns.id, columns.band_of_curve) if name is not None]
    wanted = {*columns.fields, *([] if columns.band is None else [columns.band])}
    if columns.nested is None:
        return [*wanted, *plain]
    leaves = plain
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
    # A folder of parts may itself be called x.parquet; what begins so is not data, as for Spark.
    files = sorted(
        file
        for file in place.rglob("*.parquet")
        if file.is_file()
        and not any(part.startswith(("_", ".")) for part in file.relative_to(place).parts)
    )
    if not files:
        raise FileNotFoundError(f"the folder {place} holds no *.parquet files.")
    return files


def _read(arrow: Any, columns: CurveColumns) -> tuple[LightCurves, Bands | None]:
    fields = [*columns.fields, *([] if columns.band is None else [columns.band])]
    nested = columns.nested is not None
    lists = [
        list_column(arrow.column(columns.nested if nested else name), name, nested)
        for name in fields
    ]
    first = lists[0]
    for other in lists[1:]:
        differ = first.lengths != other.lengths
        if differ.any():
            row = int(differ.argmax())
            raise LightCurveError(
                f"light curve {row} (row {row}): {first.name!r} has {first.lengths[row]} values "
                f"but {other.name!r} has {other.lengths[row]}; they must be of the same length."
            )
    flat = [
        flat_numbers(part.chunks, np.float32 if position else np.float64, part.name)
        for position, part in enumerate(lists[: len(columns.fields)])
    ]
    ids = None if columns.id is None else ids_of(arrow.column(columns.id), columns.id)
    curves = LightCurves(*flat, offsets=offsets_of(first.lengths), ids=ids)
    bands = None
    if columns.band is not None:
        bands = Bands(lists[-1].chunks)
    elif columns.band_of_curve is not None:
        rows = np.repeat(np.arange(len(curves)), first.lengths)
        bands = Bands(arrow.column(columns.band_of_curve).chunks, rows)
    return curves, bands


def to_arrow(curves: LightCurves) -> Any:
    """Make a table with one row per light curve: see :meth:`LightCurves.to_arrow`."""
    pa = import_pyarrow()
    columns = {}
    if curves.ids is not None:
        try:
            columns["id"] = pa.array(curves.ids)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as problem:
            raise LightCurveError(
                f"the ids cannot be a column of a table ({problem}); give ids of one type by "
                "with_ids."
            ) from problem
    for name in ("time", "magnitude", "error"):
        values = getattr(curves, name)
        if values is not None:
            columns[name] = pa.LargeListArray.from_arrays(curves.offsets, values)
    return pa.table(columns)
