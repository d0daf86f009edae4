"""Which observation looks at which: the attention weights of each block and head."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from sklearn_astromer.network.astromer import Encoder
from sklearn_astromer.network.attention import MultiHeadAttention


def attention_maps(encoder: Encoder, **inputs: Tensor) -> list[Tensor]:
    """Compute the attention weights of every block and head (the softmax of Eqs. 1 and 6).

    Parameters
    ----------
    encoder : Encoder
        In evaluation mode: in training, dropout would change what the later blocks read.
    **inputs : Tensor
        As of `Encoder.forward`.

    Returns
    -------
    weights : list of Tensor, shape (n_windows, n_heads, n_positions, n_positions)
        One for each block. Rows look, columns are looked at; each row sums to one. Where a padded
        position stands for several (`repeats`), its column is their sum.
    """
    weights: list[Tensor] = []

    def keep(module: nn.Module, read: tuple[Any, ...]) -> None:
        assert isinstance(module, MultiHeadAttention)
        x, bias, _ = read
        weights.append(attention_weights(module, x, bias))

    # What a block does before it attends is its own business.
    hooks = [
        module.register_forward_pre_hook(keep)
        for module in encoder.modules()
        if isinstance(module, MultiHeadAttention)
    ]
    try:
        with torch.no_grad():
            encoder(**inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return weights


def attention_weights(attention: MultiHeadAttention, x: Tensor, bias: Tensor | None) -> Tensor:
    """Compute the weights that `MultiHeadAttention` does not keep, from its own projections.

    Parameters
    ----------
    attention : MultiHeadAttention
        Of one block.
    x : Tensor, shape (n_windows, n_positions, embedding_size)
        What it reads.
    bias : Tensor or None
        From `sklearn_astromer.network.attention.attention_bias`.

    Returns
    -------
    weights : Tensor, shape (n_windows, n_heads, n_positions, n_positions)
        ``softmax(Q K^T / sqrt(d) + bias)`` with d components per head.
    """
    n_windows, n_positions, _ = x.shape
    projected = attention.query_key_value(x).view(n_windows, n_positions, 3, attention.n_heads, -1)
    query, key, _ = projected.permute(2, 0, 3, 1, 4)
    logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    if bias is not None:
        logits = logits + bias.to(logits.dtype)
    return logits.softmax(dim=-1)
