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
        See `sklearn_astromer.progress`.
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
        self.sequence = network.head.reads == "sequence"
        self.windows = consecutive_windows(observations.offsets, observations.config.window_size)
        self.runner = WindowRunner(
            observations, precision=precision, batch_size=batch_size, verbose=verbose
        )

    @property
    def curve_of_row(self) -> NDArray[np.int64]:
        """The light curve of each row of `features`."""
        if self.sequence:
            lengths = np.diff(self.observations.offsets)
            return np.repeat(np.arange(len(lengths)), lengths)
        return self.windows.curve

    def readings(self) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Compute what the head reads, batch by batch.

        Yields
        ------
        rows : ndarray of int64
            Windows or, if the head reads sequences, observations.
        reading : Tensor, shape (n_rows, ...)
            On the CPU.
        """
        for chosen, batch, result in self._run(_read, prepares=True):
            if not self.sequence:
                yield chosen, result
                continue
            position = batch.position.cpu()
            real = torch.ones_like(position, dtype=torch.bool)
            if batch.padding is not None:
                real = ~batch.padding.cpu()
            yield position[real].numpy(), result[real]

    def features(self) -> Tensor:
        """Compute what the head reads of each window, or, for sequences, of each observation.

        Returns
        -------
        features : Tensor, shape (n_windows, ...) or (n_observations, ...)
            On the CPU.
        """
        n_rows = len(self.curve_of_row)
        out: Tensor | None = None
        for rows, reading in self.readings():
            if out is None:
                out = torch.empty((n_rows, *reading.shape[1:]), dtype=self._dtype)
            out[torch.from_numpy(rows)] = reading.to(out.dtype)
        assert out is not None
        return out

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

        of_windows: NDArray[np.float64] | None = None
        for chosen, _, result in self._run(output):
            if of_windows is None:
                of_windows = np.empty((len(self.windows), result.shape[1]))
            of_windows[chosen] = result.numpy()
        assert of_windows is not None
        length = self.windows.length
        first = np.flatnonzero(np.diff(self.windows.curve, prepend=-1))
        total = np.add.reduceat(of_windows * length[:, None], first, axis=0)
        return total / np.add.reduceat(length, first)[:, None]

    def _run(
        self, function: Callable[[HeadedNetwork, Batch], Tensor], *, prepares: bool = False
    ) -> Iterator[tuple[NDArray[np.int64], Batch, Tensor]]:
        """Run over all windows; short ones apart, in float64 where that is affordable."""
        with self.runner.progress(len(self.windows), prepares=prepares):
            yield from self._run_groups(function)

    def _run_groups(
        self, function: Callable[[HeadedNetwork, Batch], Tensor]
    ) -> Iterator[tuple[NDArray[np.int64], Batch, Tensor]]:
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
