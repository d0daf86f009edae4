"""Checks of what the estimators are given: light curves, and their weights."""

from __future__ import annotations

import os
import warnings
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import _check_sample_weight, validate_data

from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves

# No star is so faint or so bright: what is beyond are marks of missing values, fluxes or times.
LARGEST_MAGNITUDE = 40.0


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
    ValueError, TypeError
        If `X` is no form of light curves, or has other columns than in `fit`.
    """
    if holds_light_curves(X) or (isinstance(X, list | tuple) and not X):
        if reset:
            # Of an earlier fit on a plain array.
            for name in ("n_features_in_", "feature_names_in_"):
                estimator.__dict__.pop(name, None)
        curves = as_light_curves(X)
        # What is of this form already came through this door, or through that of a reader.
        return curves if isinstance(X, LightCurves) else _plausible(curves)
    refuse_text(X)
    # Infinite values are left to LightCurves, which names the curve.
    checks: dict[str, Any] = {"dtype": (np.float64, np.float32), "ensure_all_finite": False}
    if reset:
        # Of a single observation none can be hidden while another is seen.
        checks["ensure_min_features"] = 2
    if reset or hasattr(estimator, "n_features_in_"):
        return LightCurves.from_grid(validate_data(estimator, X, reset=reset, **checks))
    return LightCurves.from_grid(check_array(X, estimator=estimator, **checks))


def _plausible(curves: LightCurves) -> LightCurves:
    """Warn of magnitudes that no star can have: marks of missing values, fluxes, or times."""
    strange = (np.abs(curves.magnitude) > LARGEST_MAGNITUDE) & np.isfinite(curves.time)
    if strange.any():
        first = int(np.argmax(strange))
        curve = int(np.searchsorted(curves.offsets, first, side="right")) - 1
        n_curves = len(np.unique(np.searchsorted(curves.offsets, np.flatnonzero(strange), "right")))
        warnings.warn(
            f"{n_curves} of {len(curves)} light curves have magnitudes beyond +-"
            f"{LARGEST_MAGNITUDE:g}, such as {curves.magnitude[first]:g} in light curve {curve}. "
            "Where such a number means that nothing was measured, make it NaN; fluxes become "
            "magnitudes by -2.5 * np.log10(flux); and time comes before magnitude in the columns "
            "of an array.",
            UserWarning,
            stacklevel=4,
        )
    return curves


def refuse_text(X: Any) -> None:
    """Raise a TypeError if light curves are given as text: as the path of a file, most likely."""
    first = X[0] if isinstance(X, list | tuple) and len(X) else X
    if isinstance(first, str | PathLike):
        raise TypeError(
            f"light curves are needed, not text: {os.fspath(first)!r}. If this is a file, read it "
            "first: datasets.read_text (one star in each file), read_ogle, read_macho, or "
            "LightCurves.read_parquet."
        )


def check_weight(sample_weight: Any, n_curves: int) -> NDArray[np.float64]:
    """Check the weights of light curves: one each, none negative, not all zero."""
    weight = _check_sample_weight(
        sample_weight, np.zeros(n_curves), dtype=np.float64, ensure_non_negative=True
    )
    if not weight.any():
        raise ValueError("sample_weight must contain at least one non-zero number.")
    return weight
