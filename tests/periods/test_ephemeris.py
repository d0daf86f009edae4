"""Ephemerides: periods as `PeriodFinder` gives them, and epochs at minimum light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, replace

import numpy as np
import pytest
import torch

from sklearn_astromer import AstromerEmbedder, LightCurves, as_light_curves, preparation
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.periods import PeriodFinder, with_periods
from sklearn_astromer.periods.ephemeris import find_ephemerides

CPU = torch.device("cpu")


def test__find_ephemerides__any_stars__agree_with_the_period_finder() -> None:
    curves, _ = make_variable_stars(2, cadence="ogle", random_state=0)
    found = find_ephemerides(curves, device=CPU, batch_size=3)
    columns = PeriodFinder().transform(curves)
    # The batches differ, and with them the last digits.
    np.testing.assert_allclose(found.period, columns[:, 0], rtol=1e-9)
    parts = [found.power, found.scatter, found.scatter_double, found.log_false_alarm]
    np.testing.assert_allclose(np.stack(parts, 1), columns[:, 1:], rtol=1e-6, atol=1e-9)


def test__find_ephemerides__two_different_minima__epoch_is_the_deeper_one() -> None:
    random = np.random.default_rng(2)
    curves, middles = [], []
    for period in (0.7, 3.3):
        time = np.sort(random.uniform(50_000, 50_600, 400))
        middles.append(50_300 + period)
        phase = (time - middles[-1]) / period
        distance = np.abs(phase[:, None] - np.round(2 * phase[:, None]) / 2)[:, 0]
        deep = np.isclose(np.round(2 * phase) % 2, 0)
        magnitude = 12 + np.where(deep, 0.8, 0.5) * np.exp(-((distance / 0.06) ** 2))
        curves.append(np.column_stack([time, magnitude, np.full(400, 0.01)]))
    found = find_ephemerides(as_light_curves(curves), device=CPU)
    np.testing.assert_allclose(found.period, [0.35, 1.65], rtol=3e-4)
    cycles = (found.epoch - middles) / (2 * found.period)
    assert np.abs(cycles - np.round(cycles)).max() < 0.01


def test__find_ephemerides__other_zero_points__only_the_epoch_moves() -> None:
    curves, _ = make_variable_stars(2, classes=["RRab", "Cepheid"], random_state=1)
    later = LightCurves(
        curves.time + 1000, curves.magnitude + 2, curves.error, offsets=curves.offsets
    )
    one, other = find_ephemerides(curves, device=CPU), find_ephemerides(later, device=CPU)
    np.testing.assert_allclose(one.period, other.period, rtol=1e-7)
    cycles = (other.epoch - one.epoch - 1000) / (2 * one.period)
    np.testing.assert_allclose(cycles, np.round(cycles), atol=1e-3)


def test__ephemerides__nothing_to_find__are_nan_and_facts_zero() -> None:
    curves = as_light_curves([np.array([[1.0, 3.0], [2.0, 4.0], [3.0, 3.0]]), np.ones((9, 2))])
    found = find_ephemerides(curves, device=CPU)
    assert np.isnan(found.period).all()
    assert np.isnan(found.epoch).all()
    assert not found.facts().any()


def test__facts__any_stars__are_of_order_one() -> None:
    curves, _ = make_variable_stars(3, cadence="asas", random_state=3)
    found = find_ephemerides(curves, device=CPU)
    facts = found.facts()
    assert facts.shape == (24, 6)
    assert facts.dtype == np.float32
    assert np.isfinite(facts).all()
    assert np.abs(facts).max() < 4
    np.testing.assert_allclose(10.0 ** facts[:, 0], found.period, rtol=1e-5)
    assert (facts[:, 5] == 1).all()


@pytest.fixture
def searches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many light curves each search of an embedder was for."""
    counts: list[int] = []
    search: Callable = preparation.find_ephemerides

    def counted(curves: LightCurves, **options: object) -> object:
        counts.append(len(curves))
        return search(curves, **options)

    monkeypatch.setattr(preparation, "find_ephemerides", counted)
    return counts


def test__with_periods__light_curves_in_any_form__carry_what_a_search_finds() -> None:
    curves, _ = make_variable_stars(1, cadence="atlas", random_state=0)
    known = with_periods(curves.to_list()).ephemerides
    assert known is not None
    expected = find_ephemerides(curves, device=CPU)
    np.testing.assert_array_equal(astuple(known), astuple(expected))


def test__transform__periods_known__same_embeddings_without_a_search(searches: list[int]) -> None:
    curves, _ = make_variable_stars(1, cadence="atlas", random_state=0)
    embedder = AstromerEmbedder.pretrained("variables")
    expected = embedder.transform(curves)[2:5]
    known = with_periods(curves)
    searches.clear()
    np.testing.assert_allclose(embedder.transform(known[2:5]), expected, atol=2e-5)
    assert searches == []


def test__transform__other_periods_given__are_what_the_network_folds_on() -> None:
    curves = with_periods(make_variable_stars(1, classes=["RRab"], random_state=0)[0])
    embedder = AstromerEmbedder.pretrained("variables")
    assert curves.ephemerides is not None
    other = replace(curves.ephemerides, period=1.5 * curves.ephemerides.period)
    wrong = curves.with_ephemerides(other)
    np.testing.assert_array_equal(embedder.find_periods(wrong), other.period)
    assert np.abs(embedder.transform(wrong) - embedder.transform(curves)).max() > 0.1


def test__score__periods_known__searched_without_what_is_hidden(searches: list[int]) -> None:
    curves, _ = make_variable_stars(1, cadence="atlas", random_state=0)
    embedder = AstromerEmbedder.pretrained("variables", random_state=0)
    expected = embedder.score(curves)
    known = with_periods(curves)
    searches.clear()
    assert embedder.score(known) == expected
    assert searches == [8]
