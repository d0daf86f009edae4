"""True magnitudes of stars at given times, before the survey adds its errors."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from sklearn_astromer.datasets.star_kinds import Stars
from sklearn_astromer.datasets.star_shapes import Table

# Miras keep time badly and never repeat a cycle. Own choices, which look like the real ones:
# scatter of the length of a cycle, in cycles; part of the deviation of the mean light that
# lives on into the next cycle, and its scatter over the star's amplitude.
CYCLE_LENGTH_SCATTER = 0.025
LIGHT_MEMORY = 0.7
LIGHT_SCATTER = 0.06

FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]


def true_magnitudes(
    stars: Stars,
    mean_magnitude: FloatArray,
    phase: FloatArray,
    day: FloatArray,
    star: npt.NDArray[np.int64],
    generator: np.random.Generator,
) -> Float32Array:
    """Magnitudes of stars at the times at which each of them is observed.

    Parameters
    ----------
    stars : Stars
        The stars.
    mean_magnitude : ndarray of shape (n_stars,)
        Magnitudes averaged over a cycle.
    phase : ndarray of shape (n_stars,)
        Phases on day 0.
    day : ndarray of shape (n_observations,)
        Times in days since the survey began.
    star : ndarray of shape (n_observations,)
        Which star is observed.
    generator : numpy.random.Generator
        Source of chance.

    Returns
    -------
    ndarray of shape (n_observations,), float32
        True magnitudes.
    """
    # Around zero, so that the mean over a cycle is the mean magnitude.
    centred = stars.shape - stars.shape.mean(axis=1, keepdims=True)
    centred *= stars.amplitude.astype(np.float32)[:, np.newaxis]
    frequency = np.where(np.isnan(stars.period), 0.0, 1.0 / stars.period)
    cycle = day * frequency[star] + phase[star]

    wavers = (stars.irregularity > 0)[star]
    if wavers.any():
        late, strength, offset = _irregular_cycles(stars, star[wavers], cycle[wavers], generator)
        cycle[wavers] += late
    magnitude = _read_shapes(centred, star, cycle)
    if wavers.any():
        magnitude[wavers] = magnitude[wavers] * strength + offset

    doubles = (stars.second_amplitude > 0)[star]
    if doubles.any():
        twofold = star[doubles]
        angle = 2 * np.pi * (day[doubles] / stars.second_period[twofold] + 1.7 * phase[twofold])
        half = stars.second_amplitude[twofold] / 2
        magnitude[doubles] += (half * np.cos(angle)).astype(np.float32)
    magnitude += mean_magnitude.astype(np.float32)[star]
    return magnitude


def _read_shapes(table: Table, star: npt.NDArray[np.int64], cycle: FloatArray) -> Float32Array:
    # Linear interpolation between neighbouring phases; the last one is followed by the first.
    bins = table.shape[1]
    closed = np.concatenate([table, table[:, :1]], axis=1)
    position = (cycle - np.floor(cycle)) * bins
    lower = np.minimum(position.astype(np.int64), bins - 1)
    share = (position - lower).astype(np.float32)
    lower += star * (bins + 1)
    flat = closed.ravel()
    before = flat[lower]
    return before + share * (flat[lower + 1] - before)


def _irregular_cycles(
    stars: Stars, star: npt.NDArray[np.int64], cycle: FloatArray, generator: np.random.Generator
) -> tuple[FloatArray, Float32Array, Float32Array]:
    """Deviations of stars that are no clocks, drawn once a cycle and smooth in between.

    Returns
    -------
    late : ndarray
        Shifts of the phase, in cycles.
    strength : ndarray
        Factors of the amplitude.
    offset : ndarray
        Shifts of the mean magnitude.
    """
    wavering, row = np.unique(star, return_inverse=True)
    n_cycles = math.ceil(cycle.max()) + 2
    chance = generator.standard_normal((3, len(wavering), n_cycles))

    late = np.cumsum(chance[0] * CYCLE_LENGTH_SCATTER, axis=1)
    # The mean period is the true one: what all cycles together gain or lose is taken back.
    late -= np.linspace(0, 1, n_cycles) * late[:, -1:]
    strength = np.exp(chance[1] * stars.irregularity[wavering, np.newaxis])
    offset = chance[2]
    for one in range(1, n_cycles):
        offset[:, one] += LIGHT_MEMORY * offset[:, one - 1]
    offset *= LIGHT_SCATTER * stars.amplitude[wavering, np.newaxis]

    before = np.floor(cycle).astype(np.int64)
    share = cycle - before
    share = share * share * (3.0 - 2.0 * share)

    def between(knots: FloatArray) -> FloatArray:
        left = knots[row, before]
        return left + share * (knots[row, before + 1] - left)

    return (
        between(late),
        between(strength).astype(np.float32),
        between(offset).astype(np.float32),
    )
