"""`BandEmbedder`: light curves of several bands in, their embeddings side by side out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags, check_consistent_length, get_tags
from sklearn.utils.validation import check_is_fitted

from sklearn_astromer import parameters, weights
from sklearn_astromer.embedder import AstromerEmbedder
from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.light_curves.arrays import refuse_no_curves
from sklearn_astromer.light_curves.tables import split_table

FILLERS = {"nan": np.nan, "zero": 0.0}
COLUMNS = ("time", "magnitude", "error", "nested", "band_column")


class BandEmbedder(TransformerMixin, BaseEstimator):
    """Embed each band of light curves by itself and put the embeddings side by side.

    A light curve that was not measured in a band keeps its row: its embedding in that band is NaN
    or zero, and an indicator says so.

    Parameters
    ----------
    embedder : estimator, default=None
        What embeds the light curves of one band: an `AstromerEmbedder`, a `FoldedCurve`, a pipeline
        with them; any transformer of `LightCurves`. `fit` fits one clone of it for each band. One
        that is fitted or pre-trained already serves all bands without `fit`. None:
        ``AstromerEmbedder.pretrained(finetune=False)``.
    bands : sequence of str or int, default=("g", "r")
        Names of the bands, as in the data, in the order in which the embeddings are to stand.
    missing : {"nan", "zero"}, default="nan"
        What stands in for the embedding in a band without a measurement.
    add_indicator : bool, default=True
        Whether a last column for each band is 1 where the light curve has no measurement in it, and
        0 elsewhere.
    columns : dict, default=None
        Names of columns, for those that are not called as usual: ``time``, ``magnitude``,
        ``error``, ``nested`` and ``band_column``, as in `LightCurves.from_table`.

    Attributes
    ----------
    embedders_ : dict
        For each band the clone of `embedder` that was fitted on the light curves of that band.

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_astromer import AstromerEmbedder
    >>> from sklearn_astromer.bands import BandEmbedder
    >>> stars = pd.DataFrame({
    ...     "mjd": [[0.0, 1.0, 2.5, 3.0], [0.5, 1.5]],
    ...     "mag": [[15.1, 15.3, 15.2, 14.9], [12.0, 12.2]],
    ...     "band": [["g", "g", "r", "r"], ["g", "g"]],
    ... })
    >>> embedder = BandEmbedder(AstromerEmbedder.pretrained("macho"), bands=["g", "r"])
    >>> embedder.transform(stars).shape
    (2, 514)
    >>> embedder.get_feature_names_out()[[0, 255, 256, 512, 513]].tolist()
    ['g_0', 'g_255', 'r_0', 'g_missing', 'r_missing']
    """

    def __init__(
        self,
        embedder: Any = None,
        *,
        bands: Sequence[str | int] = ("g", "r"),
        missing: str = "nan",
        add_indicator: bool = True,
        columns: Mapping[str, str] | None = None,
    ) -> None:
        self.embedder = embedder
        self.bands = bands
        self.missing = missing
        self.add_indicator = add_indicator
        self.columns = columns

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit one clone of the embedder on each band.

        Parameters
        ----------
        X : table
            One row per light curve, with a band for each observation (or one for each light
            curve): a data frame (pandas, nested-pandas, polars), astropy or Arrow table.
        y : array-like, shape (n_curves,), default=None
            Handed on to the embedder, without the light curves that were not measured in the band.

        Returns
        -------
        self : BandEmbedder

        Raises
        ------
        ParameterError, LightCurveError
            If a parameter or a light curve is not valid, or nothing was measured in a band.
        TypeError
            If `X` is no table, and so has no bands.
        """
        self._check_parameters()
        curves = self._split(X, self.bands)
        if y is not None:
            check_consistent_length(next(iter(curves.values())), y)
        fitted = {}
        for band, of_band in curves.items():
            measured = np.flatnonzero(of_band.n_finite > 0)
            if not len(measured):
                raise LightCurveError(
                    f"no light curve has a measurement in band {band!r}; take it out of bands, or "
                    "use weights that need no fit."
                )
            labels = None if y is None else np.asarray(y)[measured]
            fitted[band] = clone(self._embedder()).fit(of_band[measured], labels)
        self.embedders_ = fitted
        return self

    def transform(self, X: Any) -> NDArray[np.floating[Any]]:
        """Embed each band.

        Parameters
        ----------
        X : table
            As in `fit`.

        Returns
        -------
        embedding : ndarray, shape (n_curves, n_bands * embedding_size + n_bands)
            In the order of `bands`; the indicators, if there are any, come last.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the embedder needs to be fitted and is not.
        LightCurveError
            If a light curve is not valid, or none has a measurement in any of the bands.
        TypeError
            If `X` is no table, and so has no bands.
        """
        check_is_fitted(self)
        self._check_parameters()
        curves = self._split(X, self._current_bands())
        measured = {band: of_band.n_finite > 0 for band, of_band in curves.items()}
        blocks = [self._embed(band, of_band, measured[band]) for band, of_band in curves.items()]
        if self.add_indicator:
            absent = ~np.stack(list(measured.values()), axis=1)
            blocks.append(absent.astype(np.float32))
        return np.concatenate(blocks, axis=1)

    def _embed(
        self, band: Any, curves: LightCurves, measured: NDArray[np.bool_]
    ) -> NDArray[np.floating[Any]]:
        # Light curves without a measurement in the band never reach the embedder.
        embedder = self._fitted_embedder(band)
        if not measured.any():
            values = np.zeros((0, len(embedder.get_feature_names_out())), np.float32)
        else:
            values = embedder.transform(curves[measured])
            if isinstance(values, list):
                raise ParameterError(
                    f"the embedder gave a list for band {band!r}; one row per light curve is "
                    'needed: output="mean" or "max".'
                )
            values = np.asarray(values)
        block = np.full((len(curves), values.shape[1]), FILLERS[self.missing], values.dtype)
        block[measured] = values
        return block

    def _split(self, X: Any, bands: Iterable[Any]) -> dict[Any, LightCurves]:
        # After fit, in which all bands were seen, other light curves may have none of them.
        seen = hasattr(self, "embedders_")
        curves = split_table(X, list(bands), some_needed=not seen, **(self.columns or {}))
        refuse_no_curves(len(next(iter(curves.values()))))
        return curves

    def _check_parameters(self) -> None:
        bands = self.bands
        if isinstance(bands, str) or not len(bands) or len(set(bands)) < len(bands):
            raise ParameterError(
                f'bands must be a list of different names, as in bands=["g", "r"], got {bands!r}.'
            )
        parameters.one_of("missing", self.missing, tuple(FILLERS))
        if not isinstance(self.add_indicator, bool | np.bool_):
            raise ParameterError(
                f"add_indicator must be True or False, got {self.add_indicator!r}."
            )
        unknown = [name for name in self.columns or () if name not in COLUMNS]
        if unknown:
            raise ParameterError(
                f"columns may name {', '.join(COLUMNS)}; got {', '.join(map(repr, unknown))}."
            )

    def _embedder(self) -> Any:
        if self.embedder is None:
            return AstromerEmbedder(weights.DEFAULT_WEIGHTS, finetune=False)
        return self.embedder

    def _current_bands(self) -> Iterable[Any]:
        return getattr(self, "embedders_", self.bands)

    def _fitted_embedder(self, band: Any) -> Any:
        # Without fit, one embedder that is fitted or pre-trained serves all bands.
        if hasattr(self, "embedders_"):
            return self.embedders_[band]
        return self._embedder()

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Give the names of the columns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Ignored.

        Returns
        -------
        names : ndarray of str
            "g_0", "g_1" ... for the embedding in band "g", and "g_missing" for its indicator. Where
            the embedder's columns have names of their own these follow the band: "g_period".
        """
        check_is_fitted(self)
        names = [
            f"{band}_{name}"
            for band in self._current_bands()
            for name in _short_names(self._fitted_embedder(band))
        ]
        if self.add_indicator:
            names += [f"{band}_missing" for band in self._current_bands()]
        return np.array(names, dtype=object)

    def __sklearn_is_fitted__(self) -> bool:
        if hasattr(self, "embedders_"):
            return True
        try:
            check_is_fitted(self._embedder())
        except NotFittedError:
            return False
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        embedder = self._embedder()
        if hasattr(embedder, "__sklearn_tags__"):
            tags.requires_fit = get_tags(embedder).requires_fit
        # Plain numbers have no bands.
        tags.input_tags.two_d_array = False
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _short_names(embedder: Any) -> list[str]:
    names = [str(name) for name in embedder.get_feature_names_out()]
    # scikit-learn calls columns without names of their own after a class: astromerembedder0, ...
    prefix = names[0].removesuffix("0")
    numbers = [str(number) for number in range(len(names))]
    unnamed = prefix.isalpha() and names == [prefix + number for number in numbers]
    return numbers if unnamed else names
