"""Ctrl-C in `fit`: it ends, says so, and what was learned until then can be used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from example_curves import random_curves, random_embedder, small_embedder
from example_heads import (
    classifier_of,
    frozen_embedder,
    labelled_curves,
    narrow_heads,
    same_weights,
    weights_of,
)
from faulty_training import happens_at, press_ctrl_c
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils.validation import check_is_fitted

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, AstromerRegressor, fitting
from sklearn_astromer.evaluation import SamplesPerClass
from sklearn_astromer.training.keep_best import KeepBest
from sklearn_astromer.training.keep_best import weights_of as weights_of_net
from sklearn_astromer.training.window_net import WindowNet

CURVES = random_curves([20] * 10)
X, Y = labelled_curves(6)
TARGET = np.array([np.ptp(curve[:, 1]) for curve in X])
# A head with a linear map; 18 light curves are three batches.
BATCHES_OF_EPOCH = 3


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


def interrupt_at(monkeypatch: pytest.MonkeyPatch, number: int) -> list[int]:
    return happens_at(monkeypatch, number, press_ctrl_c, for_good=False)


def network_weights(embedder: AstromerEmbedder) -> dict[str, torch.Tensor]:
    return dict(embedder.network_.state_dict())


# ---- the embedder ----


def test__embedder_fit__interrupted_with_validation__keeps_the_best_weights_until_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    undisturbed = small_embedder(max_epochs=2).fit(CURVES)
    # One batch of training and one of validation in each epoch.
    batches = interrupt_at(monkeypatch, 5)
    embedder = small_embedder(max_epochs=50)
    generator = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt, match=r"after 2 epoch\(s\).*can be used"):
        embedder.fit(CURVES)
    assert len(batches) == 5
    assert torch.equal(torch.get_rng_state(), generator)
    assert [row["epoch"] for row in embedder.history_] == [1, 2]
    np.testing.assert_array_equal(embedder.transform(CURVES), undisturbed.transform(CURVES))
    loaded = AstromerEmbedder.load(embedder.save(tmp_path / "kept"))
    np.testing.assert_array_equal(loaded.transform(CURVES), undisturbed.transform(CURVES))


def test__embedder_fit__interrupted_without_validation__keeps_the_last_complete_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = {"validation_fraction": None, "batch_size": 2}
    undisturbed = small_embedder(max_epochs=2, **given).fit(CURVES)
    # In the middle of the third epoch of five batches.
    interrupt_at(monkeypatch, 13)
    embedder = small_embedder(max_epochs=50, **given)
    with pytest.raises(KeyboardInterrupt, match="after 2 epoch"):
        embedder.fit(CURVES)
    assert same_weights(network_weights(embedder), network_weights(undisturbed))


@pytest.mark.parametrize("number", [1, 2])
def test__embedder_fit__interrupted_in_the_first_epoch__is_as_it_was(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, fitted = small_embedder(), small_embedder().fit(np.random.RandomState(0).randn(6, 12))
    before = fitted.transform(np.random.RandomState(2).randn(2, 12))
    for embedder in (new, fitted):
        with monkeypatch.context() as patch:
            interrupt_at(patch, number)
            with pytest.raises(KeyboardInterrupt, match="before its first epoch was complete"):
                # Of another number of columns.
                embedder.fit(np.random.RandomState(1).randn(6, 9))
    with pytest.raises(NotFittedError):
        new.transform(CURVES)
    assert not hasattr(new, "n_features_in_")
    np.testing.assert_array_equal(fitted.transform(np.random.RandomState(2).randn(2, 12)), before)


def test__embedder_fit__interrupted_in_the_search_of_periods__is_not_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def search(*args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(fitting, "observations_for", search)
    embedder = small_embedder(architecture="folding")
    with pytest.raises(KeyboardInterrupt):
        embedder.fit(CURVES)
    with pytest.raises(NotFittedError):
        embedder.transform(CURVES)


# ---- heads ----


def remember_epochs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, torch.Tensor]]:
    """Weights at the beginning of each epoch."""
    found: list[dict[str, torch.Tensor]] = []
    on_epoch_begin = KeepBest.on_epoch_begin

    def remembering(self: KeepBest, net: WindowNet, **kwargs: Any) -> None:
        found.append(weights_of_net(net))
        on_epoch_begin(self, net, **kwargs)

    monkeypatch.setattr(KeepBest, "on_epoch_begin", remembering)
    return found


@pytest.mark.parametrize("kind", ["linear", "mlp", "baseline"])
def test__classifier_fit__interrupted__keeps_the_last_complete_epoch(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs = remember_epochs(monkeypatch)
    batches = interrupt_at(monkeypatch, 2 * BATCHES_OF_EPOCH + 2)
    classifier = classifier_of(kind)
    with pytest.raises(KeyboardInterrupt, match="after 2 epoch"):
        classifier.fit(X, Y)
    assert len(batches) == 2 * BATCHES_OF_EPOCH + 2
    assert len(classifier.history_) == 2
    kept = {f"head.{name}": value for name, value in classifier.head_.state_dict().items()}
    assert same_weights(kept, epochs[2])
    assert not classifier.head_.training
    assert classifier.predict(X).shape == Y.shape


def test__regressor_fit__interrupted_with_validation__keeps_the_best(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    params: dict[str, Any] = {
        "embedder": frozen_embedder(),
        "head": "linear",
        "validation_fraction": 0.3,
        "learning_rate": 1e-2,
        "batch_size": 100,
        "random_state": 0,
    }
    undisturbed = AstromerRegressor(max_epochs=3, **params).fit(X, TARGET)
    interrupt_at(monkeypatch, 7)
    regressor = AstromerRegressor(max_epochs=50, **params)
    with pytest.raises(KeyboardInterrupt, match="after 3 epoch"):
        regressor.fit(X, TARGET)
    np.testing.assert_array_equal(regressor.predict(X), undisturbed.predict(X))


@pytest.mark.parametrize("number", [2 * BATCHES_OF_EPOCH + 1, 6 * BATCHES_OF_EPOCH + 2])
def test__two_stages__interrupted_before_the_encoder_has_learned__is_the_head_alone(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the third epoch of the head, and in the first of both.
    n_epochs = 2 if number < 6 * BATCHES_OF_EPOCH else 6
    classifier = classifier_of("mlp", train_encoder=True, encoder_learning_rate=1e-2)
    start = weights_of(classifier.embedder.estimator)
    batches = interrupt_at(monkeypatch, number)
    with pytest.raises(KeyboardInterrupt, match=f"after {n_epochs} epoch"):
        classifier.fit(X, Y)
    assert len(batches) == number
    assert len(classifier.history_) == n_epochs
    assert same_weights(weights_of(classifier.embedder_), start)
    if n_epochs == 6:
        monkeypatch.undo()
        with narrow_heads():
            alone = classifier_of("mlp").fit(X, Y)
            np.testing.assert_array_equal(classifier.predict_proba(X), alone.predict_proba(X))


def test__two_stages__interrupted_when_both_have_learned__keeps_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classifier = classifier_of("linear", train_encoder=True, encoder_learning_rate=1e-2)
    start = weights_of(classifier.embedder.estimator)
    interrupt_at(monkeypatch, (6 + 2) * BATCHES_OF_EPOCH + 1)
    with pytest.raises(KeyboardInterrupt, match="after 8 epoch"):
        classifier.fit(X, Y)
    assert [row["epoch"] for row in classifier.history_] == list(range(1, 9))
    assert not same_weights(weights_of(classifier.embedder_), start)
    assert np.isfinite(classifier.predict_proba(X)).all()


def test__classifier_fit__interrupted_in_the_embedders_training__is_not_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interrupt_at(monkeypatch, 5)
    classifier = AstromerClassifier(small_embedder(max_epochs=50), head="linear", random_state=0)
    with pytest.raises(KeyboardInterrupt, match="embedder's training was interrupted"):
        classifier.fit(X, Y)
    with pytest.raises(NotFittedError):
        check_is_fitted(classifier)
    with pytest.raises(NotFittedError):
        classifier.predict(X)


@pytest.mark.parametrize("kind", ["linear", "baseline"])
def test__classifier_fit__interrupted_in_the_first_epoch__is_as_it_was(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted = classifier_of(kind).fit(X, Y)
    before, new = fitted.predict_proba(X), classifier_of(kind)
    for classifier in (fitted, new):
        with monkeypatch.context() as patch:
            interrupt_at(patch, 2)
            with pytest.raises(KeyboardInterrupt):
                classifier.fit(X[:12], [f"kind {label}" for label in Y[:12]])
    np.testing.assert_array_equal(fitted.predict_proba(X), before)
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert not [name for name in vars(new) if name.endswith("_")]


# ---- one epoch by the other ----


@pytest.mark.parametrize("train_encoder", [False, True])
def test__partial_fit__interrupted__is_as_before_the_call_and_goes_on(
    train_encoder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = {"train_encoder": train_encoder, "encoder_learning_rate": 1e-3}
    undisturbed, disturbed = classifier_of("mlp", **params), classifier_of("mlp", **params)
    for _ in range(3):
        undisturbed.partial_fit(X, Y)
    disturbed.partial_fit(X, Y).partial_fit(X, Y)
    before = disturbed.predict_proba(X)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        with pytest.raises(KeyboardInterrupt, match="as before this call"):
            disturbed.partial_fit(X, Y)
    np.testing.assert_array_equal(disturbed.predict_proba(X), before)
    assert len(disturbed.history_) == 2
    disturbed.partial_fit(X, Y)
    np.testing.assert_array_equal(disturbed.predict_proba(X), undisturbed.predict_proba(X))


def test__partial_fit__first_call_interrupted__is_not_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classifier = classifier_of()
    interrupt_at(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        classifier.partial_fit(X, Y)
    assert not [name for name in vars(classifier) if name.endswith("_")]


# ---- in scikit-learn's loops ----


def test__cross_validation__interrupted__stops_and_scores_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for search in (
        lambda model: cross_val_score(model, X, Y, cv=3),
        lambda model: GridSearchCV(model, {"learning_rate": [0.01, 0.1]}, cv=2).fit(X, Y),
        lambda model: SamplesPerClass(model, 3).fit(X, Y),
    ):
        with monkeypatch.context() as patch:
            batches = interrupt_at(patch, 5)
            with pytest.raises(KeyboardInterrupt, match="interrupted"):
                search(classifier_of("linear"))
            assert len(batches) == 5


def test__fine_tuning__interrupted__keeps_the_best_weights_until_then(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = random_embedder().save(tmp_path / "start")
    embedder = AstromerEmbedder(weights=folder, learning_rate=1e-2, random_state=0)
    interrupt_at(monkeypatch, 5)
    with pytest.raises(KeyboardInterrupt, match="after 2 epoch"):
        embedder.fit(CURVES)
    assert len(embedder.history_) == 2
    start = AstromerEmbedder(weights=folder).transform(CURVES)
    assert 0 < np.abs(embedder.transform(CURVES) - start).max() < 1
