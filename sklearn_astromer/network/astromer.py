"""The ASTROMER network: an encoder of windows and a decoder of magnitudes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_astromer.network.attention import MultiHeadAttention, attention_bias
from sklearn_astromer.network.config import NetworkConfig
from sklearn_astromer.network.time_encoding import TimeEncoding

# The authors' released files were written with this value (Keras' own default is 1e-3).
LAYER_NORM_EPSILON = 1e-6


class EncoderBlock(nn.Module):
    """Attention and a small feed-forward network, each followed by a LayerNorm; no residuals.

    Parameters
    ----------
    config : NetworkConfig
        Sizes of the block.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        size = config.embedding_size
        self.attention = MultiHeadAttention(size, config.n_heads)
        self.attention_norm = nn.LayerNorm(size, eps=LAYER_NORM_EPSILON, dtype=torch.float32)
        self.feedforward = nn.Sequential(
            nn.Linear(size, config.feedforward_size, dtype=torch.float32),
            nn.Tanh(),
            nn.Linear(config.feedforward_size, size, dtype=torch.float32),
        )
        self.feedforward_norm = nn.LayerNorm(size, eps=LAYER_NORM_EPSILON, dtype=torch.float32)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Map `x` (n_windows, n_positions, embedding_size) to the same shape."""
        x = self.attention_norm(self.dropout(self.attention(x, bias)))
        return self.feedforward_norm(self.dropout(self.feedforward(x)))


class Encoder(nn.Module):
    """From times and magnitudes of windows to one embedding per observation (paper, Sect. 4.2).

    Parameters
    ----------
    config : NetworkConfig
        Sizes and conventions.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.attention_convention = config.attention
        self.time_encoding = TimeEncoding(config.embedding_size, config.time_base)
        self.magnitude_projection = nn.Linear(1, config.embedding_size, dtype=torch.float32)
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(EncoderBlock(config) for _ in range(config.n_blocks))

    def forward(
        self,
        time: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None = None,
        padding: Tensor | None = None,
        repeats: Tensor | None = None,
    ) -> Tensor:
        """Encode windows.

        Parameters
        ----------
        time : Tensor of float64, shape (n_windows, n_positions)
            Days, minus their mean over the observations of the window.
        magnitude : Tensor of float32, shape (n_windows, n_positions)
            Magnitudes, minus their mean over the observations of the window.
        hidden : Tensor of bool, shape (n_windows, n_positions), optional
            True where the magnitude is to be predicted. It neither enters the input nor can the
            observation be looked at.
        padding : Tensor of bool, shape (n_windows, n_positions), optional
            True where there is no observation.
        repeats : Tensor, shape (n_windows, n_positions), optional
            See `attention_bias`.

        Returns
        -------
        embedding : Tensor, shape (n_windows, n_positions, embedding_size)
        """
        x, bias = self._input(time, magnitude, hidden, padding, repeats)
        for block in self.blocks:
            x = block(x, bias)
        return x

    def outputs(
        self,
        time: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None = None,
        padding: Tensor | None = None,
        repeats: Tensor | None = None,
    ) -> list[Tensor]:
        """Give the input of the first block and the output of each; arguments as of `forward`."""
        x, bias = self._input(time, magnitude, hidden, padding, repeats)
        outputs = [x]
        for block in self.blocks:
            outputs.append(block(outputs[-1], bias))
        return outputs

    def _input(
        self,
        time: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None,
        padding: Tensor | None,
        repeats: Tensor | None,
    ) -> tuple[Tensor, Tensor | None]:
        if hidden is not None:
            magnitude = magnitude.masked_fill(hidden, 0.0)
        bias = attention_bias(self.attention_convention, hidden, padding, repeats)
        x = self.magnitude_projection(magnitude.unsqueeze(-1)) + self.time_encoding(time)
        return self.dropout(x), bias


class Decoder(nn.Module):
    """From embeddings to magnitudes: a LayerNorm and a linear map (paper, Sect. 4.4).

    Parameters
    ----------
    embedding_size : int
        Length of the embeddings.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(embedding_size, eps=LAYER_NORM_EPSILON, dtype=torch.float32)
        self.linear = nn.Linear(embedding_size, 1, dtype=torch.float32)

    def forward(self, embedding: Tensor) -> Tensor:
        """Predict zero-mean magnitudes (n_windows, n_positions)."""
        return self.linear(self.norm(embedding)).squeeze(-1)


class AstromerNetwork(nn.Module):
    """Encoder and decoder, with Xavier-uniform weights and zero biases to start from.

    Parameters
    ----------
    config : NetworkConfig, optional
        Sizes and conventions; those of the paper by default.
    """

    def __init__(self, config: NetworkConfig | None = None) -> None:
        super().__init__()
        self.config = config if config is not None else NetworkConfig()
        self.encoder = Encoder(self.config)
        self.decoder = Decoder(self.config.embedding_size)
        self.apply(_initialise)

    def forward(
        self,
        time: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None = None,
        padding: Tensor | None = None,
        repeats: Tensor | None = None,
    ) -> Tensor:
        """Predict the zero-mean magnitudes of windows; the arguments are those of `Encoder`."""
        return self.decoder(self.encoder(time, magnitude, hidden, padding, repeats))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, MultiHeadAttention):
        # Each projection on its own: its fan is that of one matrix, not of the three together.
        for projection in module.query_key_value.weight.data.chunk(3):
            nn.init.xavier_uniform_(projection)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
