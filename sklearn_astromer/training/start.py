"""Fine-tuning that makes nothing better leaves the weights that it began with."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import torch
from skorch.callbacks import Callback
from torch import Tensor, nn

from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.training.devices import autocast

logger = logging.getLogger(__name__)


class KeepStart(Callback):
    """Puts the weights from before the training back if no epoch validates better than they do.

    Parameters
    ----------
    network : AstromerNetwork
        As it is before the training, in evaluation mode, on the device.
    validation : iterable of (inputs, truth)
        Batches that validate, the same ones in each pass.
    criterion : Module
        The loss of a batch.
    device : torch.device
        Where to compute.
    precision : str
        See `sklearn_astromer.training.devices.autocast`.
    """

    def __init__(
        self,
        network: AstromerNetwork,
        validation: Iterable[tuple[dict[str, Tensor], Any]],
        criterion: nn.Module,
        *,
        device: torch.device,
        precision: str,
    ) -> None:
        self.weights = deepcopy(network.state_dict())
        total, n_windows = 0.0, 0
        with torch.no_grad(), autocast(device, precision):
            for inputs, truth in validation:
                size = len(inputs["magnitude"])
                total += size * criterion(network(**inputs), truth).item()
                n_windows += size
        # The mean over batches that skorch takes of each epoch.
        self.loss = total / n_windows

    def on_train_end(self, net: Any, **kwargs: Any) -> None:
        """Compare with the best epoch; a training that diverged is left to whoever tells of it."""
        losses = [loss for loss in net.history[:, "valid_loss"] if math.isfinite(loss)]
        if losses and min(losses) >= self.loss:
            net.module_.load_state_dict(self.weights)
            logger.warning(
                "No epoch predicted the hidden magnitudes of the validation light curves better "
                "(RMSE %.4f mag) than the weights that training began with (%.4f mag): these are "
                "kept.",
                min(losses),
                self.loss,
            )
