"""Searching all light curves, batch by batch, whatever their lengths."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.light_curves.values import curve_name
from sklearn_astromer.periods.batches import (
    ROW,
    CurveBatch,
    FrequencyGrid,
    SearchableCurves,
    SearchRange,
)
from sklearn_astromer.progress import progress_bar
from sklearn_astromer.training.devices import is_out_of_memory

logger = logging.getLogger(__name__)

# The fastest on CPUs (where a block should stay in the cache) and on GPUs (which want work).
AUTO_BATCH_SIZE = {"cpu": 8, "cuda": 256}
# Numbers in one work array: float32 products of a block, and float64 phases of its rows.
BLOCK_SIZE = {"cpu": 2**20, "cuda": 2**28}

# Those of 2,700 years and periods from 0.05 days on.
MOST_FREQUENCIES = 1e8

Function = Callable[[CurveBatch, FrequencyGrid, int], Tensor]


class PeriodSearch:
    """Runs a function over batches of those light curves that can have a period.

    Parameters
    ----------
    curves : LightCurves
        Light curves.
    search_range : SearchRange
        What periods are searched.
    n_terms : int
        Number of harmonics. A curve needs observations at 2 n_terms + 3 different times: one more
        than the fit with its frequency has parameters.
    add_jitter : bool
        See `SearchableCurves`.
    device : torch.device
        Where to compute.
    batch_size : int or "auto"
        Most curves at once.
    verbose : int, default=0
        See `sklearn_astromer.progress`.
    prepares : bool, default=False
        Whether what is found is for something else that follows, which shows progress as well.

    Attributes
    ----------
    searchable : ndarray of int64
        Positions of the curves that have enough observations, magnitudes that are not all equal,
        and frequencies in the range.

    Raises
    ------
    LightCurveError
        If a curve has no measured observation, an error that is not positive, or so long a span
        that the search would hardly end.
    """

    def __init__(
        self,
        curves: LightCurves,
        search_range: SearchRange,
        *,
        n_terms: int,
        add_jitter: bool,
        device: torch.device,
        batch_size: int | str,
        verbose: int = 0,
        prepares: bool = False,
    ) -> None:
        self.curves = SearchableCurves(curves, add_jitter=add_jitter)
        self.search_range = search_range
        self.device = device
        automatic = isinstance(batch_size, str)
        self.batch_size = AUTO_BATCH_SIZE[device.type] if automatic else int(batch_size)
        self.verbose = verbose
        self.prepares = prepares
        self.n_frequencies = search_range.counts(self.curves.span)
        self._refuse_endless(curves)
        enough = (self.curves.n_times >= 2 * n_terms + 3) & ~self.curves.is_constant
        self.searchable = np.flatnonzero(enough & (self.n_frequencies > 0))

    def _refuse_endless(self, curves: LightCurves) -> None:
        # Times in seconds, for example; those in nanoseconds would not even fit in memory.
        endless = np.flatnonzero(self.n_frequencies > MOST_FREQUENCIES)
        if len(endless):
            first = int(endless[0])
            raise LightCurveError(
                f"{curve_name(first, curves.ids)} spans {self.curves.span[first]:.3g} days, so "
                f"that {self.n_frequencies[first]:.1e} frequencies would have to be searched. If "
                "its times are not in days, convert them; else choose a longer min_period."
            )

    def run(self, function: Function) -> list[tuple[NDArray[np.int64], NDArray[Any]]]:
        """Apply `function` to every batch; where memory runs out, to halves of it.

        Parameters
        ----------
        function : callable
            Takes a batch, its frequencies and the most rows of the spectrum at once; gives a
            tensor with one entry per curve.

        Returns
        -------
        results : list of (positions, values)
            Positions of the curves of a batch, and what the function gave for them.
        """
        waiting = list(self.curves.batches(self.searchable, self.n_frequencies, self.batch_size))[
            ::-1
        ]
        results = []
        with progress_bar(
            desc="period search",
            total=len(self.searchable),
            unit="curve",
            verbose=self.verbose,
            prepares=self.prepares,
        ) as bar:
            while waiting:
                chosen = waiting.pop()
                values = self._try(chosen, function)
                if values is None:
                    half = len(chosen) // 2
                    waiting += [chosen[half:], chosen[:half]]
                    continue
                results.append((chosen, values))
                bar.update(len(chosen))
        return results

    def _try(self, chosen: NDArray[np.int64], function: Function) -> NDArray[Any] | None:
        try:
            with torch.inference_mode():
                batch = self.curves.batch(chosen, self.device)
                grid = self.search_range.grid(batch.span)
                width = len(chosen) * max(batch.time.shape[1], 2 * ROW)
                block_rows = max(8, BLOCK_SIZE[self.device.type] // width)
                return function(batch, grid, block_rows).cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or len(chosen) == 1:
                raise
        logger.warning("Out of memory with %d light curves at once; trying half.", len(chosen))
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return None
