"""What long pre-training makes small, as sums and counts: batches may be shared by processes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sklearn_astromer.network.inputs import visible_spread


class LossSum(NamedTuple):
    """A loss before it is divided, so that the parts of a batch can be put together.

    Parameters
    ----------
    total : Tensor of float32, shape ()
        Sum over what counts.
    n_counted : Tensor of int64, shape ()
        How much counts.
    """

    total: Tensor
    n_counted: Tensor


class HiddenHuber(nn.Module):
    """Huber's loss of hidden magnitudes, in units of what is visible of the window.

    Quadratic up to one standard deviation of the visible magnitudes, and linear beyond, so that
    outliers do not rule; the mean over the hidden observations of a window, then over windows.
    """

    def forward(self, prediction: Tensor, inputs: dict[str, Tensor], magnitude: Tensor) -> LossSum:
        """Compare `prediction` with `magnitude` where `inputs` hides it."""
        hidden = inputs["hidden"]
        deviation = visible_spread(magnitude, hidden, inputs.get("padding")).deviation
        error = (prediction.float() - magnitude) / deviation
        loss = functional.huber_loss(error, torch.zeros_like(error), reduction="none")
        n_hidden = hidden.sum(1)
        per_window = loss.masked_fill(~hidden, 0.0).sum(1) / n_hidden.clamp(min=1)
        return LossSum(2 * per_window.sum(), (n_hidden > 0).sum())


def class_loss(logits: Tensor, label: Tensor) -> LossSum:
    """Give the cross entropy of windows whose class is known; all windows count."""
    loss = functional.cross_entropy(logits.float(), label.clamp(min=0), reduction="none")
    n_windows = torch.tensor(len(label), device=label.device)
    return LossSum(loss.masked_fill(label < 0, 0.0).sum(), n_windows)


def portrait_loss(told: Tensor, portrait: Tensor) -> LossSum:
    """Give Huber's loss of portraits; all numbers that are known count."""
    known = portrait.isfinite()
    error = (told.float() - portrait).masked_fill(~known, 0.0)
    loss = functional.huber_loss(error, torch.zeros_like(error), reduction="sum")
    return LossSum(2 * loss, known.sum())
