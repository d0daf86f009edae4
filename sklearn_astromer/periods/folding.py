"""Folding light curves on a period: scatter of the folded curve, and its binned profile."""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from sklearn_astromer.periods.batches import CurveBatch

# A profile over two periods of a binary has its eclipses in the second and fourth.
HARMONICS_TO_ALIGN = 4


def phases(batch: CurveBatch, period: Tensor) -> Tensor:
    """Give the phase of each observation.

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    period : Tensor of float64, shape (n_curves,)
        Days.

    Returns
    -------
    phase : Tensor of float64, shape (n_curves, n_observations)
        From 0 to 1, counted from the middle of each curve's span.
    """
    turns = batch.time / period[:, None]
    phase = turns - turns.floor()
    # A tiny negative time gives 1 by rounding.
    return torch.where(phase < 1, phase, 0.0)


def phase_of_minimum(batch: CurveBatch, phase: Tensor) -> Tensor:
    """Give the phase of minimum light, where magnitudes are greatest.

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    phase : Tensor of float64, shape (n_curves, n_observations)
        Of each observation, in cycles.

    Returns
    -------
    phase : Tensor of float64, shape (n_curves,)
        That of the strongest of the first four harmonics; where this has several minima, that at
        which the sum of the four is faintest.
    """
    order = torch.arange(1, HARMONICS_TO_ALIGN + 1, device=phase.device).float()
    angle = 2 * pi * order[:, None] * phase[:, None, :]
    weighted = (batch.weight * batch.magnitude)[:, :, None]
    cosine, sine = ((wave(angle) @ weighted)[..., 0] for wave in (torch.cos, torch.sin))
    strongest = (cosine.square() + sine.square()).argmax(1, keepdim=True)
    top = torch.atan2(sine, cosine).gather(1, strongest) / (2 * pi)
    # All maxima of the strongest harmonic; those beyond the first turn repeat earlier ones.
    maxima = (top + order - 1) / (strongest + 1)
    angle = 2 * pi * order * maxima[:, :, None]
    height = (cosine[:, None] * angle.cos() + sine[:, None] * angle.sin()).sum(-1)
    # Of like heights the first is taken, so that rounding decides nothing.
    height = height - height.abs().amax(1, keepdim=True) * 1e-6 * (order - 1)
    return maxima.gather(1, height.argmax(1, keepdim=True))[:, 0]


def folded_scatter(batch: CurveBatch, period: Tensor) -> Tensor:
    """Give the scatter of folded curves about themselves, as a share of the whole scatter.

    The root mean square difference of observations that are neighbours in phase (the last and the
    first too), over that of any two observations: the square root of the statistic of Lafler &
    Kinman 1965 (ApJS 11, 216), as normalised by Clarke 2002 (A&A 386, 763). Unlike the power it
    knows nothing of the shape of the curve. Observations weigh alike.

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    period : Tensor of float64, shape (n_curves,)
        Days.

    Returns
    -------
    scatter : Tensor of float64, shape (n_curves,)
        About 1 where the period explains nothing, and about error / scatter where it explains all.
    """
    real = batch.weight > 0
    phase = phases(batch, period).masked_fill(~real, 2.0)
    order = phase.argsort(1)
    ordered = batch.magnitude.gather(1, order)
    number = torch.arange(real.shape[1], device=real.device)
    following = torch.where(number + 1 < batch.length[:, None], number + 1, 0)
    steps = (ordered.gather(1, following) - ordered).masked_fill(
        number >= batch.length[:, None], 0.0
    )
    mean = batch.magnitude.sum(1, keepdim=True) / batch.length[:, None]
    deviation = (batch.magnitude - mean).masked_fill(~real, 0.0)
    # Any two observations differ, in the mean square, by 2 n / (n - 1) times the variance.
    any_two = 2 * deviation.square().sum(1) * batch.length / (batch.length - 1)
    return (steps.square().sum(1) / any_two).sqrt()


def folded_profile(batch: CurveBatch, period: Tensor, n_bins: int) -> Tensor:
    """Give the mean magnitude in bins of phase, of which the first is at minimum light.

    Minimum light is that of `phase_of_minimum`, which noise hardly moves, other than the faintest
    bin.

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    period : Tensor of float64, shape (n_curves,)
        Days that the profile covers.
    n_bins : int
        Number of bins.

    Returns
    -------
    profile : Tensor of float64, shape (n_curves, n_bins)
        Magnitudes minus their mean, over their standard deviation (observations weigh alike). The
        middle of the first bin is minimum light. Bins without an observation are interpolated
        between their neighbours.
    """
    real = batch.weight > 0
    phase = phases(batch, period)
    phase = phase - phase_of_minimum(batch, phase)[:, None] + 0.5 / n_bins
    place = ((phase - phase.floor()) * n_bins).long().clamp(max=n_bins - 1)
    mean = batch.magnitude.sum(1, keepdim=True) / batch.length[:, None]
    deviation = (batch.magnitude - mean).masked_fill(~real, 0.0)
    spread = (deviation.square().sum(1, keepdim=True) / batch.length[:, None]).sqrt()
    empty = torch.zeros(len(place), n_bins, dtype=deviation.dtype, device=deviation.device)
    total = empty.scatter_add(1, place, deviation / spread)
    count = empty.scatter_add(1, place, real.to(deviation.dtype))
    return _filled(total / count.clamp(min=1), count > 0)


def _filled(profile: Tensor, known: Tensor) -> Tensor:
    """Interpolate unknown bins linearly between known ones, around the circle."""
    n = profile.shape[1]
    number = torch.arange(3 * n, device=profile.device)
    known3 = known.repeat(1, 3)
    before = torch.where(known3, number, -1).cummax(1).values[:, n : 2 * n]
    after = torch.where(known3, number, 3 * n).flip(1).cummin(1).values.flip(1)[:, n : 2 * n]
    here = number[n : 2 * n]
    gap = (after - before).clamp(min=1)
    share = (here - before).float() / gap
    left, right = profile.gather(1, before % n), profile.gather(1, after % n)
    return torch.where(known, profile, left + share * (right - left))
