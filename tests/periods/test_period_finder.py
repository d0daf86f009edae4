"""`PeriodFinder` and `periodogram`: true periods, other people's spectra, and every trap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from period_curves import waves
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_astromer import LightCurves
from sklearn_astromer.datasets import make_variable_stars
from sklearn_astromer.periods import PeriodFinder, periodogram
from sklearn_astromer.periods import search as search_module

FAST: dict[str, Any] = {"min_period": 0.3, "device": "cpu"}


@pytest.mark.parametrize("normalization", ["standard", "model", "log", "psd"])
@pytest.mark.parametrize("errors", [True, False])
def test__periodogram__any_normalization__is_that_of_astropy(
    normalization: str, errors: bool
) -> None:
    timeseries = pytest.importorskip("astropy.timeseries")
    curves = waves([0.71, 3.3], [200, 31], errors=errors)
    # Daily gaps, as on the ground, and one pair of equal times.
    curves[0][:, 0] = np.floor(curves[0][:, 0]) + 0.3 * (curves[0][:, 0] % 1)
    curves[0][5, 0] = curves[0][4, 0]
    frequencies, powers = periodogram(curves, 0.1, normalization=normalization, device="cpu")
    for curve, frequency, power in zip(curves, frequencies, powers, strict=True):
        theirs = timeseries.LombScargle(*curve.T, normalization=normalization).power(
            frequency, method="slow"
        )
        np.testing.assert_allclose(power, theirs, atol=1e-4, rtol=1e-4)
        assert frequency[0] == pytest.approx(1 / np.ptp(curve[:, 0]))
        assert frequency[-1] == pytest.approx(10, rel=1e-2)


def test__periodogram__too_few_observations__is_empty() -> None:
    frequencies, powers = periodogram(waves([0.7, 0.7], [4, 40]), 0.3, device="cpu")
    assert [len(part) for part in frequencies] == [len(part) for part in powers]
    assert len(frequencies[0]) == 0 < len(frequencies[1])


def test__periodogram__unknown_normalization__says_which_there_are() -> None:
    with pytest.raises(ValueError, match=r'normalization must be one of "standard", "model"'):
        periodogram(waves([0.7], [40]), normalization="amplitude")


def test__transform__peaks__are_the_highest_of_the_periodogram() -> None:
    curves = waves([0.71, 3.3, 20.0, 0.35], [60, 47, 90, 30])
    found = PeriodFinder(**FAST, add_jitter=False).transform(curves)
    frequencies, powers = periodogram(curves, **FAST)
    for row, frequency, power in zip(found, frequencies, powers, strict=True):
        step = frequency[1] - frequency[0]
        assert abs(1 / row[0] - frequency[power.argmax()]) < step
        assert power.max() - 1e-5 < row[1] < power.max() + 0.05


@pytest.mark.parametrize("cadence", ["macho", "ogle", "asas"])
def test__transform__simulated_stars__finds_their_periods(cadence: str) -> None:
    kinds = ["RRab", "Cepheid", "contact binary", "delta Scuti"]
    X, y, truth = make_variable_stars(
        6, classes=kinds, cadence=cadence, random_state=3, return_parameters=True
    )
    found = PeriodFinder(device="cpu").transform(X)[:, 0]
    ratio = found / truth["period"]
    half = (y == "contact binary") & (np.abs(2 * ratio - 1) < 0.01)
    assert np.mean((np.abs(ratio - 1) < 0.01) | half) > 0.9


def test__transform__real_cepheids__finds_what_astropy_finds(shared_folder: Path) -> None:
    timeseries = pytest.importorskip("astropy.timeseries")
    curves = LightCurves.read_parquet(shared_folder / "data" / "ogle3_cepheids.parquet")[:300:15]
    found = PeriodFinder(0.5, device="cpu").transform(curves)[:, 0]
    same = 0
    for curve, period in zip(curves, found, strict=True):
        span = np.ptp(curve[:, 0])
        frequency = np.arange(1 / span, 2, 0.2 / span)
        power = timeseries.LombScargle(*curve.T).power(frequency, method="fast")
        same += abs(period * frequency[power.argmax()] - 1) < 0.01
    assert same >= 0.98 * len(found)


@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test__transform__any_batch__the_same_in_the_order_given(batch_size: int) -> None:
    random = np.random.RandomState(0)
    periods = random.uniform(0.5, 9, 20)
    curves = waves(periods, random.randint(30, 200, 20))
    found = PeriodFinder(**FAST, batch_size=batch_size, n_peaks=2).transform(curves)
    np.testing.assert_allclose(found[:, 0], periods, rtol=0.01)
    alone = np.concatenate([PeriodFinder(**FAST, n_peaks=2).transform([c]) for c in curves])
    np.testing.assert_allclose(found[:, :5], alone[:, :5], rtol=1e-5)


def test__transform__shuffled_shifted_and_stretched__follows() -> None:
    curves = waves([0.71, 3.3], [80, 60])
    found = PeriodFinder(**FAST).transform(curves)
    changed = []
    for curve in curves:
        other = curve[np.random.RandomState(1).permutation(len(curve))] * [2, 1, 1]
        changed.append(other + np.array([2.4e6, 3.0, 0.0]))
    other = PeriodFinder(0.6, device="cpu").transform(changed)
    np.testing.assert_allclose(other[:, 0], 2 * found[:, 0], rtol=1e-5)
    np.testing.assert_allclose(other[:, 1:], found[:, 1:], rtol=1e-3)


def test__transform__nothing_to_find__is_nan_and_no_error() -> None:
    good = waves([0.7], [40])[0][:, :2]
    constant = good * [1, 0] + [0, 15.0]
    same_time = good * [0, 1]
    short_span = good * [1e-4, 1]
    pairs = np.repeat(good[:4], 3, axis=0)
    curves = [good[:1], good[:2], good[:4], constant, same_time, short_span, pairs, good, good[:5]]
    found = PeriodFinder(**FAST, n_peaks=2).transform(curves)
    assert np.isnan(found[:7]).all()
    assert np.isfinite(found[7]).all()
    assert np.isfinite(found[8, :2]).all()
    assert np.isnan(PeriodFinder(**FAST).transform(curves[:2])).all()


def test__transform__equal_times__are_taken() -> None:
    (curve,) = waves([0.7], [60])
    doubled = np.concatenate([curve, curve[:20] + np.array([0, 0.001, 0])])
    found = PeriodFinder(**FAST).transform([doubled])[0]
    assert found[0] == pytest.approx(0.7, rel=2e-3)


def test__transform__one_observation_a_day__takes_the_slowest_of_the_aliases() -> None:
    days = np.arange(100)
    rows = np.stack([np.sin(2 * np.pi * days / period) for period in (10.3, 33.0, 3.1)])
    found = PeriodFinder(device="cpu").fit_transform(rows)[:, 0]
    np.testing.assert_allclose(found, [10.3, 33.0, 3.1], rtol=0.01)


def test__transform__100_000_observations_in_one_curve__works() -> None:
    random = np.random.RandomState(0)
    time = np.sort(random.uniform(0, 400, 100_000))
    noise = random.randn(100_000)
    curve = np.column_stack([time, 15 + 0.04 * np.sin(2 * np.pi * time / 0.7654) + noise])
    found = PeriodFinder(0.5, device="cpu").transform([curve])[0]
    assert found[0] == pytest.approx(0.7654, rel=1e-4)
    assert found[4] < -5


def test__transform__max_period__bounds_the_search() -> None:
    curves = waves([20.0], [80])
    found = PeriodFinder(0.3, 5.0, device="cpu").transform(curves)[0]
    assert 0.3 <= found[0] <= 5.0
    assert PeriodFinder(0.3, 500.0, device="cpu").transform(curves)[0, 0] == pytest.approx(
        20.0, rel=0.02
    )


def test__transform__small_blocks__the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    curves = waves([0.71, 3.3], [60, 47])
    whole = PeriodFinder(**FAST).transform(curves)
    monkeypatch.setitem(search_module.BLOCK_SIZE, "cpu", 1)
    np.testing.assert_allclose(PeriodFinder(**FAST).transform(curves), whole, rtol=1e-6)


def test__transform__out_of_memory__goes_on_with_half_a_batch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    curves = waves([0.71, 3.3, 1.1, 0.9, 2.2], [60, 47, 50, 45, 52])
    whole = PeriodFinder(**FAST).transform(curves)
    make = search_module.SearchableCurves.batch

    def full(self: Any, chosen: Any, device: Any) -> Any:
        if len(chosen) > 1:
            raise torch.OutOfMemoryError("no room")
        return make(self, chosen, device)

    monkeypatch.setattr(search_module.SearchableCurves, "batch", full)
    np.testing.assert_allclose(PeriodFinder(**FAST).transform(curves), whole, rtol=1e-5)
    assert "trying half" in caplog.text


def test__transform__leaves_torch_as_it_was() -> None:
    before = torch.get_num_threads(), torch.get_rng_state().tolist(), torch.is_grad_enabled()
    PeriodFinder(**FAST).transform(waves([0.7], [40]))
    assert before == (
        torch.get_num_threads(),
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
    )


def test__names__two_peaks__are_those_of_the_columns() -> None:
    finder = PeriodFinder(**FAST, n_peaks=2).set_output(transform="pandas")
    frame = finder.transform(waves([0.71, 3.3], [60, 47]))
    first = ["period_1", "power_1", "scatter_1", "scatter_double_1", "log_false_alarm_1"]
    assert list(frame.columns) == first + [name.replace("1", "2") for name in first]
    assert frame["period_1"].round(2).tolist() == [0.71, 3.3]
    assert frame["period_1"].dtype == np.float64


def test__pipeline__clone_and_params__work() -> None:
    pipeline = make_pipeline(PeriodFinder(**FAST), StandardScaler())
    copy = clone(pipeline).set_params(periodfinder__n_peaks=2)
    assert copy.fit_transform(waves([0.71, 3.3, 1.7], [60, 47, 50])).shape == (3, 10)
    assert pipeline[0].n_peaks == 1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"min_period": 0}, "min_period must be a positive number"),
        ({"max_period": "all"}, 'max_period must be one of "span"'),
        ({"max_period": 0.01}, "max_period=0.01 must be longer than min_period=0.05"),
        ({"n_peaks": 0}, "n_peaks must be a positive integer"),
        ({"n_terms": 1.5}, "n_terms must be a positive integer"),
        ({"oversampling": -1}, "oversampling must be a positive number"),
        ({"batch_size": 0}, 'batch_size must be a positive integer or "auto"'),
        ({"device": "gpu"}, "device='gpu' is not a device that torch knows"),
    ],
)
def test__fit__parameter_not_allowed__says_what_is(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PeriodFinder(**params).fit(waves([0.7], [40]))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test__transform__gpu__finds_what_the_cpu_finds() -> None:
    random = np.random.RandomState(0)
    curves = waves(random.uniform(0.5, 9, 40), random.randint(30, 200, 40))
    on_cpu = PeriodFinder(**FAST).transform(curves)
    on_gpu = PeriodFinder(0.3, device="cuda").transform(curves)
    np.testing.assert_allclose(on_gpu, on_cpu, rtol=1e-4)
