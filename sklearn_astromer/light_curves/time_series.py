"""Light curves from astropy's ``TimeSeries`` and lightkurve's ``LightCurve``, one object each."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.light_curves.arrays import as_flat_numbers, offsets_of
from sklearn_astromer.light_curves.astropy_columns import (
    in_unit,
    is_astropy_table,
    plain_column,
    unit_of,
)
from sklearn_astromer.light_curves.container import LightCurves
from sklearn_astromer.light_curves.table_columns import one_column, usually_called
from sklearn_astromer.light_curves.values import warn

__all__ = ["SeriesNames", "from_time_series", "holds_time_series", "magnitudes_of_fluxes"]

# Of 1 Jy: -2.5 log10(flux in erg / s / cm2 / Hz) - 48.60 (Oke & Gunn 1983, ApJ 266, 713).
AB_ZERO_POINT = 8.90
# Where lightkurve and FITS headers keep the name of the star.
ID_KEYS = ("LABEL", "TARGETID", "OBJECT")
# Longer lists of light curves are cut short in warnings.
MOST_NAMED = 10


class SeriesNames(NamedTuple):
    """Names of columns that are given by the user rather than found."""

    time: str | None = None
    magnitude: str | None = None
    error: str | None = None
    flux: str | None = None
    flux_error: str | None = None


class _Columns(NamedTuple):
    # The columns of one light curve, and how many of its fluxes are not positive.
    time: npt.NDArray[Any]
    magnitude: npt.NDArray[Any]
    error: npt.NDArray[Any] | None
    n_dark: int = 0


def holds_time_series(X: Any) -> bool:
    """Tell whether `X` is a time series of astropy or lightkurve, or holds some.

    Parameters
    ----------
    X : object

    Returns
    -------
    bool
        True as well for a sequence in which only some are: the conversion names the others. A
        plain astropy ``Table`` alone is a table of light curves, and not one of them.
    """
    if _is_time_series(X) or _is_collection(X):
        return True
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.dtype.kind == "O"):
        # Lists may be long, and without astropy there is nothing to look for.
        return "astropy.table" in sys.modules and any(map(is_astropy_table, X))
    return False


def _is_time_series(X: Any) -> bool:
    module = sys.modules.get("astropy.timeseries")
    return module is not None and isinstance(X, getattr(module, "TimeSeries", ()))


def _is_collection(X: Any) -> bool:
    module = sys.modules.get("lightkurve")
    return module is not None and isinstance(X, getattr(module, "LightCurveCollection", ()))


def from_time_series(series: Any, given: SeriesNames, zero_point: float | None) -> LightCurves:
    """Join time series: see :meth:`LightCurves.from_time_series`."""
    tables = [series] if is_astropy_table(series) else list(series)
    parts = []
    for position, table in enumerate(tables):
        if not is_astropy_table(table):
            raise TypeError(
                f"light curve {position} is a {type(table).__name__}; expected a TimeSeries or "
                "Table of astropy, or a LightCurve of lightkurve, as the others are."
            )
        try:
            parts.append(_columns(table, given, zero_point))
        except (ValueError, TypeError) as problem:
            kind = TypeError if isinstance(problem, TypeError) else LightCurveError
            raise kind(f"light curve {position}: {problem}") from problem
    _warn_of_dark([part.n_dark for part in parts], [len(part.time) for part in parts])
    error = None
    if any(part.error is not None for part in parts):
        error = _joined(
            [np.full(len(p.time), np.nan) if p.error is None else p.error for p in parts]
        )
    return LightCurves(
        _joined([part.time for part in parts]),
        _joined([part.magnitude for part in parts]),
        error,
        offsets=offsets_of(np.array([len(part.time) for part in parts], np.int64)),
        ids=_ids(tables),
    )


def _joined(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate([np.zeros(0), *parts])


def _ids(tables: list[Any]) -> list[Any] | None:
    for key in ID_KEYS:
        ids = [table.meta.get(key) for table in tables]
        if ids and all(isinstance(value, str | int | np.integer) for value in ids):
            return ids
    return None


def _columns(table: Any, given: SeriesNames, zero_point: float | None) -> _Columns:
    names = list(table.colnames)
    time_name = given.time
    if time_name is None and _is_time_series(table):
        # Its first column; other columns may be times as well.
        time_name = "time"
    time_name = one_column("time", time_name, names, required=True)
    assert time_name is not None
    time = _days(table[time_name], time_name)
    others = [name for name in names if name != time_name]
    _refuse_bands(table, others)
    if _is_in_fluxes(given, others):
        return _Columns(time, *_of_fluxes(table, given, others, zero_point))
    magnitude = one_column("magnitude", given.magnitude, others, required=True)
    error = one_column("error", given.error, others, required=False)
    return _Columns(
        time,
        _numbers(table, magnitude),
        None if error is None else _numbers(table, error),
    )


def _days(column: Any, name: str) -> npt.NDArray[Any]:
    unit = unit_of(column)
    if unit is not None and not unit.is_equivalent("d"):
        raise LightCurveError(
            f"column {name!r}: is in {str(unit) or 'no unit'!r} rather than in days; light curves "
            "that are folded, with phases instead of times, cannot be read."
        )
    return as_flat_numbers(plain_column(column), np.float64, name)


def _numbers(table: Any, name: str | None) -> npt.NDArray[Any]:
    assert name is not None
    return as_flat_numbers(plain_column(table[name]), np.float64, name)


def _refuse_bands(table: Any, names: list[str]) -> None:
    for name in usually_called("band", names):
        bands = sorted(set(map(str, plain_column(table[name]).tolist())))
        if len(bands) > 1:
            raise LightCurveError(
                f"column {name!r}: there are observations of several bands, "
                f"{', '.join(map(repr, bands))}; choose those of one, as in "
                f"series[series[{name!r}] == {bands[0]!r}]."
            )


def _is_in_fluxes(given: SeriesNames, names: list[str]) -> bool:
    fluxes = given.flux is not None or given.flux_error is not None
    magnitudes = given.magnitude is not None or given.error is not None
    if fluxes and magnitudes:
        raise ParameterError("give names of magnitudes or of fluxes, and not of both.")
    if fluxes or magnitudes:
        return fluxes
    found = {role: usually_called(role, names) for role in ("magnitude", "flux")}
    if not any(found.values()):
        raise LightCurveError(
            "no column of magnitudes or fluxes was recognised; name it: "
            "LightCurves.from_time_series(X, magnitude=...) or (X, flux=...). The columns are: "
            f"{', '.join(map(repr, names))}."
        )
    return not found["magnitude"]


def _of_fluxes(
    table: Any, given: SeriesNames, names: list[str], zero_point: float | None
) -> tuple[npt.NDArray[Any], npt.NDArray[Any] | None, int]:
    flux_name = one_column("flux", given.flux, names, required=True)
    error_name = one_column("flux error", given.flux_error, names, required=False)
    assert flux_name is not None
    unit = unit_of(table[flux_name])
    if zero_point is None:
        zero_point = 0.0
        if unit is not None and unit.is_equivalent("Jy"):
            zero_point = AB_ZERO_POINT - 2.5 * np.log10(unit.to("Jy"))
    flux = as_flat_numbers(plain_column(table[flux_name]), np.float64, flux_name)
    error = None
    if error_name is not None:
        error = as_flat_numbers(in_unit(table[error_name], unit), np.float64, error_name)
    magnitude, magnitude_error = magnitudes_of_fluxes(flux, error, zero_point)
    return magnitude, magnitude_error, int((flux <= 0).sum())


def magnitudes_of_fluxes(
    flux: npt.NDArray[np.float64], error: npt.NDArray[np.float64] | None, zero_point: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
    """Convert fluxes, and their errors to first order, to magnitudes.

    Parameters
    ----------
    flux : ndarray of float64, shape (n_observations,)
    error : ndarray of float64, shape (n_observations,), or None
        In the unit of the fluxes.
    zero_point : float
        Magnitude of a flux of one.

    Returns
    -------
    magnitude : ndarray of float64, shape (n_observations,)
        ``zero_point - 2.5 log10(flux)``; NaN where the flux is not positive.
    error : ndarray of float64, shape (n_observations,), or None
        ``2.5 / ln(10) * error / flux``.
    """
    positive = np.where(flux > 0, flux, np.nan)
    magnitude = zero_point - 2.5 * np.log10(positive)
    return magnitude, None if error is None else 2.5 / np.log(10.0) * error / positive


def _warn_of_dark(n_dark: list[int], lengths: list[int]) -> None:
    dark = [position for position, count in enumerate(n_dark) if count]
    if not dark:
        return
    counts = [f"{n_dark[at]} of {lengths[at]} in light curve {at}" for at in dark[:MOST_NAMED]]
    more = len(dark) - len(counts)
    if more:
        counts.append(f"and {sum(n_dark[at] for at in dark[MOST_NAMED:])} in {more} others")
    warn(
        f"{len(dark)} of {len(n_dark)} light curves have fluxes that are zero or negative. Such a "
        "flux has no magnitude; these observations were taken to be without a measurement (NaN): "
        f"{', '.join(counts)}."
    )
