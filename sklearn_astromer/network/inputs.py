"""What a network may know of a window beyond times and magnitudes; each part is one switch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sklearn_astromer.network.time_encoding import sine_and_cosine, waves

# Numbers that tell a light curve's best period and how sure it is; see `PeriodInput`.
N_PERIOD_FACTS = 6
# Magnitudes: what varies less is taken to vary so much.
SMALLEST_SPREAD = 1e-4
# Errors, over the standard deviation, within which their logarithm is taken.
ERROR_RANGE = (1e-3, 1e2)


class Spread(NamedTuple):
    """Mean and standard deviation of the visible magnitudes of windows, shape (n_windows, 1)."""

    mean: Tensor
    deviation: Tensor


def visible_spread(magnitude: Tensor, hidden: Tensor | None, padding: Tensor | None) -> Spread:
    """Give mean and standard deviation of what may be seen of windows.

    Parameters
    ----------
    magnitude : Tensor, shape (n_windows, n_positions)
        Magnitudes.
    hidden, padding : Tensor of bool, shape (n_windows, n_positions), optional
        What may not be seen.

    Returns
    -------
    spread : Spread
    """
    absent = torch.zeros_like(magnitude, dtype=torch.bool)
    for one in (hidden, padding):
        if one is not None:
            absent = absent | one
    n_visible = (~absent).sum(1, keepdim=True).clamp(min=1)
    mean = magnitude.masked_fill(absent, 0.0).sum(1, keepdim=True) / n_visible
    deviation = (magnitude - mean).masked_fill(absent, 0.0)
    variance = deviation.square().sum(1, keepdim=True) / n_visible
    return Spread(mean, variance.sqrt().clamp(min=SMALLEST_SPREAD))


class ErrorInput(nn.Module):
    """Map the errors of visible magnitudes: their logarithm, and whether they are known.

    Parameters
    ----------
    embedding_size : int
        Number of components.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.projection = nn.Linear(2, embedding_size, bias=False, dtype=torch.float32)

    def forward(self, error: Tensor | None, hidden: Tensor | None, spread: Spread) -> Tensor:
        """Map `error` (n_windows, n_positions; NaN where unknown), in magnitudes."""
        if error is None:
            return self.projection.weight.new_zeros(1, 1, 1)
        known = error.isfinite() if hidden is None else error.isfinite() & ~hidden
        relative = torch.where(known, error, 1.0) / spread.deviation
        logarithm = relative.clamp(*ERROR_RANGE).log10()
        facts = torch.stack((torch.where(known, logarithm, 0.0), known.to(logarithm.dtype)), -1)
        return self.projection(facts.to(self.projection.weight.dtype))


class PeriodInput(nn.Module):
    """Map the phase of each observation in its star's best period, and the period itself.

    Parameters
    ----------
    embedding_size : int
        Number of components.
    multiples : tuple of float
        Multiples of the cycle of which sines and cosines are taken.
    """

    multiples: Tensor
    phase: Tensor

    def __init__(self, embedding_size: int, multiples: tuple[float, ...]) -> None:
        super().__init__()
        cycles = torch.tensor(multiples, dtype=torch.float64)
        self.register_buffer("multiples", cycles.repeat(2), persistent=False)
        self.register_buffer("phase", sine_and_cosine(len(multiples)), persistent=False)
        size = 2 * len(multiples)
        self.of_cycle = nn.Linear(size, embedding_size, bias=False, dtype=torch.float32)
        self.of_period = nn.Linear(N_PERIOD_FACTS, embedding_size, bias=False, dtype=torch.float32)

    def forward(self, cycle: Tensor, period: Tensor) -> Tensor:
        """Map cycles and periods.

        Parameters
        ----------
        cycle : Tensor of float64, shape (n_windows, n_positions)
            Cycles since the epoch; NaN where there is no period.
        period : Tensor of float32, shape (n_windows, N_PERIOD_FACTS)
            What is known of the period; zero where there is none.

        Returns
        -------
        x : Tensor, shape (n_windows, n_positions, embedding_size)
        """
        dtype = self.of_cycle.weight.dtype
        known = cycle.isfinite()
        turning = waves(cycle.masked_fill(~known, 0.0), self.multiples, self.phase)
        turning = turning * known.unsqueeze(-1)
        return self.of_cycle(turning.to(dtype)) + self.of_period(period.to(dtype)).unsqueeze(1)
