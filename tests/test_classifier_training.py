"""Classifiers in training: weights, validation, embedders and encoders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from example_curves import random_embedder, small_embedder
from example_heads import (
    KINDS,
    classifier_of,
    frozen_embedder,
    labelled_curves,
    narrow_heads,
    same_weights,
    weights_of,
)
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.utils import compute_sample_weight

from sklearn_astromer import AstromerEmbedder, head_work, supervised
from sklearn_astromer.network import Encoder
from sklearn_astromer.training.labelled import LabelledWindows

X, Y = labelled_curves(6)
UNSEEN, Y_UNSEEN = labelled_curves(10, seed=1)


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Positions of the curves that are trained on and, if any, validated with."""
    seen: list[np.ndarray] = []

    class Remembering(LabelledWindows):
        def __init__(self, source: Any, curves: np.ndarray, *args: Any, **params: Any) -> None:
            seen.append(curves)
            super().__init__(source, curves, *args, **params)

    monkeypatch.setattr(head_work, "LabelledWindows", Remembering)
    return seen


@pytest.mark.parametrize("class_weight", [{0: 5.0, 2: 0.25}, "balanced"])
@pytest.mark.parametrize("kind", ["linear", "baseline"])
def test__class_weight__dict_or_balanced__equals_sample_weights(
    kind: str, class_weight: Any
) -> None:
    # Classes of 6, 4 and 2 light curves.
    chosen = np.flatnonzero(np.arange(18) < 6 * (3 - Y))
    curves, y = [X[k] for k in chosen], Y[chosen]
    assert np.bincount(y).tolist() == [6, 4, 2]
    own = np.random.RandomState(0).uniform(0.5, 2, len(y))
    weighted = classifier_of(kind, class_weight=class_weight)
    got = weighted.fit(curves, y, sample_weight=own).predict_proba(UNSEEN)
    weight = own * compute_sample_weight(class_weight, y)
    plain = classifier_of(kind)
    np.testing.assert_allclose(
        got, plain.fit(curves, y, sample_weight=weight).predict_proba(UNSEEN), rtol=0, atol=1e-6
    )
    without = plain.fit(curves, y, sample_weight=own).predict_proba(UNSEEN)
    assert np.abs(got - without).max() > 0.01


def test__class_weight__large__makes_its_class_more_probable() -> None:
    mean = [
        classifier_of(class_weight={1: weight}, max_epochs=100)
        .fit(X, Y)
        .predict_proba(X)[:, 1]
        .mean()
        for weight in (0.05, 1.0, 20.0)
    ]
    assert mean[0] + 0.1 < mean[1] < mean[2] - 0.1


@pytest.mark.parametrize("kind", ["mlp", "baseline"])
def test__random_state__same__is_the_same_and_another_is_not(kind: str) -> None:
    found = [
        classifier_of(kind, random_state=seed).fit(X, Y).predict_proba(UNSEEN)
        for seed in (3, 3, 4, np.random.RandomState(3))
    ]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[3])
    assert np.abs(found[0] - found[2]).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test__fit__each_head__lowers_the_loss_and_leaves_parameters_alone(kind: str) -> None:
    classifier = classifier_of(kind, max_epochs=60)
    params = classifier.get_params()
    assert classifier.fit(X, Y) is classifier
    assert classifier.get_params() == params
    assert set(classifier.history_[0]) == {"epoch", "train_loss", "seconds"}
    assert [row["epoch"] for row in classifier.history_] == list(range(1, 61))
    assert classifier.history_[-1]["train_loss"] < 0.9 * classifier.history_[0]["train_loss"]


# ---- validation ----


def test__validation__share_of_each_class__is_kept_and_never_trained_on(
    splits: list[np.ndarray],
) -> None:
    # Classes of 6, 5, 2 and 1 light curves.
    y = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3])
    curves = X[: len(y)]
    classifier_of(validation_fraction=0.3).fit(curves, y)
    train, valid = splits
    assert sorted([*train, *valid]) == list(range(14))
    assert np.bincount(y[valid], minlength=4).tolist() == [2, 2, 1, 0]
    classifier_of(validation_fraction=0.3, random_state=1).fit(curves, y)
    assert splits[3].tolist() != valid.tolist()


