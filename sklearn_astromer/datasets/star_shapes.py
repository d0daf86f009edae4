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
ComplexArray = npt.NDArray[np.complex128]
Rows = tuple[tuple[float, tuple[float, ...], tuple[float, ...]], ...]
Table = npt.NDArray[np.float32]

# Rows of the tables below: log10 of the period in days; amplitude ratios A_k / A_1; phase
# differences phi_k - k phi_1 in radians, modulo 2 pi, for k = 2, 3, ... of
# magnitude = A_0 + sum_k A_k cos(2 pi k phase + phi_k): the convention of Simon & Lee 1981,
# ApJ 248, 291. They are medians over real stars, whose periods we searched and whose light curves
# we fitted: fundamental-mode Cepheids of the Large Magellanic Cloud from OGLE-III (band I;
# photometry of Soszyński et al. 2008, Acta Astron. 58, 163), RR Lyrae stars from ASAS (band V;
# Pojmański 2002, Acta Astron. 52, 397). Of delta Scuti stars the ratios follow ASAS roughly, and
# the phases, those of a faster rise, are own choices.
CEPHEIDS = (
    (0.226, (0.418, 0.222, 0.120, 0.064), (4.25, 2.30, 0.37, 4.72)),
    (0.375, (0.468, 0.252, 0.133, 0.066), (4.36, 2.61, 0.68, 4.92)),
    (0.459, (0.438, 0.227, 0.115, 0.059), (4.50, 2.75, 0.88, 5.24)),
    (0.546, (0.422, 0.219, 0.110, 0.050), (4.59, 2.92, 1.14, 5.63)),
    (0.653, (0.422, 0.191, 0.086, 0.031), (4.74, 3.23, 1.60, 6.16)),
    (0.743, (0.391, 0.146, 0.066, 0.020), (4.89, 3.45, 1.88, 5.59)),
    (0.849, (0.353, 0.153, 0.033, 0.025), (5.17, 3.33, 0.15, 5.62)),
    (0.907, (0.292, 0.168, 0.052, 0.030), (5.39, 3.94, 0.77, 4.61)),
    (0.960, (0.208, 0.107, 0.052, 0.026), (5.53, 4.79, 1.57, 5.20)),
    (0.992, (0.167, 0.112, 0.067, 0.045), (5.72, 5.46, 2.08, 6.00)),
    (1.038, (0.115, 0.117, 0.076, 0.027), (5.07, 0.71, 6.18, 5.26)),
    (1.084, (0.103, 0.134, 0.111, 0.067), (4.78, 1.25, 6.06, 4.51)),
    (1.125, (0.147, 0.129, 0.138, 0.089), (4.94, 1.85, 0.30, 4.96)),
    (1.164, (0.159, 0.137, 0.143, 0.104), (4.93, 1.95, 0.42, 5.18)),
    (1.240, (0.224, 0.141, 0.132, 0.100), (5.04, 2.80, 1.18, 6.03)),
    (1.344, (0.296, 0.173, 0.139, 0.093), (4.99, 3.29, 1.86, 0.38)),
    (1.475, (0.373, 0.218, 0.146, 0.095), (5.11, 3.80, 2.70, 1.33)),
)
CEPHEID_AMPLITUDES = (
    (0.226, 0.41),
    (0.459, 0.47),
    (0.653, 0.46),
    (0.849, 0.44),
    (0.992, 0.37),
    (1.084, 0.50),
    (1.344, 0.58),
    (1.475, 0.70),
)
"""log10 of the period and median amplitude in I, peak to peak, of the same Cepheids."""

RRAB = (
    (-0.358, (0.510, 0.338, 0.218, 0.149, 0.097, 0.074), (3.86, 1.75, 6.01, 3.83, 1.74, 0.09)),
    (-0.321, (0.453, 0.311, 0.195, 0.139, 0.075, 0.054), (3.83, 1.74, 5.95, 3.93, 1.92, 0.06)),
    (-0.281, (0.468, 0.312, 0.218, 0.131, 0.097, 0.068), (3.88, 1.78, 5.87, 4.04, 1.79, 5.95)),
    (-0.257, (0.489, 0.337, 0.222, 0.128, 0.080, 0.050), (3.95, 1.96, 0.01, 4.51, 2.20, 0.24)),
    (-0.222, (0.471, 0.311, 0.188, 0.092, 0.053, 0.052), (4.00, 2.01, 0.21, 4.67, 2.38, 6.15)),
    (-0.198, (0.485, 0.311, 0.204, 0.110, 0.068, 0.038), (4.03, 2.00, 0.22, 4.65, 2.47, 1.01)),
    (-0.134, (0.467, 0.289, 0.133, 0.102, 0.038, 0.044), (4.24, 2.44, 0.68, 5.26, 3.70, 3.41)),
)
RRC = (
    (-0.531, (0.180, 0.072, 0.051), (4.63, 2.62, 1.59)),
    (-0.484, (0.090, 0.070, 0.027), (4.79, 3.68, 2.25)),
    (-0.453, (0.111, 0.094, 0.060), (4.73, 3.92, 2.82)),
)
DELTA_SCUTI = ((0.0, (0.25, 0.09), (4.0, 1.8)),)


