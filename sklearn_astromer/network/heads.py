"""Heads: from what the encoder makes of a window to classes or numbers (paper, Sect. 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from sklearn_astromer.network.astromer import Encoder
from sklearn_astromer.network.config import NetworkConfig
from sklearn_astromer.network.pooling import pooled

# What a head reads: the mean of the last block's output over the observations of the window; the
# means of the encoder's input and of every block's output; or the last block's output itself.
Reading = Literal["mean", "blocks", "sequence"]

# Fig. 10 of the paper.
MLP_SIZES = (1024, 512, 256)
LSTM_SIZE = 256
LSTM_DROPOUT = 0.3


class Standardise(nn.Module):
    """Subtract a mean and divide by a standard deviation, which `set` puts in.

    Parameters
    ----------
    shape : tuple of int
        Shape of what is read of one window, or of one observation.
    floor : float, default=0.01
        Least standard deviation to divide by, as a share of their root mean square over the
        components. What varies less is little more than rounding in the means of fast waves, and
        if the encoder is trained its smallest step would become a leap.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, shape: tuple[int, ...], floor: float = 0.01) -> None:
        super().__init__()
        self.floor = floor
        self.register_buffer("mean", torch.zeros(shape, dtype=torch.float32))
        self.register_buffer("scale", torch.ones(shape, dtype=torch.float32))

    def set(self, mean: Tensor, variance: Tensor) -> None:
        """Put in the mean and the variance; what does not vary is not divided."""
        # Rounding leaves a little variance in what is constant, or takes it below zero.
        square = mean.square() + variance.clamp(min=0)
        rounding = torch.maximum(1e-10 * square, 1e-14 * square.mean(-1, keepdim=True))
        variance = variance.masked_fill(variance <= rounding, 0.0)
        least = self.floor**2 * variance.mean(-1, keepdim=True)
        scale = torch.maximum(variance, least).sqrt()
        self.mean.copy_(mean)
        self.scale.copy_(scale.masked_fill(scale == 0, 1.0))

    def forward(self, x: Tensor) -> Tensor:
        """Standardise `x`, whose last dimensions are the shape."""
        return (x - self.mean) / self.scale


class LinearHead(nn.Module):
    """A linear map of the mean embedding.

    Parameters
    ----------
    embedding_size : int
        Length of the embedding.
    n_outputs : int
        Number of classes, or of numbers to predict.
    """

    reads: ClassVar[Reading] = "mean"

    def __init__(self, embedding_size: int, n_outputs: int) -> None:
        super().__init__()
        self.standardise = Standardise((embedding_size,))
        self.output = nn.Linear(embedding_size, n_outputs, dtype=torch.float32)

    def forward(self, features: Tensor, length: Tensor) -> Tensor:
        """Map `features` (n_windows, embedding_size) to (n_windows, n_outputs)."""
        return self.output(self.standardise(features))


