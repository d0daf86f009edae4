"""Light curves and small networks that several test modules use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sklearn_astromer import AstromerEmbedder
from sklearn_astromer.network import AstromerNetwork, NetworkConfig

Curve = NDArray[np.float64]

SMALL: dict[str, Any] = {
    "embedding_size": 8,
    "n_blocks": 1,
    "n_heads": 2,
    "feedforward_size": 4,
}


def random_curves(lengths: Iterable[int], seed: int = 0) -> list[Curve]:
    """Sine waves at irregular times; times and magnitudes are exact in float32."""
    random = np.random.RandomState(seed)
    curves = []
    for length in lengths:
        step = random.randint(1, 64, length)
        time = (random.randint(0, 1000) + np.cumsum(step)) / 16.0
        wave = np.sin(2 * np.pi * time / random.uniform(1, 30)) + 0.1 * random.randn(length)
        magnitude = np.round((14 + random.uniform(0.2, 1) * wave) * 1024) / 1024
        curves.append(np.column_stack([time, magnitude]))
    return curves


def small_embedder(**params: Any) -> AstromerEmbedder:
    """An embedder that trains in a blink."""
    return AstromerEmbedder(**({**SMALL, "random_state": 0, "max_epochs": 2} | params))


def random_network(**changes: Any) -> AstromerNetwork:
    """A small network with random weights, all biases included, so that everything matters."""
    config = NetworkConfig(**({**SMALL, "n_blocks": 2, "window_size": 20} | changes))
    generator = torch.Generator().manual_seed(5)
    network = AstromerNetwork(config).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.empty_like(parameter).normal_(0, 0.5, generator=generator))
    return network


def random_embedder(network: dict[str, Any] | None = None, **params: Any) -> AstromerEmbedder:
    """A fitted embedder around `random_network`."""
    embedder = small_embedder(**params)
    embedder.network_ = random_network(**(network or {}))
    embedder.history_ = []
    return embedder
