"""What one training of a head needs: networks, observations and windows on the device."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.network import Encoder, NetworkConfig
from sklearn_astromer.network.heads import HeadedNetwork
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.running import AUTO_BATCH_SIZE, current_network
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.devices import resolve_device
from sklearn_astromer.training.head_runner import HeadRunner
from sklearn_astromer.training.labelled import (
    LabelledWindows,
    RawWindows,
    StoredFeatures,
    WindowInputs,
)

TRAINING_BATCH_SIZE = 32


@dataclass(frozen=True)
class Targets:
    """What a head is to learn.

    Parameters
    ----------
    values : Tensor, shape (n_curves,) or (n_curves, n_outputs)
        Class numbers, or standardised numbers.
    weight : ndarray of float64, shape (n_curves,)
        How much each light curve counts.
    n_outputs : int
        Number of classes, or of numbers.
    """

    values: Tensor
    weight: NDArray[np.float64]
    n_outputs: int

    @property
    def are_classes(self) -> bool:
        """Whether these are classes, and not numbers."""
        return not self.values.is_floating_point()


class HeadWork:
    """What one training needs: the networks and observations on the device."""

    def __init__(self, estimator: Any, curves: LightCurves, targets: Targets) -> None:
        self.estimator = estimator
        self.targets = targets
        self.device = resolve_device(estimator.device)
        encoder, config = encoder_of(estimator)
        self.trains_encoder = encoder is not None and bool(estimator.train_encoder)
        # The embedder's own network stays as and where it is, unless it is trained.
        if encoder is not None and not self.trains_encoder and self.device.type != "cpu":
            encoder = deepcopy(encoder)
        self.observations = observations_on_device(estimator, curves, config, self.device)
        self.network = HeadedNetwork(estimator.head_, encoder).to(self.device).eval()
        if estimator.precision == "float64" and self.trains_encoder:
            self.network.double()
        self.runner = head_runner(estimator, self.network, self.observations)

    @cached_property
    def features(self) -> Tensor:
        """What the head reads of all windows, computed once."""
        return self.runner.features()

    def stages(self) -> list[bool]:
        """Give the stages of the training: whether the encoder (if any) is trained in each."""
        if self.network.encoder is None:
            return [True]
        return [False, True] if self.trains_encoder else [False]

    def module(self, *, encoder_too: bool) -> HeadedNetwork:
        """Give what is trained."""
        return self.network if encoder_too else HeadedNetwork(self.network.head)

    def standardise(self, chosen: NDArray[np.int64]) -> None:
        """Let the head standardise what it reads by the mean and variance of these curves."""
        curve = self.runner.curve_of_row
        # A light curve counts alike however many windows, or observations, it has.
        share = (self.targets.weight / np.bincount(curve))[curve] * np.isin(curve, chosen)
        share /= share.sum()
        mean = square = torch.zeros(())
        for rows, reading in self._readings():
            of_row, values = torch.from_numpy(share[rows]), reading.double()
            mean = mean + torch.tensordot(of_row, values, 1)
            square = square + torch.tensordot(of_row, values.square(), 1)
        self.network.head.standardise.set(mean, square - mean.square())

    def _readings(self) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        if self.network.encoder is None:
            yield from self.runner.readings()
            return
        for rows in np.array_split(np.arange(len(self.features)), -(-len(self.features) // 65536)):
            yield rows, self.features[rows[0] : rows[-1] + 1]

    def source(self, *, encoder_too: bool) -> WindowInputs:
        """Give the windows to train on: embedded once where the encoder is frozen."""
        if encoder_too:
            return RawWindows(self.observations)
        features = self.features.to(self.device)
        return StoredFeatures(features, self.runner.windows, sequence=self.runner.sequence)

    def windows(
        self,
        source: WindowInputs,
        curves: NDArray[np.int64],
        random_state: np.random.RandomState | None,
    ) -> LabelledWindows:
        """Put windows together with their targets."""
        dtype = torch.float64 if self.estimator.precision == "float64" else torch.float32
        values = self.targets.values
        batch_size = self.estimator.batch_size
        return LabelledWindows(
            source,
            curves,
            (values if self.targets.are_classes else values.to(dtype)).to(self.device),
            torch.from_numpy(self.targets.weight).to(dtype).to(self.device),
            batch_size=TRAINING_BATCH_SIZE if isinstance(batch_size, str) else int(batch_size),
            random_state=random_state,
        )

    def finish(self) -> None:
        """Leave what was trained on the CPU, ready for use."""
        self.network.head.cpu().eval()
        if self.trains_encoder:
            assert self.network.encoder is not None
            # The embedder that it belongs to knows float32 only; but frequencies are of float64.
            for parameter in self.network.encoder.cpu().eval().parameters():
                parameter.data = parameter.data.float()


def observations_on_device(
    estimator: Any, curves: LightCurves, config: NetworkConfig, device: torch.device
) -> DeviceObservations:
    """Bring light curves into the form that an estimator's network sees, on the device."""
    search = getattr(getattr(estimator, "embedder_", None), "period_search", True)
    observations = observations_for(
        config, curves, device=device, search=search, verbose=estimator.verbose
    )
    return DeviceObservations(observations, config, device)


def head_runner(
    estimator: Any, network: HeadedNetwork, observations: DeviceObservations
) -> HeadRunner:
    """Give what runs a network over observations, as an estimator's parameters say."""
    automatic = isinstance(estimator.batch_size, str)
    device_type = observations.device.type
    return HeadRunner(
        network,
        observations,
        precision=estimator.precision,
        batch_size=AUTO_BATCH_SIZE[device_type] if automatic else int(estimator.batch_size),
        verbose=estimator.verbose,
    )


def encoder_of(estimator: Any) -> tuple[Encoder | None, NetworkConfig]:
    """Give the encoder whose embeddings an estimator's head reads, if there is one."""
    if not hasattr(estimator, "embedder_"):
        return None, NetworkConfig(window_size=int(estimator.window_size))
    network = current_network(estimator.embedder_)
    return network.encoder, network.config
