"""Features that astronomers designed for variable stars: the baseline that is hard to beat.

They are computed by the package ``light-curve`` (Malanchev et al. 2021, MNRAS, 502, 5147), which
is optional here. Its documentation says what each of them is.
"""

from __future__ import annotations

from functools import cache
from math import ceil, log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer import LightCurves

INSTALL = 'Hand-crafted features need a package: pip install "light-curve>=0.13"'
N_PEAKS = 3
# In cycles per day: delta Scuti stars pulsate that fast.
HIGHEST_FREQUENCY = 12.0
# A peak of the periodogram is as wide as 1 / duration; so many frequencies should lie on it.
FREQUENCIES_PER_PEAK = 5


def light_curve_package() -> Any:
    """Import ``light_curve``, or say how to install it."""
    try:
        import light_curve
    except ImportError as missing:
        raise ImportError(INSTALL) from missing
    return light_curve


def hand_crafted_features(curves: LightCurves) -> NDArray[np.float64]:
    """Give 34 features without a period and three Lomb-Scargle peaks per light curve.

    Parameters
    ----------
    curves : LightCurves
        With errors. Times (days) of a light curve must differ.

    Returns
    -------
    features : ndarray of float64, shape (n_curves, 40)
        The 34 of `extractor`; then period (days) and signal-to-noise ratio of the three highest
        peaks up to 12 cycles per day. NaN where a feature is not defined.

    Raises
    ------
    ImportError
        If the package ``light-curve`` is not installed.
    ValueError
        If the light curves have no errors, or one has two observations at the same time.
    """
    if curves.error is None:
        raise ValueError("The light curves have no errors, which hand-crafted features need.")
    rows = np.empty((len(curves), len(extractor().names) + 2 * N_PEAKS))
    for position, curve in enumerate(curves):
        time, magnitude, error = np.array(curve, float)[np.argsort(curve[:, 0])].T.copy()
        if len(time) < 2 or np.diff(time).min() == 0:
            raise ValueError(
                f"The light curve at position {position} has less than two observations, or two "
                "at the same time, for which some features are not defined: merge them, or leave "
                "hand-crafted features out."
            )
        plain = extractor()(time, magnitude, error, sorted=True, fill_value=np.nan)
        peaks = periodogram(np.ptp(time))(time, magnitude, sorted=True, fill_value=np.nan)
        rows[position] = np.concatenate([plain, peaks])
    return np.where(np.isfinite(rows), rows, np.nan)


@cache
def extractor() -> Any:
    """Make what computes the features without a period; the mean magnitude is none of them."""
    lc = light_curve_package()
    return lc.Extractor(
        lc.Amplitude(),
        lc.AndersonDarlingNormal(),
        lc.BeyondNStd(1.0),
        lc.BeyondNStd(2.0),
        lc.Cusum(),
        lc.Eta(),
        lc.EtaE(),
        lc.ExcessVariance(),
        lc.InterPercentileRange(0.02),
        lc.InterPercentileRange(0.10),
        lc.InterPercentileRange(0.25),
        lc.Kurtosis(),
        lc.LinearFit(),  # slope, its error, reduced chi square
        lc.LinearTrend(),  # slope, its error, scatter around it
        lc.MagnitudePercentageRatio(0.40, 0.05),
        lc.MagnitudePercentageRatio(0.20, 0.05),
        lc.MaximumSlope(),
        lc.MedianAbsoluteDeviation(),
        lc.MedianBufferRangePercentage(0.10),
        lc.MedianBufferRangePercentage(0.20),
        lc.ObservationCount(),
        lc.OtsuSplit(),  # difference of two means, two standard deviations, share of the lower
        lc.ReducedChi2(),
        lc.Roms(),
        lc.Skew(),
        lc.StandardDeviation(),
        lc.StetsonK(),
    )


def periodogram(duration: float) -> Any:
    """Make what finds the highest peaks, fine enough for light curves of so many days."""
    n_frequencies = max(2.0, FREQUENCIES_PER_PEAK * HIGHEST_FREQUENCY * duration)
    return _periodogram(ceil(log2(n_frequencies)))


@cache
def _periodogram(log2_frequencies: int) -> Any:
    # The fast algorithm wants 2^k + 1 angular frequencies.
    frequencies = np.linspace(0, 2 * np.pi * HIGHEST_FREQUENCY, 2**log2_frequencies + 1)
    return light_curve_package().Periodogram(peaks=N_PEAKS, freqs=frequencies, fast=True)
