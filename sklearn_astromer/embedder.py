"""`AstromerEmbedder`: light curves in, embeddings out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags

from sklearn_astromer import parameters, plain_state, running, saving, weights
from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.fitting import all_or_nothing, fit_embedder, starting_network
from sklearn_astromer.hiding import flat_hidden
from sklearn_astromer.input_checks import check_curves
from sklearn_astromer.network import AttentionConvention


class AstromerEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, plain_state.PlainState):
    """Embed light curves with ASTROMER.

    A transformer network that was trained to predict hidden magnitudes (Donoso-Oliva et al. 2023,
    A&A 670, A54) maps each observation to a vector; the mean over a light curve's observations is
    a feature vector for any scikit-learn estimator. `fit` trains the network on your light curves,
    without labels: from scratch, or from `weights` (fine-tuning). With `weights` no `fit` is needed
    before `transform`.

    Every method takes light curves in any form that `as_light_curves` knows: `LightCurves`; a list
    of arrays of shape (n_observations, 2 or 3) with the columns time (days), magnitude and,
    optionally, error; tables; or a numeric 2-D array, read as magnitudes at a spacing of one day.
    NaN times and magnitudes stand for observations without a measurement.

    Parameters
    ----------
    weights : str, path or None, default=None
        Name of pre-trained weights (`sklearn_astromer.weights.available()` lists them), or a file
        or folder with weights. None: start from scratch.
    finetune : bool, default=True
        Whether `fit` trains. If False, `fit` leaves `weights` as they are.
    output : {"mean", "max", "sequence"}, default="mean"
        What `transform` gives: one row per light curve, pooled over its observations; or a list
        with one row per observation.
    architecture : {"paper", "folding"} or None, default=None
        Kind of the network: the paper's; or one with residual connections that is told errors and
        the phase in the best period. None: that of `weights`, or the paper's.
    period_search : bool, default=True
        Whether a network that folds light curves searches their periods (as `PeriodFinder` does).
        If False, it is told that there are none.
    embedding_size, n_blocks, n_heads, feedforward_size, window_size : int or None, default=None
        Shape of the network; window_size is the largest number of observations that it sees at
        once. None: as in `weights` or `architecture` (the paper's: 256, 2, 4, 128, 200).
    dropout, time_base : float or None, default=None
        Share of activations dropped in training, and base of the frequencies of the time encoding;
        None: as in `weights` or `architecture` (the paper's: 0.1 and 1000).
    attention : {"exclude", "additive"} or None, default=None
        What padding does in the attention: it is excluded (Eq. 6 of the paper), or treated as in
        the authors' library. None: as in `weights`, or "exclude".
    hidden_fraction : float, default=0.5
        Share of the observations that are to be predicted in training and in `score`.
    visible_fraction : float, default=0.4
        Share of these that stay visible in training, half of them with the magnitude of another
        observation (Sect. 4.3 of the paper); in `score` none does.
    learning_rate : float or None, default=None
        Of Adam. None: 1e-3 from scratch (the paper's); 1e-4 from weights, with a rise at the start
        and a fall to zero, after the decoder was fitted to the new light curves.
    anchor : float or None, default=None
        Weight of a penalty on leaving the mean embeddings that the network gave before `fit`.
        None: 0 from scratch, 1 from weights, so that fine-tuning does not forget what they know.
    max_epochs : int or None, default=None
        Most passes over the light curves; each takes one random window of every curve. None: 100
        from scratch, 20 from weights.
    patience : int or None, default=40
        Stop after so many epochs without a better RMSE on the validation curves (the paper's
        value). None: never.
    validation_fraction : float or None, default=0.2
        Share of the light curves that is kept for validation; the weights of the epoch with the
        best validation RMSE are kept. None: train on all of them, for all epochs.
    batch_size : int or "auto", default="auto"
        Windows at once. "auto": 64 in `fit`; elsewhere 16 on a CPU and 1024 on a GPU. Where memory
        runs out, `transform` goes on with half of it.
    device : str or torch.device, default="auto"
        "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" ...
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of matrix products. "auto": bfloat16 on a GPU; on a CPU float32, but float64 for
        ``output="sequence"`` and short light curves, whose embeddings rounding would show in.
    random_state : int, RandomState or None, default=None
        Decides the initial weights, validation curves, windows and what is hidden.
    verbose : int, default=0
        0: silent. 1: one progress bar at a time. 2: all bars stay, and a line for each epoch.

    Attributes
    ----------
    network_ : AstromerNetwork
        The trained torch module, on the CPU.
    history_ : list of dict
        Per epoch: ``epoch``, ``train_rmse``, ``valid_rmse`` (magnitudes), ``seconds``; empty if
        `fit` did not train.
    n_features_in_ : int
        Number of columns; only if `fit` was given a numeric 2-D array.
    feature_names_in_ : ndarray of str
        Names of the columns; only if `fit` was given a data frame of numbers.

    References
    ----------
    Donoso-Oliva, C., Becker, I., Protopapas, P., et al. 2023, A&A, 670, A54.

    Examples
    --------
    >>> from sklearn_astromer import AstromerEmbedder
    >>> from sklearn_astromer.datasets import make_variable_stars
    >>> X, y = make_variable_stars(n_per_class=2, random_state=0)
    >>> AstromerEmbedder.pretrained("macho").transform(X).shape
    (16, 256)
    """

    def __init__(
        self,
        weights: str | Path | None = None,
        *,
        finetune: bool = True,
        output: str = "mean",
        architecture: str | None = None,
        period_search: bool = True,
        embedding_size: int | None = None,
        n_blocks: int | None = None,
        n_heads: int | None = None,
        feedforward_size: int | None = None,
        window_size: int | None = None,
        dropout: float | None = None,
        time_base: float | None = None,
        attention: AttentionConvention | None = None,
        hidden_fraction: float = 0.5,
        visible_fraction: float = 0.4,
        learning_rate: float | None = None,
        anchor: float | None = None,
        max_epochs: int | None = None,
        patience: int | None = 40,
        validation_fraction: float | None = 0.2,
        batch_size: int | str = "auto",
        device: str = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.weights = weights
        self.finetune = finetune
        self.output = output
        self.architecture = architecture
        self.period_search = period_search
        self.embedding_size = embedding_size
        self.n_blocks = n_blocks
        self.n_heads = n_heads
        self.feedforward_size = feedforward_size
        self.window_size = window_size
        self.dropout = dropout
        self.time_base = time_base
        self.attention = attention
        self.hidden_fraction = hidden_fraction
        self.visible_fraction = visible_fraction
        self.learning_rate = learning_rate
        self.anchor = anchor
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    @classmethod
    def pretrained(cls, name: str | Path | None = None, **params: Any) -> Self:
        """Make an embedder with pre-trained weights, ready for `transform`.

        Parameters
        ----------
        name : str, path or None, default=None
            As the parameter `weights`; None is the best that ships with the package.
        **params
            Other parameters of the estimator.

        Returns
        -------
        embedder : AstromerEmbedder

        Raises
        ------
        ValueError
            If there are no weights of that name, or they do not fit the parameters.
        OSError
            If the weights have to be downloaded and cannot be.
        """
        embedder = cls(weights=weights.DEFAULT_WEIGHTS if name is None else name, **params)
        starting_network(embedder)
        return embedder

    def fit(self, X: Any, y: Any = None) -> Self:
        """Train the network to predict hidden magnitudes, from scratch or from `weights`.

        Parameters
        ----------
        X : light curves
            In any of the forms that the class lists.
        y : ignored

        Returns
        -------
        self : AstromerEmbedder

        Raises
        ------
        ValueError
            If a parameter or a light curve is not valid.
        TrainingError
            If the training diverges and nothing good was learned; otherwise that is a warning.
        KeyboardInterrupt
            If you stop it (Ctrl-C). After one epoch the best weights so far are kept.
        """
        parameters.check_embedder(self)
        with all_or_nothing(self):
            fit_embedder(self, check_curves(self, X, reset=True))
        return self

    def transform(self, X: Any) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        """Embed light curves.

        Light curves longer than a window are cut into consecutive windows, each observation in
        exactly one; the mean (or maximum) is taken over all observations.

        Parameters
        ----------
        X : light curves
            In any of the forms that the class lists.

        Returns
        -------
        embedding : ndarray of float32, shape (n_curves, embedding_size), or list of ndarray
            With ``output="sequence"`` a list of arrays of shape (n_observations, embedding_size),
            in the order in which the observations were given; NaN where nothing was measured.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If there are neither `weights` nor was `fit` called.
        ValueError
            If a light curve is not valid; the message names it.
        """
        if self.output != "sequence":
            return running.curve_runner(self, X).embed(self.output)
        container = getattr(self, "_sklearn_output_config", {}).get("transform")
        if (container or get_config()["transform_output"]) != "default":
            raise ParameterError(
                'output="sequence" gives a list, which no data frame can hold; use '
                'set_output(transform="default") or output="mean".'
            )
        return running.curve_runner(self, X).embed_observations()

    def reconstruct(
        self, X: Any, hidden: Sequence[NDArray[np.bool_]] | None = None
    ) -> list[NDArray[np.float32]]:
        """Predict the magnitude of every observation.

        Parameters
        ----------
        X : light curves
            In any of the forms that the class lists.
        hidden : sequence of array-like of bool, shape (n_observations,), optional
            For each light curve, True where the network does not get to see the magnitude. Only
            there is the prediction one; elsewhere the network has seen what it repeats.

        Returns
        -------
        magnitudes : list of ndarray of float32, shape (n_observations,)
            In the order in which the observations were given; NaN where nothing was measured.

        Raises
        ------
        ValueError
            If `hidden` does not fit the light curves, or leaves nothing visible in a window.
        """
        curves = check_curves(self, X, reset=False)
        flat = None if hidden is None else flat_hidden(hidden, curves.lengths)
        return running.curve_runner(self, curves, flat).reconstruct(flat)

    def score(self, X: Any, y: Any = None, *, relative: bool = False) -> float:
        """Give minus the RMSE of the magnitudes that are hidden at random (larger is better).

        Parameters
        ----------
        X : light curves
            In any of the forms that the class lists.
        y : ignored
        relative : bool, default=False
            Divide by the standard deviation of the same magnitudes, each minus the mean of its
            window: -1 is no better than predicting the mean.

        Returns
        -------
        score : float
            In magnitudes, unless `relative`.

        Raises
        ------
        ValueError
            If nothing can be hidden, or `relative` is asked for magnitudes that are all alike.
        """
        rmse, spread = running.hidden_error(self, X)
        if not relative:
            return -rmse
        if spread == 0:
            raise LightCurveError(
                "All hidden magnitudes equal the mean of their window, so that there is no "
                "standard deviation to divide by; use relative=False."
            )
        return -rmse / spread

    def find_periods(self, X: Any) -> NDArray[np.float64]:
        """Give the periods on which the network folds light curves.

        Parameters
        ----------
        X : light curves
            In any of the forms that the class lists.

        Returns
        -------
        period : ndarray of float64, shape (n_curves,)
            Days; NaN where none was found, or the network takes none.
        """
        return running.periods_of(self, X)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> Path:
        """Write the embedder to a folder: its weights as safetensors, all else as JSON.

        Parameters
        ----------
        folder : str or Path
            Folder to make.
        overwrite : bool, default=False
            Whether an embedder that was saved there before is replaced.

        Returns
        -------
        folder : Path

        Raises
        ------
        FileExistsError
            If the folder exists, and `overwrite` is False or it holds something else.
        """
        return saving.save_embedder(
            self, running.current_network(self), folder, overwrite=overwrite
        )

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """Read an embedder that `save` wrote; nothing in the folder is executed.

        Parameters
        ----------
        folder : str or Path
            The folder.

        Returns
        -------
        embedder : AstromerEmbedder
            Fitted.

        Raises
        ------
        FileNotFoundError
            If there is no such folder, or a file is missing.
        ValueError
            If a file is damaged or comes from a newer version.
        """
        params, fitted, network = saving.load_embedder(folder, cls._get_param_names())
        embedder = cls(**params)
        embedder.network_ = network
        for name, value in fitted.items():
            setattr(embedder, name, value)
        return embedder

    @property
    def _n_features_out(self) -> int:
        return running.embedding_size(self)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_") or self.weights is not None

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.weights is None
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
