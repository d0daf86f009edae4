"""The best weights of a training, kept whatever ends it: patience, an interruption, divergence."""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from skorch.callbacks import Callback
from skorch.dataset import get_len
from torch import Tensor

from sklearn_astromer.errors import TrainingError
from sklearn_astromer.training.window_net import Diverged, Enough, WindowNet, all_finite

Weights = dict[str, Tensor]

FAR_OUT = (
    "The loss is infinite or NaN before the first step, so that no learning rate would help: look "
    "for magnitudes, errors or targets that are far out."
)


class KeepBest(Callback):
    """Keeps the best weights, and ends a training that gets no better or diverges.

    With validation these are the weights after the epoch with the smallest validation loss.
    Without it the last ones are kept; after an interruption those of the last complete epoch; and
    after a divergence those with which the epoch of the smallest training loss began, since what
    weights are worth is only told by the losses that follow.

    Parameters
    ----------
    validated : bool
        Whether there is validation.
    rates : str
        What the learning rate is, for the message about a training that diverges.
    patience : int or None, default=None
        How many epochs may pass without a smaller validation loss; None: any number.
    start_is_good : bool, default=False
        Whether the weights to begin with have been trained, so that they are worth keeping. Those
        of a run that goes on have.
    """

    def __init__(
        self,
        *,
        validated: bool,
        rates: str,
        patience: int | None = None,
        start_is_good: bool = False,
    ) -> None:
        self.validated = validated
        self.rates = rates
        self.patience = patience
        self.start_is_good = start_is_good

    def initialize(self) -> Self:
        """Forget all; not at the beginning of each call, since a run may be one of many calls."""
        self.start_: Weights | None = None
        self.before_: Weights | None = None
        self.best_: Weights | None = None
        self.best_loss_ = math.inf
        self.best_epoch_ = 0
        self.misses_ = 0
        return self

    def on_epoch_begin(self, net: WindowNet, dataset_valid: Any = None, **kwargs: Any) -> None:
        """Keep the weights with which the training, or without validation the epoch, begins."""
        if self.start_ is None:
            self.start_ = self.before_ = weights_of(net)
            self.start_was_trained_ = self.start_is_good or len(net.history) > 1
        elif not self.validated:
            self.before_ = weights_of(net)
        self.dataset_valid_ = dataset_valid

    def on_epoch_end(self, net: WindowNet, **kwargs: Any) -> None:
        """Keep the weights if they are the best, and raise `Enough` or `Diverged` if it is over."""
        if not all_finite(net.module_):
            raise Diverged
        loss = net.history[-1, "valid_loss" if self.validated else "train_loss"]
        if loss < self.best_loss_:
            self.best_ = weights_of(net) if self.validated else self.before_
            self.best_loss_, self.best_epoch_ = loss, net.history[-1, "epoch"]
            self.misses_ = 0
            return
        self.misses_ += 1
        if self.misses_ == self.patience:
            raise Enough

    def on_train_end(self, net: WindowNet, **kwargs: Any) -> None:
        """Put the weights in place that are to stay."""
        if net.ended_by_ is Diverged:
            self._settle_for_best(net)
            return
        kept = self.best_ if self.validated else self.before_
        if kept is not None and (self.validated or net.interrupted):
            net.module_.load_state_dict(kept)

    def _settle_for_best(self, net: WindowNet) -> None:
        """Warn, and go back to the best weights; raise a TrainingError if none are of use."""
        assert self.start_ is not None
        start_loss = self._validation_loss(net, self.start_) if self.validated else 0.0
        if net.step_ == 0 or (self.best_ is None and not math.isfinite(start_loss)):
            net.module_.load_state_dict(self.start_)
            raise TrainingError(FAR_OUT)
        epoch = len(net.history)
        told = f"The training diverged: in epoch {epoch} a loss or a weight became infinite or NaN."
        remedy = f"{self.rates}; try a tenth of it."
        learned = self.best_ is not None and self.best_ is not self.start_
        if learned and not (self.validated and start_loss <= self.best_loss_):
            net.module_.load_state_dict(self.best_)
            kept = f"The best weights before, of epoch {self.best_epoch_}, are kept."
        elif self.start_was_trained_:
            net.module_.load_state_dict(self.start_)
            kept = "The weights from which it started are kept, since none were better."
        else:
            raise TrainingError(f"{told} Nothing was learned before that. {remedy}")
        warnings.warn(f"{told} {kept} {remedy}", ConvergenceWarning, stacklevel=2)

    def _validation_loss(self, net: WindowNet, weights: Weights) -> float:
        net.module_.load_state_dict(weights)
        try:
            losses = [
                (net.validation_step(batch)["loss"].item(), get_len(batch[0]))
                for batch in self.dataset_valid_
            ]
        except Diverged:
            return math.inf
        values, sizes = zip(*losses, strict=True)
        return float(np.average(values, weights=sizes))


def weights_of(net: WindowNet) -> Weights:
    """Copy the weights of a net."""
    return {name: value.clone() for name, value in net.module_.state_dict().items()}
