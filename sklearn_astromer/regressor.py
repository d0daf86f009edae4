"""`AstromerRegressor`: light curves in, numbers out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import Tags, check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from sklearn_astromer import parameters
from sklearn_astromer.fitting import all_or_nothing
from sklearn_astromer.head_work import Targets
from sklearn_astromer.input_checks import check_curves, check_weight, refuse_masked
from sklearn_astromer.plain_state import PlainState
from sklearn_astromer.supervised import fit_head, head_outputs


class AstromerRegressor(RegressorMixin, PlainState):
    """Predict numbers (log period, amplitude, temperature ...) from light curves.

    The heads and the training are those of `AstromerClassifier`, with the mean square error of the
    targets, each of which is standardised inside. Give targets whose differences mean the same
    everywhere, such as the logarithm of a period: `sklearn.compose.TransformedTargetRegressor`
    takes it and turns predictions back.

    Parameters
    ----------
    embedder, head, train_encoder, learning_rate, encoder_learning_rate, weight_decay
        As in `AstromerClassifier`.
    max_epochs, encoder_epochs, patience
        As in `AstromerClassifier`.
    validation_fraction : float or None, default=None
        Share of the light curves that is kept for validation, at least one of two; the weights of
        the epoch with the smallest validation loss are kept. None: train on all of them, for all
        epochs, while the learning rate falls to zero.
    batch_size, device, precision, random_state, verbose
        As in `AstromerClassifier`.

    Attributes
    ----------
    embedder_ : AstromerEmbedder
        Fitted; with ``train_encoder=True`` it holds the encoder that was trained with the head.
    head_ : torch.nn.Module
        The trained head, on the CPU.
    target_mean_, target_scale_ : ndarray of float64, shape (n_outputs,)
        Mean and standard deviation of the targets of `fit`.
    history_ : list of dict
        Per epoch: ``epoch``, ``train_loss``, ``valid_loss`` (mean square error of the standardised
        targets), ``seconds``.
    n_features_in_, feature_names_in_
        As in `AstromerClassifier`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_astromer import AstromerRegressor
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> X, _, truth = make_variable_stars(3, random_state=0, return_parameters=True)
    >>> regressor = AstromerRegressor(head="linear", max_epochs=20, random_state=0)
    >>> regressor.fit(X, truth["amplitude"]).predict(X[:2]).shape
    (2,)
    """

    def __init__(
        self,
        embedder: Any = None,
        *,
        head: str = "mlp",
        train_encoder: bool = False,
        learning_rate: float = 1e-3,
        encoder_learning_rate: float = 1e-5,
        weight_decay: float = 0.01,
        max_epochs: int | None = None,
        encoder_epochs: int = 10,
        patience: int | None = 20,
        validation_fraction: float | None = None,
        batch_size: int | str = "auto",
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.embedder = embedder
        self.head = head
        self.train_encoder = train_encoder
        self.learning_rate = learning_rate
        self.encoder_learning_rate = encoder_learning_rate
        self.weight_decay = weight_decay
        self.max_epochs = max_epochs
        self.encoder_epochs = encoder_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on light curves with known targets.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes.
        y : array-like of float, shape (n_curves,) or (n_curves, n_outputs)
            Targets.
        sample_weight : array-like, shape (n_curves,), optional
            How much each light curve counts in the loss; all alike by default.

        Returns
        -------
        self : AstromerRegressor

        Raises
        ------
        ValueError
            If a parameter, a light curve or a target is not valid.
        TrainingError
            If the training diverges and nothing good was learned; otherwise that is a warning.
        KeyboardInterrupt
            If you stop it (Ctrl-C). After one epoch the best weights so far are kept.
        """
        parameters.check_supervised(self)
        with all_or_nothing(self):
            self._fit(X, y, sample_weight)
        return self

    def _fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> None:
        curves = check_curves(self, X, reset=True)
        if y is None:
            raise ValueError("AstromerRegressor requires y to be passed, but the target y is None.")
        refuse_masked("y", y)
        targets = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        check_consistent_length(curves, targets)
        weight = check_weight(sample_weight, len(targets))
        self._n_dimensions = targets.ndim
        targets = targets.reshape(len(targets), -1)
        mean = np.average(targets, axis=0, weights=weight)
        spread = np.sqrt(np.average((targets - mean) ** 2, axis=0, weights=weight))
        self.target_mean_ = mean
        self.target_scale_ = np.where(spread > 1e-12 * np.abs(mean), spread, 1.0)
        values = torch.from_numpy((targets - mean) / self.target_scale_)
        fit_head(self, curves, Targets(values, weight, targets.shape[1]))

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Predict the targets: means over the windows of each light curve, by their observations.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` takes.

        Returns
        -------
        targets : ndarray of float64, shape (n_curves,) or (n_curves, n_outputs)
        """
        check_is_fitted(self)
        parameters.check_supervised(self)
        outputs = head_outputs(self, X, log_softmax=False)
        targets = outputs * self.target_scale_ + self.target_mean_
        return targets[:, 0] if self._n_dimensions == 1 else targets

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.target_tags.multi_output = True
        return tags
