"""Running a network over many windows, in batches that fit."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from sklearn_astromer.progress import progress_bar
from sklearn_astromer.training.batches import Batch, DeviceObservations
from sklearn_astromer.training.devices import autocast, is_out_of_memory
from sklearn_astromer.windows import Windows, batches_of_like_length

logger = logging.getLogger(__name__)


class WindowRunner:
    """Applies a function to windows, batch by batch; halves the batch when memory runs out.

    Parameters
    ----------
    observations : DeviceObservations
        What the windows are cut from.
    precision : {"auto", "float32", "bfloat16"}
        See `sklearn_astromer.training.devices.autocast`.
    batch_size : int
        Most windows of a batch.
    verbose : int, default=0
        See `sklearn_astromer.progress`.
    """

    def __init__(
        self,
        observations: DeviceObservations,
        *,
        precision: str,
        batch_size: int,
        verbose: int = 0,
    ) -> None:
        self.observations = observations
        self.precision = precision
        self.batch_size = batch_size
        self.verbose = verbose
        self._bar: tqdm[None] | None = None

    @contextmanager
    def progress(self, n_windows: int, *, prepares: bool = False) -> Iterator[tqdm[None]]:
        """Show one bar for all calls of `run` inside of the block, which run over so many windows.

        Parameters
        ----------
        n_windows : int
            Of all these calls.
        prepares : bool, default=False
            See `sklearn_astromer.progress.progress_bar`.

        Yields
        ------
        bar : tqdm
        """
        with progress_bar(
            desc="network",
            total=n_windows,
            unit="window",
            verbose=self.verbose,
            prepares=prepares,
        ) as bar:
            self._bar = bar
            try:
                yield bar
            finally:
                self._bar = None

    def run(
        self, windows: Windows, function: Callable[[Batch], Tensor]
    ) -> Iterator[tuple[NDArray[np.int64], Batch, Tensor]]:
        """Apply `function` to every batch of windows of like length.

        Parameters
        ----------
        windows : Windows
            What to run over.
        function : callable
            Takes a batch and gives a tensor with one entry per window.

        Yields
        ------
        chosen : ndarray of int64
            Positions of the windows of the batch.
        batch : Batch
            The batch itself.
        result : Tensor
            What the function gave, on the CPU; never of half precision.
        """
        waiting = batches_of_like_length(windows.length, self.batch_size)[::-1]
        shared = self._bar
        with nullcontext(shared) if shared is not None else self.progress(len(windows)) as bar:
            while waiting:
                chosen = waiting.pop()
                done = self._try(windows[chosen], function)
                if done is None:
                    half = len(chosen) // 2
                    waiting += [chosen[half:], chosen[:half]]
                    continue
                yield chosen, *done
                bar.update(len(chosen))

    def _try(
        self, windows: Windows, function: Callable[[Batch], Tensor]
    ) -> tuple[Batch, Tensor] | None:
        """Run one batch; None means that it did not fit, and a smaller one may."""
        device = self.observations.device
        try:
            with torch.inference_mode(), autocast(device, self.precision):
                batch = self.observations.batch(windows)
                result = function(batch)
                if result.dtype == torch.bfloat16:
                    result = result.float()
                return batch, result.cpu()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(windows) == 1:
                raise MemoryError(
                    f"Not even one window of {windows.length[0]} observations fits into the memory "
                    f"that is left on {device}. Free some, or use another device. ({error})"
                ) from error
        logger.warning("Out of memory with %d windows at once; trying half.", len(windows))
        self.batch_size = min(self.batch_size, len(windows) // 2)
        if device.type == "cuda":
            torch.cuda.empty_cache()
        return None
