"""Training of heads, alone or with the encoder, with skorch in charge of the loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping
from skorch.helper import predefined_split
from skorch.utils import noop
from torch import Tensor

from sklearn_astromer.network.heads import HeadedNetwork
from sklearn_astromer.training.devices import autocast, seeded
from sklearn_astromer.training.labelled import LabelledWindows
from sklearn_astromer.training.progress import LOSS_NAMES, EpochBar, training_record
from sklearn_astromer.training.schedule import rise_and_fall


@dataclass(frozen=True)
class SupervisedSettings:
    """How to train a head.

    Parameters
    ----------
    criterion : type of torch.nn.Module
        The loss of each window; made with ``reduction="none"``.
    learning_rate : float
        Of Adam, for the head.
    encoder_learning_rate : float
        Of Adam, for the encoder, if it is trained.
    weight_decay : float
        Of Adam, decoupled (Loshchilov & Hutter 2019, ICLR), for the head.
    max_epochs : int
        Most epochs; each takes a random window of every light curve.
    patience : int or None
        How many epochs may pass without a better validation loss; None: any number.
    device : torch.device
        Where to train.
    precision : {"auto", "float32", "bfloat16", "float64"}
        See `sklearn_astromer.training.devices.autocast`.
    seed : int
        Decides dropout; torch's global generators are left as they were.
    verbose : int
        See `sklearn_astromer.progress`.
    """

    criterion: type[torch.nn.Module]
    learning_rate: float
    encoder_learning_rate: float
    weight_decay: float
    max_epochs: int
    patience: int | None
    device: torch.device
    precision: str
    seed: int
    verbose: int


class SupervisedNet(NeuralNet):
    """The skorch net that trains a `HeadedNetwork` on `LabelledWindows`.

    Parameters
    ----------
    module : HeadedNetwork
        What to train, in place.
    precision : {"auto", "float32", "bfloat16", "float64"}, default="auto"
        See `sklearn_astromer.training.devices.autocast`.
    **kwargs
        Further parameters of `skorch.NeuralNet`.
    """

    def __init__(self, module: HeadedNetwork, *, precision: str = "auto", **kwargs: Any) -> None:
        self.precision = precision
        super().__init__(module, **kwargs)

    def get_dataset(self, X: LabelledWindows, y: None = None) -> LabelledWindows:
        """Give the data as they are."""
        return X

    def get_iterator(self, dataset: LabelledWindows, training: bool = False) -> LabelledWindows:
        """Give the data, which are an iterator themselves."""
        return dataset

    def infer(self, x: Any, **fit_params: Any) -> Tensor:
        """Run the network with the precision asked for."""
        with autocast(torch.device(self.device), self.precision):
            return super().infer(x, **fit_params)

    def get_loss(
        self, y_pred: Tensor, y_true: Any, X: Any = None, training: bool = False
    ) -> Tensor:
        """Give the mean over windows of their losses times their weights."""
        target, weight = y_true
        if y_pred.dtype != torch.float64:
            y_pred = y_pred.float()
        loss = self.criterion_(y_pred, target)
        return (loss.reshape(len(weight), -1).mean(1) * weight).mean()


def supervised_net(
    network: HeadedNetwork,
    settings: SupervisedSettings,
    validation: LabelledWindows | None = None,
    n_steps: int | None = None,
) -> SupervisedNet:
    """Make the skorch net, ready for its first epoch.

    Parameters
    ----------
    network : HeadedNetwork
        What to train; without an encoder if that is frozen.
    settings : SupervisedSettings
        How.
    validation : LabelledWindows, optional
        What decides when to stop and which weights are best.
    n_steps : int, optional
        Steps of the whole training, over which the learning rate rises and falls. None: it stays.

    Returns
    -------
    net : SupervisedNet
    """
    callbacks: list[tuple[str, Any]] = []
    split = None
    if validation is not None:
        split = predefined_split(validation)
        patience = settings.patience or settings.max_epochs + 1
        # Any improvement counts: the weights of the very best epoch are kept.
        best = EarlyStopping(patience=patience, threshold=0.0, load_best=True, sink=noop)
        callbacks.append(("early_stopping", best))
    if n_steps is not None:
        callbacks.append(("schedule", rise_and_fall(n_steps)))
    if settings.verbose:
        callbacks.append(("progress", EpochBar(LOSS_NAMES, settings.verbose)))
    groups = [("encoder.*", {"lr": settings.encoder_learning_rate, "weight_decay": 0.0})]
    return SupervisedNet(
        network.to(settings.device),
        precision=settings.precision,
        criterion=settings.criterion,
        criterion__reduction="none",
        optimizer=torch.optim.AdamW,
        optimizer__weight_decay=settings.weight_decay,
        optimizer__param_groups=groups if network.encoder is not None else [],
        lr=settings.learning_rate,
        max_epochs=settings.max_epochs,
        train_split=split,
        callbacks=callbacks,
        callbacks__print_log=None,
        device=str(settings.device),
        verbose=0,
    )


def train_head(
    network: HeadedNetwork,
    training: LabelledWindows,
    validation: LabelledWindows | None,
    settings: SupervisedSettings,
) -> list[dict[str, float]]:
    """Train in place, and leave the network with its best weights, in evaluation mode.

    Parameters
    ----------
    network : HeadedNetwork
        What to train; without an encoder if that is frozen.
    training : LabelledWindows
        What to train on.
    validation : LabelledWindows or None
        What decides when to stop and which weights are best. None: training goes on to the end,
        the learning rate falls to zero on the way, and the last weights are kept.
    settings : SupervisedSettings
        How.

    Returns
    -------
    history : list of dict
        One row per epoch, see `sklearn_astromer.training.progress.training_record`.

    Raises
    ------
    ValueError
        If the training diverges.
    """
    # Where nothing tells which weights are best, those of the end must not depend on the last step.
    steps_per_epoch = -(-len(training) // training.batch_size)
    n_steps = settings.max_epochs * steps_per_epoch if validation is None else None
    net = supervised_net(network, settings, validation, n_steps)
    with seeded(settings.device, settings.seed):
        net.fit(training, None)
    network.eval()
    check_finite(network, settings)
    return training_record(net.history, LOSS_NAMES)


def check_finite(network: HeadedNetwork, settings: SupervisedSettings) -> None:
    """Raise a ValueError if training has made a weight infinite or NaN."""
    if all(bool(parameter.isfinite().all()) for parameter in network.parameters()):
        return
    rates = f"learning_rate is {settings.learning_rate:g}"
    if network.encoder is not None:
        rates += f" and encoder_learning_rate {settings.encoder_learning_rate:g}"
    raise ValueError(
        f"The training diverged: weights became infinite or NaN. {rates}; try a tenth of it."
    )
