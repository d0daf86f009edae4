"""What is hidden, what is predicted for it, and how far off that is."""

from __future__ import annotations

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from example_curves import random_curves, random_embedder
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_astromer.plotting import ReconstructionDisplay

LENGTH = 50


def curves() -> list[np.ndarray]:
    return [
        np.column_stack([curve, np.full(len(curve), 0.05)]) for curve in random_curves([9, LENGTH])
    ]


def points(display: ReconstructionDisplay, name: str) -> np.ndarray:
    return display.artists_[name][0].get_xydata()


def test__from_estimator__random_half__is_predicted_and_drawn() -> None:
    embedder, X = random_embedder(), curves()
    display = ReconstructionDisplay.from_estimator(embedder, X, 1)
    hidden = display.hidden
    # Windows of 20, 20 and 10 observations.
    assert [part.sum() for part in np.split(hidden, [20, 40])] == [10, 10, 5]
    time, magnitude, _ = X[1].T
    predicted = embedder.reconstruct([X[1]], hidden=[hidden])[0]
    np.testing.assert_allclose(points(display, "visible"), X[1][~hidden, :2], rtol=1e-6)
    np.testing.assert_allclose(points(display, "hidden"), X[1][hidden, :2], rtol=1e-6)
    np.testing.assert_allclose(points(display, "predicted")[:, 1], predicted[hidden], rtol=1e-6)
    residual = magnitude[hidden] - predicted[hidden]
    np.testing.assert_allclose(points(display, "residual")[:, 0], time[hidden])
    np.testing.assert_allclose(points(display, "residual")[:, 1], residual, atol=1e-5)
    assert display.rmse_ == pytest.approx(np.sqrt(np.mean(residual**2)), rel=1e-5)
    assert display.relative_rmse_ == pytest.approx(display.rmse_ / magnitude[hidden].std())
    assert f"RMSE {display.rmse_:.3g} mag" in display.axes_[0].get_title()


def test__plot__both_axes__have_units_and_bright_up() -> None:
    display = ReconstructionDisplay.from_estimator(random_embedder(), curves(), 1)
    assert [ax.yaxis_inverted() for ax in display.axes_] == [True, True]
    assert display.axes_[0].get_ylabel() == "magnitude (mag)"
    assert display.axes_[1].get_ylabel().split() == ["residual", "(mag)"]
    assert display.axes_[1].get_xlabel() == "time (days)"
    assert display.figure_ is display.axes_[0].figure
    texts = [text.get_text() for text in display.legend_.get_texts()]
    assert texts == ["visible", "hidden", "predicted"]


def test__from_estimator__period__draws_everything_against_the_phase() -> None:
    X = curves()
    plain = ReconstructionDisplay.from_estimator(random_embedder(), X, 1)
    folded = ReconstructionDisplay.from_estimator(random_embedder(), X, 1, period=7.0)
    assert folded.axes_[1].get_xlabel() == "phase (period 7 days)"
    for name in ("visible", "hidden", "predicted", "residual"):
        time, value = points(plain, name).T
        expected = np.column_stack([(time - X[1][:, 0].min()) / 7.0 % 1.0, value])
        np.testing.assert_allclose(points(folded, name), expected)
    again = ReconstructionDisplay.from_predictions(
        X, [None, folded.predicted], [None, folded.hidden], 1, period=7.0
    )
    np.testing.assert_allclose(points(again, "residual"), points(folded, "residual"))


def test__from_estimator__period_of_zero__raises_and_leaves_no_figure() -> None:
    with pytest.raises(ValueError, match="period must be a positive number"):
        ReconstructionDisplay.from_estimator(random_embedder(), curves(), 1, period=0.0)
    assert plt.get_fignums() == []


def test__from_estimator__random_state__decides_what_is_hidden() -> None:
    def hidden(random_state: int) -> np.ndarray:
        return ReconstructionDisplay.from_estimator(
            random_embedder(), curves(), 1, random_state=random_state
        ).hidden

    np.testing.assert_array_equal(hidden(3), hidden(3))
    assert (hidden(3) != hidden(4)).any()


def test__from_estimator__hidden_fraction__takes_that_share() -> None:
    display = ReconstructionDisplay.from_estimator(
        random_embedder(), curves(), 1, hidden_fraction=0.1
    )
    assert display.hidden.sum() == 5


