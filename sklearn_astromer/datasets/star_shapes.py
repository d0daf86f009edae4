"""Shapes of light curves over one cycle: templates of pulsating stars and of eclipsing binaries.

Each function draws one shape per star and returns a table of shape (n_stars, PHASE_BINS), float32:
magnitudes relative to maximum light from 0 (brightest) to 1 (faintest) at equally spaced phases.
Pulsating stars are brightest at phase 0; binaries have their deeper eclipse there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

PHASE_BINS = 512

FloatArray = npt.NDArray[np.float64]
Table = npt.NDArray[np.float32]

# Amplitude ratios R_k1 = A_k / A_1 and phase differences phi_k1 = phi_k - k phi_1 (radians) of
# magnitude = A_0 + sum_k A_k cos(2 pi k phase + phi_k), the convention of Simon & Lee 1981,
# ApJ 248, 291, for k = 2, 3, ... at the given log10 of the period in days.
CEPHEID_LOG_PERIODS = (0.0, 0.4, 0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4, 1.7)
CEPHEID_RATIOS = (
    (0.42, 0.45, 0.46, 0.40, 0.28, 0.13, 0.22, 0.35, 0.42, 0.40),
    (0.20, 0.22, 0.22, 0.20, 0.15, 0.13, 0.16, 0.22, 0.24, 0.20),
    (0.10, 0.11, 0.11, 0.08, 0.05, 0.07, 0.10, 0.12, 0.13, 0.10),
)
CEPHEID_PHASES = (
    (3.95, 4.15, 4.30, 4.60, 4.85, 5.10, 4.20, 4.10, 4.40, 4.60),
    (1.60, 2.00, 2.30, 2.80, 3.30, 4.50, 8.00, 8.20, 8.60, 9.00),
    (5.60, 6.10, 6.60, 7.30, 8.00, 9.50, 11.5, 12.2, 12.8, 13.2),
)
RRAB_LOG_PERIODS = (-0.35, -0.15)
RRAB_RATIOS = (
    (0.48, 0.47),
    (0.34, 0.32),
    (0.24, 0.18),
    (0.16, 0.10),
    (0.11, 0.06),
    (0.08, 0.04),
)
RRAB_PHASES = (
    (3.80, 4.15),
    (1.70, 2.35),
    (5.95, 6.80),
    (4.00, 5.10),
    (2.00, 3.30),
    (0.10, 1.60),
)
RRC_RATIOS = (0.15, 0.06, 0.03)
RRC_PHASES = (4.7, 3.5, 2.2)


def cepheid_amplitudes(log_period: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Amplitudes of classical Cepheids in V, smallest near ten days."""
    typical = np.interp(log_period, (0.0, 0.5, 0.95, 1.35, 1.7), (0.7, 0.75, 0.6, 1.1, 0.9))
    return np.clip(typical * np.exp(generator.normal(0.0, 0.2, len(log_period))), 0.2, 1.5)


def cepheid_shapes(log_period: FloatArray, generator: np.random.Generator) -> Table:
    """Classical Cepheids: the Hertzsprung progression, its bump near maximum at ten days."""
    ratios = _interpolated(log_period, CEPHEID_LOG_PERIODS, CEPHEID_RATIOS)
    phases = _interpolated(log_period, CEPHEID_LOG_PERIODS, CEPHEID_PHASES)
    return _pulsation(ratios, phases, 0.1, 0.12, generator)


def rrab_shapes(log_period: FloatArray, generator: np.random.Generator) -> Table:
    """RR Lyrae stars of type ab: a steep rise and a slow decline."""
    ratios = _interpolated(log_period, RRAB_LOG_PERIODS, RRAB_RATIOS)
    phases = _interpolated(log_period, RRAB_LOG_PERIODS, RRAB_PHASES)
    return _pulsation(ratios, phases, 0.06, 0.08, generator)


def rrc_shapes(n_stars: int, generator: np.random.Generator) -> Table:
    """RR Lyrae stars of type c: almost a sine."""
    ratios = np.tile(np.array(RRC_RATIOS)[:, np.newaxis], n_stars)
    phases = np.tile(np.array(RRC_PHASES)[:, np.newaxis], n_stars)
    return _pulsation(ratios, phases, 0.3, 0.25, generator)


def delta_scuti_shapes(amplitude: FloatArray, generator: np.random.Generator) -> Table:
    """Delta Scuti stars: sines when small, steeper on the rise when large."""
    second = 0.05 + 0.35 * np.clip(amplitude / 0.6, 0.0, 1.0)
    ratios = np.stack([second, second**2])
    phases = np.tile(np.array([[4.0], [1.8]]), len(amplitude))
    return _pulsation(ratios, phases, 0.2, 0.25, generator)


