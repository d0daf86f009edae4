"""Weights, spans and batches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from period_curves import waves

from sklearn_astromer import as_light_curves
from sklearn_astromer.periods.batches import SearchableCurves, SearchRange

CPU = torch.device("cpu")


def test__batch__curves_of_two_lengths__padding_weighs_nothing() -> None:
    curves = waves([0.7, 3.3], [60, 33])
    batch = SearchableCurves(as_light_curves(curves)).batch(np.array([1, 0]), CPU)
    assert batch.length.tolist() == [33, 60]
    assert batch.weight[0, 33:].tolist() == [0.0] * 27
    np.testing.assert_allclose(batch.weight.sum(1), 1)
    for row, curve in enumerate([curves[1], curves[0]]):
        n = len(curve)
        weight = 1 / curve[:, 2] ** 2
        mean = np.average(curve[:, 1], weights=weight)
        np.testing.assert_allclose(batch.weight[row, :n], weight / weight.sum())
        np.testing.assert_allclose(batch.magnitude[row, :n], curve[:, 1] - mean, atol=1e-12)
        np.testing.assert_allclose(np.diff(batch.time[row, :n]), np.diff(curve[:, 0]), atol=1e-9)
        assert float(batch.time[row, 0]) == pytest.approx(-float(batch.span[row]) / 2)
        variance = np.average((curve[:, 1] - mean) ** 2, weights=weight)
        assert float(batch.variance[row]) == pytest.approx(variance)


def test__weights__unknown_errors__are_the_median_of_the_others() -> None:
    curve, other = waves([0.7, 3.3], [30, 20])
    curve[[3, 7], 2] = np.nan
    other[:, 2] = np.nan
    curves = SearchableCurves(as_light_curves([curve, other]))
    median = np.nanmedian(curve[:, 2])
    np.testing.assert_allclose(curves.weight[[3, 7]], 1 / median**2)
    assert curves.weight[30:].tolist() == [1.0] * 20


@pytest.mark.parametrize("value", [0.0, -0.1])
def test__weights__error_not_positive__is_named(value: float) -> None:
    curves = waves([0.7, 3.3], [30, 20])
    curves[0][4, 1] = np.nan  # not counted, but observations are numbered as given
    curves[1][5, 2] = value
    with pytest.raises(ValueError, match=r"light curve 1: the error is .* at observation 5"):
        SearchableCurves(as_light_curves(curves))


def test__weights__jitter__is_the_variance_beyond_the_errors() -> None:
    curve, constant = waves([0.7, 3.3], [30, 20])
    constant[:, 1] = 15.0
    curves = SearchableCurves(as_light_curves([curve, constant]), add_jitter=True)
    excess = curve[:, 1].var(ddof=1) - np.mean(curve[:, 2] ** 2)
    np.testing.assert_allclose(curves.weight[:30], 1 / (curve[:, 2] ** 2 + excess))
    np.testing.assert_allclose(curves.weight[30:], 1 / constant[:, 2] ** 2)


def test__search_range__frequencies__are_counted_up_to_the_shortest_period() -> None:
    span = np.array([10.0, 100.0, 0.04, 0.0])
    assert SearchRange(0.05, None, 5).counts(span).tolist() == [996, 9996, 0, 0]
    assert SearchRange(0.05, 1.0, 5).counts(span).tolist() == [951, 9501, 4, 0]
    grid = SearchRange(0.05, 1.0, 5).grid(torch.tensor(span[:2]))
    np.testing.assert_allclose(grid.first, 1)
    np.testing.assert_allclose(grid.first + (grid.count - 1) * grid.step, 20)


def test__batches__many_lengths__all_curves_once_and_little_padding() -> None:
    random = np.random.RandomState(0)
    lengths = random.randint(5, 300, 200)
    curves = SearchableCurves(as_light_curves(waves(random.uniform(1, 9, 200), lengths)))
    counts = SearchRange(0.3, None, 5).counts(curves.span)
    chosen = np.flatnonzero(lengths != lengths.max())
    parts = list(curves.batches(chosen, counts, 8))
    assert sorted(np.concatenate(parts).tolist()) == chosen.tolist()
    assert max(map(len, parts)) <= 8
    padded = sum(len(part) * lengths[part].max() for part in parts)
    assert padded < 1.15 * lengths[chosen].sum()
    assert lengths[parts[0]].max() > 0.9 * lengths[chosen].max()
