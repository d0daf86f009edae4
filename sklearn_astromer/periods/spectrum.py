"""The generalised Lomb-Scargle periodogram of a batch of light curves, by matrix products.

A row of the spectrum holds the frequencies f_a + s (b + 1/2) df with b = 0 ... HALF_ROW - 1 and
s = -1, 1. Of x = 2 pi f_a t and z = 2 pi (b + 1/2) df t only the four sums over observations of
cos x cos z, cos x sin z, sin x cos z and sin x sin z are needed: they give the sums of cos and sin
at both x - z and x + z. For all rows and all b these sums are one product of a matrix (2 rows x
observations) by another (observations x 2 HALF_ROW): two multiplications and additions per
observation and frequency, and hardly any trigonometry.
"""

from __future__ import annotations

from math import pi

import torch
from torch import Tensor

from sklearn_astromer.periods.batches import HALF_ROW, ROW, CurveBatch, FrequencyGrid

# Where sine and cosine cannot be told apart in float32 (all phases nearly alike), power means
# nothing; the determinant of their covariance is at most 1/4.
LEAST_DETERMINANT = 1e-6
# Among peaks that a regular cadence makes all alike, the lowest frequency is the natural one: at
# the highest frequency of the grid this share of the power is taken off, for the choice only.
PREFERENCE_FOR_LOW = 1e-3


def cos_sin(turns: Tensor) -> tuple[Tensor, Tensor]:
    """Give cosine and sine of phases.

    Parameters
    ----------
    turns : Tensor of float64
        Phases in cycles; whole turns are taken off before the precision is lowered.

    Returns
    -------
    cosine, sine : Tensor of float32
    """
    angle = (turns - turns.round()).float().mul_(2 * pi)
    return torch.cos(angle), torch.sin(angle)


