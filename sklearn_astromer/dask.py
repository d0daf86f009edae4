"""Light curves on many machines: Dask data frames and LSDB catalogs in, embeddings out.

Dask decides which worker embeds which partition, and repeats what is lost with a worker. Here is
what one worker does with one partition.
"""

from __future__ import annotations

import copy
import hashlib
import pickle
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np
import torch

from sklearn_astromer import parameters
from sklearn_astromer.errors import AstromerError, LightCurveError, ParameterError
from sklearn_astromer.light_curves.frames import as_arrow, import_pyarrow
from sklearn_astromer.light_curves.table_columns import CurveColumns, choose_columns
from sklearn_astromer.running import current_network
from sklearn_astromer.streaming.embedding import (
    FAULTS,
    RESULTS,
    RowEmbedding,
    embedders_with_named_weights,
    feature_names,
    placed,
)
from sklearn_astromer.streaming.forms import Form, checked_columns, form_for
from sklearn_astromer.streaming.sources import Piece

__all__ = ["transform"]

COUNT = "n_observations"
# One partition at a time in each process, so that a GPU's memory and the threads are not shared.
_ONE_AT_A_TIME = Lock()


def transform(
    frame: Any,
    estimator: Any,
    *,
    method: str = "transform",
    columns: Mapping[str, Any] | None = None,
    on_empty: str = "nan",
    dtype: str = "float32",
) -> Any:
    """Embed or classify the light curves of a Dask data frame or an LSDB catalog, lazily.

    The columns that hold the light curves are replaced by their embedding, or by what is predicted.
    All others stay, and so do the index, the order of the rows and the partitions; leave out what
    you do not need before:
    ``transform(catalog[["objectid", "ra", "dec", "lightcurve"]], ...)``.

    Parameters
    ----------
    frame : dask.dataframe.DataFrame or lsdb.catalog.Catalog
        One row per light curve, with columns of lists or a nested column, as
        `LightCurves.from_table` takes it. Of a Dask data frame, columns of type ``object`` are
        taken for lists.
    estimator : estimator
        Fitted or pre-trained, as `sklearn_astromer.streaming.transform_parquet` takes it. It is
        copied: what happens to it later changes nothing.
    method : {"transform", "predict_proba", "predict"}, default="transform"
        As `sklearn_astromer.streaming.transform_parquet` takes it.
    columns : dict, default=None
        Names of columns that are not called as usual, and the band: ``time``, ``magnitude``,
        ``error``, ``nested``, ``band`` and ``band_column``, as in `LightCurves.from_table`. None
        for a `BandEmbedder`, which has `columns` of its own.
    on_empty : {"nan", "raise"}, default="nan"
        What becomes of a light curve without any observation of finite time and magnitude (in the
        band, or in all of the bands of a `BandEmbedder`): its numbers are NaN, or an error names
        it.
    dtype : {"float32", "float64"}, default="float32"
        Of the numbers.

    Returns
    -------
    embeddings : of the same kind as `frame`
        Not yet computed. After the columns that stayed: ``n_observations`` (int32, those with
        finite time and magnitude), and one column for each of the estimator's
        ``get_feature_names_out()``; or, by method, ``probability_RRab`` and so on, one for each
        class, or ``prediction``.

    Raises
    ------
    ParameterError
        If a parameter is not valid, or a column that stays is called like one that comes.
    LightCurveError
        If the columns are not found. When it is computed: if a light curve is not valid; the
        message names the partition and the row in it.
    TypeError
        If `frame` or `estimator` is of another kind.
    sklearn.exceptions.NotFittedError
        If the estimator is not fitted.
    ImportError
        If Dask is not installed.

    Notes
    -----
    Weights travel with the tasks, so that workers need neither files nor a network connection, and
    a worker process unpacks them once. In it partitions are embedded one at a time, with as many of
    torch's threads as the worker has; afterwards torch's setting is put back. Without workers, that
    is with Dask's own schedulers, torch's threads stay as they are. If workers see GPUs, and
    `device` is "auto", a worker whose name ends in the number n takes GPU n, modulo the number of
    GPUs that it sees.

    What is warned of light curves (`LightCurveWarning`) is told once by each process, where the
    computation was started.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> import pandas as pd
    >>> import pyarrow as pa
    >>> from sklearn_astromer import FoldedCurve
    >>> from sklearn_astromer.dask import transform
    >>> lists = pd.ArrowDtype(pa.list_(pa.float64()))
    >>> stars = pd.DataFrame({
    ...     "star": ["A", "B"],
    ...     "mjd": pd.Series([[0.0, 1.2], [0.5]], dtype=lists),
    ...     "mag": pd.Series([[15.1, 15.3], [12.0]], dtype=lists),
    ... })
    >>> folded = transform(dd.from_pandas(stars, npartitions=2), FoldedCurve(n_bins=4))
    >>> folded.columns.tolist()
    ['star', 'n_observations', 'phase_0', 'phase_1', 'phase_2', 'phase_3']
    >>> folded.compute()["n_observations"].tolist()
    [2, 1]
    """
    in_catalog = _is_catalog(frame)
    parameters.one_of("on_empty", on_empty, ("nan", "raise"))
    parameters.one_of("dtype", dtype, ("float32", "float64"))
    parameters.one_of("method", method, tuple(RESULTS))
    features = feature_names(estimator, method)
    form = form_for(estimator, _checked(columns))
    meta = frame.meta if in_catalog else frame._meta
    found = _choose(meta, form)
    gone = set(_columns_of_curves(found))
    kept = [name for name in meta.columns if str(name) not in gone]
    _refuse_clash(kept, features)
    ready = copy.deepcopy(estimator)
    for embedder in embedders_with_named_weights(ready):
        embedder.network_ = current_network(embedder)
    embedding = RowEmbedding(
        ready, method, form, found, None, n_features=len(features), on_empty=on_empty, dtype=dtype
    )
    job = _Job.of(embedding, kept, features, frame)
    after = _with_embeddings(meta, job, *_nothing(job, dtype))
    if in_catalog:
        return frame.map_partitions(_embed_pixel, job, meta=after, include_pixel=True)
    return frame.map_partitions(_embed_partition, job, meta=after)


