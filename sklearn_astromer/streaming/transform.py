"""`transform_parquet`: stream light curves through an estimator."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from sklearn_astromer import parameters
from sklearn_astromer.embedder import AstromerEmbedder
from sklearn_astromer.evaluation.fingerprints import fingerprint
from sklearn_astromer.light_curves.frames import import_pyarrow
from sklearn_astromer.light_curves.table_columns import plain_values, refuse_missing_ids
from sklearn_astromer.progress import progress_bar
from sklearn_astromer.running import current_network
from sklearn_astromer.streaming.forms import Form, checked_columns, form_for
from sklearn_astromer.streaming.sources import Piece, Source, in_batches, open_source, paths_of
from sklearn_astromer.streaming.target import Target

FAULTS = (ValueError, TypeError)


def transform_parquet(
    estimator: Any,
    source: Any,
    target: str | Path,
    *,
    columns: Mapping[str, Any] | None = None,
    batch_rows: int = 10_000,
    on_empty: str = "nan",
    dtype: str = "float32",
    verbose: int = 1,
) -> Path:
    """Embed more light curves than fit in memory, from Parquet files to Parquet files.

    Rows are read, embedded and written `batch_rows` at a time, in the order of the source. If the
    process is stopped or killed, the same call goes on where it was, and ends with the same files
    as an undisturbed one. A target that is finished is returned at once; a call whose arguments,
    estimator or files differ from those that the target was begun with is refused. One process
    writes to a target at a time.

    Parameters
    ----------
    estimator : transformer
        Fitted or pre-trained, with `transform` and `get_feature_names_out`: `AstromerEmbedder`,
        `FoldedCurve`, `PeriodFinder`, `BandEmbedder`, or a pipeline or union that begins with them.
    source : path, list of paths, pyarrow.dataset.Dataset or Arrow reader
        One row per light curve, as `LightCurves.from_table` takes it: a Parquet file; a folder,
        whose ``*.parquet`` files are read in the order of their names, those in folders within
        included (``band=g/`` and the like is a column); files in your order; a dataset of Parquet
        files, remote ones too. Or a ``pyarrow.RecordBatchReader``, or what offers such a stream: it
        passes by once and so cannot be resumed, and the target must be new.
    target : str or Path
        Folder to make, or to go on with.
    columns : dict, default=None
        Names of columns that are not called as usual, and the band: ``time``, ``magnitude``,
        ``error``, ``id``, ``nested``, ``band`` and ``band_column``, as in `LightCurves.from_table`.
        For a `BandEmbedder` only ``id``; it has `columns` of its own.
    batch_rows : int, default=10_000
        Light curves that are in memory at once, and rows of a part file. The memory that is needed
        grows with this and with the length of the light curves, not with the source.
    on_empty : {"nan", "raise"}, default="nan"
        What becomes of a light curve without any observation of finite time and magnitude (in the
        band, or in all of the bands of a `BandEmbedder`): its embedding is NaN, and a warning
        counts them; or an error names the first.
    dtype : {"float32", "float64"}, default="float32"
        Of the embeddings in the files.
    verbose : int, default=1
        1 shows a progress bar with light curves per second and the time left, 0 none; see
        `sklearn_astromer.progress`.

    Returns
    -------
    target : Path
        The folder. It holds

        - ``part-00000.parquet``, ``part-00001.parquet`` ...: in the order of the source, columns
          ``row`` (place in the source, counted from 0), ``id`` (as in the source, if it has ids),
          ``n_observations`` (with finite time and magnitude) and ``embedding`` (list of fixed
          size). Each file appears in one step, when it is complete.
        - ``_manifest.json``: the files of the source with their numbers of rows, the arguments, the
          names of the features, and under ``finished`` the numbers of rows, once all are there.

    Raises
    ------
    ValueError
        If a parameter, a file, a column or a light curve is not valid (the message names file, row
        group and row), no light curve has any observation, or the target was begun with something
        else (the message says what).
    TypeError
        If `source` or `estimator` is not of a kind that can be streamed.
    FileNotFoundError, FileExistsError, NotADirectoryError, OSError
        If there is nothing at a path, the target holds other things, or a file cannot be read or
        written.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    ImportError
        If pyarrow is not installed.

    Notes
    -----
    A file of the source is known again by its size and its footer, which holds sizes and extremes
    of all columns.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pyarrow as pa
    >>> import pyarrow.parquet as pq
    >>> from sklearn_astromer import FoldedCurve
    >>> from sklearn_astromer.streaming import transform_parquet
    >>> folder = Path(tempfile.mkdtemp())
    >>> stars = {"id": ["A", "B"], "mjd": [[0.0, 1.2], [0.5]], "mag": [[15.1, 15.3], [12.0]]}
    >>> pq.write_table(pa.table(stars), folder / "stars.parquet")
    >>> done = transform_parquet(
    ...     FoldedCurve(), folder / "stars.parquet", folder / "folded", verbose=0
    ... )
    >>> pq.read_table(done).column_names
    ['row', 'id', 'n_observations', 'embedding']
    """
    import_pyarrow()
    parameters.whole("batch_rows", batch_rows)
    parameters.one_of("on_empty", on_empty, ("nan", "raise"))
    parameters.one_of("dtype", dtype, ("float32", "float64"))
    features = _feature_names(estimator)
    names = checked_columns(columns)
    form = form_for(estimator, names)
    folder = Path(target)
    _refuse_inside(folder, source)
    opened = open_source(source, form.given, band_needed=form.band_needed)
    if opened.n_rows == 0:
        raise ValueError("the source holds no light curves: all of its files have 0 rows.")
    arguments = {
        **_identity(estimator),
        "features": features,
        "columns": names,
        "batch_rows": int(batch_rows),
        "on_empty": on_empty,
        "dtype": dtype,
        "files": opened.described,
    }
    parts = Target(folder, arguments, opened.n_rows, int(batch_rows))
    embed = _Embedding(estimator, form, opened, len(features), on_empty, np.dtype(dtype))
    n_rows, n_empty = _stream(embed, opened, parts, verbose)
    if not n_rows:
        raise ValueError("the source holds no light curves: its reader gave 0 rows.")
    parts.finish(n_rows, n_empty)
    _report_empty(n_rows, n_empty, form)
    return folder


def _stream(embed: _Embedding, source: Source, parts: Target, verbose: int) -> tuple[int, int]:
    """Write all parts that are not there yet; count all rows, and those without observations."""
    done = parts.done()
    n_parts = parts.n_parts
    counts = list(done.values())
    first = next((number for number in range(n_parts or 0) if number not in done), n_parts or 0)
    with progress_bar(
        total=source.n_rows,
        initial=sum(rows for rows, _ in counts),
        desc="transform_parquet",
        unit="curve",
        verbose=verbose,
    ) as bar:
        if n_parts is None or first < n_parts:
            pieces = source.pieces(first * parts.batch_rows, parts.batch_rows)
            for number, batch in enumerate(in_batches(pieces, parts.batch_rows), first):
                if number not in done:
                    table, n_empty = embed(batch, number * parts.batch_rows)
                    parts.write(number, table)
                    counts.append((table.num_rows, n_empty))
                    bar.update(table.num_rows)
    return sum(rows for rows, _ in counts), sum(empty for _, empty in counts)


class _Embedding:
    """Turns a batch of rows of the source into the rows of a part."""

    def __init__(
        self,
        estimator: Any,
        form: Form,
        source: Source,
        n_features: int,
        on_empty: str,
        dtype: np.dtype[Any],
    ) -> None:
        self.estimator = estimator
        self.form = form
        self.source = source
        self.n_features = n_features
        self.on_empty = on_empty
        self.dtype = dtype

    def __call__(self, batch: Sequence[Piece], first_row: int) -> tuple[Any, int]:
        """Embed a batch.

        Returns
        -------
        table : pyarrow.Table
            The rows of the part.
        n_empty : int
            How many have no observation.
        """
        pa = import_pyarrow()
        rows = self.form.join([self._read(piece) for piece in batch])
        n_observations = self.form.n_observations(rows)
        measured = np.flatnonzero(n_observations > 0)
        n_rows = len(n_observations)
        if self.on_empty == "raise" and len(measured) < n_rows:
            raise ValueError(
                f"{_name_of(batch, int(np.argmin(n_observations > 0)))}: the light curve has no "
                'observation with a finite time and magnitude. With on_empty="nan" its embedding '
                "is NaN."
            )
        embedding = np.full((n_rows, self.n_features), np.nan, self.dtype)
        if len(measured):
            embedding[measured] = self._transform(rows, measured, batch)
        columns = {"row": pa.array(np.arange(first_row, first_row + n_rows, dtype=np.int64))}
        if self.source.columns.id is not None:
            columns["id"] = pa.chunked_array([self._ids(piece) for piece in batch])
        columns["n_observations"] = pa.array(n_observations.astype(np.int32))
        columns["embedding"] = pa.FixedSizeListArray.from_arrays(
            pa.array(embedding.ravel()), self.n_features
        )
        return pa.table(columns), n_rows - len(measured)

    def _read(self, piece: Piece) -> Any:
        def attempt(first: int, last: int) -> Any:
            part = piece.part(first, last)
            self._ids(part)
            return self.form.read(part.table, self.source.columns)

        return _told(attempt, len(piece), piece.name)

    def _ids(self, piece: Piece) -> Any:
        pa = import_pyarrow()
        name = self.source.columns.id
        if name is None:
            return None
        column = piece.table.column(name)
        refuse_missing_ids(column, name)
        try:
            return plain_values(column).cast(self.source.id_type).combine_chunks()
        except pa.ArrowException as problem:
            raise ValueError(f"column {name!r}: {problem}") from problem

    def _transform(
        self, rows: Any, measured: NDArray[np.int64], batch: Sequence[Piece]
    ) -> NDArray[Any]:
        def attempt(first: int, last: int) -> Any:
            return self.estimator.transform(self.form.select(rows, measured[first:last]))

        values = _told(attempt, len(measured), lambda at: _name_of(batch, int(measured[at])))
        return self._checked(values, len(measured))

    def _checked(self, values: Any, n_rows: int) -> NDArray[Any]:
        if isinstance(values, list):
            raise ValueError(
                "the estimator gave a list; one row per light curve is needed: "
                'output="mean" or "max".'
            )
        array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
        if array.shape != (n_rows, self.n_features):
            raise ValueError(
                f"the estimator gave an array of shape {array.shape}; its feature names promise "
                f"{(n_rows, self.n_features)}."
            )
        return array


def _told(attempt: Callable[[int, int], Any], n_rows: int, name: Callable[[int], str]) -> Any:
    """Do something with rows; if it fails, find the first row that is to blame, and name it."""
    try:
        return attempt(0, n_rows)
    except NotFittedError:
        raise
    except FAULTS as problem:
        first, last, fault = 0, n_rows, problem
    while last - first > 1:
        middle = (first + last) // 2
        try:
            attempt(first, middle)
        except FAULTS as problem:
            last, fault = middle, problem
        else:
            first = middle
    try:
        attempt(first, last)
    except FAULTS as problem:
        place, fault = f"{name(first)} (read alone, as number 0)", problem
    else:
        # No row by itself: what is wrong is how they go together.
        place = f"from {name(0)}, to {name(n_rows - 1)}"
    kind = TypeError if isinstance(fault, TypeError) else ValueError
    raise kind(f"{place}: {fault}") from fault


def _name_of(batch: Sequence[Piece], row: int) -> str:
    for piece in batch:
        if row < len(piece):
            return piece.name(row)
        row -= len(piece)
    raise IndexError(row)


def _feature_names(estimator: Any) -> list[str]:
    for method in ("transform", "get_feature_names_out"):
        if not hasattr(estimator, method):
            raise TypeError(
                f"a {type(estimator).__name__} has no {method}; an estimator that makes features "
                "of light curves is needed, such as AstromerEmbedder."
            )
    return [str(name) for name in estimator.get_feature_names_out()]


def _identity(estimator: Any) -> dict[str, str]:
    """Tell an estimator from others: by its parameters, by what it has learned, by our version."""
    # Here, since the package imports this module before it knows its version.
    from sklearn_astromer import __version__

    quiet = copy.deepcopy(estimator)
    values = quiet.get_params(deep=True) if hasattr(quiet, "get_params") else {}
    for name in values:
        if name.split("__")[-1] == "verbose":
            quiet.set_params(**{name: 0})
    # Weights that are named in a parameter may be another file tomorrow.
    embedders = [part for part in (quiet, *values.values()) if isinstance(part, AstromerEmbedder)]
    named = [
        current_network(part).state_dict()
        for part in embedders
        if part.weights is not None and not hasattr(part, "network_")
    ]
    return {
        "sklearn_astromer": __version__,
        "estimator": " ".join(repr(quiet).split()),
        "fingerprint": fingerprint([FrozenEstimator(quiet), named]),
    }


def _refuse_inside(folder: Path, source: Any) -> None:
    for path in paths_of(source):
        if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
            raise ValueError(
                f"target {folder} is inside the source {path}, where its files would be taken for "
                "light curves; name a folder outside."
            )


def _report_empty(n_rows: int, n_empty: int, form: Form) -> None:
    if not n_empty:
        return
    bands = getattr(form, "bands", None) or getattr(form, "band", None)
    where = "" if bands is None else f" in band {bands!r}"
    told = (
        f"{n_empty:,} of {n_rows:,} light curves have no observation with a finite time and "
        f"magnitude{where}"
    )
    if n_empty == n_rows:
        raise ValueError(f"{told}, so that there is nothing to embed.")
    warnings.warn(
        f"{told}: their embeddings are NaN, and their n_observations 0.", UserWarning, stacklevel=3
    )
