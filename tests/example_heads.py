"""Labelled light curves, small headed networks, and what keeps their training short."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from example_curves import Curve, random_curves, random_embedder, random_network, small_embedder
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from torch import Tensor

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, LSTMClassifier
from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.network import NetworkConfig, heads
from sklearn_astromer.network.heads import HeadedNetwork, LSTMHead, make_head
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.head_runner import HeadRunner
from sklearn_astromer.windows import usable_observations

CPU = torch.device("cpu")
WINDOW_SIZE = 20
HEAD_NAMES = ("linear", "mlp", "skip", "lstm")
KINDS = (*HEAD_NAMES, "baseline")
QUICK: dict[str, Any] = {
    "learning_rate": 1e-2,
    "max_epochs": 6,
    "validation_fraction": None,
    "batch_size": 8,
    "random_state": 0,
}
# Sums over all light curves at once, in float64, so that weights equal copies.
EXACT: dict[str, Any] = QUICK | {"precision": "float64", "batch_size": 1000}


def frozen_embedder(**network: Any) -> FrozenEstimator:
    """A fitted embedder with random weights that is used as it is."""
    return FrozenEstimator(random_embedder(network))


def classifier_of(kind: str = "linear", **params: Any) -> Any:
    """A quick classifier with a head on a frozen encoder, or the baseline."""
    given = QUICK | params
    if kind == "baseline":
        return LSTMClassifier(**({"window_size": 20} | given))
    return AstromerClassifier(**({"embedder": frozen_embedder(), "head": kind} | given))


def hardly_trained_embedder() -> AstromerEmbedder:
    """An embedder that is fitted but does not change; its own training knows no weights."""
    return small_embedder(max_epochs=1, learning_rate=1e-30, validation_fraction=None)


@contextmanager
def narrow_heads() -> Iterator[None]:
    """Make layers narrow, where their widths play no part in what is tested."""
    n_threads = torch.get_num_threads()
    # Matrices are so small that several threads only wait for one another.
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, "MLP_SIZES", (64, 32, 16))
        patch.setattr(heads, "LSTM_SIZE", 16)
        yield
    torch.set_num_threads(n_threads)


def labelled_curves(
    n_per_class: int, n_classes: int = 3, seed: int = 0
) -> tuple[list[Curve], NDArray[np.int64]]:
    """Light curves of 15 to 45 observations; the amplitude of each class is thrice the last's."""
    random = np.random.RandomState(seed)
    y = np.tile(np.arange(n_classes), n_per_class)
    curves = random_curves(random.randint(15, 46, len(y)), seed)
    for curve, label in zip(curves, y, strict=True):
        curve[:, 1] = 14 + 0.3 * 3.0**label * (curve[:, 1] - 14)
    return curves, y


def observations_on_cpu(curves: list[Curve], config: NetworkConfig | None = None) -> Any:
    """Observations as networks with a window of 20 get them."""
    config = config if config is not None else NetworkConfig(window_size=WINDOW_SIZE)
    return DeviceObservations(usable_observations(as_light_curves(curves)), config, CPU)


def weights_of(embedder: AstromerEmbedder) -> dict[str, torch.Tensor]:
    """Copy the weights of a fitted embedder."""
    state = embedder.network_.state_dict()
    return {name: value.clone() for name, value in state.items()}


def same_weights(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    """Compare weights, bit by bit."""
    return all(torch.equal(value, other[name]) for name, value in one.items())


def headed_network(name: str, n_outputs: int = 3, **network: Any) -> HeadedNetwork:
    """A head with random weights, not even standardising, on a random encoder.

    "lstm alone" reads windows as they are.
    """
    encoder_of = random_network(**network)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        if name == "lstm alone":
            whole = HeadedNetwork(LSTMHead(2, n_outputs))
        else:
            head = make_head(name, encoder_of.config, n_outputs)
            whole = HeadedNetwork(head, encoder_of.encoder)
        with torch.no_grad():
            standardise = whole.head.standardise
            standardise.mean.normal_(0, 0.3)
            standardise.scale.uniform_(0.5, 2)
            if name == "skip":
                whole.head.get_parameter("mixture").normal_()
    return whole.eval()


def standardise(network: HeadedNetwork, curves: list[Curve]) -> None:
    """Let a head standardise by all windows, or observations, alike."""
    observations = observations_on_cpu(curves)
    runner = HeadRunner(network, observations, precision="auto", batch_size=8, verbose=0)
    reading = torch.cat([reading for _, reading in runner.readings()])
    network.head.standardise.set(reading.mean(0), reading.var(0))


def windows_of_curve(curve: Curve, size: int = WINDOW_SIZE) -> list[tuple[Tensor, Tensor]]:
    """Cut a curve in order of time; give times and magnitudes, each minus its mean, in float64."""
    windows = []
    for first in range(0, len(curve), size):
        part = torch.from_numpy(curve[first : first + size])
        part = part - part.mean(0)
        # The networks get magnitudes in float32.
        windows.append((part[None, :, 0], part[None, :, 1].float().double()))
    return windows


def weighted_mean(values: Iterable[NDArray[np.float64]], weight: Iterable[float]) -> Any:
    """Average rows by hand."""
    return np.average(np.stack(list(values)), axis=0, weights=list(weight))