@dataclass(frozen=True)
class _Job:
    """What a worker is told: small but for the weights, and unpacked once in each process."""

    token: str
    packed: bytes = field(compare=False, repr=False)
    kept: list[Any] = field(compare=False)
    features: list[str] = field(compare=False)

    @classmethod
    def of(cls, embedding: RowEmbedding, kept: list[Any], features: list[str], frame: Any) -> _Job:
        # Not pickle, which cannot take an estimator that was written in a notebook.
        import cloudpickle
        from dask.base import tokenize

        packed = cloudpickle.dumps(embedding)
        # With the frame, since each one is to be warned of, once in each process.
        about = repr((kept, features, tokenize(frame)))
        token = hashlib.sha256(packed + about.encode()).hexdigest()
        return cls(token, packed, kept, features)

    def __dask_tokenize__(self) -> str:
        return self.token


@lru_cache(maxsize=2)
def _unpacked(job: _Job) -> RowEmbedding:
    embedding: RowEmbedding = pickle.loads(job.packed)
    return embedding


def _embed_partition(frame: Any, job: _Job, partition_info: Mapping[str, Any] | None = None) -> Any:
    number = "" if partition_info is None else f" {partition_info['number']}"
    return _embed(frame, job, f"partition{number}")


def _embed_pixel(frame: Any, pixel: Any, job: _Job) -> Any:
    return _embed(frame, job, f"HEALPix order {pixel.order}, pixel {pixel.pixel}")


def _embed(frame: Any, job: _Job, place: str) -> Any:
    with _share_of_machine(), _warnings_for_the_user():
        embedding = _unpacked(job)
        if not len(frame):
            return _with_embeddings(frame, job, *_nothing(job, embedding.dtype))
        try:
            rows = _arrow_of(frame, embedding.columns)
        except FAULTS as problem:
            raise placed(problem, place) from problem
        return _with_embeddings(frame, job, *embedding.numbers([Piece(rows, place, 0)]))


def _with_embeddings(frame: Any, job: _Job, n_observations: Any, values: Any) -> Any:
    import pandas as pd

    # One block, unlike columns that are added one by one.
    embeddings = pd.DataFrame(values, index=frame.index, columns=job.features)
    kept = frame[job.kept].assign(**{COUNT: n_observations})
    joined = pd.concat([kept, embeddings], axis=1)
    # That of nested-pandas stays one.
    return joined if type(joined) is type(frame) else type(frame)(joined)


def _nothing(job: _Job, dtype: Any) -> tuple[Any, Any]:
    return np.empty(0, np.int32), np.empty((0, len(job.features)), dtype)


def _arrow_of(frame: Any, columns: CurveColumns) -> Any:
    """Convert what is needed of a partition."""
    pa = import_pyarrow()
    # The index is of no use here, and with a name would be taken for a column.
    needed = frame[_columns_of_curves(columns, whole=True)].reset_index(drop=True)
    table = as_arrow(needed, given=(columns.band_of_curve,), roles=())
    for at, column in enumerate(table.schema):
        # No cell of a column of objects is there.
        if pa.types.is_null(column.type) and column.name != columns.band_of_curve:
            lists = table.column(at).cast(pa.list_(pa.float64()))
            table = table.set_column(at, column.name, lists)
    return table


