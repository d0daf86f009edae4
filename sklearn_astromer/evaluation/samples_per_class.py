"""`SamplesPerClass`: any classifier, fitted on few stars of each class."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils import Tags, _safe_indexing, check_random_state, get_tags, indexable
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sklearn_astromer import parameters
from sklearn_astromer.evaluation.choosing import (
    class_codes,
    classes_with_enough,
    rank_in_class,
)
from sklearn_astromer.input_checks import checked_labels

__all__ = ["SamplesPerClass"]


def _inner_has(name: str) -> Callable[[SamplesPerClass], bool]:
    def check(self: SamplesPerClass) -> bool:
        # An AttributeError of the inner estimator says best what is missing.
        getattr(getattr(self, "estimator_", self.estimator), name)
        return True

    return check


class SamplesPerClass(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Fit a classifier on a given number of stars of each class, chosen at random.

    With it, the number of labels is one more parameter that `GridSearchCV` can run over. With the
    same `random_state` and the same stars, a smaller choice is part of each larger one.

    Parameters
    ----------
    estimator : estimator
        A classifier, or a pipeline that ends in one. A clone of it is fitted.
    samples_per_class : int, default=20
        Stars of each class to fit with.
    on_too_few : {"error", "skip", "all"}, default="error"
        What to do about classes with fewer stars: raise, leave them out (they are then never
        predicted), or take all they have.
    random_state : int, RandomState or None, default=None
        Decides which stars are chosen; the inner estimator has a random state of its own.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone.
    samples_ : ndarray of int64, shape (n_chosen,)
        Positions of the chosen stars in what `fit` was given, ascending.
    classes_ : ndarray of shape (n_classes,)
        As the fitted clone has them; so are ``n_features_in_`` and ``feature_names_in_``, which
        only exist if it has them.

    See Also
    --------
    FewShotSplit : Split into test stars and stars to choose from.

    Notes
    -----
    `fit` takes no sample weights: the choice of stars does not know them.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_astromer.evaluation import SamplesPerClass
    >>> X, y = np.arange(20.0).reshape(-1, 1), np.repeat(["faint", "bright"], 10)
    >>> model = SamplesPerClass(LogisticRegression(), samples_per_class=3, random_state=0)
    >>> len(model.fit(X, y).samples_)
    6
    """

    def __init__(
        self,
        estimator: Any,
        samples_per_class: int = 20,
        *,
        on_too_few: str = "error",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.samples_per_class = samples_per_class
        self.on_too_few = on_too_few
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Choose stars of each class and fit a clone of the estimator on them.

        Parameters
        ----------
        X : light curves, array-like, sparse matrix or data frame
            Anything that scikit-learn can take rows of.
        y : array-like of shape (n_stars,)
            Classes.

        Returns
        -------
        self : SamplesPerClass

        Raises
        ------
        ValueError
            If a parameter or a label is not valid, or a class has too few stars; the message names
            all such classes.
        """
        parameters.whole("samples_per_class", self.samples_per_class)
        parameters.one_of("on_too_few", self.on_too_few, ("error", "skip", "all"))
        if y is None:
            raise ValueError(
                "SamplesPerClass requires y to be passed, but the target y is None: it chooses "
                "stars by their class."
            )
        labels = checked_labels(y)
        check_classification_targets(labels)
        X, labels = indexable(X, labels)
        samples = self._chosen(labels)
        inner = clone(self.estimator)
        self.estimator_ = inner.fit(_safe_indexing(X, samples), labels[samples])
        self.samples_ = samples
        return self

    def _chosen(self, labels: NDArray[Any]) -> NDArray[np.int64]:
        classes, codes = class_codes(labels)
        keep = classes_with_enough(
            classes,
            codes,
            self.samples_per_class,
            self.on_too_few,
            purpose=f"samples_per_class={self.samples_per_class}",
            remedy='Lower samples_per_class, take all there are with on_too_few="all"',
        )
        order = check_random_state(self.random_state).permutation(len(codes))
        chosen = keep[codes[order]] & (rank_in_class(codes[order]) < self.samples_per_class)
        return np.sort(order[chosen]).astype(np.int64)

    @available_if(_inner_has("predict"))
    def predict(self, X: Any) -> NDArray[Any]:
        """Predict classes, as the fitted clone does.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        y : ndarray of shape (n_stars,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    @available_if(_inner_has("predict_proba"))
    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Predict the probabilities of the classes, as the fitted clone does.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        probability : ndarray of shape (n_stars, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)

    @available_if(_inner_has("predict_log_proba"))
    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Predict the logarithms of the probabilities, as the fitted clone does.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        log_probability : ndarray of shape (n_stars, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        return self.estimator_.predict_log_proba(X)

    @available_if(_inner_has("decision_function"))
    def decision_function(self, X: Any) -> NDArray[Any]:
        """Give the confidence scores of the fitted clone.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        score : ndarray of shape (n_stars,) or (n_stars, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.decision_function(X)

    @available_if(_inner_has("transform"))
    def transform(self, X: Any) -> Any:
        """Transform, as the fitted clone does.

        Parameters
        ----------
        X : as in `fit`

        Returns
        -------
        transformed : what the fitted clone gives
        """
        check_is_fitted(self)
        return self.estimator_.transform(X)

    @available_if(_inner_has("score"))
    def score(self, X: Any, y: Any) -> float:
        """Score with the fitted clone's own score: for most classifiers, the accuracy.

        Parameters
        ----------
        X : as in `fit`
        y : array-like of shape (n_stars,)
            True classes.

        Returns
        -------
        score : float
        """
        check_is_fitted(self)
        return self.estimator_.score(X, y)

    @property
    def classes_(self) -> NDArray[Any]:
        """Classes that the fitted clone knows."""
        return self.estimator_.classes_

    @property
    def n_features_in_(self) -> int:
        """Number of columns that the fitted clone was given."""
        return self.estimator_.n_features_in_

    @property
    def feature_names_in_(self) -> NDArray[Any]:
        """Names of the columns that the fitted clone was given."""
        return self.estimator_.feature_names_in_

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator)
        tags.input_tags = deepcopy(inner.input_tags)
        tags.transformer_tags = deepcopy(inner.transformer_tags)
        if inner.classifier_tags is not None:
            tags.classifier_tags = deepcopy(inner.classifier_tags)
            tags.classifier_tags.multi_label = False
        return tags
