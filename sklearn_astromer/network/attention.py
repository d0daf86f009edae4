"""Self-attention among the observations of a window, and who may be looked at."""

from __future__ import annotations

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

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Map `x` (n_windows, n_positions, embedding_size), with `bias` added to the logits."""
        n_windows, n_positions, size = x.shape
        weight, biases = self.query_key_value.weight, self.query_key_value.bias
        of_query, _, of_value = biases.chunk(3)
        projected = functional.linear(x, weight).view(n_windows, n_positions, 3, self.n_heads, -1)
        query, key, value = projected.permute(2, 0, 3, 1, 4)
        # Passes over memory cost as much as products: only biases that matter are added. That
        # of the keys adds the same to all logits of a query, which softmax does not see; that of
        # the values goes through unchanged, since the shares of a query sum to one.
        query = query + of_query.to(query.dtype).view(self.n_heads, 1, -1)
        if bias is not None:
            bias = bias.to(query.dtype).expand(n_windows, 1, n_positions, n_positions)
        heads = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        heads = heads.transpose(1, 2).reshape(n_windows, n_positions, size)
        return functional.linear(heads, self.output.weight, self.output(of_value))
