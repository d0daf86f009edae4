"""The spectrum by matrix products against least squares, frequency by frequency."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from period_curves import batch_and_grid, fitted, waves

from sklearn_astromer.periods.batches import ROW
from sklearn_astromer.periods.spectrum import Spectrum, cos_sin


def all_rows(n_curves: int, n_rows: int) -> torch.Tensor:
    return torch.arange(n_rows).expand(n_curves, -1)


def test__cos_sin__many_turns__whole_turns_are_taken_off_in_float64() -> None:
    turns = torch.tensor([0.125, 1e6 + 0.125, -3e7 - 0.25], dtype=torch.float64)
    cosine, sine = cos_sin(turns)
    assert cosine.dtype == torch.float32
    np.testing.assert_allclose(cosine, [np.sqrt(0.5), np.sqrt(0.5), 0], atol=2e-7)
    np.testing.assert_allclose(sine, [np.sqrt(0.5), np.sqrt(0.5), -1], atol=2e-7)


@pytest.mark.parametrize("errors", [True, False])
def test__power__some_frequencies__is_that_of_least_squares(errors: bool) -> None:
    curves = waves([0.71, 3.3, 20.0], [60, 47, 8], errors=errors)
    batch, grid = batch_and_grid(curves)
    rows = all_rows(3, int(grid.n_rows.max()))
    power = Spectrum(batch, grid).power(rows)
    frequency = grid.frequencies(rows)
    assert power.shape == (3, rows.shape[1], ROW)
    for curve in range(3):
        for row, place in [(0, 0), (0, ROW - 1), (0, ROW // 2), (1, 3), (2, ROW // 2 - 1)]:
            expected, _ = fitted(curves[curve], float(frequency[curve, row, place]))
            assert float(power[curve, row, place]) == pytest.approx(expected, abs=1e-5)


def test__frequencies__rows__continue_each_other_from_one_over_the_span() -> None:
    batch, grid = batch_and_grid(waves([1.0, 1.0], [30, 40]), oversampling=4)
    rows = all_rows(2, int(grid.n_rows.max()))
    frequency = grid.frequencies(rows)
    for curve in range(2):
        inside = frequency[curve][grid.contains(rows)[curve]].numpy()
        span = float(batch.span[curve])
        assert inside[0] == pytest.approx(1 / span)
        np.testing.assert_allclose(np.diff(inside), 1 / (4 * span), rtol=1e-6)
        assert 1 / 0.3 - 1 / (4 * span) < inside[-1] <= 1 / 0.3 + 1e-9
        centre = grid.centre(rows)[curve]
        np.testing.assert_allclose(centre, frequency[curve].mean(-1), rtol=1e-12)


@pytest.mark.parametrize("block_rows", [1, 3, 1000])
def test__strongest_rows__any_block__hold_the_highest_peak_first(block_rows: int) -> None:
    curves = waves([0.71, 3.3, 0.4], [60, 47, 90], noise=0.02)
    batch, grid = batch_and_grid(curves)
    spectrum = Spectrum(batch, grid)
    rows, found = spectrum.strongest_rows(4, block_rows)
    assert found.all()
    expected = [
        int(5 * span * (1 / period - 1 / span)) // ROW
        for span, period in zip(batch.span.tolist(), [0.71, 3.3, 0.4], strict=True)
    ]
    assert rows[:, 0].tolist() == expected
    whole, _ = spectrum.strongest_rows(4, 1000)
    assert rows.tolist() == whole.tolist()


def test__strongest_rows__fewer_rows_than_asked_for__says_which_are_none() -> None:
    batch, grid = batch_and_grid(waves([5.0, 5.0], [40, 40]), min_period=1.1)
    n_rows = int(grid.n_rows.max())
    rows, found = Spectrum(batch, grid).strongest_rows(n_rows + 3, 2)
    assert found.sum(1).tolist() == [n_rows] * 2
    assert sorted(rows[0][found[0]].tolist()) == list(range(n_rows))


def test__power__phases_all_alike__is_zero() -> None:
    curve = np.column_stack([np.arange(20.0), np.random.RandomState(0).randn(20)])
    batch, grid = batch_and_grid([curve], min_period=0.4)
    rows = all_rows(1, int(grid.n_rows.max()))
    power = Spectrum(batch, grid).power(rows)
    once_a_day = (grid.frequencies(rows) - 1).abs() < 1e-9
    assert once_a_day.any()
    assert power[once_a_day].tolist() == [0.0] * int(once_a_day.sum())
    assert bool((power >= 0).all() and (power <= 1).all())
