"""The best period of light curves and when its cycles begin, for whoever folds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from sklearn_astromer.light_curves import Ephemerides, LightCurves, as_light_curves
from sklearn_astromer.periods.batches import CurveBatch, FrequencyGrid, SearchRange
from sklearn_astromer.periods.folding import phase_of_minimum, phases
from sklearn_astromer.periods.peaks import find_peaks
from sklearn_astromer.periods.search import PeriodSearch
from sklearn_astromer.training.devices import resolve_device

# The defaults of `PeriodFinder`: all that most surveys can find.
SHORTEST_PERIOD = 0.05
OVERSAMPLING = 5.0


def with_periods(X: Any, *, device: str = "auto", verbose: int = 0) -> LightCurves:
    """Search the periods of light curves once, for whoever folds them many times.

    Embedders whose network folds light curves (those with the weights `variables`) take the periods
    that are found here, also of light curves that are selected from these, and search none
    themselves: worth it wherever the same stars are embedded again, as in `cross_val_score` and
    `GridSearchCV`. The embeddings are the same.

    Parameters
    ----------
    X : light curves
        In any form that `sklearn_astromer.as_light_curves` takes.
    device : str, default="auto"
        Where to search.
    verbose : int, default=0
        1 shows a progress bar.

    Returns
    -------
    curves : LightCurves
        With `ephemerides`. Where magnitudes are hidden (`AstromerEmbedder.score` and
        `reconstruct`) periods are searched anew, without the hidden ones.

    Raises
    ------
    LightCurveError
        If a curve has no measured observation, or an error that is not positive.

    Examples
    --------
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.periods import with_periods
    >>> X, y = make_variable_stars(2, classes=["RRab"], random_state=0)
    >>> with_periods(X)[1:].ephemerides.period.round(3)
    array([0.596])
    """
    curves = as_light_curves(X)
    found = find_ephemerides(curves, device=resolve_device(device), verbose=verbose)
    return curves.with_ephemerides(found)


def find_ephemerides(
    curves: LightCurves,
    *,
    device: torch.device,
    batch_size: int | str = "auto",
    verbose: int = 0,
) -> Ephemerides:
    """Search the best period of light curves, and the time of minimum light.

    Parameters
    ----------
    curves : LightCurves
        Observations that are NaN are left out.
    device : torch.device
        Where to compute.
    batch_size : int or "auto", default="auto"
        Light curves at once.
    verbose : int, default=0
        See `sklearn_astromer.progress`; a network is to follow.

    Returns
    -------
    ephemerides : Ephemerides
        NaN where no period can be found: see `PeriodFinder.transform`.

    Raises
    ------
    LightCurveError
        If a curve has no measured observation, or an error that is not positive.
    """
    search = PeriodSearch(
        curves,
        SearchRange(SHORTEST_PERIOD, None, OVERSAMPLING),
        n_terms=1,
        add_jitter=True,
        device=device,
        batch_size=batch_size,
        verbose=verbose,
        prepares=True,
    )

    def of_batch(batch: CurveBatch, grid: FrequencyGrid, block_rows: int) -> torch.Tensor:
        peaks = find_peaks(batch, grid, n_peaks=1, n_terms=1, block_rows=block_rows)[:, 0]
        twice = 2 * peaks[:, 0]
        since_middle = phase_of_minimum(batch, phases(batch, twice)) * twice
        return torch.cat([peaks[:, :1], since_middle[:, None], peaks[:, 1:]], 1)

    found = np.full((len(curves), 6), np.nan)
    for chosen, values in search.run(of_batch):
        found[chosen] = values
    found[:, 1] += search.curves.middle
    return Ephemerides(*found.T.copy())
