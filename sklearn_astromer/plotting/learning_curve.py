"""`LearningCurveDisplay`: errors of training and validation, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier, is_regressor

from sklearn_astromer.errors import ParameterError
from sklearn_astromer.plotting.axes import (
    DARK_GREY,
    check_looks,
    legend_outside,
    line_look,
    new_axes,
)
from sklearn_astromer.plotting.inputs import find_inside

History = Sequence[Mapping[str, float]]
# What histories may hold, and what that is.
QUANTITIES = {"rmse": "RMSE (mag)", "loss": "loss"}
# Losses that differ by more than this factor are drawn on a logarithmic axis.
WIDE_RANGE = 30
# How training is drawn, beside validation.
PALE = {"alpha": 0.5, "linewidth": 0.9}


class LearningCurveDisplay:
    """Errors of training and validation against the epoch (paper, Figs. 8 and 12).

    Use `from_estimator` or `from_histories` to make one.

    Parameters
    ----------
    histories : dict of str to list of dict
        For each name the `history_` of an embedder, a classifier or a regressor.
    quantity : str or None, default=None
        What the errors are, for the axis. None: "RMSE (mag)" for embedders, "loss" for others.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    lines_ : dict of str to dict of str to matplotlib.lines.Line2D
        For each name ``training`` and, if there was validation, ``validation``; a marker shows the
        lowest validation error.
    legend_ : matplotlib.legend.Legend
        The legend.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54, Figs. 8 and 12.

    Examples
    --------
    >>> from sklearn_astromer import AstromerEmbedder
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.plotting import LearningCurveDisplay
    >>> X, y = make_variable_stars(2, random_state=0)
    >>> embedder = AstromerEmbedder.pretrained("macho", max_epochs=2, random_state=0).fit(X)
    >>> display = LearningCurveDisplay.from_estimator(embedder)
    >>> display.ax_.get_ylabel()
    'RMSE (mag)'
    """

    def __init__(self, histories: Mapping[str, History], *, quantity: str | None = None) -> None:
        self.histories = histories
        self.quantity = quantity

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw how fitted estimators were trained.

        Parameters
        ----------
        estimator : estimator or dict of str to estimator
            Fitted embedders, classifiers or regressors, or pipelines and searches that hold one.
        ax, **kwargs
            As in `plot`.

        Returns
        -------
        display : LearningCurveDisplay

        Raises
        ------
        ValueError
            If an estimator keeps no history, or as in `plot`.
        ImportError
            If matplotlib is missing.
        """
        named = isinstance(estimator, Mapping)
        estimators = estimator if named else {type(estimator).__name__: estimator}
        histories, quantities = {}, set()
        for name, given in estimators.items():
            inside = find_inside(given, lambda part: hasattr(part, "history_"))
            if inside is None:
                raise ParameterError(
                    f"{name}: this {type(given).__name__} has no history_. Give a fitted embedder, "
                    "AstromerClassifier, AstromerRegressor or LSTMClassifier, or what holds one."
                )
            histories[name] = inside.history_
            quantities.add(_quantity(inside))
        quantity = quantities.pop() if len(quantities) == 1 else None
        return cls(histories, quantity=quantity).plot(ax=ax, **kwargs)

    @classmethod
    def from_histories(
        cls,
        histories: Mapping[str, History] | History,
        *,
        quantity: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw histories that were kept.

        Parameters
        ----------
        histories : dict of str to list of dict, or list of dict
            One `history_`, or several with their names.
        quantity : str or None, default=None
            As in the class.
        ax, **kwargs
            As in `plot`.

        Returns
        -------
        display : LearningCurveDisplay

        Raises
        ------
        ValueError
            As in `plot`.
        ImportError
            If matplotlib is missing.
        """
        named = histories if isinstance(histories, Mapping) else {"training": histories}
        return cls(named, quantity=quantity).plot(ax=ax, **kwargs)

    def plot(self, *, log_scale: bool | None = None, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        log_scale : bool or None, default=None
            Whether the axis of errors is logarithmic. None: if they differ by a factor above 30.
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None: in a new figure, which becomes higher by a legend below.
        **kwargs
            Handed on to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : LearningCurveDisplay

        Raises
        ------
        ValueError
            If a history is empty, they hold different quantities, or there are more than can be
            told apart, 56.
        """
        check_looks(len(self.histories), "histories")
        kind = _kind(self.histories)
        own = ax is None
        ax = new_axes() if own else ax
        self.lines_ = {
            name: _draw(ax, name, history, kind, {"markersize": 5} | line_look(position) | kwargs)
            for position, (name, history) in enumerate(self.histories.items())
        }
        self._explain(ax)
        drawn = [line for lines in self.lines_.values() for line in lines.values()]
        values = np.concatenate([line.get_ydata() for line in drawn])
        epochs = np.concatenate([line.get_xdata() for line in drawn])
        low, high = np.nanmin(values), np.nanmax(values)
        wide = 0 < low * WIDE_RANGE < high
        if wide if log_scale is None else log_scale:
            ax.set_yscale("log")
        ax.xaxis.get_major_locator().set_params(integer=True)
        if len(set(epochs)) == 1:
            ax.set_xlim(epochs[0] - 1, epochs[0] + 1)
        marked = any("validation" in lines for lines in self.lines_.values())
        ax.set_xlabel("epoch (marker: lowest)" if marked else "epoch")
        ax.set_ylabel(QUANTITIES[kind] if self.quantity is None else self.quantity)
        ax.grid(color="#dddddd", linewidth=0.6)
        self.legend_ = legend_outside(ax, lines=True, may_grow=own)
        self.ax_, self.figure_ = ax, ax.figure.figure
        return self

    def _explain(self, ax: Any) -> None:
        """Say in the legend what is what: with one history by name, with several by examples."""
        validated = [lines for lines in self.lines_.values() if "validation" in lines]
        if len(self.lines_) == 1 and validated:
            validated[0]["validation"].set_label("validation")
            validated[0]["training"].set_label("training")
        elif validated:
            ax.plot([], [], color=DARK_GREY, label="validation")
            ax.plot([], [], color=DARK_GREY, **PALE, label="training")


def _draw(ax: Any, name: str, history: History, kind: str, look: dict[str, Any]) -> dict[str, Any]:
    """Draw one history; what bears its name is the validation, or else the training."""
    epoch = [row["epoch"] for row in history]
    train = np.array([row[f"train_{kind}"] for row in history], dtype=float)
    valid = np.array([row.get(f"valid_{kind}", np.nan) for row in history], dtype=float)
    seen = np.isfinite(valid)
    if not seen.any():
        # A line of one epoch would be nothing without its marker.
        bare = {} if len(epoch) == 1 else {"marker": ""}
        return {"training": ax.plot(epoch, train, **look | bare, label=name)[0]}
    lowest = {"markevery": [int(np.nanargmin(valid))], "zorder": 3}
    single = {"marker": "." if len(epoch) == 1 else ""}
    return {
        "training": ax.plot(epoch, train, **look | PALE | single)[0],
        "validation": ax.plot(epoch, valid, **lowest | look, label=name)[0],
    }


def _kind(histories: Mapping[str, History]) -> str:
    """Tell which of `QUANTITIES` the histories hold."""
    if not histories:
        raise ParameterError("There is no history to draw.")
    kinds = {}
    for name, history in histories.items():
        if not len(history):
            raise ParameterError(
                f"{name}: the history is empty, since nothing was trained (finetune=False). Leave "
                "it out."
            )
        found = [kind for kind in QUANTITIES if f"train_{kind}" in history[0]]
        if not found or "epoch" not in history[0]:
            raise ParameterError(
                f"{name}: a history has rows with epoch and train_rmse or train_loss, got "
                f"{sorted(history[0])}."
            )
        kinds[name] = found[0]
    if len(set(kinds.values())) > 1:
        raise ParameterError(
            f"RMSE and loss cannot share an axis, but there are both: {kinds}. Draw them apart."
        )
    return next(iter(kinds.values()))


def _quantity(estimator: Any) -> str | None:
    """Name the loss of an estimator; None where the history says it."""
    if is_classifier(estimator):
        return "cross entropy"
    if is_regressor(estimator):
        return "mean square error (standardised)"
    return None
