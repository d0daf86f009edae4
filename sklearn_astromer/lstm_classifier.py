"""`LSTMClassifier`: the paper's baseline, an LSTM on light curves as they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_astromer.head_classifier import HeadClassifier


class LSTMClassifier(HeadClassifier):
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
    dropout : float, default=0.3
        Share of the outputs of each layer that is dropped in training (the paper's).
    class_weight, learning_rate, weight_decay
        As in `AstromerClassifier`.
    max_epochs : int, default=200
        Most passes over the light curves.
    patience
        As in `AstromerClassifier`.
    validation_fraction : float or None, default=0.2
        As in `AstromerClassifier`; but an LSTM that learns from nothing has to be stopped in time,
        so that the default is the paper's.
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
        dropout: float = 0.3,
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
        self.dropout = dropout
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
