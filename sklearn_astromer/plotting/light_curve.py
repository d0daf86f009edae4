"""`LightCurveDisplay`: a light curve, against time or folded."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.errors import LightCurveError
from sklearn_astromer.plotting.axes import (
    BLUE,
    bright_is_up,
    new_axes,
    phase_axis,
    phase_of,
    time_axis,
)
from sklearn_astromer.plotting.inputs import one_curve

# Of what is shown a second time.
REPEATED = "#BBBBBB"


class LightCurveDisplay:
    """A light curve, against time or folded on a period; bright is up.

    Use `from_light_curve` or `from_estimator` to make one.

    Parameters
    ----------
    time : ndarray of float64, shape (n_observations,)
        Days.
    magnitude : ndarray of float, shape (n_observations,)
        Magnitudes.
    error : ndarray of float or None, default=None
        Errors of the magnitudes.
    period : float or None, default=None
        Days. Given, the light curve is folded: two cycles, the second one in grey.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    artist_ : matplotlib.container.ErrorbarContainer
        The observations.

    Examples
    --------
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.periods import PeriodFinder
    >>> from sklearn_astromer.plotting import LightCurveDisplay
    >>> X, y = make_variable_stars(1, classes=["RRab"], random_state=0)
    >>> display = LightCurveDisplay.from_light_curve(X)
    >>> folded = LightCurveDisplay.from_estimator(PeriodFinder(min_period=0.2), X)
    >>> folded.ax_.get_xlabel()
    'phase (period 0.49... days)'
    """

    def __init__(
        self,
        time: NDArray[np.float64],
        magnitude: NDArray[np.floating],
        error: NDArray[np.floating] | None = None,
        *,
        period: float | None = None,
    ) -> None:
        self.time = time
        self.magnitude = magnitude
        self.error = error
        self.period = period

    @classmethod
    def from_light_curve(
        cls, X: Any, index: int = 0, *, period: float | None = None, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw one of the light curves.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes; or one array of shape
            (n_observations, 2 or 3).
        index : int, default=0
            Position of the light curve.
        period : float or None, default=None
            Days, to fold on.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None: in a new figure.
        **kwargs
            Handed on to `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        display : LightCurveDisplay

        Raises
        ------
        ValueError
            If there is no such light curve, nothing of it was measured, it has negative errors, or
            the period is not positive.
        ImportError
            If matplotlib is missing.
        """
        curve = one_curve(X, index)
        display = cls(curve.time, curve.magnitude, curve.error, period=period)
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any, index: int = 0, *, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Draw one of the light curves, folded on the best period that an estimator finds.

        Parameters
        ----------
        estimator : PeriodFinder
            Its first column is the period.
        X, index, ax, **kwargs
            As in `from_light_curve`.

        Returns
        -------
        display : LightCurveDisplay

        Raises
        ------
        ValueError
            If no period can be found, or as in `from_light_curve`.
        ImportError
            If matplotlib is missing.
        """
        curve = one_curve(X, index)
        if hasattr(estimator, "find_periods"):
            period = float(estimator.find_periods(curve)[0])
        else:
            period = float(np.asarray(estimator.transform(curve))[0, 0])
        if np.isnan(period):
            raise LightCurveError(
                f"light curve {index}: no period can be found (too few observations, or all "
                "magnitudes are equal). Draw it against time: LightCurveDisplay.from_light_curve."
            )
        return cls.from_light_curve(curve, period=period, ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None: in a new figure.
        **kwargs
            Handed on to `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        display : LightCurveDisplay
        """
        phase = None if self.period is None else phase_of(self.time, self.period)
        ax = new_axes() if ax is None else ax
        look = {"fmt": "o", "markersize": 3, "elinewidth": 0.7, "color": BLUE} | kwargs
        if self.period is None or phase is None:
            self.artist_ = ax.errorbar(self.time, self.magnitude, self.error, **look)
            time_axis(ax, self.time)
        else:
            self.artist_ = ax.errorbar(phase, self.magnitude, self.error, **look)
            ax.errorbar(phase + 1, self.magnitude, self.error, **look | {"color": REPEATED})
            phase_axis(ax, self.period)
        ax.set_ylabel("magnitude (mag)")
        bright_is_up(ax)
        self.ax_, self.figure_ = ax, ax.figure
        return self
