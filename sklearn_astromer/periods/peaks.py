"""From rows of the spectrum to periods: candidates, exact power, refinement, false alarms."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, pi

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln
from torch import Tensor

from sklearn_astromer.periods.batches import ROW, CurveBatch, FrequencyGrid
from sklearn_astromer.periods.folding import folded_scatter
from sklearn_astromer.periods.spectrum import PREFERENCE_FOR_LOW, Spectrum

# Rows of the spectrum that are computed in full; the share of the periods that is lost for want
# of more was measured to be nil (docs/periods.md).
ROWS_IN_FULL = 16
# Single-sine peaks that are compared in float64; with several harmonics their order may change.
CANDIDATES = 4
CANDIDATES_OF_HARMONICS = 16
# A multiple of a period fits at least as well with several harmonics. It is preferred only where
# it takes away this share of what the period leaves, which chance hardly does.
GAIN_OF_MULTIPLE = 0.1
# Added to the normal equations' unit diagonal, for phases that are all alike.
RIDGE = 1e-12
# Numbers in one work array of `harmonic_fit`.
WORK_SIZE = 2**22
# Magnitudes of which an earlier fit left less than this share of the variance are rounding.
LEAST_VARIANCE_LEFT = 1e-12


@dataclass(frozen=True)
class Peak:
    """The best peak of each curve of a batch; all of shape (n_curves,), float64.

    Parameters
    ----------
    period : Tensor
        Days.
    power : Tensor
        Share of the weighted variance that the fit explains.
    scatter, scatter_double : Tensor
        See `sklearn_astromer.periods.folding.folded_scatter`; at the period, and at twice it.
    log_false_alarm : Tensor
        Decimal logarithm of the probability that noise alone gives a peak as high.
    """

    period: Tensor
    power: Tensor
    scatter: Tensor
    scatter_double: Tensor
    log_false_alarm: Tensor

    def columns(self) -> Tensor:
        """Give the numbers in the order of the columns, shape (n_curves, 5)."""
        parts = [self.period, self.power, self.scatter, self.scatter_double, self.log_false_alarm]
        return torch.stack(parts, 1)


def find_peaks(
    batch: CurveBatch, grid: FrequencyGrid, *, n_peaks: int, n_terms: int, block_rows: int
) -> Tensor:
    """Find the best periods of each curve, each in what the fits at those before it leave.

    Parameters
    ----------
    batch : CurveBatch
        Curves with more observations than parameters, and magnitudes that are not all equal.
    grid : FrequencyGrid
        Their frequencies, at least one for each.
    n_peaks, n_terms : int
        Number of periods, and of harmonics of each.
    block_rows : int
        Most rows of the spectrum at once.

    Returns
    -------
    columns : Tensor of float64, shape (n_curves, n_peaks, 5)
        As in `Peak`; NaN where earlier fits leave nothing.
    """
    whole = batch.variance
    found = []
    for _ in range(n_peaks):
        frequency = _best_frequency(batch, grid, n_terms, block_rows)
        power, model = harmonic_fit(batch, frequency[:, None], n_terms, with_model=True)
        peak = Peak(
            1 / frequency,
            power[:, 0],
            folded_scatter(batch, 1 / frequency),
            folded_scatter(batch, 2 / frequency),
            log_false_alarm(batch, power[:, 0], _highest(grid), n_terms),
        )
        left = batch.variance > LEAST_VARIANCE_LEFT * whole
        found.append(torch.where(left[:, None], peak.columns(), torch.nan))
        batch = batch.with_magnitude(batch.magnitude - model[:, 0])
    return torch.stack(found, 1)


def _highest(grid: FrequencyGrid) -> Tensor:
    return grid.first + (grid.count - 1) * grid.step


def _best_frequency(
    batch: CurveBatch, grid: FrequencyGrid, n_terms: int, block_rows: int
) -> Tensor:
    spectrum = Spectrum(batch, grid)
    rows, found = spectrum.strongest_rows(ROWS_IN_FULL, block_rows)
    in_grid = grid.contains(rows) & found[:, :, None]
    n_candidates = CANDIDATES if n_terms == 1 else CANDIDATES_OF_HARMONICS
    power = spectrum.power(rows).masked_fill_(~in_grid, -1.0)
    frequency = _local_maxima(power, grid, rows, n_candidates)
    best, best_power = _best_of(batch, frequency, grid, n_terms)
    for multiple in range(2, n_terms + 1):
        other, power = _best_of(batch, frequency / multiple, grid, n_terms)
        better = 1 - power < (1 - GAIN_OF_MULTIPLE) * (1 - best_power)
        best = torch.where(better, other, best)
        best_power = torch.where(better, power, best_power)
    return best


def _best_of(
    batch: CurveBatch, frequency: Tensor, grid: FrequencyGrid, n_terms: int
) -> tuple[Tensor, Tensor]:
    """Refine candidates and choose the best; those below the grid take no part."""
    refined, power = refine(batch, frequency, grid, n_terms)
    liking = power * (1 - PREFERENCE_FOR_LOW * refined / _highest(grid)[:, None])
    liking = liking.masked_fill(frequency < grid.first[:, None], -1.0)
    liking, place = liking.max(1, keepdim=True)
    chosen = torch.where(liking < 0, 0.0, power.gather(1, place))
    return refined.gather(1, place)[:, 0], chosen[:, 0]


def _local_maxima(power: Tensor, grid: FrequencyGrid, rows: Tensor, n_best: int) -> Tensor:
    """Give the frequencies of the highest local maxima, float64, shape (n_curves, n_best)."""
    beyond = torch.nn.functional.pad(power, (1, 1), value=-1.0)
    is_peak = (power >= beyond[..., :-2]) & (power >= beyond[..., 2:])
    share = rows.float() / grid.n_rows[:, None]
    likings = power * (1 - PREFERENCE_FOR_LOW * share)[:, :, None]
    height = torch.where(is_peak, likings, -2.0).flatten(1)
    place = height.topk(n_best, 1).indices
    number = rows.gather(1, place // ROW) * ROW + place % ROW
    return grid.first[:, None] + number * grid.step[:, None]


def refine(
    batch: CurveBatch, frequency: Tensor, grid: FrequencyGrid, n_terms: int
) -> tuple[Tensor, Tensor]:
    """Climb from frequencies of the grid to the tops of their peaks, in float64.

    Three parabolas through points ever closer together, down to a hundredth of the width of a
    peak.

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    frequency : Tensor of float64, shape (n_curves, n_candidates)
        Where to begin, per day.
    grid : FrequencyGrid
        Says how near the tops are; its range is not left.
    n_terms : int
        Number of harmonics.

    Returns
    -------
    frequency, power : Tensor of float64, shape (n_curves, n_candidates)
    """
    step = grid.step[:, None, None] / n_terms
    # With more harmonics, peaks are narrower, and lie further from those of a single sine.
    reach = 1 if n_terms == 1 else 2 * n_terms
    best = frequency
    for scale, side in ((1.0, reach), (0.3, 1), (0.05, 1)):
        offset = torch.arange(-side, side + 1, device=frequency.device).float() * scale
        points = best[:, :, None] + offset * step
        power, _ = harmonic_fit(batch, points.flatten(1), n_terms)
        power = power.view(points.shape)
        top = power.argmax(-1, keepdim=True)
        middle = top.clamp(1, 2 * side - 1)
        below, here, above = (power.gather(-1, middle + shift) for shift in (-1, 0, 1))
        curvature = below - 2 * here + above
        shift = torch.where(curvature < 0, (below - above) / (2 * curvature), 0.0).clamp(-1, 1)
        vertex = points.gather(-1, middle) + shift * scale * step
        # The parabola is trusted where its top lies between the points.
        best = torch.where(curvature < 0, vertex, points.gather(-1, top))[..., 0]
        best = best.clamp(grid.first[:, None], _highest(grid)[:, None])
    return best, harmonic_fit(batch, best, n_terms)[0]


def harmonic_fit(
    batch: CurveBatch, frequency: Tensor, n_terms: int, *, with_model: bool = False
) -> tuple[Tensor, Tensor]:
    """Fit a mean and harmonics by weighted least squares, in float64.

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    frequency : Tensor of float64, shape (n_curves, n_frequencies)
        Per day.
    n_terms : int
        Number of harmonics: sines and cosines of 1 ... n_terms times the frequency.
    with_model : bool, default=False
        Whether to give the fitted magnitudes.

    Returns
    -------
    power : Tensor of float64, shape (n_curves, n_frequencies)
        Share of the weighted variance that the fit explains.
    model : Tensor of float64, shape (n_curves, n_frequencies, n_observations)
        The fit minus the weighted mean of the magnitudes; empty unless `with_model`.
    """
    n_at_once = max(1, WORK_SIZE // (2 * n_terms * batch.time.numel()))
    parts = [_fit(batch, some, n_terms, with_model) for some in frequency.split(n_at_once, 1)]
    powers, models = zip(*parts, strict=True)
    return torch.cat(powers, 1), torch.cat(models, 1)


def _fit(
    batch: CurveBatch, frequency: Tensor, n_terms: int, with_model: bool
) -> tuple[Tensor, Tensor]:
    phase = 2 * pi * frequency[:, :, None] * batch.time[:, None, :]
    columns = torch.stack(
        [wave(k * phase) for k in range(1, n_terms + 1) for wave in (torch.cos, torch.sin)], 2
    )
    weight = batch.weight[:, None, None, :]
    columns = columns - (columns * weight).sum(-1, keepdim=True)
    weighted = columns * weight
    target = (weighted @ batch.magnitude[:, None, :, None])[..., 0]
    normal = weighted @ columns.mT
    normal.diagonal(dim1=-2, dim2=-1).add_(RIDGE)
    # No check of errors: it would make a GPU wait.
    solution = torch.linalg.solve_ex(normal, target[..., None])[0][..., 0]
    power = (solution * target).sum(-1) / batch.variance[:, None]
    power = power.nan_to_num(0.0).clamp(0, 1)
    if not with_model:
        return power, batch.time.new_empty(*frequency.shape, 0)
    return power, (columns * solution[..., None]).sum(2)


def log_false_alarm(batch: CurveBatch, power: Tensor, highest: Tensor, n_terms: int) -> Tensor:
    """Give the decimal logarithm of the false-alarm probability of a peak (Baluev).

    The chance that white noise alone gives a peak as high anywhere below the highest frequency:
    Eq. 6 of Baluev 2008 (MNRAS 385, 1279) with the expected number of upward crossings of his
    Table 1 (standard normalisation); for several harmonics multiplied by the factor of Baluev 2009
    (MNRAS 395, 1541).

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    power : Tensor of float64, shape (n_curves,)
        Share of the weighted variance that the fit explains.
    highest : Tensor of float64, shape (n_curves,)
        Highest frequency that was searched, per day.
    n_terms : int
        Number of harmonics.

    Returns
    -------
    log_false_alarm : Tensor of float64, shape (n_curves,)
        0 is certain; -3 is one in a thousand.
    """
    mean = (batch.weight * batch.time).sum(-1)
    variance = (batch.weight * batch.time.square()).sum(-1) - mean.square()
    width = (highest * (4 * pi * variance).sqrt()).cpu().numpy()
    share, n = power.cpu().numpy(), batch.length.cpu().numpy()
    n_free = n - 1
    with np.errstate(divide="ignore"):
        # A perfect fit has no finite logarithm.
        left = np.log1p(-np.minimum(share, 1 - 1e-15))
        strength = np.log(0.5 * n_free * share)
        gamma = 0.5 * np.log(2 / n_free) + gammaln(n_free / 2) - gammaln((n_free - 1) / 2)
        # Of the chance at one frequency, with 2 n_terms parameters: the tail of a beta function.
        n_left = n - 1 - 2 * n_terms
        single = 0.5 * n_left * left + np.log(_tail_sum(share, n_left, n_terms))
        crossings = np.log(_harmonic_factor(n_terms) * width) + gamma
        crossings = crossings + 0.5 * (n_left - 1) * left + (n_terms - 0.5) * strength
    rare = np.logaddexp(single, crossings)
    expected = np.exp(np.minimum(crossings, 10.0))
    exact = -np.expm1(-expected) + np.exp(single - expected)
    with np.errstate(divide="ignore"):
        result = np.where(rare < -15.0, rare, np.log(np.minimum(exact, 1.0))) / np.log(10)
    return torch.from_numpy(result).to(power.device)


def _tail_sum(share: NDArray[np.float64], n_left: NDArray[np.int64], n_terms: int) -> NDArray:
    """Give the sum over j < n_terms of Gamma(b + j) / (Gamma(b) j!) share^j, b = n_left / 2."""
    total = np.zeros_like(share)
    term = np.ones_like(share)
    for j in range(n_terms):
        total += term
        term = term * share * (n_left / 2 + j) / (j + 1)
    return total


def _harmonic_factor(n_terms: int) -> float:
    """Give alpha_n of Baluev 2009; 1 for a single sine."""
    odd = np.prod(np.arange(1, 2 * n_terms, 2), dtype=float)
    terms = (
        (-1) ** (n_terms - k)
        * k ** (2 * n_terms + 1)
        / (factorial(n_terms + k) * factorial(n_terms - k))
        for k in range(1, n_terms + 1)
    )
    return float(2**n_terms / odd * sum(terms))
