"""From the embeddings of observations to one vector per window."""

from __future__ import annotations

import torch
from torch import Tensor


def pooled(
    embedding: Tensor, length: Tensor, padding: Tensor | None = None, kind: str = "mean"
) -> Tensor:
    """Pool the embeddings of the observations of each window; padding takes no part.

    Parameters
    ----------
    embedding : Tensor, shape (n_windows, n_positions, embedding_size)
        From the encoder.
    length : Tensor of int64, shape (n_windows,)
        Observations of each window; they come first.
    padding : Tensor of bool, shape (n_windows, n_positions), optional
        True where there is no observation.
    kind : {"mean", "max"}, default="mean"
        How to pool.

    Returns
    -------
    pooled : Tensor, shape (n_windows, embedding_size)
        Of float64 if the embedding is, else of float32.
    """
    if embedding.dtype != torch.float64:
        embedding = embedding.float()
    if kind == "max":
        if padding is not None:
            embedding = embedding.masked_fill(padding[:, :, None], -torch.inf)
        return embedding.amax(dim=1)
    if padding is None:
        return embedding.mean(dim=1)
    total = embedding.masked_fill(padding[:, :, None], 0.0).sum(dim=1)
    return total / length[:, None]
