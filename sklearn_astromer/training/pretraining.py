"""Masked pre-training and fine-tuning, with skorch in charge of the loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from skorch.callbacks import PassthroughScoring
from skorch.helper import predefined_split
from torch import Tensor, nn

from sklearn_astromer.hiding import hide
from sklearn_astromer.network import AstromerNetwork
from sklearn_astromer.training.anchor import Anchor
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.decoder import solve_decoder
from sklearn_astromer.training.devices import autocast, seeded
from sklearn_astromer.training.keep_best import KeepBest
from sklearn_astromer.training.progress import RMSE_NAMES, EpochBar, completed
from sklearn_astromer.training.schedule import rise_and_fall
from sklearn_astromer.training.window_net import WindowNet
from sklearn_astromer.windows import Observations, random_windows

# Keeps the slope of the square root finite where a batch is predicted exactly.
TINY = 1e-12


class HiddenRMSE(nn.Module):
    """Root of the mean over windows of the mean square error over targets (Eq. 5 of the paper)."""

    def forward(self, prediction: Tensor, truth: tuple[Tensor, Tensor]) -> Tensor:
        """Compare `prediction` with the magnitudes and targets in `truth`."""
        magnitude, target = truth
        error = (prediction.float() - magnitude).masked_fill(~target, 0.0)
        n_targets = target.sum(1)
        per_window = error.square().sum(1) / n_targets.clamp(min=1)
        n_windows = (n_targets > 0).sum().clamp(min=1)
        return (per_window.sum() / n_windows + TINY).sqrt()


class HiddenWindows:
    """A random window of each curve per epoch, with random targets, batch by batch.

    Parameters
    ----------
    observations : DeviceObservations
        The curves.
    batch_size : int
        Windows of a batch.
    hidden_fraction : float
        Share of the observations of a window that are targets.
    visible_fraction : float
        Share of the targets that stay visible, half of them with a wrong magnitude.
    seed : int
        Where chance comes from.
    same_each_epoch : bool
        Whether each pass gives the same windows and targets, in the same order, as is needed to
        compare epochs.
    """

    def __init__(
        self,
        observations: DeviceObservations,
        *,
        batch_size: int,
        hidden_fraction: float,
        visible_fraction: float,
        seed: int,
        same_each_epoch: bool,
    ) -> None:
        self.observations = observations
        self.batch_size = batch_size
        self.hidden_fraction = hidden_fraction
        self.visible_fraction = visible_fraction
        self.seed = seed
        self.same_each_epoch = same_each_epoch
        self._restart()

    def _restart(self) -> None:
        self._random_state = np.random.RandomState(self.seed)
        self._generator = torch.Generator(self.observations.device).manual_seed(self.seed)

    def __len__(self) -> int:
        return len(self.observations.offsets) - 1

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], tuple[Tensor, Tensor]]]:
        if self.same_each_epoch:
            self._restart()
        # Kept at hand, so that another pass that begins before this one ends changes nothing here.
        random_state, generator = self._random_state, self._generator
        windows = random_windows(
            self.observations.offsets, self.observations.config.window_size, random_state
        )
        order = np.arange(len(windows))
        if not self.same_each_epoch:
            random_state.shuffle(order)
        for first in range(0, len(order), self.batch_size):
            batch = self.observations.batch(windows[order[first : first + self.batch_size]])
            hiding = hide(
                batch.magnitude,
                batch.length,
                fraction=self.hidden_fraction,
                shown=self.visible_fraction / 2,
                shuffled=self.visible_fraction / 2,
                generator=generator,
            )
            inputs = batch.inputs() | {"magnitude": hiding.magnitude, "hidden": hiding.hidden}
            yield inputs, (batch.magnitude, hiding.target)


class PretrainingNet(WindowNet):
    """The skorch net that trains an `AstromerNetwork` to predict hidden magnitudes.

    Data are `HiddenWindows`, which are their own iterators; everything else is skorch's.

    Parameters
    ----------
    module : AstromerNetwork
        What to train, in place.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        See `sklearn_astromer.training.devices.autocast`.
    anchor : Anchor, optional
        A penalty on forgetting; it is added to the loss in training.
    **kwargs
        Further parameters of `skorch.NeuralNet`.
    """

    def __init__(
        self,
        module: AstromerNetwork,
        *,
        precision: str = "auto",
        anchor: Anchor | None = None,
        **kwargs: Any,
    ) -> None:
        self.anchor = anchor
        super().__init__(module, precision=precision, **kwargs)

    def get_loss(
        self, y_pred: Tensor, y_true: Any, X: Any = None, training: bool = False
    ) -> Tensor:
        """Give the RMSE on targets, with the penalty if there is one and this is training."""
        loss = super().get_loss(y_pred, y_true, X=X, training=training)
        if not training:
            return loss
        self.history.record_batch("train_rmse", loss.item())
        if self.anchor is None:
            return loss
        visible = {name: value for name, value in X.items() if name != "hidden"}
        with autocast(torch.device(self.device), self.precision):
            return loss + self.anchor.penalty(self.module_, visible | {"magnitude": y_true[0]})


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    Parameters
    ----------
    learning_rate : float
        Of Adam, with the decay rates .9 and .98 of Vaswani et al. (2017).
    anchor : float
        Weight of the penalty on forgetting, see `sklearn_astromer.training.anchor.Anchor`.
    max_epochs : int
        Most epochs; each takes a random window of every curve.
    patience : int or None
        How many epochs may pass without a better validation RMSE; None: any number.
    batch_size : int
        Windows of a step.
    hidden_fraction, visible_fraction : float
        See `HiddenWindows`.
    fine_tuning : bool
        Whether the network comes with weights that are to be kept in mind: the decoder is solved
        for first, and the learning rate rises at the start and falls to zero in the end.
    device : torch.device
        Where to train.
    precision : {"auto", "float32", "bfloat16"}
        See `sklearn_astromer.training.devices.autocast`.
    seed : int
        Decides everything random; torch's global generators are left as they were.
    verbose : int
        See `sklearn_astromer.progress`.
    """

    learning_rate: float
    anchor: float
    max_epochs: int
    patience: int | None
    batch_size: int
    hidden_fraction: float
    visible_fraction: float
    fine_tuning: bool
    device: torch.device
    precision: str
    seed: int
    verbose: int


