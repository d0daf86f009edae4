"""`transform_parquet`: stream light curves through an estimator."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sklearn.frozen import FrozenEstimator

from sklearn_astromer import parameters
from sklearn_astromer.errors import LightCurveError, LightCurveWarning, ParameterError
from sklearn_astromer.evaluation.fingerprints import fingerprint
from sklearn_astromer.light_curves.frames import import_pyarrow
from sklearn_astromer.progress import progress_bar
from sklearn_astromer.running import current_network
from sklearn_astromer.streaming.embedding import (
    RESULTS,
    RowEmbedding,
    embedders_with_named_weights,
    feature_names,
)
from sklearn_astromer.streaming.forms import Form, checked_columns, form_for
from sklearn_astromer.streaming.sources import Source, in_batches, open_source, paths_of
from sklearn_astromer.streaming.target import Target


def transform_parquet(
    estimator: Any,
    source: Any,
    target: str | Path,
    *,
    method: str = "transform",
    columns: Mapping[str, Any] | None = None,
    batch_rows: int = 10_000,
    on_empty: str = "nan",
    dtype: str = "float32",
    verbose: int = 1,
) -> Path:
    """Embed or classify more light curves than fit in memory, from Parquet files to Parquet files.

    Rows are read, embedded and written `batch_rows` at a time, in the order of the source. If the
    process is stopped or killed, the same call goes on where it was, and ends with the same files
    as an undisturbed one. A target that is finished is returned at once; a call whose arguments,
    estimator or files differ from those that the first part was made with is refused. One process
    writes to a target at a time.

    Parameters
    ----------
    estimator : estimator
        Fitted or pre-trained, with `transform` and `get_feature_names_out`: `AstromerEmbedder`,
        `FoldedCurve`, `PeriodFinder`, `BandEmbedder`, or a pipeline or union that begins with them.
        Or fitted, and a classifier or regressor of light curves: `AstromerClassifier`, a pipeline.
    source : path, list of paths, pyarrow.dataset.Dataset or Arrow reader
        One row per light curve, as `LightCurves.from_table` takes it: a Parquet file; a folder,
        whose ``*.parquet`` files are read in the order of their names, those in folders within
        included (``band=g/`` and the like is a column); files in your order; a dataset of Parquet
        files, remote ones too. Or a ``pyarrow.RecordBatchReader``, or what offers such a stream: it
        passes by once and so cannot be resumed, and the target must be new.
    target : str or Path
        Folder to make, or to go on with.
    method : {"transform", "predict_proba", "predict"}, default="transform"
        What is asked of the estimator: its features; the probabilities of the classes; or the
        number that a regressor predicts.
    columns : dict, default=None
        Names of columns that are not called as usual, and the band: ``time``, ``magnitude``,
        ``error``, ``id``, ``nested``, ``band`` and ``band_column``, as in `LightCurves.from_table`.
        For a `BandEmbedder` only ``id``; it has `columns` of its own.
    batch_rows : int, default=10_000
        Light curves that are in memory at once, and rows of a part file. The memory that is needed
        grows with this and with the length of the light curves, not with the source.
    on_empty : {"nan", "raise"}, default="nan"
        What becomes of a light curve without any observation of finite time and magnitude (in the
        band, or in all of the bands of a `BandEmbedder`): its numbers are NaN, and a warning
        counts them; or an error names the first.
    dtype : {"float32", "float64"}, default="float32"
        Of the numbers in the files.
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
          size), or, by method, ``probability`` (the same) or ``prediction`` (a number). Each file
          appears in one step, when it is complete.
        - ``_manifest.json``: the files of the source with their numbers of rows, the arguments,
          under ``features`` the names of what is in the lists (``probability_RRab``, ...), and
          under ``finished`` the numbers of rows, once all are there.

    Raises
    ------
    ParameterError
        If a parameter is not valid, or the target was begun with something else (the message says
        what).
    LightCurveError
        If a file, a column or a light curve is not valid (the message names file, row group and
        row), or no light curve has any observation.
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
    parameters.one_of("method", method, tuple(RESULTS))
    features = feature_names(estimator, method)
    names = checked_columns(columns)
    form = form_for(estimator, names)
    folder = Path(target)
    _refuse_inside(folder, source)
    opened = open_source(source, form.given, band_needed=form.band_needed)
    if opened.n_rows == 0:
        raise LightCurveError("the source holds no light curves: all of its files have 0 rows.")
    arguments = {
        **_identity(estimator),
        "method": method,
        "features": features,
        "columns": names,
        "batch_rows": int(batch_rows),
        "on_empty": on_empty,
        "dtype": dtype,
        "files": opened.described,
    }
    parts = Target(folder, arguments, opened.n_rows, int(batch_rows))
    embed = RowEmbedding(
        estimator,
        method,
        form,
        opened.columns,
        opened.id_type,
        n_features=len(features),
        on_empty=on_empty,
        dtype=dtype,
    )
    n_rows, n_empty = _stream(embed, opened, parts, verbose)
    if not n_rows:
        raise LightCurveError("the source holds no light curves: its reader gave 0 rows.")
    parts.finish(n_rows, n_empty)
    _report_empty(n_rows, n_empty, form, RESULTS[method])
    return folder


def _stream(embed: RowEmbedding, source: Source, parts: Target, verbose: int) -> tuple[int, int]:
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
    named = [current_network(part).state_dict() for part in embedders_with_named_weights(quiet)]
    return {
        "sklearn_astromer": __version__,
        "estimator": " ".join(repr(quiet).split()),
        "fingerprint": fingerprint([FrozenEstimator(quiet), named]),
    }


def _refuse_inside(folder: Path, source: Any) -> None:
    for path in paths_of(source):
        if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
            raise ParameterError(
                f"target {folder} is inside the source {path}, where its files would be taken for "
                "light curves; name a folder outside."
            )


def _report_empty(n_rows: int, n_empty: int, form: Form, result: str) -> None:
    if not n_empty:
        return
    bands = getattr(form, "bands", None) or getattr(form, "band", None)
    where = "" if bands is None else f" in band {bands!r}"
    told = (
        f"{n_empty:,} of {n_rows:,} light curves have no observation with a finite time and "
        f"magnitude{where}"
    )
    if n_empty == n_rows:
        raise LightCurveError(
            f"{told}, so that there is nothing to compute; look into the files, or name other "
            "columns, or another band: columns={...}."
        )
    warnings.warn(
        f"{told}: their {result} is NaN, and their n_observations 0.",
        LightCurveWarning,
        stacklevel=3,
    )