@pytest.mark.parametrize("kind", ["linear", "lstm", "baseline"])
def test__validation__curves__play_no_part_in_what_is_standardised(
    kind: str, splits: list[np.ndarray]
) -> None:
    with_validation = classifier_of(kind, validation_fraction=0.4, max_epochs=1).fit(X, Y)
    train = splits[0]
    alone = classifier_of(kind, max_epochs=1).fit([X[k] for k in train], Y[train])
    everything = classifier_of(kind, max_epochs=1).fit(X, Y)
    scale = with_validation.head_.standardise.scale
    torch.testing.assert_close(scale, alone.head_.standardise.scale, rtol=1e-4, atol=0)
    assert float((scale / everything.head_.standardise.scale - 1).abs().max()) > 0.01


def test__baseline__days_by_the_thousand__magnitudes_are_standardised_all_the_same() -> None:
    few = classifier_of("baseline", max_epochs=1).fit(X, Y).head_.standardise.scale
    stretched = [curve * [1000, 1] for curve in X]
    many = classifier_of("baseline", max_epochs=1).fit(stretched, Y).head_.standardise.scale
    torch.testing.assert_close(many, few * torch.tensor([1000, 1]), rtol=1e-4, atol=0)


def test__validation__curves_of_no_weight__are_not_used(splits: list[np.ndarray]) -> None:
    weight = np.zeros(len(Y))
    weight[[0, 1, 3, 4, 5]] = 1
    for seed in range(5):
        classifier = classifier_of(validation_fraction=0.2, random_state=seed)
        classifier.fit(X, Y, sample_weight=weight)
        assert np.isfinite(classifier.history_[-1]["valid_loss"])
        train, valid = splits[-2:]
        assert set(valid) <= {0, 1, 3, 4, 5}
        assert {5} < set(train)


@pytest.mark.parametrize("kind", ["mlp", "baseline"])
def test__early_stopping__best_epoch__is_the_one_that_is_kept(
    kind: str, splits: list[np.ndarray]
) -> None:
    classifier = classifier_of(
        kind, validation_fraction=0.4, learning_rate=0.03, max_epochs=300, patience=10
    ).fit(X, Y)
    history = classifier.history_
    losses = [row["valid_loss"] for row in history]
    assert list(history[0]) == ["epoch", "train_loss", "valid_loss", "seconds"]
    assert len(history) < 300
    assert len(history) - 1 - int(np.argmin(losses)) in (9, 10)
    # Over the windows of the validation curves, each with its share; here all have but one.
    short = [X[k][:20] for k in splits[1]]
    classifier = classifier_of(kind, **(classifier.get_params(deep=False) | {"verbose": 0}))
    classifier.fit([curve[:20] for curve in X], Y)
    loss = log_loss(Y[splits[3]], classifier.predict_proba(short))
    losses = [row["valid_loss"] for row in classifier.history_]
    assert loss == pytest.approx(min(losses), rel=1e-3)
    assert losses[-1] > loss


# ---- embedders ----


def test__embedder__given__is_cloned_and_fitted_on_the_curves() -> None:
    embedder = small_embedder(max_epochs=1, random_state=3)
    classifier = classifier_of(embedder=embedder).fit(X, Y)
    assert classifier.embedder is embedder
    assert not hasattr(embedder, "network_")
    expected = small_embedder(max_epochs=1, random_state=3).fit(X)
    assert same_weights(weights_of(classifier.embedder_), weights_of(expected))


def test__embedder__without_a_random_state__gets_one_of_the_classifiers() -> None:
    embedder = small_embedder(max_epochs=1, random_state=None)
    found = [
        weights_of(classifier_of(embedder=embedder, random_state=seed).fit(X, Y).embedder_)
        for seed in (0, 0, 1)
    ]
    assert same_weights(found[0], found[1])
    assert not same_weights(found[0], found[2])
    assert embedder.random_state is None


def test__embedder__none__is_the_weights_that_ship_as_they_are() -> None:
    classifier = classifier_of(embedder=None, max_epochs=1).fit(X, Y)
    shipped = AstromerEmbedder.pretrained()
    np.testing.assert_array_equal(classifier.embedder_.transform(X), shipped.transform(X))
    assert classifier.embedder_.history_ == []


