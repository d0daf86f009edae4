"""Columns of astropy tables as plain numpy arrays: units, times and masks resolved."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["in_unit", "is_astropy_table", "plain_column", "unit_of"]


def is_astropy_table(X: Any) -> bool:
    """Tell whether `X` is an astropy ``Table``, a ``TimeSeries`` for example."""
    module = sys.modules.get("astropy.table")
    return module is not None and isinstance(X, getattr(module, "Table", ()))


def _is_of_astropy(values: Any) -> bool:
    # Columns, quantities, times and masked arrays; subclasses of other packages too.
    return any(kind.__module__.startswith("astropy.") for kind in type(values).__mro__)


def plain_column(values: Any) -> Any:
    """Return a column of an astropy table as a numpy array, and anything else as it is.

    Parameters
    ----------
    values : object
        ``Time`` becomes MJD, in its own scale, and ``TimeDelta`` days. Values with a unit of time
        become days and those with one of magnitudes (``ABmag``, ``mmag``, ...) magnitudes; other
        units are dropped.

    Returns
    -------
    ndarray or object
        What is masked is NaN among numbers and None among other things. Bytes, as FITS files have
        them, are decoded.
    """
    if not _is_of_astropy(values):
        return values
    from astropy.time import Time, TimeDelta

    factor = _factor(unit_of(values))
    if isinstance(values, Time):
        values = values.mjd
    elif isinstance(values, TimeDelta):
        values = values.to_value("d")
    hidden = np.asarray(getattr(values, "mask", False))
    array = np.asarray(getattr(values, "unmasked", values))
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8")
    if array.dtype.kind in "iuf":
        array = array if factor == 1 else array.astype(np.float64) * factor
        return np.where(hidden, np.nan, array) if hidden.any() else array
    if array.dtype.kind == "O" and factor != 1:
        cells = [cell if cell is None else np.asarray(cell, np.float64) * factor for cell in array]
        array = np.empty(len(cells), object)
        array[:] = cells
    if hidden.any():
        array = array.astype(object)
        array[hidden] = None
    return array


def unit_of(values: Any) -> Any:
    """Return the unit of a column, or None where it has none or astropy does not know it."""
    from astropy.units import UnrecognizedUnit

    unit = getattr(values, "unit", None)
    return None if isinstance(unit, UnrecognizedUnit) else unit


def _factor(unit: Any) -> float:
    # How many days or magnitudes the unit is worth, and 1 if it is of something else.
    if unit is None:
        return 1.0
    from astropy.units import day, mag

    # Magnitudes that know their zero point, as ``ABmag``, keep the plain unit inside.
    unit = getattr(unit, "function_unit", unit)
    known = [target for target in (day, mag) if unit.is_equivalent(target)]
    return float(unit.to(known[0])) if known else 1.0


def in_unit(values: Any, unit: Any) -> npt.NDArray[Any]:
    """Return a column as a numpy array in a unit; a column without one is taken to be in it."""
    own = unit_of(values)
    array = plain_column(values)
    return np.asarray(array if own is None or unit is None else array * own.to(unit))