def _columns_of_curves(columns: CurveColumns, *, whole: bool = False) -> list[str]:
    """Name the columns of the light curves; with `whole`, that of the band of each curve too."""
    if columns.nested is not None:
        names = [columns.nested]
    else:
        names = [*columns.fields, *([] if columns.band is None else [columns.band])]
    return [*names, columns.band_of_curve] if whole and columns.band_of_curve else names


def _choose(meta: Any, form: Form) -> CurveColumns:
    import pandas as pd

    pa = import_pyarrow()
    lists = pd.Series([], dtype=pd.ArrowDtype(pa.list_(pa.float64())), index=meta.index)
    objects = [name for name, kind in meta.dtypes.items() if _is_object(kind)]
    typed = meta.assign(**dict.fromkeys(objects, lists))
    schema = as_arrow(
        typed.reset_index(drop=True), given=(form.given.band,), roles=("band",)
    ).schema
    try:
        found = choose_columns(schema, form.given, band_needed=form.band_needed)
    except ValueError as problem:
        hint = "In sklearn_astromer.dask.transform, columns={...} names them."
        texts = [str(name) for name, kind in meta.dtypes.items() if _is_text(kind)]
        if not objects and texts:
            hint += (
                f" The columns {', '.join(map(repr, texts))} hold text: Dask makes text of lists "
                'unless dask.config.set({"dataframe.convert-string": False}) comes before.'
            )
        kind = type(problem) if isinstance(problem, AstromerError) else LightCurveError
        raise kind(f"{problem} {hint}") from None
    return found._replace(id=None)


def _is_object(kind: Any) -> bool:
    return isinstance(kind, np.dtype) and kind.kind == "O"


def _is_text(kind: Any) -> bool:
    import pandas as pd

    return isinstance(kind, pd.StringDtype)


def _checked(columns: Mapping[str, Any] | None) -> dict[str, Any]:
    names = checked_columns(columns)
    if "id" in names:
        raise ParameterError(
            "columns may not name the id here: every column that is no light curve stays, and so "
            "does the index. Leave it out."
        )
    return names


def _refuse_clash(kept: list[Any], features: list[str]) -> None:
    clash = [name for name in kept if name in {COUNT, *features}]
    if clash:
        raise ParameterError(
            f"the columns {', '.join(map(repr, clash))} are called like those that are added; "
            "rename them, or leave them out."
        )


def _is_catalog(frame: Any) -> bool:
    """Tell an LSDB catalog from a Dask data frame; all else is refused."""
    try:
        import dask.dataframe as dd
    except ImportError as missing:
        raise ImportError(
            "sklearn_astromer.dask needs Dask; install it with\n"
            '    pip install "sklearn-astromer[dask]"'
        ) from missing
    if isinstance(frame, dd.DataFrame):
        return False
    lsdb = sys.modules.get("lsdb.catalog")
    if lsdb is not None and isinstance(frame, lsdb.Catalog):
        return True
    raise TypeError(
        f"a {type(frame).__name__} is neither a Dask data frame nor an LSDB catalog. What is in "
        "memory goes to the estimator's own transform, and files to streaming.transform_parquet."
    )


@contextmanager
def _share_of_machine() -> Iterator[None]:
    """Wait for this process's turn, and take the threads and the GPU of the Dask worker."""
    with _ONE_AT_A_TIME:
        worker = _worker()
        if worker is None:
            yield
            return
        before = torch.get_num_threads()
        torch.set_num_threads(worker.state.nthreads)
        try:
            with _gpu_of(worker.name):
                yield
        finally:
            torch.set_num_threads(before)


@contextmanager
def _warnings_for_the_user() -> Iterator[None]:
    """Warn where the computation was started too, since few people read the logs of workers."""
    with warnings.catch_warnings(record=True) as caught:
        yield
    for one in caught:
        if _worker() is None:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
        else:
            sys.modules["distributed"].warn(one.message, one.category)


def _worker() -> Any:
    # Whoever runs in a worker has imported this.
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return distributed.get_worker()
    except ValueError:
        return None


def _gpu_of(worker_name: Any) -> AbstractContextManager[Any]:
    n_gpus = torch.cuda.device_count()
    number = re.search(r"\d+$", str(worker_name))
    if n_gpus < 2 or number is None:
        return nullcontext()
    return torch.cuda.device(int(number[0]) % n_gpus)
