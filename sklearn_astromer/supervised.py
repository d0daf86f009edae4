"""What classifiers and regressors have in common: from light curves and targets to a trained head.

An estimator holds a head (`head_`) and, unless it reads light curves directly, a fitted embedder
(`embedder_`) whose encoder the head reads. Training takes one window of each light curve per epoch;
with a frozen encoder that is one of its consecutive windows, which were embedded once; otherwise it
may begin at any observation. Prediction averages over all consecutive windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state
from torch import Tensor

from sklearn_astromer.embedder import AstromerEmbedder
from sklearn_astromer.input_checks import check_curves
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.network import Encoder, NetworkConfig
from sklearn_astromer.network.heads import Head, HeadedNetwork, LSTMHead, make_head
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.running import AUTO_BATCH_SIZE, current_network
from sklearn_astromer.training.batches import DeviceObservations
from sklearn_astromer.training.devices import resolve_device, seeded
from sklearn_astromer.training.head_runner import HeadRunner
from sklearn_astromer.training.labelled import (
    LabelledWindows,
    RawWindows,
    StoredFeatures,
    WindowInputs,
)
from sklearn_astromer.training.progress import LOSS_NAMES, training_record
from sklearn_astromer.training.supervised import (
    SupervisedNet,
    SupervisedSettings,
    check_finite,
    supervised_net,
    train_head,
)

TRAINING_BATCH_SIZE = 32
# Enough for 20 to 100 labels per class. Epochs of a linear map cost nothing; those of an LSTM cost
# a hundred times as much as those of the MLP.
MAX_EPOCHS = {"linear": 500, "mlp": 60, "skip": 60, "lstm": 20}


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


def fit_head(estimator: Any, curves: LightCurves, targets: Targets) -> None:
    """Fit the embedder, if there is one, and train a new head.

    Parameters
    ----------
    estimator : estimator
        It gets `embedder_` (if it has an `embedder`), `head_` and `history_`.
    curves : LightCurves
        What to learn from.
    targets : Targets
        What to learn.

    Raises
    ------
    ValueError
        If a parameter or a light curve is not valid, or the training diverges.
    """
    random_state = check_random_state(estimator.random_state)
    start_head(estimator, curves, targets, random_state)
    train, valid = _split(targets, estimator.validation_fraction, random_state)
    work = _Work(estimator, curves, targets)
    work.standardise(train)
    estimator.history_ = []
    for encoder_too in work.stages():
        source = work.source(encoder_too=encoder_too)
        windows = work.windows(source, train, check_random_state(_seed(random_state)))
        validation = work.windows(source, valid, None) if len(valid) else None
        settings = _settings(estimator, targets, _seed(random_state))
        if encoder_too and hasattr(estimator, "encoder_epochs"):
            settings = replace(settings, max_epochs=estimator.encoder_epochs)
        module = work.module(encoder_too=encoder_too)
        before = deepcopy(work.network.state_dict())
        history = train_head(module, windows, validation, settings)
        if validation and _best_loss(estimator.history_) < _best_loss(history):
            # With the encoder it has become worse: what the head alone had reached is the best.
            work.network.load_state_dict(before)
        for row in history:
            row["epoch"] += len(estimator.history_)
        estimator.history_ += history
    work.finish()


def continue_head(estimator: Any, curves: LightCurves, targets: Targets, *, first: bool) -> None:
    """Train a head for one more epoch.

    Parameters
    ----------
    estimator : estimator
        It has a head already; its `net_` keeps what the optimiser remembers.
    curves : LightCurves
        What to learn from.
    targets : Targets
        What to learn.
    first : bool
        Whether the head is new, so that it is to standardise what it reads by these light curves.
    """
    net: SupervisedNet | None = getattr(estimator, "net_", None)
    if net is not None:
        # In a copy, or from a file, they are networks of their own; the optimiser knows these.
        estimator.head_ = net.module_.head
        if net.module_.encoder is not None:
            current_network(estimator.embedder_).encoder = net.module_.encoder
    work = _Work(estimator, curves, targets)
    everything = np.arange(len(curves))
    if first:
        work.standardise(everything)
    encoder_too = work.stages()[-1]
    module = work.module(encoder_too=encoder_too)
    if net is None:
        random_state = check_random_state(estimator.random_state)
        settings = _settings(estimator, targets, _seed(random_state))
        net = supervised_net(module, settings).initialize()
        estimator.net_, estimator.settings_ = net, settings
    settings = estimator.settings_
    # Other windows and other dropout in each call, but the same ones for the same calls.
    seed = (settings.seed + len(net.history)) % 2**31
    source = work.source(encoder_too=encoder_too)
    windows = work.windows(source, everything, check_random_state(seed))
    with seeded(settings.device, seed):
        net.partial_fit(windows, None, epochs=1)
    check_finite(module, settings)
    estimator.history_ = training_record(net.history, LOSS_NAMES)
    work.finish()


def start_head(
    estimator: Any, curves: LightCurves, targets: Targets, random_state: np.random.RandomState
) -> None:
    """Fit the embedder, if there is one, and make a head with random weights."""
    for name in ("net_", "settings_"):
        estimator.__dict__.pop(name, None)
    if hasattr(estimator, "embedder"):
        estimator.embedder_ = _fitted_embedder(estimator, curves, _seed(random_state))
    with seeded(torch.device("cpu"), _seed(random_state)):
        if hasattr(estimator, "embedder"):
            config = current_network(estimator.embedder_).config
            head: Head = make_head(estimator.head, config, targets.n_outputs)
        else:
            head = LSTMHead(2, targets.n_outputs, floor=0.0, dropout=estimator.dropout)
    if estimator.precision == "float64":
        head = head.double()
    estimator.head_ = head


def head_outputs(estimator: Any, X: Any, *, log_softmax: bool) -> NDArray[np.float64]:
    """Run a fitted estimator's head over light curves.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    X : light curves
        In any form.
    log_softmax : bool
        Whether the outputs are to be logarithms of probabilities.

    Returns
    -------
    outputs : ndarray of float64, shape (n_curves, n_outputs)
        Means over the consecutive windows of each light curve, weighted by their observations.
    """
    curves = check_curves(estimator, X, reset=False)
    device = resolve_device(estimator.device)
    encoder, config = _encoder_of(estimator)
    network = HeadedNetwork(estimator.head_, encoder)
    if device.type != "cpu":
        network = deepcopy(network).to(device)
    observations = _on_device(estimator, curves, config, device)
    return _runner(estimator, network.eval(), observations).outputs(log_softmax=log_softmax)


class _Work:
    """What one training needs: the networks and observations on the device."""

    def __init__(self, estimator: Any, curves: LightCurves, targets: Targets) -> None:
        self.estimator = estimator
        self.targets = targets
        self.device = resolve_device(estimator.device)
        encoder, config = _encoder_of(estimator)
        self.trains_encoder = encoder is not None and bool(estimator.train_encoder)
        # The embedder's own network stays as and where it is, unless it is trained.
        if encoder is not None and not self.trains_encoder and self.device.type != "cpu":
            encoder = deepcopy(encoder)
        self.network = HeadedNetwork(estimator.head_, encoder).to(self.device).eval()
        if estimator.precision == "float64" and self.trains_encoder:
            self.network.double()
        self.observations = _on_device(estimator, curves, config, self.device)
        self.runner = _runner(estimator, self.network, self.observations)

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


def _on_device(
    estimator: Any, curves: LightCurves, config: NetworkConfig, device: torch.device
) -> DeviceObservations:
    search = getattr(getattr(estimator, "embedder_", None), "period_search", True)
    observations = observations_for(
        config, curves, device=device, search=search, verbose=estimator.verbose
    )
    return DeviceObservations(observations, config, device)


def _runner(estimator: Any, network: HeadedNetwork, observations: DeviceObservations) -> HeadRunner:
    automatic = isinstance(estimator.batch_size, str)
    device_type = observations.device.type
    return HeadRunner(
        network,
        observations,
        precision=estimator.precision,
        batch_size=AUTO_BATCH_SIZE[device_type] if automatic else int(estimator.batch_size),
        verbose=estimator.verbose,
    )


def _encoder_of(estimator: Any) -> tuple[Encoder | None, NetworkConfig]:
    if not hasattr(estimator, "embedder_"):
        return None, NetworkConfig(window_size=int(estimator.window_size))
    network = current_network(estimator.embedder_)
    return network.encoder, network.config


def _fitted_embedder(estimator: Any, curves: LightCurves, seed: int) -> AstromerEmbedder:
    """Fit a clone of the embedder, unless it is frozen as scikit-learn freezes estimators."""
    embedder = estimator.embedder
    if embedder is None:
        embedder = AstromerEmbedder.pretrained(finetune=False)
    if isinstance(embedder, FrozenEstimator) and isinstance(embedder.estimator, AstromerEmbedder):
        # What is frozen stays as it is, even if its encoder is trained here.
        frozen = deepcopy(embedder.estimator)
        # With weights and without `fit` it makes its network anew each time.
        frozen.network_ = current_network(frozen)
        return frozen
    if not isinstance(embedder, AstromerEmbedder):
        raise TypeError(
            "embedder must be an AstromerEmbedder, a FrozenEstimator that holds one, or None, got "
            f"{embedder!r}. Weights have names: AstromerEmbedder('macho', finetune=False)."
        )
    embedder = clone(embedder)
    if embedder.random_state is None:
        embedder.set_params(random_state=seed)
    return embedder.fit(curves)


def _split(
    targets: Targets, fraction: float | None, random_state: np.random.RandomState
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Choose validation curves: a share of each class, at least one of each that has two."""
    n_curves = len(targets.values)
    if fraction is None:
        return np.arange(n_curves), np.arange(0)
    group = targets.values.numpy() if targets.are_classes else np.zeros(n_curves, dtype=int)
    chosen = []
    # Light curves of no weight could not validate.
    counts = targets.weight > 0
    for members in (np.flatnonzero((group == kind) & counts) for kind in np.unique(group)):
        if len(members) > 1:
            n_valid = min(max(1, round(fraction * len(members))), len(members) - 1)
            chosen.append(random_state.permutation(members)[:n_valid])
    valid = np.sort(np.concatenate(chosen)) if chosen else np.arange(0)
    return np.setdiff1d(np.arange(n_curves), valid), valid


def _settings(estimator: Any, targets: Targets, seed: int) -> SupervisedSettings:
    return SupervisedSettings(
        criterion=torch.nn.CrossEntropyLoss if targets.are_classes else torch.nn.MSELoss,
        learning_rate=estimator.learning_rate,
        encoder_learning_rate=getattr(estimator, "encoder_learning_rate", 0.0),
        weight_decay=estimator.weight_decay,
        max_epochs=_max_epochs(estimator),
        patience=estimator.patience,
        device=resolve_device(estimator.device),
        precision=estimator.precision,
        seed=seed,
        verbose=estimator.verbose,
    )


def _max_epochs(estimator: Any) -> int:
    if estimator.max_epochs is not None:
        return int(estimator.max_epochs)
    return MAX_EPOCHS[estimator.head]


def _best_loss(history: list[dict[str, float]]) -> float:
    return min((row["valid_loss"] for row in history), default=float("inf"))


def _seed(random_state: np.random.RandomState) -> int:
    return int(random_state.randint(2**31 - 1))
