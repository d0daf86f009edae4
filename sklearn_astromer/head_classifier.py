"""What all classifiers with a head have in common: labels, probabilities, classes."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import (
    Tags,
    check_consistent_length,
    check_random_state,
    compute_sample_weight,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sklearn_astromer import parameters
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.fitting import all_or_nothing
from sklearn_astromer.head_work import Targets
from sklearn_astromer.input_checks import check_curves, check_weight, checked_labels
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.plain_state import PlainState
from sklearn_astromer.supervised import (
    continue_head,
    fit_head,
    head_outputs,
    start_head,
)


class HeadClassifier(ClassifierMixin, PlainState):
    """What both classifiers do with their heads."""

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on labelled light curves.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes.
        y : array-like, shape (n_curves,)
            Labels of any type.
        sample_weight : array-like, shape (n_curves,), optional
            How much each light curve counts in the loss; all alike by default.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter, a light curve or a label is not valid.
        TrainingError
            If the training diverges and nothing good was learned; otherwise that is a warning.
        KeyboardInterrupt
            If you stop it (Ctrl-C). After one epoch the best weights so far are kept.
        """
        parameters.check_supervised(self)
        with all_or_nothing(self):
            curves = check_curves(self, X, reset=True)
            labels = self._check_labels(curves, y)
            self.classes_ = np.unique(labels)
            fit_head(self, curves, self._targets(labels, sample_weight))
        return self

    def partial_fit(
        self,
        X: Any,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch, without validation, going on from what was learned before.

        The first call on a new estimator decides the classes, fits the embedder as `fit` would, and
        how the head standardises what it reads; so give it light curves that are typical.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes.
        y : array-like, shape (n_curves,)
            Labels.
        classes : array-like, optional
            All labels that may come in later calls; needed in the first call, unless `y` has
            them all.
        sample_weight : array-like, shape (n_curves,), optional
            How much each light curve counts in the loss; all alike by default.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a label is not among the classes, ``class_weight="balanced"``, or as in `fit`.
        TrainingError
            If the training diverges; the estimator is then as it was before the call.
        KeyboardInterrupt
            If you stop it (Ctrl-C); the estimator is then as it was before the call.
        """
        parameters.check_supervised(self)
        if self.class_weight == "balanced":
            raise ParameterError(
                'class_weight="balanced" cannot be used with partial_fit, which does not see all '
                "light curves at once; give a dict of weights, or sample_weight."
            )
        with all_or_nothing(self):
            self._partial_fit(X, y, classes, sample_weight)
        return self

    def _partial_fit(self, X: Any, y: Any, classes: Any, sample_weight: Any) -> None:
        first = not hasattr(self, "head_")
        curves = check_curves(self, X, reset=first)
        labels = self._check_labels(curves, y)
        if first:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ParameterError(
                f"classes={classes!r} are not those of the first call: {self.classes_!r}."
            )
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ParameterError(
                f"y has labels that are not among the classes: {unknown.tolist()}. Name all "
                "classes in the first call of partial_fit: classes=[...]."
            )
        targets = self._targets(labels, sample_weight)
        if first:
            start_head(self, curves, targets, check_random_state(self.random_state))
        continue_head(self, curves, targets, first=first)

    def predict(self, X: Any) -> NDArray[Any]:
        """Give the most probable class of each light curve.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes.

        Returns
        -------
        labels : ndarray, shape (n_curves,)
        """
        best = self._log_probabilities(X).argmax(axis=1)
        return self.classes_[best]

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Give the probability of each class.

        The logarithms of the probabilities of the consecutive windows of a light curve are
        averaged, each window counting by its observations, and made to sum to one again.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes.

        Returns
        -------
        probability : ndarray of float64, shape (n_curves, n_classes)
            Columns in the order of `classes_`.
        """
        return softmax(self._log_probabilities(X), axis=1)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Give the mean logarithm of the probability of each class over the windows.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes.

        Returns
        -------
        decision : ndarray of float64, shape (n_curves, n_classes), or (n_curves,)
            With two classes, the difference between the second and the first.
        """
        decision = self._log_probabilities(X)
        return decision[:, 1] - decision[:, 0] if len(self.classes_) == 2 else decision

    def _log_probabilities(self, X: Any) -> NDArray[np.float64]:
        check_is_fitted(self)
        parameters.check_supervised(self)
        return head_outputs(self, X, log_softmax=True)

    def _check_labels(self, curves: LightCurves, y: Any) -> NDArray[Any]:
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        labels = checked_labels(y)
        check_classification_targets(labels)
        check_consistent_length(curves, labels)
        return labels

    def _targets(self, labels: NDArray[Any], sample_weight: Any) -> Targets:
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes to tell apart, but y has only one "
                f"class: {self.classes_.tolist()[0]!r}."
            )
        weight = check_weight(sample_weight, len(labels))
        if self.class_weight is not None:
            weight = weight * compute_sample_weight(self.class_weight, labels)
        values = torch.from_numpy(np.searchsorted(self.classes_, labels))
        return Targets(values, weight, len(self.classes_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        # scikit-learn tries pairs of numbers whose mean, subtracted here, matters to the class.
        tags.classifier_tags.poor_score = True
        return tags
