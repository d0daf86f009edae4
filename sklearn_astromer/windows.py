"""Cut light curves into windows that the network can take, and group them for speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves import Ephemerides, LightCurves
from sklearn_astromer.light_curves.arrays import refuse_no_curves
from sklearn_astromer.light_curves.values import curve_name, positions_named


@dataclass(frozen=True)
class Observations:
    """The observations that the network sees: measured ones, curve after curve, in order of time.

    Parameters
    ----------
    time : ndarray of float64, shape (n_observations,)
        Days.
    magnitude : ndarray of float32, shape (n_observations,)
        Magnitudes.
    offsets : ndarray of int64, shape (n_curves + 1,)
        Where each curve begins and ends.
    position : ndarray of int64, shape (n_observations,)
        Where each observation stands in the light curves as they were given.
    error : ndarray of float32, shape (n_observations,), or None, default=None
        Errors of the magnitudes, NaN where they are not known; None: they are known of none.
    ephemerides : Ephemerides or None, default=None
        Of each curve; None: they were not searched.
    """

    time: NDArray[np.float64]
    magnitude: NDArray[np.float32]
    offsets: NDArray[np.int64]
    position: NDArray[np.int64]
    error: NDArray[np.float32] | None = None
    ephemerides: Ephemerides | None = None


@dataclass(frozen=True)
class Windows:
    """Stretches of consecutive observations.

    Parameters
    ----------
    start, length : ndarray of int64, shape (n_windows,)
        First observation, and number of observations, of each window.
    curve : ndarray of int64, shape (n_windows,)
        The light curve that each window is cut from; in ascending order.
    """

    start: NDArray[np.int64]
    length: NDArray[np.int64]
    curve: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, key: slice | NDArray[np.integer]) -> Windows:
        return Windows(self.start[key], self.length[key], self.curve[key])


def usable_observations(curves: LightCurves) -> Observations:
    """Leave out what was not measured, and put the rest of each curve in order of time.

    Parameters
    ----------
    curves : LightCurves
        Observations with a NaN time or magnitude are left out; equal times are put in
        order of magnitude.

    Returns
    -------
    observations : Observations

    Raises
    ------
    LightCurveError
        If there is no curve, or one without any measured observation.
    """
    n_finite = curves.n_finite
    refuse_no_curves(len(curves))
    if not n_finite.all():
        empty = np.flatnonzero(n_finite == 0)
        raise LightCurveError(
            f"{len(empty)} of {len(curves)} light curves ({positions_named(empty, curves.ids)}) "
            "have no observation with a finite time and magnitude. Leave them out: with "
            "curves = as_light_curves(X), take curves[curves.n_finite > 0]."
        )
    offsets = np.concatenate(([0], np.cumsum(n_finite))).astype(np.int64)
    time, magnitude = curves.time, curves.magnitude
    if offsets[-1] == len(time):
        position = np.arange(len(time), dtype=np.int64)
    else:
        position = np.flatnonzero(np.isfinite(time) & np.isfinite(magnitude))
        time, magnitude = time[position], magnitude[position]
    order = _time_order(time, magnitude, offsets)
    if order is not None:
        time, magnitude, position = time[order], magnitude[order], position[order]
    error = None if curves.error is None else curves.error[position]
    return Observations(time, magnitude, offsets, position, error)


def refuse_bad_errors(curves: LightCurves, purpose: str) -> None:
    """Make sure that errors, where there are any, can be used.

    Parameters
    ----------
    curves : LightCurves
        Errors of observations that were not measured do not count.
    purpose : str
        What the errors are needed for.

    Raises
    ------
    LightCurveError
        If an error is not above 0; NaN is.
    """
    if curves.error is None or not (curves.error <= 0).any():
        return
    measured = np.isfinite(curves.time) & np.isfinite(curves.magnitude)
    bad = np.flatnonzero((curves.error <= 0) & measured)
    if len(bad):
        first = int(bad[0])
        curve = int(np.searchsorted(curves.offsets, first, side="right")) - 1
        raise LightCurveError(
            f"{curve_name(curve, curves.ids)}: the error is {curves.error[first]:g} at observation "
            f"{first - curves.offsets[curve]}, but {purpose} errors above 0. Where it means that "
            "nothing was measured, make the magnitude NaN; where the error is not known, make the "
            "error NaN."
        )


def chosen_curves(observations: Observations, chosen: NDArray[np.integer]) -> Observations:
    """Take some light curves out of many.

    Parameters
    ----------
    observations : Observations
        Of many light curves.
    chosen : ndarray of int
        Their positions among these.

    Returns
    -------
    observations : Observations
    """
    first, length = observations.offsets[:-1][chosen], np.diff(observations.offsets)[chosen]
    offsets = np.concatenate(([0], np.cumsum(length))).astype(np.int64)
    place = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], length)
    ephemerides = observations.ephemerides
    return Observations(
        observations.time[place],
        observations.magnitude[place],
        offsets,
        observations.position[place],
        None if observations.error is None else observations.error[place],
        None if ephemerides is None else ephemerides.of(chosen),
    )


def _time_order(
    time: NDArray[np.float64], magnitude: NDArray[np.float32], offsets: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Give the order that sorts each curve by time, or None if all are sorted.

    Equal times are put in order of magnitude, so that the order in which observations were given
    plays no part, not even where a window ends between them.
    """
    step = np.diff(time)
    backwards = (step < 0) | ((step == 0) & (np.diff(magnitude) < 0))
    backwards[offsets[1:-1] - 1] = False
    if not backwards.any():
        return None
    curve = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    unsorted = np.zeros(len(offsets) - 1, dtype=bool)
    unsorted[curve[1:][backwards]] = True
    chosen = np.flatnonzero(unsorted[curve])
    order = np.arange(len(time), dtype=np.int64)
    order[chosen] = chosen[np.lexsort((magnitude[chosen], time[chosen], curve[chosen]))]
    return order


