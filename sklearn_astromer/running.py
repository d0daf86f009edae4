"""From an embedder's parameters and a user's light curves to what runs the network over them."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state

from sklearn_astromer import parameters, weights
from sklearn_astromer.fitting import starting_network
from sklearn_astromer.hiding import hidden_at_random
from sklearn_astromer.input_checks import check_curves
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.training.curves import CurveRunner
from sklearn_astromer.training.devices import resolve_device
from sklearn_astromer.windows import consecutive_windows, usable_observations

if TYPE_CHECKING:
    from sklearn_astromer.embedder import AstromerEmbedder

# The fastest on CPUs (where a batch should stay in the cache) and on GPUs (which want work).
AUTO_BATCH_SIZE = {"cpu": 16, "cuda": 1024}


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
            "pre-trained weights: AstromerEmbedder.pretrained()."
        )
    return starting_network(embedder)


def embedding_size(embedder: AstromerEmbedder) -> int:
    """Give the length of an embedding; weights that have a name are not read for that.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Fitted, or with weights.

    Returns
    -------
    size : int

    Raises
    ------
    AttributeError
        If the embedder has no network, or its weights cannot be read. It is this error so that
        notebooks and ``dir`` can show an estimator with a typing error in it.
    """
    named = weights.available()
    if not hasattr(embedder, "network_") and embedder.weights in named.names:
        return named[str(embedder.weights)].embedding_size
    try:
        return current_network(embedder).config.embedding_size
    except (OSError, ValueError) as problem:
        raise AttributeError(str(problem)) from problem


def curve_runner(
    embedder: AstromerEmbedder, X: Any, hidden: NDArray[np.bool_] | None = None
) -> CurveRunner:
    """Make ready to run an embedder's network over light curves.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Fitted, or with weights.
    X : light curves
        In any form.
    hidden : ndarray of bool, shape (n_observations,), optional
        Which of all observations are going to be hidden, so that their periods are searched
        without them.

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
        observations_for(
            network.config,
            curves,
            device=device,
            search=embedder.period_search,
            verbose=embedder.verbose,
            hidden=hidden,
        ),
        curves.offsets,
        device=device,
        precision=embedder.precision,
        batch_size=AUTO_BATCH_SIZE[device.type] if automatic else int(embedder.batch_size),
        verbose=embedder.verbose,
    )


def hidden_error(embedder: AstromerEmbedder, X: Any) -> tuple[float, float]:
    """Hide a share of the observations for good, predict them, and compare.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Fitted, or with weights; its `hidden_fraction` and `random_state` choose what is hidden.
    X : light curves
        In any form.

    Returns
    -------
    rmse, spread : float
        See `CurveRunner.hidden_error`.

    Raises
    ------
    sklearn.exceptions.NotFittedError
        If the embedder has no network.
    ValueError
        If a parameter or a light curve is not valid, or no curve has two observations.
    """
    parameters.check_embedder(embedder)
    curves = check_curves(embedder, X, reset=False)
    random_state = check_random_state(embedder.random_state)
    hidden = hidden_part(embedder, curves, embedder.hidden_fraction, random_state)
    return curve_runner(embedder, curves, hidden).hidden_error(hidden)


def hidden_part(
    embedder: AstromerEmbedder,
    curves: LightCurves,
    fraction: float,
    random_state: np.random.RandomState,
) -> NDArray[np.bool_]:
    """Choose at random what is hidden in each window of an embedder's network.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Fitted, or with weights.
    curves : LightCurves
        Light curves.
    fraction : float
        Share of the measured observations of each window.
    random_state : RandomState
        Where chance comes from.

    Returns
    -------
    hidden : ndarray of bool, shape (n_observations,)
        For all observations as they were given.
    """
    observations = usable_observations(curves)
    windows = consecutive_windows(
        observations.offsets, current_network(embedder).config.window_size
    )
    hidden = np.zeros(len(curves.time), dtype=bool)
    hidden[observations.position] = hidden_at_random(
        windows, len(observations.time), fraction, random_state
    )
    return hidden


def periods_of(embedder: AstromerEmbedder, X: Any) -> NDArray[np.float64]:
    """Give the periods on which an embedder's network folds light curves.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Fitted, or with weights.
    X : light curves
        In any form.

    Returns
    -------
    period : ndarray of float64, shape (n_curves,)
        Days; NaN where none was found, or the network takes none.
    """
    runner = curve_runner(embedder, X)
    ephemerides = runner.observations.ephemerides
    if ephemerides is None:
        return np.full(len(runner.given_offsets) - 1, np.nan)
    return ephemerides.period