class Spectrum:
    """The spectrum of a batch of light curves, of which any rows can be computed.

    Parameters
    ----------
    batch : CurveBatch
        The curves.
    grid : FrequencyGrid
        Their frequencies.
    """

    def __init__(self, batch: CurveBatch, grid: FrequencyGrid) -> None:
        self.batch = batch
        self.grid = grid
        half_steps = torch.arange(HALF_ROW, device=batch.time.device).float() + 0.5
        turns = (half_steps[:, None] * grid.step[:, None, None]) * batch.time[:, None, :]
        self.offset_cos, self.offset_sin = cos_sin(turns)

    def strongest_rows(self, n_best: int, block_rows: int) -> tuple[Tensor, Tensor]:
        """Find the rows with the highest peaks, without keeping the spectrum.

        The power is that of Lomb-Scargle with weights where sine and cosine are taken to be
        independent and evenly sampled: YC^2 + YS^2 in the notation of Zechmeister & Kuerster 2009.
        It needs a third of the products of the full formula and finds the same peaks.

        Parameters
        ----------
        n_best : int
            Rows to find.
        block_rows : int
            Most rows at once; it bounds the memory.

        Returns
        -------
        rows : Tensor of int64, shape (n_curves, n_best)
            Numbers of the rows, the best first.
        found : Tensor of bool, shape (n_curves, n_best)
            False where a curve has fewer rows.
        """
        time, n_rows = self.batch.time, int(self.grid.n_rows.max())
        block = -(-n_rows // -(-n_rows // block_rows))
        weight = (self.batch.weight * self.batch.magnitude).float()[:, None]
        right = torch.cat([self.offset_cos * weight, self.offset_sin * weight], 1)
        number = torch.arange(block, device=time.device).expand(len(time), -1)
        best = torch.full((len(time), n_best), -torch.inf, dtype=torch.float32, device=time.device)
        best_row = torch.zeros((len(time), n_best), dtype=torch.int64, device=time.device)
        # cos and sin of the rows of the first block; those of the others follow by rotation.
        first_left = torch.cat(self._row_factors(number), 1)
        left = torch.empty_like(first_left)
        for first in range(0, n_rows, block):
            turns = (self.grid.step * first * ROW)[:, None] * time
            _rotate(first_left, cos_sin(turns), left)
            score = _highest_in_rows(torch.bmm(left, right.mT))
            share = (number + first).float() / self.grid.n_rows[:, None]
            score *= 1 - PREFERENCE_FOR_LOW * share
            score.masked_fill_(number + first >= self.grid.n_rows[:, None], -torch.inf)
            best, place = torch.cat([best, score], 1).topk(n_best, 1)
            best_row = torch.cat([best_row, number + first], 1).gather(1, place)
        return best_row, best > -torch.inf

    def power(self, rows: Tensor) -> Tensor:
        """Compute the generalised Lomb-Scargle periodogram at all frequencies of some rows.

        Errors are weights and the mean is fitted together with the sine (Zechmeister & Kuerster
        2009, A&A 496, 577, Eqs. 4-16). The sums at twice the frequency come from the squares of
        the cosines and sines of the factors.

        Parameters
        ----------
        rows : Tensor of int64, shape (n_curves, n_rows)
            Numbers of the rows, other ones for each curve.

        Returns
        -------
        power : Tensor of float32, shape (n_curves, n_rows, ROW)
            Share of the weighted variance that the sine explains ("standard" normalisation), from
            0 to 1, at the frequencies that `FrequencyGrid.frequencies` gives.
        """
        weight = self.batch.weight.float()[:, None]
        scaled = (self.batch.magnitude / self.batch.variance.sqrt()[:, None]).float()[:, None]
        row_cos, row_sin = self._row_factors(rows)
        left = torch.cat([row_cos, row_sin], 1)
        right = torch.cat([self.offset_cos, self.offset_sin], 1) * weight
        cosine, sine = _sums(torch.bmm(left, right.mT))
        mag_cosine, mag_sine = _sums(torch.bmm(left, right.mul_(scaled).mT))
        left = torch.cat([1 - 2 * row_sin.square(), 2 * row_sin * row_cos], 1)
        twice = [1 - 2 * self.offset_sin.square(), 2 * self.offset_sin * self.offset_cos]
        cosine_twice, sine_twice = _sums(torch.bmm(left, (torch.cat(twice, 1) * weight).mT))
        # Covariances of cos and sin, from cos^2 x = (1 + cos 2x) / 2 and the like.
        cc = (1 + cosine_twice) / 2 - cosine.square()
        ss = (1 - cosine_twice) / 2 - sine.square()
        cs = sine_twice / 2 - cosine * sine
        determinant = cc * ss - cs.square()
        power = ss * mag_cosine.square() + cc * mag_sine.square() - 2 * cs * mag_cosine * mag_sine
        power = (power / determinant).clamp_(0, 1)
        return torch.where(determinant > LEAST_DETERMINANT, power, 0.0)

    def _row_factors(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Give cos and sin of the phases at the centres of rows, (n_curves, n_rows, n_obs)."""
        return cos_sin(self.grid.centre(rows)[:, :, None] * self.batch.time[:, None, :])


def _rotate(factors: Tensor, rotation: tuple[Tensor, Tensor], out: Tensor) -> None:
    """Add phases, given by their cos and sin, to those of stacked cos and sin."""
    n = factors.shape[1] // 2
    cosine, sine = (part[:, None, :] for part in rotation)
    torch.mul(factors[:, :n], cosine, out=out[:, :n]).addcmul_(factors[:, n:], sine, value=-1)
    torch.mul(factors[:, n:], cosine, out=out[:, n:]).addcmul_(factors[:, :n], sine)


def _quadrants(products: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Take apart cos cos, cos sin, sin cos and sin sin."""
    rows = products.shape[1] // 2
    top, bottom = products[:, :rows], products[:, rows:]
    return (
        top[:, :, :HALF_ROW],
        top[:, :, HALF_ROW:],
        bottom[:, :, :HALF_ROW],
        bottom[:, :, HALF_ROW:],
    )


def _highest_in_rows(products: Tensor) -> Tensor:
    """Give the highest C^2 + S^2 of each row; of a pair x - z, x + z it is E + 2 |D|."""
    cc, cs, sc, ss = _quadrants(products)
    power = cc.square()
    for part in (cs, sc, ss):
        power.addcmul_(part, part)
    difference = (sc * cs).addcmul_(cc, ss, value=-1).abs_()
    return power.add_(difference, alpha=2).amax(-1)


def _sums(products: Tensor) -> tuple[Tensor, Tensor]:
    """Give the sums of cos and of sin at all frequencies of rows, in ascending order."""
    cc, cs, sc, ss = _quadrants(products)
    cosine = torch.cat([(cc + ss).flip(-1), cc - ss], -1)
    return cosine, torch.cat([(sc - cs).flip(-1), sc + cs], -1)
