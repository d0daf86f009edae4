"""Observe stars with a cadence: draw the nights, the hours, the errors and the outliers.

Seasons are not drawn but follow from geometry: a star is observed while it is near the meridian
at night, so that every season begins before dawn and ends after dusk, and the hours of night
carry the day aliases of a real survey.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sklearn_astromer.datasets.cadences import Cadence

YEAR = 365.25
SYNODIC_MONTH = 29.530588
# A survey of one patch of sky begins early in its season: fraction of a year until the patch
# culminates at midnight.
PATCH_OPPOSITION = 0.3
# Clouds, bad columns and neighbours make most wrong measurements too faint.
SHARE_OF_FAINT_OUTLIERS = 0.7


def draw_weather(cadence: Cadence, generator: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Draw on which nights of the survey the dome is open.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    generator : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray of shape (n_nights,), bool
        True for nights of good weather. One telescope has one weather: it is that of all stars.
    """
    n_nights = math.ceil(cadence.span)
    if cadence.clear == 1:
        return np.ones(n_nights, dtype=bool)
    # Good and bad spells of geometric length take turns. Neither is shorter than one night, so
    # that mostly bad weather means longer bad spells.
    bad = max(cadence.weather_spell, (1 - cadence.clear) / cadence.clear)
    good = bad * cadence.clear / (1 - cadence.clear)
    n_spells = n_nights // 2 + 1
    lengths = np.empty((n_spells, 2), dtype=np.int64)
    lengths[:, 0] = generator.geometric(1 / good, n_spells)
    lengths[:, 1] = generator.geometric(1 / bad, n_spells)
    return np.repeat(np.tile([True, False], n_spells), lengths.ravel())[:n_nights]


def sample_times(
    cadence: Cadence, n_stars: int, is_open: npt.NDArray[np.bool_], generator: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Draw when each star is observed.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    n_stars : int
        Number of stars.
    is_open : ndarray of shape (n_nights,), bool
        Nights of good weather.
    generator : numpy.random.Generator
        Source of chance.

    Returns
    -------
    time : ndarray of shape (n_observations,), float64
        Times in days, rising within each star; the stars follow each other.
    star : ndarray of shape (n_observations,), int64
        Which star is observed.
    """
    star, night = _planned_visits(cadence, n_stars, len(is_open), generator)
    dusk, dawn = _hours(cadence, star, night, n_stars, generator)
    # A star that is up for a short while only is often missed, which softens the season's edges.
    chance = np.clip((dawn - dusk) / (cadence.night_length / 2), 0.0, 1.0)
    chance *= 1 - cadence.moon_loss * _moonlight(cadence, night)
    seen = is_open[night] & (generator.random(len(night), dtype=np.float32) < chance)
    star, night, dusk, dawn = star[seen], night[seen], dusk[seen], dawn[seen]

    duration = (math.ceil(cadence.exposures) - 1) * cadence.exposure_interval
    latest = np.maximum(dawn - duration, dusk)
    hour = dusk + (latest - dusk) * generator.random(len(night), dtype=np.float32)
    midnight = math.floor(cadence.start) + cadence.midnight + night
    return _exposures(cadence, star, midnight + hour, midnight + dawn, n_stars, generator)


def _planned_visits(
    cadence: Cadence, n_stars: int, n_nights: int, generator: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    extra = cadence.revisit - 1
    n_visits = min(n_nights, math.ceil((n_nights + 6 * math.sqrt(n_nights)) / cadence.revisit) + 10)
    steps = generator.poisson(extra, (n_stars, n_visits)).astype(np.int32) + 1
    # The survey was under way before: the first visit may fall on any night of a turn.
    steps[:, 0] = generator.integers(1, math.ceil(cadence.revisit) + 1, n_stars)
    nights = np.cumsum(steps, axis=1, dtype=np.int32) - 1
    star, visit = np.nonzero(nights < n_nights)
    return star, nights[star, visit]


def _hours(
    cadence: Cadence,
    star: npt.NDArray[np.int64],
    night: npt.NDArray[np.int32],
    n_stars: int,
    generator: np.random.Generator,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    # The star culminates four minutes earlier every night; it is observed at most this far from
    # the meridian, chosen so that the season has the asked length.
    limit = (cadence.season - cadence.night_length) / 2
    opposition = (
        generator.random(n_stars) if cadence.all_sky else np.full(n_stars, PATCH_OPPOSITION)
    )
    culmination = (opposition[star] - night / YEAR + 0.5) % 1.0 - 0.5
    dusk = np.maximum(culmination - limit, -cadence.night_length / 2)
    dawn = np.minimum(culmination + limit, cadence.night_length / 2)
    return dusk.astype(np.float32), dawn.astype(np.float32)


def _moonlight(cadence: Cadence, night: npt.NDArray[np.int32]) -> npt.NDArray[np.float32]:
    # 1 at full moon, 0 from first to last quarter through new moon.
    phase = (math.floor(cadence.start) + night) * (2 * math.pi / SYNODIC_MONTH)
    return np.maximum(np.cos(phase), 0.0).astype(np.float32)


def _exposures(
    cadence: Cadence,
    star: npt.NDArray[np.int64],
    first: npt.NDArray[np.float64],
    dawn: npt.NDArray[np.float64],
    n_stars: int,
    generator: np.random.Generator,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    slots = math.ceil(cadence.exposures)
    time = first[:, np.newaxis] + np.arange(slots) * cadence.exposure_interval
    jitter = generator.uniform(-0.1, 0.1, time.shape) * cadence.exposure_interval
    share = generator.uniform(*cadence.coverage, n_stars)[star, np.newaxis]
    chance = np.repeat(share, slots, axis=1)
    if slots > cadence.exposures:
        chance[:, -1] *= cadence.exposures - (slots - 1)
    time += jitter
    kept = (generator.random(time.shape) < chance) & (time <= dawn[:, np.newaxis])
    return time[kept], np.repeat(star, slots).reshape(time.shape)[kept]


def measure(
    cadence: Cadence, magnitude: npt.NDArray[np.float32], generator: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Add noise and outliers to true magnitudes.

    Parameters
    ----------
    cadence : Cadence
        The survey.
    magnitude : ndarray of shape (n_observations,), float32
        True magnitudes at the times of observation.
    generator : numpy.random.Generator
        Source of chance.

    Returns
    -------
    measured : ndarray of shape (n_observations,), float32
        Measured magnitudes.
    error : ndarray of shape (n_observations,), float32
        Reported errors in magnitudes.
    """
    n_observations = len(magnitude)

    def normal(scatter: float) -> npt.NDArray[np.float32]:
        return generator.standard_normal(n_observations, dtype=np.float32) * np.float32(scatter)

    error = cadence.typical_error(magnitude).astype(np.float32)
    error *= np.exp(normal(cadence.condition_scatter))
    measured = magnitude + error * normal(1.0)
    error *= np.exp(normal(cadence.report_scatter))

    wrong = np.flatnonzero(
        generator.random(n_observations, dtype=np.float32) < cadence.outlier_share
    )
    sign = np.where(generator.random(len(wrong)) < SHARE_OF_FAINT_OUTLIERS, 1.0, -1.0)
    size = generator.exponential(cadence.outlier_size, len(wrong))
    measured[wrong] += (sign * size).astype(np.float32)
    return measured, error