def train(
    network: AstromerNetwork,
    observations: Observations,
    validation: Observations | None,
    settings: TrainingSettings,
    callbacks: Sequence[tuple[str, Any]] = (),
) -> list[dict[str, float]]:
    """Train a network in place, and leave it with its best weights, on the CPU.

    Parameters
    ----------
    network : AstromerNetwork
        What to train.
    observations : Observations
        Curves to train on.
    validation : Observations or None
        Curves that decide when to stop and which weights are best; without them training goes on
        to the end and keeps the last weights.
    settings : TrainingSettings
        How.
    callbacks : sequence of (name, skorch.callbacks.Callback), default=()
        More callbacks for skorch.

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

    def windows_of(curves: Observations, *, seed: int, same_each_epoch: bool) -> HiddenWindows:
        return HiddenWindows(
            DeviceObservations(curves, network.config, settings.device),
            batch_size=settings.batch_size,
            hidden_fraction=settings.hidden_fraction,
            visible_fraction=settings.visible_fraction,
            seed=seed,
            same_each_epoch=same_each_epoch,
        )

    training_windows = windows_of(observations, seed=settings.seed, same_each_epoch=False)
    callbacks = [("train_rmse", PassthroughScoring("train_rmse", on_train=True)), *callbacks]
    split, anchor = None, None
    if validation is not None:
        split = predefined_split(
            windows_of(validation, seed=settings.seed + 1, same_each_epoch=True)
        )
    if settings.verbose:
        callbacks.append(("progress", EpochBar(RMSE_NAMES, settings.verbose)))
    network.to(settings.device).eval()
    if settings.fine_tuning:
        solve_decoder(network, training_windows)
        steps_per_epoch = -(-len(training_windows) // settings.batch_size)
        callbacks.append(("schedule", rise_and_fall(settings.max_epochs * steps_per_epoch)))
    if settings.anchor:
        anchor = Anchor(network, training_windows, settings.anchor)
    best = KeepBest(
        validated=validation is not None,
        rates=f"learning_rate is {settings.learning_rate:g}",
        patience=None if validation is None else settings.patience,
        start_is_good=settings.fine_tuning,
    )
    # Behind the bar, which shows an epoch before this ends the training.
    callbacks.append(("keep_best", best))
    net = PretrainingNet(
        network,
        precision=settings.precision,
        anchor=anchor,
        criterion=HiddenRMSE,
        optimizer=torch.optim.Adam,
        optimizer__betas=(0.9, 0.98),
        lr=settings.learning_rate,
        max_epochs=settings.max_epochs,
        train_split=split,
        callbacks=callbacks,
        callbacks__print_log=None,
        device=str(settings.device),
        verbose=0,
    )
    with seeded(settings.device, settings.seed):
        net.fit(training_windows, None)
    network.cpu().eval()
    return completed(net, RMSE_NAMES)
