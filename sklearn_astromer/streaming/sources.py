"""Where light curves are streamed from: Parquet files, row group by row group, or an Arrow reader.

Nothing is ever held of a source but the few rows that are being read, and the footers' summary.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from sklearn_astromer.errors import AstromerError, LightCurveError, ParameterError
from sklearn_astromer.light_curves.frames import import_pyarrow
from sklearn_astromer.light_curves.table_columns import (
    CurveColumns,
    GivenNames,
    choose_columns,
)
from sklearn_astromer.light_curves.tables import leaf_columns

# Of each column at once, so that even a file that is one single row group is read bit by bit.
BUFFER_BYTES = 1 << 20
# The last bytes of a Parquet file: the length of its footer, and "PAR1".
TAIL_BYTES = 8
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Piece:
    """Consecutive rows that were read together.

    Parameters
    ----------
    table : pyarrow.Table
        The needed columns.
    place : str
        File and row group, or batch of a reader, for error messages.
    first_row : int
        Where the rows begin in the file or batch.
    """

    table: Any
    place: str
    first_row: int

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def part(self, first: int, last: int) -> Piece:
        """Give the rows from `first` to before `last`, without copying them."""
        table = self.table.slice(first, last - first)
        return replace(self, table=table, first_row=self.first_row + first)

    def name(self, row: int) -> str:
        """Say where a row is, for an error message."""
        return f"{self.place}, row {self.first_row + row}"


class Source(Protocol):
    """What is streamed: its columns, its size if it is known, and its rows in order."""

    columns: CurveColumns
    id_type: Any
    n_rows: int | None
    described: list[dict[str, Any]] | None

    def pieces(self, first_row: int, batch_rows: int) -> Iterator[Piece]:
        """Read the rows from `first_row` on, at most `batch_rows` at once if that is possible."""


class File(NamedTuple):
    """One Parquet file: where it is, and the columns that stand in the names of its folders."""

    path: str
    filesystem: Any
    keys: dict[str, Any]


class ParquetSource:
    """Parquet files, one after another.

    Parameters
    ----------
    files : list of File
    given : GivenNames
        Names of columns that the user gives.
    band_needed : bool
        Whether there must be a column of bands.

    Raises
    ------
    LightCurveError, OSError
        If a file cannot be read or has other columns than the first one; the message names it.
    """

    def __init__(self, files: list[File], given: GivenNames, *, band_needed: bool) -> None:
        self.files = files
        self.described: list[dict[str, Any]] | None = []
        self.n_rows: int | None = 0
        first = None
        for file in files:
            try:
                with file.filesystem.open_input_file(file.path) as opened:
                    self.described.append(_description(file, opened))
                    schema = _whole_schema(_parquet(opened).schema_arrow, file.keys)
                # Files without rows are often without types too.
                if not self.described[-1]["rows"]:
                    continue
                columns = _choose(schema, given, band_needed)
            except Exception as problem:
                raise _named(file.path, problem) from problem
            self.n_rows += self.described[-1]["rows"]
            if first is None:
                first, self.columns, self.id_type = file, columns, _id_type(schema, columns)
            else:
                _refuse_other_columns(first, self.columns, file, columns)

    def pieces(self, first_row: int, batch_rows: int) -> Iterator[Piece]:
        """Read the rows from `first_row` on; row groups before it are not even opened."""
        before = 0
        for file, described in zip(self.files, self.described or (), strict=True):
            after = before + described["rows"]
            if after > first_row:
                yield from self._of_file(file, described, max(first_row - before, 0), batch_rows)
            before = after

    def _of_file(
        self, file: File, described: dict[str, Any], first_row: int, batch_rows: int
    ) -> Iterator[Piece]:
        place = file.path
        try:
            with file.filesystem.open_input_file(file.path) as opened:
                if _description(file, opened) != described:
                    raise LightCurveError(
                        "the file was changed while it was being read; leave it alone, and call "
                        "again."
                    )
                parquet = _parquet(opened)
                row = 0
                for group in range(parquet.num_row_groups):
                    place = f"{file.path}, row group {group}"
                    n_rows = parquet.metadata.row_group(group).num_rows
                    if row + n_rows > first_row:
                        for piece in self._of_group(parquet, file, group, row, batch_rows):
                            skipped = max(first_row - piece.first_row, 0)
                            if skipped < len(piece):
                                yield piece.part(skipped, len(piece))
                    row += n_rows
        except Exception as problem:
            raise _named(place, problem) from problem

    def _of_group(
        self, parquet: Any, file: File, group: int, row: int, batch_rows: int
    ) -> Iterator[Piece]:
        pa = import_pyarrow()
        names = [
            name
            for name in leaf_columns(parquet, self.columns)
            if "." in name or name in parquet.schema_arrow.names
        ]
        for batch in parquet.iter_batches(batch_rows, row_groups=[group], columns=names):
            table = pa.Table.from_batches([batch])
            for name in (self.columns.id, self.columns.band_of_curve):
                if name is not None and name not in table.column_names:
                    value = pa.repeat(_key_scalar(file.keys[name]), table.num_rows)
                    table = table.append_column(name, value)
            yield Piece(table, f"{file.path}, row group {group}", row)
            row += table.num_rows


class ReaderSource:
    """The batches of an Arrow reader, which can be read once.

    Parameters
    ----------
    reader : pyarrow.RecordBatchReader
    given, band_needed
        As of `ParquetSource`.
    """

    n_rows: int | None = None
    described: list[dict[str, Any]] | None = None

    def __init__(self, reader: Any, given: GivenNames, *, band_needed: bool) -> None:
        self.reader = reader
        self.columns = _choose(reader.schema, given, band_needed)
        self.id_type = _id_type(reader.schema, self.columns)

    def pieces(self, first_row: int, batch_rows: int) -> Iterator[Piece]:
        """Read all rows; the reader decides how many at once."""
        pa = import_pyarrow()
        columns = self.columns
        observed = columns.fields if columns.nested is None else [columns.nested]
        if columns.nested is None and columns.band is not None:
            observed = [*observed, columns.band]
        plain = [name for name in (columns.id, columns.band_of_curve) if name is not None]
        for number, batch in enumerate(self.reader):
            table = pa.Table.from_batches([batch]).select([*observed, *plain])
            yield Piece(table, f"batch {number} of the reader", 0)


def open_source(source: Any, given: GivenNames, *, band_needed: bool) -> Source:
    """Make ready to stream whatever holds light curves.

    Parameters
    ----------
    source : path, list of paths, pyarrow.dataset.Dataset or Arrow reader
        See `transform_parquet`.
    given : GivenNames
        Names of columns that the user gives.
    band_needed : bool
        Whether there must be a column of bands.

    Returns
    -------
    source : Source

    Raises
    ------
    FileNotFoundError
        If there is nothing at a path.
    LightCurveError, OSError
        If a file cannot be read, or its columns are not found.
    TypeError
        If `source` is none of these.
    """
    import_pyarrow()
    import pyarrow.dataset as ds

    if isinstance(source, ds.Dataset):
        return ParquetSource(_files_of_dataset(source), given, band_needed=band_needed)
    if hasattr(source, "__arrow_c_stream__"):
        pa = import_pyarrow()
        reader = pa.RecordBatchReader.from_stream(source)
        return ReaderSource(reader, given, band_needed=band_needed)
    return ParquetSource(_files_of_paths(paths_of(source)), given, band_needed=band_needed)


def paths_of(source: Any) -> list[Path]:
    """Give the paths in a source, as absolute ones; none where it is no path nor a list of them."""
    if isinstance(source, str | PathLike):
        return [Path(source).absolute()]
    if isinstance(source, list | tuple) and all(isinstance(s, str | PathLike) for s in source):
        return [Path(path).absolute() for path in source]
    return []


def in_batches(pieces: Iterator[Piece], batch_rows: int) -> Iterator[list[Piece]]:
    """Cut pieces, and put them together, so that each batch but the last has `batch_rows` rows."""
    batch: list[Piece] = []
    room = batch_rows
    for piece in pieces:
        first = 0
        while first < len(piece):
            last = min(first + room, len(piece))
            batch.append(piece.part(first, last))
            room -= last - first
            first = last
            if not room:
                yield batch
                batch, room = [], batch_rows
    if batch:
        yield batch


def _files_of_paths(paths: Sequence[Path]) -> list[File]:
    import pyarrow.fs as fs

    if not paths:
        raise TypeError(
            "source must be a Parquet file, a folder of them, a list of files, a "
            "pyarrow.dataset.Dataset or an Arrow reader."
        )
    found = [file for path in paths for file in _files_at(path)]
    keys = [
        {name: unquote(value) for name, is_key, value in parts if is_key}
        for parts in ((part.partition("=") for part in file.parts[:-1]) for file in found)
    ]
    # A key is a number if it is one in every file.
    values = [(name, value) for of_file in keys for name, value in of_file.items()]
    texts = {name for name, value in values if value != NO_VALUE and not _is_integer(value)}
    typed: list[dict[str, Any]] = [
        {
            name: None if value == NO_VALUE else value if name in texts else int(value)
            for name, value in of_file.items()
        }
        for of_file in keys
    ]
    local = fs.LocalFileSystem()
    return [File(str(file), local, of_file) for file, of_file in zip(found, typed, strict=True)]


def _files_at(place: Path) -> list[Path]:
    if not place.exists():
        raise FileNotFoundError(f"there is no file or folder {place}.")
    if place.is_file():
        return [place]
    # What begins so is what other programs put aside.
    files = sorted(
        file
        for file in place.rglob("*.parquet")
        if file.is_file()
        and not any(part.startswith(("_", ".")) for part in file.relative_to(place).parts)
    )
    if not files:
        raise FileNotFoundError(f"the folder {place} holds no *.parquet files.")
    return files


def _files_of_dataset(dataset: Any) -> list[File]:
    import pyarrow.dataset as ds

    files = []
    for fragment in dataset.get_fragments():
        if not isinstance(fragment, ds.ParquetFileFragment):
            raise TypeError(
                "source is a dataset, but not one of Parquet files; give its reader instead, "
                "which cannot be resumed: dataset.scanner().to_reader()."
            )
        keys = ds.get_partition_keys(fragment.partition_expression)
        files.append(File(fragment.path, fragment.filesystem, keys))
    if not files:
        raise LightCurveError("source is a dataset without files; give one that has some.")
    return files


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _key_scalar(value: Any) -> Any:
    pa = import_pyarrow()
    return pa.scalar(value, pa.string() if value is None else None)


def _parquet(opened: Any) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetFile(opened, pre_buffer=False, buffer_size=BUFFER_BYTES)


def _description(file: File, opened: Any) -> dict[str, Any]:
    # The footer tells sizes, places and extremes of all columns: it changes with the content.
    size = opened.size()
    rows = _parquet(opened).metadata.num_rows
    length = int.from_bytes(opened.read_at(4, size - TAIL_BYTES), "little")
    footer = opened.read_at(length, size - TAIL_BYTES - length)
    digest = hashlib.sha256(footer).hexdigest()
    return {"path": file.path, "bytes": size, "rows": rows, "footer": digest}


def _whole_schema(schema: Any, keys: dict[str, Any]) -> Any:
    pa = import_pyarrow()
    for name, value in keys.items():
        if name not in schema.names:
            schema = schema.append(pa.field(name, _key_scalar(value).type))
    return schema


def _choose(schema: Any, given: GivenNames, band_needed: bool) -> CurveColumns:
    try:
        return choose_columns(schema, given, band_needed=band_needed)
    except ValueError as problem:
        kind = type(problem) if isinstance(problem, AstromerError) else LightCurveError
        raise kind(f"{problem} In transform_parquet, columns={{...}} names them.") from None


def _id_type(schema: Any, columns: CurveColumns) -> Any:
    pa = import_pyarrow()
    if columns.id is None:
        return None
    kind = schema.field(columns.id).type
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _refuse_other_columns(
    first: File, wanted: CurveColumns, file: File, found: CurveColumns
) -> None:
    for role, one, other in zip(CurveColumns._fields, wanted, found, strict=True):
        if one != other:
            raise LightCurveError(
                f"{file.path}: {role} is in {_column(other)}, but in {first.path} it is in "
                f"{_column(one)}. Name the columns that all files have, with columns=..., or "
                "stream the files in two calls."
            )


def _column(name: str | None) -> str:
    return "no column" if name is None else f"column {name!r}"


def _named(place: str, problem: Exception) -> Exception:
    kinds = (ParameterError, TypeError, OSError)
    kind = next((kind for kind in kinds if isinstance(problem, kind)), LightCurveError)
    return kind(f"{place}: {problem}")
