"""What the values of light curves may be: some are refused, others warned of.

Each light curve passes here once, when `LightCurves` are made of numbers from outside; those that
are selected from them later are not looked at again. The lowest and the highest value of a column
tell almost everything, so that sound light curves cost one pass over the numbers.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import LightCurveError, LightCurveWarning
from sklearn_astromer.light_curves.arrays import FlatColumns

__all__ = ["check_values", "curve_name", "positions_named", "warn", "warn_of_one_curve"]

# No star is so faint or so bright: what is beyond are marks of missing values, fluxes or times.
LARGEST_MAGNITUDE = 40.0
# Days; 2,700 years. What spans more is no light curve in days.
LONGEST_SPAN = 1e6
# Days; Julian dates of today are near 2.5 million.
LARGEST_TIME = 1e7
# Shorter light curves are not judged: two numbers in a row may be anything, features for example.
FEWEST_OBSERVATIONS = 3
# Times and magnitudes are taken to be swapped if there are at least so many steps from one
# observation to the next, magnitudes rise in this share of them and fall in none, and times go
# back in that share.
FEWEST_STEPS = 10
SHARE_OF_RISES = 0.5
SHARE_OF_RETURNS = 0.2
# Most light curves whose times are not like magnitudes show it in so many observations.
FIRST_LOOK = 1000
# Between these, float32 can hold no more than quarters of a day; so many times all at quarters are
# no chance.
JULIAN_DATES = (2.0**21, 2.0**22)
FEWEST_QUARTERS = 10
# Longer lists of light curves are cut short in messages.
MOST_NAMED = 5
# Calls from within these go on to the line that called them.
OWN_PACKAGES = ("sklearn_astromer", "sklearn", "joblib")


class Extremes(NamedTuple):
    """The lowest and the highest number of a column; both NaN where there is none."""

    lowest: float
    highest: float

    @classmethod
    def of(cls, values: npt.NDArray[np.floating[Any]]) -> Extremes:
        """Look through a column; NaN does not count."""
        if not len(values):
            return cls(np.nan, np.nan)
        return cls(float(np.fmin.reduce(values)), float(np.fmax.reduce(values)))

    def within(self, lowest: float, highest: float) -> bool:
        """Tell whether there are numbers, all of them between two others."""
        return lowest <= self.lowest and self.highest <= highest


def check_values(
    columns: FlatColumns, ids: npt.NDArray[Any] | None, *, warned: bool = False
) -> None:
    """Refuse infinite values, and warn of what is probably not what it should be.

    Parameters
    ----------
    columns : FlatColumns
        Of light curves.
    ids : ndarray of shape (n_curves,), or None
        Their names, for the messages.
    warned : bool, default=False
        Whether what is wrong was told already, so that nothing more is warned of.

    Raises
    ------
    LightCurveError
        If a value is infinite.

    Warns
    -----
    LightCurveWarning
        If times and magnitudes seem to be swapped, magnitudes are beyond +-40, times cannot be
        days, or Julian dates have lost their digits in float32. At most one of these is warned of.
    """
    time, magnitude = Extremes.of(columns.time), Extremes.of(columns.magnitude)
    known: dict[str, tuple[npt.NDArray[Any], Extremes]] = {
        "time": (columns.time, time),
        "magnitude": (columns.magnitude, magnitude),
    }
    if columns.error is not None:
        known["error"] = (columns.error, Extremes.of(columns.error))
    for name, (values, extremes) in known.items():
        if np.isinf(extremes).any():
            _refuse_infinite(values, name, columns.offsets, ids)
    if warned:
        return
    # One fault explains the next: only the first one that is found is told.
    largest = LARGEST_MAGNITUDE
    if time.within(-largest, largest) and _are_swapped(columns):
        _warn_of_swapped(columns)
    elif magnitude.lowest < -largest or magnitude.highest > largest:
        _warn_of_magnitudes(columns, ids)
    elif time.highest - time.lowest > LONGEST_SPAN or max(map(abs, time)) > LARGEST_TIME:
        _warn_of_times(columns, ids)
    elif time.within(*JULIAN_DATES):
        _warn_of_lost_digits(columns)


def warn_of_one_curve(grid: npt.NDArray[Any]) -> bool:
    """Warn if an array that is read as magnitudes, one row a curve, looks like one light curve.

    Parameters
    ----------
    grid : ndarray of shape (n_curves, n_days)
        As it was given.

    Returns
    -------
    warned : bool
    """
    n_curves, n_days = grid.shape
    # Rows in random order do so with a probability of 1 / n_curves! only.
    if n_curves >= 3 and n_days in (2, 3) and bool((np.diff(grid[:, 0]) > 0).all()):
        warn(
            f"The array of shape {grid.shape} was read as {n_curves} light curves of {n_days} "
            "magnitudes each, one row a curve, but its first column increases like the times of a "
            "single light curve. If it is one, pass it in a list: [X]."
        )
        return True
    if n_curves in (2, 3) and n_days >= 4 and bool((np.diff(grid[0]) > 0).all()):
        warn(
            f"These {n_curves} rows of {n_days} numbers were read as {n_curves} light curves, one "
            "magnitude a day, but the first row increases like times. If they are the times, "
            "magnitudes and errors of a single light curve, pass [np.column_stack(X)]."
        )
        return True
    return False


def curve_name(position: int, ids: npt.NDArray[Any] | None) -> str:
    """Name a light curve in a message: by its position and, if there are ids, by its id."""
    if ids is None:
        return f"light curve {position}"
    own = ids[position]
    return f"light curve {position} (id {own.item() if isinstance(own, np.generic) else own!r})"


def positions_named(positions: npt.NDArray[np.int64], ids: npt.NDArray[Any] | None) -> str:
    """Name the first of several light curves in a message."""
    shown = positions[:MOST_NAMED]
    more = ", ..." if len(positions) > MOST_NAMED else ""
    named = f"position {', '.join(map(str, shown))}{more}"
    if ids is not None:
        named += f"; id {', '.join(map(repr, ids[shown].tolist()))}{more}"
    return named


def warn(message: str) -> None:
    """Warn of light curves, at the line that called this package (or scikit-learn)."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in OWN_PACKAGES:
            break
        level, frame = level + 1, frame.f_back
    warnings.warn(message, LightCurveWarning, stacklevel=level)


