"""Checks of what the estimators are given: light curves, and their weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.validation import _check_sample_weight, validate_data

from sklearn_astromer.errors import ParameterError
from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves
from sklearn_astromer.light_curves.arrays import as_numbers, refuse_no_curves
from sklearn_astromer.light_curves.door import refuse_other_kinds
from sklearn_astromer.light_curves.frames import is_missing, refuse_column_types


def check_curves(estimator: Any, X: Any, *, reset: bool) -> LightCurves:
    """Convert what a method was given, with scikit-learn's own checks of plain 2-D arrays.

    Parameters
    ----------
    estimator : estimator
        It is named in errors, and remembers the columns of a plain 2-D array.
    X : light curves
        In any form.
    reset : bool
        Whether this is `fit`, which sets ``n_features_in_``; other methods compare with it.

    Returns
    -------
    curves : LightCurves

    Raises
    ------
    LightCurveError, ValueError, TypeError
        If `X` is no form of light curves, or has other columns than in `fit`.

    Warns
    -----
    LightCurveWarning
        If light curves are probably not what they should be: see `LightCurves`.
    """
    if holds_light_curves(X) or (isinstance(X, list | tuple) and not X):
        if reset:
            # Of an earlier fit on a plain array.
            for name in ("n_features_in_", "feature_names_in_"):
                estimator.__dict__.pop(name, None)
        return as_light_curves(X)
    refuse_other_kinds(X)
    X = _real_numbers(X)
    # Infinite values are left to LightCurves, which names the curve.
    checks: dict[str, Any] = {
        "dtype": (np.float64, np.float32),
        "ensure_all_finite": False,
        "ensure_min_samples": 0,
    }
    if reset:
        # Of a single observation none can be hidden while another is seen.
        checks["ensure_min_features"] = 2
    if reset or hasattr(estimator, "n_features_in_"):
        grid = validate_data(estimator, X, reset=reset, **checks)
    else:
        grid = check_array(X, estimator=estimator, **checks)
    refuse_no_curves(*grid.shape)
    return LightCurves.from_grid(grid)


def _real_numbers(X: Any) -> Any:
    """Refuse what scikit-learn would take for numbers in silence; what is masked becomes NaN."""
    if isinstance(X, list | tuple | np.ma.MaskedArray):
        return as_numbers(X, "the array of magnitudes")
    if isinstance(X, np.ndarray):
        # Objects and complex numbers are left to scikit-learn, which has its own words for them.
        return as_numbers(X, "the array of magnitudes") if X.dtype.kind in "bMmSU" else X
    refuse_column_types(X)
    return X


def refuse_masked(name: str, values: Any) -> None:
    """Raise a ParameterError if one of the labels, or the like, is masked.

    scikit-learn would read what stands behind the mask.
    """
    masked = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else np.zeros(0, bool)
    if masked.any():
        raise ParameterError(
            f"{name} is masked at position {int(np.argwhere(masked)[0][0])}, and so not known "
            f"there; leave these light curves out of X and {name}."
        )


def check_weight(sample_weight: Any, n_curves: int) -> NDArray[np.float64]:
    """Check the weights of light curves: one each, none negative, not all zero."""
    refuse_masked("sample_weight", sample_weight)
    weight = _check_sample_weight(
        sample_weight, np.zeros(n_curves), dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ParameterError("sample_weight must contain at least one non-zero number.")
    return weight


def checked_labels(y: Any) -> NDArray[Any]:
    """Turn labels into an array, every star with one.

    Parameters
    ----------
    y : array-like of shape (n_stars,)
        Labels of any type.

    Returns
    -------
    labels : ndarray of shape (n_stars,)

    Raises
    ------
    ValueError
        If `y` is not one column, or a star has no label, or an infinite one.
    """
    refuse_masked("y", y)
    labels = column_or_1d(y, warn=True)
    missing = np.array([is_missing(label) for label in labels.tolist()], bool)
    if missing.any():
        star = int(missing.argmax())
        raise ValueError(
            f"{missing.sum()} of {len(labels)} stars have no label, the first at position {star} "
            f"({labels.tolist()[star]!r}); leave them out of X and y."
        )
    if labels.dtype.kind == "f":
        assert_all_finite(labels, input_name="y")
    return labels
