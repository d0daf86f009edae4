"""What the transformers that search for periods have in common."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags

from sklearn_astromer import parameters
from sklearn_astromer.errors import ParameterError
from sklearn_astromer.input_checks import check_curves
from sklearn_astromer.periods.batches import SearchRange
from sklearn_astromer.periods.search import PeriodSearch
from sklearn_astromer.training.devices import resolve_device


class PeriodEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of transformers that search for periods; nothing is learned."""

    min_period: float
    max_period: float | str
    oversampling: float
    n_terms: int
    add_jitter: bool
    device: str
    batch_size: int | str
    verbose: int

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and the light curves; nothing is learned.

        Parameters
        ----------
        X : light curves
            In any of the forms that `AstromerEmbedder` lists.
        y : ignored

        Returns
        -------
        self : estimator

        Raises
        ------
        LightCurveError, ParameterError
            If a parameter or a light curve is not valid.
        """
        self._search(X, reset=True)
        return self

    def _search(self, X: Any, *, reset: bool) -> PeriodSearch:
        self._check_parameters()
        curves = check_curves(self, X, reset=reset)
        longest = None if isinstance(self.max_period, str) else float(self.max_period)
        return PeriodSearch(
            curves,
            SearchRange(float(self.min_period), longest, float(self.oversampling)),
            n_terms=self.n_terms,
            add_jitter=self.add_jitter,
            device=resolve_device(self.device),
            batch_size=self.batch_size,
            verbose=self.verbose,
        )

    def _check_parameters(self) -> None:
        parameters.positive("min_period", self.min_period)
        if isinstance(self.max_period, str):
            parameters.one_of("max_period", self.max_period, ("span",))
        else:
            parameters.positive("max_period", self.max_period)
            if self.max_period <= self.min_period:
                raise ParameterError(
                    f"max_period={self.max_period!r} must be longer than "
                    f"min_period={self.min_period!r}; both are in days."
                )
        parameters.positive("oversampling", self.oversampling)
        parameters.whole("n_terms", self.n_terms)
        if self.batch_size != "auto":
            parameters.whole("batch_size", self.batch_size, remark=' or "auto"')

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float64"]
        return tags