def _curve_of(rows: npt.NDArray[np.int64], offsets: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.searchsorted(offsets, rows, side="right") - 1


def _refuse_infinite(
    values: npt.NDArray[Any],
    name: str,
    offsets: npt.NDArray[np.int64],
    ids: npt.NDArray[Any] | None,
) -> None:
    at = int(np.isinf(values).argmax())
    curve = int(_curve_of(np.array([at]), offsets)[0])
    raise LightCurveError(
        f"{curve_name(curve, ids)}: {name} is infinite (or too large for {values.dtype}) at "
        f"observation {at - int(offsets[curve])}; replace it by NaN, which stands for no "
        "measurement."
    )


def _warn_of_magnitudes(columns: FlatColumns, ids: npt.NDArray[Any] | None) -> None:
    strange = (np.abs(columns.magnitude) > LARGEST_MAGNITUDE) & np.isfinite(columns.time)
    rows = np.flatnonzero(strange)
    curves = _curve_of(rows, columns.offsets)
    judged = np.diff(columns.offsets)[curves] >= FEWEST_OBSERVATIONS
    rows, curves = rows[judged], curves[judged]
    if not len(rows):
        return
    first, curve = int(rows[0]), int(curves[0])
    warn(
        f"{len(np.unique(curves))} of {len(columns.offsets) - 1} light curves have magnitudes "
        f"beyond +-{LARGEST_MAGNITUDE:g}, such as {columns.magnitude[first]:g} in "
        f"{curve_name(curve, ids)}, observation {first - int(columns.offsets[curve])}. Where such "
        "a number means that nothing was measured, make it NaN; fluxes become magnitudes by "
        "-2.5 * np.log10(flux); and time comes before magnitude in the columns of an array."
    )


def _warn_of_times(columns: FlatColumns, ids: npt.NDArray[Any] | None) -> None:
    filled = np.flatnonzero(np.diff(columns.offsets))
    starts = columns.offsets[:-1][filled]
    lowest = np.fmin.reduceat(columns.time, starts)
    highest = np.fmax.reduceat(columns.time, starts)
    far = np.maximum(np.abs(lowest), np.abs(highest)) > LARGEST_TIME
    strange = np.flatnonzero(far | (highest - lowest > LONGEST_SPAN))
    if not len(strange):
        return
    first = strange[0]
    warn(
        f"the times of {len(strange)} of {len(columns.offsets) - 1} light curves cannot be days: "
        f"those of {curve_name(int(filled[first]), ids)} go from {lowest[first]:.10g} to "
        f"{highest[first]:.10g}. Divide seconds by 86400, and nanoseconds (in which numpy and "
        "pandas keep dates) by 8.64e13; and have no light curve in which some times are full "
        "Julian dates and others are not."
    )


def _are_swapped(columns: FlatColumns) -> bool:
    return _rise_and_return(columns, FIRST_LOOK) and _rise_and_return(columns, len(columns.time))


def _rise_and_return(columns: FlatColumns, n_observations: int) -> bool:
    # Whether, among the first observations, magnitudes behave like times, and times do not.
    time, magnitude = columns.time[:n_observations], columns.magnitude[:n_observations]
    rows = np.flatnonzero(np.isfinite(time) & np.isfinite(magnitude))
    curve = _curve_of(rows, columns.offsets)
    same = curve[1:] == curve[:-1]
    rise = np.diff(magnitude[rows])[same]
    if len(rise) < FEWEST_STEPS or (rise < 0).any():
        return False
    returns = np.diff(time[rows])[same] < 0
    return bool((rise > 0).mean() >= SHARE_OF_RISES and returns.mean() >= SHARE_OF_RETURNS)


def _warn_of_swapped(columns: FlatColumns) -> None:
    time, magnitude = Extremes.of(columns.time), Extremes.of(columns.magnitude)
    warn(
        "time and magnitude seem to be swapped: within each light curve the magnitudes never "
        f"fall, as if they were times ({magnitude.lowest:g} to {magnitude.highest:g}), and the "
        f"times go back and forth, as if they were magnitudes ({time.lowest:g} to "
        f"{time.highest:g}). Time comes first: np.column_stack([time, magnitude]); in tables, "
        "name the columns: time=..., magnitude=..."
    )


def _warn_of_lost_digits(columns: FlatColumns) -> None:
    quarters = 4 * columns.time[:FIRST_LOOK]
    quarters = quarters[np.isfinite(quarters)]
    if len(quarters) >= FEWEST_QUARTERS and (quarters % 1 == 0).all() and (quarters % 2 != 0).any():
        warn(
            f"the times, such as {quarters[0] / 4:.2f}, are all multiples of a quarter of a day: "
            "float32, which they have probably been in, holds Julian dates no better. Keep times "
            "in float64 from where they are read, or subtract 2,400,000 before they become float32."
        )
