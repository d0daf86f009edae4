"""`PeriodFinder`: light curves in, periods out; and the periodogram behind it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_astromer import parameters
from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.periods.batches import CurveBatch, FrequencyGrid
from sklearn_astromer.periods.estimator import PeriodEstimator
from sklearn_astromer.periods.peaks import find_peaks
from sklearn_astromer.periods.spectrum import Spectrum

COLUMNS = ("period", "power", "scatter", "scatter_double", "log_false_alarm")
NORMALIZATIONS = ("standard", "model", "log", "psd")


class PeriodFinder(PeriodEstimator):
    """Find the best periods of light curves with the generalised Lomb-Scargle periodogram.

    Every light curve is searched at frequencies from 1 / span to 1 / min_period, in steps of
    1 / (oversampling * span). Errors, where there are any, make weights, and the mean is fitted
    together with the sine (Zechmeister & Kuerster 2009, A&A 496, 577). The best peaks of the grid
    are then refined in float64. Nothing is learned: `transform` works without `fit`.

    The time that a light curve takes, and nothing else, grows with its span over `min_period`.

    Parameters
    ----------
    min_period : float, default=0.05
        Shortest period, in days.
    max_period : float or "span", default="span"
        Longest period, in days; "span" is the time from the first observation of a light curve to
        its last.
    n_peaks : int, default=1
        Number of periods of each light curve. Each is searched in what the best fits at those
        before it leave, so that neither daily and yearly aliases nor side lobes of a period are
        found again. Harmonics are: see `n_terms`.
    oversampling : float, default=5
        Frequencies per 1 / span, which is about the width of a peak.
    n_terms : int, default=1
        Number of harmonics that are fitted. With more than one, the sixteen best peaks of a single
        sine, and their periods times 2 ... n_terms, are compared by fits of all harmonics, and
        the best one is taken; a multiple only if it leaves a tenth less than the period itself.
    add_jitter : bool, default=True
        Whether the variance of a light curve that its errors do not explain is added to their
        squares, before the inverse becomes the weight. A sine leaves far more than the errors of
        most variable stars, and errors alone would take weight from what is faint, such as
        eclipses. If False, weights are one over the squares of the errors.
    device : str or torch.device, default="auto"
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" ...
    batch_size : int or "auto", default="auto"
        Light curves at once. "auto": 8 on a CPU and 256 on a GPU. Where memory runs out,
        `transform` goes on with half of it.
    verbose : int, default=0
        1 shows a progress bar; see `sklearn_astromer.progress`.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns; only if `fit` was given a numeric 2-D array.
    feature_names_in_ : ndarray of str
        Names of the columns; only if `fit` was given a data frame of numbers.

    See Also
    --------
    FoldedCurve : The light curve folded on its best period.
    periodogram : The whole spectrum.

    Notes
    -----
    An eclipsing binary with two like minima has its strongest peak at half of its period, since a
    sine has one minimum. `scatter` and `scatter_double` help to choose: where twice the period is
    the true one and the minima differ, the light curve scatters less when folded on it.

    Examples
    --------
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.periods import PeriodFinder
    >>> X, y, truth = make_variable_stars(
    ...     3, classes=["RRab"], cadence="ogle", random_state=0, return_parameters=True
    ... )
    >>> found = PeriodFinder(min_period=0.2).transform(X)
    >>> bool((abs(found[:, 0] / truth["period"] - 1) < 0.001).all())
    True
    """

    def __init__(
        self,
        min_period: float = 0.05,
        max_period: float | str = "span",
        *,
        n_peaks: int = 1,
        oversampling: float = 5,
        n_terms: int = 1,
        add_jitter: bool = True,
        device: str = "auto",
        batch_size: int | str = "auto",
        verbose: int = 0,
    ) -> None:
        self.min_period = min_period
        self.max_period = max_period
        self.n_peaks = n_peaks
        self.oversampling = oversampling
        self.n_terms = n_terms
        self.add_jitter = add_jitter
        self.device = device
        self.batch_size = batch_size
        self.verbose = verbose

    def transform(self, X: Any) -> NDArray[np.float64]:
        """Find the periods.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` lists. Errors that are NaN are taken to be
            like the median of the curve's other errors.

        Returns
        -------
        peaks : ndarray of float64, shape (n_curves, 5 * n_peaks)
            For each peak: ``period`` in days; ``power``, the share of the weighted variance that
            the fit explains; ``scatter``, the scatter of the light curve folded on the period
            about itself, as a share of its whole scatter, and ``scatter_double``, that on twice
            the period; ``log_false_alarm``, the decimal logarithm of the probability that white
            noise gives a peak as high (Baluev 2008). From the second peak on, all of them are of
            what is left of the light curve. NaN where no period can be found: too few
            observations (fewer than 2 n_terms + 3 different times), equal magnitudes, or a span
            shorter than `min_period`.

        Raises
        ------
        LightCurveError, ParameterError
            If a parameter or a light curve is not valid; the message names the light curve.
        """
        search = self._search(X, reset=False)

        def peaks_of(batch: CurveBatch, grid: FrequencyGrid, block_rows: int) -> torch.Tensor:
            return find_peaks(
                batch, grid, n_peaks=self.n_peaks, n_terms=self.n_terms, block_rows=block_rows
            ).flatten(1)

        found = np.full((len(search.curves), self._n_features_out), np.nan)
        for chosen, values in search.run(peaks_of):
            found[chosen] = values
        return found

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Give the names of the columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Only checked.

        Returns
        -------
        names : ndarray of str
            "period_1", "power_1", "scatter_1", "scatter_double_1", "log_false_alarm_1",
            "period_2" ...
        """
        super().get_feature_names_out(input_features)
        numbers = range(1, self.n_peaks + 1)
        return np.array([f"{name}_{k}" for k in numbers for name in COLUMNS], dtype=object)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        parameters.whole("n_peaks", self.n_peaks)

    @property
    def _n_features_out(self) -> int:
        return len(COLUMNS) * self.n_peaks


def periodogram(
    X: Any,
    min_period: float = 0.05,
    max_period: float | str = "span",
    *,
    oversampling: float = 5,
    normalization: str = "standard",
    device: str = "auto",
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float32]]]:
    """Compute the whole generalised Lomb-Scargle periodogram of light curves.

    Equal to ``astropy.timeseries.LombScargle(t, y, dy).power(frequency, method="slow")`` but for
    rounding in float32.

    Parameters
    ----------
    X : light curves
        In any of the forms that `AstromerEmbedder` lists.
    min_period, max_period, oversampling
        As in `PeriodFinder`.
    normalization : {"standard", "model", "log", "psd"}, default="standard"
        With S_0 and S the weighted squares that a constant and the sine leave: 1 - S / S_0,
        S_0 / S - 1, log(S_0 / S), or (S_0 - S) / 2 with weights of one over the squared errors.
    device
        As in `PeriodFinder`.

    Returns
    -------
    frequency : list of ndarray of float64, shape (n_frequencies,)
        For each light curve, per day, ascending; empty where no period can be found.
    power : list of ndarray of float32, shape (n_frequencies,)

    Raises
    ------
    LightCurveError, ParameterError
        If a parameter or a light curve is not valid.

    References
    ----------
    Zechmeister, M., & Kuerster, M. 2009, A&A, 496, 577. VanderPlas, J. T. 2018, ApJS, 236, 16.
    """
    parameters.one_of("normalization", normalization, NORMALIZATIONS)
    finder = PeriodFinder(
        min_period,
        max_period,
        oversampling=oversampling,
        add_jitter=False,
        device=device,
        batch_size=1,
    )
    search = finder._search(as_light_curves(X), reset=False)
    frequencies: list[NDArray[np.float64]] = [np.empty(0)] * len(search.curves)
    powers: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(search.curves)
    for chosen, values in search.run(_whole_spectrum):
        curve = int(chosen[0])
        frequencies[curve], power = values[0]
        if normalization == "psd":
            power = power * search.curves.half_chi_square(curve)
        powers[curve] = _normalized(power, normalization).astype(np.float32)
    return frequencies, powers


def _whole_spectrum(batch: CurveBatch, grid: FrequencyGrid, block_rows: int) -> torch.Tensor:
    """Give the frequencies and powers of one curve, float64, shape (1, 2, n_frequencies)."""
    spectrum = Spectrum(batch, grid)
    rows = torch.arange(int(grid.n_rows[0]), device=batch.time.device)[None]
    power = [spectrum.power(some).flatten() for some in rows.split(block_rows, 1)]
    both = torch.stack([grid.frequencies(rows).flatten(), torch.cat(power).double()])
    return both[None, :, : int(grid.count[0])]


def _normalized(power: NDArray[np.float64], normalization: str) -> NDArray[np.float64]:
    # A perfect fit is infinitely likely.
    with np.errstate(divide="ignore"):
        if normalization == "model":
            return power / (1 - power)
        if normalization == "log":
            return -np.log1p(-power)
    return power
