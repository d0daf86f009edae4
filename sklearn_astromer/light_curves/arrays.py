"""Checks and conversions of lists and numpy arrays: flat columns and offsets, and no classes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves.table_columns import DATES, DURATIONS, usually_called

EXPECTED_CURVE = "expected (L, 2) = time, magnitude or (L, 3) = time, magnitude, error"

# So many curves are joined at a time: their rows stay in the processor's cache until their columns
# are taken apart, and no second copy of the whole input ever exists.
CURVES_PER_CHUNK = 256

NOT_NUMBERS = {
    "b": "booleans; give numbers",
    "c": "complex numbers; give real numbers",
    "M": DATES,
    "m": DURATIONS,
    "O": "Python objects that are not all numbers; give numbers, and NaN where one is missing",
    "S": "strings; convert them to numbers",
    "T": "strings; convert them to numbers",
    "U": "strings; convert them to numbers",
    "V": "records with named fields; give plain columns of numbers",
}


class FlatColumns(NamedTuple):
    """The columns of many light curves, one curve after another, and where each starts."""

    time: npt.NDArray[np.float64]
    magnitude: npt.NDArray[np.float32]
    error: npt.NDArray[np.float32] | None
    offsets: npt.NDArray[np.int64]


def as_numbers(values: Any, name: str) -> npt.NDArray[Any]:
    """Return an array of real numbers (any float or integer type); what is masked becomes NaN.

    Parameters
    ----------
    values : array-like
        Of any shape.
    name : str
        What the values are, for the messages.

    Raises
    ------
    TypeError
        If they are not real numbers.
    LightCurveError
        If they do not form an array.
    """
    try:
        if isinstance(values, list | tuple) and any(map(np.ma.isMaskedArray, values)):
            # numpy would read what is masked in the rows of a list.
            values = np.ma.array(values)
        if isinstance(values, np.ma.MaskedArray):
            hidden = np.ma.getmaskarray(values)
            values = np.asarray(values.data)
            if values.dtype.kind in "iufO":
                values = np.where(hidden, np.nan, values)
        array = np.asarray(values)
    except ValueError as problem:
        raise LightCurveError(
            f"{name}: its rows are not all of the same length; give as many numbers in each."
        ) from problem
    if array.dtype.kind == "O":
        array = _numbers_of_objects(array, name)
    if array.dtype.kind not in "iuf":
        held = NOT_NUMBERS.get(array.dtype.kind, f"values of type {array.dtype}")
        raise TypeError(f"{name}: holds {held}.")
    return array


def _numbers_of_objects(array: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    # ``np.array(curves, dtype=object)`` turns numbers into objects where all curves have the same
    # length. Strings must not slip through as numbers, nor None as NaN.
    kinds = {type(value) for value in array.ravel().tolist()}
    for held, times in ((DATES, date | np.datetime64), (DURATIONS, timedelta | np.timedelta64)):
        # To numpy, differences of times are integers.
        if any(issubclass(kind, times) for kind in kinds):
            raise TypeError(f"{name}: holds {held}.")
    numbers = int | float | np.integer | np.floating
    if all(issubclass(kind, numbers) and kind is not bool for kind in kinds):
        return array.astype(np.float64)
    return array


def as_flat_numbers(values: Any, dtype: Any, name: str) -> npt.NDArray[Any]:
    """Return a one-dimensional array of `dtype`, copied only where that is needed."""
    array = as_numbers(values, name)
    if array.ndim != 1:
        raise LightCurveError(f"{name} has shape {array.shape}; expected one dimension.")
    # What float32 cannot hold becomes infinite here, and is refused by name later.
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=dtype)


def refuse_no_curves(*shape: int) -> None:
    """Raise a LightCurveError, which begins as scikit-learn's, if there are no light curves."""
    if not shape[0]:
        raise LightCurveError(
            f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required: there "
            "are no light curves. Did a selection leave none?"
        )


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a view that cannot be written to; the array itself stays as it is."""
    view = array.view(np.ndarray)
    view.flags.writeable = False
    return view


def offsets_of(lengths: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int64]:
    """Return where curves of these lengths start and, last, where the last one ends."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def checked_offsets(offsets: npt.ArrayLike, n_observations: int) -> npt.NDArray[np.int64]:
    """Return offsets as int64 after making sure that they share out all the observations."""
    array = np.asarray(offsets)
    if array.ndim != 1 or len(array) == 0:
        raise LightCurveError(
            f"offsets has shape {array.shape}; expected (n_curves + 1,), starting with 0."
        )
    if array.dtype.kind not in "iu":
        raise TypeError(f"offsets must be integers; got {array.dtype}.")
    array = np.ascontiguousarray(array, dtype=np.int64)
    if array[0] != 0 or array[-1] != n_observations:
        raise LightCurveError(
            f"offsets must go from 0 to the number of observations, {n_observations}; they go "
            f"from {array[0]} to {array[-1]}."
        )
    shrinks = np.diff(array) < 0
    if shrinks.any():
        raise LightCurveError(
            f"offsets must never decrease; they do at light curve {int(shrinks.argmax())}."
        )
    return array


