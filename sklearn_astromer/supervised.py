"""What classifiers and regressors have in common: from light curves and targets to a trained head.

An estimator holds a head (`head_`) and, unless it reads light curves directly, a fitted embedder
(`embedder_`) whose encoder the head reads. Training takes one window of each light curve per epoch;
with a frozen encoder that is one of its consecutive windows, which were embedded once; otherwise it
may begin at any observation. Prediction averages over all consecutive windows.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state

from sklearn_astromer.embedder import AstromerEmbedder
from sklearn_astromer.head_work import (
    HeadWork,
    Targets,
    encoder_of,
    head_runner,
    observations_on_device,
)
from sklearn_astromer.input_checks import check_curves
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.network.heads import Head, HeadedNetwork, LSTMHead, make_head
from sklearn_astromer.running import current_network
from sklearn_astromer.training.devices import resolve_device, seeded
from sklearn_astromer.training.labelled import LabelledWindows
from sklearn_astromer.training.progress import LOSS_NAMES, training_record
from sklearn_astromer.training.supervised import (
    SupervisedNet,
    SupervisedSettings,
    supervised_net,
    train_head,
    train_one_epoch,
)
from sklearn_astromer.training.window_net import TrainingInterrupted

# Enough for 20 to 100 labels per class. Epochs of a linear map cost nothing; those of an LSTM cost
# a hundred times as much as those of the MLP.
MAX_EPOCHS = {"linear": 500, "mlp": 60, "skip": 60, "lstm": 20}


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
        If a parameter or a light curve is not valid.
    TrainingError
        If the training diverges and nothing good was learned.
    TrainingInterrupted
        If somebody interrupts it after an epoch or more; the estimator has what was learned.
    """
    random_state = check_random_state(estimator.random_state)
    start_head(estimator, curves, targets, random_state)
    train, valid = _split(targets, estimator.validation_fraction, random_state)
    work = HeadWork(estimator, curves, targets)
    work.standardise(train)
    estimator.history_ = []
    try:
        for encoder_too in work.stages():
            source = work.source(encoder_too=encoder_too)
            windows = work.windows(source, train, check_random_state(_seed(random_state)))
            validation = work.windows(source, valid, None) if len(valid) else None
            settings = _settings(estimator, targets, _seed(random_state))
            if encoder_too and hasattr(estimator, "encoder_epochs"):
                settings = replace(settings, max_epochs=estimator.encoder_epochs)
            settings = replace(settings, start_is_good=bool(estimator.history_))
            _train_stage(work, work.module(encoder_too=encoder_too), windows, validation, settings)
    except KeyboardInterrupt as interruption:
        # What the head alone has learned is kept, whenever it was.
        if estimator.history_:
            raise TrainingInterrupted(estimator.history_) from interruption
        raise
    finally:
        work.finish()


def _train_stage(
    work: HeadWork,
    module: HeadedNetwork,
    windows: LabelledWindows,
    validation: LabelledWindows | None,
    settings: SupervisedSettings,
) -> None:
    """Train, and add to the history; what makes nothing better leaves all as it was."""
    earlier = work.estimator.history_
    before = deepcopy(work.network.state_dict())
    interruption = None
    try:
        history = train_head(module, windows, validation, settings)
    except TrainingInterrupted as end:
        history, interruption = end.history, end
    except BaseException:
        work.network.load_state_dict(before)
        raise
    if validation and _best_loss(earlier) < _best_loss(history):
        # With the encoder it has become worse: what the head alone had reached is the best.
        work.network.load_state_dict(before)
    for row in history:
        row["epoch"] += len(earlier)
    earlier += history
    if interruption is not None:
        raise interruption


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
    work = HeadWork(estimator, curves, targets)
    try:
        _train_one_epoch(work, first=first)
    finally:
        work.finish()


def _train_one_epoch(work: HeadWork, *, first: bool) -> None:
    estimator = work.estimator
    everything = np.arange(len(work.targets.values))
    if first:
        work.standardise(everything)
    encoder_too = work.stages()[-1]
    net: SupervisedNet | None = getattr(estimator, "net_", None)
    if net is None:
        random_state = check_random_state(estimator.random_state)
        settings = _settings(estimator, work.targets, _seed(random_state))
        net = supervised_net(work.module(encoder_too=encoder_too), settings).initialize()
        estimator.net_, estimator.settings_ = net, settings
    # Loaded or set to another device: what the optimiser remembers follows the weights.
    settings = replace(estimator.settings_, device=work.device)
    if net.device != str(work.device):
        net.device = str(work.device)
        net.optimizer_.load_state_dict(net.optimizer_.state_dict())
    # Other windows and other dropout in each call, but the same ones for the same calls.
    seed = (settings.seed + len(net.history)) % 2**31
    source = work.source(encoder_too=encoder_too)
    windows = work.windows(source, everything, check_random_state(seed))
    train_one_epoch(net, windows, settings, seed)
    estimator.history_ = training_record(net.history, LOSS_NAMES)


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
    encoder, config = encoder_of(estimator)
    network = HeadedNetwork(estimator.head_, encoder)
    if device.type != "cpu":
        network = deepcopy(network).to(device)
    observations = observations_on_device(estimator, curves, config, device)
    return head_runner(estimator, network.eval(), observations).outputs(log_softmax=log_softmax)


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
    try:
        return embedder.fit(curves)
    except TrainingInterrupted as interruption:
        # The embedder has learned something, but there is no head yet.
        raise KeyboardInterrupt("The embedder's training was interrupted.") from interruption


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
