"""The paper's filter of noise, and the moments that it rests on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sklearn_astromer import LightCurves
from sklearn_astromer.datasets import is_white_noise, magnitude_moments, make_variable_stars


@pytest.fixture
def curves() -> LightCurves:
    """Light curves of all kinds of lengths and distributions, some without measurements."""
    generator = np.random.default_rng(0)
    parts = [
        generator.normal(15.0, 0.2, 200),
        np.array([]),
        15 + generator.exponential(0.3, 150),
        np.full(5, np.nan),
        15 + 0.3 * generator.standard_t(3, 400),
        np.array([14.25]),
        np.full(7, 14.1),
        np.array([14.0, np.nan, 14.5, 15.0]),
        np.array([]),
    ]
    magnitude = np.concatenate(parts)
    time = np.arange(len(magnitude), dtype=float)
    time[10] = np.nan
    return LightCurves(time, magnitude, offsets=np.cumsum([0, *map(len, parts)]))


def measured(curves: LightCurves) -> list[np.ndarray]:
    return [curve[np.isfinite(curve).all(axis=1), 1] for curve in curves]


def test__magnitude_moments__any_curve__are_those_of_scipy(curves: LightCurves) -> None:
    moments = magnitude_moments(curves)
    for position, magnitude in enumerate(measured(curves)):
        if len(magnitude) == 0:
            assert np.isnan([column[position] for column in moments]).all()
            continue
        assert moments.std[position] == pytest.approx(magnitude.std(), abs=1e-12)
        if magnitude.std() < 1e-9:
            assert moments.std[position] == 0
            assert np.isnan(moments.skewness[position])
            assert np.isnan(moments.kurtosis[position])
        else:
            assert moments.skewness[position] == pytest.approx(stats.skew(magnitude))
            assert moments.kurtosis[position] == pytest.approx(stats.kurtosis(magnitude))


def test__magnitude_moments__nothing_measured__are_nan() -> None:
    moments = magnitude_moments([np.full((3, 2), np.nan)])
    np.testing.assert_array_equal(np.array(moments), np.full((3, 1), np.nan))


def spiky(deviation: float, n_spikes: int, sign: float = 1.0) -> np.ndarray:
    """A curve that is flat but for some spikes: its moments are known in closed form."""
    magnitude = np.full(1000, 15.0)
    magnitude[:n_spikes] += sign * deviation
    return np.stack([np.arange(1000.0), magnitude], axis=1)


def test__is_white_noise__needs_all_three__of_the_limits() -> None:
    # With a share p of spikes of height h: std = h sqrt(p (1 - p)), skewness
    # (1 - 2p) / sqrt(p (1 - p)), kurtosis 1 / (p (1 - p)) - 6.
    symmetric = spiky(10.0, 1)
    symmetric[500, 1] -= 10.0
    cases = {
        "all three": (spiky(2.0, 10), True),
        "towards bright": (spiky(2.0, 10, -1.0), True),
        "std too small": (spiky(0.9, 10), False),
        "kurtosis too small": (spiky(2.0, 100), False),
        "skewness too small": (symmetric, False),
        "normal": (spiky(2.0, 500), False),
    }
    found = is_white_noise([curve for curve, _ in cases.values()])
    assert found.dtype == bool
    assert dict(zip(cases, found.tolist(), strict=True)) == {
        name: expected for name, (_, expected) in cases.items()
    }


def test__is_white_noise__limits__are_exclusive_and_may_be_set() -> None:
    curve = [spiky(2.0, 10)]
    moments = magnitude_moments(curve)
    std, skewness, kurtosis = (float(column[0]) for column in moments)
    assert std == pytest.approx(2.0 * np.sqrt(0.0099))
    assert kurtosis == pytest.approx(1 / 0.0099 - 6)
    assert not is_white_noise(curve, std=std)[0]
    assert is_white_noise(curve, std=std - 1e-9)[0]
    assert not is_white_noise(curve, skewness=skewness)[0]
    assert not is_white_noise(curve, kurtosis=kurtosis)[0]


def test__is_white_noise__no_moments__is_false(curves: LightCurves) -> None:
    found = is_white_noise(curves, kurtosis=0, skewness=0, std=0)
    few = np.array([len(magnitude) < 2 or np.ptp(magnitude) == 0 for magnitude in measured(curves)])
    assert few.sum() == 5
    assert not found[few].any()


def test__is_white_noise__any_form__gives_the_same() -> None:
    X, _ = make_variable_stars(5, classes=["detached binary", "Mira"], random_state=0)
    limits = {"kurtosis": 1.0, "skewness": 0.5, "std": 0.05}
    expected = is_white_noise(X, **limits)
    assert 0 < expected.sum() < len(X)
    frame = pd.DataFrame({"time": [c[:, 0] for c in X], "mag": [c[:, 1] for c in X]})
    for form in (X.to_list(), frame):
        np.testing.assert_array_equal(is_white_noise(form, **limits), expected)
    np.testing.assert_array_equal(is_white_noise(X[::-1], **limits), expected[::-1])
    assert len(X[~expected]) == len(X) - expected.sum()


@pytest.mark.parametrize("name", ["kurtosis", "skewness", "std"])
def test__is_white_noise__limit_negative__is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be zero or a positive number"):
        is_white_noise([spiky(1.0, 3)], **{name: -0.5})
