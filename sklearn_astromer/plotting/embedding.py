"""`EmbeddingDisplay`: embeddings in two dimensions."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_consistent_length

from sklearn_astromer import parameters
from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.evaluation.choosing import class_codes
from sklearn_astromer.input_checks import checked_labels
from sklearn_astromer.plotting.axes import (
    BLUE,
    DARK_GREY,
    check_looks,
    legend_outside,
    new_axes,
    scatter_look,
)
from sklearn_astromer.plotting.inputs import embedder_inside

METHODS = ("pca", "tsne")
# Below, a plane says nothing: two points are always on a line.
FEWEST = 3
# The default of scikit-learn's TSNE, which looks at three times as many neighbours.
PERPLEXITY = 30.0


class EmbeddingDisplay:
    """Embeddings of light curves in two dimensions, coloured by class.

    Use `from_estimator` or `from_predictions` to make one.

    Parameters
    ----------
    points : ndarray of float, shape (n_curves, 2)
        What to draw.
    y : array-like, shape (n_curves,), default=None
        Classes; None: all points are drawn alike, without a legend.
    names : tuple of str, default=("component 1", "component 2")
        Of the axes.
    ticks : bool, default=True
        Whether the numbers on the axes mean something.

    Attributes
    ----------
    classes_ : list or None
        The classes, sorted, as in the legend.
    ax_ : matplotlib.axes.Axes
        Where it was drawn.
    figure_ : matplotlib.figure.Figure
        The figure of these axes.
    artists_ : list of matplotlib.collections.PathCollection
        The points of each class.
    legend_ : matplotlib.legend.Legend or None
        The legend.

    Examples
    --------
    >>> from sklearn_astromer import AstromerEmbedder
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> from sklearn_astromer.plotting import EmbeddingDisplay
    >>> X, y = make_variable_stars(3, random_state=0)
    >>> embedder = AstromerEmbedder.pretrained("macho")
    >>> display = EmbeddingDisplay.from_estimator(embedder, X, y)
    >>> display.ax_.get_xlabel()
    'PCA 1 (... % of variance)'
    """

    def __init__(
        self,
        points: NDArray[np.floating],
        y: Any = None,
        *,
        names: tuple[str, str] = ("component 1", "component 2"),
        ticks: bool = True,
    ) -> None:
        self.points = points
        self.y = y
        self.names = names
        self.ticks = ticks

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        method: str = "pca",
        perplexity: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Embed light curves and draw them.

        Parameters
        ----------
        estimator : transformer, or a fitted estimator that holds an AstromerEmbedder
            Its `transform` gives one row per light curve.
        X : light curves
            In any of the forms that it takes.
        y : array-like, shape (n_curves,), default=None
            Classes.
        method, perplexity, random_state, ax, **kwargs
            As in `from_predictions`.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        ValueError
            As in `from_predictions`.
        ImportError
            If matplotlib is missing.
        """
        source = estimator if hasattr(estimator, "transform") else embedder_inside(estimator)
        return cls.from_predictions(
            source.transform(X),
            y,
            method=method,
            perplexity=perplexity,
            random_state=random_state,
            ax=ax,
            **kwargs,
        )

    @classmethod
    def from_predictions(
        cls,
        embedding: Any,
        y: Any = None,
        *,
        method: str = "pca",
        perplexity: float | None = None,
        random_state: int | np.random.RandomState | None = 0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw embeddings that have been computed.

        Columns are standardised first.

        Parameters
        ----------
        embedding : array-like of float, shape (n_curves, n_columns)
            One row per light curve.
        y : array-like, shape (n_curves,), default=None
            Classes. None: all points are drawn alike.
        method : {"pca", "tsne"}, default="pca"
            "pca": the two directions in which the embeddings differ most. "tsne": a map that keeps
            neighbours together (van der Maaten & Hinton 2008); distances between groups, and their
            sizes, mean nothing.
        perplexity : float or None, default=None
            Only for t-SNE: how many neighbours count, less than the number of light curves. None:
            30, or a third of the other light curves where they are fewer than 90.
        random_state : int, RandomState or None, default=0
            Decides the t-SNE.
        ax, **kwargs
            As in `plot`.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        ValueError
            If there are fewer than three light curves, a row is not finite or all are equal, there
            are fewer than two columns, or a parameter or the classes do not fit.
        ImportError
            If matplotlib is missing.
        """
        parameters.one_of("method", method, METHODS)
        rows = _checked(embedding)
        if y is not None:
            check_consistent_length(rows, y)
        scaled = StandardScaler().fit_transform(rows)
        if method == "tsne":
            tsne = TSNE(perplexity=_checked_perplexity(perplexity, len(rows)), init="pca")
            points = tsne.set_params(random_state=random_state).fit_transform(scaled)
            names = ("t-SNE 1 (arbitrary unit)", "t-SNE 2 (arbitrary unit)")
        elif perplexity is not None:
            raise ParameterError('perplexity is only for method="tsne".')
        else:
            pca = PCA(2, random_state=random_state)
            points = pca.fit_transform(scaled)
            shares = 100 * pca.explained_variance_ratio_
            names = (
                f"PCA 1 ({shares[0]:.0f} % of variance)",
                f"PCA 2 ({shares[1]:.0f} % of variance)",
            )
        return cls(points, y, names=names, ticks=method != "tsne").plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or None, default=None
            Where to draw; None: in a new figure, which becomes higher by a legend below.
        **kwargs
            Handed on to `matplotlib.axes.Axes.scatter`.

        Returns
        -------
        display : EmbeddingDisplay

        Raises
        ------
        ValueError
            If there are more classes than can be told apart, 56, or a light curve has none.
        """
        look = {"s": _size(len(self.points)), "alpha": 0.9}
        self.classes_: list[Any] | None = None
        if self.y is not None:
            check_consistent_length(self.points, self.y)
            self.classes_, codes = class_codes(checked_labels(self.y))
            check_looks(len(self.classes_), "classes")
        own = ax is None
        ax = new_axes() if own else ax
        x, height = np.asarray(self.points).T
        if self.classes_ is None:
            edge = {"edgecolors": DARK_GREY, "linewidths": 0.3}
            self.artists_ = [ax.scatter(x, height, **look | {"color": BLUE} | edge | kwargs)]
        else:
            self.artists_ = []
            for code, kind in enumerate(self.classes_):
                chosen = codes == code
                # Rare classes above frequent ones.
                order = {"zorder": 2 + 1 / (1 + chosen.sum()), "label": str(kind)}
                style = look | scatter_look(code) | order | kwargs
                self.artists_.append(ax.scatter(x[chosen], height[chosen], **style))
        ax.set(xlabel=self.names[0], ylabel=self.names[1])
        if not self.ticks:
            ax.tick_params(left=False, bottom=False, labelleft=False, labelbottom=False)
        self.legend_ = legend_outside(ax, title="class", may_grow=own)
        self.ax_, self.figure_ = ax, ax.figure.figure
        return self


def _size(n_points: int) -> float:
    """Give the area of a marker in square points: small where there are many."""
    return float(np.clip(12000 / max(n_points, 1), 6, 25))


def _checked(embedding: Any) -> NDArray[np.floating]:
    if isinstance(embedding, list) and embedding and np.ndim(embedding[0]) == 2:
        raise ParameterError(
            "The embedder gives one row per observation; a point per light curve needs "
            'output="mean" or output="max".'
        )
    rows = np.asarray(embedding, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] < 2:
        raise ParameterError(
            "embedding must have one row per light curve and two columns or more, got shape "
            f"{rows.shape}."
        )
    if len(rows) < FEWEST:
        raise LightCurveError(
            f"{len(rows)} light curve(s) cannot be laid out in a plane; give at least {FEWEST}."
        )
    finite = np.isfinite(rows).all(axis=1)
    if not finite.all():
        raise LightCurveError(
            f"light curve {int(np.argmin(finite))}: its embedding is not finite. Leave it out."
        )
    if (rows == rows[0]).all():
        raise LightCurveError("All embeddings are equal; give light curves that differ.")
    return rows


def _checked_perplexity(perplexity: float | None, n_curves: int) -> float:
    if perplexity is None:
        return min(PERPLEXITY, (n_curves - 1) / 3)
    parameters.positive("perplexity", perplexity)
    if perplexity >= n_curves:
        raise ParameterError(
            f"perplexity={perplexity:g} must be less than the number of light curves, {n_curves}. "
            "Leave it out, or give a smaller one."
        )
    return float(perplexity)
