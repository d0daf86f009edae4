"""The ASTROMER network: an encoder of windows and a decoder of magnitudes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_astromer.network.attention import (
    MultiHeadAttention,
    VisibleKeys,
    attention_bias,
    visible_keys,
)
from sklearn_astromer.network.config import NetworkConfig
from sklearn_astromer.network.inputs import ErrorInput, PeriodInput, visible_spread
from sklearn_astromer.network.time_encoding import PeriodEncoding, TimeEncoding

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

    def forward(
        self, x: Tensor, bias: Tensor | None = None, keys: VisibleKeys | None = None
    ) -> Tensor:
        """Map `x` (n_windows, n_positions, embedding_size) to the same shape."""
        x = self.attention_norm(self.dropout(self.attention(x, bias, keys)))
        return self.feedforward_norm(self.dropout(self.feedforward(x)))


class ResidualBlock(nn.Module):
    """Attention and a small feed-forward network, each added to what it read after a LayerNorm.

    Parameters
    ----------
    config : NetworkConfig
        Sizes of the block.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        size = config.embedding_size
        self.attention_norm = nn.LayerNorm(size, eps=LAYER_NORM_EPSILON, dtype=torch.float32)
        self.attention = MultiHeadAttention(size, config.n_heads)
        self.feedforward_norm = nn.LayerNorm(size, eps=LAYER_NORM_EPSILON, dtype=torch.float32)
        self.feedforward = nn.Sequential(
            nn.Linear(size, config.feedforward_size, dtype=torch.float32),
            nn.GELU(),
            nn.Linear(config.feedforward_size, size, dtype=torch.float32),
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, x: Tensor, bias: Tensor | None = None, keys: VisibleKeys | None = None
    ) -> Tensor:
        """Map `x` (n_windows, n_positions, embedding_size) to the same shape."""
        x = x + self.dropout(self.attention(self.attention_norm(x), bias, keys))
        return x + self.dropout(self.feedforward(self.feedforward_norm(x)))


class Encoder(nn.Module):
    """From times and magnitudes of windows to one embedding per observation (paper, Sect. 4.2).

    Parameters
    ----------
    config : NetworkConfig
        Sizes and conventions.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        size = config.embedding_size
        self.attention_convention = config.attention
        self.time_encoding: TimeEncoding | PeriodEncoding = (
            TimeEncoding(size, config.time_base)
            if config.shortest_period is None or config.longest_period is None
            else PeriodEncoding(size, config.shortest_period, config.longest_period)
        )
        self.magnitude_projection = nn.Linear(1, size, dtype=torch.float32)
        self.spread_projection = (
            nn.Linear(1, size, bias=False, dtype=torch.float32) if config.standardised else None
        )
        self.error_input = ErrorInput(size) if config.with_errors else None
        self.period_input = (
            PeriodInput(size, config.cycle_multiples) if config.cycle_multiples else None
        )
        self.dropout = nn.Dropout(config.dropout)
        block = ResidualBlock if config.residual else EncoderBlock
        self.blocks = nn.ModuleList(block(config) for _ in range(config.n_blocks))
        self.final_norm = (
            nn.LayerNorm(size, eps=LAYER_NORM_EPSILON, dtype=torch.float32)
            if config.residual
            else nn.Identity()
        )

    def forward(
        self,
        time: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None = None,
        padding: Tensor | None = None,
        repeats: Tensor | None = None,
        error: Tensor | None = None,
        cycle: Tensor | None = None,
        period: Tensor | None = None,
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
        error : Tensor of float32, shape (n_windows, n_positions), optional
            Magnitudes; only looked at if the configuration asks for errors.
        cycle, period : Tensor, optional
            See `PeriodInput`; only looked at if the configuration has `cycle_multiples`.

        Returns
        -------
        embedding : Tensor, shape (n_windows, n_positions, embedding_size)
        """
        bias, keys = None, None
        if self.training and hidden is not None and self.attention_convention == "exclude":
            # Half of the observations are hidden: what nobody looks at need not be projected.
            keys = visible_keys(hidden, padding)
        else:
            bias = attention_bias(self.attention_convention, hidden, padding, repeats)
        x = self._input(time, magnitude, hidden, padding, error, cycle, period)
        for block in self.blocks:
            x = block(x, bias, keys)
        return self.final_norm(x)

    def outputs(
        self,
        time: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None = None,
        padding: Tensor | None = None,
        repeats: Tensor | None = None,
        error: Tensor | None = None,
        cycle: Tensor | None = None,
        period: Tensor | None = None,
    ) -> list[Tensor]:
        """Give the input of the first block and the output of each; arguments as of `forward`."""
        bias = attention_bias(self.attention_convention, hidden, padding, repeats)
        outputs = [self._input(time, magnitude, hidden, padding, error, cycle, period)]
        for block in self.blocks:
            outputs.append(block(outputs[-1], bias))
        outputs[-1] = self.final_norm(outputs[-1])
        return outputs

    def _input(
        self,
        time: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None,
        padding: Tensor | None,
        error: Tensor | None,
        cycle: Tensor | None,
        period: Tensor | None,
    ) -> Tensor:
        spread = None
        if self.spread_projection is not None or self.error_input is not None:
            spread = visible_spread(magnitude, hidden, padding)
        if self.spread_projection is not None and spread is not None:
            magnitude = (magnitude - spread.mean) / spread.deviation
        if hidden is not None:
            magnitude = magnitude.masked_fill(hidden, 0.0)
        x = self.magnitude_projection(magnitude.unsqueeze(-1)) + self.time_encoding(time)
        if self.spread_projection is not None and spread is not None:
            x = x + self.spread_projection(spread.deviation.log10()).unsqueeze(1)
        if self.error_input is not None and spread is not None:
            x = x + self.error_input(error, hidden, spread)
        if self.period_input is not None:
            if cycle is None or period is None:
                raise ValueError("This network needs the cycle and the period of its windows.")
            x = x + self.period_input(cycle, period)
        return self.dropout(x)


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
        error: Tensor | None = None,
        cycle: Tensor | None = None,
        period: Tensor | None = None,
    ) -> Tensor:
        """Predict the zero-mean magnitudes of windows; the arguments are those of `Encoder`."""
        embedding = self.encoder(
            time, magnitude, hidden, padding, repeats, error=error, cycle=cycle, period=period
        )
        return self.decode(embedding, magnitude, hidden, padding)

    def decode(
        self,
        embedding: Tensor,
        magnitude: Tensor,
        hidden: Tensor | None = None,
        padding: Tensor | None = None,
    ) -> Tensor:
        """Predict the zero-mean magnitudes of windows from what the encoder made of them."""
        prediction = self.decoder(embedding)
        if not self.config.standardised:
            return prediction
        spread = visible_spread(magnitude, hidden, padding)
        return prediction * spread.deviation + spread.mean


def _initialise(module: nn.Module) -> None:
    if isinstance(module, MultiHeadAttention):
        # Each projection on its own: its fan is that of one matrix, not of the three together.
        for projection in module.query_key_value.weight.data.chunk(3):
            nn.init.xavier_uniform_(projection)
    elif isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