def checked_columns(
    time: npt.ArrayLike,
    magnitude: npt.ArrayLike,
    error: npt.ArrayLike | None,
    offsets: npt.ArrayLike,
) -> FlatColumns:
    """Return the columns in their types after making sure that they make light curves.

    Raises
    ------
    LightCurveError
        If shapes or offsets do not fit together.
    TypeError
        If a column does not hold numbers.
    """
    times = as_flat_numbers(time, np.float64, "time")
    others = {"magnitude": as_flat_numbers(magnitude, np.float32, "magnitude")}
    if error is not None:
        others["error"] = as_flat_numbers(error, np.float32, "error")
    starts = checked_offsets(offsets, len(times))
    for name, values in others.items():
        if len(values) != len(times):
            raise LightCurveError(
                f"time has {len(times)} observations but {name} has {len(values)}; all columns "
                "must be of the same length."
            )
    return FlatColumns(times, others["magnitude"], others.get("error"), starts)


def checked_ids(ids: npt.ArrayLike, n_curves: int) -> npt.NDArray[Any]:
    """Return the ids as an array after making sure that there is one for each curve."""
    array = np.asarray(ids)
    if array.shape != (n_curves,):
        raise LightCurveError(
            f"ids has shape {array.shape}; expected one id per light curve: ({n_curves},)."
        )
    return array


def selected_positions(key: Any, n_curves: int) -> npt.NDArray[np.int64]:
    """Return the positions, counted from the front, that an array of integers or booleans names.

    Raises
    ------
    IndexError
        If the key is of another type or shape, or out of range.
    """
    array = np.asarray(key)
    if array.ndim != 1:
        raise IndexError(
            f"light curves are indexed along one axis; got an index of shape {array.shape}."
        )
    if array.size == 0 and array.dtype.kind != "b":
        return np.zeros(0, np.int64)
    if array.dtype.kind == "b":
        if len(array) != n_curves:
            raise IndexError(
                f"the boolean index has {len(array)} entries but there are {n_curves} light curves."
            )
        return np.flatnonzero(array)
    if array.dtype.kind not in "iu":
        raise IndexError(f"light curves are indexed by integers or booleans; got {array.dtype}.")
    outside = (array < -n_curves) | (array >= n_curves)
    if outside.any():
        raise IndexError(
            f"light curve {array[outside.argmax()]} is out of range: there are {n_curves}."
        )
    array = array.astype(np.int64)
    return np.where(array < 0, array + n_curves, array)


