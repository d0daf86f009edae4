"""Twelve statistics of a light curve that anybody would try first: the baseline of the examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sklearn_astromer import LightCurves

PERCENTILES = (5, 10, 25, 50, 75, 90, 95)


def trivial_statistics(curves: LightCurves) -> NDArray[np.float64]:
    """Give twelve numbers per light curve that need no model and no period.

    Parameters
    ----------
    curves : LightCurves
        Light curves with at least two observations each, all of them measured.

    Returns
    -------
    features : ndarray of float64, shape (n_curves, 12)
        Number of observations; standard deviation, percentiles, skewness and kurtosis of the
        magnitudes minus their mean; mean step from one magnitude to the next.
    """
    return np.stack([_statistics(curve[:, 1]) for curve in curves])


def _statistics(magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    deviation = magnitude - magnitude.mean()
    return np.array(
        [
            len(deviation),
            deviation.std(),
            *np.percentile(deviation, PERCENTILES),
            stats.skew(deviation),
            stats.kurtosis(deviation),
            np.abs(np.diff(deviation)).mean(),
        ]
    )