def test__from_estimator__unsorted_with_gaps__draws_what_was_measured() -> None:
    curve = curves()[1]
    shuffled = curve[np.random.RandomState(0).permutation(LENGTH)]
    shuffled[[3, 8], 1] = np.nan
    hidden = np.zeros(LENGTH, bool)
    hidden[:15] = True
    display = ReconstructionDisplay.from_estimator(random_embedder(), shuffled, hidden=hidden)
    assert len(points(display, "hidden")) == len(points(display, "predicted")) == 13
    assert len(points(display, "visible")) == LENGTH - 15
    assert np.isfinite(points(display, "residual")).all()
    assert np.isfinite(display.rmse_)
    random = ReconstructionDisplay.from_estimator(random_embedder(), shuffled)
    assert not random.hidden[[3, 8]].any()


def test__from_estimator__pipeline__uses_the_embedder_in_it() -> None:
    embedder = random_embedder()
    pipeline = make_pipeline(embedder, LogisticRegression())
    inside = ReconstructionDisplay.from_estimator(pipeline, curves(), 1)
    itself = ReconstructionDisplay.from_estimator(embedder, curves(), 1)
    np.testing.assert_array_equal(inside.predicted, itself.predicted)


def test__from_predictions__one_of_several__is_drawn() -> None:
    embedder, X = random_embedder(), curves()
    hidden = [np.arange(len(curve)) % 3 == 0 for curve in X]
    predicted = embedder.reconstruct(X, hidden=hidden)
    display = ReconstructionDisplay.from_predictions(X, predicted, hidden, 1)
    np.testing.assert_allclose(points(display, "predicted")[:, 1], predicted[1][hidden[1]])
    alone = ReconstructionDisplay.from_predictions(X[1], predicted[1], hidden[1])
    assert alone.rmse_ == display.rmse_


def test__plot__one_axes__gets_the_light_curve_alone() -> None:
    figure, ax = plt.subplots()
    display = ReconstructionDisplay.from_estimator(random_embedder(), curves(), 1, ax=ax)
    assert list(display.axes_) == [ax]
    assert list(display.artists_) == ["visible", "hidden", "predicted"]
    assert ax.get_xlabel() == "time (days)"
    assert figure.axes == [ax]


def test__plot__pair_of_axes__are_used() -> None:
    pair = plt.subplots(2, 1)[1]
    display = ReconstructionDisplay.from_estimator(
        random_embedder(), curves(), 1, ax=pair, markersize=9
    )
    assert list(display.axes_) == list(pair)
    assert display.artists_["residual"][0].get_markersize() == 9


def test__plot__equal_magnitudes__have_no_share_of_their_spread() -> None:
    display = ReconstructionDisplay(
        np.arange(4.0), np.full(4, 15.0), np.full(4, 15.5), np.array([True, False, True, False])
    ).plot()
    assert np.isnan(display.relative_rmse_)
    assert display.axes_[0].get_title() == "RMSE 0.5 mag"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "length": ({"hidden": np.zeros(3, bool)}, r"light curve 1: hidden must be 50 .*\(3,\)"),
    "type": ({"hidden": np.zeros(LENGTH)}, "light curve 1: hidden must be .* float64"),
    "nothing": ({"hidden": np.zeros(LENGTH, bool)}, "light curve 1: no measured observation"),
    "both": ({"hidden": np.ones(LENGTH, bool), "hidden_fraction": 0.5}, "not both"),
    "share": ({"hidden_fraction": 1.5}, "hidden_fraction must be"),
    "axes": ({"ax": [None, None, None]}, "ax has 3 axes for 2 panels"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test__from_estimator__wrong_parameter__raises(wrong: str) -> None:
    params, message = WRONG[wrong]
    with pytest.raises(ValueError, match=message):
        ReconstructionDisplay.from_estimator(random_embedder(), curves(), 1, **params)


def test__from_estimator__one_observation__says_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"no measured observation is hidden.*choose a longer"):
        ReconstructionDisplay.from_estimator(random_embedder(), curves()[0][:1])


def test__from_predictions__wrong_number_of_values__names_the_curve() -> None:
    X = curves()
    hidden = [np.ones(len(curve), bool) for curve in X]
    with pytest.raises(ValueError, match=r"light curve 1: predicted must be 50 .*\(4,\)"):
        ReconstructionDisplay.from_predictions(X, [np.ones(9), np.ones(4)], hidden, 1)
    with pytest.raises(ValueError, match="predicted has 1 entries, none for light curve 1"):
        ReconstructionDisplay.from_predictions(X, [np.ones(9)], hidden, 1)
