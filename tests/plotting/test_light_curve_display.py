"""Pictures: what is drawn where, and that bright is up."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from sklearn_astromer.light_curves import as_light_curves
from sklearn_astromer.periods import PeriodFinder
from sklearn_astromer.plotting import LightCurveDisplay

PERIOD = 2.5


def sine_curve() -> np.ndarray:
    random = np.random.default_rng(0)
    time = np.sort(random.uniform(100, 200, 80))
    magnitude = 15 + 0.5 * np.sin(2 * np.pi * time / PERIOD)
    return np.stack((time, magnitude, np.full(80, 0.02)), axis=1)


def points(display: LightCurveDisplay) -> np.ndarray:
    return display.artist_[0].get_xydata()


def test__from_light_curve__against_time__draws_what_was_given_with_bright_up() -> None:
    curve = sine_curve()
    display = LightCurveDisplay.from_light_curve([curve[:5], curve], 1)
    np.testing.assert_allclose(points(display), curve[:, :2], rtol=1e-6)
    assert display.ax_.yaxis_inverted()
    assert display.ax_.get_xlabel() == "time (days)"
    assert display.ax_.get_ylabel() == "magnitude (mag)"
    assert display.artist_.has_yerr
    assert display.figure_ is display.ax_.figure


def test__from_light_curve__one_array_without_errors__is_drawn() -> None:
    display = LightCurveDisplay.from_light_curve(sine_curve()[:, :2])
    assert len(points(display)) == 80
    assert not display.artist_.has_yerr


def test__from_light_curve__period__folds_twice() -> None:
    curve = sine_curve()
    display = LightCurveDisplay.from_light_curve([curve], period=PERIOD)
    phase, magnitude = points(display).T
    assert ((phase >= 0) & (phase < 1)).all()
    turn = 2 * np.pi * (phase + curve[0, 0] / PERIOD)
    np.testing.assert_allclose(magnitude, 15 + 0.5 * np.sin(turn), atol=1e-5)
    repeated = display.ax_.lines[-1].get_xdata()
    assert repeated.min() >= 1
    assert "2.5 days" in display.ax_.get_xlabel()


def test__from_estimator__period_finder__folds_on_its_period() -> None:
    display = LightCurveDisplay.from_estimator(PeriodFinder(min_period=1), [sine_curve()])
    assert display.period == pytest.approx(PERIOD, rel=1e-3)


def test__plot__axes_that_are_inverted_already__stay_so() -> None:
    first = LightCurveDisplay.from_light_curve([sine_curve()])
    second = LightCurveDisplay.from_light_curve([sine_curve()], ax=first.ax_, color="black")
    assert second.ax_ is first.ax_
    assert second.ax_.yaxis_inverted()


def test__from_light_curve__missing_observations__are_left_out_of_the_fold() -> None:
    curve = sine_curve()
    curve[0, :2] = np.nan
    display = LightCurveDisplay.from_light_curve([curve], period=PERIOD)
    assert np.isfinite(points(display)).all(axis=1).sum() == 79


def test__from_light_curve__no_such_curve__raises() -> None:
    with pytest.raises(ValueError, match="index=2, but there are only 1"):
        LightCurveDisplay.from_light_curve([sine_curve()], 2)


def test__plot__julian_dates__are_labelled_without_their_first_digits() -> None:
    curve = sine_curve()
    curve[:, 0] += 2455000
    display = LightCurveDisplay.from_light_curve(curve)
    display.figure_.canvas.draw()
    assert display.ax_.get_xlabel() == "time \N{MINUS SIGN} 2450000 (days)"
    labels = [float(tick.get_text()) for tick in display.ax_.get_xticklabels()]
    np.testing.assert_allclose(labels, display.ax_.get_xticks() - 2450000)
    # The points stay where they are.
    np.testing.assert_allclose(points(display)[:, 0], curve[:, 0])


def test__from_light_curve__single_observation__has_a_time_axis_of_two_days() -> None:
    display = LightCurveDisplay.from_light_curve(sine_curve()[:1])
    first = sine_curve()[0, 0]
    assert display.ax_.get_xlim() == (first - 1, first + 1)


def test__plot__period_of_zero__raises() -> None:
    with pytest.raises(ValueError, match="period must be a positive number"):
        LightCurveDisplay.from_light_curve([sine_curve()], period=0.0)


def test__from_estimator__constant_magnitudes__raises_and_names_the_curve() -> None:
    constant = as_light_curves([sine_curve() * [1, 0, 1] + [0, 15, 0]])
    with pytest.raises(ValueError, match="light curve 0: no period"):
        LightCurveDisplay.from_estimator(PeriodFinder(min_period=1), constant)


def test__plot__without_matplotlib__prints_the_install_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    display = LightCurveDisplay(np.arange(3.0), np.arange(3.0))
    with pytest.raises(ImportError, match=r'pip install "sklearn-astromer\[plot\]"'):
        display.plot()
    monkeypatch.undo()