def joined_ids(parts: Sequence[npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
    """Join the ids of several parts; None unless all of them have some."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if len({part.dtype.kind for part in known}) > 1:
        # numpy would turn the numbers into strings.
        known = [part.astype(object) for part in known]
    return np.concatenate(known)


def columns_of_list(curves: Iterable[Any]) -> FlatColumns:
    """Join curves of shape (L, 2) or (L, 3) to flat columns.

    Parameters
    ----------
    curves : iterable of array-like
        At least one. Columns are time in days, magnitude and, in all or in none, error.

    Raises
    ------
    LightCurveError, TypeError
        If one is not a light curve; the message names its position.
    """
    arrays = [_as_curve(curve, position) for position, curve in enumerate(curves)]
    n_columns = arrays[0].shape[1]
    for position, array in enumerate(arrays):
        if array.shape[1] != n_columns:
            raise LightCurveError(
                f"light curve {position} has {array.shape[1]} columns but those before it have "
                f"{n_columns}; give all of them errors (NaN where they are not known) or none."
            )
    offsets = offsets_of(np.fromiter(map(len, arrays), np.int64, len(arrays)))
    time = np.empty(offsets[-1], np.float64)
    others = [np.empty(offsets[-1], np.float32) for _ in range(n_columns - 1)]
    with np.errstate(over="ignore"):
        for first in range(0, len(arrays), CURVES_PER_CHUNK):
            last = min(first + CURVES_PER_CHUNK, len(arrays))
            rows = np.concatenate(arrays[first:last])
            part = slice(offsets[first], offsets[last])
            time[part] = rows[:, 0]
            for column, values in enumerate(others, start=1):
                values[part] = rows[:, column]
    return FlatColumns(time, others[0], others[1] if n_columns == 3 else None, offsets)


def _as_curve(curve: Any, position: int) -> npt.NDArray[Any]:
    # Plain arrays of numbers come by the hundred thousand, so they take the short way.
    if type(curve) is not np.ndarray or curve.dtype.kind not in "iuf":
        curve = _columns_by_name(curve)
        if curve is None or isinstance(curve, str | bytes | dict | set) or np.isscalar(curve):
            raise TypeError(
                f"light curve {position} is a {type(curve).__name__}; {EXPECTED_CURVE}."
            )
        curve = as_numbers(curve, f"light curve {position}")
    if curve.ndim != 2 or curve.shape[1] not in (2, 3):
        hint = ""
        if curve.ndim == 2 and curve.shape[0] in (2, 3):
            hint = " Transpose it, so that each row is an observation."
        elif curve.ndim == 1:
            hint = " For magnitudes on a regular grid give one 2-D array instead."
        raise LightCurveError(
            f"light curve {position} has shape {curve.shape}; {EXPECTED_CURVE}.{hint}"
        )
    return curve


def _columns_by_name(curve: Any) -> Any:
    # In a data frame of one light curve the names decide, and not the order of the columns.
    names = getattr(curve, "column_names", getattr(curve, "columns", None))
    if names is None or not all(isinstance(name, str) for name in names):
        return curve
    found = [usually_called(role, names) for role in ("time", "magnitude", "error")]
    if [len(candidates) for candidates in found[:2]] != [1, 1] or len(found[2]) > 1:
        return curve
    named = [name for candidates in found for name in candidates]
    # Tables of Arrow, and frames of polars, select columns by a method.
    return curve.select(named) if hasattr(curve, "select") else curve[named]


def columns_of_padded(array: Any) -> FlatColumns:
    """Take the padding off an array of shape (n_curves, L, 2 or 3).

    Rows at the end of a curve that are NaN throughout are padding. NaN rows before an observation
    are observations without a measurement, and stay.
    """
    curves = as_numbers(array, "the padded array")
    if curves.ndim != 3 or curves.shape[2] not in (2, 3):
        raise LightCurveError(
            f"the padded array of light curves has shape {curves.shape}; expected (n_curves, L, 2) "
            "or (n_curves, L, 3): time, magnitude and, perhaps, error."
        )
    width, n_columns = curves.shape[1:]
    real = ~np.isnan(curves).all(axis=2)
    lengths = np.where(real, np.arange(1, width + 1), 0).max(axis=1, initial=0)
    kept = np.arange(width) < lengths[:, np.newaxis]
    columns = [
        as_flat_numbers(curves[:, :, column][kept], np.float32 if column else np.float64, "column")
        for column in range(n_columns)
    ]
    return FlatColumns(
        columns[0], columns[1], columns[2] if n_columns == 3 else None, offsets_of(lengths)
    )


def columns_of_grid(array: Any) -> FlatColumns:
    """Read each row of a 2-D array as magnitudes at 0, 1, 2, ... days."""
    grid = as_numbers(array, "the array of magnitudes")
    if grid.ndim != 2:
        raise LightCurveError(
            "a regular grid of magnitudes has two dimensions (n_curves, n_days); got an array of "
            f"shape {grid.shape}."
        )
    n_curves, n_days = grid.shape
    time = np.tile(np.arange(n_days, dtype=np.float64), n_curves)
    magnitude = as_flat_numbers(grid.ravel(), np.float32, "magnitude")
    return FlatColumns(time, magnitude, None, np.arange(n_curves + 1, dtype=np.int64) * n_days)


def is_list_of_curves(values: Iterable[Any]) -> bool:
    """Tell whether a sequence holds light curves, or something that only resembles them.

    True where an element has two dimensions, or where the elements are sequences of different
    lengths; False for the rows of a 2-D array. Where some elements are light curves and others
    are not it is True: the conversion then names the one that is wrong.
    """
    lengths = set()
    for value in values:
        n_dimensions = dimensions(value)
        if n_dimensions >= 2 or isinstance(value, dict):
            return True
        lengths.add(len(value) if n_dimensions else None)
    return len(lengths) > 1 and None not in lengths


def dimensions(value: Any) -> int:
    """Tell how deep a value is, as far as its first elements tell it: nested lists 2 at most."""
    n_dimensions = getattr(value, "ndim", None)
    if isinstance(n_dimensions, int):
        return n_dimensions
    if not isinstance(value, list | tuple):
        # Data frames of polars and tables of Arrow.
        return len(getattr(value, "shape", ()))
    # A row of a data frame, or a group of one, begins with its name.
    if any(isinstance(inner, list | tuple) or np.ndim(inner) for inner in value[:2]):
        return 2
    return 1