def consecutive_windows(offsets: NDArray[np.int64], window_size: int) -> Windows:
    """Cut every curve into consecutive windows, each observation in exactly one.

    A curve of n observations gives ``ceil(n / window_size)`` windows; all but its last one are
    full, as in the authors' library.

    Parameters
    ----------
    offsets : ndarray of int64, shape (n_curves + 1,)
        Where each curve begins and ends; none is empty.
    window_size : int
        Largest number of observations of a window.

    Returns
    -------
    windows : Windows
    """
    n = np.diff(offsets)
    n_windows = -(-n // window_size)
    curve = np.repeat(np.arange(len(n), dtype=np.int64), n_windows)
    first_window = np.cumsum(n_windows) - n_windows
    before = (np.arange(len(curve)) - first_window[curve]) * window_size
    length = np.minimum(window_size, n[curve] - before)
    return Windows(offsets[:-1][curve] + before, length, curve)


def random_windows(
    offsets: NDArray[np.int64], window_size: int, random_state: np.random.RandomState
) -> Windows:
    """Cut one window at random out of every curve (Sect. 5.3 and Fig. 7 of the paper).

    Parameters
    ----------
    offsets : ndarray of int64, shape (n_curves + 1,)
        Where each curve begins and ends; none is empty.
    window_size : int
        Largest number of observations of a window; shorter curves are taken whole.
    random_state : RandomState
        Where the starts come from.

    Returns
    -------
    windows : Windows
    """
    n = np.diff(offsets)
    room = np.maximum(n - window_size, 0)
    start = offsets[:-1] + np.floor(random_state.random_sample(len(n)) * (room + 1)).astype(
        np.int64
    )
    return Windows(start, np.minimum(n, window_size), np.arange(len(n), dtype=np.int64))


def batches_of_like_length(length: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Group windows of like length, so that hardly any padding is computed.

    Parameters
    ----------
    length : ndarray of int64, shape (n_windows,)
        Observations of each window.
    batch_size : int
        Most windows of a batch.

    Returns
    -------
    batches : list of ndarray of int64
        Positions of the windows, the longest first, so that a lack of memory shows at once.
    """
    order = np.argsort(-length, kind="stable")
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
