"""`AstromerClassifier`: light curves in, classes out."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_astromer.head_classifier import HeadClassifier


class AstromerClassifier(HeadClassifier):
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
        Whether the encoder is trained too: first the head alone, then both, so that a head that
        knows nothing yet does not spoil the encoder (Kumar et al. 2022, ICLR). The paper trains
        both from the start.
    class_weight : dict, "balanced" or None, default=None
        How much the light curves of each class count in the loss; "balanced": all classes alike.
    learning_rate : float, default=1e-3
        Of Adam, for the head (paper, Appendix D).
    encoder_learning_rate : float, default=1e-5
        Of Adam, for the encoder, if it is trained.
    weight_decay : float, default=0.01
        Decoupled decay of the head's weights, in units of the learning rate (AdamW).
    max_epochs : int or None, default=None
        Most passes of the head over the light curves. None: 500 for ``head="linear"``, 20 for
        "lstm", 60 for the others.
    encoder_epochs : int, default=10
        Most passes of head and encoder together, after that; only with ``train_encoder=True``.
    patience : int or None, default=20
        Stop after so many epochs without a smaller loss on the validation light curves. None:
        never.
    validation_fraction : float or None, default=None
        Share of the light curves of each class that is kept for validation (the paper's is 0.2), at
        least one of each class that has two; the weights of the epoch with the smallest validation
        loss are kept. None: train on all of them, for all epochs, while the learning rate falls to
        zero; with few labels that is worth more. If no class has two light curves there is no
        validation either.
    batch_size : int or "auto", default="auto"
        Windows at once. "auto": 32 in training; elsewhere 16 on a CPU and 1024 on a GPU.
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
        0: silent. 1: one progress bar at a time. 2: all bars stay, and a line for each epoch. The
        embedder has a `verbose` of its own.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Labels, sorted.
    embedder_ : AstromerEmbedder
        Fitted; with ``train_encoder=True`` it holds the encoder that was trained with the head.
    head_ : torch.nn.Module
        The trained head, on the CPU.
    history_ : list of dict
        Per epoch: ``epoch``, ``train_loss``, ``valid_loss`` (cross entropy; only if there was
        validation), ``seconds``; with ``train_encoder=True`` the epochs of both follow those of
        the head alone.
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
        self.class_weight = class_weight
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
