"""From rows that were read together to their embeddings or predictions; faults are told by row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_astromer.embedder import AstromerEmbedder
from sklearn_astromer.errors import AstromerError, LightCurveError, ParameterError
from sklearn_astromer.light_curves.frames import import_pyarrow
from sklearn_astromer.light_curves.table_columns import (
    CurveColumns,
    plain_values,
    refuse_missing_ids,
)
from sklearn_astromer.streaming.forms import Form
from sklearn_astromer.streaming.sources import Piece
from sklearn_astromer.streaming.strange import StrangeRows

FAULTS = (ValueError, TypeError)
# Methods of estimators, and what the column of their results is called.
RESULTS = {"transform": "embedding", "predict_proba": "probability", "predict": "prediction"}


def feature_names(estimator: Any, method: str) -> list[str]:
    """Give the names of the numbers that an estimator makes of a light curve.

    Parameters
    ----------
    estimator : estimator
        Fitted or pre-trained.
    method : {"transform", "predict_proba", "predict"}
        Which method makes them.

    Returns
    -------
    names : list of str
        Those of the features; of the classes, after ``probability_``; or ``prediction`` alone.

    Raises
    ------
    TypeError
        If it makes none.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    """
    kind = type(estimator).__name__
    needed = [method, *(["get_feature_names_out"] if method == "transform" else [])]
    for name in needed:
        if not hasattr(estimator, name):
            other = next((other for other in RESULTS if hasattr(estimator, other)), None)
            remedy = "" if other in (None, method) else f' Ask for method="{other}".'
            raise TypeError(
                f"a {kind} has no {name}; an estimator that makes features of light curves is "
                f"needed, such as AstromerEmbedder, or one that predicts something.{remedy}"
            )
    if method == "transform":
        return [str(name) for name in estimator.get_feature_names_out()]
    check_is_fitted(estimator)
    if method == "predict_proba":
        return [f"{RESULTS[method]}_{label}" for label in estimator.classes_]
    if is_classifier(estimator):
        raise TypeError(
            f'of a {kind}, a classifier, method="predict_proba" gives the probability of each class'
            "; the most probable one is its prediction."
        )
    return [RESULTS[method]]


def embedders_with_named_weights(estimator: Any) -> list[AstromerEmbedder]:
    """Find the embedders whose network is not in them, but is read from `weights` at each use.

    Parameters
    ----------
    estimator : estimator
        An embedder, or what consists of some.

    Returns
    -------
    embedders : list of AstromerEmbedder
        Itself and its parts, not copied.
    """
    values = estimator.get_params(deep=True).values() if hasattr(estimator, "get_params") else ()
    return [
        part
        for part in (estimator, *values)
        if isinstance(part, AstromerEmbedder)
        and part.weights is not None
        and not hasattr(part, "network_")
    ]


class RowEmbedding:
    """Turns a batch of rows into their embeddings, or into what is predicted of them.

    Parameters
    ----------
    estimator : estimator
        Fitted or pre-trained.
    method : {"transform", "predict_proba", "predict"}
        What is asked of it.
    form : Form
        In which it is given light curves.
    columns : CurveColumns
        Where they are in the rows.
    id_type : pyarrow.DataType or None
        Of the ids, if the columns name them.
    n_features : int
        How many numbers `estimator` makes of a light curve.
    on_empty : {"nan", "raise"}
        What becomes of light curves without observations.
    dtype : {"float32", "float64"}
        Of the embeddings.
    """

    def __init__(
        self,
        estimator: Any,
        method: str,
        form: Form,
        columns: CurveColumns,
        id_type: Any,
        *,
        n_features: int,
        on_empty: str,
        dtype: str,
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.form = form
        self.columns = columns
        self.id_type = id_type
        self.n_features = n_features
        self.on_empty = on_empty
        self.dtype = np.dtype(dtype)
        self.strange = StrangeRows()

    def __call__(self, batch: Sequence[Piece], first_row: int) -> tuple[Any, int]:
        """Embed a batch.

        Parameters
        ----------
        batch : sequence of Piece
            The rows.
        first_row : int
            Place of the first of them in the source.

        Returns
        -------
        table : pyarrow.Table
            Columns ``row``, ``id`` (if there are ids), ``n_observations`` and ``embedding``,
            ``probability`` or ``prediction``.
        n_empty : int
            How many have no observation.
        """
        pa = import_pyarrow()
        n_observations, numbers = self.numbers(batch)
        n_rows = len(n_observations)
        columns = {"row": pa.array(np.arange(first_row, first_row + n_rows, dtype=np.int64))}
        if self.columns.id is not None:
            columns["id"] = pa.chunked_array([self._ids(piece) for piece in batch])
        columns["n_observations"] = pa.array(n_observations)
        values = pa.array(numbers.ravel())
        if self.method != "predict":
            values = pa.FixedSizeListArray.from_arrays(values, self.n_features)
        columns[RESULTS[self.method]] = values
        return pa.table(columns), int((n_observations == 0).sum())

    def numbers(self, batch: Sequence[Piece]) -> tuple[NDArray[np.int32], NDArray[Any]]:
        """Compute what is asked of the estimator.

        Parameters
        ----------
        batch : sequence of Piece
            The rows.

        Returns
        -------
        n_observations : ndarray of int32, shape (n_rows,)
            With finite time and magnitude.
        numbers : ndarray of shape (n_rows, n_features)
            NaN without observations.
        """
        rows = self.form.join([self._read(piece) for piece in batch])
        n_observations = self.form.n_observations(rows)
        measured = np.flatnonzero(n_observations > 0)
        n_rows = len(n_observations)
        if self.on_empty == "raise" and len(measured) < n_rows:
            raise LightCurveError(
                f"{_name_of(batch, int(np.argmin(n_observations > 0)))}: the light curve has no "
                'observation with a finite time and magnitude. With on_empty="nan" its '
                f"{RESULTS[self.method]} is NaN."
            )
        numbers = np.full((n_rows, self.n_features), np.nan, self.dtype)
        if len(measured):
            numbers[measured] = self._computed(rows, measured, batch)
        return n_observations.astype(np.int32), numbers

    def _read(self, piece: Piece) -> Any:
        def attempt(first: int, last: int) -> Any:
            part = piece.part(first, last)
            self._ids(part)
            return self.form.read(part.table, self.columns)

        with self.strange.watched(piece.name(0)):
            return told(attempt, len(piece), piece.name)

    def _ids(self, piece: Piece) -> Any:
        pa = import_pyarrow()
        name = self.columns.id
        if name is None:
            return None
        column = piece.table.column(name)
        refuse_missing_ids(column, name)
        try:
            return plain_values(column).cast(self.id_type).combine_chunks()
        except pa.ArrowException as problem:
            raise LightCurveError(
                f"column {name!r}: the ids are not of the same type in all files ({problem}); make "
                "them so, or name another column: columns={'id': ...}."
            ) from problem

    def _computed(
        self, rows: Any, measured: NDArray[np.int64], batch: Sequence[Piece]
    ) -> NDArray[Any]:
        def attempt(first: int, last: int) -> Any:
            return getattr(self.estimator, self.method)(
                self.form.select(rows, measured[first:last])
            )

        with self.strange.watched(_name_of(batch, 0)):
            values = told(attempt, len(measured), lambda at: _name_of(batch, int(measured[at])))
        return self._checked(values, len(measured))

    def _checked(self, values: Any, n_rows: int) -> NDArray[Any]:
        if isinstance(values, list):
            raise ParameterError(
                "the estimator gave a list; one row per light curve is needed: "
                'output="mean" or "max".'
            )
        array = np.asarray(values.toarray() if hasattr(values, "toarray") else values)
        expected = (n_rows,) if self.method == "predict" else (n_rows, self.n_features)
        if array.shape != expected:
            asked = {
                "transform": "its feature names promise",
                "predict_proba": "its classes promise",
                "predict": "one number for each light curve is needed:",
            }
            raise ParameterError(
                f"the estimator gave an array of shape {array.shape}; {asked[self.method]} "
                f"{expected}."
            )
        return array.reshape(n_rows, self.n_features)


def told(attempt: Callable[[int, int], Any], n_rows: int, name: Callable[[int], str]) -> Any:
    """Do something with rows; if it fails, find the first row that is to blame, and name it.

    Parameters
    ----------
    attempt : callable
        Is given the first row, and the one after the last.
    n_rows : int
        How many there are.
    name : callable
        Tells where a row is.

    Returns
    -------
    result
        What `attempt` gives for all rows.

    Raises
    ------
    LightCurveError, TypeError
        As `attempt` raises it, with the place.
    """
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
    raise placed(fault, place) from fault


def placed(fault: Exception, place: str) -> Exception:
    """Make of an error one that also tells where it was.

    Parameters
    ----------
    fault : Exception
        One of `FAULTS`.
    place : str
        File, row and the like.

    Returns
    -------
    error : Exception
        Of the same class, if that is one of this package; else a TypeError or `LightCurveError`.
    """
    text = f"{place}: {fault}"
    if isinstance(fault, AstromerError):
        return type(fault)(text)
    return TypeError(text) if isinstance(fault, TypeError) else LightCurveError(text)


def _name_of(batch: Sequence[Piece], row: int) -> str:
    for piece in batch:
        if row < len(piece):
            return piece.name(row)
        row -= len(piece)
    raise IndexError(row)
