"""`ReconstructionDisplay`: hidden magnitudes and what the network predicts for them."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from sklearn_astromer import parameters
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.plotting.axes import (
    BLUE,
    DARK_GREY,
    GREY,
    RED,
    at_least_high,
    bright_is_up,
    legend_outside,
    panels,
    phase_axis,
    phase_of,
    time_axis,
)
from sklearn_astromer.plotting.inputs import embedder_inside, is_one_curve, one_curve
from sklearn_astromer.running import hidden_part


class ReconstructionDisplay:
    """A light curve with hidden observations, their predictions, and the residuals.

    Use `from_estimator` or `from_predictions` to make one.

    Parameters
    ----------
    time : ndarray of float64, shape (n_observations,)
        Days.
    magnitude : ndarray of float, shape (n_observations,)
        Magnitudes, those of hidden observations too.
    predicted : ndarray of float, shape (n_observations,)
        Predicted magnitudes; only those of hidden observations are drawn.
    hidden : ndarray of bool, shape (n_observations,)
        True where the network did not get to see the magnitude.
    error : ndarray of float or None, default=None
        Errors of the magnitudes.
    period : float or None, default=None
        Days. Given, everything is drawn against the phase in it.

    Attributes
    ----------
    rmse_ : float
        Root of the mean square of the residuals, in magnitudes.
    relative_rmse_ : float
        The same over the standard deviation of the hidden magnitudes: 1 is no better than
        predicting their mean. NaN if they are all alike.
    axes_ : ndarray of matplotlib.axes.Axes, shape (2,) or (1,)
        Light curve and residuals, or the light curve alone.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    artists_ : dict of matplotlib.container.ErrorbarContainer
        ``visible``, ``hidden``, ``predicted`` and, if there are such axes, ``residual``.
    legend_ : matplotlib.legend.Legend
        The legend.

    Examples
    --------
    >>> from sklearn_astromer import AstromerEmbedder
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.plotting import ReconstructionDisplay
    >>> X, y = make_variable_stars(1, classes=["Mira"], random_state=0)
    >>> embedder = AstromerEmbedder.pretrained("macho")
    >>> display = ReconstructionDisplay.from_estimator(embedder, X)
    >>> display.axes_[0].get_title()
    'RMSE ... mag = ... of the spread'
    """

    def __init__(
        self,
        time: NDArray[np.float64],
        magnitude: NDArray[np.floating],
        predicted: NDArray[np.floating],
        hidden: NDArray[np.bool_],
        error: NDArray[np.floating] | None = None,
        *,
        period: float | None = None,
    ) -> None:
        self.time = time
        self.magnitude = magnitude
        self.predicted = predicted
        self.hidden = hidden
        self.error = error
        self.period = period

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        index: int = 0,
        *,
        hidden: Any = None,
        hidden_fraction: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        period: float | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Hide a part of one of the light curves, predict it, and draw.

        Parameters
        ----------
        estimator : AstromerEmbedder, or a fitted estimator that holds one
            What predicts.
        X : light curves
            In any of the forms that `AstromerEmbedder` takes; or one array of shape
            (n_observations, 2 or 3).
        index : int, default=0
            Position of the light curve.
        hidden : array-like of bool, shape (n_observations,), default=None
            Which observations of this light curve to hide. None: a share of each window, at random.
        hidden_fraction : float or None, default=None
            That share. None: the embedder's own.
        random_state : int, RandomState or None, default=0
            Decides which observations are hidden.
        period : float or None, default=None
            Days, to fold on; a network that folds by itself is not told.
        ax, **kwargs
            As in `plot`.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        ValueError
            If there is no such light curve, nothing can be hidden in it, `hidden` does not fit it,
            or the period is not positive.
        ImportError
            If matplotlib is missing.
        """
        embedder = embedder_inside(estimator)
        curve = one_curve(X, index)
        if hidden is None:
            share = embedder.hidden_fraction if hidden_fraction is None else hidden_fraction
            parameters.fraction("hidden_fraction", share)
            hidden = hidden_part(embedder, curve, share, check_random_state(random_state))
        elif hidden_fraction is not None:
            raise ParameterError("Give hidden or hidden_fraction, not both.")
        hidden = _checked_hidden(hidden, curve, index)
        predicted = embedder.reconstruct(curve, hidden=[hidden])[0]
        display = cls(curve.time, curve.magnitude, predicted, hidden, curve.error, period=period)
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        predicted: Any,
        hidden: Any,
        index: int = 0,
        *,
        period: float | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what `AstromerEmbedder.reconstruct` has given.

        Parameters
        ----------
        X : light curves
            What was handed to `reconstruct`; or one array of shape (n_observations, 2 or 3).
        predicted : sequence of array-like, shape (n_observations,)
            What it gave. If `X` is one array, the predictions for it.
        hidden : sequence of array-like of bool, shape (n_observations,)
            What was hidden. If `X` is one array, its hidden observations.
        index : int, default=0
            Position of the light curve.
        period : float or None, default=None
            Days, to fold on.
        ax, **kwargs
            As in `plot`.

        Returns
        -------
        display : ReconstructionDisplay

        Raises
        ------
        ValueError
            If there is no such light curve, `predicted` or `hidden` do not fit it, or the period is
            not positive.
        ImportError
            If matplotlib is missing.
        """
        if is_one_curve(X):
            predicted, hidden = [predicted], [hidden]
        curve = one_curve(X, index)
        given_hidden = _entry(hidden, index, "hidden")
        given = np.asarray(_entry(predicted, index, "predicted"))
        if given.shape != curve.time.shape:
            raise ParameterError(
                f"light curve {index}: predicted must be {len(curve.time)} magnitudes, one per "
                f"observation, got shape {given.shape}."
            )
        checked = _checked_hidden(given_hidden, curve, index)
        display = cls(curve.time, curve.magnitude, given, checked, curve.error, period=period)
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, pair of them, or None, default=None
            Where to draw the light curve and the residuals; a single axes gets the light curve
            alone. None: both in a new figure.
        **kwargs
            Handed on to all calls of `matplotlib.axes.Axes.errorbar`.

        Returns
        -------
        display : ReconstructionDisplay
        """
        x = self.time if self.period is None else phase_of(self.time, self.period)
        one = hasattr(ax, "errorbar")
        axes = panels(ax, 1 if one else 2, 1, sharex=True, height_ratios=(2, 1))
        measured = np.isfinite(self.time) & np.isfinite(self.magnitude)
        hidden, visible = measured & self.hidden, measured & ~self.hidden
        residual = np.asarray(self.magnitude, np.float64) - self.predicted
        self._measure(residual)
        filled = {"fmt": "D", "color": RED, "markersize": 2.5}
        open_look = {"fmt": "o", "color": BLUE, "markerfacecolor": "white"}
        draw = partial(self._draw, x, kwargs=kwargs)
        self.artists_ = {
            "visible": draw(axes[0], self.magnitude, visible, {"fmt": "o", "color": GREY}),
            "hidden": draw(axes[0], self.magnitude, hidden, open_look),
            "predicted": draw(axes[0], self.predicted, hidden, filled, with_error=False),
        }
        for name, artist in self.artists_.items():
            artist.set_label(name)
        if len(axes) == 2:
            self.artists_["residual"] = draw(axes[1], residual, hidden, filled)
        self._name_axes(axes, own=ax is None)
        self.axes_, self.figure_ = axes, axes[0].figure.figure
        return self

    def _draw(
        self,
        x: NDArray[np.float64],
        ax: Any,
        values: NDArray[np.floating],
        chosen: NDArray[np.bool_],
        look: dict[str, Any],
        *,
        kwargs: dict[str, Any],
        with_error: bool = True,
    ) -> Any:
        error = self.error[chosen] if with_error and self.error is not None else None
        style = {"markersize": 3.5, "elinewidth": 0.7} | look | kwargs
        return ax.errorbar(x[chosen], values[chosen], error, **style)

    def _measure(self, residual: NDArray[np.float64]) -> None:
        chosen = self.hidden & np.isfinite(residual)
        self.rmse_ = float(np.sqrt(np.mean(residual[chosen] ** 2)))
        spread = float(np.std(np.asarray(self.magnitude, np.float64)[chosen]))
        self.relative_rmse_ = self.rmse_ / spread if spread > 0 else float("nan")

    def _name_axes(self, axes: NDArray[Any], *, own: bool) -> None:
        for one in axes:
            bright_is_up(one)
        share = f" = {self.relative_rmse_:.2f} of the spread"
        share = "" if np.isnan(self.relative_rmse_) else share
        axes[0].set_title(f"RMSE {self.rmse_:.3g} mag{share}", fontsize="small")
        axes[0].set_ylabel("magnitude (mag)")
        if self.period is None:
            time_axis(axes[-1], self.time)
        else:
            phase_axis(axes[-1], self.period)
        if own:
            at_least_high(axes[0].figure, 0.85)
        if len(axes) == 2:
            axes[0].tick_params(labelbottom=False)
            axes[1].axhline(0, color=DARK_GREY, linewidth=0.8)
            axes[1].set_ylabel("residual\n(mag)")
            axes[1].margins(y=0.15)
        self.legend_ = legend_outside(axes[-1], below=True, handles_of=axes[0], may_grow=own)


def _checked_hidden(hidden: Any, curve: LightCurves, index: int) -> NDArray[np.bool_]:
    hidden = np.asarray(hidden)
    if hidden.dtype != bool or hidden.shape != curve.time.shape:
        raise ParameterError(
            f"light curve {index}: hidden must be {len(curve.time)} values of bool, one per "
            f"observation, got {hidden.dtype} of shape {hidden.shape}."
        )
    if not (hidden & np.isfinite(curve.time) & np.isfinite(curve.magnitude)).any():
        raise ParameterError(
            f"light curve {index}: no measured observation is hidden, so there is no prediction to "
            "draw. Hide some, or choose a longer light curve or a larger hidden_fraction."
        )
    return hidden


def _entry(values: Any, index: int, name: str) -> Any:
    if not -len(values) <= index < len(values):
        raise ParameterError(
            f"{name} has {len(values)} entries, none for light curve {index}; give one array per "
            "light curve."
        )
    return values[index]
