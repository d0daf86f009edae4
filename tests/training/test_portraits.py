"""Portraits: the same numbers as from plain numpy, curve by curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy import stats

from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.network import NetworkConfig
from sklearn_astromer.preparation import observations_for
from sklearn_astromer.training.portraits import N_PORTRAIT, PERCENTILES, portraits

CONFIG = NetworkConfig(cycle_multiples=(1.0,))
CURVES, LABELS = make_variable_stars(3, cadence="atlas", random_state=0)
OBSERVATIONS = observations_for(CONFIG, CURVES, device=torch.device("cpu"))


def plain(curve: np.ndarray, period: float, epoch: float) -> np.ndarray:
    magnitude = curve[:, 1]
    scaled = (magnitude - magnitude.mean()) / magnitude.std()
    place = np.floor(((curve[:, 0] - epoch) / (2 * period) * 24 + 0.5) % 24).astype(int)
    profile = [scaled[place == k].mean() if (place == k).any() else np.nan for k in range(24)]
    statistics = [
        np.log10(magnitude.std()),
        np.clip(stats.skew(magnitude), -5, 5),
        np.log10(np.clip(stats.kurtosis(magnitude, fisher=False), 0.5, 100)),
        np.log10(np.abs(np.diff(scaled)).mean()),
        *np.percentile(scaled, PERCENTILES),
    ]
    return np.array([*profile, *statistics])


def test__portraits__any_stars__equal_the_plain_computation() -> None:
    table = portraits(OBSERVATIONS)
    found = OBSERVATIONS.ephemerides
    assert found is not None
    expected = np.stack(
        [
            plain(curve.astype(np.float64), period, epoch)
            for curve, period, epoch in zip(CURVES, found.period, found.epoch, strict=True)
        ]
    )
    statistics = expected[:, 24:]
    expected[:, 24:] = (statistics - statistics.mean(0)) / statistics.std(0)
    assert table.shape == (24, N_PORTRAIT)
    assert table.dtype == np.float32
    np.testing.assert_allclose(table, expected.clip(-4, 4), atol=2e-4)


def test__portraits__first_bin__is_faint() -> None:
    table = portraits(OBSERVATIONS)
    folded = np.isin(LABELS, ["RRab", "contact binary", "Mira"])
    assert (table[folded, 0] > 0.5).all()


def test__portraits__no_period__has_no_profile() -> None:
    ephemerides = OBSERVATIONS.ephemerides
    assert ephemerides is not None
    period = ephemerides.period.copy()
    period[2] = np.nan
    lost = replace(OBSERVATIONS, ephemerides=replace(ephemerides, period=period))
    table = portraits(lost)
    assert np.isnan(table[2, :24]).all()
    assert np.isfinite(table[2, 24:]).all()
    np.testing.assert_array_equal(table[3], portraits(OBSERVATIONS)[3])
    bare = portraits(replace(OBSERVATIONS, ephemerides=None))
    assert np.isnan(bare[:, :24]).all()
