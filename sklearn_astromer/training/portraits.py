"""Portraits of whole light curves, which a network learns to tell from one window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.windows import Observations

PROFILE_BINS = 24
PERCENTILES = (5, 10, 25, 50, 75, 90, 95)
N_PORTRAIT = PROFILE_BINS + 4 + len(PERCENTILES)
# Standardised numbers beyond this are cut: a few wild curves shall not rule.
LARGEST = 4.0
# Magnitudes: what varies less is taken to vary so much.
SMALLEST_SPREAD = 1e-4


def portraits(observations: Observations) -> NDArray[np.float32]:
    """Describe light curves by their folded profiles and by simple statistics.

    Parameters
    ----------
    observations : Observations
        With ephemerides.

    Returns
    -------
    portraits : ndarray of float32, shape (n_curves, N_PORTRAIT)
        Mean magnitude in bins of phase over two periods (the first bin is at minimum light), in
        units of the standard deviation; logarithm of the standard deviation; skewness; logarithms
        of kurtosis and of the mean step between neighbours; percentiles. All but the profile are
        standardised over the light curves. NaN where a bin is empty or no period was found.
    """
    offsets, starts = observations.offsets, observations.offsets[:-1]
    length = np.diff(offsets)
    curve = np.repeat(np.arange(len(length)), length)
    magnitude = observations.magnitude.astype(np.float64)
    deviation = magnitude - (np.add.reduceat(magnitude, starts) / length)[curve]
    spread = np.sqrt(np.add.reduceat(deviation**2, starts) / length).clip(SMALLEST_SPREAD)
    scaled = deviation / spread[curve]
    step = np.abs(np.diff(scaled, append=scaled[-1]))
    step[offsets[1:] - 1] = 0.0
    statistics = np.column_stack(
        [
            np.log10(spread),
            (np.add.reduceat(scaled**3, starts) / length).clip(-5, 5),
            np.log10((np.add.reduceat(scaled**4, starts) / length).clip(0.5, 100)),
            np.log10((np.add.reduceat(step, starts) / np.maximum(length - 1, 1)).clip(1e-2)),
            _percentiles(scaled, curve, starts, length),
        ]
    )
    scale = statistics.std(0)
    statistics = (statistics - statistics.mean(0)) / np.where(scale > 0, scale, 1.0)
    table = np.hstack([_profiles(observations, scaled, curve), statistics])
    return table.clip(-LARGEST, LARGEST).astype(np.float32)


def _percentiles(
    values: NDArray[np.float64],
    curve: NDArray[np.int64],
    starts: NDArray[np.int64],
    length: NDArray[np.int64],
) -> NDArray[np.float64]:
    ordered = values[np.lexsort((values, curve))]
    place = np.array(PERCENTILES) / 100 * (length - 1)[:, None]
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, length[:, None] - 1)
    low, high = ordered[starts[:, None] + below], ordered[starts[:, None] + above]
    return low + (place - below) * (high - low)


def _profiles(
    observations: Observations, scaled: NDArray[np.float64], curve: NDArray[np.int64]
) -> NDArray[np.float64]:
    ephemerides = observations.ephemerides
    n_curves = len(observations.offsets) - 1
    if ephemerides is None:
        return np.full((n_curves, PROFILE_BINS), np.nan)
    cycle = (observations.time - ephemerides.epoch[curve]) / (2 * ephemerides.period[curve])
    found = np.isfinite(cycle)
    phase = (cycle[found] + 0.5 / PROFILE_BINS) % 1
    place = np.minimum((phase * PROFILE_BINS).astype(np.int64), PROFILE_BINS - 1)
    place += PROFILE_BINS * curve[found]
    size = n_curves * PROFILE_BINS
    count = np.bincount(place, minlength=size)
    total = np.bincount(place, scaled[found], minlength=size)
    with np.errstate(invalid="ignore"):
        profile = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return profile.reshape(n_curves, PROFILE_BINS)
