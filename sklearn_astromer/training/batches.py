"""Observations that live on the device, and batches of windows gathered from them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.windows import Ephemerides, Observations, Windows


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
    error : Tensor of float32, shape (n_windows, n_positions), or None
        Errors, NaN where they are not known; None where the network does not ask for them.
    cycle : Tensor of float64, shape (n_windows, n_positions), or None
        Cycles of the best period since its epoch; None where the network does not ask for them.
    period : Tensor of float32, shape (n_windows, 6), or None
        See `Ephemerides.facts`; None where the network does not ask for them.
    """

    time: Tensor
    magnitude: Tensor
    padding: Tensor | None
    repeats: Tensor | None
    length: Tensor
    mean_magnitude: Tensor
    position: Tensor
    error: Tensor | None = None
    cycle: Tensor | None = None
    period: Tensor | None = None

    def inputs(self) -> dict[str, Tensor]:
        """Give the arguments of the network, without those that are None."""
        given = {
            "time": self.time,
            "magnitude": self.magnitude,
            "padding": self.padding,
            "repeats": self.repeats,
            "error": self.error,
            "cycle": self.cycle,
            "period": self.period,
        }
        return {name: value for name, value in given.items() if value is not None}


class DeviceObservations:
    """All observations as flat tensors on a device, from which windows are gathered.

    Parameters
    ----------
    observations : Observations
        What is to be kept on the device.
    config : NetworkConfig
        Of the network that will take the windows: padding depends on its conventions.
    device : torch.device
        Where.

    Raises
    ------
    ValueError
        If the network needs ephemerides, and there are none.
    """

    def __init__(
        self, observations: Observations, config: NetworkConfig, device: torch.device
    ) -> None:
        self.time = _to_device(observations.time, device)
        self.magnitude = _to_device(observations.magnitude, device)
        self.offsets = observations.offsets
        self._first = _to_device(observations.offsets[:-1], device)
        self._length = _to_device(np.diff(observations.offsets), device)
        self.config = config
        self.device = device
        self.error: Tensor | None = None
        if config.with_errors and observations.error is not None:
            self.error = _to_device(observations.error, device)
        self.ephemerides = None
        if config.needs_ephemerides:
            if observations.ephemerides is None:
                raise ValueError("This network needs the ephemerides of its light curves.")
            self.ephemerides = _DeviceEphemerides(observations.ephemerides, device)

    def batch(self, windows: Windows) -> Batch:
        """Gather windows and subtract their means, in float64, before anything is rounded."""
        longest, shortest = int(windows.length.max()), int(windows.length.min())
        # Where padding takes part in the attention, one position stands for all of it.
        additive = self.config.attention == "additive" and shortest < self.config.window_size
        width = min(longest + 1, self.config.window_size) if additive else longest
        start, length, curve = _sent(
            np.stack((windows.start, windows.length, windows.curve)), self.device
        )
        return self._gather(start, length, curve, width, padded=shortest < width)

    def random_batch(
        self, curve: Tensor, generator: torch.Generator, short_fraction: float = 0.0
    ) -> Batch:
        """Gather a window at random of each of these curves; all is done on the device.

        Parameters
        ----------
        curve : Tensor of int64, shape (n_windows,)
            Positions of curves, which may repeat.
        generator : torch.Generator
            Where chance comes from; on the device.
        short_fraction : float, default=0.0
            Share of the windows that are cut short, to any length from a tenth of a window on.

        Returns
        -------
        batch : Batch
        """
        size = self.config.window_size
        first, n = self._first[curve], self._length[curve]
        place, fate, share = torch.rand(
            3, len(curve), generator=generator, device=self.device, dtype=torch.float64
        )
        length = n.clamp(max=size)
        least = length.clamp(max=max(1, size // 10))
        short = least + (share * (length - least + 1)).long().clamp(max=length - least)
        length = torch.where(fate < short_fraction, short, length)
        room = n - length
        start = first + (place * (room + 1)).long().clamp(max=room)
        # To ask how long the longest is would make a GPU wait.
        width = size if self.device.type != "cpu" else int(length.max())
        return self._gather(start, length, curve, width, padded=True)

    def _gather(
        self, start: Tensor, length: Tensor, curve: Tensor, width: int, *, padded: bool
    ) -> Batch:
        column = torch.arange(width, device=self.device)
        position = (start[:, None] + column).clamp_(max=len(self.time) - 1)
        padding = column >= length[:, None] if padded else None
        time, _ = _minus_mean(self.time[position], length, padding)
        magnitude, mean = _minus_mean(self.magnitude[position].double(), length, padding)
        repeats = None
        if self.config.attention == "additive" and padded:
            there = column == length[:, None]
            n_padded = self.config.window_size - length[:, None]
            repeats = torch.where(there, n_padded, 0).to(torch.float32)
        batch = Batch(time, magnitude.to(torch.float32), padding, repeats, length, mean, position)
        if self.error is not None:
            batch = batch._replace(error=self.error[position])
        if self.ephemerides is not None:
            batch = batch._replace(
                cycle=self.ephemerides.cycle(self.time[position], curve),
                period=self.ephemerides.facts[curve],
            )
        return batch


class _DeviceEphemerides:
    """Ephemerides on a device."""

    def __init__(self, ephemerides: Ephemerides, device: torch.device) -> None:
        self.period = _to_device(ephemerides.period, device)
        self.epoch = _to_device(ephemerides.epoch, device)
        self.facts = _to_device(ephemerides.facts(), device)

    def cycle(self, time: Tensor, curve: Tensor) -> Tensor:
        """Give the cycles since the epoch of each curve, for a row of times of it."""
        return (time - self.epoch[curve][:, None]) / self.period[curve][:, None]


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


def _sent(values: NDArray[Any], device: torch.device) -> Tensor:
    """Copy a little to a device; from pinned memory a GPU takes it in its turn, while we go on."""
    tensor = torch.from_numpy(values)
    if device.type == "cpu":
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


def _to_device(values: NDArray[Any], device: torch.device) -> Tensor:
    # torch warns of read-only memory (of a memory map, say) instead of taking it as such.
    return torch.from_numpy(values if values.flags.writeable else values.copy()).to(device)
