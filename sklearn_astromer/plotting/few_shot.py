"""`FewShotDisplay`: scores against the number of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_astromer.errors import ParameterError
from sklearn_astromer.evaluation import few_shot_curve
from sklearn_astromer.plotting.axes import check_looks, legend_outside, line_look, new_axes

# Columns that are no scores, in a table of means and in one of single splits.
OTHERS = ("estimator", "samples_per_class", "split", "n_splits")
# Of a digit, in units of the font size.
LETTER_WIDTH = 0.62
# Of the width that axes have before room is made for labels and a legend.
LEFT_OF_WIDTH = 0.6


class FewShotDisplay:
    """Scores of estimators with few labels, with their spread over the splits (paper, Fig. 11).

    Use `from_table` or `from_estimator` to make one.

    Parameters
    ----------
    table : pandas.DataFrame
        From `sklearn_astromer.evaluation.few_shot_curve`, with or without ``per_split=True``;
        several tables of the same score may be joined by `pandas.concat`.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    lines_ : list of matplotlib.lines.Line2D
        The mean scores of each estimator.
    bands_ : list
        One standard deviation to either side: shaded or, with a single number of labels, as error
        bars; empty if there was one split.
    legend_ : matplotlib.legend.Legend
        The legend.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54, Fig. 11.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_astromer.plotting import FewShotDisplay
    >>> X, y = np.arange(40.0).reshape(-1, 1), np.repeat(["faint", "bright"], 20)
    >>> display = FewShotDisplay.from_estimator(
    ...     LogisticRegression(), X, y, [2, 5], test_per_class=10
    ... )
    >>> display.ax_.get_ylabel()
    'macro F1'
    """

    def __init__(self, table: Any) -> None:
        self.table = table

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        samples_per_class: Sequence[int] = (20, 50, 100, 500),
        *,
        ax: Any = None,
        **curve_params: Any,
    ) -> Self:
        """Fit and score estimators with few labels, and draw.

        Parameters
        ----------
        estimator : estimator or dict of str to estimator
            One, which gets the name of its class, or several with their names.
        X : light curves, array-like or data frame
            What they learn from.
        y : array-like of shape (n_stars,)
            Classes.
        samples_per_class : sequence of int, default=(20, 50, 100, 500)
            Stars of each class to train with.
        ax : matplotlib.axes.Axes or None, default=None
            As in `plot`.
        **curve_params
            Other parameters of `sklearn_astromer.evaluation.few_shot_curve`.

        Returns
        -------
        display : FewShotDisplay

        Raises
        ------
        ValueError
            As `few_shot_curve`, or as `plot`.
        ImportError
            If matplotlib or pandas is missing.
        """
        named = isinstance(estimator, Mapping)
        estimators = estimator if named else {type(estimator).__name__: estimator}
        table = few_shot_curve(estimators, X, y, samples_per_class, **curve_params)
        return cls.from_table(table, ax=ax)

    @classmethod
    def from_table(cls, table: Any, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw a table of scores.

        Parameters
        ----------
        table : pandas.DataFrame
            From `few_shot_curve`.
        ax, **kwargs
            As in `plot`.

        Returns
        -------
        display : FewShotDisplay

        Raises
        ------
        ValueError
            As in `plot`.
        ImportError
            If matplotlib is missing.
        """
        return cls(table).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None: in a new figure, which becomes higher by a legend below.
        **kwargs
            Handed on to `matplotlib.axes.Axes.plot`.

        Returns
        -------
        display : FewShotDisplay

        Raises
        ------
        ValueError
            If a column is missing, the table is empty, or there are more estimators than can be
            told apart, 56.
        """
        metric, scores = _means_and_spreads(self.table)
        check_looks(len(scores), "estimators")
        own = ax is None
        ax = new_axes() if own else ax
        numbers = np.unique(np.concatenate([n for n, _, _ in scores.values()]))
        self.lines_, self.bands_ = [], []
        for position, (name, (n, mean, spread)) in enumerate(scores.items()):
            look = {"markersize": 5, "label": str(name)} | line_look(position) | kwargs
            if len(numbers) == 1:
                # Side by side, since they would hide each other.
                n = n * 1.04 ** (position - (len(scores) - 1) / 2)
            line = ax.plot(n, mean, **look)[0]
            self.lines_.append(line)
            if not spread.any():
                continue
            if len(numbers) == 1:
                band = ax.errorbar(n, mean, spread, fmt="none", color=line.get_color(), capsize=2)
            else:
                band = ax.fill_between(
                    n, mean - spread, mean + spread, color=line.get_color(), alpha=0.15, linewidth=0
                )
            self.bands_.append(band)
        _label_axis(ax, numbers)
        ax.set_ylabel("macro F1" if metric == "f1" else metric.replace("_", " "))
        title = "mean \N{PLUS-MINUS SIGN} std" if self.bands_ else None
        self.legend_ = legend_outside(ax, title=title, lines=True, may_grow=own)
        self.ax_, self.figure_ = ax, ax.figure.figure
        return self


Scores = dict[str, tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]


def _means_and_spreads(table: Any) -> tuple[str, Scores]:
    """Give the name of the score and, for each estimator, labels, means and spreads."""
    names = list(table.columns)
    means = [name for name in names if name.endswith("_mean")]
    missing = [name for name in ("estimator", "samples_per_class") if name not in names]
    if missing or not len(table):
        found = f"lacks the column(s) {missing}" if missing else "is empty"
        raise ParameterError(f"The table {found}; give one that few_shot_curve has made.")
    by_split = "split" in names and not means
    if by_split:
        metric = names[names.index("split") + 1]
    elif means and means[0].removesuffix("mean") + "std" in names:
        metric = means[0].removesuffix("_mean")
    else:
        raise ParameterError(
            "The table has neither a mean and a std of a score nor splits; give one that "
            "few_shot_curve has made."
        )
    scores: Scores = {}
    for name, rows in table.groupby("estimator", sort=False):
        key = ["samples_per_class", "split"] if by_split else "samples_per_class"
        if rows.duplicated(key).any():
            raise ParameterError(
                f"The table has scores of {name!r} for the same number of labels more than once; "
                "give its estimators different names."
            )
        if by_split:
            groups = rows.groupby("samples_per_class")[metric]
            mean, spread = groups.mean(), groups.std(ddof=0)
            n = mean.index
        else:
            rows = rows.sort_values("samples_per_class")
            n, mean, spread = (
                rows[column] for column in ("samples_per_class", f"{metric}_mean", f"{metric}_std")
            )
        scores[name] = (np.asarray(n, float), np.asarray(mean, float), np.asarray(spread, float))
    return metric, scores


def _label_axis(ax: Any, numbers: NDArray[np.float64]) -> None:
    ax.set_xscale("log")
    place = np.log(numbers)
    span = place[-1] - place[0]
    margin = np.exp(0.05 * span) if span > 0 else 1.5
    ax.set_xlim(numbers[0] / margin, numbers[-1] * margin)
    names = [f"{n:g}" for n in numbers]
    kept = _apart(place, names, ax)
    ax.set_xticks(numbers[kept], [names[position] for position in kept])
    ax.set_xticks([], minor=True)
    ax.set_xlabel("labels per class")
    ax.grid(color="#dddddd", linewidth=0.6)


def _apart(place: NDArray[np.float64], names: list[str], ax: Any) -> list[int]:
    """Choose labels that do not touch, from the largest number down, which must be named."""
    figure = ax.figure.figure
    size = ax.xaxis.get_ticklabels()[0].get_size()
    width = LEFT_OF_WIDTH * 72 * ax.get_window_extent().width / figure.dpi
    kept = [len(names) - 1]
    for position in range(len(names) - 2, -1, -1):
        distance = (place[kept[-1]] - place[position]) / (place[-1] - place[0]) * width
        letters = 1 + (len(names[kept[-1]]) + len(names[position])) / 2
        if distance > letters * LETTER_WIDTH * size:
            kept.append(position)
    return kept