class MLPHead(nn.Module):
    """Layers of ReLU units on the mean embedding (MLP+ATT, Fig. 10).

    Parameters
    ----------
    embedding_size, n_outputs : int
        See `LinearHead`.
    sizes : sequence of int, optional
        Units of each layer. None: the paper's 1024, 512 and 256.
    """

    reads: ClassVar[Reading] = "mean"

    def __init__(
        self, embedding_size: int, n_outputs: int, sizes: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self.standardise = Standardise((embedding_size,))
        self.layers = _relu_layers(embedding_size, n_outputs, sizes)

    def forward(self, features: Tensor, length: Tensor) -> Tensor:
        """Map `features` (n_windows, embedding_size) to (n_windows, n_outputs)."""
        return self.layers(self.standardise(features))


class SkipHead(nn.Module):
    """The MLP on a learned mixture of the mean input and the mean outputs of all blocks.

    The mixture's weights are a softmax, so that they sum to one; this is the head of Astromer 2
    (Donoso-Oliva et al. 2026, A&A 707, A170).

    Parameters
    ----------
    embedding_size, n_outputs : int
        See `LinearHead`.
    n_blocks : int
        Blocks of the encoder.
    sizes : sequence of int, optional
        See `MLPHead`.
    """

    reads: ClassVar[Reading] = "blocks"

    def __init__(
        self,
        embedding_size: int,
        n_outputs: int,
        n_blocks: int,
        sizes: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        self.standardise = Standardise((n_blocks + 1, embedding_size))
        self.mixture = nn.Parameter(torch.zeros(n_blocks + 1, dtype=torch.float32))
        self.layers = _relu_layers(embedding_size, n_outputs, sizes)

    def forward(self, features: Tensor, length: Tensor) -> Tensor:
        """Map `features` (n_windows, n_blocks + 1, embedding_size) to (n_windows, n_outputs)."""
        weights = self.mixture.softmax(0)
        return self.layers((self.standardise(features) * weights[:, None]).sum(1))


class LSTMHead(nn.Module):
    """Two LSTM layers, read at the last observation (LSTM+ATT and the baseline, Fig. 10).

    Each layer is followed by a LayerNorm and a dropout of 0.3.

    Parameters
    ----------
    input_size : int
        Numbers per observation.
    n_outputs : int
        See `LinearHead`.
    floor : float, default=0.01
        See `Standardise`; zero where the numbers have units of their own.
    dropout : float, default=0.3
        Share of the outputs of each layer that is dropped in training.
    size : int, optional
        Units of each layer. None: the paper's 256.
    """

    reads: ClassVar[Reading] = "sequence"

    def __init__(
        self,
        input_size: int,
        n_outputs: int,
        floor: float = 0.01,
        dropout: float = LSTM_DROPOUT,
        size: int | None = None,
    ) -> None:
        super().__init__()
        size = LSTM_SIZE if size is None else size
        self.standardise = Standardise((input_size,), floor)
        self.first = nn.LSTM(input_size, size, batch_first=True, dtype=torch.float32)
        self.first_norm = nn.LayerNorm(size, dtype=torch.float32)
        self.second = nn.LSTM(size, size, batch_first=True, dtype=torch.float32)
        self.second_norm = nn.LayerNorm(size, dtype=torch.float32)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(size, n_outputs, dtype=torch.float32)
        for layer in (self.first, self.second):
            _initialise_lstm(layer)

    def forward(self, features: Tensor, length: Tensor) -> Tensor:
        """Map `features` (n_windows, n_positions, input_size) to (n_windows, n_outputs)."""
        position = torch.arange(features.shape[1], device=features.device)
        padding = position >= length[:, None]
        x = self.standardise(features).masked_fill(padding[:, :, None], 0.0)
        x = self.dropout(self.first_norm(_states(self.first, x)))
        # What comes after the last observation cannot change its state; only that state is read.
        states = _states(self.second, x)
        last = states[torch.arange(len(length), device=length.device), length - 1]
        return self.output(self.dropout(self.second_norm(last)))


Head = LinearHead | MLPHead | SkipHead | LSTMHead


def make_head(name: str, config: NetworkConfig, n_outputs: int) -> Head:
    """Make a head for an encoder, with random weights.

    Parameters
    ----------
    name : {"linear", "mlp", "lstm", "skip"}
        Which.
    config : NetworkConfig
        Of the encoder.
    n_outputs : int
        Number of classes, or of numbers to predict.

    Returns
    -------
    head : torch.nn.Module
    """
    size = config.embedding_size
    if name == "linear":
        return LinearHead(size, n_outputs)
    if name == "mlp":
        return MLPHead(size, n_outputs)
    if name == "skip":
        return SkipHead(size, n_outputs, config.n_blocks)
    assert name == "lstm"
    return LSTMHead(size, n_outputs, dropout=LSTM_DROPOUT)


class HeadedNetwork(nn.Module):
    """A head, and the encoder that it reads; without an encoder it reads the windows themselves.

    Parameters
    ----------
    head : torch.nn.Module
        One of the heads above.
    encoder : Encoder, optional
        None: an observation is its time and its magnitude, each minus the mean of the window.
    """

    def __init__(self, head: Head, encoder: Encoder | None = None) -> None:
        super().__init__()
        self.head = head
        self.encoder = encoder

    def read(
        self,
        time: Tensor,
        magnitude: Tensor,
        length: Tensor,
        padding: Tensor | None = None,
        **others: Tensor,
    ) -> Tensor:
        """Compute what the head reads of windows.

        Parameters
        ----------
        time, magnitude, padding : Tensor
            See `Encoder`.
        length : Tensor of int64, shape (n_windows,)
            Observations of each window.
        **others : Tensor
            Other arguments of the encoder.

        Returns
        -------
        features : Tensor
            Of shape (n_windows, ...), or (n_windows, n_positions, ...) for a sequence.
        """
        magnitude = magnitude.to(self.head.standardise.mean.dtype)
        if self.encoder is None:
            return torch.stack((time.to(magnitude.dtype), magnitude), dim=-1)
        if self.head.reads == "sequence":
            return self.encoder(time, magnitude, padding=padding, **others)
        if self.head.reads == "mean":
            embedding = self.encoder(time, magnitude, padding=padding, **others)
            return pooled(embedding, length, padding)
        outputs = self.encoder.outputs(time, magnitude, padding=padding, **others)
        return torch.stack([pooled(output, length, padding) for output in outputs], dim=1)

    def forward(
        self,
        length: Tensor,
        features: Tensor | None = None,
        time: Tensor | None = None,
        magnitude: Tensor | None = None,
        **others: Tensor,
    ) -> Tensor:
        """Map windows, or `features` that were read of them before, to (n_windows, n_outputs)."""
        if features is None:
            assert time is not None
            assert magnitude is not None
            features = self.read(time, magnitude, length, **others)
        return self.head(features, length)


def _states(layer: nn.LSTM, x: Tensor) -> Tensor:
    """Give the state of a layer after each observation."""
    # torch's LSTM in bfloat16 is oneDNN's, which x86 CPUs without AVX-512 do not have: it raises.
    if x.device.type == "cpu" and "AVX512" not in torch.backends.cpu.get_cpu_capability():
        with torch.autocast("cpu", enabled=False):
            return layer(x.to(layer.get_parameter("weight_hh_l0").dtype))[0]
    return layer(x)[0]


def _initialise_lstm(layer: nn.LSTM) -> None:
    """Initialise as the authors' library (TensorFlow) does, with forget gates that remember.

    With torch's own, gradients fall by half at each observation: nothing is learned of those long
    ago, and numbers of 1e-40 make a CPU 20 times slower.
    """
    nn.init.xavier_uniform_(layer.get_parameter("weight_ih_l0"))
    nn.init.orthogonal_(layer.get_parameter("weight_hh_l0"))
    nn.init.zeros_(layer.get_parameter("bias_ih_l0"))
    nn.init.zeros_(layer.get_parameter("bias_hh_l0"))
    # torch's order of the gates is input, forget, cell, output.
    size = layer.hidden_size
    nn.init.ones_(layer.get_parameter("bias_ih_l0").data[size : 2 * size])


def _relu_layers(input_size: int, n_outputs: int, sizes: Sequence[int] | None) -> nn.Sequential:
    layers: list[nn.Module] = []
    for size in MLP_SIZES if sizes is None else sizes:
        layers += [nn.Linear(input_size, size, dtype=torch.float32), nn.ReLU()]
        input_size = size
    layers.append(nn.Linear(input_size, n_outputs, dtype=torch.float32))
    return nn.Sequential(*layers)
