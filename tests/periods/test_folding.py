"""Folding against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from period_curves import batch_and_grid, waves

from sklearn_astromer.periods.folding import folded_profile, folded_scatter, phases


def periods(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test__phases__any_time__are_from_0_to_1() -> None:
    batch, _ = batch_and_grid(waves([0.7, 3.3], [60, 33]))
    phase = phases(batch, periods(0.7, 1e-3))
    assert bool((phase >= 0).all() and (phase < 1).all())
    turns = (batch.time[0] / 0.7).numpy()
    np.testing.assert_allclose(phase[0], turns - np.floor(turns))


def test__folded_scatter__two_curves__is_that_of_a_loop() -> None:
    curves = waves([0.7, 3.3], [60, 33])
    batch, _ = batch_and_grid(curves)
    given = folded_scatter(batch, periods(0.7, 6.6))
    for curve, period, scatter in zip(curves, (0.7, 6.6), given.tolist(), strict=True):
        time, magnitude = curve[:, 0], curve[:, 1]
        middle = (time[0] + time[-1]) / 2
        ordered = magnitude[np.argsort(((time - middle) / period) % 1)]
        neighbours = np.mean((np.roll(ordered, -1) - ordered) ** 2)
        pairs = (magnitude[:, None] - magnitude) ** 2
        any_two = pairs.sum() / (len(curve) * (len(curve) - 1))
        assert scatter == pytest.approx(np.sqrt(neighbours / any_two), rel=1e-6)


def test__folded_scatter__right_wrong_period__is_small_or_about_one() -> None:
    batch, _ = batch_and_grid(waves([0.7], [500], noise=0.01))
    assert float(folded_scatter(batch, periods(0.7))[0]) < 0.1
    assert float(folded_scatter(batch, periods(0.4321))[0]) == pytest.approx(1, abs=0.1)


def test__folded_profile__sine__begins_at_minimum_light() -> None:
    batch, _ = batch_and_grid(waves([0.7, 3.3], [4000, 3000], noise=0.001))
    profile = folded_profile(batch, periods(0.7, 3.3), 12)
    expected = np.sqrt(2) * np.cos(2 * np.pi * np.arange(12) / 12) * np.sinc(1 / 12)
    np.testing.assert_allclose(profile, np.stack([expected] * 2), atol=0.06)


def test__folded_profile__two_eclipses__begins_at_the_deeper_one() -> None:
    time = np.sort(np.random.RandomState(0).uniform(0, 400, 5000))
    phase = (time / 2.2 + 0.3) % 1
    depth = np.where(np.abs(phase - 0.5) < 0.25, 0.3, 0.7)
    distance = np.abs((phase + 0.25) % 0.5 - 0.25)
    curve = np.column_stack([time, depth * np.exp(-((distance / 0.03) ** 2))])
    batch, _ = batch_and_grid([curve])
    profile = folded_profile(batch, periods(2.2), 20)[0].numpy()
    assert profile.argmax() == 0
    assert np.argsort(-profile)[1] == 10
    assert profile[0] > 1.5 * profile[10] > 1.5


def test__folded_profile__bins_without_observations__are_interpolated() -> None:
    # Phases 0, 1/10, 4/10, 5/10 ... of a period of ten days, a day apart.
    days = np.array([0.0, 1, 4, 5, 6, 9])
    time = np.concatenate([days + 10 * k for k in range(20)])
    magnitude = np.cos(2 * np.pi * time / 10)
    batch, _ = batch_and_grid([np.column_stack([time, magnitude])])
    profile = folded_profile(batch, periods(10.0), 10)[0].numpy()
    values = magnitude[:6] - magnitude.mean()
    values /= magnitude.std()
    expected = np.interp(np.arange(10), [0, 1, 4, 5, 6, 9], values)
    np.testing.assert_allclose(profile, expected, atol=1e-6)


def test__folded_profile__later_in_time__is_the_same() -> None:
    curves = waves([0.7], [400], noise=0.001)
    # All observations, and those without the first and last days: another zero of phase.
    part = curves[0][40:-25]
    batch, _ = batch_and_grid([curves[0], part])
    whole, later = folded_profile(batch, periods(0.7, 0.7), 8)
    np.testing.assert_allclose(whole, later, atol=0.1)


def test__folded_profile__fewer_observations_than_bins__has_no_gap() -> None:
    batch, _ = batch_and_grid(waves([0.7, 0.7], [7, 300]))
    profile = folded_profile(batch, periods(0.7, 0.7), 50)
    assert bool(torch.isfinite(profile).all())
