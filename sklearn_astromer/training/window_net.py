"""What our skorch nets have in common: what they are fed, with what precision, and how they end."""

from __future__ import annotations

from typing import Any, Self

import torch
from skorch import NeuralNet
from torch import Tensor, nn

from sklearn_astromer.training.devices import autocast, is_out_of_memory

# skorch takes a KeyboardInterrupt for the end of its loop, and tells nobody. These two end it on
# purpose; every other one was an interruption.


class Enough(KeyboardInterrupt):
    """Ends a training that gets no better."""


class Diverged(KeyboardInterrupt):
    """Ends a training of which a loss or a weight has become infinite or NaN."""


class TrainingInterrupted(KeyboardInterrupt):
    """Somebody interrupted a training that had learned something, which was kept.

    Parameters
    ----------
    history : list of dict
        The completed epochs, see `sklearn_astromer.training.progress.training_record`.
    """

    def __init__(self, history: list[dict[str, float]]) -> None:
        super().__init__(
            f"The training was interrupted after {len(history)} epoch(s). The estimator in "
            "training keeps what it had learned until then, and can be used."
        )
        self.history = history


class WindowNet(NeuralNet):
    """A skorch net whose data are their own iterators over batches, and that knows why it ended.

    Parameters
    ----------
    module : torch.nn.Module
        What to train, in place.
    precision : {"auto", "float32", "bfloat16", "float64"}, default="auto"
        See `sklearn_astromer.training.devices.autocast`.
    **kwargs
        Further parameters of `skorch.NeuralNet`.

    Attributes
    ----------
    step_ : int
        How many steps were taken.
    ended_by_ : type or None
        What ended the last loop before its time: `Enough`, `Diverged`, or an interruption.
    """

    def __init__(self, module: nn.Module, *, precision: str = "auto", **kwargs: Any) -> None:
        self.precision = precision
        super().__init__(module, **kwargs)

    def initialize(self) -> Self:
        """Make ready, at the first step."""
        super().initialize()
        self.step_ = 0
        self.ended_by_: type[BaseException] | None = None
        return self

    @property
    def interrupted(self) -> bool:
        """Whether somebody interrupted the last loop."""
        return self.ended_by_ not in (None, Enough, Diverged)

    def fit_loop(self, X: Any, y: None = None, epochs: int | None = None, **params: Any) -> Self:
        """Run over epochs, and remember why that came to an end."""
        self.ended_by_ = None
        try:
            return super().fit_loop(X, y, epochs, **params)
        except KeyboardInterrupt as end:
            self.ended_by_ = type(end)
            raise
        except (RuntimeError, MemoryError) as problem:
            if not is_out_of_memory(problem):
                raise
            raise MemoryError(
                "Memory ran out in training, which does not halve the batch by itself, since that "
                f"would be another training: set a smaller batch_size. ({problem})"
            ) from problem

    def get_dataset(self, X: Any, y: None = None) -> Any:
        """Give the data as they are."""
        return X

    def get_iterator(self, dataset: Any, training: bool = False) -> Any:
        """Give the data, which are an iterator themselves."""
        return dataset

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Run the network with the precision asked for."""
        with autocast(torch.device(self.device), self.precision):
            return super().infer(x, **fit_params)

    def train_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Take one step, and end the training if its loss is not finite."""
        step = super().train_step(batch, **fit_params)
        step["loss"] = self.told_loss(step["loss"])
        check_loss(step["loss"])
        self.step_ += 1
        return step

    def validation_step(self, batch: Any, **fit_params: Any) -> dict[str, Any]:
        """Look at one batch, and end the training if its loss is not finite."""
        step = super().validation_step(batch, **fit_params)
        check_loss(step["loss"])
        return step

    def told_loss(self, loss: Tensor) -> Tensor:
        """Give the loss of a step that goes into the history."""
        return loss


def check_loss(loss: Tensor) -> None:
    """Raise `Diverged` if a loss is infinite or NaN."""
    if not bool(loss.isfinite()):
        raise Diverged


def all_finite(module: nn.Module) -> bool:
    """Tell whether no weight is infinite or NaN."""
    return all(bool(parameter.isfinite().all()) for parameter in module.parameters())
