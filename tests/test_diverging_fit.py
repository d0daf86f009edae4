"""A training whose loss is no longer finite: it stops, keeps the best, and says so."""

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
from faulty_training import happens_at, times
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning, NotFittedError
from sklearn.model_selection import GridSearchCV

from sklearn_astromer import AstromerClassifier, AstromerEmbedder, AstromerRegressor, LightCurves
from sklearn_astromer.errors import LightCurveWarning, TrainingError

CURVES = random_curves([20] * 10)
X, Y = labelled_curves(6)
TARGET = np.array([np.ptp(curve[:, 1]) for curve in X])
BATCHES_OF_EPOCH = 3
NOT_FINITE = [float("nan"), float("inf")]


@pytest.fixture(autouse=True)
def _narrow() -> Iterator[None]:
    with narrow_heads():
        yield


def diverge_at(
    monkeypatch: pytest.MonkeyPatch, number: int, factor: float = float("nan")
) -> list[int]:
    return happens_at(monkeypatch, number, times(factor), for_good=True)


# ---- the embedder ----


@pytest.mark.parametrize("factor", NOT_FINITE)
@pytest.mark.parametrize("number", [5, 6])
def test__embedder_fit__diverges_later__stops_and_keeps_the_best_weights(
    number: int, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = small_embedder(max_epochs=2).fit(CURVES)
    # In training (5) or validation (6) of the third epoch.
    batches = diverge_at(monkeypatch, number, factor)
    embedder = small_embedder(max_epochs=50, learning_rate=1e-3)
    message = r"diverged: in epoch 3.*epoch [12], are kept.*learning_rate is 0.001; try a tenth"
    with pytest.warns(ConvergenceWarning, match=message):
        embedder.fit(CURVES)
    # Nothing more was trained; the weights of the start were looked at, for comparison.
    assert len(batches) == number + 1
    monkeypatch.undo()
    assert [row["epoch"] for row in embedder.history_] == [1, 2]
    np.testing.assert_array_equal(embedder.transform(CURVES), undisturbed.transform(CURVES))


def test__embedder_fit__diverges_without_validation__keeps_what_the_best_epoch_began_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {"validation_fraction": None, "learning_rate": 1e-2}
    diverge_at(monkeypatch, 8)
    embedder = small_embedder(max_epochs=50, **given)
    with pytest.warns(ConvergenceWarning, match="in epoch 8"):
        embedder.fit(CURVES)
    monkeypatch.undo()
    losses = [row["train_rmse"] for row in embedder.history_]
    assert len(losses) == 7
    best = int(np.argmin(losses))
    assert best > 0
    undisturbed = small_embedder(max_epochs=best, **given).fit(CURVES)
    np.testing.assert_array_equal(embedder.transform(CURVES), undisturbed.transform(CURVES))


def test__embedder_fit__diverges_at_once__is_an_error_and_all_is_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    new, fitted = small_embedder(), small_embedder().fit(CURVES)
    before = fitted.transform(CURVES)
    for embedder in (new, fitted):
        with monkeypatch.context() as patch:
            # The validation of the first epoch; that of the start is finite.
            happens_at(patch, 2, times(float("nan")), for_good=False)
            message = r"diverged: in epoch 1.*Nothing was learned.*learning_rate is 0.001; try"
            with pytest.raises(TrainingError, match=message):
                embedder.fit(CURVES)
    with pytest.raises(NotFittedError):
        new.transform(CURVES)
    np.testing.assert_array_equal(fitted.transform(CURVES), before)


@pytest.mark.parametrize("validation_fraction", [None, 0.3])
@pytest.mark.parametrize("rate", [1e18, 1e30])
def test__embedder_fit__weights_finite_but_absurd__are_not_taken_for_the_best(
    rate: float, validation_fraction: float | None
) -> None:
    # After the first step the weights are as large as the rate, and finite.
    embedder = small_embedder(
        learning_rate=rate, max_epochs=9, validation_fraction=validation_fraction
    )
    with pytest.raises(TrainingError, match=r"learning_rate is 1e\+"):
        embedder.fit(CURVES)


def test__fine_tuning__diverges_at_once__keeps_the_weights_from_which_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = random_embedder().save(tmp_path / "start")
    happens_at(monkeypatch, 2, times(float("nan")), for_good=False)
    embedder = AstromerEmbedder(weights=folder, random_state=0)
    with pytest.warns(ConvergenceWarning, match="from which it started are kept.*is 0.0001"):
        embedder.fit(CURVES)
    monkeypatch.undo()
    start = AstromerEmbedder(weights=folder).transform(CURVES)
    np.testing.assert_array_equal(embedder.transform(CURVES), start)
    assert embedder.history_ == []


@pytest.mark.parametrize("validation_fraction", [None, 0.3])
def test__fit__magnitudes_far_out__error_does_not_blame_the_learning_rate(
    validation_fraction: float | None,
) -> None:
    time, magnitude = np.arange(80.0), np.random.RandomState(0).randn(80) * 1e30
    with pytest.warns(LightCurveWarning, match="magnitudes beyond"):
        curves = LightCurves(time, magnitude, offsets=np.arange(0, 81, 20))
    embedder = small_embedder(validation_fraction=validation_fraction)
    with pytest.raises(TrainingError, match=r"no learning rate would help.*far out"):
        embedder.fit(curves)


# ---- heads ----


@pytest.mark.parametrize("factor", NOT_FINITE)
@pytest.mark.parametrize("kind", ["linear", "mlp", "baseline"])
def test__classifier_fit__diverges__keeps_what_the_best_epoch_began_with(
    kind: str, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = diverge_at(monkeypatch, 4 * BATCHES_OF_EPOCH + 2, factor)
    classifier = classifier_of(kind, learning_rate=2e-2)
    with pytest.warns(ConvergenceWarning, match="in epoch 5.*learning_rate is 0.02; try a tenth"):
        classifier.fit(X, Y)
    assert len(batches) == 4 * BATCHES_OF_EPOCH + 2
    monkeypatch.undo()
    assert len(classifier.history_) == 4
    assert np.isfinite(classifier.predict_proba(X)).all()


@pytest.mark.parametrize("validation_fraction", [None, 0.3])
@pytest.mark.parametrize("train_encoder", [False, True])
def test__classifier_and_regressor_fit__rate_far_too_large__error_and_not_fitted(
    train_encoder: bool, validation_fraction: float | None
) -> None:
    given: dict[str, Any] = {
        "embedder": frozen_embedder(),
        "head": "mlp",
        "train_encoder": train_encoder,
        "learning_rate": 1e30,
        "validation_fraction": validation_fraction,
        "random_state": 0,
    }
    for estimator, target in (
        (AstromerClassifier(**given), Y),
        (AstromerRegressor(**given), TARGET),
    ):
        with pytest.raises(TrainingError, match=r"diverged.*learning_rate is 1e\+30; try"):
            estimator.fit(X, target)
        assert not [name for name in vars(estimator) if name.endswith("_")]
        with pytest.raises(NotFittedError):
            estimator.predict(X)


def test__regressor_fit__targets_far_out__error_does_not_blame_the_learning_rate() -> None:
    # It hardly counts in their standard deviation.
    target, weight = np.zeros(len(X)), np.ones(len(X))
    target[3], weight[3] = 1e30, 1e-60
    regressor = AstromerRegressor(frozen_embedder(), head="linear", random_state=0)
    with pytest.raises(TrainingError, match="no learning rate would help"):
        regressor.fit(X, target, sample_weight=weight)


def test__two_stages__second_diverges__is_the_head_alone_and_says_both_rates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = classifier_of("mlp").fit(X, Y)
    classifier = classifier_of("mlp", train_encoder=True, encoder_learning_rate=0.5)
    start = weights_of(classifier.embedder.estimator)
    diverge_at(monkeypatch, 6 * BATCHES_OF_EPOCH + 2)
    message = "from which it started are kept.*learning_rate is 0.01 and encoder_learning_rate 0.5"
    with pytest.warns(ConvergenceWarning, match=message):
        classifier.fit(X, Y)
    monkeypatch.undo()
    with narrow_heads():
        np.testing.assert_array_equal(classifier.predict_proba(X), alone.predict_proba(X))
    assert same_weights(weights_of(classifier.embedder_), start)
    assert len(classifier.history_) == 6


def test__partial_fit__diverges__is_an_error_and_all_is_as_before_the_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed, disturbed = classifier_of("mlp"), classifier_of("mlp")
    for _ in range(3):
        undisturbed.partial_fit(X, Y)
    disturbed.partial_fit(X, Y).partial_fit(X, Y)
    with monkeypatch.context() as patch:
        diverge_at(patch, 2)
        with pytest.raises(TrainingError, match=r"as before this call.*begin anew with a tenth"):
            disturbed.partial_fit(X, Y)
    disturbed.partial_fit(X, Y)
    np.testing.assert_array_equal(disturbed.predict_proba(X), undisturbed.predict_proba(X))
    assert len(disturbed.history_) == 3
    new = classifier_of("mlp")
    diverge_at(monkeypatch, 1)
    with pytest.raises(TrainingError, match="no learning rate would help"):
        new.partial_fit(X, Y)
    assert not [name for name in vars(new) if name.endswith("_")]


def test__grid_search__some_fits_diverge__their_scores_are_nan_and_it_says_so() -> None:
    rates = {"learning_rate": [1e-2, 1e30]}
    search = GridSearchCV(classifier_of("mlp"), rates, cv=2)
    with (
        pytest.warns(FitFailedWarning, match="TrainingError: The training diverged"),
        pytest.warns(UserWarning, match="scores are non-finite"),
    ):
        search.fit(X, Y)
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == [False, True]
    assert search.best_params_ == {"learning_rate": 1e-2}


@pytest.mark.parametrize("rubbish", NOT_FINITE)
def test__embedder_fit__weight_is_spoiled_behind_the_losses__is_noticed(
    rubbish: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, steps = torch.optim.Adam.step, []

    def spoiling(self: torch.optim.Adam, *args: Any, **params: Any) -> Any:
        result = step(self, *args, **params)
        steps.append(1)
        if len(steps) == 8:
            with torch.no_grad():
                self.param_groups[0]["params"][0].flatten()[0] = rubbish
        return result

    monkeypatch.setattr(torch.optim.Adam, "step", spoiling)
    embedder = small_embedder(max_epochs=50, validation_fraction=None, learning_rate=1e-2)
    with pytest.warns(ConvergenceWarning, match="in epoch 8 a loss or a weight"):
        embedder.fit(CURVES)
    assert len(steps) == 8
    assert all(bool(value.isfinite().all()) for value in embedder.network_.parameters())
