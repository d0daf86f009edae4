"""Training of heads, alone or with the encoder, with skorch in charge of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from skorch.helper import predefined_split
from torch import Tensor

from sklearn_astromer.errors import TrainingError
from sklearn_astromer.network.heads import HeadedNetwork
from sklearn_astromer.training.devices import seeded
from sklearn_astromer.training.keep_best import FAR_OUT, KeepBest
from sklearn_astromer.training.labelled import LabelledWindows
from sklearn_astromer.training.progress import LOSS_NAMES, EpochBar, completed
from sklearn_astromer.training.schedule import rise_and_fall
from sklearn_astromer.training.window_net import Diverged, WindowNet, all_finite


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
    start_is_good : bool, default=False
        Whether head and encoder were trained before, so that a training that diverges falls back
        on what they were.
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
    start_is_good: bool = False

    def rates(self, network: HeadedNetwork) -> str:
        """Say what the learning rates are."""
        if network.encoder is None:
            return f"learning_rate is {self.learning_rate:g}"
        return (
            f"learning_rate is {self.learning_rate:g} and encoder_learning_rate "
            f"{self.encoder_learning_rate:g}"
        )


class SupervisedNet(WindowNet):
    """The skorch net that trains a `HeadedNetwork` on `LabelledWindows`.

    Parameters
    ----------
    module : HeadedNetwork
        What to train, in place.
    **kwargs
        Further parameters of `WindowNet`.
    """

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
    callbacks: Sequence[tuple[str, Any]] = (),
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
    callbacks : sequence of (name, skorch.callbacks.Callback), default=()
        More callbacks for skorch, behind the others.

    Returns
    -------
    net : SupervisedNet
    """
    before: list[tuple[str, Any]] = []
    if n_steps is not None:
        before.append(("schedule", rise_and_fall(n_steps)))
    if settings.verbose:
        before.append(("progress", EpochBar(LOSS_NAMES, settings.verbose)))
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
        train_split=None if validation is None else predefined_split(validation),
        callbacks=[*before, *callbacks],
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
    TrainingError
        If the training diverges before it has learned anything. If it diverges later, or from
        weights that were trained before, it is a ConvergenceWarning, and the best weights stay.
    TrainingInterrupted
        If somebody interrupts it after an epoch or more; the network has its best weights.
    KeyboardInterrupt
        If somebody interrupts it earlier; the network is of no use.
    """
    # Where nothing tells which weights are best, those of the end must not depend on the last step.
    steps_per_epoch = -(-len(training) // training.batch_size)
    n_steps = settings.max_epochs * steps_per_epoch if validation is None else None
    best = KeepBest(
        validated=validation is not None,
        rates=settings.rates(network),
        patience=None if validation is None else settings.patience,
        start_is_good=settings.start_is_good,
    )
    net = supervised_net(network, settings, validation, n_steps, [("keep_best", best)])
    with seeded(settings.device, settings.seed):
        net.fit(training, None)
    network.eval()
    return completed(net, LOSS_NAMES)


def train_one_epoch(
    net: SupervisedNet, windows: LabelledWindows, settings: SupervisedSettings, seed: int
) -> None:
    """Train for one epoch more; if that fails, network and optimiser are left as they were.

    Parameters
    ----------
    net : SupervisedNet
        Initialised.
    windows : LabelledWindows
        What to train on.
    settings : SupervisedSettings
        How.
    seed : int
        Decides dropout in this epoch.

    Raises
    ------
    TrainingError
        If the training diverges.
    KeyboardInterrupt
        If somebody interrupts it.
    """
    before = deepcopy((net.module_.state_dict(), net.optimizer_.state_dict()))
    n_epochs, step = len(net.history), net.step_
    try:
        with seeded(settings.device, seed):
            net.partial_fit(windows, None, epochs=1)
        if net.interrupted:
            raise KeyboardInterrupt("The training was interrupted; all is as before this call.")
        if net.ended_by_ is Diverged and net.step_ == n_epochs == 0:
            raise TrainingError(FAR_OUT)
        if net.ended_by_ is Diverged or not all_finite(net.module_):
            raise TrainingError(
                f"The training diverged, and all is as before this call. "
                f"{settings.rates(net.module_)}; begin anew with a tenth of it."
            )
    except BaseException:
        net.module_.load_state_dict(before[0])
        net.optimizer_.load_state_dict(before[1])
        del net.history[n_epochs:]
        net.step_ = step
        raise
