"""From an embedder's parameters to a network: the one to start from, and the trained one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.utils import check_random_state

from sklearn_astromer import parameters, weights
from sklearn_astromer.errors import LightCurveError, ParameterError
from sklearn_astromer.hiding import n_targets
from sklearn_astromer.light_curves import LightCurves
from sklearn_astromer.network import AstromerNetwork, NetworkConfig
from sklearn_astromer.network.config import ARCHITECTURES, DEPARTURES
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.training.devices import resolve_device, seeded
from sklearn_astromer.training.pretraining import TrainingSettings, train
from sklearn_astromer.training.window_net import TrainingInterrupted
from sklearn_astromer.windows import Observations, chosen_curves, usable_observations

if TYPE_CHECKING:
    from sklearn_astromer.embedder import AstromerEmbedder

# What cannot be changed without training anew.
SIZES = ("embedding_size", "n_blocks", "n_heads", "feedforward_size")
CHANGEABLE = ("window_size", "dropout", "time_base", "attention")
TRAINING_BATCH_SIZE = 64


@contextmanager
def all_or_nothing(estimator: Any) -> Iterator[None]:
    """Leave an estimator as it was if its fit fails, or is interrupted with nothing learned.

    Parameters
    ----------
    estimator : estimator
        What is set within the block must be new, not what it held before.
    """
    before = dict(vars(estimator))
    try:
        yield
    except TrainingInterrupted:
        raise
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise


def fit_embedder(embedder: AstromerEmbedder, curves: LightCurves) -> None:
    """Give an embedder its `network_` and `history_`.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Its parameters are only read.
    curves : LightCurves
        Curves to train on, unless it has ``finetune=False``.

    Raises
    ------
    ParameterError, LightCurveError, TrainingError
        See `starting_network` and `train_network`.
    TrainingInterrupted
        If somebody interrupts it after an epoch or more; the embedder has what was learned.
    """
    network = starting_network(embedder)
    usable_observations(curves)
    try:
        history = train_network(embedder, network, curves) if embedder.finetune else []
    except TrainingInterrupted as interruption:
        embedder.network_, embedder.history_ = network, interruption.history
        raise
    embedder.network_, embedder.history_ = network, history


def starting_network(embedder: AstromerEmbedder) -> AstromerNetwork:
    """Make the network that an embedder's training starts from.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Its parameters are only read.

    Returns
    -------
    network : AstromerNetwork
        With the pre-trained weights that the embedder names, or with random ones.

    Raises
    ------
    ValueError
        If there are no weights of that name, or they do not fit the parameters.
    """
    given = {
        # A grid of parameters made with numpy holds numpy's scalars.
        name: value.item() if isinstance(value, np.generic) else value
        for name in (*SIZES, *CHANGEABLE)
        if (value := getattr(embedder, name)) is not None
    }
    architecture = embedder.architecture
    if architecture is not None:
        parameters.one_of("architecture", architecture, tuple(ARCHITECTURES))
    if embedder.weights is not None:
        checkpoint = weights.load(embedder.weights)
        if architecture is not None:
            _check_architecture(checkpoint.config, architecture, embedder.weights)
        _check_time_base(checkpoint.config, given)
        return _with_changes(checkpoint, given, embedder.weights).build()
    config = replace(ARCHITECTURES[architecture or "paper"], **given)
    _check_time_base(config, given)
    random_state = check_random_state(embedder.random_state)
    with seeded(torch.device("cpu"), random_state.randint(2**31 - 1)):
        return AstromerNetwork(config).eval()


def _check_time_base(config: NetworkConfig, given: dict[str, Any]) -> None:
    """Raise a ParameterError if a time base is given to a network that has a grid of periods."""
    if "time_base" in given and config.shortest_period is not None:
        raise ParameterError(
            f"time_base={given['time_base']!r} would change nothing: this network has a grid of "
            "periods in place of Eq. (4) of the paper. Leave it out."
        )


def _check_architecture(config: NetworkConfig, architecture: str, source: str | Path) -> None:
    """Raise a ParameterError if weights are of another architecture than the one asked for."""
    asked = ARCHITECTURES[architecture]
    other = [name for name in DEPARTURES if getattr(config, name) != getattr(asked, name)]
    if other:
        raise ParameterError(
            f"weights={str(source)!r} are not of the architecture {architecture!r} (they differ in "
            f"{', '.join(other)}); leave architecture out, or train from scratch with weights=None."
        )


def _with_changes(
    checkpoint: weights.Checkpoint, changes: dict[str, Any], source: str | Path
) -> weights.Checkpoint:
    """Apply an embedder's parameters to pre-trained weights; sizes cannot change."""
    for name in SIZES:
        has = getattr(checkpoint.config, name)
        if changes.get(name, has) != has:
            raise ParameterError(
                f"{name}={changes[name]} does not fit weights={str(source)!r}, whose {name} is "
                f"{has}; leave {name} out, or train from scratch with weights=None."
            )
    return replace(checkpoint, config=replace(checkpoint.config, **changes))


