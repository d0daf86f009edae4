"""Observations that live on the device, and batches of windows gathered from them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.windows import Observations, Windows


class Batch(NamedTuple):
    """Windows as the network takes them.

    Parameters
    ----------
    time : Tensor of float64, shape (n_windows, n_positions)
        Days, minus the mean of the window; zero in padding.
    magnitude : Tensor of float32, shape (n_windows, n_positions)
        Magnitudes, minus the mean of the window; zero in padding.
    padding : Tensor of bool, shape (n_windows, n_positions), or None
        True where there is no observation; None where all positions are observations.
    repeats : Tensor of float32, shape (n_windows, n_positions), or None
        See `sklearn_astromer.network.attention.attention_bias`.
    length : Tensor of int64, shape (n_windows,)
        Observations of each window; they come first.
    mean_magnitude : Tensor of float64, shape (n_windows,)
        What was subtracted from the magnitudes.
    position : Tensor of int64, shape (n_windows, n_positions)
        Which observation stands at each position; in padding, any.
    """

    time: Tensor
    magnitude: Tensor
    padding: Tensor | None
    repeats: Tensor | None
    length: Tensor
    mean_magnitude: Tensor
    position: Tensor

    def inputs(self) -> dict[str, Tensor]:
        """Give the arguments of the network, without those that are None."""
        given = {
            "time": self.time,
            "magnitude": self.magnitude,
            "padding": self.padding,
            "repeats": self.repeats,
        }
        return {name: value for name, value in given.items() if value is not None}


class DeviceObservations:
    """All observations as two flat tensors on a device, from which windows are gathered.

    Parameters
    ----------
    observations : Observations
        What is to be kept on the device.
    config : NetworkConfig
        Of the network that will take the windows: padding depends on its conventions.
    device : torch.device
        Where.
    """

    def __init__(
        self, observations: Observations, config: NetworkConfig, device: torch.device
    ) -> None:
        self.time = _to_device(observations.time, device)
        self.magnitude = _to_device(observations.magnitude, device)
        self.offsets = observations.offsets
        self.config = config
        self.device = device

    def batch(self, windows: Windows) -> Batch:
        """Gather windows and subtract their means, in float64, before anything is rounded."""
        start = torch.from_numpy(windows.start).to(self.device)
        length = torch.from_numpy(windows.length).to(self.device)
        longest, shortest = int(windows.length.max()), int(windows.length.min())
        size = self.config.window_size
        additive = self.config.attention == "additive" and shortest < size
        # Where padding takes part in the attention, one position stands for all of it.
        width = min(longest + 1, size) if additive else longest
        column = torch.arange(width, device=self.device)
        position = (start[:, None] + column).clamp_(max=len(self.time) - 1)
        padding = column >= length[:, None] if shortest < width else None
        time, _ = _minus_mean(self.time[position], length, padding)
        magnitude, mean = _minus_mean(self.magnitude[position].double(), length, padding)
        repeats = None
        if additive:
            there = column == length[:, None]
            repeats = torch.where(there, size - length[:, None], 0).to(torch.float32)
        return Batch(time, magnitude.to(torch.float32), padding, repeats, length, mean, position)


def _minus_mean(values: Tensor, length: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor]:
    # Around the first observation, so that the sum does not lose digits to the zero point.
    first = values[:, :1]
    values = values - first
    if padding is not None:
        values = values.masked_fill(padding, 0.0)
    mean = values.sum(1) / length
    values = values - mean[:, None]
    if padding is not None:
        values = values.masked_fill(padding, 0.0)
    return values, mean + first[:, 0]


def _to_device(values: NDArray[np.floating], device: torch.device) -> Tensor:
    # torch warns of read-only memory (of a memory map, say) instead of taking it as such.
    return torch.from_numpy(values if values.flags.writeable else values.copy()).to(device)
