"""What has to be known of a network before its weights make sense."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

AttentionConvention = Literal["exclude", "additive"]


@dataclass(frozen=True)
class NetworkConfig:
    """Shape and conventions of an ASTROMER network.

    The defaults are those of the paper (Donoso-Oliva et al. 2023, A&A 670, A54, Sects. 3.2 and 4.2;
    the feed-forward width of 128 and the dropout of 0.1 are those of the authors' released files).

    Parameters
    ----------
    embedding_size : int, default=256
        Length of the vector of each observation.
    n_blocks : int, default=2
        Number of attention blocks.
    n_heads : int, default=4
        Attention heads per block; must divide `embedding_size`.
    feedforward_size : int, default=128
        Width of the layer between the two linear maps of a block.
    window_size : int, default=200
        Largest number of observations that the network sees at once.
    dropout : float, default=0.1
        Share of activations dropped in training.
    time_base : float, default=1000.0
        Base of the angular frequencies of the time encoding, Eq. (4) of the paper.
    attention : {"exclude", "additive"}, default="exclude"
        What padding does in the attention. "exclude": it is never a key (Eq. 6 of the paper).
        "additive": one is added to the logit of each pair of which the query or the key is padding,
        and a window always has `window_size` positions, as in the authors' library.

    Raises
    ------
    ValueError
        If a size is not positive, the heads do not divide the embedding, or a choice is unknown.
    """

    embedding_size: int = 256
    n_blocks: int = 2
    n_heads: int = 4
    feedforward_size: int = 128
    window_size: int = 200
    dropout: float = 0.1
    time_base: float = 1000.0
    attention: AttentionConvention = "exclude"

    def __post_init__(self) -> None:
        for name in ("embedding_size", "n_blocks", "n_heads", "feedforward_size", "window_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}.")
        if self.embedding_size % self.n_heads:
            raise ValueError(
                f"embedding_size ({self.embedding_size}) must be a multiple of n_heads "
                f"({self.n_heads}): each head gets an equal share of the embedding."
            )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout!r}.")
        if not self.time_base > 1:
            raise ValueError(f"time_base must be greater than 1, got {self.time_base!r}.")
        if self.attention not in get_args(AttentionConvention):
            raise ValueError(f'attention must be "exclude" or "additive", got {self.attention!r}.')

    def to_dict(self) -> dict[str, Any]:
        """Give the configuration as plain values, fit for JSON."""
        return asdict(self)
