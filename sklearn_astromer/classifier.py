"""`AstromerClassifier` and `LSTMClassifier`: light curves in, classes out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import (
    Tags,
    assert_all_finite,
    check_consistent_length,
    check_random_state,
    column_or_1d,
    compute_sample_weight,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sklearn_astromer import parameters
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.running import check_curves
from sklearn_astromer.supervised import (
    Targets,
    check_weight,
    continue_head,
    fit_head,
    head_outputs,
    start_head,
)


class _HeadClassifier(ClassifierMixin, BaseEstimator):
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
            If a parameter, a light curve or a label is not valid, or the training diverges.
        """
        parameters.check_supervised(self)
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
            If a label is not among the classes, or as in `fit`.
        """
        parameters.check_supervised(self)
        first = not hasattr(self, "head_")
        curves = check_curves(self, X, reset=first)
        labels = self._check_labels(curves, y)
        if first:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes={classes!r} are not those of the first call: {self.classes_!r}."
            )
        unknown = np.setdiff1d(labels, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has labels that are not among the classes: {unknown.tolist()}. Name all "
                "classes in the first call of partial_fit: classes=[...]."
            )
        targets = self._targets(labels, sample_weight)
        if first:
            start_head(self, curves, targets, check_random_state(self.random_state))
        continue_head(self, curves, targets, first=first)
        return self

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
        labels = column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
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


class AstromerClassifier(_HeadClassifier):
    """Classify light curves by a neural head on an ASTROMER encoder (paper, Sects. 7 and 8).

    Light curves longer than a window are cut: each epoch of the training takes one window of every
    light curve at random, and prediction averages over all of its consecutive windows. While the
    encoder is frozen, the windows are the consecutive ones, embedded once; if it is trained, a
    window may begin at any observation.

    Parameters
    ----------
    embedder : AstromerEmbedder, FrozenEstimator or None, default=None
        Whose encoder the head reads. `fit` fits a clone of it on the light curves, which fine-tunes
        it unless it has ``finetune=False``; to use a fitted one as it is, wrap it in
        `sklearn.frozen.FrozenEstimator`. None: the weights that ship, as they are.
    head : {"linear", "mlp", "lstm", "skip"}, default="mlp"
        "linear": a linear map of the mean embedding; "mlp": 1024, 512 and 256 ReLU units on it (the
        paper's MLP+ATT); "lstm": two LSTM layers of 256 on the embeddings of the observations (the
        paper's LSTM+ATT); "skip": the MLP on a learned mixture of the mean input and the mean
        outputs of all blocks (Astromer 2).
    train_encoder : bool, default=False
        Whether the encoder is trained together with the head.
    class_weight : dict, "balanced" or None, default=None
        How much the light curves of each class count in the loss; "balanced": all classes alike.
    learning_rate : float, default=1e-3
        Of Adam, for the head (paper, Appendix D).
    encoder_learning_rate : float, default=1e-5
        Of Adam, for the encoder, if it is trained.
    weight_decay : float, default=0.01
        Decoupled decay of the head's weights, in units of the learning rate (AdamW).
    max_epochs : int, default=200
        Most passes over the light curves.
    patience : int or None, default=20
        Stop after so many epochs without a smaller loss on the validation light curves. None:
        never.
    validation_fraction : float or None, default=0.2
        Share of the light curves of each class that is kept for validation (the paper's 80/20), at
        least one of each class that has two; the weights of the epoch with the smallest validation
        loss are kept. None: train on all of them, for all epochs. If no class has two light
        curves there is no validation either.
    batch_size : int or "auto", default="auto"
        Windows at once. "auto": 32 in training; elsewhere 32 on a CPU and 1024 on a GPU.
    device : str or torch.device, default="auto"
        Where all is computed but the fit of the embedder, which has parameters of its own: "auto"
        (a GPU if there is one), "cpu", "cuda", "cuda:1" ...
    precision : {"auto", "float32", "bfloat16", "float64"}, default="auto"
        "auto": bfloat16 matrix products on a GPU; float32 on a CPU, but float64 for the embedding
        of windows under 64 observations.
    random_state : int, RandomState or None, default=None
        Decides the initial weights, validation light curves, windows, their order and dropout; also
        the embedder's, if it has none of its own.
    verbose : int, default=0
        1 shows progress bars.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Labels, sorted.
    embedder_ : AstromerEmbedder
        Fitted; with ``train_encoder=True`` it holds the encoder that was trained with the head.
    head_ : torch.nn.Module
        The trained head, on the CPU.
    history_ : list of dict
        Per epoch: ``epoch``, ``train_loss``, ``valid_loss`` (cross entropy), ``seconds``.
    n_features_in_ : int
        Number of columns; only if `fit` was given a numeric 2-D array.
    feature_names_in_ : ndarray of str
        Names of the columns; only if `fit` was given a data frame of numbers.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54.

    Examples
    --------
    >>> from sklearn_astromer import AstromerClassifier
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> X, y = make_variable_stars(n_per_class=5, random_state=0)
    >>> classifier = AstromerClassifier(head="linear", max_epochs=20, random_state=0).fit(X, y)
    >>> classifier.predict_proba(X[:2]).shape
    (2, 8)
    """

    def __init__(
        self,
        embedder: Any = None,
        *,
        head: str = "mlp",
        train_encoder: bool = False,
        class_weight: dict[Any, float] | str | None = None,
        learning_rate: float = 1e-3,
        encoder_learning_rate: float = 1e-5,
        weight_decay: float = 0.01,
        max_epochs: int = 200,
        patience: int | None = 20,
        validation_fraction: float | None = 0.2,
        batch_size: int | str = "auto",
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.embedder = embedder
        self.head = head
        self.train_encoder = train_encoder
        self.class_weight = class_weight
        self.learning_rate = learning_rate
        self.encoder_learning_rate = encoder_learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose


class LSTMClassifier(_HeadClassifier):
    """Classify light curves by an LSTM that reads them directly: the paper's baseline.

    Two layers of 256 units, each followed by a LayerNorm and a dropout of 0.3, read the time and
    the magnitude of each observation, minus their means over the window (paper, Sect. 7 and
    Fig. 10; Donoso-Oliva et al. 2021). Both are divided by their standard deviation over the
    training light curves, one number each, since days by the thousand would saturate the gates.
    Windows are taken as in `AstromerClassifier` with a trained encoder.

    Parameters
    ----------
    window_size : int, default=200
        Most observations that are read at once (the paper's).
    class_weight, learning_rate, weight_decay, max_epochs, patience, validation_fraction, \
    batch_size, device, precision, random_state, verbose
        As in `AstromerClassifier`.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Labels, sorted.
    head_ : torch.nn.Module
        The trained LSTM, on the CPU.
    history_ : list of dict
        Per epoch: ``epoch``, ``train_loss``, ``valid_loss`` (cross entropy), ``seconds``.
    n_features_in_, feature_names_in_
        As in `AstromerClassifier`.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54.
    Donoso-Oliva, C., Cabrera-Vives, G., Protopapas, P., et al. 2021, MNRAS, 505, 6069.

    Examples
    --------
    >>> from sklearn_astromer import LSTMClassifier
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> X, y = make_variable_stars(n_per_class=2, random_state=0)
    >>> LSTMClassifier(max_epochs=1, random_state=0).fit(X, y).predict_proba(X[:2]).shape
    (2, 8)
    """

    def __init__(
        self,
        *,
        window_size: int = 200,
        class_weight: dict[Any, float] | str | None = None,
        learning_rate: float = 1e-3,
        weight_decay: float = 0.01,
        max_epochs: int = 200,
        patience: int | None = 20,
        validation_fraction: float | None = 0.2,
        batch_size: int | str = "auto",
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.window_size = window_size
        self.class_weight = class_weight
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose
