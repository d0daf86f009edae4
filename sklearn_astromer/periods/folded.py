"""`FoldedCurve`: the shape of a light curve, folded on its best period."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_astromer import parameters
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.periods.batches import CurveBatch, FrequencyGrid
from sklearn_astromer.periods.estimator import PeriodEstimator
from sklearn_astromer.periods.folding import folded_profile
from sklearn_astromer.periods.peaks import find_peaks


class FoldedCurve(PeriodEstimator):
    """Fold light curves on their best period and average them in bins of phase.

    The period is the first one of `PeriodFinder` with the same parameters. Nothing is learned:
    `transform` works without `fit`.

    Parameters
    ----------
    n_bins : int, default=24
        Number of bins of the whole profile.
    periods : {1, 2}, default=1
        How many periods the profile covers. With 2, an eclipsing binary with two like minima,
        whose best period is half of its own, shows both of them.
    with_period : bool, default=False
        Whether the decimal logarithm of the period (days) is the last column, so that it need not
        be searched again by a `PeriodFinder` beside.
    min_period, max_period, oversampling, n_terms, add_jitter, device, batch_size, verbose
        As in `PeriodFinder`.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns; only if `fit` was given a numeric 2-D array.
    feature_names_in_ : ndarray of str
        Names of the columns; only if `fit` was given a data frame of numbers.

    See Also
    --------
    PeriodFinder : Periods, with their power and scatter.

    Examples
    --------
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.periods import FoldedCurve
    >>> X, y = make_variable_stars(3, classes=["RRab"], cadence="ogle", random_state=0)
    >>> FoldedCurve(periods=2, with_period=True).transform(X).shape
    (3, 25)
    """

    def __init__(
        self,
        n_bins: int = 24,
        periods: int = 1,
        *,
        with_period: bool = False,
        min_period: float = 0.05,
        max_period: float | str = "span",
        oversampling: float = 5,
        n_terms: int = 1,
        add_jitter: bool = True,
        device: str = "auto",
        batch_size: int | str = "auto",
        verbose: int = 0,
    ) -> None:
        self.n_bins = n_bins
        self.periods = periods
        self.with_period = with_period
        self.min_period = min_period
        self.max_period = max_period
        self.oversampling = oversampling
        self.n_terms = n_terms
        self.add_jitter = add_jitter
        self.device = device
        self.batch_size = batch_size
        self.verbose = verbose

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Fold light curves on their best periods.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` lists.

        Returns
        -------
        profile : ndarray of float64, shape (n_curves, n_bins) or (n_curves, n_bins + 1)
            Mean magnitude in each bin of phase, minus the mean of all magnitudes, over their
            standard deviation. The first bin is at minimum light: that of the strongest of the
            first four harmonics of the profile. Bins without an observation are interpolated.
            With `with_period`, log10 of the period in days follows. NaN where no period can be
            found (see `PeriodFinder.transform`).

        Raises
        ------
        LightCurveError, ParameterError
            If a parameter or a light curve is not valid; the message names the light curve.
        """
        search = self._search(X, reset=False)

        def profiles_of(batch: CurveBatch, grid: FrequencyGrid, block_rows: int) -> torch.Tensor:
            peaks = find_peaks(batch, grid, n_peaks=1, n_terms=self.n_terms, block_rows=block_rows)
            period = peaks[:, 0, 0]
            profile = folded_profile(batch, self.periods * period, self.n_bins)
            return torch.cat([profile, period.log10()[:, None]], 1)

        found = np.full((len(search.curves), self.n_bins + 1), np.nan)
        for chosen, values in search.run(profiles_of):
            found[chosen] = values
        return found if self.with_period else found[:, : self.n_bins]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Give the names of the columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Only checked.

        Returns
        -------
        names : ndarray of str
            "phase_0", "phase_1" ... and, `with_period`, "log_period".
        """
        super().get_feature_names_out(input_features)
        names = [f"phase_{number}" for number in range(self.n_bins)]
        return np.array(names + ["log_period"] * self.with_period, dtype=object)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        parameters.whole("n_bins", self.n_bins)
        if isinstance(self.periods, bool) or self.periods not in (1, 2):
            raise ParameterError(f"periods must be 1 or 2, got {self.periods!r}.")

    @property
    def _n_features_out(self) -> int:
        return self.n_bins + bool(self.with_period)