def test__nested_parameters__grid_search__reach_the_embedder() -> None:
    classifier = classifier_of(embedder=small_embedder())
    classifier.set_params(embedder__max_epochs=1, embedder__embedding_size=4)
    assert len(classifier.fit(X, Y).embedder_.history_) == 1
    grid = {"embedder__max_epochs": [1, 3], "head": ["linear", "skip"]}
    search = GridSearchCV(classifier, grid, cv=2, error_score="raise").fit(np.array(X, object), Y)
    best = search.best_estimator_
    assert len(best.embedder_.history_) == search.best_params_["embedder__max_epochs"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("precision", ["auto", "float64"])
@pytest.mark.parametrize("train_encoder", [False, True])
def test__frozen_embedder__never__changes(train_encoder: bool, precision: str) -> None:
    embedder = frozen_embedder()
    before = weights_of(embedder.estimator)
    classifier = classifier_of(
        embedder=embedder,
        train_encoder=train_encoder,
        encoder_learning_rate=1e-2,
        precision=precision,
    )
    classifier.fit(X, Y).partial_fit(X, Y).predict(X)
    assert same_weights(weights_of(embedder.estimator), before)
    assert same_weights(weights_of(classifier.embedder_), before) != train_encoder
    # The embedder by itself knows float32 only.
    assert {value.dtype for value in classifier.embedder_.network_.parameters()} == {torch.float32}
    assert classifier.embedder_.transform(X).shape == (18, 8)


def test__frozen_embedder__with_weights_and_no_fit__is_trained_all_the_same(tmp_path: Path) -> None:
    folder = random_embedder().save(tmp_path / "weights")
    unfitted = AstromerEmbedder(weights=folder)
    before = unfitted.transform(X)
    classifier = classifier_of(
        embedder=FrozenEstimator(unfitted), train_encoder=True, encoder_learning_rate=1e-2
    ).fit(X, Y)
    assert np.abs(classifier.embedder_.transform(X) - before).max() > 1e-3
    assert not hasattr(unfitted, "network_")
    again = classifier_of(
        embedder=frozen_embedder(window_size=200), train_encoder=True, encoder_learning_rate=1e-2
    ).fit(X, Y)
    assert again.predict_proba(X).shape == (18, 3)


@pytest.mark.parametrize("head", ["linear", "skip", "lstm"])
def test__train_encoder__two_stages__head_first_and_then_both(
    head: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[tuple[bool, int]] = []
    train_head = supervised.train_head

    def spy(network: Any, windows: Any, validation: Any, settings: Any) -> Any:
        before = [value.clone() for value in network.parameters()]
        history = train_head(network, windows, validation, settings)
        moved = [not torch.equal(*two) for two in zip(before, network.parameters(), strict=True)]
        assert any(moved)
        trained.append((network.encoder is not None, len(history)))
        return history

    monkeypatch.setattr(supervised, "train_head", spy)
    classifier = classifier_of(
        head, train_encoder=True, encoder_epochs=4, encoder_learning_rate=1e-3
    ).fit(X, Y)
    assert trained == [(False, 6), (True, 4)]
    assert [row["epoch"] for row in classifier.history_] == list(range(1, 11))
    # With hardly any step in the second stage, the encoder is nearly what it was.
    for rate, bound in ((1e-3, 4 * 3 * 2e-3), (1e-7, 4 * 3 * 2e-7)):
        classifier.set_params(encoder_learning_rate=rate).fit(X, Y)
        start = weights_of(classifier.embedder.estimator)
        now = weights_of(classifier.embedder_)
        step = max(float((now[name] - start[name]).abs().max()) for name in now)
        assert 0 < step < bound


@pytest.mark.parametrize("rate", [1e-3, 10.0])
def test__train_encoder__validation__best_epoch_of_both_stages_is_kept(
    rate: float, splits: list[np.ndarray]
) -> None:
    # With the larger rate the second stage makes it worse.
    short = [curve[:20] for curve in X]
    classifier = classifier_of(
        "mlp",
        train_encoder=True,
        encoder_learning_rate=rate,
        learning_rate=3e-3 if rate < 1 else 0.1,
        validation_fraction=0.4,
        max_epochs=10,
    ).fit(short, Y)
    losses = np.array([row["valid_loss"] for row in classifier.history_])
    assert len(losses) == 20
    if rate > 1:
        assert losses[:10].min() < losses[10:].min()
    valid = splits[1]
    loss = log_loss(Y[valid], classifier.predict_proba([short[k] for k in valid]))
    assert loss == pytest.approx(losses.min(), rel=1e-3)


@pytest.mark.parametrize("head", ["linear", "skip", "lstm"])
@pytest.mark.parametrize("train_encoder", [False, True])
def test__encoder__frozen__is_run_once_whatever_the_number_of_epochs(
    head: str, train_encoder: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    prepare = Encoder._input

    def counting(self: Encoder, time: Any, *args: Any) -> Any:
        calls.append(len(time))
        return prepare(self, time, *args)

    monkeypatch.setattr(Encoder, "_input", counting)
    counts = []
    for n_epochs in (1, 7):
        calls.clear()
        epochs = {"encoder_epochs": n_epochs} if train_encoder else {"max_epochs": n_epochs}
        classifier_of(head, train_encoder=train_encoder, **epochs).fit(X, Y)
        counts.append(sum(calls))
    n_windows = sum(-(-len(curve) // 20) for curve in X)
    if train_encoder:
        assert counts == [n_windows + 18, n_windows + 7 * 18]
    else:
        assert counts == [n_windows] * 2


@pytest.mark.parametrize("precision", ["auto", "bfloat16", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test__precision__any__gives_nearly_the_same_and_can_be_changed_later(
    kind: str, precision: str
) -> None:
    given: dict[str, Any] = {"max_epochs": 1, "learning_rate": 1e-4}
    if kind != "baseline":
        given |= {"train_encoder": True, "encoder_epochs": 1}
    # Large random weights amplify what is rounded.
    bound = 0.3 if precision == "bfloat16" else 0.02
    expected = classifier_of(kind, precision="float32", **given).fit(X, Y).predict_proba(UNSEEN)
    classifier = classifier_of(kind, precision=precision, **given).fit(X, Y)
    for later in (precision, "float32", "auto", "float64"):
        got = classifier.set_params(precision=later).predict_proba(UNSEEN)
        np.testing.assert_allclose(got, expected, rtol=0, atol=bound)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("train_encoder", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test__cuda__fit_and_predict__are_nearly_those_of_the_cpu_and_end_there(
    kind: str, train_encoder: bool
) -> None:
    given: dict[str, Any] = {"precision": "float32", "max_epochs": 3, "learning_rate": 1e-3}
    if kind != "baseline":
        given["train_encoder"] = train_encoder
    curves = [curve[:20] for curve in X]
    on_cpu = classifier_of(kind, device="cpu", **given).fit(curves, Y)
    on_gpu = classifier_of(kind, device="cuda", **given).fit(curves, Y)
    assert {value.device.type for value in on_gpu.head_.state_dict().values()} == {"cpu"}
    expected = on_cpu.predict_proba(UNSEEN)
    # Dropout draws other numbers there.
    bound = 0.15 if kind in ("lstm", "baseline") or train_encoder else 1e-2
    np.testing.assert_allclose(on_gpu.predict_proba(UNSEEN), expected, rtol=0, atol=bound)
    on_gpu.set_params(device="cpu")
    np.testing.assert_allclose(on_gpu.predict_proba(UNSEEN), expected, rtol=0, atol=bound)
    on_cpu.set_params(device="cuda")
    np.testing.assert_allclose(on_cpu.predict_proba(UNSEEN), expected, rtol=0, atol=1e-3)
    on_gpu.set_params(device="cuda", precision="auto")
    on_gpu.partial_fit(X, Y).partial_fit(X, Y)
    assert {value.device.type for value in on_gpu.head_.state_dict().values()} == {"cpu"}
    if kind != "baseline":
        assert {value.device.type for value in weights_of(on_gpu.embedder_).values()} == {"cpu"}
