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
        component = torch.arange(embedding_size, dtype=torch.float64)
        frequency = float(time_base) ** (-2.0 * component / embedding_size)
        self.register_buffer("turns_per_day", frequency / (2 * math.pi), persistent=False)
        odd = (component % 2).to(torch.float32)
        self.register_buffer("phase", odd * (math.pi / 2), persistent=False)

    def forward(self, time: Tensor) -> Tensor:
        """Encode `time` (..., in days, float64) as (..., embedding_size) of float32."""
        # Whole turns are taken away in float64: at a thousand days a float32 angle is already wrong
        # by 1e-4, and would change with the zero point of the times.
        # In place, since passes over memory take longer than arithmetic; nothing here is learned.
        turns = time.to(torch.float64).unsqueeze(-1) * self.turns_per_day
        turns.sub_(turns.round())
        return turns.to(torch.float32).mul_(2 * math.pi).add_(self.phase).sin_()
