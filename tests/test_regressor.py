"""The regressor: targets of any scale and number, and what it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from example_curves import random_curves
from example_heads import (
    EXACT,
    HEAD_NAMES,
    QUICK,
    frozen_embedder,
    hardly_trained_embedder,
    labelled_curves,
    narrow_heads,
    same_weights,
    weighted_mean,
    weights_of,
    windows_of_curve,
)
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_astromer import AstromerRegressor, head_work, supervised
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.network import heads

X, CLASSES = labelled_curves(6)
UNSEEN, _ = labelled_curves(4, seed=1)
# Any number that differs from curve to curve.
Y: NDArray[np.float64] = np.array([np.ptp(curve[:, 1]) for curve in X])


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


def regressor_of(head: str = "linear", **params: Any) -> AstromerRegressor:
    return AstromerRegressor(**({"embedder": frozen_embedder(), "head": head} | QUICK | params))


@parametrize_with_checks(
    [
        # More epochs and numbers than elsewhere: one of the checks asks for a score.
        AstromerRegressor(
            hardly_trained_embedder().set_params(embedding_size=32),
            head="mlp",
            **(EXACT | {"max_epochs": 100}),
        )
    ]
)
def test__scikit_learn_checks__small_regressor__all_pass(
    estimator: Any, check: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heads, "MLP_SIZES", (128, 64, 32))
    check(estimator)


@pytest.mark.parametrize("head", HEAD_NAMES)
def test__fit__amplitudes_of_simulated_stars__predicts_those_of_unseen_ones(head: str) -> None:
    curves, _, truth = make_variable_stars(20, random_state=0, return_parameters=True)
    # One window of the network, half full.
    curves = [curve[:100] for curve in curves]
    y = np.log10(truth["amplitude"] + 0.05)
    regressor = AstromerRegressor(
        head=head, max_epochs=20, learning_rate=5e-3, validation_fraction=None, random_state=0
    ).fit(curves[:96], y[:96])
    # The mean would have zero.
    assert regressor.score(curves[96:], y[96:]) > 0.3


@pytest.mark.parametrize("head", HEAD_NAMES)
def test__predict__longer_than_a_window__is_the_average_computed_by_hand(head: str) -> None:
    curves = random_curves([61, 20, 3, 45, 1])
    regressor = regressor_of(head, precision="float64").fit(X, Y)
    encoder = regressor.embedder_.network_.encoder.double()
    expected = []
    for curve in curves:
        outputs, n_observations = [], []
        for time, magnitude in windows_of_curve(curve):
            blocks = encoder.outputs(time, magnitude)
            reading = blocks[-1] if head == "lstm" else blocks[-1].mean(1)
            if head == "skip":
                reading = torch.stack([block.mean(1) for block in blocks], dim=1)
            with torch.no_grad():
                outputs.append(regressor.head_(reading, torch.tensor([time.shape[1]]))[0].numpy())
            n_observations.append(time.shape[1])
        mean = weighted_mean(outputs, n_observations)
        expected.append(mean[0] * np.std(Y) + np.mean(Y))
    encoder.float()
    np.testing.assert_allclose(regressor.predict(curves), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("train_encoder", [False, True])
def test__targets__shifted_and_scaled__predictions_as_well(train_encoder: bool) -> None:
    found = []
    for shift, scale in ((0.0, 1.0), (1e6, 1.0), (-3.0, 1e-6), (5.0, -1e4)):
        regressor = regressor_of("mlp", train_encoder=train_encoder, precision="float64")
        predicted = regressor.fit(X, Y * scale + shift).predict(UNSEEN)
        assert predicted.dtype == np.float64
        found.append((predicted - shift) / abs(scale))
        assert regressor.target_mean_ == pytest.approx(np.mean(Y) * scale + shift)
        assert regressor.target_scale_ == pytest.approx(np.std(Y) * abs(scale))
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found[2], found[0], rtol=0, atol=1e-5)
    # Of the other sign the targets are others.
    assert np.abs(found[3] - found[0]).max() > 0.1
    losses = regressor_of("mlp").fit(X, 1e4 * Y).history_
    assert losses[0]["train_loss"] < 10


def test__targets__several__are_columns_and_each_standardised() -> None:
    both = np.column_stack([Y, 1e5 - 1e3 * CLASSES])
    regressor = regressor_of("mlp", max_epochs=30).fit(X, both)
    predicted = regressor.predict(UNSEEN)
    assert predicted.shape == (12, 2)
    np.testing.assert_allclose(regressor.target_mean_, both.mean(0))
    np.testing.assert_allclose(regressor.target_scale_, both.std(0))
    assert np.abs(regressor.predict(X) - both).mean(0)[1] < 1e3
    column = regressor_of().fit(X, Y[:, None]).predict(UNSEEN)
    assert column.shape == (12, 1)
    np.testing.assert_array_equal(column[:, 0], regressor_of().fit(X, Y).predict(UNSEEN))


@pytest.mark.parametrize("value", [0.0, 1e6, 0.1])
def test__targets__all_alike__are_what_is_predicted_in_the_end(value: float) -> None:
    regressor = regressor_of(max_epochs=100, weight_decay=0.0, learning_rate=0.03)
    predicted = regressor.fit(X, np.full(len(X), value)).predict(X)
    assert regressor.target_scale_.tolist() == [1]
    np.testing.assert_allclose(predicted, value, rtol=0, atol=0.1)


def test__sample_weight__acts__on_the_loss_and_on_what_is_standardised() -> None:
    weight = np.where(CLASSES == 0, 1.0, 0.0)
    regressor = regressor_of().fit(X, Y, sample_weight=weight)
    chosen = CLASSES == 0
    assert regressor.target_mean_ == pytest.approx(Y[chosen].mean())
    assert regressor.target_scale_ == pytest.approx(Y[chosen].std())
    # What has no weight plays no part.
    other = np.where(chosen, Y, -100.0)
    again = regressor_of().fit(X, other, sample_weight=weight)
    np.testing.assert_array_equal(regressor.predict(UNSEEN), again.predict(UNSEEN))
    assert np.abs(regressor.predict(UNSEEN) - regressor_of().fit(X, Y).predict(UNSEEN)).max() > 0.1


def test__transformed_target__logarithm__is_taken_and_turned_back() -> None:
    period = 10.0 ** (Y / Y.max() * 3)
    both_ways = TransformedTargetRegressor(
        regressor_of(), func=np.log10, inverse_func=lambda value: 10.0**value
    )
    predicted = both_ways.fit(X, period).predict(UNSEEN)
    plain = regressor_of().fit(X, np.log10(period)).predict(UNSEEN)
    np.testing.assert_allclose(predicted, 10.0**plain, rtol=1e-6)


def test__validation__share_of_the_curves__is_kept_and_the_best_epoch_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[np.ndarray] = []

    class Remembering(supervised.LabelledWindows):
        def __init__(self, source: Any, curves: np.ndarray, *args: Any, **params: Any) -> None:
            seen.append(curves)
            super().__init__(source, curves, *args, **params)

    monkeypatch.setattr(head_work, "LabelledWindows", Remembering)
    short = [curve[:20] for curve in X]
    regressor = regressor_of(
        "mlp", validation_fraction=1 / 3, learning_rate=0.02, max_epochs=200, patience=8
    ).fit(short, Y)
    train, valid = seen
    assert sorted([*train, *valid]) == list(range(18))
    assert len(valid) == 6
    losses = [row["valid_loss"] for row in regressor.history_]
    assert len(losses) < 200
    assert losses[-1] > min(losses)
    error = regressor.predict([short[k] for k in valid]) - Y[valid]
    assert np.mean((error / np.std(Y)) ** 2) == pytest.approx(min(losses), rel=1e-3)


def test__random_state__same__is_the_same_and_another_is_not() -> None:
    found = [regressor_of("mlp", random_state=k).fit(X, Y).predict(UNSEEN) for k in (0, 0, 1)]
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 1e-3


@pytest.mark.parametrize("train_encoder", [False, True])
def test__frozen_embedder__never__changes(train_encoder: bool) -> None:
    embedder = frozen_embedder()
    before = weights_of(embedder.estimator)
    regressor = regressor_of(
        embedder=embedder, train_encoder=train_encoder, encoder_learning_rate=1e-2
    ).fit(X, Y)
    assert same_weights(weights_of(embedder.estimator), before)
    assert same_weights(weights_of(regressor.embedder_), before) != train_encoder
    assert len(regressor.history_) == (16 if train_encoder else 6)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (None, "requires y to be passed"),
        (Y[:-1], "inconsistent numbers of samples"),
        ([*Y[:-1], np.nan], "y contains NaN"),
        ([*Y[:-1], np.inf], "y contains infinity"),
        (["a"] * len(Y), "could not convert string to float"),
        (np.zeros((len(Y), 2, 2)), "dim 3"),
        (np.zeros((len(Y), 0)), "minimum of 1 is required"),
    ],
)
def test__fit__wrong_targets__error_says_what(y: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regressor_of().fit(X, y)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"head": "forest"}, "head must be one of"),
        ({"learning_rate": -1.0}, "learning_rate must be a positive number"),
        ({"encoder_epochs": 1.5}, "encoder_epochs must be a positive integer"),
    ],
)
def test__fit__wrong_parameter__error_names_it(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        regressor_of(**({"head": "mlp"} | params)).fit(X, Y)


def test__predict__before_fit__error_says_so() -> None:
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        regressor_of().predict(X)


def test__clone__all_parameters__are_kept() -> None:
    regressor = regressor_of("skip", learning_rate=0.3).fit(X, Y)
    again = clone(regressor)
    assert repr(again) == repr(regressor)
    assert not {name for name in vars(again) if name.endswith("_")}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("head", HEAD_NAMES)
def test__cuda__fit_and_predict__are_nearly_those_of_the_cpu_and_end_there(head: str) -> None:
    given: dict[str, Any] = {"precision": "float32", "max_epochs": 3, "learning_rate": 1e-3}
    on_cpu = regressor_of(head, device="cpu", **given).fit(X, Y)
    on_gpu = regressor_of(head, device="cuda", **given).fit(X, Y)
    assert {value.device.type for value in on_gpu.head_.state_dict().values()} == {"cpu"}
    # Dropout draws other numbers there.
    bound = 0.3 if head == "lstm" else 0.02
    expected = on_cpu.predict(UNSEEN)
    spread = np.std(Y)
    np.testing.assert_allclose(on_gpu.predict(UNSEEN), expected, rtol=0, atol=bound * spread)
    on_cpu.set_params(device="cuda")
    np.testing.assert_allclose(on_cpu.predict(UNSEEN), expected, rtol=0, atol=1e-3 * spread)
