"""Kinds of variable stars: how periods, amplitudes and shapes are spread within each.

Every maker draws the stars of one class, before anybody looks at them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sklearn_astromer.datasets import star_shapes
from sklearn_astromer.datasets.cadences import Cadence

FloatArray = npt.NDArray[np.float64]

# The light of Miras follows their temperature more closely than that of other pulsating stars:
# 0.4 of the amplitude in V is left in I, not 0.6. An own choice.
MIRA_AMPLITUDE_POWER = 1.8


class Stars(NamedTuple):
    """Stars before anybody looks at them: one entry or one row per star.

    Attributes
    ----------
    period : ndarray of shape (n_stars,)
        Periods in days; NaN for constant stars.
    amplitude : ndarray of shape (n_stars,)
        Brightest minus faintest magnitude of the main mode in the band of the survey.
    shape : ndarray of shape (n_stars, PHASE_BINS)
        Light over one cycle, from 0 (brightest) to 1 (faintest).
    second_period : ndarray of shape (n_stars,)
        Periods in days of a second mode.
    second_amplitude : ndarray of shape (n_stars,)
        Its amplitudes; 0 where there is none.
    irregularity : ndarray of shape (n_stars,)
        Scatter of the amplitude from one cycle to the next; 0 for stars like clockwork.
    """

    period: FloatArray
    amplitude: FloatArray
    shape: star_shapes.Table
    second_period: FloatArray
    second_amplitude: FloatArray
    irregularity: FloatArray


Maker = Callable[[int, Cadence, np.random.Generator], Stars]


def _stars(
    period: FloatArray,
    amplitude: FloatArray,
    shape: star_shapes.Table,
    *,
    second_period: FloatArray | None = None,
    second_amplitude: FloatArray | None = None,
    irregularity: FloatArray | None = None,
) -> Stars:
    none = np.zeros(len(period))
    return Stars(
        period,
        amplitude,
        shape,
        np.ones(len(period)) if second_period is None else second_period,
        none if second_amplitude is None else second_amplitude,
        none if irregularity is None else irregularity,
    )


def _within(draw: Callable[[int], FloatArray], low: float, high: float, n_stars: int) -> FloatArray:
    # What falls outside is drawn again, so that nothing piles up at the limits.
    values = draw(n_stars)
    while (outside := (values < low) | (values > high)).any():
        values[outside] = draw(int(outside.sum()))
    return values


def _rrab(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    # Mean period in the Large Magellanic Cloud: Soszyński et al. 2009, Acta Astron. 59, 1.
    period = _within(lambda n: generator.normal(0.576, 0.07, n), 0.40, 0.90, n_stars)
    log_period = np.log10(period)
    # Bailey diagram of M3: Cacciari, Corwin & Carney 2005, AJ 129, 267, amplitude in B, which
    # is about 1.25 times the one in V. A part of the stars follows the line of Oosterhoff type
    # II, shifted to longer periods; how many, and the scatter, are own choices.
    shift = np.where(generator.random(n_stars) < 0.4, 0.06, 0.0)
    blue = -3.123 - 26.331 * (log_period - shift) - 35.853 * (log_period - shift) ** 2
    scatter = np.exp(generator.normal(0.0, 0.15, n_stars))
    amplitude = np.clip(blue / 1.25 * scatter, 0.3, 1.4)
    shape = star_shapes.rrab_shapes(log_period, generator)
    return _stars(period, amplitude * survey.amplitude_scale, shape)


def _rrc(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    # Mean period in the Large Magellanic Cloud: Soszyński et al. 2009, Acta Astron. 59, 1.
    period = _within(lambda n: generator.normal(0.337, 0.035, n), 0.22, 0.45, n_stars)
    amplitude = _within(lambda n: generator.normal(0.44, 0.1, n), 0.15, 0.7, n_stars)
    shape = star_shapes.rrc_shapes(np.log10(period), generator)
    return _stars(period, amplitude * survey.amplitude_scale, shape)


def _cepheids(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    log_period = _within(lambda n: 0.57 * np.exp(generator.normal(0.0, 0.42, n)), 0.0, 1.7, n_stars)
    # Measured in I, where the amplitude is 0.6 of that in V.
    amplitude = star_shapes.cepheid_amplitudes(log_period, generator) / 0.6
    shape = star_shapes.cepheid_shapes(log_period, generator)
    return _stars(10.0**log_period, amplitude * survey.amplitude_scale, shape)


def _detached(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    # Eclipses cover light, whatever its colour: the amplitude is that of V in every band.
    log_period = _within(lambda n: generator.normal(0.4, 0.3, n), -0.2, 1.5, n_stars)
    amplitude = np.exp(generator.uniform(np.log(0.15), np.log(1.2), n_stars))
    shape = star_shapes.detached_shapes(n_stars, generator)
    return _stars(10.0**log_period, amplitude, shape)


def _contact(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    # No contact binary turns faster than in 0.22 d: Rucinski 1992, AJ 103, 960.
    log_period = _within(lambda n: generator.normal(-0.43, 0.09, n), -0.65, -0.15, n_stars)
    shape, amplitude = star_shapes.contact_shapes(n_stars, generator)
    return _stars(10.0**log_period, amplitude, shape)


def _delta_scuti(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    log_period = _within(lambda n: generator.normal(-1.0, 0.2, n), -1.52, -0.52, n_stars)
    amplitude = np.exp(generator.uniform(np.log(0.06), np.log(0.6), n_stars))
    shape = star_shapes.delta_scuti_shapes(amplitude, generator)
    amplitude *= survey.amplitude_scale
    # Half of them pulsate in the first overtone too, whose period is 0.77 of the fundamental
    # one: Petersen & Christensen-Dalsgaard 1996, A&A 312, 463.
    double = generator.random(n_stars) < 0.5
    second_amplitude = np.where(double, amplitude * generator.uniform(0.1, 0.5, n_stars), 0.0)
    second_period = 10.0**log_period * generator.uniform(0.765, 0.78, n_stars)
    return _stars(
        10.0**log_period,
        amplitude,
        shape,
        second_period=second_period,
        second_amplitude=second_amplitude,
    )


def _miras(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    period = _within(lambda n: generator.normal(280.0, 90.0, n), 100.0, 600.0, n_stars)
    amplitude = _within(lambda n: 2.5 * np.exp(generator.normal(0.0, 0.35, n)), 1.0, 5.0, n_stars)
    amplitude *= survey.amplitude_scale**MIRA_AMPLITUDE_POWER
    return _stars(
        period,
        amplitude,
        star_shapes.mira_shapes(n_stars, generator),
        irregularity=generator.uniform(0.05, 0.25, n_stars),
    )


def _constants(n_stars: int, survey: Cadence, generator: np.random.Generator) -> Stars:
    shape = np.zeros((n_stars, star_shapes.PHASE_BINS), dtype=np.float32)
    return _stars(np.full(n_stars, np.nan), np.zeros(n_stars), shape)


MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "RRab": _rrab,
        "RRc": _rrc,
        "Cepheid": _cepheids,
        "detached binary": _detached,
        "contact binary": _contact,
        "delta Scuti": _delta_scuti,
        "Mira": _miras,
        "constant": _constants,
    }
)