def train_network(
    embedder: AstromerEmbedder, network: AstromerNetwork, curves: LightCurves
) -> list[dict[str, float]]:
    """Train a network in place, as the embedder's parameters say.

    Parameters
    ----------
    embedder : AstromerEmbedder
        Its parameters are only read.
    network : AstromerNetwork
        What to train.
    curves : LightCurves
        Curves to train on; the validation curves are taken from them.

    Returns
    -------
    history : list of dict
        One row per epoch, see `sklearn_astromer.training.progress.training_record`.

    Raises
    ------
    LightCurveError
        If the curves are too few or too short.
    TrainingError, TrainingInterrupted
        See `sklearn_astromer.training.pretraining.train`.
    """
    random_state = check_random_state(embedder.random_state)
    seed = random_state.randint(2**31 - 1)
    # Of all curves at once, so that an error names a position that the user knows.
    training = observations_for(
        network.config,
        curves,
        device=resolve_device(embedder.device),
        search=embedder.period_search,
        verbose=embedder.verbose,
    )
    validation = None
    if embedder.validation_fraction is not None:
        if len(curves) < 2:
            raise LightCurveError(
                "n_samples=1: one light curve cannot both train and validate. Give more, or "
                "set validation_fraction=None."
            )
        order = random_state.permutation(len(curves))
        n_validation = max(1, round(len(curves) * embedder.validation_fraction))
        n_validation = min(n_validation, len(curves) - 1)
        validation = chosen_curves(training, np.sort(order[:n_validation]))
        training = chosen_curves(training, np.sort(order[n_validation:]))
        _check_something_to_hide(validation, embedder.hidden_fraction, "validation")
    _check_something_to_hide(training, embedder.hidden_fraction, "training")
    return train(network, training, validation, _training_settings(embedder, seed))


def _check_something_to_hide(observations: Observations, fraction: float, use: str) -> None:
    length = torch.from_numpy(np.diff(observations.offsets))
    if not n_targets(length, fraction).any():
        raise LightCurveError(
            f"None of the {use} light curves has so many observations that a share of {fraction:g} "
            "of them (hidden_fraction) is at least one, while another is seen. Give longer light "
            "curves, or more of them."
        )


def _training_settings(embedder: AstromerEmbedder, seed: int) -> TrainingSettings:
    from_scratch = embedder.weights is None
    learning_rate, anchor = embedder.learning_rate, embedder.anchor
    if learning_rate is None:
        learning_rate = 1e-3 if from_scratch else 1e-4
    if anchor is None:
        anchor = 0.0 if from_scratch else 1.0
    max_epochs = embedder.max_epochs
    if max_epochs is None:
        max_epochs = 100 if from_scratch else 20
    batch_size = embedder.batch_size
    return TrainingSettings(
        learning_rate=learning_rate,
        anchor=anchor,
        max_epochs=max_epochs,
        patience=embedder.patience,
        batch_size=TRAINING_BATCH_SIZE if isinstance(batch_size, str) else int(batch_size),
        hidden_fraction=embedder.hidden_fraction,
        visible_fraction=embedder.visible_fraction,
        fine_tuning=not from_scratch,
        device=resolve_device(embedder.device),
        precision=embedder.precision,
        seed=seed,
        verbose=embedder.verbose,
    )
