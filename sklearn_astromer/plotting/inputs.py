"""What displays are given: one light curve of many, and what is inside an estimator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.light_curves import LightCurves, as_light_curves

# Where fitted meta-estimators keep what they fitted, and heads their embedder.
INNER_ESTIMATORS = ("best_estimator_", "estimator_", "regressor_", "embedder_")


def is_one_curve(X: Any) -> bool:
    """Tell whether `X` is a single light curve: an array of shape (n_observations, 2 or 3)."""
    return isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] in (2, 3)


def one_curve(X: Any, index: int) -> LightCurves:
    """Take one of the light curves that a user gave.

    Parameters
    ----------
    X : light curves
        In any of the forms that `AstromerEmbedder` takes; or one array of shape
        (n_observations, 2 or 3).
    index : int
        Position of the light curve.

    Returns
    -------
    curve : LightCurves
        Of length one.

    Raises
    ------
    ValueError
        If there is no such light curve, nothing of it was measured, or it has negative errors.
    """
    curves = as_light_curves([X] if is_one_curve(X) else X)
    if not -len(curves) <= index < len(curves):
        raise ParameterError(f"index={index}, but there are only {len(curves)} light curves.")
    curve = curves[[index]]
    if curve.n_finite[0] == 0:
        raise LightCurveError(
            f"light curve {index}: no observation has a finite time and magnitude, so there is "
            "nothing to draw. Choose another one."
        )
    if curve.error is not None and (curve.error < 0).any():
        first = int(np.argmax(curve.error < 0))
        raise LightCurveError(
            f"light curve {index}: the error of observation {first} is negative "
            f"({curve.error[first]:g}). If it means that the error is not known, give NaN."
        )
    return curve


def find_inside(estimator: Any, wanted: Callable[[Any], bool]) -> Any:
    """Look for an estimator inside others: pipelines (from their end), searches, heads.

    Parameters
    ----------
    estimator : estimator
        Where to look; itself first.
    wanted : callable
        Tells whether an estimator is the one.

    Returns
    -------
    found : estimator or None
    """
    if wanted(estimator):
        return estimator
    steps = getattr(estimator, "steps", None)
    if steps is None:
        parts = [getattr(estimator, name, None) for name in INNER_ESTIMATORS]
    else:
        parts = [step for _, step in reversed(steps)]
    for part in parts:
        if part is None or isinstance(part, str):
            continue
        found = find_inside(part, wanted)
        if found is not None:
            return found
    return None


def embedder_inside(estimator: Any) -> Any:
    """Find the embedder of an estimator: itself, or that of a classifier, pipeline or search.

    Parameters
    ----------
    estimator : estimator
        Fitted, or an embedder with weights.

    Returns
    -------
    embedder : AstromerEmbedder

    Raises
    ------
    ValueError
        If there is none.
    """
    embedder = find_inside(estimator, lambda inside: hasattr(inside, "reconstruct"))
    if embedder is None:
        raise ParameterError(
            f"There is no AstromerEmbedder in this {type(estimator).__name__}. Give an embedder, "
            "or a fitted estimator that holds one."
        )
    return embedder
