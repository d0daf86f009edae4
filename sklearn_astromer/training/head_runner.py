"""Running an encoder with a head over whole light curves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sklearn_astromer.network.heads import HeadedNetwork
from sklearn_astromer.training.batches import Batch, DeviceObservations
from sklearn_astromer.training.curves import SHORT_WINDOW
from sklearn_astromer.training.inference import WindowRunner
from sklearn_astromer.windows import consecutive_windows


class HeadRunner:
    """Runs a `HeadedNetwork` over light curves that are cut into consecutive windows.

    Parameters
    ----------
    network : HeadedNetwork
        In evaluation mode, on the device.
    observations : DeviceObservations
        What it is to see.
    precision : {"auto", "float32", "bfloat16", "float64"}
        See `sklearn_astromer.training.devices.autocast`.
    batch_size : int
        Most windows of a batch.
    verbose : int
        Whether to show a progress bar.
    """

    def __init__(
        self,
        network: HeadedNetwork,
        observations: DeviceObservations,
        *,
        precision: str,
        batch_size: int,
        verbose: int,
    ) -> None:
        self.network = network
        self.observations = observations
        self.windows = consecutive_windows(observations.offsets, observations.config.window_size)
        self.runner = WindowRunner(
            observations, precision=precision, batch_size=batch_size, verbose=verbose
        )

    def features(self) -> Tensor:
        """Compute what the head reads of each window, or, for sequences, of each observation.

        Returns
        -------
        features : Tensor, shape (n_windows, ...) or (n_observations, ...)
            On the CPU.
        """
        sequence = self.network.head.reads == "sequence"
        n_rows = len(self.observations.time) if sequence else len(self.windows)
        out: Tensor | None = None
        for chosen, batch, result in self._run(_read):
            if sequence:
                result, rows = _rows_of_observations(batch, result)
            else:
                rows = torch.from_numpy(chosen)
            if out is None:
                out = torch.empty((n_rows, *result.shape[1:]), dtype=self._dtype)
            out[rows] = result.to(out.dtype)
        assert out is not None
        return out

    def moments(self) -> Tensor:
        """Sum what the head reads, and its square, over each window.

        Returns
        -------
        moments : Tensor of float64, shape (n_windows, 2, ...)
            Of pooled readings, the reading itself and its square.
        """

        def sums(network: HeadedNetwork, batch: Batch) -> Tensor:
            reading = _read(network, batch).double()
            if network.head.reads == "sequence":
                if batch.padding is not None:
                    reading = reading.masked_fill(batch.padding[:, :, None], 0.0)
                return torch.stack((reading.sum(1), reading.square().sum(1)), dim=1)
            return torch.stack((reading, reading.square()), dim=1)

        return self._gathered(sums)

    def outputs(self, *, log_softmax: bool) -> NDArray[np.float64]:
        """Average what the head gives over the windows of each curve, by their observations.

        Parameters
        ----------
        log_softmax : bool
            Whether logits are turned into logarithms of probabilities first.

        Returns
        -------
        outputs : ndarray of float64, shape (n_curves, n_outputs)
        """

        def output(network: HeadedNetwork, batch: Batch) -> Tensor:
            logits = network.head(_read(network, batch), batch.length).double()
            return functional.log_softmax(logits, dim=1) if log_softmax else logits

        of_windows = self._gathered(output).numpy()
        length = self.windows.length
        first = np.flatnonzero(np.diff(self.windows.curve, prepend=-1))
        total = np.add.reduceat(of_windows * length[:, None], first, axis=0)
        return total / np.add.reduceat(length, first)[:, None]

    def _gathered(self, function: Callable[[HeadedNetwork, Batch], Tensor]) -> Tensor:
        out: Tensor | None = None
        for chosen, _, result in self._run(function):
            if out is None:
                out = torch.empty((len(self.windows), *result.shape[1:]), dtype=result.dtype)
            out[torch.from_numpy(chosen)] = result
        assert out is not None
        return out

    def _run(
        self, function: Callable[[HeadedNetwork, Batch], Tensor]
    ) -> Iterator[tuple[NDArray[np.int64], Batch, Tensor]]:
        """Run over all windows; short ones apart, in float64 where that is affordable."""
        short = self.windows.length < SHORT_WINDOW
        for is_short in np.unique(short):
            group = np.flatnonzero(short == is_short)
            exactly = self._dtype == torch.float64 or (is_short and self._may_be_exact)
            network = self._exact_network if exactly else self.network

            def of_batch(batch: Batch, network: HeadedNetwork = network) -> Tensor:
                return function(network, batch)

            for chosen, batch, result in self.runner.run(self.windows[group], of_batch):
                yield group[chosen], batch, result

    @property
    def _dtype(self) -> torch.dtype:
        # A head that was trained in float64 can take nothing else.
        trained = self.network.head.standardise.mean.dtype
        return torch.float64 if self.runner.precision == "float64" else trained

    @property
    def _may_be_exact(self) -> bool:
        return self.observations.device.type == "cpu" and self.runner.precision == "auto"

    @cached_property
    def _exact_network(self) -> HeadedNetwork:
        return deepcopy(self.network).double()


def _read(network: HeadedNetwork, batch: Batch) -> Tensor:
    return network.read(**batch.inputs(), length=batch.length)


def _rows_of_observations(batch: Batch, result: Tensor) -> tuple[Tensor, Tensor]:
    """Drop padding, and tell which observation each row belongs to."""
    position = batch.position.cpu()
    if batch.padding is None:
        return result.flatten(0, 1), position.flatten()
    real = ~batch.padding.cpu()
    return result[real], position[real]
