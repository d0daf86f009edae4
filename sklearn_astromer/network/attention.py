"""Self-attention among the observations of a window, and who may be looked at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from sklearn_astromer.network.config import AttentionConvention


def attention_bias(
    convention: AttentionConvention,
    hidden: Tensor | None = None,
    padding: Tensor | None = None,
    repeats: Tensor | None = None,
) -> Tensor | None:
    """Compute what is added to the attention logits.

    Hidden observations are never keys, whatever the convention: what is to be predicted must not be
    looked at. The convention says what padding does.

    Parameters
    ----------
    convention : {"exclude", "additive"}
        "exclude": padding is never a key (Eq. 6 of the paper). "additive": one is added to the
        logit of each pair of which the query or the key is padding; the authors' library does so.
    hidden, padding : Tensor of bool, shape (n_windows, n_positions), optional
        True where an observation is hidden, or where a position holds no observation.
    repeats : Tensor, shape (n_windows, n_positions), optional
        How many padded positions each padded position stands for; only for "additive". They are
        alike in every layer, so that one with the logarithm of their number added to its logit
        gives the same result as all of them; zero is a position that is not there at all.

    Returns
    -------
    bias : Tensor of float32, shape (n_windows, 1, n_positions or 1, n_positions), or None
        Broadcasts over heads (and queries); None where nothing is hidden or padded.
    """
    if hidden is None and padding is None:
        return None
    given = hidden if hidden is not None else padding
    assert given is not None
    bias = torch.zeros(given.shape, dtype=torch.float32, device=given.device)
    if hidden is not None:
        bias = bias.masked_fill(hidden, -torch.inf)
    if padding is None:
        return bias[:, None, None, :]
    if convention == "exclude":
        return bias.masked_fill(padding, -torch.inf)[:, None, None, :]
    if repeats is not None:
        bias = torch.where(padding, repeats.to(torch.float32).log(), bias)
    pairs = (padding[:, :, None] | padding[:, None, :]).to(torch.float32)
    return (pairs + bias[:, None, :])[:, None]


class VisibleKeys(NamedTuple):
    """Which observations may be looked at, so that the others need not be keys at all.

    Parameters
    ----------
    position : Tensor of int64, shape (n_windows, n_keys)
        Visible observations of each window, in order.
    bias : Tensor of float32, shape (n_windows, 1, 1, n_keys), or None
        Minus infinity where a window has fewer than others; None where all have as many.
    """

    position: Tensor
    bias: Tensor | None


def visible_keys(hidden: Tensor, padding: Tensor | None = None) -> VisibleKeys:
    """Choose as keys what is neither hidden nor padding: what "exclude" leaves.

    Parameters
    ----------
    hidden, padding : Tensor of bool, shape (n_windows, n_positions)
        See `attention_bias`.

    Returns
    -------
    keys : VisibleKeys
    """
    absent = hidden if padding is None else hidden | padding
    n_visible = (~absent).sum(1)
    fewest, most = int(n_visible.min()), int(n_visible.max())
    position = absent.to(torch.uint8).argsort(dim=1, stable=True)[:, :most]
    if fewest == most:
        return VisibleKeys(position, None)
    beyond = torch.arange(most, device=hidden.device) >= n_visible[:, None]
    bias = torch.zeros(beyond.shape, dtype=torch.float32, device=hidden.device)
    return VisibleKeys(position, bias.masked_fill(beyond, -torch.inf)[:, None, None])


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention with several heads (Eqs. 1, 2 and 6 of the paper).

    Parameters
    ----------
    embedding_size : int
        Length of the vectors in and out.
    n_heads : int
        Number of heads, each with ``embedding_size / n_heads`` components.
    """

    def __init__(self, embedding_size: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        # One matrix for the three projections: one product instead of three.
        self.query_key_value = nn.Linear(embedding_size, 3 * embedding_size, dtype=torch.float32)
        self.output = nn.Linear(embedding_size, embedding_size, dtype=torch.float32)

    def forward(
        self, x: Tensor, bias: Tensor | None = None, keys: VisibleKeys | None = None
    ) -> Tensor:
        """Map `x` (n_windows, n_positions, embedding_size).

        Parameters
        ----------
        x : Tensor
            What looks and, unless there are `keys`, is looked at.
        bias : Tensor, optional
            See `attention_bias`; added to the logits.
        keys : VisibleKeys, optional
            What is looked at, in place of a `bias`.
        """
        n_windows, n_positions, size = x.shape
        weight, biases = self.query_key_value.weight, self.query_key_value.bias
        of_query, _, of_value = biases.chunk(3)
        if keys is None:
            query, key, value = self._heads(functional.linear(x, weight), 3)
        else:
            bias = keys.bias
            (query,) = self._heads(functional.linear(x, weight[:size]), 1)
            seen = x.gather(1, keys.position.unsqueeze(-1).expand(-1, -1, size))
            key, value = self._heads(functional.linear(seen, weight[size:]), 2)
        # Passes over memory cost as much as products: only biases that matter are added. That
        # of the keys adds the same to all logits of a query, which softmax does not see; that of
        # the values goes through unchanged, since the shares of a query sum to one.
        query = query + of_query.to(query.dtype).view(self.n_heads, 1, -1)
        if bias is not None:
            bias = bias.to(query.dtype).expand(n_windows, 1, n_positions, key.shape[2])
        if self.training and query.device.type == "cpu":
            heads = _plain_attention(query, key, value, bias)
        else:
            heads = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        heads = heads.transpose(1, 2).reshape(n_windows, n_positions, size)
        return functional.linear(heads, self.output.weight, self.output(of_value))

    def _heads(self, projected: Tensor, n_parts: int) -> Tensor:
        """Split projections: (n_parts, n_windows, n_heads, n_positions, size of a head)."""
        parts = projected.view(*projected.shape[:2], n_parts, self.n_heads, -1)
        return parts.permute(2, 0, 3, 1, 4)


def _plain_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None) -> Tensor:
    """Attend step by step: on a CPU the way back is three times as fast as through torch's own."""
    logits = (query / query.shape[-1] ** 0.5) @ key.transpose(-1, -2)
    if bias is not None:
        logits = logits + bias
    return logits.softmax(-1).to(value.dtype) @ value
