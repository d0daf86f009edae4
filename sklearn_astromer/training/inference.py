"""Running a network over many windows, in batches that fit."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from sklearn_astromer.progress import progress_bar
from sklearn_astromer.training.batches import Batch, DeviceObservations
from sklearn_astromer.training.devices import autocast, is_out_of_memory
from sklearn_astromer.training.side_by_side import n_workers, workers
from sklearn_astromer.windows import Windows, batches_of_like_length

logger = logging.getLogger(__name__)

# Fewer windows are done by one thread before another is ready for them.
WORTH_A_THREAD = 16


class _Done(NamedTuple):
    """A batch, and what a function made of it; not there yet if the event has not come."""

    batch: Batch
    result: Tensor
    copied: torch.cuda.Event | None


def _copied(device: torch.device) -> torch.cuda.Event | None:
    """Mark what a GPU has been told to do so far; on a CPU it is done."""
    if device.type == "cpu":
        return None
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    return event


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
        n_at_work = n_workers(-(-len(windows) // WORTH_A_THREAD), self.observations.device)
        # As many batches for each, so that none has nothing to do at the end.
        n_rounds = -(-len(windows) // (n_at_work * self.batch_size))
        even_size = -(-len(windows) // max(1, n_rounds * n_at_work))
        waiting = batches_of_like_length(windows.length, max(1, even_size))[::-1]
        at_work: deque[tuple[NDArray[np.int64], Future[_Done | None]]] = deque()
        shared = self._bar
        with (
            nullcontext(shared) if shared is not None else self.progress(len(windows)) as bar,
            workers(n_at_work) as executor,
        ):
            while waiting or at_work:
                # Twice as many as are done at once, so that nobody, and no GPU, has to wait for
                # what is done with the results.
                while waiting and len(at_work) < 2 * n_at_work:
                    chosen = waiting.pop()
                    at_work.append((chosen, executor.submit(self._try, windows[chosen], function)))
                chosen, future = at_work.popleft()
                done = future.result()
                if done is None:
                    half = len(chosen) // 2
                    waiting += [chosen[half:], chosen[:half]]
                    continue
                if done.copied is not None:
                    done.copied.synchronize()
                yield chosen, done.batch, done.result
                bar.update(len(chosen))

    def _try(self, windows: Windows, function: Callable[[Batch], Tensor]) -> _Done | None:
        """Run one batch; None means that it did not fit, and a smaller one may."""
        device = self.observations.device
        try:
            with torch.inference_mode(), autocast(device, self.precision):
                batch = self.observations.batch(windows)
                result = function(batch)
                if result.dtype == torch.bfloat16:
                    result = result.float()
                # From a GPU into pinned memory, without waiting until it is there: otherwise the
                # GPU would have nothing to do until the next batch is put together.
                return _Done(batch, result.to("cpu", non_blocking=True), _copied(device))
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
