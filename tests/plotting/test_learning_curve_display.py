"""Errors of training and validation, epoch by epoch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from example_curves import SMALL, random_curves, small_embedder
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_astromer import AstromerClassifier, AstromerRegressor
from sklearn_astromer.plotting import LearningCurveDisplay


def history(
    n: int = 10, kind: str = "loss", *, validated: bool = True, factor: float = 1.0
) -> list[dict[str, float]]:
    """Training that falls all the time; validation that is lowest at 60 % of the epochs."""
    rows = []
    for epoch in range(1, n + 1):
        row = {"epoch": epoch, f"train_{kind}": factor / epoch, "seconds": 1.0}
        if validated:
            row[f"valid_{kind}"] = factor * (1 + (epoch - 0.6 * n) ** 2 / n**2)
        rows.append(row)
    return rows


def labels(display: LearningCurveDisplay) -> list[str]:
    return [text.get_text() for text in display.legend_.get_texts()]


def test__from_histories__one__draws_training_and_validation_with_its_lowest_marked() -> None:
    rows = history()
    display = LearningCurveDisplay.from_histories(rows)
    lines = display.lines_["training"]
    np.testing.assert_allclose(lines["training"].get_xdata(), np.arange(1, 11))
    np.testing.assert_allclose(lines["training"].get_ydata(), [row["train_loss"] for row in rows])
    np.testing.assert_allclose(lines["validation"].get_ydata(), [row["valid_loss"] for row in rows])
    assert lines["validation"].get_markevery() == [5]
    assert labels(display) == ["training", "validation"]
    assert display.ax_.get_xlabel() == "epoch (marker: lowest)"
    assert display.ax_.get_ylabel() == "loss"


def test__from_histories__several__are_named_and_explained() -> None:
    histories = {"mlp": history(), "lstm": history(20)}
    display = LearningCurveDisplay.from_histories(histories, quantity="cross entropy")
    assert labels(display) == ["mlp", "lstm", "validation", "training"]
    assert display.ax_.get_ylabel() == "cross entropy"
    colours = {lines["validation"].get_color() for lines in display.lines_.values()}
    assert len(colours) == 2
    for lines in display.lines_.values():
        assert lines["training"].get_color() == lines["validation"].get_color()


def test__from_histories__without_validation__shows_training_alone() -> None:
    display = LearningCurveDisplay.from_histories(history(validated=False))
    assert list(display.lines_["training"]) == ["training"]
    assert labels(display) == ["training"]
    assert display.ax_.get_xlabel() == "epoch"


@pytest.mark.parametrize("validated", [True, False])
def test__from_histories__one_epoch__is_seen_as_points(validated: bool) -> None:
    display = LearningCurveDisplay.from_histories(history(1, validated=validated))
    for line in display.lines_["training"].values():
        assert line.get_marker() not in ("", "None", None)
    assert display.ax_.get_xlim() == (0, 2)


@pytest.mark.parametrize(
    ("factor", "log_scale", "scale"),
    [(1, None, "linear"), (100, None, "log"), (100, False, "linear"), (1, True, "log")],
)
def test__plot__errors_of_any_range__choose_the_axis(
    factor: float, log_scale: bool | None, scale: str
) -> None:
    histories = {"one": history(), "other": history(factor=factor)}
    display = LearningCurveDisplay.from_histories(histories, log_scale=log_scale)
    assert display.ax_.get_yscale() == scale


def test__from_estimator__embedder__is_an_rmse_in_magnitudes() -> None:
    embedder = small_embedder().fit(random_curves([20] * 6))
    display = LearningCurveDisplay.from_estimator(embedder)
    (lines,) = display.lines_.values()
    expected = [row["valid_rmse"] for row in embedder.history_]
    np.testing.assert_allclose(lines["validation"].get_ydata(), expected)
    assert display.ax_.get_ylabel() == "RMSE (mag)"


def test__from_estimator__classifiers_and_regressors__name_their_loss() -> None:
    X, y = random_curves([20] * 6), ["a", "b"] * 3
    params: dict[str, Any] = {"embedder": small_embedder(), "max_epochs": 2, "random_state": 0}
    classifier = AstromerClassifier(**params, head="linear").fit(X, y)
    display = LearningCurveDisplay.from_estimator({"linear": classifier})
    assert list(display.lines_) == ["linear"]
    assert display.ax_.get_ylabel() == "cross entropy"
    regressor = AstromerRegressor(**params, head="linear").fit(X, np.arange(6.0))
    display = LearningCurveDisplay.from_estimator(regressor)
    assert display.ax_.get_ylabel() == "mean square error (standardised)"
    both = LearningCurveDisplay.from_estimator({"one": classifier, "other": regressor})
    assert both.ax_.get_ylabel() == "loss"


def test__from_estimator__pipeline__shows_the_embedder_that_was_trained_in_it() -> None:
    pipeline = make_pipeline(small_embedder(), LogisticRegression())
    pipeline.fit(random_curves([20] * 6), ["a", "b"] * 3)
    display = LearningCurveDisplay.from_estimator(pipeline)
    assert list(display.lines_) == ["Pipeline"]
    assert display.ax_.get_ylabel() == "RMSE (mag)"
    assert SMALL["n_blocks"] == pipeline[0].network_.config.n_blocks


@pytest.mark.parametrize(
    ("histories", "message"),
    [
        ({}, "no history to draw"),
        ({"frozen": []}, "frozen: the history is empty, since nothing was trained"),
        ({"odd": [{"epoch": 1, "score": 2.0}]}, r"odd: a history has rows .*\['epoch', 'score'\]"),
        ({"a": history(), "b": history(kind="rmse")}, "RMSE and loss cannot share an axis"),
        ({str(k): history() for k in range(57)}, "57 histories cannot be told apart"),
    ],
)
def test__from_histories__what_cannot_be_drawn__raises(
    histories: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        LearningCurveDisplay.from_histories(histories)


def test__from_estimator__without_history__names_it() -> None:
    with pytest.raises(ValueError, match="model: this LogisticRegression has no history_"):
        LearningCurveDisplay.from_estimator({"model": LogisticRegression()})
