"""From an embedder's parameters and a user's light curves to what runs the network over them."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from sklearn_astromer import parameters
from sklearn_astromer.fitting import starting_network
from sklearn_astromer.light_curves import LightCurves, as_light_curves, holds_light_curves
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.training.curves import CurveRunner
from sklearn_astromer.training.devices import resolve_device
from sklearn_astromer.windows import usable_observations

if TYPE_CHECKING:
    from sklearn_astromer.embedder import AstromerEmbedder

# The fastest on CPUs (where a batch should stay in the cache) and on GPUs (which want work).
AUTO_BATCH_SIZE = {"cpu": 16, "cuda": 1024}


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
        return as_light_curves(X)
    # Infinite values are left to LightCurves, which names the curve.
    checks: dict[str, Any] = {"dtype": (np.float64, np.float32), "ensure_all_finite": False}
    if reset:
        # Of a single observation none can be hidden while another is seen.
        checks["ensure_min_features"] = 2
    if reset or hasattr(estimator, "n_features_in_"):
        return LightCurves.from_grid(validate_data(estimator, X, reset=reset, **checks))
    return LightCurves.from_grid(check_array(X, estimator=estimator, **checks))


def current_network(embedder: AstromerEmbedder) -> AstromerNetwork:
    """Give the network of an embedder: the trained one, or that of its pre-trained weights.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Fitted, or with weights.

    Returns
    -------
    network : AstromerNetwork
        In evaluation mode, on the CPU.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If there is neither.
    """
    if hasattr(embedder, "network_"):
        return embedder.network_
    if embedder.weights is None:
        raise NotFittedError(
            f"This {type(embedder).__name__} has no weights yet. Call fit, or start from "
            'pre-trained weights: AstromerEmbedder.pretrained("macho").'
        )
    return starting_network(embedder)


def curve_runner(embedder: AstromerEmbedder, X: Any) -> CurveRunner:
    """Make ready to run an embedder's network over light curves.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Fitted, or with weights.
    X : light curves
        In any form.

    Returns
    -------
    runner : CurveRunner

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the embedder has no network.
    ValueError
        If a parameter or a light curve is not valid.
    """
    network = current_network(embedder)
    parameters.check_embedder(embedder)
    curves = check_curves(embedder, X, reset=False)
    device = resolve_device(embedder.device)
    automatic = isinstance(embedder.batch_size, str)
    return CurveRunner(
        # The estimator's own network stays on the CPU, wherever it is used.
        deepcopy(network).to(device) if device.type != "cpu" else network,
        usable_observations(curves),
        curves.offsets,
        device=device,
        precision=embedder.precision,
        batch_size=AUTO_BATCH_SIZE[device.type] if automatic else int(embedder.batch_size),
        verbose=embedder.verbose,
    )
