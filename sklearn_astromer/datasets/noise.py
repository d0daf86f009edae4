"""The paper's filter of light curves that are noise."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.parameters import positive

__all__ = ["Moments", "is_white_noise", "magnitude_moments"]

# Below this share of the mean, the scatter is the rounding of float64.
ROUNDING = 1e-12


class Moments(NamedTuple):
    """Moments of the magnitudes of each light curve; NaN where they are not defined.

    Parameters
    ----------
    std : ndarray of shape (n_curves,), float64
        Standard deviation in magnitudes (divided by n).
    skewness : ndarray of shape (n_curves,), float64
        Mean cube of the deviations, in units of `std`. Positive if the light curve has a tail
        towards faint magnitudes, as eclipses make.
    kurtosis : ndarray of shape (n_curves,), float64
        Mean fourth power of the deviations, in units of `std`, minus 3: the excess over a normal
        distribution.
    """

    std: npt.NDArray[np.float64]
    skewness: npt.NDArray[np.float64]
    kurtosis: npt.NDArray[np.float64]


def magnitude_moments(X: Any) -> Moments:
    """Compute standard deviation, skewness and kurtosis of the magnitudes of each light curve.

    Parameters
    ----------
    X : light curves
        Whatever `as_light_curves` takes. Observations without a measurement do not count.

    Returns
    -------
    Moments
        `std` is NaN without any measurement; `skewness` and `kurtosis` are NaN too if all
        magnitudes are equal.
    """
    curves = as_light_curves(X)
    measured = np.isfinite(curves.time) & np.isfinite(curves.magnitude)
    count = curves.n_finite
    kept = count > 0
    # Where each curve with a measurement starts among what was measured.
    starts = np.cumsum(count[kept]) - count[kept]
    deviation = curves.magnitude[measured].astype(np.float64)

    def means(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.add.reduceat(values, starts) / count[kept] if len(starts) else values

    mean = means(deviation)
    deviation -= np.repeat(mean, count[kept])
    std = np.sqrt(means(deviation**2))
    std[std <= ROUNDING * np.abs(mean)] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation /= np.repeat(std, count[kept])
    skewness, kurtosis = means(deviation**3), means(deviation**4) - 3.0
    defined = std > 0
    return Moments(
        _spread(std, kept),
        _spread(np.where(defined, skewness, np.nan), kept),
        _spread(np.where(defined, kurtosis, np.nan), kept),
    )


def _spread(
    values: npt.NDArray[np.float64], kept: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    spread = np.full(len(kept), np.nan)
    spread[kept] = values
    return spread


def is_white_noise(
    X: Any, *, kurtosis: float = 10.0, skewness: float = 1.0, std: float = 0.1
) -> npt.NDArray[np.bool_]:
    """Tell which light curves the paper's rule discards as white noise (Sect. 5.1).

    A light curve is one if all three hold: the absolute value of its kurtosis is above
    `kurtosis`, that of its skewness above `skewness`, and its standard deviation above `std`.
    Keep the others: ``X[~is_white_noise(X)]``.

    Parameters
    ----------
    X : light curves
        Whatever `as_light_curves` takes. Observations without a measurement do not count.
    kurtosis : float, default=10.0
        Limit of the absolute value of the excess kurtosis.
    skewness : float, default=1.0
        Limit of the absolute value of the skewness.
    std : float, default=0.1
        Limit of the standard deviation in magnitudes.

    Returns
    -------
    ndarray of shape (n_curves,), bool
        True for the light curves to discard. False where the moments are not defined: without a
        measurement, or with all magnitudes equal.

    Raises
    ------
    ParameterError
        If a limit is negative.

    See Also
    --------
    magnitude_moments : The three numbers, for a rule of your own.

    Notes
    -----
    The paper discards "some of the light curves that show white noise behavior (i.e.,
    ``|Kurtosis| > 10, |Skewness| > 1, and Std > 0.1``)". Taken by the word, a light curve goes
    if all three hold, and this is done here. Two things stay open. Which kurtosis it is: here the
    excess over a normal distribution, the only one that can be negative, so that an absolute value
    has a meaning. And whether the limits describe what goes or, by a slip, what stays.

    Be wary of this rule. White noise has a skewness and an excess kurtosis near 0 and is hardly
    ever hit. Hit are light curves with a few far outliers, and binaries with narrow eclipses. The
    other readings are no better: to drop what passes any one limit drops nearly all variable stars,
    and to keep only ``|Kurtosis| <= 10``, ``|Skewness| <= 1``, ``Std > 0.1`` drops all that vary
    little. `magnitude_moments` gives the numbers for a rule of your own.

    References
    ----------
    Donoso-Oliva et al. 2023, A&A 670, A54, Sect. 5.1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_astromer.datasets import is_white_noise
    >>> noise = np.random.default_rng(0).normal(15.0, 0.2, 300)
    >>> outliers = noise.copy()
    >>> outliers[:3] += 5.0
    >>> is_white_noise(np.stack([noise, outliers])).tolist()
    [False, True]
    """
    for name, limit in {"kurtosis": kurtosis, "skewness": skewness, "std": std}.items():
        positive(name, limit, zero_too=True)
    moments = magnitude_moments(X)
    # NaN compares as False.
    return (
        (np.abs(moments.kurtosis) > kurtosis)
        & (np.abs(moments.skewness) > skewness)
        & (moments.std > std)
    )