def mira_shapes(n_stars: int, generator: np.random.Generator) -> Table:
    """Miras: rounded maxima, and a rise that is often faster than the decline."""
    ratios = np.stack([generator.uniform(0.0, 0.3, n_stars), generator.uniform(0.0, 0.08, n_stars)])
    phases = np.tile(np.array([[4.3], [2.2]]), n_stars)
    return _pulsation(ratios, phases, 0.0, 0.5, generator)


def _interpolated(
    log_period: FloatArray,
    log_periods: tuple[float, ...],
    values: tuple[tuple[float, ...], ...],
) -> FloatArray:
    return np.stack([np.interp(log_period, log_periods, row) for row in values])


def _pulsation(
    ratios: FloatArray,
    phases: FloatArray,
    ratio_scatter: float,
    phase_scatter: float,
    generator: np.random.Generator,
) -> Table:
    n_harmonics, n_stars = ratios.shape
    ratios = ratios * np.exp(ratio_scatter * generator.standard_normal(ratios.shape))
    # A star off in its second harmonic is off in the higher ones too, and by more.
    shift = phase_scatter * generator.standard_normal(n_stars)
    angle = (2 * np.pi / PHASE_BINS) * np.arange(PHASE_BINS, dtype=np.float32)
    table = np.cos(angle) * np.ones((n_stars, 1), dtype=np.float32)
    for harmonic in range(2, n_harmonics + 2):
        offset = phases[harmonic - 2] + (harmonic - 1) * shift
        table += ratios[harmonic - 2, :, np.newaxis].astype(np.float32) * np.cos(
            harmonic * angle + offset[:, np.newaxis].astype(np.float32)
        )
    return _from_maximum(_scaled(table))


def _scaled(table: Table) -> Table:
    brightest = table.min(axis=1, keepdims=True)
    return (table - brightest) / (table.max(axis=1, keepdims=True) - brightest)


def _from_maximum(table: Table) -> Table:
    columns = (table.argmin(axis=1)[:, np.newaxis] + np.arange(PHASE_BINS)) % PHASE_BINS
    return np.take_along_axis(table, columns, axis=1)


def detached_shapes(n_stars: int, generator: np.random.Generator) -> Table:
    """Detached binaries: two narrow eclipses, flat in between.

    Eclipses are trapezoids with rounded edges, which is what limb darkening makes of them; the
    second one is shallower and, in eccentric orbits, off phase 0.5.
    """
    phase = np.arange(PHASE_BINS, dtype=np.float64) / PHASE_BINS
    width = generator.uniform(0.05, 0.16, (n_stars, 1))
    flatness = generator.uniform(0.0, 0.6, (n_stars, 1))
    depth_ratio = generator.uniform(0.1, 1.0, (n_stars, 1))
    # Short periods circularise orbits, so that most stars show no shift at all.
    eccentric = generator.random((n_stars, 1)) < 0.25
    shift = np.where(eccentric, generator.uniform(-0.12, 0.12, (n_stars, 1)), 0.0)
    magnitude = _eclipse(phase, width, flatness)
    magnitude += depth_ratio * _eclipse(phase - 0.5 - shift, width, flatness)
    # Tides make both stars a little oblong, and the light varies out of eclipse as well.
    magnitude += generator.uniform(0.0, 0.06, (n_stars, 1)) * np.cos(4 * np.pi * phase)
    return _scaled(magnitude.astype(np.float32))


def _eclipse(phase: FloatArray, width: FloatArray, flatness: FloatArray) -> FloatArray:
    distance = np.abs((phase + 0.5) % 1.0 - 0.5) / (width / 2)
    depth = np.clip((1.0 - distance) / (1.0 - flatness), 0.0, 1.0)
    return depth * depth * (3.0 - 2.0 * depth)


def contact_shapes(n_stars: int, generator: np.random.Generator) -> tuple[Table, FloatArray]:
    """Contact binaries: light that varies all the time, with almost equal minima.

    Returns
    -------
    table : ndarray of shape (n_stars, PHASE_BINS)
        Shapes.
    amplitude : ndarray of shape (n_stars,)
        Amplitudes in magnitudes; they go with the shape, for both follow from the geometry.

    References
    ----------
    Light as a cosine series whose terms a_2 and a_4 rule, a_4 = a_2 (0.125 - a_2) at marginal
    contact: Rucinski 1993, PASP 105, 1433, and 1997, AJ 113, 407.
    """
    angle = 2 * np.pi * np.arange(PHASE_BINS) / PHASE_BINS
    second = -generator.uniform(0.06, 0.26, (n_stars, 1))
    fourth = second * (0.125 - second) * generator.uniform(0.8, 1.2, (n_stars, 1))
    first = -np.abs(generator.normal(0.0, 0.015, (n_stars, 1)))
    spots = generator.normal(0.0, 0.008, (n_stars, 1))
    light = 1.0 + first * np.cos(angle) + second * np.cos(2 * angle) + fourth * np.cos(4 * angle)
    magnitude = -2.5 * np.log10(light + spots * np.sin(angle))
    return _scaled(magnitude.astype(np.float32)), np.ptp(magnitude, axis=1)
