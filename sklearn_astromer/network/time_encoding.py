"""The time encoding: sines and cosines of the observation times."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class TimeEncoding(nn.Module):
    """Encode times as sines and cosines at fixed angular frequencies (Eqs. 3 and 4 of the paper).

    Component j of `embedding_size` is ``sin(w_j t)`` for even j and ``cos(w_j t)`` for odd j, with
    ``w_j = time_base ** (-2 j / embedding_size)`` radians per day.

    Parameters
    ----------
    embedding_size : int
        Number of components.
    time_base : float
        Base of the frequencies.
    """

    turns_per_day: Tensor
    phase: Tensor

    def __init__(self, embedding_size: int, time_base: float) -> None:
        super().__init__()
        turns = phase = torch.empty(embedding_size, dtype=torch.float64)
        # Networks are sketched on "meta" to check files of weights. Arithmetic there would import
        # torch's compiler, which takes a second.
        if not turns.is_meta:
            component = torch.arange(embedding_size, dtype=torch.float64)
            turns = float(time_base) ** (-2.0 * component / embedding_size) / (2 * math.pi)
            phase = (component % 2).to(torch.float32) * (math.pi / 2)
        self.register_buffer("turns_per_day", turns, persistent=False)
        self.register_buffer("phase", phase, persistent=False)

    def forward(self, time: Tensor) -> Tensor:
        """Encode `time` (..., in days, float64) as (..., embedding_size) of float32."""
        return waves(time, self.turns_per_day, self.phase)


class PeriodEncoding(nn.Module):
    """Encode times by a learned map of sines and cosines of periods that are spaced evenly in log.

    Parameters
    ----------
    embedding_size : int
        Number of components; half as many periods.
    shortest, longest : float
        Shortest and longest period, in days.
    """

    turns_per_day: Tensor
    phase: Tensor

    def __init__(self, embedding_size: int, shortest: float, longest: float) -> None:
        super().__init__()
        n_periods = embedding_size // 2
        turns = phase = torch.empty(embedding_size, dtype=torch.float64)
        # See `TimeEncoding`.
        if not turns.is_meta:
            steps = torch.linspace(0, 1, n_periods, dtype=torch.float64)
            turns = ((1 / shortest) * (shortest / longest) ** steps).repeat(2)
            phase = sine_and_cosine(n_periods)
        self.register_buffer("turns_per_day", turns, persistent=False)
        self.register_buffer("phase", phase, persistent=False)
        self.projection = nn.Linear(embedding_size, embedding_size, dtype=torch.float32)

    def forward(self, time: Tensor) -> Tensor:
        """Encode `time` (..., in days, float64) as (..., embedding_size) of float32."""
        of_time = waves(time, self.turns_per_day, self.phase)
        return self.projection(of_time.to(self.projection.weight.dtype))


def sine_and_cosine(n_frequencies: int) -> Tensor:
    """Give the phases of `waves` that make sines, and then cosines, of as many frequencies."""
    return torch.tensor([0.0, math.pi / 2], dtype=torch.float32).repeat_interleave(n_frequencies)


def waves(time: Tensor, turns_per_unit: Tensor, phase: Tensor) -> Tensor:
    """Give ``sin(2 pi turns_per_unit time + phase)``, exactly for large times too.

    Parameters
    ----------
    time : Tensor of float64, shape (...,)
        Days, or cycles.
    turns_per_unit : Tensor of float64, shape (n_waves,)
        Frequencies.
    phase : Tensor of float32, shape (n_waves,)
        Radians.

    Returns
    -------
    waves : Tensor of float32, shape (..., n_waves)
    """
    # Whole turns are taken away in float64: at a thousand days a float32 angle is already wrong by
    # 1e-4, and would change with the zero point of the times. In place, since passes over memory
    # take longer than arithmetic; nothing here is learned.
    turns = time.to(torch.float64).unsqueeze(-1) * turns_per_unit
    turns.sub_(turns.round())
    return turns.to(torch.float32).mul_(2 * math.pi).add_(phase).sin_()
