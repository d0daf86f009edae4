"""`FoldedCurve`: profiles that can be compared, in every form that scikit-learn wants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from period_curves import waves
from sklearn.pipeline import make_union

from sklearn_astromer.periods import FoldedCurve, PeriodFinder

FAST: dict[str, Any] = {"min_period": 0.3, "device": "cpu"}


def test__transform__sines__are_alike_whatever_their_period() -> None:
    periods = [0.71, 3.3, 1.234]
    curves = waves(periods, [800, 600, 900], noise=0.005)
    table = FoldedCurve(12, with_period=True, **FAST).transform(curves)
    assert table.shape == (3, 13)
    np.testing.assert_allclose(table[:, 12], np.log10(periods), atol=1e-3)
    expected = np.sqrt(2) * np.cos(2 * np.pi * np.arange(12) / 12)
    np.testing.assert_allclose(table[:, :12], np.stack([expected] * 3), atol=0.15)


def test__transform__two_periods__shows_both() -> None:
    curves = waves([0.71], [2000], noise=0.005)
    once = FoldedCurve(12, **FAST).transform(curves)
    twice = FoldedCurve(24, 2, **FAST).transform(curves)
    np.testing.assert_allclose(twice[0], np.tile(once[0], 2), atol=0.15)


def test__transform__period__is_that_of_the_finder() -> None:
    curves = waves([0.71, 3.3, 1.234], [80, 60, 90])
    both = make_union(FoldedCurve(6, with_period=True, **FAST), PeriodFinder(**FAST))
    table = both.fit_transform(curves)
    np.testing.assert_allclose(10 ** table[:, 6], table[:, 7], rtol=1e-12)


def test__transform__too_short_or_constant__is_nan() -> None:
    good = waves([0.7], [40])[0][:, :2]
    table = FoldedCurve(6, with_period=True, **FAST).transform([good[:3], good * [1, 0], good])
    assert np.isnan(table[:2]).all()
    assert np.isfinite(table[2]).all()


@pytest.mark.parametrize("with_period", [False, True])
def test__names__data_frame__are_those_of_the_columns(with_period: bool) -> None:
    folded = FoldedCurve(3, with_period=with_period, **FAST).set_output(transform="pandas")
    frame = folded.fit_transform(waves([0.7], [40]))
    expected = ["phase_0", "phase_1", "phase_2"] + ["log_period"] * with_period
    assert list(frame.columns) == expected


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_bins": 0}, "n_bins must be a positive integer"),
        ({"periods": 3}, "periods must be 1 or 2, got 3"),
        ({"periods": True}, "periods must be 1 or 2, got True"),
        ({"min_period": -1}, "min_period must be a positive number"),
    ],
)
def test__fit__parameter_not_allowed__says_what_is(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FoldedCurve(**params).fit(waves([0.7], [40]))
