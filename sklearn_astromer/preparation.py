"""From light curves to what a network of some configuration is to see of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_astromer.light_curves import Ephemerides, LightCurves
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.periods.ephemeris import find_ephemerides
from sklearn_astromer.windows import Observations, refuse_bad_errors, usable_observations


def observations_for(
    config: NetworkConfig,
    curves: LightCurves,
    *,
    device: torch.device,
    search: bool = True,
    verbose: int = 0,
    hidden: NDArray[np.bool_] | None = None,
) -> Observations:
    """Leave out what was not measured, and search periods that the network wants and no one knows.

    Parameters
    ----------
    config : NetworkConfig
        Of the network.
    curves : LightCurves
        What it is to see.
    device : torch.device
        Where periods are searched.
    search : bool, default=True
        Whether they are; if not, the network is told that there are none.
    verbose : int, default=0
        See `sklearn_astromer.progress`.
    hidden : ndarray of bool, shape (n_observations,), optional
        Observations of which the search must not know either.

    Returns
    -------
    observations : Observations

    Raises
    ------
    LightCurveError
        If there is no curve, or one without any measured observation; or an error that is not
        positive, if the network uses them or periods are searched.
    """
    observations = usable_observations(curves)
    if config.with_errors:
        refuse_bad_errors(curves, "this network needs")
    if not config.needs_ephemerides:
        return observations
    if not search:
        return replace(observations, ephemerides=Ephemerides.none(len(curves)))
    known = curves.ephemerides
    if hidden is not None and hidden.any():
        # A curve that is hidden wholly is an error, of which whoever hides it knows more to say.
        seen = np.add.reduceat(~hidden[observations.position], observations.offsets[:-1])
        hidden = hidden & np.repeat(seen > 0, curves.lengths)
        magnitude = np.where(hidden, np.float32(np.nan), curves.magnitude)
        curves = curves._with_magnitude(magnitude)
        # What is known was found with what is hidden now.
        known = None
    if known is None:
        known = find_ephemerides(curves, device=device, verbose=verbose)
    return replace(observations, ephemerides=known)