def cepheid_amplitudes(log_period: FloatArray, generator: np.random.Generator) -> FloatArray:
    """Amplitudes of classical Cepheids in I, smallest near ten days; shape (n_stars,)."""
    log_periods, amplitudes = np.array(CEPHEID_AMPLITUDES).T
    typical = np.interp(log_period, log_periods, amplitudes)
    return typical * np.exp(np.clip(generator.normal(0.0, 0.25, len(log_period)), -0.75, 0.5))


def cepheid_shapes(log_period: FloatArray, generator: np.random.Generator) -> Table:
    """Classical Cepheids: the Hertzsprung progression, its bump near maximum at ten days."""
    return _pulsation(_harmonics(log_period, CEPHEIDS), 0.10, 0.08, generator)


def rrab_shapes(log_period: FloatArray, generator: np.random.Generator) -> Table:
    """RR Lyrae stars of type ab: a steep rise and a slow decline."""
    return _pulsation(_harmonics(log_period, RRAB), 0.08, 0.08, generator)


def rrc_shapes(log_period: FloatArray, generator: np.random.Generator) -> Table:
    """RR Lyrae stars of type c: almost a sine."""
    return _pulsation(_harmonics(log_period, RRC), 0.25, 0.25, generator)


def delta_scuti_shapes(amplitude: FloatArray, generator: np.random.Generator) -> Table:
    """Delta Scuti stars: sines when small, with a steeper rise when large (in V)."""
    harmonics = _harmonics(np.zeros(len(amplitude)), DELTA_SCUTI)
    # A harmonic of order k grows with the k-th power of the first, as it does in weak waves.
    strength = np.clip(amplitude / 0.35, 0.0, 1.2)
    order = np.arange(1, len(harmonics) + 1)[:, np.newaxis]
    return _pulsation(harmonics * strength**order, 0.2, 0.2, generator)


def mira_shapes(n_stars: int, generator: np.random.Generator) -> Table:
    """Miras: round, and often faster on the rise than on the decline. Own choices."""
    second = generator.uniform(0.0, 0.25, n_stars)
    third = generator.uniform(0.0, 0.06, n_stars)
    harmonics = np.stack([second * np.exp(4.3j), third * np.exp(2.2j)])
    return _pulsation(harmonics, 0.0, 0.4, generator)


def _harmonics(log_period: FloatArray, rows: Rows) -> ComplexArray:
    # Interpolated as complex numbers, for phases jump where an amplitude passes through zero.
    # The result has shape (n_harmonics, n_stars) and begins with k = 2.
    log_periods = np.array([row[0] for row in rows])
    ratios, phases = (np.array([row[column] for row in rows]) for column in (1, 2))
    known = (ratios * np.exp(1j * phases)).T
    return np.stack([np.interp(log_period, log_periods, harmonic) for harmonic in known])


def _pulsation(
    harmonics: ComplexArray,
    ratio_scatter: float,
    phase_scatter: float,
    generator: np.random.Generator,
) -> Table:
    n_harmonics, n_stars = harmonics.shape
    order = np.arange(1, n_harmonics + 1)[:, np.newaxis]
    # A star that is off in its second harmonic is off in the higher ones too, and by more.
    shift = phase_scatter * generator.standard_normal(n_stars) * order
    growth = ratio_scatter * generator.standard_normal(n_stars) * order**0.5
    scattered = harmonics * np.exp(growth + 1j * shift)
    angle = (2 * np.pi / PHASE_BINS) * np.arange(PHASE_BINS)
    waves = np.exp(1j * np.outer(np.arange(1, n_harmonics + 2), angle))
    terms = np.concatenate([np.ones((1, n_stars)), scattered])
    return _from_maximum(_scaled((terms.T @ waves).real.astype(np.float32)))


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
    Light as a cosine series in which a_2 and a_4 rule: Rucinski 1993, PASP 105, 1433. Contact
    binaries lie above the line a_4 = a_2 (0.125 - a_2): Rucinski 1997, AJ 113, 407.
    """
    angle = 2 * np.pi * np.arange(PHASE_BINS) / PHASE_BINS
    second = -generator.uniform(0.06, 0.26, (n_stars, 1))
    fourth = second * (0.125 - second) * generator.uniform(0.4, 0.95, (n_stars, 1))
    first = -np.abs(generator.normal(0.0, 0.015, (n_stars, 1)))
    spots = generator.normal(0.0, 0.008, (n_stars, 1))
    light = 1.0 + first * np.cos(angle) + second * np.cos(2 * angle) + fourth * np.cos(4 * angle)
    magnitude = -2.5 * np.log10(light + spots * np.sin(angle))
    return _scaled(magnitude.astype(np.float32)), np.ptp(magnitude, axis=1)
