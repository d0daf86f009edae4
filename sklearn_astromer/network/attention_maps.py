"""Which observation looks at which: the attention weights of each block and head."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from sklearn_astromer.network.astromer import Encoder
from sklearn_astromer.network.attention import MultiHeadAttention, attention_bias


def attention_maps(
    encoder: Encoder,
    time: Tensor,
    magnitude: Tensor,
    hidden: Tensor | None = None,
    padding: Tensor | None = None,
    repeats: Tensor | None = None,
) -> list[Tensor]:
    """Compute the attention weights of every block and head (the softmax of Eqs. 1 and 6).

    Parameters
    ----------
    encoder : Encoder
        In evaluation mode: in training, dropout would change what the later blocks read.
    time, magnitude, hidden, padding, repeats : Tensor
        As of `Encoder.forward`.

    Returns
    -------
    weights : list of Tensor, shape (n_windows, n_heads, n_positions, n_positions)
        One for each block. Rows look, columns are looked at; each row sums to one. Where a padded
        position stands for several (`repeats`), its column is their sum.
    """
    bias = attention_bias(encoder.attention_convention, hidden, padding, repeats)
    with torch.no_grad():
        *inputs, _ = encoder.outputs(time, magnitude, hidden, padding, repeats)
        attentions = [
            module for module in encoder.modules() if isinstance(module, MultiHeadAttention)
        ]
        return [
            attention_weights(attention, x, bias)
            for attention, x in zip(attentions, inputs, strict=True)
        ]


def attention_weights(attention: MultiHeadAttention, x: Tensor, bias: Tensor | None) -> Tensor:
    """Compute the weights that `MultiHeadAttention` does not keep, from its own projections.

    Parameters
    ----------
    attention : MultiHeadAttention
        Of one block.
    x : Tensor, shape (n_windows, n_positions, embedding_size)
        What the block reads.
    bias : Tensor or None
        From `attention_bias`.

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
