"""Fits, refinement and false alarms against numpy and astropy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from period_curves import batch_and_grid, fitted, waves

from sklearn_astromer.periods import peaks
from sklearn_astromer.periods.peaks import find_peaks, harmonic_fit, log_false_alarm, refine


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("n_terms", [1, 2, 4])
def test__harmonic_fit__any_terms__is_least_squares(n_terms: int) -> None:
    curves = waves([0.71, 3.3], [60, 33])
    batch, _ = batch_and_grid(curves)
    frequency = torch.stack([column(1.4, 0.2, 3.0), column(0.3, 0.31, 1.0)])
    power, model = harmonic_fit(batch, frequency, n_terms, with_model=True)
    for curve in range(2):
        for number in range(3):
            expected, fit = fitted(curves[curve], float(frequency[curve, number]), n_terms)
            assert float(power[curve, number]) == pytest.approx(expected, abs=1e-9)
            given = model[curve, number, : len(fit)].numpy()
            np.testing.assert_allclose(given, fit, atol=1e-7)


@pytest.mark.parametrize("n_terms", [1, 3])
def test__harmonic_fit__any_terms__is_that_of_astropy(n_terms: int) -> None:
    timeseries = pytest.importorskip("astropy.timeseries")
    (curve,) = waves([0.71], [80])
    batch, _ = batch_and_grid([curve])
    frequency = np.linspace(0.3, 3.0, 7)
    theirs = timeseries.LombScargle(*curve.T, nterms=n_terms).power(
        frequency, method="slow" if n_terms == 1 else "chi2"
    )
    ours, _ = harmonic_fit(batch, torch.from_numpy(frequency)[None], n_terms)
    np.testing.assert_allclose(ours[0], theirs, atol=1e-9)


def test__harmonic_fit__little_memory__the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    batch, _ = batch_and_grid(waves([0.71, 3.3], [60, 33]))
    frequency = torch.rand(2, 9, dtype=torch.float64)
    whole, _ = harmonic_fit(batch, frequency, 2)
    monkeypatch.setattr(peaks, "WORK_SIZE", 1)
    parts, _ = harmonic_fit(batch, frequency, 2)
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


@pytest.mark.parametrize("n_terms", [1, 2])
def test__refine__from_the_grid__reaches_the_top(n_terms: int) -> None:
    curves = waves([0.7123, 3.3217, 0.4444], [60, 47, 90])
    batch, grid = batch_and_grid(curves)
    for offset in (-0.5, 0.2, 0.5):
        start = column(1 / 0.7123, 1 / 3.3217, 1 / 0.4444) + offset * grid.step
        frequency, power = refine(batch, start[:, None], grid, n_terms)
        for curve in range(3):
            near = start[curve] + grid.step[curve] * torch.linspace(-1, 1, 4001).double()
            dense, _ = harmonic_fit(batch, near.expand(3, -1), n_terms)
            top = dense[curve].argmax()
            assert float(power[curve, 0]) == pytest.approx(float(dense[curve, top]), abs=1e-6)
            away = abs(float(frequency[curve, 0] - near[top])) * float(batch.span[curve])
            assert away < 2e-3  # peaks are about 1 wide in these units


def test__find_peaks__two_periods_and_their_aliases__finds_both() -> None:
    random = np.random.RandomState(1)
    # One observation a night, within the same five hours: aliases of every period a day away.
    time = np.arange(200) + 0.2 * random.rand(200)
    magnitude = 0.5 * np.sin(2 * np.pi * time / 3.7) + 0.2 * np.sin(2 * np.pi * time / 11.3)
    curve = np.column_stack([time, magnitude + 0.02 * random.randn(200)])
    batch, grid = batch_and_grid([curve], min_period=0.2)
    found = find_peaks(batch, grid, n_peaks=3, n_terms=1, block_rows=100)[0]
    assert float(found[0, 0]) == pytest.approx(3.7, rel=1e-3)
    assert float(found[1, 0]) == pytest.approx(11.3, rel=1e-3)
    # What is left is noise.
    assert float(found[1, 1]) > 0.9
    assert float(found[2, 1]) < 0.2
    assert float(found[2, 4]) > -2


def test__find_peaks__eclipses_of_two_depths__harmonics_find_the_whole_period() -> None:
    random = np.random.RandomState(2)
    time = np.sort(random.uniform(0, 100, 300))
    phase = (time / 2.2) % 1
    depth = np.where(phase < 0.5, 0.8, 0.4)
    eclipse = depth * np.exp(-(((phase % 0.5) - 0.25) ** 2) / (2 * 0.06**2))
    batch, grid = batch_and_grid([np.column_stack([time, eclipse + 0.01 * random.randn(300)])])
    single = find_peaks(batch, grid, n_peaks=1, n_terms=1, block_rows=100)[0, 0]
    several = find_peaks(batch, grid, n_peaks=1, n_terms=4, block_rows=100)[0, 0]
    assert float(single[0]) == pytest.approx(1.1, rel=1e-3)
    assert float(single[3]) < 0.5 * float(single[2])  # folded on twice the period it scatters less
    assert float(several[0]) == pytest.approx(2.2, rel=1e-3)
    assert float(several[2]) == pytest.approx(float(single[3]), rel=0.2)


def test__find_peaks__a_plain_sine_with_harmonics__keeps_the_period() -> None:
    periods = [0.7123, 3.3217, 0.4444, 9.1]
    batch, grid = batch_and_grid(waves(periods, [60, 47, 90, 70]))
    found = find_peaks(batch, grid, n_peaks=1, n_terms=3, block_rows=100)[:, 0, 0]
    np.testing.assert_allclose(found, periods, rtol=3e-3)


def test__find_peaks__nothing_left__is_nan() -> None:
    batch, grid = batch_and_grid(waves([0.7], [40]))
    batch = batch.with_magnitude(torch.cos(2 * np.pi * batch.time))
    frequency = torch.ones(1, 1, dtype=torch.float64)
    _, model = harmonic_fit(batch, frequency, 1, with_model=True)
    assert float((batch.magnitude - model[:, 0]).abs().max()) < 1e-9
    found = find_peaks(batch, grid, n_peaks=2, n_terms=1, block_rows=100)[0]
    assert float(found[0, 0]) == pytest.approx(1, rel=1e-5)
    assert float(found[0, 1]) == pytest.approx(1, abs=1e-6)


def test__log_false_alarm__one_term__is_that_of_astropy() -> None:
    timeseries = pytest.importorskip("astropy.timeseries")
    curves = waves([0.71, 3.3], [60, 33])
    batch, _ = batch_and_grid(curves)
    for power in (0.05, 0.3, 0.5, 0.9):
        ours = log_false_alarm(batch, column(power, power), column(3.0, 5.0), 1)
        for curve, highest in ((0, 3.0), (1, 5.0)):
            theirs = timeseries.LombScargle(*curves[curve].T).false_alarm_probability(
                power, method="baluev", maximum_frequency=highest, samples_per_peak=10_000
            )
            assert float(ours[curve]) == pytest.approx(np.log10(theirs), abs=1e-5)


def test__log_false_alarm__perfect_fit__is_finite() -> None:
    batch, _ = batch_and_grid(waves([0.71], [200]))
    assert -2000 < float(log_false_alarm(batch, column(1.0), column(3.0), 1)) < -1000
    assert float(log_false_alarm(batch, column(0.0), column(3.0), 1)) == 0


@pytest.mark.parametrize("n_terms", [1, 2, 3])
def test__log_false_alarm__noise__is_as_rare_as_it_says(n_terms: int) -> None:
    random = np.random.RandomState(3)
    curves = [
        np.column_stack([np.sort(random.uniform(0, 20, 50)), random.randn(50)]) for _ in range(300)
    ]
    batch, grid = batch_and_grid(curves, min_period=1.0, oversampling=8)
    count = int(grid.count.max())
    frequency = grid.first[:, None] + torch.arange(count) * grid.step[:, None]
    highest = harmonic_fit(batch, frequency, n_terms)[0].max(1).values
    rare = log_false_alarm(batch, highest, frequency[:, -1], n_terms)
    for level in (0.5, 0.2, 0.05):
        share = float((rare < np.log10(level)).double().mean())
        assert level / 4 < share < level * 1.4, (level, share)
