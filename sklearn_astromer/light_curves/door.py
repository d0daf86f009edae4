"""The door through which light curves of every form enter.

A scikit-learn estimator is handed lists, arrays, data frames. Here they are told apart and become
:class:`~sklearn_astromer.light_curves.LightCurves`, once; everything behind works on that alone.
"""

from __future__ import annotations

import os
from os import PathLike
from typing import Any

import numpy as np
from scipy.sparse import issparse

from sklearn_astromer.light_curves.arrays import (
    columns_of_list,
    columns_of_padded,
    is_list_of_curves,
    refuse_no_curves,
)
from sklearn_astromer.light_curves.container import LightCurves
from sklearn_astromer.light_curves.frames import refuse_column_types, unpacked
from sklearn_astromer.light_curves.tables import holds_table
from sklearn_astromer.light_curves.time_series import holds_time_series

__all__ = ["as_light_curves", "holds_light_curves"]


def holds_light_curves(X: Any) -> bool:
    """Tell whether `X` is to be read as light curves rather than as a 2-D array of numbers.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        True for every form that :func:`as_light_curves` takes, the plain 2-D array excepted, and
        for what is meant as such a form but is faulty: the conversion then says what is wrong.
        False for all else, which scikit-learn's own validation can judge.
    """
    X = unpacked(X)
    if isinstance(X, LightCurves) or holds_time_series(X):
        return True
    if isinstance(X, np.ndarray):
        return X.ndim == 3 or (X.ndim == 1 and X.dtype.kind == "O" and is_list_of_curves(X))
    if isinstance(X, list | tuple):
        return is_list_of_curves(X)
    return holds_table(X)


def as_light_curves(X: Any) -> LightCurves:
    """Convert anything that holds light curves.

    Parameters
    ----------
    X : LightCurves, sequence of arrays, array, table or time series
        One of: light curves already (returned as they are); a list, tuple or object array of
        arrays of shape (L, 2) or (L, 3): time (days), magnitude and, perhaps, error; an array of
        shape (n_curves, L, 2) or (n_curves, L, 3), padded with NaN at the end of its curves; a
        table with one row per curve (see :meth:`LightCurves.from_table`); a time series of astropy
        or lightkurve, or a sequence of them (see :meth:`LightCurves.from_time_series`); an array of
        shape (n_curves, n_days) (see :meth:`LightCurves.from_grid`).

    Returns
    -------
    LightCurves

    Raises
    ------
    LightCurveError, TypeError
        If it is none of these; the message names the position of the curve and the remedy.

    Warns
    -----
    LightCurveWarning
        If light curves are probably not what they should be: see `LightCurves`.
    """
    curves = _converted(X)
    if len(curves) == 0:
        refuse_no_curves(*getattr(X, "shape", (0,)))
    return curves


def _converted(X: Any) -> LightCurves:
    X = unpacked(X)
    if isinstance(X, LightCurves):
        return X
    if holds_time_series(X):
        return LightCurves.from_time_series(X)
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.ndim == 1):
        if len(X) == 0:
            return LightCurves([], [], offsets=[0])
        if holds_light_curves(X):
            columns = columns_of_list(X)
            return LightCurves(*columns[:3], offsets=columns.offsets)
    if isinstance(X, np.ndarray) and X.ndim == 3:
        columns = columns_of_padded(X)
        return LightCurves(*columns[:3], offsets=columns.offsets)
    if holds_light_curves(X):
        return LightCurves.from_table(X)
    refuse_other_kinds(X)
    refuse_column_types(X)
    return LightCurves.from_grid(X)


def refuse_other_kinds(X: Any) -> None:
    """Raise a TypeError for what holds no light curves yet: the path of a file, what is lazy."""
    first = X[0] if isinstance(X, list | tuple) and len(X) else X
    if isinstance(first, str | PathLike):
        raise TypeError(
            f"light curves are needed, not text: {os.fspath(first)!r}. If this is a file, read it "
            "first: datasets.read_text (one star in each file), read_ogle, read_macho, or "
            "LightCurves.read_parquet."
        )
    # numpy would make one object of them, and of a Dask data frame strings.
    unread = not hasattr(X, "__array__") and not isinstance(X, list | tuple) and not issparse(X)
    if (unread and not np.isscalar(X) and X is not None) or hasattr(X, "npartitions"):
        raise TypeError(
            f"light curves cannot be read from a {type(X).__name__} ({type(X).__module__}). Make a "
            "list of what comes one by one (a generator, groups); collect what is lazy (collect(), "
            "compute(), to_table()), or embed a Dask data frame by sklearn_astromer.dask; a dict "
            "of columns is read by LightCurves.from_table."
        )
