"""`AttentionDisplay`: which observations look at which."""

from __future__ import annotations

from functools import partial
from math import ceil, sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer import parameters
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.network.attention_maps import attention_maps
from sklearn_astromer.plotting.axes import (
    DARK_GREY,
    RED,
    at_least_high,
    bright_is_up,
    panels,
    time_axis,
)
from sklearn_astromer.plotting.inputs import embedder_inside, one_curve
from sklearn_astromer.running import curve_runner

KINDS = ("map", "light_curve")
# Weights below this share of an even one are drawn alike.
LEAST = 0.1
TICKS = (0.1, 0.3, 1, 3, 10, 30, 100)
# Less attention to padding than this share is not worth a word.
LEAST_PADDING = 0.005


class AttentionDisplay:
    """The attention of one window of a light curve, head by head.

    The network sees at most one window at once (200 observations with the weights that ship), so
    no observation looks at one of another window. Use `from_estimator` to make one.

    Parameters
    ----------
    time : ndarray of float64, shape (n_observations,)
        Days, of the observations of the window, in order.
    magnitude : ndarray of float, shape (n_observations,)
        Magnitudes.
    weights : ndarray of float, shape (n_blocks, n_heads, n_observations, n_observations)
        Attention weights. Rows look, columns are looked at. The sum of a row is one, or less where
        padding is looked at too (``attention="additive"``).
    where : str, default=""
        Which window of how many this is, for the title.

    Attributes
    ----------
    axes_ : ndarray of matplotlib.axes.Axes, shape (n_heads,)
        One for each head that is drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    artists_ : list of matplotlib artists
        The map or the points of each of these heads.
    colorbar_ : matplotlib.colorbar.Colorbar
        The scale of all of them.

    Examples
    --------
    >>> from sklearn_astromer import AstromerEmbedder
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.plotting import AttentionDisplay
    >>> X, y = make_variable_stars(1, classes=["Mira"], random_state=0)
    >>> embedder = AstromerEmbedder.pretrained("macho")
    >>> display = AttentionDisplay.from_estimator(embedder, X)
    >>> display.weights.shape[:2]
    (2, 4)
    """

    def __init__(
        self,
        time: NDArray[np.float64],
        magnitude: NDArray[np.floating],
        weights: NDArray[np.floating],
        *,
        where: str = "",
    ) -> None:
        self.time = time
        self.magnitude = magnitude
        self.weights = weights
        self.where = where

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        index: int = 0,
        *,
        window: int = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute and draw the attention of one window of one of the light curves.

        Parameters
        ----------
        estimator : AstromerEmbedder, or a fitted estimator that holds one
            Whose network looks.
        X : light curves
            In any of the forms that `AstromerEmbedder` takes; or one array of shape
            (n_observations, 2 or 3).
        index : int, default=0
            Position of the light curve.
        window : int, default=0
            Which of its consecutive windows. Observations without a measurement are left out before
            windows are cut.
        ax, **kwargs
            As in `plot`.

        Returns
        -------
        display : AttentionDisplay

        Raises
        ------
        ValueError
            If there is no such light curve, window or block.
        ImportError
            If matplotlib is missing.
        """
        runner = curve_runner(embedder_inside(estimator), one_curve(X, index))
        n_windows = len(runner.windows)
        if not -n_windows <= window < n_windows:
            raise ParameterError(
                f"light curve {index}: window={window}, but it has only {n_windows} window(s) of "
                f"at most {runner.network.config.window_size} observations."
            )
        chosen = runner.windows[np.array([window])]
        batch = runner.runner.observations.batch(chosen)
        maps = attention_maps(runner.network.encoder, **batch.inputs())
        first, n = int(chosen.start[0]), int(chosen.length[0])
        # Padding, the last position if there is any, is left out.
        weights = np.stack([of_block[0, :, :n, :n].cpu().numpy() for of_block in maps])
        part = slice(first, first + n)
        observations = runner.observations
        where = (
            f"window {window % n_windows + 1} of {n_windows}\n"
            f"(observations {first + 1} to {first + n} of {len(observations.time)})"
        )
        display = cls(observations.time[part], observations.magnitude[part], weights, where=where)
        return display.plot(ax=ax, **kwargs)

    def plot(
        self,
        *,
        block: int = -1,
        head: int | None = None,
        kind: str = "map",
        observation: int | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the heads of one block of the network.

        Colours are weights over that of an even look at all observations, 1 / n_observations.

        Parameters
        ----------
        block : int, default=-1
            Which; -1 is the last one.
        head : int or None, default=None
            Which; None: all of them.
        kind : {"map", "light_curve"}, default="map"
            "map": who looks (rows) at whom (columns), numbered from 1 in order of time.
            "light_curve": the light curve, coloured by how much each observation is looked at.
        observation : int or None, default=None
            Only for "light_curve": who looks, as a position in the window; it is marked by a cross.
            None: the mean over all.
        ax : matplotlib.axes.Axes, sequence of them, or None, default=None
            Where to draw: one axes for each head. None: in a new figure.
        **kwargs
            Handed on to `matplotlib.axes.Axes.imshow` or `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : AttentionDisplay

        Raises
        ------
        ValueError
            If there is no such block, head or observation, `kind` is not known, or the number of
            axes does not fit.
        """
        parameters.one_of("kind", kind, KINDS)
        self._check(block, head, kind, observation)
        weights = np.asarray(self.weights[block], np.float64)
        heads = np.arange(len(weights)) if head is None else np.array([head % len(weights)])
        shown = weights[heads] * len(self.time)
        if kind == "light_curve":
            shown = shown.mean(axis=1) if observation is None else shown[:, observation]
        self.axes_ = panels(ax, len(heads), ceil(sqrt(len(heads))), sharex=True, sharey=True)
        self.figure_ = self.axes_[0].figure.figure
        look = {"norm": _scale(shown)} | kwargs
        draw = self._draw_map if kind == "map" else partial(self._draw_curve, observation)
        self.artists_ = [draw(*drawn, look) for drawn in zip(self.axes_, shown, strict=True)]
        own = ax is None
        if own:
            # So that maps become squares, under the scale.
            at_least_high(self.figure_, 1.15)
        self.colorbar_ = self.figure_.colorbar(
            self.artists_[0],
            ax=list(self.axes_),
            extend="min",
            location="top" if own else "right",
            ticks=TICKS,
            format="%g",
            label="attention / even attention",
        )
        self.colorbar_.minorticks_off()
        self._name(block, heads, kind, own=own)
        return self

    def _check(self, block: int, head: int | None, kind: str, observation: int | None) -> None:
        n_blocks, n_heads = self.weights.shape[:2]
        for name, value, n in (
            ("block", block, n_blocks),
            ("head", head, n_heads),
            ("observation", observation, len(self.time)),
        ):
            if value is not None and not -n <= value < n:
                raise ParameterError(f"{name}={value}, but there are only {n}, counted from 0.")
        if kind == "map" and observation is not None:
            raise ParameterError('observation is only for kind="light_curve"; a map shows all.')

    def _draw_map(self, ax: Any, shown: NDArray[np.float64], look: dict[str, Any]) -> Any:
        n = len(self.time)
        place = {"extent": (0.5, n + 0.5, n + 0.5, 0.5), "aspect": "auto"}
        ax.locator_params(nbins=3, integer=True)
        drawn = {"interpolation": "nearest", "cmap": "viridis"} | place | look
        return ax.imshow(np.clip(shown, LEAST, None), **drawn)

    def _draw_curve(
        self, observation: int | None, ax: Any, shown: NDArray[np.float64], look: dict[str, Any]
    ) -> Any:
        # What is looked at most is drawn last, on top, and dark.
        order = np.argsort(shown, kind="stable")
        edge = {"edgecolors": DARK_GREY, "linewidths": 0.3}
        drawn = ax.scatter(
            self.time[order],
            self.magnitude[order],
            c=np.clip(shown[order], LEAST, None),
            **{"s": 12, "cmap": "Blues"} | edge | look,
        )
        if observation is not None:
            ax.plot(self.time[observation], self.magnitude[observation], "x", color=RED, mew=2)
        bright_is_up(ax)
        return drawn

    def _name(self, block: int, heads: NDArray[np.int64], kind: str, *, own: bool) -> None:
        n_blocks = len(self.weights)
        of_block = f"block {block % n_blocks + 1} of {n_blocks}, {self.where}".rstrip(", ")
        x_name, y_name = "observation looked at", "observation that looks"
        on_padding = 1 - np.asarray(self.weights[block], np.float64).sum(axis=-1).mean(axis=-1)
        for axes, head in zip(self.axes_, heads, strict=True):
            # Which observations these are would be too much above axes of the user.
            title = f"head {head + 1}"
            title = title if own else of_block.partition("\n")[0] + f"\n{title}"
            if on_padding[head] > LEAST_PADDING:
                title += f"\n{100 * on_padding[head]:.0f} % on padding"
            axes.set_title(title, fontsize="small")
            axes.tick_params(labelsize="small")
            if kind == "light_curve":
                x_name, y_name = time_axis(axes, self.time, n_ticks=4), "magnitude (mag)"
            axes.set(xlabel="" if own else x_name, ylabel="" if own else y_name)
        if own:
            self.figure_.suptitle(of_block, fontsize="small")
            self.figure_.supxlabel(x_name, fontsize="medium")
            self.figure_.supylabel(y_name, fontsize="medium")


def _scale(shown: NDArray[np.float64]) -> Any:
    from matplotlib.colors import LogNorm

    # Around an even look, of which the smallest deviations should not look large.
    low, high = min(float(shown.min()), 1 / 3), max(float(shown.max()), 3.0)
    return LogNorm(max(low, LEAST), high)
