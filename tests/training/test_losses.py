"""Losses of long pre-training, against numbers computed by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sklearn_astromer.training.losses import HiddenHuber, class_loss, portrait_loss


def test__hidden_huber__by_hand__agrees() -> None:
    magnitude = torch.tensor([[1.0, -1.0, 3.0, 0.0], [2.0, -2.0, 0.0, 8.0]])
    hidden = torch.tensor([[False, False, True, True], [False, False, False, True]])
    padding = torch.tensor([[False] * 4, [False, False, True, False]])
    prediction = torch.tensor([[0.0, 0.0, 2.5, 0.0], [0.0, 0.0, 0.0, 0.0]])
    inputs = {"hidden": hidden, "padding": padding}
    total, n_counted = HiddenHuber()(prediction, inputs, magnitude)
    # Deviations 1 and 2; errors -0.5 and 0, quadratic, and -4, linear.
    assert total.item() == pytest.approx((0.25 + 0) / 2 + 2 * (4 - 0.5))
    assert n_counted == 2


def test__hidden_huber__window_without_hidden_observations__does_not_count() -> None:
    magnitude = torch.tensor([[1.0, -1.0, 3.0], [5.0, 0.0, 0.0]])
    hidden = torch.tensor([[False, False, True], [False, False, False]])
    _, n_counted = HiddenHuber()(torch.zeros(2, 3), {"hidden": hidden}, magnitude)
    assert n_counted == 1


def test__class_loss__unknown_classes__do_not_count() -> None:
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    label = torch.tensor([2, -1, 0, -1])
    known = nn.functional.cross_entropy(logits[[0, 2]], label[[0, 2]], reduction="sum")
    total, n_counted = class_loss(logits, label)
    assert total.item() == pytest.approx(known.item())
    assert n_counted == 4


def test__portrait_loss__by_hand__leaves_out_what_is_not_known() -> None:
    told = torch.tensor([[1.0, 0.0], [0.5, 3.0]])
    portrait = torch.tensor([[0.5, torch.nan], [0.5, 1.0]])
    total, n_counted = portrait_loss(told, portrait)
    # Errors 0.5 and 0, quadratic, and 2, linear.
    assert total.item() == pytest.approx(0.25 + 0 + 2 * (2 - 0.5))
    assert n_counted == 3
