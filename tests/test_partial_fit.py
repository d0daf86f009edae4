"""Classifiers that are trained one epoch after the other."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from example_curves import small_embedder
from example_heads import (
    KINDS,
    classifier_of,
    labelled_curves,
    narrow_heads,
    same_weights,
    weights_of,
)
from sklearn.metrics import log_loss

from sklearn_astromer import AstromerClassifier, head_work
from sklearn_astromer.training.head_runner import HeadRunner
from sklearn_astromer.training.labelled import LabelledWindows

X, Y = labelled_curves(6)
UNSEEN, Y_UNSEEN = labelled_curves(10, seed=1)


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


def losses_of(classifier: Any, n_calls: int, **given: Any) -> list[float]:
    losses = []
    for _ in range(n_calls):
        classifier.partial_fit(X, Y, **given)
        losses.append(log_loss(Y, classifier.predict_proba(X)))
    return losses


@pytest.mark.parametrize("kind", KINDS)
def test__partial_fit__call_after_call__lowers_the_loss_and_is_repeatable(kind: str) -> None:
    given = {"learning_rate": 3e-3, "batch_size": 18}
    losses = losses_of(classifier_of(kind, **given), 12)
    assert losses[-1] < losses[5] < losses[0]
    assert losses_of(classifier_of(kind, **given), 3) == losses[:3]
    assert losses_of(classifier_of(kind, random_state=1, **given), 3) != losses[:3]


def test__partial_fit__later_labels__must_be_among_the_classes_of_the_first_call() -> None:
    first = np.flatnonzero(Y < 2)
    curves = [X[k] for k in first]
    classifier = classifier_of().partial_fit(curves, Y[first], classes=[2, 0, 1])
    assert classifier.classes_.tolist() == [0, 1, 2]
    classifier.partial_fit(X, Y).partial_fit(X, Y, classes=[0, 1, 2])
    assert classifier.predict_proba(X).shape == (18, 3)
    with pytest.raises(ValueError, match=r"not among the classes: \[7\]"):
        classifier.partial_fit(X, np.where(Y == 2, 7, Y))
    with pytest.raises(ValueError, match="are not those of the first call"):
        classifier.partial_fit(X, Y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"not among the classes: \[2\]"):
        classifier_of().partial_fit(X, Y, classes=[0, 1])
    # A call that failed was no first call.
    failed = classifier_of()
    with pytest.raises(ValueError, match="at least 2 classes"):
        failed.partial_fit(X[:1], Y[:1])
    assert failed.partial_fit(X, Y).classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", ["mlp", "baseline"])
def test__partial_fit__after_fit__goes_on_from_there(kind: str) -> None:
    given = {"learning_rate": 3e-3, "batch_size": 18, "max_epochs": 20}
    classifier = classifier_of(kind, **given).fit(X, Y)
    before = log_loss(Y, classifier.predict_proba(X))
    losses = losses_of(classifier, 6)
    assert losses[-1] < before
    assert losses_of(classifier_of(kind, **given), 1)[0] > 1.05 * losses[0]
    # And `fit` begins anew.
    fresh = classifier_of(kind, **given).fit(X, Y).predict_proba(UNSEEN)
    np.testing.assert_array_equal(classifier.fit(X, Y).predict_proba(UNSEEN), fresh)


@pytest.mark.parametrize("kind", ["linear", "lstm", "baseline"])
def test__partial_fit__first_call__decides_how_what_is_read_is_standardised(kind: str) -> None:
    classifier = classifier_of(kind).partial_fit(X, Y)
    fitted = classifier_of(kind).fit(X, Y).head_.standardise
    assert not torch.equal(fitted.scale, torch.ones_like(fitted.scale))
    for _ in range(2):
        assert torch.equal(classifier.head_.standardise.mean, fitted.mean)
        assert torch.equal(classifier.head_.standardise.scale, fitted.scale)
        classifier.partial_fit(UNSEEN[:9], Y_UNSEEN[:9])


def test__partial_fit__each_call__is_one_epoch_and_draws_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    orders: list[list[int]] = []

    class Remembering(LabelledWindows):
        def __iter__(self) -> Iterator[Any]:
            batches = list(super().__iter__())
            orders.append([int(length) for inputs, _ in batches for length in inputs["length"]])
            return iter(batches)

    monkeypatch.setattr(head_work, "LabelledWindows", Remembering)
    for _ in range(2):
        losses_of(classifier_of(), 3)
    assert len(orders) == 6
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert orders[3:] == orders[:3]


def test__partial_fit__embedder__is_fitted_in_the_first_call_alone() -> None:
    classifier = classifier_of(embedder=small_embedder(max_epochs=1)).partial_fit(X, Y)
    before = weights_of(classifier.embedder_)
    classifier.partial_fit(UNSEEN, Y_UNSEEN)
    assert same_weights(weights_of(classifier.embedder_), before)


@pytest.mark.parametrize("train_encoder", [False, True])
@pytest.mark.parametrize("copy", [deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test__partial_fit__copy_or_file__goes_on_as_the_original_would(
    copy: Callable[[AstromerClassifier], AstromerClassifier], train_encoder: bool
) -> None:
    original = classifier_of("skip", train_encoder=train_encoder, encoder_learning_rate=1e-2)
    losses_of(original, 3)
    other = copy(original)
    before = other.predict_proba(UNSEEN)
    assert losses_of(other, 3) == losses_of(original, 3)
    np.testing.assert_array_equal(other.predict_proba(UNSEEN), original.predict_proba(UNSEEN))
    assert np.abs(other.predict_proba(UNSEEN) - before).max() > 1e-3
    assert same_weights(weights_of(other.embedder_), weights_of(original.embedder_))


def test__partial_fit__weights__act_as_in_fit() -> None:
    weight = np.random.RandomState(0).randint(0, 4, len(Y)).astype(float)
    kept = np.repeat(np.arange(len(Y)), weight.astype(int))
    short = [curve[:20] for curve in X]
    given = {"precision": "float64", "batch_size": 1000}
    weighted, repeated = classifier_of(**given), classifier_of(**given)
    for _ in range(3):
        weighted.partial_fit(short, Y, sample_weight=weight)
        repeated.partial_fit([short[k] for k in kept], Y[kept])
    np.testing.assert_allclose(
        weighted.predict_proba(UNSEEN), repeated.predict_proba(UNSEEN), rtol=0, atol=1e-6
    )


def test__partial_fit__other_columns__are_noticed() -> None:
    grid = np.random.RandomState(0).randn(18, 12)
    classifier = classifier_of().partial_fit(grid, Y)
    assert classifier.n_features_in_ == 12
    with pytest.raises(ValueError, match="expecting 12 features"):
        classifier.partial_fit(grid[:, :5], Y)


def test__partial_fit__balanced_class_weight__raises() -> None:
    with pytest.raises(ValueError, match="balanced"):
        classifier_of(class_weight="balanced").partial_fit(X, Y)


def test__partial_fit__each_call__adds_an_epoch_to_the_history() -> None:
    classifier = classifier_of()
    for n_calls in (1, 2, 3):
        classifier.partial_fit(X, Y)
        assert [row["epoch"] for row in classifier.history_] == list(range(1, n_calls + 1))


def test__partial_fit__trained_encoder__embeds_nothing_in_vain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classifier = classifier_of(train_encoder=True).partial_fit(X, Y)
    monkeypatch.setattr(HeadRunner, "features", lambda _: pytest.fail("embedded"))
    classifier.partial_fit(X, Y)
