"""When a survey looks at a star and how well it measures it, in two dozen numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from sklearn_astromer.errors import ParameterError

__all__ = ["CADENCES", "Cadence"]


@dataclass(frozen=True, kw_only=True)
class Cadence:
    """How a survey observes: calendar, brightness range and errors.

    Make one for your own survey, or change a named one:
    ``dataclasses.replace(CADENCES["ogle"], span=700.0)``.

    Parameters
    ----------
    band : str
        Name of the band; for the record only.
    amplitude_scale : float, default=1.0
        Amplitude of a pulsating star in this band over its amplitude in V.
    start : float, default=0.0
        Day on which the survey begins, in the time system that the times shall have.
    span : float, default=2000.0
        Days from the first night to the last one.
    season : float, default=0.65
        Share of the year in which a star can be observed, more than `night_length`, at most 1.
    all_sky : bool, default=True
        Whether the seasons of the stars fall anywhere in the year; otherwise the survey looks at
        one patch of the sky and all stars share their season.
    revisit : float, default=2.0
        Mean number of nights from one planned visit to the next, at least 1.
    exposures : float, default=1.0
        Mean number of exposures in a visit, at least 1; 1.1 means a second one in 10 % of them.
    exposure_interval : float, default=0.01
        Days from one exposure of a visit to the next.
    clear : float, default=0.75
        Share of nights with good weather.
    weather_spell : float, default=4.0
        Mean length of a spell of bad weather in nights.
    moon_loss : float, default=0.3
        Chance that a visit at full moon is given up.
    coverage : tuple of two floats, default=(0.6, 1.0)
        Lowest and highest share of the exposures that yield a measurement, drawn for each star.
    midnight : float, default=0.7
        Fraction of the day, in the time system of `start`, at local midnight.
    night_length : float, default=0.36
        Length of the usable night in days.
    magnitude_range : tuple of two floats, default=(13.0, 19.0)
        Brightest and faintest mean magnitude of the stars.
    error_floor : float, default=0.006
        Systematic error in magnitudes that the brightest stars keep.
    depth : float, default=20.5
        Magnitude at which a star is measured with an error of 0.2 mag (5 sigma).
    condition_scatter : float, default=0.1
        Scatter of the natural logarithm of the true error from one exposure to another
        (seeing, sky).
    report_scatter : float, default=0.05
        Scatter of the natural logarithm of the reported error around the true one.
    outlier_share : float, default=0.005
        Share of the observations that are wrong.
    outlier_size : float, default=0.5
        Mean deviation of these, in magnitudes.

    Raises
    ------
    ParameterError
        If a number is outside the range named above.

    See Also
    --------
    make_variable_stars : Simulated variable stars, observed with a cadence.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from sklearn_astromer.datasets import CADENCES, make_variable_stars
    >>> short = replace(CADENCES["ogle"], span=400.0)
    >>> X, y = make_variable_stars(5, cadence=short, random_state=0)
    >>> len(X)
    40
    """

    band: str
    amplitude_scale: float = 1.0
    start: float = 0.0
    span: float = 2000.0
    season: float = 0.65
    all_sky: bool = True
    revisit: float = 2.0
    exposures: float = 1.0
    exposure_interval: float = 0.01
    clear: float = 0.75
    weather_spell: float = 4.0
    moon_loss: float = 0.3
    coverage: tuple[float, float] = (0.6, 1.0)
    midnight: float = 0.7
    night_length: float = 0.36
    magnitude_range: tuple[float, float] = (13.0, 19.0)
    error_floor: float = 0.006
    depth: float = 20.5
    condition_scatter: float = 0.1
    report_scatter: float = 0.05
    outlier_share: float = 0.005
    outlier_size: float = 0.5

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "band":
                _check_number(field.name, getattr(self, field.name))
        visit = (math.ceil(self.exposures) - 1) * self.exposure_interval
        _require("span", self.span, self.span >= 1, "at least 1 day")
        _require("revisit", self.revisit, self.revisit >= 1, "at least 1 night")
        _require("exposures", self.exposures, self.exposures >= 1, "at least 1")
        _require("clear", self.clear, 0 < self.clear <= 1, "above 0 and at most 1")
        _require("weather_spell", self.weather_spell, self.weather_spell >= 1, "at least 1 night")
        _require("night_length", self.night_length, 0 < self.night_length < 1, "between 0 and 1")
        _require(
            "season",
            self.season,
            self.night_length < self.season <= 1,
            f"above night_length={self.night_length} and at most 1",
        )
        _require(
            "exposure_interval",
            self.exposure_interval,
            self.exposure_interval > 0 and visit <= self.night_length / 2,
            "above 0 and short enough for a visit to end within half a night",
        )
        low, high = self.coverage
        _require("coverage", self.coverage, 0 < low <= high <= 1, "two rising shares in (0, 1]")
        bright, faint = self.magnitude_range
        _require("magnitude_range", self.magnitude_range, bright < faint, "(brightest, faintest)")
        for name in ("moon_loss", "outlier_share"):
            _require(name, getattr(self, name), 0 <= getattr(self, name) <= 1, "between 0 and 1")
        for name in ("amplitude_scale", "error_floor"):
            _require(name, getattr(self, name), getattr(self, name) > 0, "above 0")
        for name in ("condition_scatter", "report_scatter", "outlier_size"):
            _require(name, getattr(self, name), getattr(self, name) >= 0, "at least 0")

    def typical_error(self, magnitude: npt.ArrayLike) -> npt.NDArray[np.floating]:
        """Error to expect at a magnitude: photon noise of star and sky over a systematic floor.

        Parameters
        ----------
        magnitude : array-like
            Magnitudes.

        Returns
        -------
        ndarray
            Errors in magnitudes, of the same shape.

        References
        ----------
        Ivezić et al. 2019, ApJ 873, 111, Eq. 5: sigma^2 = (0.04 - gamma) x + gamma x^2 with
        x = 10^(0.4 (m - m5)) and gamma = 0.039.
        """
        magnitude = np.asarray(magnitude)
        dtype = np.float32 if magnitude.dtype == np.float32 else np.float64
        excess = np.power(10.0, 0.4 * (magnitude - self.depth), dtype=dtype)
        return np.sqrt(self.error_floor**2 + excess * (0.001 + 0.039 * excess), dtype=dtype)

    def faintest_with_error(self, error: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Magnitude at which the typical error reaches a value.

        Parameters
        ----------
        error : array-like
            Errors in magnitudes.

        Returns
        -------
        ndarray of float64
            Magnitudes; minus infinity where the systematic floor alone is larger.
        """
        photon = np.maximum(np.asarray(error, dtype=np.float64) ** 2 - self.error_floor**2, 0.0)
        excess = (np.sqrt(0.001**2 + 4 * 0.039 * photon) - 0.001) / (2 * 0.039)
        with np.errstate(divide="ignore"):
            return self.depth + 2.5 * np.log10(excess)


