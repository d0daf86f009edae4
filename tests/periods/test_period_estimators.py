"""The transformers keep scikit-learn's rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_astromer.periods import FoldedCurve, PeriodFinder


@parametrize_with_checks(
    [PeriodFinder(n_peaks=2), FoldedCurve(n_bins=6, periods=2, with_period=True)]
)
def test__scikit_learn_checks__period_transformers__all_pass(
    estimator: Any, check: Callable[[Any], None]
) -> None:
    check(estimator)