def _check_number(name: str, value: object) -> None:
    numbers = value if isinstance(value, tuple) else (value,)
    if isinstance(value, tuple) and len(value) != 2:
        raise ParameterError(f"{name} must be a pair of numbers, got {value!r}.")
    for number in numbers:
        if not isinstance(number, (int, float, np.number)):
            raise TypeError(f"{name} must be a number, got {value!r}.")
        if not math.isfinite(number):
            raise ParameterError(f"{name} must be finite, got {value!r}.")


def _require(name: str, value: object, fulfilled: bool, wanted: str) -> None:
    if not fulfilled:
        raise ParameterError(f"{name} must be {wanted}, got {value!r}.")


# MACHO, OGLE and ASAS: number of observations, spacing, span, gaps, hours and errors were read off
# real curves (MACHO: R band of field 1; OGLE-III: I band of LMC Cepheids; ASAS: V band of
# variable stars). ASAS reports errors of about 0.036 mag at all magnitudes; the growth simulated
# here is that of the scatter between successive nights of its red giants. MACHO magnitudes are
# its instrumental ones plus 23.4 (Alcock et al. 1999, PASP 111, 1539). ATLAS: four exposures
# within an hour every second night, Tonry et al. 2018, PASP 130, 064505; two years of data in the
# first release, Heinze et al. 2018, AJ 156, 241; its errors and gaps are estimates.
CADENCES: Mapping[str, Cadence] = MappingProxyType(
    {
        "macho": Cadence(
            band="R",
            amplitude_scale=0.8,
            start=48823.0,
            span=2718.0,
            season=0.74,
            all_sky=False,
            revisit=1.15,
            exposures=1.12,
            exposure_interval=0.1,
            clear=0.68,
            weather_spell=5.0,
            coverage=(0.6, 1.0),
            midnight=0.60,
            night_length=0.40,
            magnitude_range=(14.0, 19.5),
            error_floor=0.008,
            depth=19.0,
            condition_scatter=0.45,
            report_scatter=0.2,
            moon_loss=0.25,
        ),
        "ogle": Cadence(
            band="I",
            amplitude_scale=0.6,
            start=2452123.0,
            span=2375.0,
            season=0.72,
            all_sky=False,
            revisit=2.3,
            clear=0.8,
            coverage=(0.85, 1.0),
            midnight=0.70,
            night_length=0.38,
            magnitude_range=(13.0, 19.0),
            error_floor=0.005,
            depth=20.7,
            condition_scatter=0.08,
            moon_loss=0.2,
        ),
        "atlas": Cadence(
            band="orange",
            amplitude_scale=0.75,
            start=57232.0,
            span=690.0,
            season=0.62,
            revisit=2.0,
            exposures=3.8,
            exposure_interval=0.012,
            clear=0.5,
            moon_loss=0.1,
            coverage=(0.6, 1.0),
            midnight=0.43,
            night_length=0.40,
            magnitude_range=(12.0, 18.5),
            error_floor=0.010,
            depth=19.4,
            condition_scatter=0.3,
            report_scatter=0.1,
        ),
        "asas": Cadence(
            band="V",
            start=2451868.0,
            span=2680.0,
            season=0.70,
            revisit=1.7,
            exposures=1.12,
            exposure_interval=0.01,
            clear=0.75,
            coverage=(0.4, 1.0),
            midnight=0.70,
            night_length=0.38,
            magnitude_range=(8.0, 13.5),
            error_floor=0.025,
            depth=14.0,
            condition_scatter=0.15,
            report_scatter=0.2,
            moon_loss=0.25,
        ),
    }
)
"""Named surveys."""
